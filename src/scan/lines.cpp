#include "scan/lines.h"

#include <algorithm>
#include <vector>

namespace assay::scan {

std::uint64_t Lines::of(std::uint64_t offset) {
  constexpr std::uint64_t kBlock = 64 << 10;
  while (is_text_ && at_ < offset) {
    const auto piece = bytes::read_up_to(source_, at_, std::min(kBlock, offset - at_));
    if (!piece || piece->empty()) return 0;
    const auto text = bytes::text(*piece);
    is_text_ = text.find('\0') == text.npos;
    lines_ += static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
    at_ += piece->size();
  }
  return is_text_ ? lines_ + 1 : 0;
}

}  // namespace assay::scan
