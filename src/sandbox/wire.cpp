#include "sandbox/wire.h"

#include <cstring>

namespace assay::sandbox {
namespace {

constexpr std::size_t kKeptBytes = 4 << 20;

}  // namespace

void Inbox::push(std::string_view received) {
  bytes_.erase(0, taken_);
  taken_ = 0;
  if (bytes_.empty() && bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();  // one large result, long gone
  bytes_ += received;
}

Result<std::optional<Frame>> Inbox::next() {
  const auto rest = std::string_view{bytes_}.substr(taken_);
  FrameHead head{};
  if (rest.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, rest.data(), sizeof head);
  if (head.kind != FrameKind::ready && head.kind != FrameKind::result)
    return fail(Errc::malformed, 0, "a cell sent a frame of no known kind");
  if (head.length > most_result_bytes_) return fail(Errc::limit_reached, 0, "a cell announced too large a result");
  if (head.length > rest.size() - sizeof head) return std::nullopt;
  taken_ += sizeof head + head.length;
  return Frame{head.kind, head.id, rest.substr(sizeof head, head.length)};
}

}  // namespace assay::sandbox
