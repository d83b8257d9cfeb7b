// Time as a parameter: nothing below `app` asks the machine what day it is.
#pragma once
#include <chrono>

namespace assay {

class Clock {
 public:
  virtual ~Clock() = default;
  /// The calendar day in UTC; waivers and sunsets are days, not instants.
  virtual std::chrono::sys_days today() const = 0;
  /// For durations only.
  virtual std::chrono::steady_clock::time_point now() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::chrono::sys_days today() const override {
    return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  }
  std::chrono::steady_clock::time_point now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace assay
