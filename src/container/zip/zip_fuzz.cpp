#include <cstdint>
#include <cstdlib>
#include <tuple>

#include "container/zip/zip.h"

namespace {

using namespace assay;

void require(bool promise) {
  if (!promise) std::abort();
}

Parsed<container::Contents> read(bytes::View all) {
  const bytes::MemorySource source{all};
  bytes::Budget budget{{}, all.size()};
  return container::zip::read(source, budget);
}

auto facts(const container::Entry& e) {
  return std::tie(e.name, e.kind, e.target, e.method, e.encrypted, e.header_offset, e.packed, e.declared_size,
                  e.declared_crc32);
}

}  // namespace

// Oracle: the promises of zip.h and contents.h, stopped or not; and a second reading that is the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto all = std::as_bytes(std::span{data, size});
  const auto parsed = read(all);
  const auto& entries = parsed.facts.entries;
  std::uint64_t last = 0;
  for (const auto& e : entries) {
    require(e.packed.begin <= e.packed.end && e.packed.end <= size && e.header_offset < e.packed.begin);
    require(last <= e.packed.begin && e.name.size() <= container::zip::kMostNameBytes);
    last = e.packed.begin;
  }
  // Every entry was read from a directory record, at most five readings each, or from a local header;
  // one record is read again for each end record at most.
  require(entries.size() <= 5 * 64 * (size / 30 + 1));

  const auto coverage = parsed.facts.coverage.finish(size);
  std::uint64_t total = 0;
  for (const auto bytes : coverage.total) total += bytes;
  require(total == size);
  const auto gaps = parsed.facts.coverage.gaps(size);
  auto gap = gaps.begin();
  for (const auto& e : entries) {  // both are in order
    while (gap != gaps.end() && gap->end <= e.packed.begin) ++gap;
    require(gap == gaps.end() || gap->begin >= e.packed.end);
  }

  const auto again = read(all);
  require(again.facts.entries.size() == entries.size() && again.stopped.has_value() == parsed.stopped.has_value());
  for (std::size_t i = 0; i < entries.size(); ++i) require(facts(entries[i]) == facts(again.facts.entries[i]));
  require(again.facts.oddities.size() == parsed.facts.oddities.size());
  // A file that begins like a zip is one, whatever follows.
  const bool begins = size >= 4 && bytes::text(all.first(4)) == "PK\3\4";
  require(container::zip::looks_like(bytes::MemorySource{all}) || !begins);
  return 0;
}
