// Oracle: reading from memory and from a file says the same; what is accepted tiles the file, is written again by
// header(), and that reads as the same tensors and metadata.
#include <cstdlib>

#include "format/safetensors/safetensors.h"

namespace {

using namespace assay;
using namespace assay::format::safetensors;

void check(bool holds) {
  if (!holds) std::abort();
}

Parsed<File> read(const bytes::Source& source) {
  bytes::Limits few;
  few.facts = 10'000;
  few.seconds = 60;
  bytes::Budget budget{few, source.size()};
  return parse(source, budget);
}

void check_tiling(const File& file, std::uint64_t size) {
  std::uint64_t at = 0;
  for (const auto& t : file.tensors) {
    check(t.begin == at && bytes_of(t.dtype, t.shape) == t.end - t.begin);
    at = t.end;
  }
  check(file.data_begin + at == size);
}

void check_written_again(const File& file) {
  auto tensors = file.tensors;
  const auto again = header(tensors, file.metadata);
  check(again.has_value() && tensors == file.tensors && again->size() % 8 == 0);
  const auto data = tensors.empty() ? 0 : tensors.back().end;
  const auto whole = *again + std::string(static_cast<std::size_t>(data), '\0');
  const auto parsed = read(bytes::MemorySource{bytes::view(whole)});
  check(!parsed.stopped && !parsed.facts.refused && parsed.facts.oddities.empty());
  check(parsed.facts.tensors == file.tensors && parsed.facts.metadata == file.metadata);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bytes::MemorySource source{std::as_bytes(std::span{data, size})};
  const auto parsed = read(source);
  const auto& file = parsed.facts;
  check(file.data_begin <= size);
  if (parsed.stopped) check(parsed.stopped->code == Errc::limit_reached || file.refused.has_value());
  if (parsed.stopped || file.refused) return 0;
  check_tiling(file, size);
  check_written_again(file);
  return 0;
}
