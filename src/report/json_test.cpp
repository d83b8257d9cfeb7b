#include "report/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/sample.h"

namespace assay::report {
namespace {

using finding::Status;
using nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

bool is_plain_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n'; });
}

std::vector<Report> samples() {
  return {Report{}, sample::mixed(), sample::filled_with(""), sample::filled_with(sample::kHostile),
          sample::filled_with("模型 \xf0\x9f\x98\x80")};
}

TEST(JsonReport, HasTheKeysThatTheSchemaNames) {
  const auto report = json::parse(to_json(sample::mixed()));
  EXPECT_EQ(report["schema"], "assay-report/1");
  EXPECT_EQ(report["tool"], (json{{"name", "assay"}, {"version", "0.1.0"}, {"rule_set", "0123456789ab"}}));
  EXPECT_EQ(report["status"], "unsafe");
  EXPECT_EQ(report["summary"]["unsafe"], 1);
  EXPECT_EQ(report["summary"]["seconds"], 0.042);
  EXPECT_EQ(report["summary"]["artifacts"], 7);
  EXPECT_EQ(report["repository"]["relations"][0]["kind"], "shard");
  ASSERT_EQ(report["artifacts"].size(), 7u);
  const auto& evil = report["artifacts"][4];
  EXPECT_EQ(evil["path"], "pytorch_model.bin");
  EXPECT_FALSE(evil.contains("path_bytes"));
  EXPECT_EQ(evil["digest"], "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(evil["imports"][2]["safety"], "dangerous");
  EXPECT_EQ(evil["findings"][0]["member"], "archive/data.pkl");
  EXPECT_EQ(evil["findings"][0]["offset"], 0x1f);
  EXPECT_EQ(evil["checkpoints"][0]["member"], "archive/data.pkl");
  EXPECT_EQ(evil["checkpoints"][0]["offset"], 0x1f);
  EXPECT_EQ(evil["confinement"], "cell");
  const auto& damaged = report["artifacts"][1];
  EXPECT_EQ(damaged["coverage"]["unexamined"], 4000);
  EXPECT_EQ(damaged["coverage"]["ranges"][0]["begin"], 96);
}

TEST(JsonReport, SaysWhereABlobStandsInItsHistory) {
  auto report = sample::mixed();
  EXPECT_TRUE(json::parse(to_json(report))["artifacts"][0]["origin"].is_null());
  report.artifacts[0].origins = {{"b1", "c2", "A", "a@b", "2023-11-14T22:13:20Z", 3}};
  report.artifacts[1].origins = {{"b1", "", "", "", "", 0}};
  const auto artifacts = json::parse(to_json(report))["artifacts"];
  EXPECT_EQ(artifacts[0]["origin"],
            (json{{"object", "b1"},
                  {"commit", "c2"},
                  {"author", {{"name", "A"}, {"email", "a@b"}, {"date", "2023-11-14T22:13:20Z"}}},
                  {"other_paths", 3}}));
  EXPECT_EQ(artifacts[1]["origin"],
            (json{{"object", "b1"}, {"commit", nullptr}, {"author", nullptr}, {"other_paths", 0}}));
}

TEST(JsonReport, SaysNullWhereNoDigestWasComputed) {
  auto report = sample::mixed();
  report.artifacts[0].sha256.clear();
  EXPECT_TRUE(json::parse(to_json(report))["artifacts"][0]["digest"].is_null());
}

TEST(JsonReport, KeepsTheBytesOfAPathThatIsNoText) {
  auto report = sample::mixed();
  report.artifacts[0].path = "a\xff";
  const auto artifact = json::parse(to_json(report))["artifacts"][0];
  EXPECT_EQ(artifact["path"], "a\xef\xbf\xbd");
  EXPECT_EQ(artifact["path_bytes"], "61ff");
}

// A report is printed, mailed and logged: no string of a file may act where it is shown.
TEST(JsonReport, IsAsciiWhateverTheFilesHold) {
  for (const auto& report : samples())
    for (const auto& text : {to_json(report), to_json_lines(report), to_hub(report), to_sarif(report)}) {
      EXPECT_TRUE(is_plain_ascii(text));
      EXPECT_TRUE(text.ends_with("\n"));
    }
}

TEST(JsonReport, IsIndentedByTwoAllTheWayDown) {
  for (const auto& report : samples()) {
    const auto text = to_json(report);
    EXPECT_EQ(nlohmann::ordered_json::parse(text).dump(2, ' ', true) + "\n", text);
    const auto hub = to_hub(report);
    EXPECT_EQ(nlohmann::ordered_json::parse(hub).dump(2, ' ', true) + "\n", hub);
  }
}

TEST(JsonReport, SaysTheSameInLines) {
  for (const auto& report : samples()) {
    const auto whole = json::parse(to_json(report));
    const auto lines = lines_of(to_json_lines(report));
    ASSERT_EQ(lines.size(), report.artifacts.size() + 2);
    auto joined = json::parse(lines.front());
    joined["artifacts"] = json::array();
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) joined["artifacts"].push_back(json::parse(lines[i]));
    EXPECT_EQ(joined, whole);
    EXPECT_EQ(json::parse(lines.back()), (json{{"summary", whole["summary"]}}));
  }
}

TEST(JsonReport, SurvivesImpossibleTimes) {
  for (const double seconds : {std::nan(""), HUGE_VAL, -HUGE_VAL, -1.0}) {
    Report report;
    report.seconds = seconds;
    EXPECT_EQ(json::parse(to_json(report))["summary"]["seconds"], 0.0);
  }
}

TEST(HubShape, HasWhatClientsIndexWithoutAsking) {
  const auto hub = json::parse(to_hub(sample::mixed()));
  EXPECT_EQ(hub["scansDone"], true);
  EXPECT_EQ(hub["filesWithIssues"].size(), 5u);
  EXPECT_EQ(hub["filesWithIssues"][0], (json{{"path", "damaged.pt"}, {"level", "error"}}));
  const auto& evil = hub["files"][4];
  EXPECT_EQ(evil["type"], "file");
  EXPECT_EQ(evil["securityFileStatus"]["status"], "unsafe");
  EXPECT_EQ(evil["securityFileStatus"]["avScan"]["status"], "unscanned");
  EXPECT_EQ(evil["securityFileStatus"]["pickleImportScan"]["status"], "unsafe");
  EXPECT_EQ(evil["securityFileStatus"]["pickleImportScan"]["pickleImports"][2],
            (json{{"module", "os"}, {"name", "system"}, {"safety", "dangerous"}}));
}

TEST(HubShape, HasBothScansWhereNoEngineAnswered) {
  Report report;
  report.artifacts = {sample::artifact("a", Status::safe)};
  report.artifacts[0].engines.clear();
  const auto status = json::parse(to_hub(report))["files"][0]["securityFileStatus"];
  EXPECT_EQ(status["avScan"]["status"], "unscanned");
  EXPECT_EQ(status["pickleImportScan"], (json{{"status", "unscanned"}, {"pickleImports", json::array()}}));
}

TEST(HubShape, IsNotDoneWhileAnythingIsQueued) {
  auto report = sample::mixed();
  report.artifacts[0].engines[2].status = Status::queued;
  EXPECT_EQ(json::parse(to_hub(report))["scansDone"], false);
}

json run_of(const Report& report, std::optional<int> code = std::nullopt) {
  return json::parse(to_sarif(report, code))["runs"][0];
}

TEST(Sarif, PutsTheWorstFirstAndSaysWhere) {
  const auto run = run_of(sample::mixed(), 1);
  const auto& worst = run["results"][0];
  EXPECT_EQ(worst["level"], "error");
  EXPECT_EQ(worst["ruleId"], "pickle.call.os-system");
  const auto& place = worst["locations"][0];
  EXPECT_EQ(place["physicalLocation"]["artifactLocation"]["uri"], "pytorch_model.bin");
  EXPECT_EQ(place["physicalLocation"]["region"]["startLine"], 1);
  EXPECT_FALSE(place["physicalLocation"]["region"].contains("byteOffset")) << "the offset is one inside the member";
  EXPECT_EQ(place["logicalLocations"][0]["fullyQualifiedName"], "archive/data.pkl");
  EXPECT_EQ(worst["properties"]["offset"], 0x1f);
  const auto& next = run["results"][1];
  EXPECT_EQ(next["locations"][0]["physicalLocation"]["region"]["byteOffset"], 0x2c);
  EXPECT_EQ(run["invocations"][0]["exitCode"], 1);
  EXPECT_EQ(run["invocations"][0]["executionSuccessful"], false) << "a file could not be read";
}

TEST(Sarif, DescribesEveryRuleOfItsResults) {
  auto report = sample::mixed();
  report.rules = {{"pickle.call.os-system", "Runs a shell command.", "Do not load it.", {"https://example.invalid/a"}}};
  const auto run = run_of(report);
  for (const auto& result : run["results"])
    EXPECT_EQ(run["tool"]["driver"]["rules"][result["ruleIndex"].get<std::size_t>()]["id"], result["ruleId"]);
  const auto& rule = run["tool"]["driver"]["rules"][0];
  EXPECT_EQ(rule["name"], "PickleCallOsSystem");
  EXPECT_EQ(rule["shortDescription"]["text"], "Runs a shell command.");
  EXPECT_EQ(rule["helpUri"], "https://example.invalid/a");
  EXPECT_EQ(rule["properties"]["security-severity"], "9.5");
  EXPECT_EQ(rule["properties"]["tags"][2], "external/cwe/cwe-502");
}

TEST(Sarif, EscapesPathsIntoRelativeReferences) {
  auto report = sample::mixed();
  report.artifacts[4].path = "/a b/c:d/\xff%?#[模]";
  EXPECT_EQ(run_of(report)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            "%2Fa%20b/c%3Ad/%FF%25%3F%23%5B%E6%A8%A1%5D");
}

// A model with megabytes of noise as evidence must not get the upload refused that names it.
TEST(Sarif, StaysSmallEnoughToUpload) {
  auto report = sample::mixed();
  report.artifacts[4].findings.assign(5'000, sample::os_system(1, std::string(100'000, 'x')));
  report.artifacts[4].findings.front().where.member = std::string(100'000, 'm');
  const auto text = to_sarif(report);
  EXPECT_LT(text.size(), 10'000'000u);
  EXPECT_NE(text.find("results were left out"), std::string::npos);
}

TEST(Sarif, ListsAnArtifactOnce) {
  auto report = sample::mixed();
  report.artifacts.push_back(report.artifacts[4]);
  const auto run = run_of(report);
  EXPECT_EQ(run["results"].size(), 5u);
  EXPECT_EQ(run["artifacts"].size(), 4u);
}

// "[click here](https://...)" in a string of a model must not become a link in somebody's dashboard.
TEST(Sarif, DrawsNoLinksFromEvidence) {
  const auto text = to_sarif(sample::filled_with("[x](http://x)"));
  const auto run = json::parse(text)["runs"][0];
  for (const auto& result : run["results"])
    EXPECT_EQ(result["message"]["text"].get<std::string>().find("]("), std::string::npos);
  for (const auto& rule : run["tool"]["driver"]["rules"])
    EXPECT_EQ(rule["help"]["text"].get<std::string>().find("]("), std::string::npos);
}

TEST(Sarif, KeepsEqualFindingsOfAFileApart) {
  auto report = sample::mixed();
  report.artifacts[4].findings.push_back(report.artifacts[4].findings[0]);
  const auto results = run_of(report)["results"];
  const auto print = report.artifacts[4].findings[0].fingerprint;
  EXPECT_EQ(results[0]["partialFingerprints"]["primaryLocationLineHash"], print + ":1");
  EXPECT_EQ(results[1]["partialFingerprints"]["primaryLocationLineHash"], print + ":2");
}

TEST(Sarif, SuppressesWhatIsWaivedAndSaysSoOfAllResults) {
  auto report = sample::mixed();
  const auto before = run_of(report)["results"];
  for (const auto& result : before) EXPECT_FALSE(result.contains("suppressions"));
  report.artifacts[4].findings[0].waived = true;
  const auto results = run_of(report)["results"];
  EXPECT_EQ(results[0]["suppressions"][0]["kind"], "external");
  for (const auto& result : results) EXPECT_TRUE(result.contains("suppressions"));
}

TEST(Sarif, NotifiesOfWhatWasNotRead) {
  std::string all;
  const auto run = run_of(sample::mixed());
  for (const auto& note : run["invocations"][0]["toolExecutionNotifications"])
    all += note["message"]["text"].get<std::string>() + "\n";
  EXPECT_EQ(all,
            "not scanned for: malware\nnot scanned for: secrets\ncould not be read to the end\n"
            "not examined; Python source code\n");
}

TEST(Sarif, KeepsTheWorstOfTooManyResults) {
  auto report = sample::mixed();
  auto note = sample::os_system(1, "echo");
  note.severity = finding::Severity::note;
  report.artifacts[0].findings.assign(30'000, note);
  const auto text = to_sarif(report);
  EXPECT_EQ(times(text, "\"ruleIndex\""), 25'000u);
  EXPECT_NE(text.find("5004 results were left out"), std::string::npos);
  EXPECT_NE(text.find("curl -s"), std::string::npos) << "the one that matters is kept";
}

}  // namespace
}  // namespace assay::report
