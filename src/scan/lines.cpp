#include "scan/lines.h"

#include <algorithm>
#include <vector>

namespace assay::scan {

std::uint64_t Lines::of(std::uint64_t offset) {
  std::vector<std::byte> block(64 << 10);
  while (is_text_ && at_ < offset) {
    const auto wanted = std::min<std::uint64_t>(block.size(), offset - at_);
    const auto n = source_.read_at(at_, std::span{block}.first(static_cast<std::size_t>(wanted)));
    if (!n || *n == 0) return 0;
    const auto text = bytes::text(bytes::View{block}.first(*n));
    is_text_ = text.find('\0') == text.npos;
    lines_ += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    at_ += *n;
  }
  return is_text_ ? lines_ + 1 : 0;
}

}  // namespace assay::scan
