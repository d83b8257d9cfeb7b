// Oracle: whatever is accepted is valid, and writing it and reading it again changes nothing.
#include <cstdlib>

#include "format/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::format;
  const auto first = decode(std::as_bytes(std::span{data, size}));
  if (!first) return 0;
  if (!validate(*first)) std::abort();
  const auto second = decode(assay::bytes::view(encode(*first)));
  if (!second || !(*second == *first)) std::abort();
  return 0;
}
