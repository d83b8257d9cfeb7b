// Small looks at far places of a source, one block at a time.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bytes/source.h"

namespace assay::identify {

inline bool begins(bytes::View v, std::string_view magic) noexcept {
  // Nearly every magic number is ruled out by its first byte, without a call.
  return v.size() >= magic.size() && !magic.empty() && static_cast<char>(v[0]) == magic[0] &&
         bytes::text(v.first(magic.size())) == magic;
}

/// Zero behind the end, so that checks of single bytes need no length check before them.
inline unsigned byte_at(bytes::View v, std::size_t i) noexcept {
  return i < v.size() ? static_cast<unsigned>(v[i]) : 0;
}

/// A big- or little-endian number of `n` <= 8 bytes; bytes behind the end count as zero.
inline std::uint64_t big(bytes::View v, std::size_t at, std::size_t n) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < n; ++i) out = out << 8 | byte_at(v, at + i);
  return out;
}
inline std::uint64_t little(bytes::View v, std::size_t at, std::size_t n) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = n; i > 0; --i) out = out << 8 | byte_at(v, at + i - 1);
  return out;
}

/// `source` must outlive it.
class Look {
 public:
  static constexpr std::size_t kBlock = 64 << 10;           ///< bytes
  static constexpr std::uint64_t kMostRead = 256ull << 20;  ///< bytes; no structure is walked further

  explicit Look(const bytes::Source& source) : source_{source}, whole_{source.in_memory()} {}
  std::uint64_t size() const noexcept { return source_.size(); }

  /// At most `n` <= kBlock bytes at `offset`: fewer at the end, none where the source fails or enough
  /// was read. Valid until the next call.
  bytes::View at(std::uint64_t offset, std::size_t n) {
    if (offset >= size()) return {};
    n = static_cast<std::size_t>(std::min<std::uint64_t>(n, size() - offset));
    if (!whole_.empty()) return whole_.subspan(static_cast<std::size_t>(offset), n);
    if (offset < begin_ || offset - begin_ > have_ || n > have_ - (offset - begin_)) fill(offset, n);
    if (offset < begin_ || offset - begin_ >= have_) return {};
    const auto skip = static_cast<std::size_t>(offset - begin_);
    return bytes::View{block_}.subspan(skip, std::min(n, have_ - skip));
  }

 private:
  void fill(std::uint64_t offset, std::size_t n) {
    // A far look (an index, a tail) is short; only who walks on gets whole blocks.
    const bool walking = read_ > 0 && offset >= begin_ && offset <= begin_ + have_;
    const auto want = std::max<std::size_t>(n, walking ? kBlock : 4096);
    begin_ = offset;
    have_ = 0;
    if (read_ >= kMostRead) return;
    if (block_.size() < want) block_.resize(want);
    const auto got = source_.read_at(offset, std::span{block_}.first(want));
    if (!got) return;
    have_ = *got;
    read_ += have_;
  }

  const bytes::Source& source_;
  bytes::View whole_;  ///< where it is in memory anyway
  std::vector<std::byte> block_;
  std::uint64_t begin_ = 0;
  std::size_t have_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace assay::identify
