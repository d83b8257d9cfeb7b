#pragma once
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::bytes {

/// Forward-only cursor over bytes we neither own nor trust.
///
/// Checked before touched: every read compares with remaining() by subtraction,
/// so no sum of attacker numbers exists to overflow. A failed read leaves the
/// position where it was. The viewed bytes must outlive the Reader.
class Reader {
 public:
  explicit Reader(View all, std::uint64_t base = 0) noexcept : rest_{all}, at_{base} {}

  std::uint64_t offset() const noexcept { return at_; }  ///< bytes, from where `base` counts
  std::uint64_t remaining() const noexcept { return rest_.size(); }
  bool empty() const noexcept { return rest_.empty(); }
  View rest() const noexcept { return rest_; }

  /// The next `n` bytes, without a copy.
  Result<View> take(std::uint64_t n) {
    if (n > remaining()) return fail(Errc::truncated, at_, "fewer bytes than declared");
    const auto head = rest_.first(static_cast<std::size_t>(n));
    rest_ = rest_.subspan(head.size());
    at_ += n;
    return head;
  }

  /// A child that cannot see past `n` bytes and reports the same absolute offsets.
  Result<Reader> window(std::uint64_t n) {
    const auto start = at_;
    return Reader{TRY(take(n)), start};
  }

  template <std::unsigned_integral T>
  Result<T> le() {
    static_assert(std::endian::native == std::endian::little);
    T v;
    std::memcpy(&v, TRY(take(sizeof v)).data(), sizeof v);
    return v;
  }

  /// `declared`, if that many items of at least `min_bytes` each could still fit.
  /// Call it before any reserve().
  Result<std::uint64_t> plausible(std::uint64_t declared, std::uint64_t min_bytes) const {
    if (declared > remaining() / min_bytes) return fail(Errc::malformed, at_, "count exceeds file");
    return declared;
  }

 private:
  View rest_;
  std::uint64_t at_;
};

/// A little-endian number at a place that the caller has already checked to be inside `v`.
template <std::unsigned_integral T>
T le_at(View v, std::size_t at) noexcept {
  static_assert(std::endian::native == std::endian::little);
  T out;
  std::memcpy(&out, v.subspan(at, sizeof out).data(), sizeof out);
  return out;
}

}  // namespace assay::bytes
