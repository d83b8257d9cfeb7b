// How long work tells how far it is, and learns that it should stop. Used by several threads at once.
#pragma once
#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>

#include "convert/convert.h"

namespace assay::convert {

class Ticker {
 public:
  explicit Ticker(const Options& options) : options_{options} {}

  /// `doing` must be a literal.
  void begin(std::string_view doing, std::string current, std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    doing_ = doing;
    current_ = std::move(current);
    bytes_ = bytes;
    done_ = 0;
  }
  void files(std::uint64_t done, std::uint64_t all) {
    const std::lock_guard lock{mutex_};
    files_done_ = done;
    files_ = all;
  }

  /// `bytes` more are done. False when the work should stop.
  bool operator()(std::uint64_t bytes) {
    done_ += bytes;
    if (stopped_ || (options_.stop && options_.stop())) return stopped_ = true, false;
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    auto due = due_.load();
    constexpr auto kEvery = std::chrono::steady_clock::duration{std::chrono::milliseconds{100}}.count();
    if (options_.on_progress && now >= due && due_.compare_exchange_strong(due, now + kEvery)) {
      const std::lock_guard lock{mutex_};
      options_.on_progress({doing_, current_, files_done_, files_, done_, bytes_});
    }
    return true;
  }
  bool stopped() const { return stopped_; }
  /// Since the work began.
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

 private:
  const Options& options_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::string_view doing_;
  std::string current_;  ///< its own: work outlives the objects that it is about
  std::uint64_t bytes_ = 0, files_done_ = 0, files_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<std::int64_t> due_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
};

}  // namespace assay::convert
