#include "format/pickle/pickle.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using namespace std::string_literals;
using namespace sample;

using Lines = std::vector<std::string>;

struct All : Facts {
  explicit All(const std::string& file, bool sure = true, bytes::Limits limits = {})
      : Facts{file.size(), limits}, source{file} {
    last = read_all(source, 0, facts, sure ? Trust::sure : Trust::magic);
  }
  FarSource source;
  std::optional<std::uint64_t> last;
};

const std::string kCall = call("os", "system", "true") + ".";

TEST(Pickle, OneIsReadToItsEndAndItsBytesAreAccountedFor) {
  All all{proto(4) + kCall};
  ASSERT_EQ(all.document.pickles.size(), 1u);
  EXPECT_EQ(all.last, all.source.size());
  EXPECT_EQ(all.document.pickles[0].end, all.source.size());
  EXPECT_EQ(all.document.pickles[0].protocol, 4);
  EXPECT_TRUE(all.document.pickles[0].stopped);
  EXPECT_EQ(all.finish().members[0].coverage.of(bytes::Cover::parsed), all.source.size());
  EXPECT_TRUE(validate(all.document));
}

TEST(Pickle, ThoseThatFollowEachOtherAreAllRead) {
  All all{proto(4) + "N." + proto(2) + "K\1." + proto(4) + kCall};
  EXPECT_EQ(all.document.pickles.size(), 3u);
  EXPECT_EQ(all.calls(), Lines{"REDUCE os.system('true')"});
}

// Zeros have no owner here: whoever reads the member decides whether they are padding, and looks behind them.
TEST(Pickle, ZerosBehindOneEndTheRow) {
  All all{proto(4) + "N." + std::string(5000, '\0') + proto(4) + kCall};
  EXPECT_EQ(all.document.pickles.size(), 1u);
  EXPECT_EQ(all.last, 4u);
  EXPECT_FALSE(all.finish().members[0].coverage.complete());
}

TEST(Pickle, OneOfTheOldProtocolsMayFollow) {
  All all{proto(4) + "N." + kCall};
  EXPECT_EQ(all.calls(), Lines{"REDUCE os.system('true')"});
}

TEST(Pickle, WhatFollowsAndIsNoneIsLeftUnclaimed) {
  All all{proto(4) + "N." + "just prose, nothing else"};
  EXPECT_EQ(all.document.pickles.size(), 1u);
  EXPECT_EQ(all.last, 4u);
  EXPECT_EQ(all.finish().members[0].coverage.of(bytes::Cover::unexamined), 24u);
}

TEST(Pickle, ABrokenOneIsAStopAndTheRestIsMissed) {
  All all{proto(4) + call("os", "system", "true") + "\xff" + "behind"};
  ASSERT_EQ(all.document.stops.size(), 1u);
  EXPECT_EQ(all.document.stops[0].reader, "pickle");
  EXPECT_EQ(all.calls(), Lines{"REDUCE os.system('true')"});
  EXPECT_FALSE(all.document.pickles[0].stopped);
  EXPECT_FALSE(all.finish().members[0].coverage.complete());
}

TEST(Pickle, EveryTruncationKeepsTheCallsBeforeIt) {
  const auto whole = proto(4) + framed(call("os", "system", "true") + "0" + call("os", "getenv", "x") + ".");
  std::size_t calls_before = 0;
  for (std::size_t n = 2; n < whole.size(); ++n) {
    All all{whole.substr(0, n)};
    EXPECT_GE(all.document.calls.size(), calls_before) << n;
    calls_before = all.document.calls.size();
    EXPECT_FALSE(all.document.stops.empty());
    EXPECT_TRUE(validate(all.finish()));
  }
}

TEST(Pickle, ProseIsNone) {
  for (const auto* prose :
       {"Hello, this is a model card.\n", "c", "(", "I am text.", "cat\ndog\n", "# Title\n\nSome words.\n", "N", "]",
        "}", "import os\nos.system('true')\n", "{\"a\": 1}", "1,2,3\n4,5,6\n"}) {
    All all{prose, false};
    EXPECT_TRUE(all.document.calls.empty()) << prose;
    EXPECT_EQ(all.last.has_value(), !all.document.pickles.empty()) << prose;
  }
}

TEST(Pickle, ATextPickleThatGetsSomewhereIsOne) {
  for (const auto& pickle :
       {"cos\nsystem\n(S'true'\ntR."s, "(S'true'\nios\nsystem\n."s, "(dp0\nS'a'\np1\nI1\ns."s, "I1\n."s, "(lp0\n."s}) {
    All all{pickle, false};
    EXPECT_EQ(all.last, pickle.size()) << pickle;
    EXPECT_TRUE(all.document.pickles.at(0).weak);
  }
}

TEST(Pickle, ATrialThatComesToNothingLeavesNoTrace) {
  Facts f{100};
  const FarSource source{"Just prose."};
  EXPECT_FALSE(read_all(source, 0, f.facts, Trust::magic));
  EXPECT_EQ(f.document.imports.size() + f.document.calls.size() + f.document.pickles.size() + f.document.stops.size() +
                f.document.quirks.size(),
            0u);
  EXPECT_TRUE(f.facts.nested.empty());
}

TEST(Pickle, BeginningsAreRecognised) {
  EXPECT_TRUE(starts_binary(bytes::view("\x80\4")));
  EXPECT_FALSE(starts_binary(bytes::view("\x80\6")));
  EXPECT_FALSE(starts_binary(bytes::view("\x80")));
  EXPECT_TRUE(starts_with_name(bytes::view("cos\nsystem\n")));
  EXPECT_TRUE(starts_with_name(bytes::view("((cos.path\n_x.y\n")));
  EXPECT_TRUE(starts_with_name(bytes::view("(ios\nsystem\n")));
  for (const auto* no : {"", "c", "cos\n", "cos\nsystem", "c\nsystem\n", "cos system\nx\n", "c.os\nx\n", "cos.\nx\n",
                         "c1os\nx\n", "(((("})
    EXPECT_FALSE(starts_with_name(bytes::view(no))) << no;
}

TEST(Pickle, AHiddenOneIsFoundWhereverItStands) {
  for (const std::size_t before : {1u, 100u, 262143u, 262144u, 300000u}) {
    for (const auto& payload : {proto(4) + kCall, kCall}) {
      const FarSource source{std::string(before, 'x') + payload + "tail"};
      Facts f{source.size()};
      const auto at = find_start(source, 0, source.size(), f.facts);
      ASSERT_TRUE(at);
      EXPECT_EQ(*at, before);
      EXPECT_TRUE(f.document.imports.empty());
    }
  }
}

TEST(Pickle, NothingIsFoundInNoise) {
  std::string noise(100'000, '\0');
  std::uint32_t state = 1;
  for (auto& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const FarSource source{noise};
  Facts f{source.size()};
  const auto at = find_start(source, 0, source.size(), f.facts);
  ASSERT_TRUE(at);
  EXPECT_FALSE(*at);
}

TEST(Pickle, TrialsAreALimitThatNamesItself) {
  bytes::Limits few;
  few.probes = 10;
  const FarSource source{times(1000, proto(4) + "\xff")};
  Facts f{source.size(), few};
  const auto at = find_start(source, 0, source.size(), f.facts);
  ASSERT_FALSE(at);
  EXPECT_EQ(at.error().code, Errc::limit_reached);
}

TEST(Pickle, WhatLoadersReadDifferentlyIsCoveredToTheLongestEnd) {
  // The C loader stops at the first STOP in the file's reading; others go on.
  All all{proto(4) + "\x95" + le(std::uint64_t{3}) + "X\4\0"s + "\0\0abcd."s};
  EXPECT_EQ(all.document.pickles.at(0).end, all.source.size());
  EXPECT_TRUE(validate(all.finish()));
}

// 200,000 text files in one archive once used up what an artifact may tell, before its one pickle was read.
TEST(Pickle, WhatTurnsOutToBeProseCostsNoFacts) {
  bytes::Limits few;
  few.facts = 10;
  const FarSource prose{"cplain text\nwith many words\nthat goes on"};
  Facts f{1000, few};
  for (int i = 0; i < 100; ++i) (void)read_all(prose, 0, f.facts, Trust::magic);
  EXPECT_FALSE(f.facts.overflowed());
  EXPECT_EQ(f.facts.budget().left(bytes::Line::facts),
            10u - f.document.imports.size() - f.document.stops.size() - f.document.pickles.size());
}

TEST(Pickle, WhatIsKeptOfATrialIsPaidFor) {
  bytes::Limits few;
  few.facts = 10;
  const All all{kCall, false, few};
  EXPECT_EQ(all.document.calls.size(), 1u);
  EXPECT_EQ(const_cast<All&>(all).facts.budget().spent(bytes::Line::facts),
            all.document.calls.size() + all.document.imports.size() + all.document.pickles.size());
}

// More than fits on trial is more than fits, and has to be said though the trial itself is forgotten.
TEST(Pickle, ATrialThatOverflowsSaysSo) {
  bytes::Limits few;
  few.facts = 10;
  std::string many = "(";
  for (int i = 0; i < 30; ++i) many += "ca\nb" + std::to_string(i) + "\n)R";
  All all{many + "l.", false, few};
  EXPECT_TRUE(std::any_of(all.document.stops.begin(), all.document.stops.end(),
                          [](const Stop& s) { return s.reader == "facts"; }));
}

}  // namespace
}  // namespace assay::format::pickle
