// Where each loader would look for the central directory.
#pragma once
#include <vector>

#include "bytes/coverage.h"
#include "container/zip/records.h"
#include "container/zip/window.h"

namespace assay::container::zip {

/// CPython looks back 64 KiB and the record; miniz up to 4 KiB further. The widest view is taken.
inline constexpr std::uint64_t kTailBytes = (64u << 10) + kEndBytes + (4u << 10);
inline constexpr std::size_t kMostEnds = 64;  ///< end records followed; an honest archive has one

/// A place where some loader would begin to read directory records.
struct Directory {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< where the record that names it stands
  std::uint64_t declared_bytes = 0;
  std::uint64_t declared_count = 0;
  std::uint64_t bias = 0;  ///< add to every header offset, modulo 2^64: the bytes before the archive
  bool classic = true;     ///< `declared_count` has 16 bits
};

/// One end record with everything that hangs on it.
struct Ending {
  std::uint64_t at = 0;
  End end;
  std::vector<Directory> directories;  ///< those that begin with a record, or are empty as declared
  std::vector<bytes::Extent> records;  ///< of the end records themselves
  bool zip64_odd = false;              ///< the records contradict each other
};

/// Offsets of end signatures in the tail, the last first; at most kMostEnds + 1.
std::vector<std::uint64_t> find_ends(const bytes::Source& source, Window& in);

Ending follow_end(Window& in, std::uint64_t at);

}  // namespace assay::container::zip
