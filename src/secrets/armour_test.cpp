#include "secrets/armour.h"

#include <gtest/gtest.h>

namespace assay::secrets {
namespace {

// 48 different bytes, of which the first is a SEQUENCE's; the bodies here are nobody's keys.
const std::string kBody = "MAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v";

std::string armoured(const std::string& body) {
  const std::string label = "PRIVATE KEY-----";
  return "-----BEGIN " + label + body + "-----END " + label;
}

TEST(Armour, LinesEndAsFilesOrAsJsonEndThem) {
  EXPECT_TRUE(is_armour(armoured("\n" + kBody + "\n"), "der"));
  EXPECT_TRUE(is_armour(armoured("\\n" + kBody.substr(0, 32) + "\\r\\n" + kBody.substr(32) + "\\n"), "der"));
  EXPECT_TRUE(is_armour(armoured("\n  > \"" + kBody + "\",\n"), "der"));
}

TEST(Armour, BeginsAsItsKindDoes) {
  EXPECT_TRUE(is_armour(armoured("\n" + kBody), ""));
  EXPECT_FALSE(is_armour(armoured("\n" + kBody), "openssh"));
  EXPECT_FALSE(is_armour(armoured("\nAA" + kBody.substr(2)), "der"));
  EXPECT_TRUE(is_armour(armoured("\nDEK-Info: AES-128-CBC,00\n\nAA" + kBody.substr(2)), "der"));
}

TEST(Armour, WhatHasNoKeyInIt) {
  EXPECT_FALSE(is_armour(armoured("\n...\n"), ""));
  EXPECT_FALSE(is_armour(armoured("\n" + kBody.substr(0, 40)), ""));
  EXPECT_FALSE(is_armour(armoured("\n" + std::string(200, 'A')), ""));
  EXPECT_FALSE(is_armour(armoured("\n" + kBody + "!" + kBody), ""));
  EXPECT_FALSE(is_armour("-----BEGIN -----", ""));
  EXPECT_FALSE(is_armour("-----BEGIN x-----", ""));
}

TEST(Armour, TheChecksumOfOpenPgpIsNoPartOfTheBody) {
  EXPECT_TRUE(is_armour(armoured("\n" + kBody + "\n=AbCd\n"), ""));
}

TEST(Armour, HeadersGoThroughTheEndOfTheirLine) {
  EXPECT_EQ(without_headers("\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\nbody"), "\n\n\n\nbody");
  EXPECT_EQ(without_headers("Version: 1\\nbody"), "\\nbody");
  EXPECT_EQ(without_headers("aX-b-c: d\ne"), "a\ne");
  EXPECT_EQ(without_headers("X-: d"), "X-: d");
  EXPECT_EQ(without_headers("Other: d\nComment: "), "Other: d\n");
}

// Every "X-" of a run looked at anew would cost the square of its length.
TEST(Armour, HeadersTakeLinearTime) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "X-";
  EXPECT_EQ(without_headers(text + " "), text + " ");
}

}  // namespace
}  // namespace assay::secrets
