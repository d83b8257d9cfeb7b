// One line that tells somebody at a terminal how far a long scan is.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace assay::report {

struct Tally {
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::string_view current;  ///< raw path of a file that is being read; may be empty
  std::string_view doing = "scanning";
};

/// "scanning 132/2,000 files · 1.2 of 5.0 GB · model-00003.bin", in fewer than `width` columns, so that
/// the terminal does not wrap it and leave half of it behind.
std::string progress_line(const Tally& tally, unsigned width);

/// Draws progress_line() over itself: not in the first second, and then at most ten times a second.
/// For one thread. `clock` must outlive it; `write` gets bytes for a terminal and must not throw.
class Progress {
 public:
  using Write = std::function<void(std::string_view)>;
  Progress(const Clock& clock, unsigned width, Write write);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const Tally& tally);
  /// Wipes the line, if one was drawn. Whatever is written to the same terminal next starts clean.
  void finish();

 private:
  const Clock& clock_;
  unsigned width_;
  Write write_;
  std::chrono::steady_clock::time_point next_;
  bool drawn_ = false;
};

}  // namespace assay::report
