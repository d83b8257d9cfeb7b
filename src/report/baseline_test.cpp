#include "report/baseline.h"

#include <gtest/gtest.h>

namespace assay::report {
namespace {

using finding::Severity;

Report with_secrets() {
  Report r;
  Artifact a;
  a.path = "notes.md";
  a.findings.push_back(
      {"secret.npm.token", Severity::suspicious, "00000000000000bb", "", {"", 7, 2}, "", {}, "", false});
  a.findings.push_back(
      {"secret.npm.token", Severity::suspicious, "00000000000000aa", "", {"", 9, 3}, "", {}, "", true});
  a.findings.push_back(
      {"secret.npm.token", Severity::suspicious, "00000000000000aa", "", {"", 19, 4}, "", {}, "", true});
  a.findings.push_back({"pickle.call.unknown", Severity::suspicious, "00000000000000cc", "", {}, "", {}, "", false});
  r.artifacts.push_back(a);
  return r;
}

TEST(Baseline, HoldsEverySecretOnceAndNothingElse) {
  const auto read = parse_baseline(to_baseline(with_secrets(), "0011"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->key, "0011");
  const std::vector<finding::KnownSecret> expected{{"secret.npm.token", "00000000000000aa"},
                                                   {"secret.npm.token", "00000000000000bb"}};
  EXPECT_EQ(read->secrets, expected);
}

TEST(Baseline, SaysWhereForPeople) {
  const auto text = to_baseline(with_secrets(), "0011");
  EXPECT_NE(text.find("\"path\": \"notes.md\""), text.npos);
  EXPECT_NE(text.find("\"line\": 2"), text.npos);
}

TEST(Baseline, RefusesWhatIsNone) {
  for (const auto* bad :
       {"", "[]", "{}", "nonsense", R"({"schema": "assay-report/1"})", R"({"schema": "assay-baseline/1"})",
        R"({"schema": "assay-baseline/1", "key": 3, "secrets": []})",
        R"({"schema": "assay-baseline/1", "key": "a", "secrets": {}})",
        R"({"schema": "assay-baseline/1", "key": "a", "secrets": [{"rule": "x"}]})",
        R"({"schema": "assay-baseline/1", "key": "a", "secrets": ["x"]})"})
    EXPECT_FALSE(parse_baseline(bad).has_value()) << bad;
}

}  // namespace
}  // namespace assay::report
