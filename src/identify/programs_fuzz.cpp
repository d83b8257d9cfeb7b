#include <cstdlib>

#include "identify/programs.h"

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

// Oracle: programs lie inside, in order, apart from each other; each is one at its own start as well; a search that
// begins at one finds it first.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const auto all = std::as_bytes(std::span{data, size});
  const bytes::MemorySource source{all};
  const auto found = identify::find_programs(source, 0, size);
  std::uint64_t last = 0;
  for (const auto& p : found.facts) {
    require(p.begin >= last && p.begin < p.end && p.end <= size && !p.format.empty() && !p.says.empty());
    last = p.end;
    const bytes::WindowSource rest{source, p.begin, size - p.begin};
    const auto alone = identify::program_at_start(rest);
    require(alone.format == p.format && alone.end == p.end - p.begin);
    require(identify::find_programs(source, p.begin, size).facts.front() == p);
  }
  require(found.facts.size() <= identify::kMostPrograms);
  identify::has_macros(source);
  return 0;
}
