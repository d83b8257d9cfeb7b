// Line numbers of places in a member, for people.
#pragma once
#include <cstdint>

#include "bytes/source.h"

namespace assay::scan {

/// For ascending offsets of one member, so that its bytes are read once, and only where something was found.
class Lines {
 public:
  /// `source` must outlive it.
  explicit Lines(const bytes::Source& source) : source_{source} {}

  /// Counted from 1. 0 from the first NUL on, as then it is no text, and where the bytes cannot be read.
  std::uint64_t of(std::uint64_t offset);

 private:
  const bytes::Source& source_;
  std::uint64_t at_ = 0;     ///< everything before it is counted
  std::uint64_t lines_ = 0;  ///< that have ended there
  bool is_text_ = true;
};

}  // namespace assay::scan
