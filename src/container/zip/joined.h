// From all readings to one list, and what shows only when they stand side by side.
#pragma once
#include <unordered_set>

#include "container/zip/oddities.h"

namespace assay::container::zip {

/// Sorts by `packed`, merges entries of equal (packed, method), and notes duplicates and overlaps.
/// Members whose local header is in `open` have no known end and overlap nothing.
/// O(n log n); 16 bytes per entry besides the sort's own buffer.
void join_readings(std::vector<Entry>& entries, const std::unordered_set<std::uint64_t>& open, Oddities& oddities);

}  // namespace assay::container::zip
