#include "container/stream/stream.h"

#include <algorithm>
#include <array>

#include "bytes/reader.h"
#include "container/stream/decoder.h"

namespace assay::container::stream {
namespace {

constexpr std::size_t kHead = 64;                    // bytes that recognise() may need
constexpr std::size_t kTrial = 4096;                 // bytes that confirm() decompresses
constexpr std::uint64_t kTrialOutput = 1ull << 20;   // bytes
constexpr std::uint64_t kMostLzmaSize = 1ull << 40;  // bytes; a larger claim is not a size but noise
constexpr std::uint64_t kUnknownLzmaSize = UINT64_MAX;

unsigned byte_at(bytes::View head, std::size_t i) noexcept { return static_cast<unsigned>(head[i]); }

bool begins(bytes::View head, std::string_view magic) noexcept {
  return head.size() >= magic.size() && bytes::text(head.first(magic.size())) == magic;
}

bool is_gzip(bytes::View head) noexcept { return begins(head, "\x1f\x8b\x08"); }
bool is_xz(bytes::View head) noexcept {
  return begins(head, {"\xfd"
                       "7zXZ\0",
                       6});
}
bool is_zstd(bytes::View head) noexcept { return begins(head, "\x28\xb5\x2f\xfd"); }
bool is_lz4(bytes::View head) noexcept { return begins(head, "\x04\x22\x4d\x18"); }
bool is_legacy_lz4(bytes::View head) noexcept { return begins(head, "\x02\x21\x4c\x18"); }

/// 0x184D2A50 to 0x184D2A5F, shared by zstd and lz4.
bool is_skippable(bytes::View head) noexcept {
  return head.size() >= 8 && (byte_at(head, 0) & 0xf0) == 0x50 && begins(head.subspan(1), "\x2a\x4d\x18");
}

bool is_bzip2(bytes::View head) noexcept {
  if (head.size() < 10 || !begins(head, "BZh") || byte_at(head, 3) < '1' || byte_at(head, 3) > '9') return false;
  const auto block = head.subspan(4);
  return begins(block, "\x31\x41\x59\x26\x53\x59") || begins(block, "\x17\x72\x45\x38\x50\x90");
}

/// The two header bytes carry five bits of redundancy; the first deflate block must be possible too.
bool is_zlib(bytes::View head) noexcept {
  if (head.size() < 3) return false;
  const auto method = byte_at(head, 0), flags = byte_at(head, 1), block = byte_at(head, 2) >> 1 & 3;
  if ((method & 15) != 8 || method >> 4 > 7 || (method << 8 | flags) % 31 != 0 || (flags & 0x20) != 0 || block == 3)
    return false;
  if (block != 0 || head.size() < 7) return true;
  return (bytes::le_at<std::uint16_t>(head, 3) ^ bytes::le_at<std::uint16_t>(head, 5)) == 0xffff;
}

/// liblzma's own test for its automatic mode: sizes 2^n or 2^n + 2^(n-1), zero, or the largest.
bool is_lzma_dictionary(std::uint32_t size) noexcept {
  if (size == 0 || size == UINT32_MAX) return true;
  const auto low = size & (~size + 1);
  return size == low || size == (low | low << 1);
}

/// properties | u32 dictionary | u64 size | range coder, whose first byte is always zero
bool is_lzma(bytes::View head) noexcept {
  if (head.size() < 14 || byte_at(head, 0) >= 225 || byte_at(head, 13) != 0) return false;
  if (!is_lzma_dictionary(bytes::le_at<std::uint32_t>(head, 1))) return false;
  const auto size = bytes::le_at<std::uint64_t>(head, 5);
  return size != 0 && (size < kMostLzmaSize || size == kUnknownLzmaSize);
}

/// What a loader of `method` would still read at `head`, behind a first stream.
std::optional<Method> continued(Method method, bytes::View head) noexcept {
  switch (method) {
    case Method::gzip: return is_gzip(head) ? std::optional{method} : std::nullopt;
    case Method::bzip2: return is_bzip2(head) ? std::optional{method} : std::nullopt;
    case Method::xz:
    case Method::lzma:  // Python's LZMAFile detects the format anew for every stream
      if (is_xz(head)) return Method::xz;
      return is_lzma(head) ? std::optional{Method::lzma} : std::nullopt;
    case Method::zstd:
    case Method::lz4:
      if (is_zstd(head)) return Method::zstd;
      return is_lz4(head) ? std::optional{Method::lz4} : std::nullopt;
    default: return std::nullopt;  // Python's zlib and zipfile end with the first stream
  }
}

Result<void> skip_zeros(Input& in) {
  for (;;) {
    const auto head = TRY(in.ahead());
    const auto data = std::find_if(head.begin(), head.end(), [](std::byte b) { return b != std::byte{0}; });
    in.advance(static_cast<std::uint64_t>(data - head.begin()));
    if (head.empty() || data != head.end()) return {};
  }
}

class Decompression {
 public:
  Decompression(Method method, const bytes::Source& packed, bytes::Spool& spool, bytes::Budget& budget,
                std::optional<std::uint64_t> declared_size)
      : method_{method}, declared_size_{declared_size}, in_{packed, budget}, out_{spool, budget} {}

  Decoded run() {
    if (auto done = every_stream(); !done) decoded_.stopped = done.error();
    decoded_.consumed = in_.at();
    decoded_.produced = out_.produced();
    decoded_.crc32 = out_.crc32();
    decoded_.skipped = skipped_.take();
    return std::move(decoded_);
  }

 private:
  Result<void> every_stream() {
    for (;;) {
      TRY(skip_between());
      const auto next = TRY(next_method());
      if (!next) return {};
      auto* const decoder = decoder_of(*next);
      if (!decoder) return fail(Errc::unsupported, 0, "not a compression that is read");
      ++decoded_.streams;
      out_.begin_stream();
      if (TRY(decoder->decode_one(in_, out_, skipped_)) == Check::failed) decoded_.checksum_failed = true;
    }
  }

  /// Whatever stands at the very start is tried as `method_`, so that damage there is reported as damage.
  Result<std::optional<Method>> next_method() {
    const auto head = TRY(in_.ahead(kHead));
    const auto next = continued(method_, head);
    if (next || in_.at() > 0) return next;
    return std::optional{method_};
  }

  Result<void> skip_between() {
    if (method_ == Method::zstd || method_ == Method::lz4) return skip_frames();
    if ((method_ == Method::gzip || method_ == Method::xz || method_ == Method::lzma) && in_.at() > 0)
      return skip_zeros(in_);
    return {};
  }

  Result<void> skip_frames() {
    for (;;) {
      const auto head = TRY(in_.ahead(kHead));
      if (!is_skippable(head)) return {};
      const auto length = bytes::le_at<std::uint32_t>(head, 4);
      in_.advance(8);
      const auto begin = in_.at();
      const auto whole = in_.skip(length);
      skipped_.add(begin, in_.at());
      TRY(whole);
    }
  }

  Decoder* decoder_of(Method method) {
    auto& made = decoders_[static_cast<std::size_t>(method)];
    if (!made) made = create(method);
    return made.get();
  }

  std::unique_ptr<Decoder> create(Method method) const {
    switch (method) {
      case Method::deflate: return deflate_decoder();
      case Method::gzip: return gzip_decoder();
      case Method::zlib: return zlib_decoder();
      case Method::bzip2: return bzip2_decoder();
      case Method::xz: return xz_decoder();
      case Method::lzma: return lzma_decoder();
      case Method::zip_lzma: return zip_lzma_decoder(declared_size_);
      case Method::zstd: return zstd_decoder();
      case Method::lz4: return lz4_decoder();
      case Method::stored:
      case Method::unknown: break;
    }
    return nullptr;
  }

  Method method_;
  std::optional<std::uint64_t> declared_size_;
  Input in_;
  Output out_;
  Skipped skipped_;
  Decoded decoded_;
  std::array<std::unique_ptr<Decoder>, static_cast<std::size_t>(Method::unknown) + 1> decoders_;
};

std::optional<Method> by_magic(bytes::View head) noexcept {
  if (is_gzip(head)) return Method::gzip;
  if (is_xz(head)) return Method::xz;
  if (is_zstd(head)) return Method::zstd;
  if (is_lz4(head)) return Method::lz4;
  if (is_legacy_lz4(head)) return Method::unknown;
  if (is_bzip2(head)) return Method::bzip2;
  return std::nullopt;
}

}  // namespace

Decoded decode(Method method, const bytes::Source& source, bytes::Extent packed, bytes::Spool& out,
               bytes::Budget& budget, std::optional<std::uint64_t> declared_size) {
  const bytes::WindowSource window{source, packed.begin, packed.end > packed.begin ? packed.end - packed.begin : 0};
  return Decompression{method, window, out, budget, declared_size}.run();
}

std::optional<Method> recognise(bytes::View head) {
  if (const auto method = by_magic(head)) return method;
  if (is_skippable(head)) {
    // What follows the skippable frame names the family, where it is in sight.
    const auto length = bytes::le_at<std::uint32_t>(head, 4);
    const auto rest = head.subspan(8);
    return length < rest.size() && is_lz4(rest.subspan(length)) ? Method::lz4 : Method::zstd;
  }
  if (is_zlib(head)) return Method::zlib;
  if (is_lzma(head)) return Method::lzma;
  return std::nullopt;
}

std::uint64_t zfile_header(bytes::View head) {
  constexpr std::size_t kHeader = 2 + 19;  // bytes
  if (head.size() <= kHeader || !begins(head, "ZF")) return 0;
  const auto header = kHeader + (byte_at(head, kHeader) == ' ' ? 1 : 0);
  return is_zlib(head.subspan(header)) ? header : 0;
}

bool confirm(Method method, bytes::View head) {
  head = head.first(std::min(head.size(), kTrial));
  std::vector<std::byte> trial{head.begin(), head.end()};
  // A trial must not reserve gigabytes on a stranger's word: one MiB of dictionary reaches over all
  // the output that a trial may make.
  if (method == Method::lzma && is_lzma(head)) std::copy_n("\0\0\x10\0", 4, reinterpret_cast<char*>(trial.data() + 1));
  const bytes::MemorySource source{bytes::View{trial}};
  bytes::SpoolFile memory{-1};
  bytes::Spool spool{memory};
  bytes::Limits limits;
  limits.inflated_bytes = kTrialOutput;
  bytes::Budget budget{limits, trial.size()};
  const auto decoded = decode(method, source, {0, trial.size()}, spool, budget);
  if (!decoded.stopped) return true;
  return decoded.stopped->code == Errc::truncated || decoded.stopped->code == Errc::limit_reached;
}

}  // namespace assay::container::stream
