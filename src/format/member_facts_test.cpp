#include "format/member_facts.h"

#include <gtest/gtest.h>

namespace assay::format {
namespace {

struct Fixture {
  explicit Fixture(std::uint64_t most = 1000) : limits{}, budget{with(most), 100} { document.members.resize(2); }
  bytes::Limits with(std::uint64_t most) {
    limits.facts = most;
    return limits;
  }
  bytes::Limits limits;
  bytes::Budget budget;
  Document document;
  MemberFacts facts{document, 1, budget, [](std::string_view module, std::string_view) {
                      return module == "os" ? Care::arguments : Care::none;
                    }};
};

Call call(std::string argument) {
  Call c;
  c.place = {1, 7};
  c.profiles = bits(Profile::cpython_c);
  c.callee = {Expr::Kind::symbol, false, 0, "os", "system", {}};
  c.args.push_back({Expr::Kind::text, false, argument.size(), argument, "", {}});
  return c;
}

TEST(MemberFacts, EqualImportsAreCountedAndTheirProfilesJoined) {
  Fixture f;
  f.facts.add(Import{{1, 3}, bits(Profile::cpython_c), "os", "system", "", true, 1});
  f.facts.add(Import{{1, 9}, bits(Profile::joblib), "os", "system", "", true, 2});
  f.facts.add(Import{{1, 9}, bits(Profile::joblib), "os", "system", "", false, 1});
  ASSERT_EQ(f.document.imports.size(), 2u);
  EXPECT_EQ(f.document.imports[0].count, 3u);
  EXPECT_EQ(f.document.imports[0].place.offset, 3u);
  EXPECT_EQ(f.document.imports[0].profiles, bits(Profile::cpython_c, Profile::joblib));
}

TEST(MemberFacts, CallsDifferByTheirArguments) {
  Fixture f;
  f.facts.add(call("true"));
  f.facts.add(call("true"));
  f.facts.add(call("echo"));
  ASSERT_EQ(f.document.calls.size(), 2u);
  EXPECT_EQ(f.document.calls[0].count, 2u);
}

// Were the parts of a key joined carelessly, one call could hide behind another.
TEST(MemberFacts, CallsWhoseTextsOnlyJoinTheSameAreTwo) {
  Fixture f;
  auto a = call("ab"), b = call("a");
  b.args.push_back({Expr::Kind::text, false, 1, "b", "", {}});
  f.facts.add(a);
  f.facts.add(b);
  auto c = call("x"), d = call("x");
  c.callee.text = "os", c.callee.name = "path.system";
  d.callee.text = "os.path", d.callee.name = "system";
  f.facts.add(c);
  f.facts.add(d);
  EXPECT_EQ(f.document.calls.size(), 4u);
}

TEST(MemberFacts, TheSameQuirkIsTold20Times) {
  Fixture f;
  for (std::uint64_t i = 0; i < 100; ++i) f.facts.quirk("pickle.radix", i);
  f.facts.quirk("zip.gap", 5, "detail", kAllProfiles);
  EXPECT_EQ(f.document.quirks.size(), 21u);
  EXPECT_EQ(f.document.quirks.back().detail, "detail");
  EXPECT_EQ(f.document.quirks.back().place, (Place{1, 5}));
}

TEST(MemberFacts, WhenTheBudgetIsSpentOneStopSaysSo) {
  Fixture f{2};
  for (int i = 0; i < 10; ++i) f.facts.add(call(std::to_string(i)));
  EXPECT_EQ(f.document.calls.size(), 2u);
  EXPECT_TRUE(f.facts.overflowed());
  ASSERT_EQ(f.document.stops.size(), 1u);
  EXPECT_EQ(f.document.stops[0].code, Errc::limit_reached);
  f.facts.add(call("0"));  // what is known already is still counted
  EXPECT_EQ(f.document.calls[0].count, 2u);
}

TEST(MemberFacts, RulesSayWhoseArgumentsMatter) {
  Fixture f;
  EXPECT_EQ(f.facts.care("os", "system"), Care::arguments);
  EXPECT_EQ(f.facts.care("numpy", "dtype"), Care::none);
}

}  // namespace
}  // namespace assay::format
