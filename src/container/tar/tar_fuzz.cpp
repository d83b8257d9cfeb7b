#include <cstdlib>
#include <string>

#include "container/tar/tar.h"

// Oracle: members lie inside the file, in order and apart; the coverage adds up to the file; and two
// readings agree.
namespace {

using namespace assay;

Parsed<container::Contents> read(bytes::View file) {
  const bytes::MemorySource source{file};
  bytes::Budget budget{{}, file.size()};
  return container::tar::read(source, budget);
}

std::uint64_t total(const bytes::Coverage& coverage) {
  std::uint64_t sum = 0;
  for (const auto n : coverage.total) sum += n;
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span{data, size});
  container::tar::looks_like(file);
  const auto first = read(file), second = read(file);
  std::uint64_t at = 0;
  for (const auto& e : first.facts.entries) {
    if (e.packed.begin < at || e.packed.end < e.packed.begin || e.packed.end > size) std::abort();
    if (e.header_offset >= e.packed.begin) std::abort();
    at = e.packed.end;
  }
  for (const auto& o : first.facts.oddities)
    if (o.offset > size) std::abort();
  if (first.stopped && first.stopped->offset > size) std::abort();
  if (!(first.facts.coverage.finish(size) == second.facts.coverage.finish(size))) std::abort();
  if (total(first.facts.coverage.finish(size)) != size) std::abort();
  if (first.facts.entries.size() != second.facts.entries.size()) std::abort();
  if (first.stopped.has_value() != second.stopped.has_value()) std::abort();
  return 0;
}
