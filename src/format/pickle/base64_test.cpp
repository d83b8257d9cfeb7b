#include "format/pickle/base64.h"

#include <gtest/gtest.h>

#include "bytes/view.h"

namespace assay::format::pickle {
namespace {

std::optional<std::string> decoded(std::string_view text) {
  const auto raw = from_base64(text);
  return raw ? std::optional{std::string{bytes::text(*raw)}} : std::nullopt;
}

TEST(Base64, ReadsBothAlphabets) {
  EXPECT_EQ(decoded("gAQu"), "\x80\x04.");
  EXPECT_EQ(decoded("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(decoded("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64, PaddingIsOptional) {
  EXPECT_EQ(decoded("YQ=="), "a");
  EXPECT_EQ(decoded("YQ"), "a");
  EXPECT_EQ(decoded("YWI="), "ab");
  EXPECT_EQ(decoded(""), "");
}

TEST(Base64, WhiteSpaceIsIgnoredAsDecodersIgnoreIt) { EXPECT_EQ(decoded("Y\nW\r\nI =\t"), "ab"); }

TEST(Base64, RefusesWhatIsNoBase64) {
  EXPECT_FALSE(decoded("Y*=="));
  EXPECT_FALSE(decoded("YQ==="));
  EXPECT_FALSE(decoded("YQ==YQ"));
  EXPECT_FALSE(decoded(std::string_view{"YQ\0", 3}));
}

}  // namespace
}  // namespace assay::format::pickle
