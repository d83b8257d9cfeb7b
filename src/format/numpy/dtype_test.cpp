#include "format/numpy/dtype.h"

#include <gtest/gtest.h>

#include "format/numpy/npy.h"

namespace assay::format::numpy {
namespace {

TEST(Dtype, TypestrsHaveTheirSizes) {
  const std::pair<std::string_view, std::uint64_t> cases[] = {
      {"<f4", 4}, {"f8", 8},   {"|u1", 1},   {">i2", 2},     {"=c16", 16}, {"|b1", 1},   {"?", 1},   {"|S10", 10},
      {"|a3", 3}, {"<U5", 20}, {"|V16", 16}, {"<M8[ns]", 8}, {"<m8", 8},   {"<f16", 16}, {"|S0", 0}, {"<U0", 0}};
  for (const auto& [typestr, size] : cases) {
    const auto d = from_typestr(typestr);
    ASSERT_TRUE(d) << typestr;
    EXPECT_EQ(d->itemsize, size) << typestr;
    EXPECT_FALSE(d->has_object) << typestr;
  }
}

TEST(Dtype, ObjectsAreObjectsHoweverTheyAreSpelled) {
  for (const auto* typestr : {"O", "|O", "|O8", "O4"}) {
    const auto d = from_typestr(typestr);
    ASSERT_TRUE(d) << typestr;
    EXPECT_TRUE(d->has_object) << typestr;
  }
}

TEST(Dtype, WhatNumpyWouldRefuseIsNone) {
  for (const auto* typestr : {"", "<", "f", "x4", "<f0", "<f999", "f4x", "<i-1", "<U99999999999999999999",
                              "<U18446744073709551615", "??", "<f4 "})
    EXPECT_FALSE(from_typestr(typestr)) << typestr;
}

std::optional<Dtype> descr(std::string_view text) {
  const auto e = parse_literal(text);
  return e ? from_descr(*e) : std::nullopt;
}

TEST(Dtype, StructuredOnesAddUp) {
  EXPECT_EQ(descr("[('a', '<f4'), ('b', '<i8')]")->itemsize, 12u);
  EXPECT_EQ(descr("[('a', '<f4', (2, 3))]")->itemsize, 24u);
  EXPECT_EQ(descr("[('a', '<f4', 5)]")->itemsize, 20u);
  EXPECT_EQ(descr("[('a', [('b', '|u1'), ('c', '<f8')])]")->itemsize, 9u);
  EXPECT_EQ(descr("[(('title', 'a'), '<f4')]")->itemsize, 4u);
  EXPECT_EQ(descr("('<f4', (2, 2))")->itemsize, 16u);
  EXPECT_EQ(descr("[]")->itemsize, 0u);
}

// An object deep inside a structure makes the data a pickle all the same.
TEST(Dtype, AnObjectAnywhereMakesAllOfItObjects) {
  EXPECT_TRUE(descr("[('a', '<f4'), ('b', [('c', '|O')])]")->has_object);
  EXPECT_TRUE(descr("('|O', (2,))")->has_object);
}

TEST(Dtype, SizesThatOverflowAreNone) {
  EXPECT_FALSE(descr("[('a', '|V9223372036854775807', (4,))]"));
  EXPECT_FALSE(
      descr("[('a', '|V9223372036854775807'), ('b', '|V9223372036854775807'), ('c', '|V9223372036854775807')]"));
  EXPECT_FALSE(descr("[('a', '<f4', (4294967296, 4294967296))]"));
  EXPECT_FALSE(descr("[('a', '<f4', (-1,))]"));
}

TEST(Dtype, OddShapesAreNone) {
  for (const auto* text :
       {"5", "None", "{'a': 1}", "[('a',)]", "[('a', '<f4', 1, 2)]", "['<f4']", "[('a', '<f4', 'x')]", "[('a', 5)]"})
    EXPECT_FALSE(descr(text)) << text;
}

}  // namespace
}  // namespace assay::format::numpy
