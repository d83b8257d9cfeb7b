#include "tensors/stretch.h"

#include <algorithm>

#include "container/stream/stream.h"

namespace assay::tensors {
namespace {

Stretch finished(bytes::Spool& spool) {
  const auto begin = spool.begin();
  return {spool.finish(), Where::spool, begin};
}

}  // namespace

Stretch Stretches::window(std::uint64_t begin, std::uint64_t length) const {
  return {std::make_shared<bytes::WindowSource>(file_, begin, length), Where::file, begin};
}

Result<Stretch> Stretches::unpacked(container::Method method, bytes::Extent packed,
                                    std::optional<std::uint64_t> declared_size) {
  if (method == container::Method::stored) return window(packed.begin, packed.end - packed.begin);
  bytes::Spool out{spool_, 0};  // nothing stays in memory: who copies the bytes has only the file
  const auto done = container::stream::decode(method, file_, packed, out, budget_, declared_size);
  if (done.stopped) return tl::unexpected<Error>{*done.stopped};
  if (done.checksum_failed) return fail(Errc::malformed, packed.begin, "its checksum is wrong");
  auto stretch = finished(out);
  stretch.behind = packed.end - packed.begin - std::min(packed.end - packed.begin, done.consumed);
  return stretch;
}

Result<Stretch> Stretches::decoded(bytes::View bytes) {
  TRY(budget_.charge(bytes::Line::inflated_bytes, bytes.size()));
  bytes::Spool out{spool_, 0};
  TRY(out.append(bytes));
  return finished(out);
}

}  // namespace assay::tensors
