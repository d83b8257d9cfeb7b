#include "report/progress.h"

#include <gtest/gtest.h>

#include "report/words.h"

namespace assay::report {
namespace {

using namespace std::chrono_literals;

class StoppedClock final : public Clock {
 public:
  std::chrono::sys_days today() const override { return {}; }
  std::chrono::steady_clock::time_point now() const override { return now_; }
  std::chrono::steady_clock::time_point now_{};
};

constexpr Tally kTally{132, 2000, 1'200'000'000, 5'000'000'000, "model-00003.bin"};

TEST(ProgressLine, SaysHowFarItIs) {
  EXPECT_EQ(progress_line(kTally, 80), "scanning 132/2,000 files · 1.2 of 5.0 GB · model-00003.bin");
  EXPECT_EQ(progress_line({1, 2, 900'000'000, 5'000'000'000, ""}, 80), "scanning 1/2 files · 900.0 MB of 5.0 GB");
  EXPECT_EQ(progress_line({0, 0, 0, 0, ""}, 80), "scanning 0/0 files");
}

// A line that wraps is not wiped whole, and leaves rubbish behind on every redraw.
TEST(ProgressLine, NeverReachesTheLastColumn) {
  auto tally = kTally;
  tally.current = "很长的目录/很长的模型/model.bin";
  for (unsigned width = 0; width < 100; ++width)
    EXPECT_LE(columns(progress_line(tally, width)), width > 0 ? width - 1 : 0) << width;
}

TEST(ProgressLine, ShowsNamesThatCannotDraw) {
  auto tally = kTally;
  tally.current = "\x1b[2J\r\n";
  EXPECT_EQ(progress_line(tally, 80), "scanning 132/2,000 files · 1.2 of 5.0 GB · \\x1b[2J\\r\\n");
}

TEST(Progress, IsSilentInTheFirstSecondAndThenDrawsTenTimesASecond) {
  StoppedClock clock;
  std::vector<std::string> writes;
  {
    Progress progress{clock, 80, [&](std::string_view bytes) { writes.emplace_back(bytes); }};
    for (int i = 0; i < 999; ++i, clock.now_ += 1ms) progress.show(kTally);
    EXPECT_TRUE(writes.empty());
    for (int i = 0; i < 1000; ++i, clock.now_ += 1ms) progress.show(kTally);
    EXPECT_EQ(writes.size(), 10u);
    EXPECT_EQ(writes.back(), "\r\x1b[K" + progress_line(kTally, 80));
    progress.finish();
    EXPECT_EQ(writes.back(), "\r\x1b[K");
  }
  EXPECT_EQ(writes.size(), 11u) << "wiped once";
}

TEST(Progress, WipesNothingWhereNothingWasDrawn) {
  StoppedClock clock;
  bool wrote = false;
  {
    Progress progress{clock, 80, [&](std::string_view) { wrote = true; }};
  }
  EXPECT_FALSE(wrote);
}

}  // namespace
}  // namespace assay::report
