// What an engine outside of the cell is to see of an artifact: ranges of the file itself where they are, and copies in
// the lent spool of what had to be decoded.
#pragma once
#include <cstdint>
#include <vector>

#include "bytes/spool.h"
#include "scan/examine.h"

namespace assay::scan {

/// One member's bytes.
struct Export {
  std::uint32_t member = 0;
  bool spooled = false;  ///< in the lent spool; else in the file
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::vector<bytes::Extent> tensors;  ///< of the member
  bool operator==(const Export&) const = default;
};

/// Runs in the cell, for one artifact.
class Exporter {
 public:
  Exporter(const bytes::Source& root, bytes::SpoolFile& spool) : root_{root}, spool_{spool} {}

  void add(const MemberBytes& bytes);

  /// There is something to copy, and no spool to copy it to.
  bool needs_spool() const noexcept { return needs_spool_; }
  /// Some of it could not be written.
  bool is_cut() const noexcept { return cut_; }
  std::vector<Export> take() { return std::move(exports_); }

 private:
  /// Where the bytes lie already.
  bool lies_somewhere(const bytes::Source& source, Export& out) const;
  Result<void> copy(const bytes::Source& source, Export& out);

  const bytes::Source& root_;
  bytes::SpoolFile& spool_;
  std::vector<Export> exports_;
  bool needs_spool_ = false;
  bool cut_ = false;
};

/// Whether a hostile cell's `exports` stay inside: members of the document, bytes of the file and of the spool.
bool are_inside(const std::vector<Export>& exports, std::size_t members, std::uint64_t file_bytes,
                std::uint64_t spool_bytes);

}  // namespace assay::scan
