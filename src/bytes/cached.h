// A source through a few of its blocks, for readers that look at many small places near each other: without it, each of
// a million short texts is a system call.
#pragma once
#include <array>
#include <vector>

#include "bytes/source.h"

namespace assay::bytes {

class CachedSource final : public Source {
 public:
  static constexpr std::uint64_t kBlock = 16 << 10;  ///< bytes
  static constexpr std::size_t kBlocks = 64;         ///< 1 MiB in all

  /// `whole` must outlive it, and must not change.
  explicit CachedSource(const Source& whole) : whole_{whole} {}

  std::uint64_t size() const noexcept override { return whole_.size(); }
  /// Reads longer than a block go past the cache.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  View in_memory() const noexcept override { return whole_.in_memory(); }
  std::optional<Origin> origin() const noexcept override { return whole_.origin(); }

 private:
  struct Block {
    std::uint64_t number = ~std::uint64_t{0};
    std::vector<std::byte> bytes;
  };
  Result<const Block*> block(std::uint64_t number) const;

  const Source& whole_;
  mutable std::array<Block, kBlocks> blocks_;
};

}  // namespace assay::bytes
