#include "format/wire.h"

#include <gtest/gtest.h>

#include <chrono>

#include "format/sample.h"

namespace assay::format {
namespace {

TEST(Wire, WhatIsWrittenIsReadBack) {
  const auto d = sample::document();
  const auto again = decode(bytes::view(encode(d)));
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(*again, d);
}

TEST(Wire, AnyDocumentIsReadBack) {
  sample::RandomDocuments random{1};
  for (int i = 0; i < 200; ++i) {
    const auto d = random.next();
    const auto again = decode(bytes::view(encode(d)));
    ASSERT_TRUE(again) << again.error().what;
    ASSERT_EQ(*again, d) << i;
  }
}

TEST(Wire, EveryTruncationIsRefused) {
  sample::RandomDocuments random{2};
  for (int i = 0; i < 3; ++i) {
    const auto raw = encode(i == 0 ? sample::document() : random.next());
    for (std::size_t n = 0; n < raw.size(); ++n)
      ASSERT_FALSE(decode(bytes::view(std::string_view{raw}.substr(0, n)))) << n;
  }
}

TEST(Wire, WhatFollowsIsRefused) { EXPECT_FALSE(decode(bytes::view(encode(sample::document()) + '\0'))); }

TEST(Wire, EveryChangedByteIsReadOrRefusedAndNeverBelievedBlindly) {
  const auto raw = encode(sample::document());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      auto changed = raw;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      const auto d = decode(bytes::view(changed));
      ASSERT_TRUE(!d || validate(*d).has_value()) << i;
    }
  }
}

// A count of 2^63 in ten bytes must not become memory or time.
TEST(Wire, HostileCountsAreRefusedAtOnce) {
  const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  const auto started = std::chrono::steady_clock::now();
  const auto raw = encode(sample::document());
  for (std::size_t i = 0; i < raw.size(); ++i) (void)decode(bytes::view(raw.substr(0, i) + huge + raw.substr(i)));
  EXPECT_FALSE(decode(bytes::view(huge)));
  EXPECT_FALSE(decode(bytes::view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{5});
}

TEST(Wire, ValuesNestedBeyondReasonAreRefused) {
  auto d = sample::document();
  for (int i = 0; i < 100; ++i) {
    Expr outer;
    outer.kind = Expr::Kind::tuple;
    outer.items.push_back(std::move(d.calls[0].callee));
    d.calls[0].callee = std::move(outer);
  }
  const auto again = decode(bytes::view(encode(d)));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().what, "nested too deeply");
}

TEST(Wire, WhatValidateRefusesIsRefused) {
  auto d = sample::document();
  d.calls[0].place.member = 9;
  EXPECT_FALSE(decode(bytes::view(encode(d))));
}

}  // namespace
}  // namespace assay::format
