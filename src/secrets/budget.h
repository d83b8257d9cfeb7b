// What hostile bytes may cost. Keywords that stand everywhere would otherwise have every byte looked at thousands of
// times.
#pragma once
#include <cstdint>

#include "secrets/table.h"

namespace assay::secrets {

/// What may be spent in each stretch of 64 KiB: the first keywords that ask get it. A keyword belongs to the stretch in
/// which it ends, so that blocks make no difference.
class Budget {
 public:
  explicit Budget(std::uint64_t of_stretch) noexcept : of_stretch_{of_stretch} {}

  /// Whether a keyword that ends at `end` gets `cost`. To be asked in the order of ends.
  bool affords(std::uint64_t end, std::uint64_t cost) noexcept {
    if (const auto stretch = end / table::stretch_bytes; stretch != stretch_) {
      stretch_ = stretch;
      spent_ = 0;
    }
    if (cost > of_stretch_ - spent_) return false;
    spent_ += cost;
    return true;
  }

 private:
  std::uint64_t of_stretch_;
  std::uint64_t stretch_ = 0;
  std::uint64_t spent_ = 0;
};

}  // namespace assay::secrets
