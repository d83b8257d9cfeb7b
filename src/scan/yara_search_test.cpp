#include "scan/yara_search.h"

#include <gtest/gtest.h>

#include <array>

#include "malware/yara/compile.h"
#include "scan/program_search.h"
#include "scan/sweep.h"

namespace assay::scan {
namespace {

using bytes::Extent;

constexpr std::string_view kAttack = "sc stop WinDefend\n";

/// One member of these formats, with its bytes shared out.
struct Shown {
  Shown(std::string text, std::vector<std::string> formats, std::vector<Extent> own, std::vector<Extent> tensors = {})
      : all{std::move(text)}, own_{std::move(own)}, tensors_{std::move(tensors)} {
    document.members.push_back({0, "", "file", 0, all.size(), std::move(formats), {}});
  }
  OwnBytes bytes() { return {0, source, own_, tensors_, document, budget}; }

  std::string all;
  std::vector<Extent> own_, tensors_;
  bytes::MemorySource source{bytes::view(all)};
  format::Document document;
  bytes::Budget budget{bytes::Limits{}, all.size()};
};

format::Document searched(Shown& shown, std::string_view user_rules = {}, bool tensors = false) {
  YaraSearch search{user_rules, tensors};
  const auto bytes = shown.bytes();
  search.pass_over(bytes.tensors);
  auto where = bytes.own;
  if (tensors) where.insert(where.end(), bytes.tensors.begin(), bytes.tensors.end());
  where = normalised(std::move(where), shown.all.size());
  Sweep{}.over(bytes, where, std::array<LiteralEngine*, 1>{&search});
  search.look_with_users(bytes);
  format::Document out;
  search.finish(out);
  return out;
}

std::string compiled(std::string text) {
  const std::vector<malware::yara::RuleText> texts{{"test.yar", std::move(text)}};
  return malware::yara::compile(texts).compiled;
}

TEST(YaraSearch, OwnRulesLookAtWhatBelongsToTheMember) {
  const auto text = std::string(100, '.') + std::string{kAttack};
  Shown all{text, {"shell"}, {{0, text.size()}}}, part{text, {"zip"}, {{0, 50}, {100, text.size()}}};
  Shown elsewhere{text, {"zip"}, {{0, 100}}};
  for (auto* shown : {&all, &part}) {
    const auto found = searched(*shown);
    ASSERT_EQ(found.observations.size(), 1u);
    EXPECT_EQ(found.observations[0].rule, "DefenderDisabled");
    EXPECT_EQ(found.observations[0].place.offset, 100u);
    EXPECT_EQ(found.observations[0].severity, "unsafe");
    ASSERT_EQ(found.engines.size(), 1u);
    EXPECT_EQ(found.engines[0].engine, "yara");
    EXPECT_TRUE(found.engines[0].complete);
  }
  EXPECT_TRUE(searched(elsewhere).observations.empty());
}

TEST(YaraSearch, TensorsArePassedOverUnlessAskedFor) {
  Shown shown{std::string{kAttack}, {"safetensors"}, {}, {{0, kAttack.size()}}};
  auto found = searched(shown);
  EXPECT_TRUE(found.observations.empty());
  EXPECT_EQ(found.engines[0].passed_over, kAttack.size());
  found = searched(shown, {}, true);
  EXPECT_EQ(found.observations.size(), 1u);
  EXPECT_EQ(found.engines[0].passed_over, 0u);
}

// A document about attacks is none; a script that looks like one is.
TEST(YaraSearch, InProseOurRulesAreNotesAndTheUsersAreNot) {
  const auto rules = compiled("rule Mine { meta: severity = \"unsafe\" strings: $a = \"WinDefend\" condition: $a }");
  Shown prose{std::string{kAttack}, {"text"}, {{0, kAttack.size()}}};
  const auto found = searched(prose, rules);
  ASSERT_EQ(found.observations.size(), 2u);
  EXPECT_EQ(found.observations[0].severity, "note");
  EXPECT_EQ(found.observations[1].rule, "Mine");
  EXPECT_EQ(found.observations[1].severity, "unsafe");
  Shown both{std::string{kAttack}, {"text", "pickle"}, {{0, kAttack.size()}}};
  EXPECT_EQ(searched(both).observations[0].severity, "unsafe");
}

TEST(YaraSearch, TheUsersRulesLookAtAllButTensors) {
  const auto rules = compiled("rule Mine { strings: $a = \"mark\" condition: $a }");
  const std::string text = "....mark........mark....";
  Shown elsewhere{text, {"zip"}, {}};  // all of it are other members' bytes
  const auto found = searched(elsewhere, rules);
  ASSERT_EQ(found.observations.size(), 1u);
  EXPECT_EQ(found.observations[0].place.offset, 4u);
  Shown tensor{text, {"npy"}, {}, {{0, 12}}};
  EXPECT_EQ(searched(tensor, rules).observations.at(0).place.offset, 16u);
  Shown only_tensor{text, {"npy"}, {}, {{0, 24}}};
  EXPECT_TRUE(searched(only_tensor, rules).observations.empty());
}

TEST(YaraSearch, WhatIsLeftOutIsSaid) {
  Shown shown{std::string{kAttack}, {"shell"}, {{0, kAttack.size()}}};
  auto found = searched(shown, "no compiled rules");
  EXPECT_FALSE(found.engines[0].complete);
  EXPECT_EQ(found.engines[0].what, "these are no compiled YARA rules");
  EXPECT_EQ(found.observations.size(), 1u);
  bytes::Limits limits;
  limits.facts = 0;
  shown.budget = bytes::Budget{limits, 1};
  found = searched(shown);
  EXPECT_TRUE(found.observations.empty());
  EXPECT_EQ(found.engines[0].what, "more matches than are kept");
}

TEST(YaraSearch, LooksAtEverythingWhereNobodySearchesForAnchors) {
  Shown shown{std::string(100, '.') + std::string{kAttack}, {"shell"}, {}};
  const auto bytes = shown.bytes();
  YaraSearch search{{}, false};
  search.enter(bytes);
  search.begin({50, shown.all.size()});
  search.see_nothing("this processor cannot");
  EXPECT_TRUE(search.end(true));
  format::Document out;
  search.finish(out);
  ASSERT_EQ(out.observations.size(), 1u);
  EXPECT_EQ(out.observations[0].place.offset, 100u);
  EXPECT_TRUE(out.engines.at(0).complete);
}

TEST(YaraSearch, StartsAnew) {
  Shown shown{std::string{kAttack}, {"shell"}, {{0, kAttack.size()}}};
  YaraSearch search{{}, false};
  const auto bytes = shown.bytes();
  Sweep{}.over(bytes, bytes.own, std::array<LiteralEngine*, 1>{&search});
  search.forget();
  format::Document out;
  search.finish(out);
  EXPECT_TRUE(out.observations.empty());
}

TEST(ProgramSearch, NamesWhatParsesInsideOfTensorsOnly) {
  const std::string script = "#!/bin/sh\necho nothing here\n";
  const auto text = script + std::string(10, '\0') + script;
  Shown shown{text, {"safetensors"}, {{0, 30}}, {{30, text.size()}}};
  ProgramSearch search;
  search.look_at(shown.bytes());
  format::Document out;
  search.finish(out);
  ASSERT_EQ(out.quirks.size(), 1u);
  EXPECT_EQ(out.quirks[0].id, "file.hidden-program");
  EXPECT_EQ(out.quirks[0].place.offset, script.size() + 10);
  EXPECT_EQ(out.quirks[0].detail, "script: a script");
  EXPECT_TRUE(out.stops.empty());
}

}  // namespace
}  // namespace assay::scan
