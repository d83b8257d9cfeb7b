// What hostile bytes may cost. Keywords that stand everywhere would otherwise have every byte looked at thousands of
// times.
#pragma once
#include <cstdint>

#include "secrets/table.h"

namespace assay::secrets {

/// Of each stretch of 64 KiB, the keywords that are looked at: the first ones, until they have used up what may be
/// spent there. A keyword belongs to the stretch in which it ends, so that blocks make no difference.
class Budget {
 public:
  /// Whether a keyword that ends at `end` is looked at. To be asked in the order of ends.
  bool affords(std::uint64_t end, std::uint32_t cost) noexcept {
    if (const auto stretch = end / table::stretch_bytes; stretch != stretch_) {
      stretch_ = stretch;
      spent_ = 0;
    }
    if (spent_ + cost > table::cost_of_stretch) return false;
    spent_ += cost;
    return true;
  }

 private:
  std::uint64_t stretch_ = 0;
  std::uint64_t spent_ = 0;
};

}  // namespace assay::secrets
