#include "secrets/overlap.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "secrets/table.h"

namespace assay::secrets {
namespace {

using table::Kind;

/// The first rule of a kind that commands nobody.
std::uint32_t rule_of(Kind kind) {
  const auto fits = [kind](const table::Rule& rule) { return rule.kind == kind && rule.over.empty(); };
  return static_cast<std::uint32_t>(std::ranges::find_if(table::rules, fits) - table::rules.begin());
}

Found found(std::uint32_t rule, std::uint64_t begin, std::uint64_t end) { return {{rule, begin, end}, begin}; }

TEST(Overlap, HitsApartFromEachOtherAllStayInOrder) {
  const auto rule = rule_of(Kind::format);
  const auto hits = resolve({found(rule, 20, 30), found(rule, 0, 10), found(rule, 10, 20), found(rule, 0, 10)});
  EXPECT_EQ(hits, (std::vector<Hit>{{rule, 0, 10}, {rule, 10, 20}, {rule, 20, 30}}));
}

TEST(Overlap, WhoKnowsTheIssuerStays) {
  const auto format = rule_of(Kind::format), context = rule_of(Kind::context), generic = rule_of(Kind::generic);
  EXPECT_EQ(resolve({found(generic, 0, 90), found(context, 5, 50), found(format, 9, 20)}),
            (std::vector<Hit>{{format, 9, 20}}));
  EXPECT_EQ(resolve({found(generic, 0, 90), found(context, 5, 50)}), (std::vector<Hit>{{context, 5, 50}}));
}

TEST(Overlap, WhoseNameIsNearerStays) {
  const auto context = rule_of(Kind::context);
  EXPECT_EQ(resolve({{{context, 50, 90}, 0}, {{context, 51, 80}, 30}}), (std::vector<Hit>{{context, 51, 80}}));
}

TEST(Overlap, OfOneHitFoundTwiceTheNearerNameCounts) {
  const auto context = rule_of(Kind::context);
  EXPECT_EQ(resolve({{{context, 50, 60}, 0}, {{context, 50, 60}, 45}, {{context, 51, 80}, 30}}),
            (std::vector<Hit>{{context, 50, 60}}));
}

TEST(Overlap, ThenTheLongerThenTheEarlier) {
  const auto rule = rule_of(Kind::format);
  EXPECT_EQ(resolve({found(rule, 0, 10), found(rule, 5, 20)}), (std::vector<Hit>{{rule, 5, 20}}));
  EXPECT_EQ(resolve({found(rule, 5, 15), found(rule, 0, 10)}), (std::vector<Hit>{{rule, 0, 10}}));
}

TEST(Overlap, WhoIsNamedInOverGivesWayWhateverItsKind) {
  const auto commands = [](const table::Rule& rule) { return !rule.over.empty(); };
  const auto at = std::ranges::find_if(table::rules, commands);
  ASSERT_NE(at, table::rules.end());
  const auto over = static_cast<std::uint32_t>(at - table::rules.begin()), under = at->over.front();
  EXPECT_EQ(resolve({found(under, 0, 100), found(over, 99, 120)}), (std::vector<Hit>{{over, 99, 120}}));
  EXPECT_EQ(resolve({found(under, 0, 99), found(over, 99, 120)}).size(), 2U);
}

}  // namespace
}  // namespace assay::secrets
