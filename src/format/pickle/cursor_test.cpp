#include "format/pickle/cursor.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using sample::FarSource;
using Got = Cursor::Got;

std::string taken(Cursor& in, std::size_t n) {
  if (in.need(n) != Got::yes) return "(no)";
  std::string out(reinterpret_cast<const char*>(in.here()), n);
  in.advance(n);
  return out;
}

/// The same steps over memory and over a file.
template <class Steps>
void both_ways(const std::string& all, Steps steps) {
  const bytes::MemorySource near{bytes::view(all)};
  const FarSource far{all};
  {
    SCOPED_TRACE("in memory");
    steps(static_cast<const bytes::Source&>(near));
  }
  SCOPED_TRACE("from a file");
  steps(static_cast<const bytes::Source&>(far));
}

TEST(Cursor, ReadsForwardsAndSaysWhereTheSourceEnds) {
  both_ways("abcdef", [](const bytes::Source& source) {
    Cursor in{source, 1};
    EXPECT_EQ(in.offset(), 1u);
    EXPECT_EQ(taken(in, 2), "bc");
    EXPECT_EQ(in.need(4), Got::end_of_source);
    EXPECT_EQ(taken(in, 3), "def");
    EXPECT_EQ(in.need(1), Got::end_of_source);
    EXPECT_EQ(in.reach(1), Got::end_of_source);
    EXPECT_EQ(in.reach(0), Got::yes);
  });
}

TEST(Cursor, AnOffsetBehindTheEndIsTheEnd) {
  both_ways("abc", [](const bytes::Source& source) {
    Cursor in{source, 99};
    EXPECT_EQ(in.offset(), 3u);
    EXPECT_EQ(in.need(1), Got::end_of_source);
  });
}

TEST(Cursor, AnEmptySourceEndsAtOnce) {
  both_ways("", [](const bytes::Source& source) {
    Cursor in{source, 0};
    std::string_view line;
    EXPECT_EQ(in.need(1), Got::end_of_source);
    EXPECT_EQ(in.line(line), Got::end_of_source);
  });
}

TEST(Cursor, LinesCrossTheBordersOfTheBuffer) {
  for (const std::size_t before : {Cursor::kBuffer - 3, Cursor::kBuffer - 1, Cursor::kBuffer}) {
    both_ways(std::string(before, 'x') + "hello\nworld\n", [&](const bytes::Source& source) {
      Cursor in{source, 0};
      ASSERT_EQ(in.reach(before), Got::yes);
      in.skip(before);
      std::string_view line;
      ASSERT_EQ(in.line(line), Got::yes);
      EXPECT_EQ(line, "hello");
      ASSERT_EQ(in.line(line), Got::yes);
      EXPECT_EQ(line, "world");
      EXPECT_EQ(in.offset(), before + 12);
    });
  }
}

TEST(Cursor, ReadingByteByByteSeesTheSameBytesAcrossBuffers) {
  std::string all(3 * Cursor::kBuffer + 17, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i * 7 + i / 251);
  const FarSource far{all};
  Cursor in{far, 0};
  std::string seen;
  for (std::size_t n = 1; in.need(n) == Got::yes; n = n % 4093 + 1) seen += taken(in, n);
  while (in.need(1) == Got::yes) seen += taken(in, 1);
  EXPECT_TRUE(seen == all);
  EXPECT_LT(far.reads, 20u);
}

// A line as long as the file must not become a buffer as long as the file.
TEST(Cursor, AnEndlessLineIsRefused) {
  both_ways(std::string(1 << 20, 'a'), [](const bytes::Source& source) {
    Cursor in{source, 0};
    std::string_view line;
    EXPECT_EQ(in.line(line), Got::broken);
    EXPECT_TRUE(in.error().what.empty());
  });
}

TEST(Cursor, AFrameIsAWallUntilItIsUsedUp) {
  both_ways("abcdefgh", [](const bytes::Source& source) {
    Cursor in{source, 0};
    in.enter_frame(3);
    EXPECT_EQ(taken(in, 2), "ab");
    EXPECT_TRUE(in.in_frame());
    EXPECT_EQ(in.need(2), Got::end_of_frame);
    EXPECT_EQ(in.reach(2), Got::end_of_frame);
    EXPECT_EQ(in.need(7), Got::end_of_source);
    EXPECT_EQ(taken(in, 1), "c");
    EXPECT_FALSE(in.in_frame());
    EXPECT_EQ(taken(in, 2), "de");
  });
}

TEST(Cursor, ALineDoesNotLeaveItsFrame) {
  both_ways("abcdef\n", [](const bytes::Source& source) {
    Cursor in{source, 0};
    in.enter_frame(3);
    std::string_view line;
    EXPECT_EQ(in.line(line), Got::end_of_frame);
    in.leave_frame();
    ASSERT_EQ(in.line(line), Got::yes);
    EXPECT_EQ(line, "abcdef");
  });
}

TEST(Cursor, ACutGoesOnElsewhere) {
  both_ways("abcdefgh", [](const bytes::Source& source) {
    Cursor in{source, 0};
    in.cut(2, 6);
    EXPECT_EQ(taken(in, 2), "ab");
    EXPECT_EQ(taken(in, 2), "gh");
    EXPECT_EQ(in.need(1), Got::end_of_source);
  });
}

TEST(Cursor, ACopyReadsOnByItself) {
  const FarSource far{"abcdef"};
  Cursor in{far, 0};
  EXPECT_EQ(taken(in, 2), "ab");
  Cursor fork{in};
  EXPECT_EQ(taken(in, 2), "cd");
  EXPECT_EQ(taken(fork, 3), "cde");
  EXPECT_EQ(fork.offset(), 5u);
}

/// Breaks behind a certain byte, as a disk does.
class BadSource final : public bytes::Source {
 public:
  std::uint64_t size() const noexcept override { return 100; }
  Result<std::size_t> read_at(std::uint64_t, std::span<std::byte>) const override {
    return fail(Errc::io, 0, "the disk is gone");
  }
};

TEST(Cursor, AFailingSourceIsAnErrorAndNoEnd) {
  const BadSource bad;
  Cursor in{bad, 0};
  EXPECT_EQ(in.need(1), Got::broken);
  EXPECT_EQ(in.error().code, Errc::io);
}

}  // namespace
}  // namespace assay::format::pickle
