// What one artifact may cost. One Budget is shared by everything nested inside it.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/coarse_clock.h"
#include "base/result.h"

namespace assay::bytes {

/// A thing that is counted. Each line names itself when it runs out.
enum class Line : std::uint8_t { inflated_bytes, members, opcodes, memo_slots, facts, probes, seconds };
inline constexpr std::size_t kLines = 7;

std::string_view to_string(Line line) noexcept;  ///< "inflated-bytes", ...

/// Every number has a unit and a reason in docs/limits.md.
struct Limits {
  std::uint64_t inflated_bytes = 64ull << 30;  ///< decompressed, all members together
  std::uint64_t inflated_floor = 64ull << 20;  ///< always allowed, whatever the ratio
  std::uint64_t inflated_ratio = 100;          ///< beyond the floor: bytes out per byte of artifact
  std::uint64_t members = 1'000'000;
  std::uint64_t depth = 16;  ///< containers within containers
  std::uint64_t opcodes = 1'000'000'000;
  std::uint64_t memo_slots = 50'000'000;  ///< 16 bytes each
  std::uint64_t facts = 200'000;
  std::uint64_t probes = 4'000'000;  ///< places where unowned bytes are tried as a pickle
  std::uint64_t seconds = 900;       ///< wall clock for one artifact
};

class Budget {
 public:
  /// `artifact_bytes` bounds what may be inflated: inflated_floor + inflated_ratio * artifact_bytes.
  Budget(const Limits& limits, std::uint64_t artifact_bytes) noexcept;

  /// Takes `n` from `line`; Errc::limit_reached with the line's name once it is spent.
  Result<void> charge(Line line, std::uint64_t n, std::uint64_t at = 0) noexcept;

  /// Undoes charges since `left(line)` was `before`: what was taken on trial and is not kept.
  void restore(Line line, std::uint64_t before) noexcept;

  /// Errc::limit_reached when the artifact's time is over. Cheap enough for a loop's outer turn.
  Result<void> check_time(std::uint64_t at = 0);

  /// Called by every check_time(): a sign of life for whoever watches this process.
  void on_check(std::function<void()> call) { on_check_ = std::move(call); }

  std::uint64_t left(Line line) const noexcept { return left_[static_cast<std::size_t>(line)]; }
  std::uint64_t spent(Line line) const noexcept;
  const Limits& limits() const noexcept { return limits_; }

 private:
  Limits limits_;
  std::array<std::uint64_t, kLines> allowed_{};
  std::array<std::uint64_t, kLines> left_{};
  CoarseClock::time_point started_;
  std::function<void()> on_check_;
};

}  // namespace assay::bytes
