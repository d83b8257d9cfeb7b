#include "bytes/coverage.h"

#include <gtest/gtest.h>

namespace assay::bytes {
namespace {

std::uint64_t total(const Coverage& c) {
  std::uint64_t n = 0;
  for (const auto t : c.total) n += t;
  return n;
}

TEST(Coverage, CallsUnclaimedBytesUnexamined) {
  CoverageMap map;
  map.claim(Cover::parsed, 10, 20);
  const auto c = map.finish(30);
  EXPECT_FALSE(c.complete());
  EXPECT_EQ(total(c), 30u);
  ASSERT_EQ(c.unexamined.size(), 2u);
  EXPECT_EQ(c.unexamined[0].extent, (Extent{0, 10}));
  EXPECT_EQ(c.unexamined[1].extent, (Extent{20, 30}));
}

TEST(Coverage, LetsTheStrongestClaimWinWhateverTheOrder) {
  CoverageMap map;
  map.claim(Cover::padding, 0, 100);
  map.claim(Cover::inert, 50, 100);
  map.claim(Cover::delegated, 90, 95);
  map.claim(Cover::parsed, 40, 60);
  map.claim(Cover::parsed, 0, 5);
  const auto c = map.finish(100);
  EXPECT_TRUE(c.complete());
  EXPECT_EQ(c.of(Cover::delegated), 5u);
  EXPECT_EQ(c.of(Cover::parsed), 25u);
  EXPECT_EQ(c.of(Cover::inert), 35u);
  EXPECT_EQ(c.of(Cover::padding), 35u);
}

TEST(Coverage, ClipsClaimsBeyondTheEnd) {
  CoverageMap map;
  map.claim(Cover::parsed, 5, 1000);
  map.claim(Cover::parsed, 20, 10);
  const auto c = map.finish(10);
  EXPECT_EQ(total(c), 10u);
  EXPECT_EQ(c.of(Cover::parsed), 5u);
}

TEST(Coverage, KeepsTheReasonOfAMissUnlessItIsClaimed) {
  CoverageMap map;
  map.miss(0, 10, "encrypted");
  map.miss(20, 30, "too deep");
  map.claim(Cover::parsed, 20, 30);
  const auto c = map.finish(30);
  ASSERT_EQ(c.unexamined.size(), 1u);
  EXPECT_EQ(c.unexamined[0].extent, (Extent{0, 20}));
  EXPECT_EQ(c.unexamined[0].reason, "encrypted");
}

TEST(Coverage, FoldsTooManyRangesIntoTheLast) {
  CoverageMap map;
  for (std::uint64_t i = 0; i < 1000; ++i) map.claim(Cover::parsed, 2 * i, 2 * i + 1);
  const auto c = map.finish(2000);
  EXPECT_EQ(c.unexamined.size(), kMostUnexamined);
  EXPECT_EQ(c.unexamined.back().extent.end, 2000u);
  EXPECT_EQ(c.of(Cover::unexamined), 1000u);
}

// One gap and one reason for every second byte: the search for reasons must not multiply them.
TEST(Coverage, StaysFastWithManyGapsAndManyReasons) {
  CoverageMap map;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    map.claim(Cover::parsed, 2 * i, 2 * i + 1);
    map.miss(1'000'000 + 2 * i, 1'000'000 + 2 * i + 1, "elsewhere");
  }
  EXPECT_EQ(map.finish(200'000).of(Cover::unexamined), 100'000u);
}

TEST(Coverage, ListsGapsAndKnowsWhatIsCovered) {
  CoverageMap map;
  map.claim(Cover::parsed, 0, 10);
  map.claim(Cover::padding, 10, 20);
  map.miss(20, 30, "a miss claims nothing");
  map.claim(Cover::inert, 30, 40);
  EXPECT_EQ(map.gaps(45), (std::vector<Extent>{{20, 30}, {40, 45}}));
  EXPECT_TRUE(map.covers(0, 20));
  EXPECT_TRUE(map.covers(5, 15));
  EXPECT_TRUE(map.covers(7, 7));
  EXPECT_FALSE(map.covers(15, 31));
  EXPECT_FALSE(map.covers(39, 41));
  EXPECT_TRUE(CoverageMap{}.finish(0).complete());
}

}  // namespace
}  // namespace assay::bytes
