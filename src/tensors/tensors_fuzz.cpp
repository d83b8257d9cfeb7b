#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/text.h"
#include "bytes/reader.h"
#include "tensors/tensors.h"

namespace {

using namespace assay;

/// Few enough of everything that no input takes long.
bytes::Limits small_limits() {
  bytes::Limits limits;
  limits.inflated_floor = 1 << 20;
  limits.inflated_ratio = 10;
  limits.members = 1000;
  limits.opcodes = 200'000;
  limits.memo_slots = 100'000;
  limits.facts = 1000;
  limits.seconds = 10;
  return limits;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Oracle: what an honest cell says passes the parent's checks and comes back as it was; so every tensor lies inside the
// file or the spool and has a name that is text. And there are tensors only where the outcome says so.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes::MemorySource source{std::as_bytes(std::span{data, size})};
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::tmpfile(), &std::fclose};
  bytes::SpoolFile spool{::fileno(file.get())};
  for (const auto& key : {std::optional<std::string>{}, std::optional<std::string>{""}}) {
    const auto set = tensors::read(source, spool, {small_limits(), key, {}});
    std::fseek(file.get(), 0, SEEK_END);
    const auto raw = tensors::encode(set);
    const auto back = tensors::decode(bytes::view(raw), size, static_cast<std::uint64_t>(std::ftell(file.get())));
    expect(back.has_value());
    expect(back->tensors == set.tensors && tensors::encode(*back) == raw);
    const bool is_read = set.outcome == tensors::Set::Outcome::read;
    expect(is_read ? set.why.empty() : set.tensors.empty() && !set.why.empty());
  }
  return 0;
}
