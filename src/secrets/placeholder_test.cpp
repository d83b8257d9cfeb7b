#include "secrets/placeholder.h"

#include <gtest/gtest.h>

namespace assay::secrets {
namespace {

using table::Kind;

TEST(Placeholder, WordsThatNoIssuerWrites) {
  EXPECT_TRUE(is_placeholder("k_YOUR-TOKEN-kZ8qPw3", Kind::generic));
  EXPECT_TRUE(is_placeholder("k_EXAMPLE_kZ8qPw3Lm", Kind::format));
  EXPECT_FALSE(is_placeholder("k_kZ8qPw3Lm5Rt9Vb2Xc", Kind::generic));
}

// Four letters stand in a random key once in a hundred thousand times.
TEST(Placeholder, ShortWordsOnlyWhereTheFormatIsNotKnown) {
  EXPECT_TRUE(is_placeholder("k_kZ8qasdf3Lm5Rt9Vb", Kind::generic));
  EXPECT_FALSE(is_placeholder("k_kZ8qasdf3Lm5Rt9Vb", Kind::format));
}

TEST(Placeholder, MarksOnlyWhereTheFormatIsNotKnown) {
  EXPECT_TRUE(is_placeholder("${kZ8qPw3Lm5Rt9}", Kind::context));
  EXPECT_FALSE(is_placeholder("${kZ8qPw3Lm5Rt9}", Kind::format));
}

TEST(Placeholder, RunsSequencesAndRepetitions) {
  for (const auto* text :
       {"kZ8qaaaaaa3Lm5Rt", "kZ8q12345678Lm5Rt", "kZ8q34567890Lm5Rt", "pq1pq1pq1pq1pq1", "zzqzqzqzqzqzqzz"}) {
    EXPECT_TRUE(is_placeholder(text, Kind::format)) << text;
  }
  EXPECT_FALSE(is_placeholder("kZ8qaaaaa3Lm5Rt", Kind::format));
  EXPECT_FALSE(is_placeholder("kZ8q1234567Lm5Rt", Kind::format));
}

TEST(Placeholder, OnlyTheTailOfAPrefixMustBeRandom) {
  EXPECT_TRUE(is_placeholder("some_prefix_q7q7q7q7q7q7q7q7", Kind::format));
  EXPECT_FALSE(is_placeholder("q7q7q7q7_kZ8qPw3Lm5Rt9Vb2", Kind::format));
}

TEST(Placeholder, LongTextsHoldPatternsByChance) {
  EXPECT_FALSE(is_placeholder(std::string(301, 'k'), Kind::format));
  EXPECT_TRUE(is_placeholder(std::string(300, 'k'), Kind::format));
}

}  // namespace
}  // namespace assay::secrets
