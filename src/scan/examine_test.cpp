#include "scan/examine.h"

#include <gtest/gtest.h>

#include "detect/detect.h"
#include "scan/judge.h"
#include "scan/sample.h"

namespace assay::scan {
namespace {

using namespace sample;
using namespace std::string_literals;
using Lines = std::vector<std::string>;

struct Examined {
  explicit Examined(std::string file, bytes::Limits limits = {}) : all{std::move(file)} {
    const bytes::MemorySource source{bytes::view(all)};
    bytes::SpoolFile spool{-1};
    Examination how;
    how.limits = limits;
    how.third_party = true;
    how.care = detect::care;
    document = *examine(source, spool, how);
    const auto valid = format::validate(document);
    EXPECT_TRUE(valid) << valid.error().what;
    bool fails = false;
    artifact = judge(document, {}, std::chrono::sys_days{}, fails);
  }
  std::string status() const { return std::string{finding::to_string(artifact.status)}; }
  bool says(std::string_view rule) const {
    return std::any_of(artifact.findings.begin(), artifact.findings.end(),
                       [&](const auto& f) { return f.rule == rule; });
  }
  Lines members() const {
    Lines out;
    for (std::uint32_t i = 1; i < document.members.size(); ++i) out.push_back(format::member_path(document, i));
    return out;
  }
  std::size_t calls() const { return document.calls.size(); }

  std::string all;
  format::Document document;
  report::Artifact artifact;
};

TEST(Examine, APickleIsReadWhateverItIsCalled) {
  EXPECT_EQ(Examined{kPayload}.status(), "unsafe");
  EXPECT_EQ(Examined{kHarmless}.status(), "safe");
  EXPECT_EQ(Examined{"cos\nsystem\n(S'true'\ntR."}.status(), "unsafe");
}

TEST(Examine, AnEmptyFileAndProse) {
  EXPECT_EQ(Examined{""}.status(), "safe");
  EXPECT_EQ(Examined{"# A model card\n\nRun `os.system` at your own risk.\n"}.status(), "safe");
  EXPECT_EQ(Examined{"onsider\nthis\nprose, it begins with a word\n"}.status(), "safe");
}

TEST(Examine, BytesThatNobodyKnowsAreUnscanned) {
  std::string noise(1000, '\0');
  std::uint32_t state = 7;
  for (auto& c : noise) c = static_cast<char>(0x80 | (state = state * 1664525 + 1013904223) >> 24);
  EXPECT_EQ(Examined{noise}.status(), "unscanned");
}

TEST(Examine, MembersOfAZipAreExamined) {
  const Examined e{zip({{"a.txt", "hello, world\n"}, {"b/data.bin", kPayload}})};
  EXPECT_EQ(e.members(), (Lines{"a.txt", "b/data.bin"}));
  EXPECT_EQ(e.status(), "unsafe");
  EXPECT_EQ(e.document.calls[0].place.member, 2u);
  EXPECT_EQ(Examined{zip({{"a.txt", "hello, world\n"}})}.status(), "safe");
}

TEST(Examine, ContainersNest) {
  const Examined e{gzip(zip({{"inner.gz", gzip(kPayload)}}))};
  const auto all = e.members();
  EXPECT_NE(std::find(all.begin(), all.end(), "gzip/inner.gz/gzip"), all.end());
  EXPECT_EQ(e.status(), "unsafe");
}

TEST(Examine, WithoutThirdPartiesACompressedFileIsPutOff) {
  const auto file = gzip(kHarmless);
  const bytes::MemorySource source{bytes::view(file)};
  bytes::SpoolFile spool{-1};
  Examination how;
  how.care = detect::care;
  EXPECT_FALSE(examine(source, spool, how));
  const bytes::MemorySource plain{bytes::view(kPayload)};
  EXPECT_TRUE(examine(plain, spool, how));
}

TEST(Examine, DuplicatesWithEqualContentAreANoteAndOthersAreNot) {
  const Examined same{zip({{"a.txt", "hello\n"}, {"a.txt", "hello\n"}})};
  EXPECT_TRUE(same.says("zip.duplicate-same"));
  EXPECT_EQ(same.status(), "safe");
  const Examined differs{zip({{"a.txt", "hello\n"}, {"a.txt", "other\n"}})};
  EXPECT_TRUE(differs.says("zip.duplicate-differs"));
  EXPECT_EQ(differs.status(), "suspicious");
  EXPECT_EQ(Examined(zip({{"a.pkl", kHarmless}, {"a.pkl", kPayload}})).status(), "unsafe");
}

TEST(Examine, APickleInBytesThatNobodyOwnsIsFound) {
  const auto whole = zip({{"a.txt", "hello\n"}});
  for (const auto& file : {whole + "junk" + kPayload, zip({{"a.txt", "hello\n"}}, "junk" + kPayload + "junk"),
                           kHarmless + "junk" + kPayload}) {
    const Examined e{file};
    EXPECT_TRUE(e.says("file.unowned-loadable")) << testing::PrintToString(e.members());
    EXPECT_EQ(e.calls(), 1u);
    EXPECT_GE(e.artifact.status, finding::Status::suspicious);
  }
}

TEST(Examine, ZerosBehindAFileAreNothing) {
  EXPECT_EQ(Examined{kHarmless + std::string(100'000, '\0')}.status(), "safe");
  const Examined e{kHarmless + std::string(100'000, '\0') + kPayload};
  EXPECT_GE(e.artifact.status, finding::Status::suspicious);
  EXPECT_EQ(e.calls(), 1u);
}

TEST(Examine, APickleThatIsAlsoAZipIsBoth) {
  const Examined e{zip({{"a.pkl", kPayload}}, kHarmless)};
  EXPECT_TRUE(e.says("file.polyglot"));
  EXPECT_EQ(e.status(), "unsafe");
}

TEST(Examine, APickleInsideAByteStringIsAMember) {
  const auto inner =
      "\x80\4"
      "C" +
      std::string(1, static_cast<char>(kPayload.size())) + kPayload + ".";
  const Examined e{inner};
  ASSERT_EQ(e.document.members.size(), 2u);
  EXPECT_EQ(e.document.members[1].role, "byte string");
  EXPECT_EQ(e.status(), "suspicious");  // nothing loads it
  const auto loads =
      "\x80\4"
      "cpickle\nloads\nC" +
      std::string(1, static_cast<char>(kPayload.size())) + kPayload + "\x85R.";
  EXPECT_EQ(Examined{loads}.status(), "unsafe");
}

TEST(Examine, DepthIsALimitThatNamesItself) {
  auto file = kPayload;
  for (int i = 0; i < 40; ++i) file = zip({{"z", file}});
  const Examined e{file};
  EXPECT_TRUE(e.says("read.limit"));
  EXPECT_NE(e.status(), "safe");
}

TEST(Examine, WhatInflatesBeyondItsBudgetIsALimit) {
  bytes::Limits few;
  few.inflated_floor = 1000;
  few.inflated_ratio = 0;
  const Examined e{gzip(std::string(100'000, '\0')), few};
  EXPECT_TRUE(e.says("read.limit"));
  EXPECT_NE(e.status(), "safe");
}

TEST(Examine, TooManyMembersAreALimit) {
  bytes::Limits few;
  few.members = 3;
  std::vector<Part> parts;
  for (int i = 0; i < 10; ++i) parts.push_back({"m" + std::to_string(i), "text\n"});
  const Examined e{zip(parts), few};
  EXPECT_TRUE(e.says("read.limit"));
  EXPECT_NE(e.status(), "safe");
}

// What stands in the way must never turn harm into safety.
TEST(Examine, NoTruncationOfAPayloadIsSafe) {
  for (const auto& whole : {kPayload + kHarmless, zip({{"a.pkl", kPayload}}), gzip(kPayload)})
    for (std::size_t n = 1; n < whole.size(); ++n) {
      const Examined e{whole.substr(0, n)};
      const bool read_call = e.calls() > 0;
      EXPECT_TRUE(!read_call || e.artifact.status >= finding::Status::suspicious) << n;
      EXPECT_TRUE(e.status() != "safe" || n < 3 || whole == kPayload + kHarmless) << n << e.status();
    }
}

TEST(Examine, NoChangedByteBehindThePayloadClearsIt) {
  const auto whole = kPayload + "some bytes behind it";
  for (std::size_t i = kPayload.size(); i < whole.size(); ++i) {
    auto changed = whole;
    changed[i] = static_cast<char>(~changed[i]);
    EXPECT_EQ(Examined{changed}.status(), "unsafe") << i;
  }
}

TEST(Examine, TheSameBytesGiveTheSameDocument) {
  const auto file = gzip(zip({{"a.pkl", kPayload}, {"a.pkl", kHarmless}, {"b.txt", "hi there\n"}})) + kPayload;
  EXPECT_EQ(Examined{file}.document, Examined{file}.document);
}

// --- Harm that hides behind the limits of what is kept ----------------------------------------------

std::string text(const std::string& s) { return "\x8c" + std::string(1, static_cast<char>(s.size())) + s; }
// Two calls of a kind are kept as examples; the third may be the one that matters.
TEST(Examine, ASpecialMethodInTheThirdSlotStateIsSeen) {
  const auto build = [](const std::string& state) { return "csklearn.svm._classes\nSVC\n)\x81" + state + "b0"; };
  const auto plain = "N}" + text("a") + "K\1s\x86", special = "N}" + text("__setstate__") + "cwhatever\nf\ns\x86";
  EXPECT_EQ(
      Examined{"\x80\4" + build(plain) + build(plain) + build("N}" + text("b") + "K\2s\x86") + build(special) + "N."}
          .status(),
      "suspicious");
}

TEST(Examine, ASinkInTheThirdStateIsSeen) {
  const auto build = [](const std::string& state) { return "csklearn.svm._classes\nSVC\n)\x81" + state + "b0"; };
  std::string file = "\x80\4";
  for (int i = 0; i < 5; ++i) file += build("}" + text("a") + "K" + static_cast<char>(i) + "s");
  EXPECT_GE(Examined{file + build("}" + text("predict") + "cos\nsystem\ns") + "N."}.artifact.status,
            finding::Status::suspicious);
}

}  // namespace
}  // namespace assay::scan
