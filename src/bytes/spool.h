// Where decompressed bytes go: memory while they are few, then an unlinked file that the parent lent.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "bytes/source.h"

namespace assay::bytes {

/// The lent file, shared by all spools of one artifact. Space is handed out upwards and never reused,
/// so bytes of two members cannot mix.
class SpoolFile {
 public:
  /// `descriptor` is open for reading and writing and not owned; -1 means that there is none and that
  /// everything stays in memory.
  explicit SpoolFile(int descriptor) noexcept : descriptor_{descriptor} {}
  int descriptor() const noexcept { return descriptor_; }

 private:
  friend class Spool;
  int descriptor_;
  std::uint64_t used_ = 0;  // bytes
};

/// Append-only bytes that become a Source. One spool is written at a time per SpoolFile.
class Spool {
 public:
  static constexpr std::uint64_t kInMemory = 4 << 20;

  /// `in_memory`: bytes kept before the file is used; 0 for who hands the file on.
  explicit Spool(SpoolFile& file, std::uint64_t in_memory = kInMemory) noexcept : file_{file}, in_memory_{in_memory} {}

  /// Errc::io when the disk is full.
  Result<void> append(View bytes);
  std::uint64_t size() const noexcept { return size_; }
  /// Where its bytes begin in the file, once some of them are there.
  std::uint64_t begin() const noexcept { return begin_; }

  /// What was appended. The spool is empty afterwards; the SpoolFile must outlive the source.
  std::unique_ptr<Source> finish();

 private:
  Result<void> spill();

  SpoolFile& file_;
  std::uint64_t in_memory_;
  std::vector<std::byte> memory_;
  std::uint64_t begin_ = 0;  // in the file, once spilled
  std::uint64_t size_ = 0;
  bool spilled_ = false;
};

}  // namespace assay::bytes
