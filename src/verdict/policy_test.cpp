#include "verdict/policy.h"

#include <gtest/gtest.h>

namespace assay::verdict {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

const std::string kSha(64, 'a');

std::string waiver(const std::string& without = {}) {
  const std::pair<std::string, std::string> lines[] = {
      {"sha256", "'" + kSha + "'"}, {"rule", "'pickle.call.os-system'"}, {"finding", "'0123456789abcdef'"},
      {"owner", "'ann'"},           {"reason", "'we looked'"},           {"expires", "2027-01-31"}};
  std::string out = "[[waiver]]\n";
  for (const auto& [key, value] : lines)
    if (key != without) out += key + " = " + value + "\n";
  return out;
}

std::string complaint(const std::string& text) {
  const auto p = parse_policy(text);
  return p ? "" : p.error().message;
}

TEST(Policy, AnEmptyOneIsTheMiddleGround) {
  const auto p = parse_policy("");
  ASSERT_TRUE(p);
  EXPECT_EQ(p->mode, Mode::middle);
  EXPECT_EQ(p->fail_on, finding::Status::suspicious);
  EXPECT_FALSE(p->sunset);
  EXPECT_EQ(p->hash(), Policy{}.hash());
}

TEST(Policy, EveryKeyIsRead) {
  const auto p = parse_policy(R"(
name = "ours"
mode = "ban"
sunset = 2027-03-01
fail_on = "caution"
required_engines = ["avScan", "secrets"]
[limits]
inflated_bytes = 1
inflated_floor = 2
inflated_ratio = 3
members = 4
depth = 5
opcodes = 6
memo_slots = 7
facts = 8
probes = 9
seconds = 10
[imports]
"ours.model.*" = "library"
"ours.value" = "value"
)" + waiver());
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(p->name, "ours");
  EXPECT_EQ(p->mode, Mode::ban);
  EXPECT_EQ(p->sunset, sys_days{year{2027} / 3 / 1});
  EXPECT_EQ(p->fail_on, finding::Status::caution);
  EXPECT_EQ(p->required_engines, (std::vector<std::string>{"avScan", "secrets"}));
  const auto& l = p->limits;
  EXPECT_EQ((std::vector{l.inflated_bytes, l.inflated_floor, l.inflated_ratio, l.members, l.depth, l.opcodes,
                         l.memo_slots, l.facts, l.probes, l.seconds}),
            (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(p->listed.names.at("ours.model.*"), detect::Effect::library);
  EXPECT_EQ(p->listed.names.at("ours.value"), detect::Effect::value);
  ASSERT_EQ(p->waivers.size(), 1u);
  EXPECT_EQ(p->waivers[0].sha256, kSha);
  EXPECT_EQ(p->waivers[0].fingerprint, "0123456789abcdef");
  EXPECT_EQ(p->waivers[0].expires, sys_days{year{2027} / 1 / 31});
}

// A misspelt rule must not be a missing one.
TEST(Policy, UnknownKeysAreRefusedWithTheirLine) {
  EXPECT_EQ(complaint("\n\nmod = 'ban'\n"), "line 3: unknown key 'mod'");
  EXPECT_EQ(complaint("[limits]\nopcode = 5\n"), "line 2: unknown limit 'opcode'");
  EXPECT_NE(complaint(waiver() + "until = 2027-01-01\n").find("unknown key 'until' in a waiver"), std::string::npos);
  EXPECT_NE(complaint("[waivers]\n"), "");
  EXPECT_NE(complaint("waiver = 5\n"), "");
  EXPECT_NE(complaint("limits = 5\n"), "");
  EXPECT_NE(complaint("imports = ['x']\n"), "");
}

TEST(Policy, WrongValuesAreRefused) {
  for (const auto* text : {"mode = 'lenient'",
                           "mode = 1",
                           "fail_on = 'safe'",
                           "fail_on = 'never'",
                           "fail_on = 3",
                           "sunset = '2027-03-01'",
                           "sunset = 2027-02-30",
                           "sunset = 2027-13-01",
                           "sunset = 2027-03-01T00:00:00",
                           "sunset = 5",
                           "name = 5",
                           "required_engines = 'avScan'",
                           "required_engines = [1]",
                           "[limits]\nopcodes = -1",
                           "[limits]\nopcodes = 'many'",
                           "[limits]\nopcodes = 1.5",
                           "[limits]\ndepth = 65",
                           "[imports]\n'a.b' = 'harmless'",
                           "[imports]\n'a.b' = 'resolves'",
                           "[imports]\n'a.b' = 1",
                           "mode = ",
                           "mode = 'ban'\nmode = 'ban'",
                           "= 5",
                           "\x01"})
    EXPECT_NE(complaint(text), "") << text;
}

TEST(Policy, AWaiverNeedsEverythingThatBindsIt) {
  EXPECT_EQ(complaint(waiver()), "");
  for (const auto* key : {"sha256", "rule", "finding", "owner", "reason", "expires"}) {
    const auto what = complaint(waiver(key));
    EXPECT_NE(what.find("a waiver needs"), std::string::npos) << key << what;
  }
  EXPECT_NE(
      complaint(
          "[[waiver]]\nsha256 = 'abc'\nrule = 'r'\nfinding = 'f'\nowner = 'o'\nreason = 'r'\nexpires = 2027-01-01\n"),
      "");
  EXPECT_NE(complaint("[[waiver]]\nsha256 = 5\n"), "");
}

Policy full() {
  Policy p;
  p.sunset = sys_days{year{2027} / 3 / 1};
  p.required_engines = {"a", "b"};
  p.listed.names = {{"x.y", detect::Effect::value}};
  p.waivers = {{kSha, "r", "f", "o", "why", sys_days{year{2027} / 1 / 1}}};
  return p;
}

TEST(Policy, TheHashChangesWithEveryFieldThatDecides) {
  const std::pair<const char*, void (*)(Policy&)> changes[] = {
      {"mode", [](Policy& p) { p.mode = Mode::ban; }},
      {"sunset", [](Policy& p) { *p.sunset += std::chrono::days{1}; }},
      {"no sunset", [](Policy& p) { p.sunset.reset(); }},
      {"fail_on", [](Policy& p) { p.fail_on = finding::Status::unsafe; }},
      {"engines", [](Policy& p) { p.required_engines = {"ab"}; }},
      {"fewer engines", [](Policy& p) { p.required_engines.pop_back(); }},
      {"inflated_bytes", [](Policy& p) { ++p.limits.inflated_bytes; }},
      {"inflated_floor", [](Policy& p) { ++p.limits.inflated_floor; }},
      {"inflated_ratio", [](Policy& p) { ++p.limits.inflated_ratio; }},
      {"members", [](Policy& p) { ++p.limits.members; }},
      {"depth", [](Policy& p) { ++p.limits.depth; }},
      {"opcodes", [](Policy& p) { ++p.limits.opcodes; }},
      {"memo_slots", [](Policy& p) { ++p.limits.memo_slots; }},
      {"facts", [](Policy& p) { ++p.limits.facts; }},
      {"probes", [](Policy& p) { ++p.limits.probes; }},
      {"seconds", [](Policy& p) { ++p.limits.seconds; }},
      {"import",
       [](Policy& p) {
         p.listed.names = {{"x.z", detect::Effect::value}};
       }},
      {"effect",
       [](Policy& p) {
         p.listed.names = {{"x.y", detect::Effect::library}};
       }},
      {"waiver digest", [](Policy& p) { p.waivers[0].sha256[0] = 'b'; }},
      {"waiver rule", [](Policy& p) { p.waivers[0].rule = "s"; }},
      {"waiver finding", [](Policy& p) { p.waivers[0].fingerprint = "g"; }},
      {"waiver owner", [](Policy& p) { p.waivers[0].owner = "p"; }},
      {"waiver reason", [](Policy& p) { p.waivers[0].reason = "x"; }},
      {"waiver day", [](Policy& p) { p.waivers[0].expires += std::chrono::days{1}; }},
      {"no waiver", [](Policy& p) { p.waivers.clear(); }},
  };
  std::vector<std::string> seen = {full().hash()};
  EXPECT_EQ(seen[0].size(), 16u);
  for (const auto& [what, change] : changes) {
    auto p = full();
    change(p);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), p.hash()), 0) << what;
    seen.push_back(p.hash());
  }
}

TEST(Policy, TheHashDoesNotChangeWithTheName) {
  auto p = full();
  p.name = "another";
  EXPECT_EQ(p.hash(), full().hash());
}

// Texts that only join to the same text are not the same policy.
TEST(Policy, TheHashKeepsFieldsApart) {
  auto a = full(), b = full();
  a.waivers[0].owner = "ab", a.waivers[0].reason = "c";
  b.waivers[0].owner = "a", b.waivers[0].reason = "bc";
  EXPECT_NE(a.hash(), b.hash());
  a = b = full();
  a.waivers[0].owner =
      "a\x1f"
      "b",
  a.waivers[0].reason = "c";
  b.waivers[0].owner = "a", b.waivers[0].reason =
                                "b\x1f"
                                "c";
  EXPECT_NE(a.hash(), b.hash());
  a = b = full();
  a.required_engines = {"x"}, a.listed.names.clear(), a.waivers.clear();
  b.required_engines.clear(), b.listed.names = {}, b.waivers.clear();
  EXPECT_NE(a.hash(), b.hash());
}

}  // namespace
}  // namespace assay::verdict
