#include "verdict/verdict.h"

#include <gtest/gtest.h>

#include <array>

namespace assay::verdict {
namespace {

using finding::Finding;
using finding::Severity;
using finding::Status;
using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year;

const std::string kSha(64, 'a');
constexpr sys_days kToday{year{2026} / 11 / 23};

Finding one(Severity severity, std::string rule = "some.rule") {
  Finding f;
  f.rule = std::move(rule);
  f.severity = severity;
  f.fingerprint = finding::fingerprint(f.rule, "", "evidence");
  return f;
}
constexpr std::array<std::string_view, 2> kRun{"pickleImportScan", "structure"};
Subject subject() { return {kSha, true, true, kRun}; }
Waiver waiver(const Finding& f, sys_days expires = kToday) {
  return {kSha, f.rule, f.fingerprint, "ann", "looked", expires};
}

std::string says(const Decision& d) { return std::string{finding::to_string(d.status)} + (d.fails ? ", fails" : ""); }
std::string decided(std::vector<Finding> findings, const Policy& policy = {}, const Subject& about = subject()) {
  return says(decide(about, findings, policy, kToday));
}
bool has(const std::vector<Finding>& findings, std::string_view rule) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.rule == rule; });
}

TEST(Verdict, TheWorstFindingDecides) {
  EXPECT_EQ(decided({}), "safe");
  EXPECT_EQ(decided({one(Severity::note)}), "safe");
  EXPECT_EQ(decided({one(Severity::note), one(Severity::caution)}), "caution");
  EXPECT_EQ(decided({one(Severity::caution), one(Severity::unscanned)}), "unscanned");
  EXPECT_EQ(decided({one(Severity::error), one(Severity::unscanned)}), "error");
  EXPECT_EQ(decided({one(Severity::error), one(Severity::suspicious)}), "suspicious, fails");
  EXPECT_EQ(decided({one(Severity::unsafe), one(Severity::suspicious)}), "unsafe, fails");
}

TEST(Verdict, TheFailingLevelIsThePolicys) {
  Policy p;
  const std::pair<Status, std::vector<Severity>> levels[] = {
      {Status::caution,
       {Severity::caution, Severity::unscanned, Severity::error, Severity::suspicious, Severity::unsafe}},
      {Status::unscanned, {Severity::unscanned, Severity::error, Severity::suspicious, Severity::unsafe}},
      {Status::error, {Severity::error, Severity::suspicious, Severity::unsafe}},
      {Status::suspicious, {Severity::suspicious, Severity::unsafe}},
      {Status::unsafe, {Severity::unsafe}}};
  for (const auto& [level, failing] : levels) {
    p.fail_on = level;
    for (const auto s : {Severity::note, Severity::caution, Severity::unscanned, Severity::error, Severity::suspicious,
                         Severity::unsafe}) {
      std::vector<Finding> f = {one(s)};
      const bool expected = std::find(failing.begin(), failing.end(), s) != failing.end();
      EXPECT_EQ(decide(subject(), f, p, kToday).fails, expected)
          << finding::to_string(level) << " " << finding::to_string(s);
    }
  }
}

TEST(Verdict, ObserveNeverFailsAndStillSays) {
  Policy p;
  p.mode = Mode::observe;
  EXPECT_EQ(decided({one(Severity::unsafe)}, p), "unsafe");
  p.sunset = kToday;
  EXPECT_EQ(decided({one(Severity::unsafe)}, p), "unsafe");
}

TEST(Verdict, ABanFailsEveryPickle) {
  Policy p;
  p.mode = Mode::ban;
  std::vector<Finding> f;
  EXPECT_TRUE(decide(subject(), f, p, kToday).fails);
  EXPECT_TRUE(has(f, "policy.pickle-banned"));
  auto without = subject();
  without.has_pickle = false;
  EXPECT_EQ(decided({}, p, without), "safe");
}

TEST(Verdict, TheSunsetIsTheFirstDayOfTheBan) {
  Policy p;
  p.sunset = kToday + days{1};
  std::vector<Finding> before, on, after;
  EXPECT_FALSE(decide(subject(), before, p, kToday).fails);
  EXPECT_TRUE(has(before, "policy.pickle-sunset"));
  EXPECT_FALSE(has(before, "policy.pickle-banned"));
  EXPECT_TRUE(decide(subject(), on, p, kToday + days{1}).fails);
  EXPECT_TRUE(has(on, "policy.pickle-banned"));
  EXPECT_TRUE(decide(subject(), after, p, kToday + days{500}).fails);
}

TEST(Verdict, AWaiverTakesOneFindingOutUntilItsLastDay) {
  const auto f = one(Severity::unsafe);
  Policy p;
  p.waivers = {waiver(f)};
  std::vector<Finding> findings = {f};
  EXPECT_EQ(says(decide(subject(), findings, p, kToday)), "safe");
  EXPECT_TRUE(findings[0].waived);
  findings = {f};
  EXPECT_EQ(says(decide(subject(), findings, p, kToday + days{1})), "unsafe, fails");
  EXPECT_FALSE(findings[0].waived);
  EXPECT_TRUE(has(findings, "policy.waiver-expired"));
}

TEST(Verdict, AWaiverBindsBytesRuleAndFinding) {
  const auto f = one(Severity::unsafe);
  const std::pair<const char*, void (*)(Waiver&)> lies[] = {{"digest", [](Waiver& w) { w.sha256[0] = 'b'; }},
                                                            {"rule", [](Waiver& w) { w.rule += "x"; }},
                                                            {"prefix", [](Waiver& w) { w.rule = "some.*"; }},
                                                            {"finding", [](Waiver& w) { w.fingerprint += "x"; }},
                                                            {"nothing", [](Waiver& w) { w = {}; }}};
  for (const auto& [what, lie] : lies) {
    Policy p;
    p.waivers = {waiver(f, kToday + days{10})};
    lie(p.waivers[0]);
    EXPECT_EQ(decided({f}, p), "unsafe, fails") << what;
  }
  Policy p;
  p.waivers = {waiver(f, kToday + days{10})};
  p.waivers[0].sha256.clear();
  auto unknown = subject();
  unknown.sha256 = {};
  EXPECT_EQ(decided({f}, p, unknown), "unsafe, fails");
}

TEST(Verdict, AWaiverLeavesTheOtherFindingsAlone) {
  const auto a = one(Severity::unsafe, "a"), b = one(Severity::suspicious, "b");
  Policy p;
  p.waivers = {waiver(a)};
  EXPECT_EQ(decided({a, b}, p), "suspicious, fails");
}

// Unknown is not safe, and nobody can waive it into being known.
TEST(Verdict, IncompleteCoverageIsNeverSafe) {
  auto partial = subject();
  partial.complete = false;
  EXPECT_EQ(decided({}, {}, partial), "unscanned");
  EXPECT_EQ(decided({one(Severity::caution)}, {}, partial), "unscanned");
  EXPECT_EQ(decided({one(Severity::suspicious)}, {}, partial), "suspicious, fails");
  Policy observing;
  observing.mode = Mode::observe;
  EXPECT_EQ(decided({}, observing, partial), "unscanned");
}

TEST(Verdict, WaivingTheReasonDoesNotMakeUnreadBytesSafe) {
  auto partial = subject();
  partial.complete = false;
  const auto f = one(Severity::error);
  Policy p;
  p.waivers = {waiver(f)};
  EXPECT_NE(decided({f}, p, partial), "safe");
}

TEST(Verdict, EnginesThatWereRequiredAndDidNotRun) {
  Policy p;
  p.required_engines = {"structure", "avScan"};
  std::vector<Finding> f;
  const auto d = decide(subject(), f, p, kToday);
  EXPECT_GE(d.status, Status::unscanned);
  ASSERT_EQ(f.size(), 1u);
  EXPECT_EQ(f[0].rule, "policy.engine-missing");
  EXPECT_EQ(f[0].evidence, "avScan");
}

// What the policy itself says is changed in the policy.
TEST(Verdict, ABanIsNotWaived) {
  Policy p;
  p.mode = Mode::ban;
  auto ban = one(Severity::caution, "policy.pickle-banned");
  ban.fingerprint = finding::fingerprint("policy.pickle-banned", "", "");
  p.waivers = {waiver(ban)};
  EXPECT_EQ(decided({}, p), "caution, fails");
}

}  // namespace
}  // namespace assay::verdict
