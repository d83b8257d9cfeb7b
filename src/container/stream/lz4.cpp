// The only file that calls liblz4 (its frame format). Fed exactly what it asks for, for the same
// reason as zstd: on failure it does not say how far it came.
#include <lz4frame.h>

#include <algorithm>
#include <string_view>

#include "container/stream/decoder.h"

namespace assay::container::stream {
namespace {

constexpr std::size_t kSmallestHeader = 7;
constexpr std::size_t kChecksumBytes = 4;

struct Free {
  void operator()(LZ4F_dctx* context) const noexcept { LZ4F_freeDecompressionContext(context); }
};

std::unique_ptr<LZ4F_dctx, Free> create() {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) return nullptr;
  return std::unique_ptr<LZ4F_dctx, Free>{context};
}

class Lz4Decoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    if (!context_) return fail(Errc::limit_reached, in.at(), "no memory for an lz4 frame");
    LZ4F_resetDecompressionContext(context_.get());
    std::size_t wanted = kSmallestHeader;
    for (;;) {
      const auto buffered = TRY(in.ahead(std::clamp<std::size_t>(wanted, 1, Input::kBlock)));
      const auto head = buffered.first(std::min(wanted, buffered.size()));
      const auto block = out.block();
      std::size_t taken = head.size(), made = block.size();
      const auto code = LZ4F_decompress(context_.get(), block.data(), &made, head.data(), &taken, nullptr);
      if (LZ4F_isError(code)) {
        // The library exports its error codes as words only.
        const std::string_view error = LZ4F_getErrorName(code);
        if (error == "ERROR_contentChecksum_invalid") {
          in.advance(kChecksumBytes);
          return Check::failed;
        }
        if (error == "ERROR_allocation_failed") return fail(Errc::limit_reached, in.at(), "no memory for an lz4 frame");
        return fail(Errc::malformed, in.at(), "damaged lz4 frame");
      }
      in.advance(taken);
      TRY(out.deliver(made, in.at()));
      if (code == 0) return Check::passed;
      if (buffered.empty() && made == 0) return fail(Errc::truncated, in.at(), "the lz4 frame ends early");
      wanted = made == block.size() ? 0 : code;
    }
  }

 private:
  std::unique_ptr<LZ4F_dctx, Free> context_ = create();
};

}  // namespace

std::unique_ptr<Decoder> lz4_decoder() { return std::make_unique<Lz4Decoder>(); }

}  // namespace assay::container::stream
