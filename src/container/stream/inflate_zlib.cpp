// The only file that calls zlib. Headers and trailers of gzip and zlib are read by our own code, as
// Python's gzip module does, because zlib's own wrapper refuses what that module takes (reserved flag
// bits, a wrong header checksum) and drops a stream whose checksum is wrong.
#define ZLIB_CONST  // the library then takes its input as const
#include <zlib.h>

#include "container/stream/decoder.h"

namespace assay::container::stream {
namespace {

constexpr unsigned kHeaderCrc = 2, kExtra = 4, kName = 8, kComment = 16;  // gzip flag bits
constexpr unsigned kDeflate = 8;
constexpr unsigned kDictionary = 0x20;

class Inflater {
 public:
  Inflater() noexcept { ready_ = inflateInit2(&z_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&z_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<void> run(Input& in, Output& out, std::uint32_t* adler = nullptr) {
    if (!ready_ || inflateReset(&z_) != Z_OK)
      return fail(Errc::limit_reached, in.at(), "no memory for a deflate stream");
    for (;;) {
      const auto head = TRY(in.ahead());
      const auto block = out.block();
      z_.next_in = reinterpret_cast<const Bytef*>(head.data());
      z_.avail_in = static_cast<uInt>(head.size());
      z_.next_out = reinterpret_cast<Bytef*>(block.data());
      z_.avail_out = static_cast<uInt>(block.size());
      const int code = inflate(&z_, Z_NO_FLUSH);
      in.advance(head.size() - z_.avail_in);
      const auto n = block.size() - z_.avail_out;
      if (adler)
        *adler = static_cast<std::uint32_t>(
            adler32(*adler, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(n)));
      TRY(out.deliver(n, in.at()));
      if (code == Z_STREAM_END) return {};
      if (code != Z_OK && code != Z_BUF_ERROR) return fail(Errc::malformed, in.at(), "damaged deflate stream");
      if (head.empty() && n == 0) return fail(Errc::truncated, in.at(), "the deflate stream ends early");
    }
  }

 private:
  z_stream z_{};
  bool ready_ = false;
};

class DeflateDecoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    TRY(inflater_.run(in, out));
    return Check::passed;
  }

 private:
  Inflater inflater_;
};

Result<void> skip_text(Input& in, Skipped& skipped) {
  const auto begin = in.at();
  while (TRY(in.byte()) != 0) {
  }
  skipped.add(begin, in.at());
  return {};
}

Result<void> skip_gzip_header(Input& in, Skipped& skipped) {
  const auto begin = in.at();
  if (TRY(in.le16()) != 0x8b1f) return fail(Errc::malformed, begin, "not a gzip member");
  if (TRY(in.byte()) != kDeflate) return fail(Errc::unsupported, begin, "gzip member with an unknown method");
  const unsigned flags = TRY(in.byte());
  TRY(in.skip(6));  // time, extra flags, operating system
  if (flags & kExtra) {
    const auto extra = TRY(in.le16());
    const auto extra_begin = in.at();
    TRY(in.skip(extra));
    skipped.add(extra_begin, in.at());
  }
  if (flags & kName) TRY(skip_text(in, skipped));
  if (flags & kComment) TRY(skip_text(in, skipped));
  if (flags & kHeaderCrc) TRY(in.skip(2));
  return {};
}

class GzipDecoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped& skipped) override {
    TRY(skip_gzip_header(in, skipped));
    TRY(inflater_.run(in, out));
    const auto crc = TRY(in.le32());
    const auto length = TRY(in.le32());
    const bool same = crc == out.stream_crc32() && length == static_cast<std::uint32_t>(out.stream_bytes());
    return same ? Check::passed : Check::failed;
  }

 private:
  Inflater inflater_;
};

class ZlibDecoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    const auto begin = in.at();
    const unsigned method = TRY(in.byte());
    const unsigned flags = TRY(in.byte());
    if ((method & 15) != kDeflate || method >> 4 > 7 || (method << 8 | flags) % 31 != 0)
      return fail(Errc::malformed, begin, "not a zlib stream");
    if (flags & kDictionary) return fail(Errc::unsupported, begin, "zlib stream with a preset dictionary");
    std::uint32_t adler = 1;
    TRY(inflater_.run(in, out, &adler));
    std::uint32_t declared = 0;
    for (int i = 0; i < 4; ++i) declared = declared << 8 | TRY(in.byte());
    return declared == adler ? Check::passed : Check::failed;
  }

 private:
  Inflater inflater_;
};

}  // namespace

std::unique_ptr<Decoder> deflate_decoder() { return std::make_unique<DeflateDecoder>(); }
std::unique_ptr<Decoder> gzip_decoder() { return std::make_unique<GzipDecoder>(); }
std::unique_ptr<Decoder> zlib_decoder() { return std::make_unique<ZlibDecoder>(); }

std::uint32_t crc32_of(std::uint32_t so_far, bytes::View bytes) noexcept {
  return static_cast<std::uint32_t>(crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t crc32_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) noexcept {
  return static_cast<std::uint32_t>(crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

}  // namespace assay::container::stream
