// The only file that calls liblzma: xz, lzma alone, and the raw LZMA1 of zip method 14. The library
// does not tell a wrong xz check from other damage, and Python's lzma stops at either.
#include <lzma.h>

#include <cstdlib>

#include "container/stream/decoder.h"

namespace assay::container::stream {
namespace {

constexpr std::string_view kTooMuchMemory = "the lzma dictionary is larger than the decoder's memory limit (128 MiB)";

class Stream {
 public:
  Stream() = default;
  ~Stream() { lzma_end(&z_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  lzma_stream* raw() noexcept { return &z_; }

  Result<Check> run(Input& in, Output& out, lzma_ret started) {
    TRY(judge(started, in.at()));
    for (;;) {
      const auto head = TRY(in.ahead());
      const auto block = out.block();
      z_.next_in = reinterpret_cast<const std::uint8_t*>(head.data());
      z_.avail_in = head.size();
      z_.next_out = reinterpret_cast<std::uint8_t*>(block.data());
      z_.avail_out = block.size();
      const auto code = lzma_code(&z_, LZMA_RUN);
      in.advance(head.size() - z_.avail_in);
      const auto n = block.size() - z_.avail_out;
      TRY(out.deliver(n, in.at()));
      if (code == LZMA_STREAM_END) return Check::passed;
      TRY(judge(code, in.at()));
      if (head.empty() && n == 0) return fail(Errc::truncated, in.at(), "the lzma stream ends early");
    }
  }

 private:
  static Result<void> judge(lzma_ret code, std::uint64_t at) {
    switch (code) {
      case LZMA_OK:
      case LZMA_BUF_ERROR:  // no progress; run() sees whether the input is over
      case LZMA_NO_CHECK:
      case LZMA_UNSUPPORTED_CHECK:
      case LZMA_GET_CHECK: return {};
      case LZMA_MEM_ERROR: return fail(Errc::limit_reached, at, "no memory for an lzma stream");
      case LZMA_MEMLIMIT_ERROR: return fail(Errc::limit_reached, at, kTooMuchMemory);
      case LZMA_OPTIONS_ERROR: return fail(Errc::unsupported, at, "xz stream with unknown options");
      default: return fail(Errc::malformed, at, "damaged lzma stream");
    }
  }

  lzma_stream z_ = LZMA_STREAM_INIT;
};

class XzDecoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    return stream_.run(in, out, lzma_stream_decoder(stream_.raw(), kMostDecoderMemory, 0));
  }

 private:
  Stream stream_;
};

class LzmaDecoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    return stream_.run(in, out, lzma_alone_decoder(stream_.raw(), kMostDecoderMemory));
  }

 private:
  Stream stream_;
};

class ZipLzmaDecoder final : public Decoder {
 public:
  explicit ZipLzmaDecoder(std::optional<std::uint64_t> declared_size) noexcept : declared_size_{declared_size} {}

  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    const auto begin = in.at();
    TRY(in.le16());  // version of the packer
    if (TRY(in.le16()) != 5) return fail(Errc::malformed, begin, "lzma properties are not five bytes long");
    std::array<std::uint8_t, 5> properties{};
    for (auto& byte : properties) byte = TRY(in.byte());

    lzma_filter filters[2] = {{LZMA_FILTER_LZMA1, nullptr}, {LZMA_VLI_UNKNOWN, nullptr}};
    if (lzma_properties_decode(&filters[0], nullptr, properties.data(), properties.size()) != LZMA_OK)
      return fail(Errc::malformed, begin, "impossible lzma properties");
    const std::unique_ptr<void, void (*)(void*)> owner{filters[0].options, std::free};
    if (lzma_raw_decoder_memusage(filters) > kMostDecoderMemory)
      return fail(Errc::limit_reached, begin, kTooMuchMemory);

    // Without an end marker only the size tells where the stream ends; a decoder that runs on would
    // make up bytes from the range coder's last five.
    auto* const options = static_cast<lzma_options_lzma*>(filters[0].options);
    filters[0].id = LZMA_FILTER_LZMA1EXT;
    options->ext_flags = LZMA_LZMA1EXT_ALLOW_EOPM;
    const auto size = declared_size_.value_or(UINT64_MAX);
    options->ext_size_low = static_cast<std::uint32_t>(size);
    options->ext_size_high = static_cast<std::uint32_t>(size >> 32);
    return stream_.run(in, out, lzma_raw_decoder(stream_.raw(), filters));
  }

 private:
  std::optional<std::uint64_t> declared_size_;
  Stream stream_;
};

}  // namespace

std::unique_ptr<Decoder> xz_decoder() { return std::make_unique<XzDecoder>(); }
std::unique_ptr<Decoder> lzma_decoder() { return std::make_unique<LzmaDecoder>(); }
std::unique_ptr<Decoder> zip_lzma_decoder(std::optional<std::uint64_t> declared_size) {
  return std::make_unique<ZipLzmaDecoder>(declared_size);
}

}  // namespace assay::container::stream
