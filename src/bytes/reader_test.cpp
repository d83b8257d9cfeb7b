#include "bytes/reader.h"

#include <gtest/gtest.h>

namespace assay::bytes {
namespace {

TEST(Reader, TakesAndCountsFromItsBase) {
  Reader in{view("\x01\x02\x03\x04rest"), 100};
  EXPECT_EQ(in.le<std::uint16_t>().value(), 0x0201u);
  EXPECT_EQ(in.offset(), 102u);
  EXPECT_EQ(in.le<std::uint8_t>().value(), 3u);
  EXPECT_EQ(in.remaining(), 5u);
  EXPECT_EQ(text(in.rest()), "\x04rest");
}

TEST(Reader, StaysWhereItWasWhenAReadFails) {
  Reader in{view("abc"), 7};
  for (const std::uint64_t n : {std::uint64_t{4}, UINT64_MAX}) {
    const auto refused = in.take(n);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::truncated);
    EXPECT_EQ(refused.error().offset, 7u);
  }
  EXPECT_FALSE(in.le<std::uint32_t>());
  EXPECT_EQ(text(in.take(3).value()), "abc");
  EXPECT_TRUE(in.empty());
  EXPECT_TRUE(in.take(0));
}

TEST(Reader, OpensAWindowThatCannotSeeFurther) {
  Reader in{view("abcdef")};
  ASSERT_TRUE(in.take(1));
  auto window = in.window(3).value();
  EXPECT_EQ(window.offset(), 1u);
  EXPECT_EQ(text(window.rest()), "bcd");
  EXPECT_FALSE(window.take(4));
  EXPECT_EQ(in.offset(), 4u);
  EXPECT_FALSE(in.window(3));
}

// Four bytes must not become a reserve of four billion items.
TEST(Reader, RefusesCountsThatCannotFit) {
  Reader in{view("0123456789")};
  EXPECT_EQ(in.plausible(5, 2).value(), 5u);
  EXPECT_FALSE(in.plausible(6, 2));
  EXPECT_FALSE(in.plausible(UINT64_MAX, 8));
}

}  // namespace
}  // namespace assay::bytes
