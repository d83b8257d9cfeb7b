// The last bytes of a stream.
#pragma once
#include <cstdint>
#include <string>

#include "bytes/view.h"
#include "secrets/matching.h"

namespace assay::secrets {

class Window {
 public:
  void append(bytes::View block) { kept_.append(bytes::text(block)); }
  std::uint64_t end() const noexcept { return base_ + kept_.size(); }

  /// Nobody will ask for what stands before `offset`. Bytes are moved only when many can go, whatever the blocks' size.
  void drop_before(std::uint64_t offset) {
    if (offset < base_ + kMovedAtOnce) return;
    kept_.erase(0, static_cast<std::size_t>(offset - base_));
    base_ = offset;
  }

  /// Valid until the next call of another member.
  Surroundings around() const noexcept { return {kept_, base_}; }

  void clear() noexcept {
    kept_.clear();
    base_ = 0;
  }

 private:
  static constexpr std::uint64_t kMovedAtOnce = 1 << 16;
  std::string kept_;
  std::uint64_t base_ = 0;
};

}  // namespace assay::secrets
