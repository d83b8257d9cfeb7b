#include <cstdint>
#include <cstdlib>
#include <string>

#include "bytes/digest.h"
#include "container/stream/stream.h"

// Oracle: a stream never takes more than it was given, never makes more than the budget, accounts for
// what it made, and says the same twice. The first byte chooses the method.
namespace {

using namespace assay;

constexpr std::uint64_t kMost = 4 << 20;

struct Outcome {
  container::stream::Decoded decoded;
  std::string digest;
};

Outcome run(container::Method method, bytes::View packed) {
  const bytes::MemorySource source{packed};
  bytes::SpoolFile memory{-1};
  bytes::Spool spool{memory};
  bytes::Limits limits;
  limits.inflated_bytes = kMost;
  bytes::Budget budget{limits, packed.size()};
  Outcome out;
  out.decoded = container::stream::decode(method, source, {0, packed.size()}, spool, budget, 100'000);
  if (out.decoded.produced != spool.size() || out.decoded.produced > kMost) std::abort();
  const auto made = spool.finish();
  out.digest = bytes::sha256(*made).value();
  return out;
}

void check(container::Method method, bytes::View packed) {
  const auto first = run(method, packed), second = run(method, packed);
  const auto& d = first.decoded;
  if (d.consumed > packed.size() || (d.stopped && d.stopped->offset > packed.size())) std::abort();
  if (!d.stopped && d.streams == 0 && d.produced != 0) std::abort();
  std::uint64_t at = 0;
  for (const auto& e : d.skipped) {
    if (e.begin < at || e.end <= e.begin || e.end > d.consumed) std::abort();
    at = e.end;
  }
  if (d.consumed != second.decoded.consumed || d.crc32 != second.decoded.crc32 || first.digest != second.digest)
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto all = std::as_bytes(std::span{data, size});
  if (const auto method = container::stream::recognise(all)) check(*method, all);
  const auto chosen = static_cast<container::Method>(data[0] % (static_cast<unsigned>(container::Method::unknown) + 1));
  container::stream::confirm(chosen, all.subspan(1));
  check(chosen, all.subspan(1));
  return 0;
}
