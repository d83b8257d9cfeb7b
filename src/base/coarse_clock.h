#pragma once
#include <chrono>
#include <ctime>

namespace assay {

/// The time since some moment, as exact as the kernel's tick: some milliseconds, for a fifth of the price. For limits
/// that are far longer and are asked for a million times.
struct CoarseClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<CoarseClock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return time_point{std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec}};
  }
};

}  // namespace assay
