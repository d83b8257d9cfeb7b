#include "format/pickle/text.h"

#include <gtest/gtest.h>

namespace assay::format::pickle {
namespace {

using namespace std::string_view_literals;

TEST(Text, Utf8EndsAtTheLastWholeCharacter) {
  EXPECT_EQ(utf8_prefix(""), 0u);
  EXPECT_EQ(utf8_prefix("plain text of more than eight bytes"), 35u);
  EXPECT_EQ(utf8_prefix("twelve bytes\xc3"), 12u);
  EXPECT_EQ(utf8_prefix("a\xe2\x82"), 1u);
  EXPECT_EQ(utf8_prefix("a\xf0\x9f\x98\x80z"), 6u);
}

TEST(Text, WhatIsNoUtf8IsRefused) {
  for (const auto bad :
       {"\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x80\x80"sv, "\xf0\x80\x80\x80"sv, "\xf4\x90\x80\x80"sv,
        "\xf5\x80\x80\x80"sv, "\xff"sv, "eight by\xfftes"sv, "\xc3\x28"sv, "\xe2\x28\xa1"sv})
    EXPECT_FALSE(utf8_prefix(bad)) << testing::PrintToString(bad);
}

// Python reads pickled text with "surrogatepass".
TEST(Text, LoneSurrogatesAreText) { EXPECT_TRUE(is_utf8_text("\xed\xa0\x80")); }

TEST(Text, SpecialNamesHaveTwoUnderscoresOnEachSide) {
  EXPECT_TRUE(is_dunder("__x__"));
  EXPECT_TRUE(is_dunder("__reduce_ex__"));
  for (const auto no : {""sv, "__"sv, "____"sv, "_x__"sv, "__x_"sv, "x__y__"sv, "__x__y"sv})
    EXPECT_FALSE(is_dunder(no)) << no;
}

TEST(Text, EscapesOfAPython2String) {
  EXPECT_EQ(unescaped(R"(a\x41\n\101\\\'\q)"), "aA\nA\\'\\q");
  EXPECT_EQ(unescaped("a\\\nb"), "ab");
  EXPECT_TRUE(escapes_are_whole(R"(\x41\\)"));
  EXPECT_FALSE(escapes_are_whole(R"(\x4)"));
  EXPECT_FALSE(escapes_are_whole("a\\"));
}

TEST(Text, RawUnicodeEscapesAreDecodedAndTheRestIsLatin1) {
  EXPECT_EQ(raw_unicode(R"(\u0041\U0001f600)"), "A\xf0\x9f\x98\x80");
  EXPECT_EQ(raw_unicode("\xe9\\q"), "\xc3\xa9\\q");
  EXPECT_EQ(raw_unicode(R"(\u00)"), R"(\u00)");
}

}  // namespace
}  // namespace assay::format::pickle
