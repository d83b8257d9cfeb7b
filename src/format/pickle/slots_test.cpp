#include "format/pickle/slots.h"

#include <gtest/gtest.h>

namespace assay::format::pickle {
namespace {

Value number(std::uint64_t n) { return {Tag::integer, 0, 7, static_cast<std::uint32_t>(n), n}; }
bool is(const Value& v, std::uint64_t n) {
  return v.tag == Tag::integer && v.aux == 7 && v.len == static_cast<std::uint32_t>(n) && v.at == n;
}

// 2 MiB are 131,072 slots: from there on pages move instead of bytes.
TEST(Slots, KeepTheirValuesWhileTheyGrowPastTheSizeOfAHugePage) {
  constexpr std::uint64_t kMany = 1'000'000;
  Slots slots;
  for (std::uint64_t i = 0; i < kMany; ++i) i % 2 == 0 ? slots.push_back(number(i)) : slots.push_back_fresh(number(i));
  ASSERT_EQ(slots.size(), kMany);
  for (std::uint64_t i = 0; i < kMany; ++i) ASSERT_TRUE(is(slots[i], i)) << i;
  const Slots copy{slots};
  ASSERT_EQ(copy.size(), kMany);
  for (std::uint64_t i = 0; i < kMany; i += 997) ASSERT_TRUE(is(copy[i], i)) << i;
}

TEST(Slots, GrowToASizeAtOnce) {
  Slots slots;
  slots.resize(10, number(3));
  EXPECT_TRUE(is(slots[9], 3));
  slots.lengthen(500'000);
  slots[499'999] = number(4);
  slots.shorten(11);
  slots.resize(12, number(5));
  EXPECT_TRUE(is(slots[0], 3));
  EXPECT_TRUE(is(slots[11], 5));
  EXPECT_EQ(slots.size(), 12u);
}

TEST(Slots, ACopyOfNothingIsNothing) {
  const Slots none;
  const Slots copy{none};
  EXPECT_TRUE(copy.empty());
  EXPECT_TRUE(copy.all().empty());
}

TEST(Slots, ATextPutTogetherInARegisterIsTheSameText) {
  const auto v = text_value(kDunder, 123456, ~std::uint64_t{0});
  EXPECT_EQ(v.tag, Tag::text);
  EXPECT_EQ(v.flags, kDunder);
  EXPECT_EQ(v.aux, 0);
  EXPECT_EQ(v.len, 123456u);
  EXPECT_EQ(v.at, ~std::uint64_t{0});
}

}  // namespace
}  // namespace assay::format::pickle
