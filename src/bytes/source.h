// Where bytes come from: random access by range, size known, never mapped (a mapped file that
// shrinks kills the process with SIGBUS; pread merely returns less).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::bytes {

/// Where bytes lie in an open file.
struct Origin {
  int descriptor;
  std::uint64_t offset;
};

/// Random access to bytes of a known size. Offsets count from the start of this source.
/// Not thread-safe; every reader of one source lives on one thread.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::uint64_t size() const noexcept = 0;

  /// Copies the bytes from `offset` into `out` and returns how many there were. Fewer than
  /// out.size() only at the end of the source. A file that shrank since it was opened gives
  /// Errc::changed.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;

  /// All bytes, where they are in memory anyway; empty otherwise (and for an empty source).
  virtual View in_memory() const noexcept { return {}; }

  /// Where its first byte lies, if all of it lies in one file in a row.
  virtual std::optional<Origin> origin() const noexcept { return std::nullopt; }
};

/// Exactly `n` bytes from `offset`, or Errc::truncated. Allocates n bytes, so the caller has
/// compared n with source.size() or with a bound of its own.
Result<std::vector<std::byte>> read_exactly(const Source& source, std::uint64_t offset, std::uint64_t n);

/// At most `n` bytes from `offset`.
Result<std::vector<std::byte>> read_up_to(const Source& source, std::uint64_t offset, std::uint64_t n);

class MemorySource final : public Source {
 public:
  /// `all` must outlive the source.
  explicit MemorySource(View all) noexcept : all_{all} {}
  explicit MemorySource(std::vector<std::byte> owned) noexcept : owned_{std::move(owned)}, all_{owned_} {}
  MemorySource(const MemorySource&) = delete;
  MemorySource& operator=(const MemorySource&) = delete;

  std::uint64_t size() const noexcept override { return all_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  View in_memory() const noexcept override { return all_; }

 private:
  std::vector<std::byte> owned_;
  View all_;
};

/// Reads an open descriptor with pread. Does not own or close it.
class FileSource final : public Source {
 public:
  /// `size` as fstat gave it when the artifact's identity was pinned.
  FileSource(int descriptor, std::uint64_t size) noexcept : descriptor_{descriptor}, size_{size} {}

  std::uint64_t size() const noexcept override { return size_; }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  std::optional<Origin> origin() const noexcept override { return Origin{descriptor_, 0}; }

 private:
  int descriptor_;
  std::uint64_t size_;
};

/// A range of another source, which must outlive it. The range is clipped to the whole.
class WindowSource final : public Source {
 public:
  WindowSource(const Source& whole, std::uint64_t begin, std::uint64_t length) noexcept;

  std::uint64_t size() const noexcept override { return length_; }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  View in_memory() const noexcept override;
  std::optional<Origin> origin() const noexcept override;

 private:
  const Source& whole_;
  std::uint64_t begin_;
  std::uint64_t length_;
};

}  // namespace assay::bytes
