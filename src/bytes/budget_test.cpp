#include "bytes/budget.h"

#include <gtest/gtest.h>

#include <limits>

namespace assay::bytes {
namespace {

TEST(Budget, NamesTheLineThatRanOut) {
  Limits limits;
  limits.members = 3;
  Budget budget{limits, 0};
  EXPECT_TRUE(budget.charge(Line::members, 2));
  const auto refused = budget.charge(Line::members, 2, 42);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit_reached);
  EXPECT_EQ(refused.error().offset, 42u);
  EXPECT_EQ(refused.error().what, "limit reached: members");
}

// A charge that does not fit must not leave room for smaller ones behind it.
TEST(Budget, IsSpentOnceItWasExceeded) {
  Limits limits;
  limits.opcodes = 10;
  Budget budget{limits, 0};
  EXPECT_FALSE(budget.charge(Line::opcodes, 11));
  EXPECT_FALSE(budget.charge(Line::opcodes, 1));
  EXPECT_EQ(budget.left(Line::opcodes), 0u);
  EXPECT_EQ(budget.spent(Line::opcodes), 10u);
}

TEST(Budget, WhatWasTakenOnTrialIsGivenBack) {
  Limits limits;
  limits.facts = 10;
  Budget budget{limits, 0};
  ASSERT_TRUE(budget.charge(Line::facts, 4));
  const auto before = budget.left(Line::facts);
  ASSERT_FALSE(budget.charge(Line::facts, 7));  // spent, too
  budget.restore(Line::facts, before);
  EXPECT_EQ(budget.left(Line::facts), 6u);
  EXPECT_EQ(budget.spent(Line::facts), 4u);
  EXPECT_TRUE(budget.charge(Line::facts, 6));
}

TEST(Budget, AllowsInflationByRatioAboveAFloor) {
  Limits limits;
  limits.inflated_floor = 1000;
  limits.inflated_ratio = 10;
  limits.inflated_bytes = 5000;
  EXPECT_EQ((Budget{limits, 0}.left(Line::inflated_bytes)), 1000u);
  EXPECT_EQ((Budget{limits, 100}.left(Line::inflated_bytes)), 2000u);
  EXPECT_EQ((Budget{limits, 1'000'000}.left(Line::inflated_bytes)), 5000u);
  EXPECT_EQ((Budget{limits, std::numeric_limits<std::uint64_t>::max()}.left(Line::inflated_bytes)), 5000u);
}

TEST(Budget, MeasuresTimeWithoutOverflow) {
  Limits limits;
  limits.seconds = 0;
  EXPECT_FALSE((Budget{limits, 0}.check_time()));
  limits.seconds = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE((Budget{limits, 0}.check_time()));
}

TEST(Budget, HasAWordForEveryLine) {
  for (std::size_t i = 0; i < kLines; ++i) EXPECT_FALSE(to_string(static_cast<Line>(i)).empty());
}

}  // namespace
}  // namespace assay::bytes
