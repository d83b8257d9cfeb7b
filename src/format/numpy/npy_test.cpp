#include "format/numpy/npy.h"

#include <gtest/gtest.h>

namespace assay::format::numpy {
namespace {

using namespace std::string_literals;

/// An .npy file as NumPy writes it, but for the header's padding.
std::string npy(const std::string& header, int version = 1) {
  auto out = "\x93NUMPY"s + static_cast<char>(version) + '\0';
  const auto n = header.size();
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(n >> (8 * i));
  return out + header;
}
std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}
Result<Array> parsed(const std::string& file) {
  const bytes::MemorySource source{bytes::view(file)};
  return parse(source);
}

TEST(Npy, EveryVersionIsRead) {
  for (int version = 1; version <= 3; ++version) {
    const auto a = parsed(npy(header("'<f4'", "(3, 2)"), version) + std::string(24, 'x'));
    ASSERT_TRUE(a) << version << a.error().what;
    EXPECT_EQ(a->shape, (std::vector<std::uint64_t>{3, 2}));
    EXPECT_EQ(a->data_bytes, 24u);
    EXPECT_EQ(a->descr, "<f4");
    EXPECT_FALSE(a->fortran_order);
    EXPECT_FALSE(a->odd_header);
    EXPECT_EQ(a->data_offset, (version == 1 ? 10u : 12u) + header("'<f4'", "(3, 2)").size());
  }
}

TEST(Npy, ScalarsEmptiesAndFortranOrder) {
  EXPECT_EQ(parsed(npy(header("'<f8'", "()")))->data_bytes, 8u);
  EXPECT_EQ(parsed(npy(header("'<f8'", "(0,)")))->data_bytes, 0u);
  EXPECT_EQ(parsed(npy(header("'<f8'", "(3L,)")))->data_bytes, 24u);
  EXPECT_TRUE(parsed(npy(header("'<f8'", "(2,)", "True")))->fortran_order);
}

TEST(Npy, ObjectsAndStructures) {
  EXPECT_TRUE(parsed(npy(header("'|O'", "(3,)")))->dtype.has_object);
  const auto a = parsed(npy(header("[('a', '<f4'), ('b', '|O')]", "(3,)")));
  EXPECT_TRUE(a->dtype.has_object);
  EXPECT_EQ(a->descr, "structured");
}

TEST(Npy, HeadersThatNumpyDoesNotWriteAreOdd) {
  EXPECT_TRUE(parsed(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}\n"))->odd_header);
  EXPECT_TRUE(parsed(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"))->odd_header);
  EXPECT_TRUE(parsed(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\n"))->odd_header);
  EXPECT_TRUE(parsed(npy(header("'<f4'", "(1,)" + std::string(20'000, ' '))))->odd_header);
}

// Python takes the last of two equal keys, and so must we: an object dtype hidden behind a plain one.
TEST(Npy, OfTwoEqualKeysTheLastOneCounts) {
  EXPECT_TRUE(
      parsed(npy("{'descr': '<f4', 'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n"))->dtype.has_object);
  EXPECT_EQ(parsed(npy("{'descr': '<f4', 'shape': (9,), 'fortran_order': False, 'shape': (1,)}\n"))->shape,
            std::vector<std::uint64_t>{1});
}

TEST(Npy, ACallWhereALiteralBelongsIsRefused) {
  for (const auto* descr :
       {"__import__('os').system('true')", "eval('1')", "f'{x}'", "'<f4' if x else 'y'", "'<' + 'f4'", "lambda: 0"})
    EXPECT_FALSE(parsed(npy(header(descr, "(1,)")))) << descr;
}

TEST(Npy, ShapesThatOverflowAreRefused) {
  EXPECT_FALSE(parsed(npy(header("'<f8'", "(4294967296, 4294967296)"))));
  EXPECT_FALSE(parsed(npy(header("'<f8'", "(99999999999999999999,)"))));
  EXPECT_FALSE(parsed(npy(header("'<f8'", "(-1,)"))));
  EXPECT_FALSE(parsed(npy(header("'<f8'", "5"))));
  EXPECT_FALSE(parsed(npy(header("'<f8'", "('a',)"))));
}

TEST(Npy, DamageIsRefused) {
  const auto whole = npy(header("'<f4'", "(3,)"));
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(parsed(whole.substr(0, n))) << n;
  EXPECT_FALSE(parsed(npy("")));
  EXPECT_FALSE(parsed(npy("[]\n")));
  EXPECT_FALSE(parsed(npy("{'descr': '<f4'}\n")));
  EXPECT_FALSE(parsed(npy(header("'<f4'", "(1,)", "0"))));
  const auto version4 = parsed(npy(header("'<f4'", "(3,)"), 4));
  ASSERT_FALSE(version4);
  EXPECT_EQ(version4.error().code, Errc::unsupported);
}

TEST(Npy, AHugeHeaderIsALimit) {
  const auto a = parsed("\x93NUMPY\2\0\xff\xff\xff\xff"s + std::string(100, ' '));
  ASSERT_FALSE(a);
  EXPECT_EQ(a.error().code, Errc::limit_reached);
}

TEST(Npy, LiteralsAreReadAsPythonReadsThem) {
  EXPECT_EQ(parse_literal("( 1 )")->kind, Expr::Kind::integer);
  EXPECT_EQ(parse_literal("(1,)")->kind, Expr::Kind::tuple);
  EXPECT_EQ(parse_literal("()")->items.size(), 0u);
  EXPECT_EQ(parse_literal("[1, -2, ]")->items[1].text, "-2");
  EXPECT_EQ(parse_literal("b'x'")->kind, Expr::Kind::bytes);
  EXPECT_EQ(parse_literal("u\"x\"")->text, "x");
  EXPECT_EQ(parse_literal("None")->kind, Expr::Kind::none);
  EXPECT_EQ(parse_literal(" {1: True} ")->items.size(), 2u);
}

TEST(Npy, WhatIsNoLiteralIsRefused) {
  for (const auto* text : {"", "x", "1 2", "(1 2)", "{1}", "{1:}", "'a", "\"a'", "[1", "(1,,)", "-", "Nonesuch",
                           "True1", "'a\nb'", "b", "u", ",", "'\\"})
    EXPECT_FALSE(parse_literal(text)) << text;
}

TEST(Npy, NestingAndLengthAreBounded) {
  EXPECT_FALSE(parse_literal(std::string(100'000, '(')));
  EXPECT_FALSE(parse_literal(std::string(100, '[') + std::string(100, ']')));
  std::string many = "[";
  for (int i = 0; i < 2000; ++i) many += "1,";
  EXPECT_FALSE(parse_literal(many + "]"));
}

}  // namespace
}  // namespace assay::format::numpy
