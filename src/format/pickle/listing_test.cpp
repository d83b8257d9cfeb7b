#include "format/pickle/listing.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using namespace sample;

struct Listed {
  std::vector<std::string> lines;
  bool complete;
};

Listed listed(const std::string& pickle, std::uint64_t most = 1000) {
  const FarSource source{pickle};
  bytes::Budget budget{{}, source.size()};
  Listed out;
  out.complete = list_program(
      source, 0, budget, most, [](const Expr& e) { return sample::show(e); },
      [&](std::string line) { out.lines.push_back(std::move(line)); });
  return out;
}

TEST(Listing, OneLinePerOpcodeWithWhatItLeaves) {
  const auto l = listed(proto(4) + call("os", "system", "true") + ".");
  ASSERT_EQ(l.lines.size(), 6u);
  EXPECT_TRUE(l.complete);
  EXPECT_EQ(l.lines[0], "00000000  PROTO            ");
  EXPECT_EQ(l.lines[1], "00000002  GLOBAL           os.system");
  EXPECT_EQ(l.lines[4].substr(10), "REDUCE           os.system('true')");
  EXPECT_EQ(l.lines[5].substr(10, 4), "STOP");
}

TEST(Listing, MoreLinesThanAskedForAreNotWritten) {
  const auto l = listed(times(100, "N0") + "N.", 10);
  EXPECT_EQ(l.lines.size(), 10u);
  EXPECT_FALSE(l.complete);
}

TEST(Listing, TheOpcodeThatBreaksSaysWhy) {
  const auto l = listed("N\xff");
  ASSERT_FALSE(l.lines.empty());
  EXPECT_NE(l.lines.back().find("stops here: not an opcode"), std::string::npos);
}

TEST(Listing, AStateIsShownWhereItIsSet) {
  const auto l = listed(global("a", "C") + ")\x81}b.");
  EXPECT_NE(l.lines[4].find("state {}"), std::string::npos);
}

TEST(Listing, AnOddityIsMarkedAtItsOpcode) {
  const auto l = listed(
      "K\1q\1"
      "0K\2q\1.");
  EXPECT_NE(l.lines[4].find("! pickle.memo-redefined"), std::string::npos);
}

}  // namespace
}  // namespace assay::format::pickle
