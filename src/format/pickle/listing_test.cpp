#include "format/pickle/listing.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using namespace sample;

struct Listed {
  std::vector<std::string> lines;
  std::vector<ListedArray> arrays;
  bool complete = false;
};

Listed listed(const std::string& pickle, std::uint64_t most = 1000, Profiles read_by = kAllProfiles) {
  const FarSource source{pickle};
  bytes::Budget budget{{}, source.size()};
  Listed out;
  out.complete = list_program(
      source, 0, read_by, budget, most,
      {[](const Expr& e) { return sample::show(e); }, [&](std::string line) { out.lines.push_back(std::move(line)); },
       [&](ListedArray array) { out.arrays.push_back(std::move(array)); }});
  return out;
}

TEST(Listing, OneLinePerOpcodeWithWhatItLeaves) {
  const auto l = listed(proto(4) + call("os", "system", "true") + ".");
  ASSERT_EQ(l.lines.size(), 6u);
  EXPECT_TRUE(l.complete);
  EXPECT_EQ(l.lines[0], "00000000  PROTO            4");
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

TEST(Listing, AFrameSaysHowLongItIs) {
  EXPECT_EQ(listed(proto(4) + framed("N.")).lines[1].substr(10), "FRAME            2");
}

TEST(Listing, WhatIsAddedIsCounted) {
  EXPECT_TRUE(listed("}(K\1K\2K\3K\4u.").lines[6].ends_with(" (2 pairs)"));
  EXPECT_TRUE(listed("](K\1e.").lines[3].ends_with(" (1 item)"));
}

// joblib steps over its arrays, and so must whoever wants to see what comes behind them.
TEST(Listing, ArraysOfJoblibAreToldAndSteppedOver) {
  const auto wrapper = global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81}(" + text("dtype") +
                       global("numpy", "dtype") + text("f8") + "\x85R" + text("shape") + "K\2\x85ub";
  const auto l = listed(proto(3) + wrapper + std::string(16, '.') + "0" + call("os", "system", "true") + ".", 1000,
                        bits(Profile::joblib));
  EXPECT_TRUE(l.complete);
  EXPECT_EQ(l.lines[l.lines.size() - 2].substr(10), "REDUCE           os.system('true')");
  ASSERT_EQ(l.arrays.size(), 1u);
  EXPECT_EQ(l.arrays[0].data.end - l.arrays[0].data.begin, 16u);
  EXPECT_EQ(sample::show(l.arrays[0].shape), "(2)");
  EXPECT_EQ(sample::show(l.arrays[0].dtype), "numpy.dtype('f8')");
}

}  // namespace
}  // namespace assay::format::pickle
