#include "base/text.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace assay {
namespace {

using namespace std::string_literals;

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80"));
  EXPECT_FALSE(is_utf8("\x80"));
  EXPECT_FALSE(is_utf8("\xc3"));
  EXPECT_FALSE(is_utf8("\xc0\xaf"));  // overlong "/"
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // a surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(is_utf8("\xf8\x88\x80\x80\x80"));
}

// A member's name must not draw on the terminal or turn "gpj.exe" around.
TEST(Text, EscapesWhatDrawsOrReorders) {
  EXPECT_EQ(printable("plain \xc3\xbc"), "plain \xc3\xbc");
  EXPECT_EQ(printable("a\nb\tc\rd\x1b[2J\x7f\0"s), "a\\nb\\tc\\rd\\x1b[2J\\x7f\\x00");
  EXPECT_EQ(printable("exe.\xe2\x80\xaegpj"), "exe.\\u202egpj");
  EXPECT_EQ(printable("\xe2\x80\x8b\xef\xbb\xbf"), "\\u200b\\ufeff");
  EXPECT_EQ(printable("\xf3\xa0\x80\x81"), "\\U000e0001");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(Text, CutsLongTextAndSaysSo) {
  EXPECT_EQ(printable("abcdef", 3), "abc\xe2\x80\xa6");
  EXPECT_EQ(printable("abc", 3), "abc");
}

TEST(Text, MakesUtf8OfAnything) {
  EXPECT_EQ(to_utf8("a\xff"
                    "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(to_utf8("\xc3\xbc"), "\xc3\xbc");
  for (int c = 0; c < 256; ++c) EXPECT_TRUE(is_utf8(to_utf8(std::string(3, static_cast<char>(c)))));
}

TEST(Text, WritesHex) { EXPECT_EQ(to_hex("\x00\x1f\xff"s), "001fff"); }

TEST(Text, CountsBytesAsDisksDo) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(9999), "9.9 kB");
  EXPECT_EQ(human_bytes(10'000), "10.0 kB");
  EXPECT_EQ(human_bytes(999'999), "999.9 kB");
  EXPECT_EQ(human_bytes(1'000'000), "1.0 MB");
  EXPECT_EQ(human_bytes(20'400'000'000), "20.4 GB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18446.7 PB");
}

TEST(Utf8, OneCharacterIsWrittenAsOne) {
  EXPECT_EQ(Utf8Character{'a'}.text(), "a");
  EXPECT_EQ(Utf8Character{0xe9}.text(), "\xc3\xa9");
  EXPECT_EQ(Utf8Character{0x20ac}.text(), "\xe2\x82\xac");
  EXPECT_EQ(Utf8Character{0x1f600}.text(), "\xf0\x9f\x98\x80");
  EXPECT_EQ(Utf8Character{0xd800}.text(), "\xed\xa0\x80");
  EXPECT_EQ(Utf8Character{0}.text(), (std::string_view{"\0", 1}));
}

TEST(Utf8, PiecesAreJudgedAsTheyCome) {
  const auto valid = [](std::string_view s) {
    Utf8 in;
    for (const char c : s)
      if (!in.add(static_cast<unsigned char>(c))) return false;
    return in.whole();
  };
  for (const auto* good : {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80z"})
    EXPECT_TRUE(valid(good) && is_utf8(good)) << good;
  for (const auto* bad : {"\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x28\xa1"})
    EXPECT_FALSE(valid(bad) || is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace assay
