// The only file that calls libzstd. The library takes no input into account when it fails, so it is
// fed exactly what it asks for: then damage is known to the block, and a wrong checksum to its four bytes.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

#include "container/stream/decoder.h"

namespace assay::container::stream {
namespace {

constexpr std::size_t kChecksumBytes = 4;

struct Free {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

class ZstdDecoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    if (!context_ || ZSTD_isError(ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only)) ||
        ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kMostWindowLog)))
      return fail(Errc::limit_reached, in.at(), "no memory for a zstd frame");
    std::size_t wanted = ZSTD_initDStream(context_.get());
    for (;;) {
      const auto buffered = TRY(in.ahead(std::clamp<std::size_t>(wanted, 1, Input::kBlock)));
      const auto head = buffered.first(std::min(wanted, buffered.size()));
      const auto block = out.block();
      ZSTD_inBuffer from{head.data(), head.size(), 0};
      ZSTD_outBuffer to{block.data(), block.size(), 0};
      const auto code = ZSTD_decompressStream(context_.get(), &to, &from);
      const auto error = ZSTD_getErrorCode(code);
      if (error == ZSTD_error_checksum_wrong) {
        in.advance(kChecksumBytes);
        return Check::failed;
      }
      if (error != ZSTD_error_no_error) return refuse(error, in.at());
      in.advance(from.pos);
      TRY(out.deliver(to.pos, in.at()));
      if (code == 0) return Check::passed;
      if (buffered.empty() && to.pos == 0) return fail(Errc::truncated, in.at(), "the zstd frame ends early");
      // While the output block was too small, what it still holds comes first and needs no input.
      wanted = to.pos == to.size ? 0 : code;
    }
  }

 private:
  static tl::unexpected<Error> refuse(ZSTD_ErrorCode error, std::uint64_t at) {
    switch (error) {
      case ZSTD_error_frameParameter_windowTooLarge:
        return fail(Errc::limit_reached, at, "the zstd window is larger than the decoder's memory limit (128 MiB)");
      case ZSTD_error_memory_allocation: return fail(Errc::limit_reached, at, "no memory for a zstd frame");
      case ZSTD_error_dictionary_wrong: return fail(Errc::unsupported, at, "zstd frame with a dictionary");
      default: return fail(Errc::malformed, at, "damaged zstd frame");
    }
  }

  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
};

}  // namespace

std::unique_ptr<Decoder> zstd_decoder() { return std::make_unique<ZstdDecoder>(); }

}  // namespace assay::container::stream
