#include "secrets/encoding.h"

#include <gtest/gtest.h>

namespace assay::secrets {
namespace {

TEST(Encoding, Base64InBothAlphabetsWithOrWithoutPadding) {
  EXPECT_EQ(from_base64("aGVsbG8="), "hello");
  EXPECT_EQ(from_base64("aGVsbG8"), "hello");
  EXPECT_EQ(from_base64("-_8"), "\xfb\xff");
  EXPECT_EQ(from_base64("+/8="), "\xfb\xff");
  EXPECT_EQ(from_base64(""), "");
  EXPECT_EQ(from_base64("===="), "");
}

TEST(Encoding, WhatIsNoBase64) {
  EXPECT_FALSE(from_base64("aGVsb"));  // one letter too many
  EXPECT_FALSE(from_base64("aG=sbG8="));
  EXPECT_FALSE(from_base64("aGVs bG8="));
}

// CRC-32 of "123456789" is 0xcbf43926.
TEST(Encoding, Crc32InBase62) {
  EXPECT_TRUE(has_crc32_in_base62("x_1234567893jZRME"));
  EXPECT_TRUE(has_crc32_in_base62("1234567893jZRME"));
  EXPECT_FALSE(has_crc32_in_base62("x_1234567893jZRMF"));
  EXPECT_FALSE(has_crc32_in_base62("x_3jZRME"));
}

// https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki
TEST(Encoding, Bech32OfBip173) {
  EXPECT_TRUE(is_bech32("A12UEL5L"));
  EXPECT_TRUE(is_bech32("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"));
  EXPECT_FALSE(is_bech32("A1G7SGD8"));
  EXPECT_FALSE(is_bech32("a12UEL5L"));
  EXPECT_FALSE(is_bech32("qqq"));
}

// The address of Bitcoin's first block: it begins with a zero.
TEST(Encoding, Base58Check) {
  EXPECT_TRUE(is_base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
  EXPECT_FALSE(is_base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"));
  EXPECT_FALSE(is_base58check("A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
  EXPECT_FALSE(is_base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a"));
  EXPECT_FALSE(is_base58check(""));
}

}  // namespace
}  // namespace assay::secrets
