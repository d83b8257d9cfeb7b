// Oracle: whatever the bytes, each reader of a checkpoint leaves a valid document, and reading from a file says
// the same as reading from memory. Bytes are inert only where the file has them.
#include <cstdlib>

#include "format/pickle/sample.h"
#include "format/torch/checkpoint.h"

namespace {

using namespace assay;
using namespace assay::format;
using format::pickle::sample::Facts;
using format::pickle::sample::FarSource;
using Reader = void (*)(const bytes::Source&, MemberFacts&);

bytes::Limits limits() {
  bytes::Limits few;
  few.opcodes = 1'000'000;
  few.memo_slots = 1'000'000;
  few.facts = 5000;
  few.seconds = 60;
  return few;
}

Document read(Reader reader, const bytes::Source& source) {
  Facts f{source.size(), limits()};
  reader(source, f.facts);
  return f.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input{reinterpret_cast<const char*>(data), size};
  const bytes::MemorySource near{bytes::view(input)};
  const FarSource far{input};
  const Reader readers[] = {
      [](const bytes::Source& source, MemberFacts& facts) {
        torch::read_legacy(source, facts, [](const torch::Tensor&) {});
      },
      [](const bytes::Source& source, MemberFacts& facts) { torch::read_tar_storages(source, facts); },
      [](const bytes::Source& source, MemberFacts& facts) { torch::read_tar_tensors(source, facts); }};
  for (const auto reader : readers) {
    const auto document = read(reader, near);
    if (!validate(document)) std::abort();
    if (!(read(reader, far) == document)) std::abort();
  }
  return 0;
}
