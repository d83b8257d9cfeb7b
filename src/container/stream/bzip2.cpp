// The only file that calls libbz2. The library does not tell a wrong block checksum from other
// damage, and Python's bz2 stops at either, so both are damage here.
#include <bzlib.h>

#include "container/stream/decoder.h"

namespace assay::container::stream {
namespace {

struct Stream {
  bz_stream z{};
  bool ready = BZ2_bzDecompressInit(&z, 0, 0) == BZ_OK;
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (ready) BZ2_bzDecompressEnd(&z);
  }
};

class Bzip2Decoder final : public Decoder {
 public:
  Result<Check> decode_one(Input& in, Output& out, Skipped&) override {
    Stream stream;
    if (!stream.ready) return fail(Errc::limit_reached, in.at(), "no memory for a bzip2 stream");
    auto& z = stream.z;
    for (;;) {
      const auto head = TRY(in.ahead());
      const auto block = out.block();
      z.next_in = const_cast<char*>(reinterpret_cast<const char*>(head.data()));  // the library only reads it
      z.avail_in = static_cast<unsigned>(head.size());
      z.next_out = reinterpret_cast<char*>(block.data());
      z.avail_out = static_cast<unsigned>(block.size());
      const int code = BZ2_bzDecompress(&z);
      in.advance(head.size() - z.avail_in);
      const auto n = block.size() - z.avail_out;
      TRY(out.deliver(n, in.at()));
      if (code == BZ_STREAM_END) return Check::passed;
      if (code == BZ_MEM_ERROR) return fail(Errc::limit_reached, in.at(), "no memory for a bzip2 stream");
      if (code != BZ_OK) return fail(Errc::malformed, in.at(), "damaged bzip2 stream");
      if (head.empty() && n == 0) return fail(Errc::truncated, in.at(), "the bzip2 stream ends early");
    }
  }
};

}  // namespace

std::unique_ptr<Decoder> bzip2_decoder() { return std::make_unique<Bzip2Decoder>(); }

}  // namespace assay::container::stream
