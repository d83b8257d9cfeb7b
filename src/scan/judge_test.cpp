#include "scan/judge.h"

#include <gtest/gtest.h>

#include "detect/observed.h"

namespace assay::scan {
namespace {

using finding::Status;
using format::Call;
using format::Document;
using format::Expr;
using std::chrono::sys_days;
using std::chrono::year;

constexpr sys_days kToday{year{2026} / 11 / 23};

Document document(std::string path, std::vector<std::string> callees = {}) {
  Document d;
  d.schema = format::kDocumentSchema;
  d.parser = format::parser_version();
  d.path = std::move(path);
  d.size = 10;
  d.sha256 = std::string(64, 'a');
  d.tier = "cell";
  d.members.push_back({0, "", "file", 0, 10, {"pickle"}, {{0, 10, 0, 0, 0}, {}}});
  d.pickles.push_back({{0, 0}, 10, format::kAllProfiles, 4, true, false, 5});
  for (const auto& callee : callees) {
    const auto dot = callee.rfind('.');
    Expr symbol{Expr::Kind::symbol, false, 0, callee.substr(0, dot), callee.substr(dot + 1), {}};
    d.imports.push_back({{0, 2}, format::kAllProfiles, symbol.text, symbol.name, "", true, 1});
    d.calls.push_back({{0, 5}, format::kAllProfiles, Call::Kind::reduce, symbol, {}, 1, false});
  }
  return d;
}

std::string status(const report::Artifact& a) { return std::string{finding::to_string(a.status)}; }
report::Artifact judged(const Document& d, const verdict::Policy& policy = {}) {
  bool fails = false;
  return judge(d, policy, kToday, fails);
}
const report::Engine& engine(const std::vector<report::Engine>& engines, std::string_view name) {
  return *std::find_if(engines.begin(), engines.end(), [&](const auto& e) { return e.name == name; });
}

TEST(Judge, AnArtifactSaysWhatItsFactsMean) {
  EXPECT_EQ(status(judged(document("a.pkl"))), "safe");
  EXPECT_EQ(status(judged(document("a.pkl", {"collections.OrderedDict"}))), "safe");
  EXPECT_EQ(status(judged(document("a.pkl", {"whatever.f"}))), "suspicious");
  EXPECT_EQ(status(judged(document("a.pkl", {"os.system"}))), "unsafe");
}

TEST(Judge, AnArtifactCarriesItsIdentityImportsAndCoverage) {
  const auto a = judged(document("a.pkl", {"os.system"}));
  EXPECT_EQ(a.path, "a.pkl");
  EXPECT_EQ(a.sha256, std::string(64, 'a'));
  EXPECT_EQ(a.size, 10u);
  EXPECT_EQ(a.tier, "cell");
  EXPECT_EQ(a.formats, std::vector<std::string>{"pickle"});
  ASSERT_EQ(a.imports.size(), 1u);
  EXPECT_EQ(a.imports[0].safety, finding::Safety::dangerous);
  EXPECT_EQ(a.coverage.of(bytes::Cover::parsed), 10u);
}

TEST(Judge, BytesThatNobodyReadAreNotSafe) {
  auto d = document("a.bin");
  d.members[0].coverage = {{0, 4, 0, 0, 6}, {{{4, 10}, "machine code"}}};
  const auto a = judged(d);
  EXPECT_EQ(status(a), "unscanned");
  ASSERT_EQ(a.unexamined.size(), 1u);
  EXPECT_EQ(a.unexamined[0].reason, "machine code");
}

TEST(Judge, EachEngineHasItsOwnAnswer) {
  auto d = document("a.pkl", {"os.system"});
  EXPECT_EQ(engine(judged(d).engines, "pickleImportScan").status, Status::unsafe);
  EXPECT_EQ(engine(judged(d).engines, "structure").status, Status::safe);
  EXPECT_EQ(engine(judged(d).engines, "avScan").status, Status::unscanned);
  EXPECT_EQ(engine(judged(d).engines, "secrets").status, Status::unscanned);
  auto odd = document("a.zip");
  odd.quirks.push_back({{0, 1}, 0, "zip.duplicate-differs", ""});
  EXPECT_EQ(engine(judged(odd).engines, "pickleImportScan").status, Status::safe);
  EXPECT_GT(engine(judged(odd).engines, "structure").status, Status::safe);
}

TEST(Judge, ARequiredEngineThatIsNotThereIsMissed) {
  verdict::Policy p;
  p.required_engines = {"avScan"};
  EXPECT_NE(status(judged(document("a.pkl"), p)), "safe");
  p.required_engines = {"pickleImportScan", "structure"};
  EXPECT_EQ(status(judged(document("a.pkl"), p)), "safe");
}

TEST(Judge, AWeakReadingThatBrokeOffIsNoPickleForABan) {
  verdict::Policy p;
  p.mode = verdict::Mode::ban;
  auto prose = document("a.txt");
  prose.pickles[0].weak = true;
  prose.pickles[0].stopped = false;
  bool fails = false;
  judge(prose, p, kToday, fails);
  EXPECT_FALSE(fails);
  judge(document("a.pkl"), p, kToday, fails);
  EXPECT_TRUE(fails);
}

TEST(Judge, ARepositoryIsAsBadAsItsWorst) {
  const auto out = judge({document("b.pkl", {"os.system"}), document("a.pkl")},
                         {"./model", {{"symlink", "x", "a.pkl"}}, 2, 3}, {}, kToday);
  EXPECT_EQ(out.report.status, Status::unsafe);
  EXPECT_TRUE(out.fails);
  ASSERT_EQ(out.report.artifacts.size(), 2u);
  EXPECT_EQ(out.report.artifacts[0].path, "a.pkl");
  EXPECT_EQ(out.report.bytes, 20u);
  EXPECT_EQ(out.report.root, "./model");
  EXPECT_EQ(out.report.excluded, 3u);
  EXPECT_EQ(out.report.tier, "cell");
  ASSERT_EQ(out.report.relations.size(), 1u);
  EXPECT_EQ(out.report.relations[0].from, "x");
  EXPECT_EQ(engine(out.report.engines, "pickleImportScan").status, Status::unsafe);
  EXPECT_EQ(engine(out.report.engines, "secrets").status, Status::unscanned);
}

TEST(Judge, AnEmptyRepositoryIsSafeAndPasses) {
  const auto out = judge(std::vector<Document>{}, {}, {}, kToday);
  EXPECT_EQ(out.report.status, Status::safe);
  EXPECT_EQ(exit_code(out), 0);
}

// Whoever mistypes a glob must not be told that all is well.
TEST(Judge, ARepositoryOfWhichNothingWasExaminedIsNotSafe) {
  report::Repository left_out;
  left_out.excluded = 5;
  verdict::Policy strict, observe;
  strict.fail_on = observe.fail_on = Status::unscanned;
  observe.mode = verdict::Mode::observe;
  const auto out = judge(std::vector<Document>{}, left_out, {}, kToday);
  EXPECT_EQ(out.report.status, Status::unscanned);
  EXPECT_EQ(engine(out.report.engines, "pickleImportScan").status, Status::unscanned);
  EXPECT_EQ(exit_code(out), 0);
  EXPECT_EQ(exit_code(judge(std::vector<Document>{}, left_out, strict, kToday)), 1);
  EXPECT_EQ(exit_code(judge(std::vector<Document>{}, left_out, observe, kToday)), 0);
  EXPECT_EQ(judge({document("a.pkl")}, left_out, {}, kToday).report.status, Status::safe);
}

TEST(Judge, TheWeakestConfinementIsReported) {
  auto weak = document("b.pkl");
  weak.tier = "unconfined";
  EXPECT_EQ(judge({document("a.pkl"), weak, document("c.pkl")}, {}, {}, kToday).report.tier, "unconfined");
}

TEST(Judge, ReferencesCountFromTheArtifactsFolder) {
  auto d = document("sub/model.index.json");
  d.references.push_back({"shard", "model-1.safetensors"});
  const auto out = judge({d}, {}, {}, kToday);
  ASSERT_EQ(out.report.relations.size(), 1u);
  EXPECT_EQ(out.report.relations[0].to, "sub/model-1.safetensors");
}

TEST(Judge, TheReportNamesThePolicyThatDecided) {
  verdict::Policy p;
  p.sunset = kToday;
  const auto out = judge({document("a.pkl")}, {}, p, kToday);
  EXPECT_EQ(out.report.policy.hash, p.hash());
  EXPECT_EQ(out.report.policy.mode, "ban");
  EXPECT_FALSE(out.report.rule_set.empty());
}

TEST(Judge, ExitCodes) {
  const auto broken = unreadable("a.pkl", 10, Errc::io, "no permission");
  verdict::Policy observe, strict;
  observe.mode = verdict::Mode::observe;
  strict.fail_on = Status::error;
  EXPECT_EQ(exit_code(judge({document("a.pkl")}, {}, {}, kToday)), 0);
  EXPECT_EQ(exit_code(judge({document("a.pkl", {"os.system"})}, {}, {}, kToday)), 1);
  EXPECT_EQ(exit_code(judge({document("a.pkl", {"os.system"}), broken}, {}, {}, kToday)), 1);
  EXPECT_EQ(exit_code(judge({broken}, {}, {}, kToday)), 2);
  EXPECT_EQ(exit_code(judge({broken}, {}, strict, kToday)), 1);
  EXPECT_EQ(exit_code(judge({document("a.pkl", {"os.system"}), broken}, {}, observe, kToday)), 0);
}

TEST(Judge, WhatCouldNotBeReadIsADocumentToo) {
  for (const auto size : {std::uint64_t{0}, std::uint64_t{10}}) {
    const auto d = unreadable("a.pkl", size, Errc::crashed, "its cell died");
    EXPECT_TRUE(format::validate(d));
    EXPECT_EQ(status(judged(d)), "error");
  }
}

TEST(Judging, DocumentsThatComeInAnyOrderMakeTheSameReport) {
  auto first = document("a.pkl"), second = document("b.pkl", {"os.system"}), third = document("c.pkl");
  first.references = {{"shard", "one.bin"}};
  third.references = {{"shard", "three.bin"}};
  const verdict::Policy policy;
  Judging judging{policy, kToday};
  judging.expect(3);
  judging.add(2, Document{third});
  judging.add(0, Document{first});
  judging.add(1, Document{second});
  const auto out = judging.finish({});
  const auto same = judge({first, second, third}, {}, policy, kToday);
  ASSERT_EQ(out.report.artifacts.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(out.report.artifacts[i].path, same.report.artifacts[i].path);
    EXPECT_EQ(out.report.artifacts[i].status, same.report.artifacts[i].status);
  }
  ASSERT_EQ(out.report.relations.size(), 2u);
  EXPECT_EQ(out.report.relations[0].to, "one.bin");
  EXPECT_EQ(out.report.relations[1].to, "three.bin");
  EXPECT_TRUE(out.fails);
  EXPECT_EQ(exit_code(out), exit_code(same));
}

// --- Malware ---

Document scanned_for_malware(std::vector<std::string> signatures, bool complete = true, std::string what = "") {
  auto d = document("a.pkl");
  for (auto& signature : signatures) {
    format::Observation o;
    o.engine = "avScan";
    o.rule = std::move(signature);
    d.observations.push_back(std::move(o));
  }
  d.engines.push_back({"avScan", "1.4.6", "27500", complete, std::move(what), 0});
  return d;
}

TEST(JudgeMalware, WhatTheDaemonKnowsIsUnsafe) {
  const auto a = judged(scanned_for_malware({"Win.Test.EICAR_HDB-1"}));
  EXPECT_EQ(status(a), "unsafe");
  const auto found = std::ranges::find(a.findings, "malware.clamav", &finding::Finding::rule);
  ASSERT_NE(found, a.findings.end());
  EXPECT_NE(found->message.find("Win.Test.EICAR_HDB-1"), std::string::npos);
  EXPECT_NE(found->remediation.find("Delete it"), std::string::npos);
  EXPECT_EQ(engine(a.engines, "avScan").status, Status::unsafe);
  EXPECT_EQ(engine(a.engines, "structure").status, Status::safe);
}

TEST(JudgeMalware, IsNoLessUnsafeWhereItHides) {
  auto d = scanned_for_malware({"Win.Test.EICAR_HDB-1"});
  d.members.push_back({0, "inner", "byte string", 2, 4, {"pickle"}, {{0, 4, 0, 0, 0}, {}}});
  d.observations[0].place.member = 1;
  EXPECT_EQ(status(judged(d)), "unsafe");
}

TEST(JudgeMalware, CleanIsSafeAndTellsByWhom) {
  const auto a = judged(scanned_for_malware({}));
  const auto& scan = engine(a.engines, "avScan");
  EXPECT_EQ(scan.status, Status::safe);
  EXPECT_EQ(scan.version, "1.4.6");
  EXPECT_EQ(scan.rule_set, "27500");
}

TEST(JudgeMalware, WhatWasLeftOutIsUnscannedAndFailsWhoRequiresIt) {
  const auto d = scanned_for_malware({}, false, "clamd did not answer in time");
  const auto& a = judged(d);
  EXPECT_EQ(engine(a.engines, "avScan").status, Status::unscanned);
  EXPECT_EQ(engine(a.engines, "avScan").message, "clamd did not answer in time");
  EXPECT_EQ(status(a), "safe");
  verdict::Policy strict;
  strict.required_engines = {"avScan"};
  strict.fail_on = Status::unscanned;
  bool fails = false;
  EXPECT_EQ(status(judge(d, strict, kToday, fails)), "unscanned");
  EXPECT_TRUE(fails);
  fails = false;
  EXPECT_EQ(status(judge(scanned_for_malware({}), strict, kToday, fails)), "safe");
  EXPECT_FALSE(fails);
}

TEST(JudgeMalware, OlderSignaturesThanTodaysAreQueuedAndNewerOnesAreNot) {
  const auto status_today = [](std::string current) {
    bool fails = false;
    const auto a = judge(scanned_for_malware({}), {}, kToday, fails, {{"avScan", std::move(current)}});
    return engine(a.engines, "avScan").status;
  };
  EXPECT_EQ(status_today("27500"), Status::safe);
  EXPECT_EQ(status_today("27499"), Status::safe);
  EXPECT_EQ(status_today("27501"), Status::queued);
  EXPECT_EQ(status_today("100000"), Status::queued);
  EXPECT_EQ(status_today(""),
            Status::queued);  // a daemon with its owner's signatures only: nobody knows which is older
}

// --- YARA ---

Document searched_with_yara(std::string rule_set, std::vector<std::string> severities = {}) {
  auto d = document("a.pkl");
  for (auto& severity : severities) {
    format::Observation o;
    o.engine = "yara";
    o.rule = "A_Rule";
    o.detail = "Does \x1b[31m what it does.";
    o.severity = std::move(severity);
    d.observations.push_back(std::move(o));
  }
  d.engines.push_back({"yara", "4.2.3", std::move(rule_set), true, "", 0});
  return d;
}

std::string own_rules() { return std::string{detect::current_rule_set("yara")}; }

TEST(JudgeYara, AMatchWeighsWhatItsRuleSays) {
  const std::vector<std::pair<std::string, std::string>> weights{{"unsafe", "unsafe"},   {"suspicious", "suspicious"},
                                                                 {"caution", "caution"}, {"note", "safe"},
                                                                 {"", "suspicious"},     {"high", "suspicious"}};
  for (const auto& [severity, expected] : weights) {
    const auto a = judged(searched_with_yara(own_rules(), {severity}));
    EXPECT_EQ(status(a), expected) << severity;
    EXPECT_EQ(std::string{to_string(engine(a.engines, "yara").status)}, expected) << severity;
    const auto found = std::ranges::find(a.findings, "malware.yara", &finding::Finding::rule);
    ASSERT_NE(found, a.findings.end());
    EXPECT_EQ(found->message, "Does \\x1b[31m what it does.");
    EXPECT_EQ(found->evidence, "A_Rule");
  }
}

TEST(JudgeYara, OlderBuiltInRulesAreQueuedWhateverTheUsersOwn) {
  const auto status_of = [](std::string rule_set) {
    return engine(judged(searched_with_yara(std::move(rule_set))).engines, "yara").status;
  };
  EXPECT_EQ(status_of(own_rules()), Status::safe);
  EXPECT_EQ(status_of(own_rules() + "+0123456789abcdef"), Status::safe);
  EXPECT_EQ(status_of("0123456789abcdef"), Status::queued);
  EXPECT_EQ(status_of("0123456789abcdef+" + own_rules()), Status::queued);
}

}  // namespace
}  // namespace assay::scan
