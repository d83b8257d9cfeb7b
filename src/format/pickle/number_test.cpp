#include "format/pickle/number.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using namespace std::string_view_literals;

struct Case {
  std::string_view line;
  std::string_view refused;  // c f s p j t, as sample::show writes them
  std::optional<std::int64_t> value;
  bool canonical;
};

void check(const Case& c, const Number& n) {
  SCOPED_TRACE(std::string{c.line});
  EXPECT_EQ(sample::show(n.refused_by), c.refused);
  if (c.refused != "cfspjt" && c.value) {
    EXPECT_EQ(n.value, c.value);
  }
  EXPECT_EQ(n.canonical, c.canonical);
}

// What CPython 3.11 does, asked of _pickle.loads, pickle._loads and pickletools.genops; the strict column
// is base 10 as of CPython #126992.
TEST(Number, IntReadsAsEachLoaderReadsIt) {
  for (const Case& c : std::initializer_list<Case>{
           {"5", "", 5, true},
           {"-5", "", -5, true},
           {"0", "", 0, true},
           {"0x10", "st", 16, false},
           {"0X10", "st", 16, false},
           {"0b11", "st", 3, false},
           {"0o17", "st", 15, false},
           {"017", "pj", 15, false},
           {"02", "pj", 2, false},
           {"001", "pj", 1, false},
           {"09", "cfpj", std::nullopt, false},
           {"1_0", "", 10, false},
           {"0_0", "", 0, false},
           {"00_1", "cfpj", std::nullopt, false},
           {"0x_1", "st", 1, false},
           {"1__0", "cfspjt", {}, false},
           {"_1", "cfspjt", {}, false},
           {"1_", "cfspjt", {}, false},
           {"0x", "cfspjt", {}, false},
           {"+0", "", 0, false},
           {"-0", "", 0, false},
           {"+1", "", 1, false},
           {"000", "", 0, false},
           {" 5", "", 5, false},
           {"5 ", "", 5, false},
           {"\v7", "", 7, false},
           {"- 5", "cfspjt", {}, false},
           {"", "cfspjt", {}, false},
           {"-", "cfspjt", {}, false},
           {"5L", "cfspjt", {}, false},
           {"1.0", "cfspjt", {}, false},
           {"1\0"sv, "pjt", 1, false},
           {"1\0000"sv, "pjt", 1, false},
           {"\0001"sv, "cfspjt", {}, false},
           {"0x10\0"sv, "spjt", 16, false},
           {"\xd9\xa1", "cfspjt", {}, false},
       })
    check(c, read_integer(c.line, false));
}

TEST(Number, LongReadsAsEachLoaderReadsIt) {
  for (const Case& c : std::initializer_list<Case>{
           {"5L", "", 5, true},
           {"5", "", 5, true},
           {"-5L", "", -5, true},
           {"0x10L", "st", 16, false},
           {"0x10", "st", 16, false},
           {"017L", "cfpj", std::nullopt, false},
           {"01L", "cfpj", std::nullopt, false},
           {"00L", "", 0, false},
           {"1_0L", "", 10, false},
           {" 5L", "", 5, false},
           {"5 L", "", 5, false},
           {"5L ", "cfspjt", {}, false},
           {"5LL", "cfspjt", {}, false},
           {"5l", "cfspjt", {}, false},
           {"L", "cfspjt", {}, false},
           {"", "cfspjt", {}, false},
           {"1\0L"sv, "pjt", 1, false},
       })
    check(c, read_integer(c.line, true));
}

TEST(Number, OnlyTheTwoOldSpellingsAreBooleans) {
  EXPECT_TRUE(read_integer("00", false).boolean);
  EXPECT_EQ(read_integer("01", false).value, 1);
  EXPECT_TRUE(read_integer("00", false).canonical);
  EXPECT_FALSE(read_integer("01L", true).boolean);
  EXPECT_FALSE(read_integer("1", false).boolean);
}

TEST(Number, NumbersThatDoNotFitAreSaturatedAndStillRead) {
  const auto big = read_integer("99999999999999999999", false);
  EXPECT_EQ(big.refused_by, 0);
  EXPECT_EQ(big.value, INT64_MAX);
  EXPECT_LT(*read_integer("-99999999999999999999", false).value, -INT64_MAX / 2);
  EXPECT_EQ(read_integer("9223372036854775807", false).value, INT64_MAX);
  EXPECT_EQ(read_integer(std::string(5000, '9'), true).value, INT64_MAX);
}

TEST(Number, FloatReadsAsEachLoaderReadsIt) {
  for (const Case& c : std::initializer_list<Case>{
           {"1.5", "", {}, true},         {"1", "", {}, true},           {".5", "", {}, true},
           {"5.", "", {}, true},          {"1e5", "", {}, true},         {"-1E-5", "", {}, true},
           {"inf", "", {}, true},         {"-inf", "", {}, true},        {"nan", "", {}, true},
           {"Infinity", "", {}, true},    {"+1.5", "", {}, false},       {"1_0.5", "cfs", {}, false},
           {" 1.5", "cfs", {}, false},    {"1.5 ", "cfs", {}, false},    {"1_000e1_0", "cfs", {}, false},
           {"\v1.5", "cfs", {}, false},   {"1.5\0"sv, "pjt", {}, false}, {"1__0", "cfspjt", {}, false},
           {"_1.0", "cfspjt", {}, false}, {"1e", "cfspjt", {}, false},   {"0x1p3", "cfspjt", {}, false},
           {"", "cfspjt", {}, false},     {"+", "cfspjt", {}, false},    {".", "cfspjt", {}, false},
           {"1e400", "cfs", {}, false},   {"-1e400", "cfs", {}, false},  {"1e308", "", {}, true},
           {"1e-400", "", {}, true},      {"1.8e308", "cfs", {}, false}, {"1_0e999", "cfs", {}, false},
           {"e5", "cfspjt", {}, false},   {"infx", "cfspjt", {}, false}, {"1,5", "cfspjt", {}, false},
       })
    check(c, read_real(c.line));
}

TEST(Number, MemoIndexesAreDecimalForEverybody) {
  for (const Case& c : std::initializer_list<Case>{
           {"0", "", 0, true},
           {"17", "", 17, true},
           {"00", "", 0, true},
           {"+7", "", 7, false},
           {" 7", "", 7, false},
           {"7 ", "", 7, false},
           {"1_0", "", 10, false},
           {"-0", "", 0, false},
           {"7\0"sv, "pjt", 7, false},
           {"0x7", "cfspjt", {}, false},
           {"7L", "cfspjt", {}, false},
           {"", "cfspjt", {}, false},
           {"-1", "cfspjt", {}, false},
       })
    check(c, read_index(c.line));
}

}  // namespace
}  // namespace assay::format::pickle
