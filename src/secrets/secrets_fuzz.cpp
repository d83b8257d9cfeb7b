#include <cstdlib>
#include <string_view>

#include "secrets/secrets.h"

namespace {

using assay::bytes::View;
using assay::secrets::detectors;
using assay::secrets::Hit;
using assay::secrets::Scanner;

void require(bool promise) {
  if (!promise) std::abort();
}

Scanner& scanner() {
  static Scanner one = [] {
    auto opened = Scanner::open();
    require(opened.has_value());
    return std::move(*opened);
  }();
  return one;
}

/// Blocks of sizes that the bytes themselves choose.
std::vector<Hit> in_blocks(View all) {
  std::size_t bytes = 1;
  while (!all.empty()) {
    const auto block = all.first(std::min(all.size(), bytes));
    scanner().feed(block);
    all = all.subspan(block.size());
    bytes = 1 + std::to_integer<std::size_t>(block.back()) % 61;
  }
  return scanner().finish();
}

}  // namespace

// Oracle: hits lie inside, in order, apart from each other; blocks make no difference; nothing is left over for the
// next.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto all = std::as_bytes(std::span{data, size});
  scanner().feed(all);
  const auto hits = scanner().finish();
  const bool was_cut = scanner().cut();
  std::uint64_t last = 0;
  for (const auto& hit : hits) {
    require(hit.detector < detectors().size() && hit.begin >= last && hit.begin < hit.end && hit.end <= size);
    last = hit.end;
  }
  require(in_blocks(all) == hits && scanner().cut() == was_cut);
  require(scanner().finish().empty() && !scanner().cut());
  return 0;
}
