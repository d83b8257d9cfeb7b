// Inside container/stream: what the adapters share. Each adapter wraps one library.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/source.h"
#include "bytes/spool.h"
#include "container/stream/stream.h"

namespace assay::container::stream {

/// The packed bytes, through one fixed block.
class Input {
 public:
  static constexpr std::size_t kBlock = 256 << 10;

  /// `packed` and `budget` must outlive the Input.
  Input(const bytes::Source& packed, bytes::Budget& budget) noexcept : packed_{packed}, budget_{budget} {}

  /// What is buffered: at least `least` bytes (at most kBlock), fewer only at the end of the range.
  Result<bytes::View> ahead(std::size_t least = 1);
  /// Steps over `n` bytes, buffered or not; never past the end.
  void advance(std::uint64_t n) noexcept;

  /// The next byte, or Errc::truncated.
  Result<std::uint8_t> byte();
  /// A little-endian number, or Errc::truncated.
  Result<std::uint32_t> le16();
  Result<std::uint32_t> le32();
  /// Steps over `n` bytes, or Errc::truncated.
  Result<void> skip(std::uint64_t n);

  std::uint64_t at() const noexcept { return at_; }
  std::uint64_t left() const noexcept { return packed_.size() - at_; }

 private:
  const bytes::Source& packed_;
  bytes::Budget& budget_;
  std::unique_ptr<std::byte[]> block_;  // not cleared: a small stream would cost more to make room for than to read
  std::size_t room_ = 0;
  std::size_t begin_ = 0;  // of the buffered bytes in block_
  std::size_t end_ = 0;
  std::uint64_t at_ = 0;  // of block_[begin_] in the packed range
};

/// Where decompressed bytes go: charged first, then kept.
class Output {
 public:
  static constexpr std::size_t kBlock = 128 << 10;

  Output(bytes::Spool& spool, bytes::Budget& budget)
      : spool_{spool}, budget_{budget}, block_{std::make_unique_for_overwrite<std::byte[]>(kBlock)} {}

  /// The block that decompressors write into, lent until deliver().
  std::span<std::byte> block() noexcept { return {block_.get(), kBlock}; }
  /// Keeps the first `n` bytes of block(). `at` is where the packed bytes stand, for the error.
  Result<void> deliver(std::size_t n, std::uint64_t at);

  /// A new stream begins: its own checksum and length start from zero.
  void begin_stream() noexcept;
  std::uint32_t stream_crc32() const noexcept { return stream_crc32_; }
  std::uint64_t stream_bytes() const noexcept { return stream_bytes_; }

  std::uint64_t produced() const noexcept { return produced_; }
  std::uint32_t crc32() const noexcept;

 private:
  bytes::Spool& spool_;
  bytes::Budget& budget_;
  std::unique_ptr<std::byte[]> block_;  // likewise
  std::uint64_t produced_ = 0;
  std::uint32_t earlier_crc32_ = 0;  // of all streams before this one
  std::uint32_t stream_crc32_ = 0;
  std::uint64_t stream_bytes_ = 0;
};

/// Header bytes that no decompressor reads.
class Skipped {
 public:
  void add(std::uint64_t begin, std::uint64_t end);
  std::vector<bytes::Extent> take() noexcept { return std::move(extents_); }

 private:
  std::vector<bytes::Extent> extents_;
};

enum class Check { passed, failed };

/// One library's decompressor, used again for every stream of a range.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Decodes exactly one stream; `in` stands behind it afterwards, or where the damage is.
  virtual Result<Check> decode_one(Input& in, Output& out, Skipped& skipped) = 0;
};

std::unique_ptr<Decoder> deflate_decoder();
std::unique_ptr<Decoder> gzip_decoder();
std::unique_ptr<Decoder> zlib_decoder();
std::unique_ptr<Decoder> bzip2_decoder();
std::unique_ptr<Decoder> xz_decoder();
std::unique_ptr<Decoder> lzma_decoder();
std::unique_ptr<Decoder> zip_lzma_decoder(std::optional<std::uint64_t> declared_size);
std::unique_ptr<Decoder> zstd_decoder();
std::unique_ptr<Decoder> lz4_decoder();

std::uint32_t crc32_of(std::uint32_t so_far, bytes::View bytes) noexcept;
std::uint32_t crc32_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) noexcept;

}  // namespace assay::container::stream
