#include "secrets/shown.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "bytes/digest.h"

namespace assay::secrets {
namespace {

TEST(Shown, ShowsTheEndsOfALongSecret) { EXPECT_EQ(shown("hf_abcdefghijklmnopqrst"), "hf_a…qrst (23 characters)"); }

TEST(Shown, HidesThreeFifthsOfAnySecret) {
  for (std::size_t n = 0; n < 200; ++n) {
    const auto text = shown(std::string(n, 'x'));
    const auto visible = static_cast<std::size_t>(std::ranges::count(text, 'x'));
    EXPECT_LE(visible, 8u);
    EXPECT_LE(visible * 5, n * 2) << n;  // 8 of 20 at most
  }
}

TEST(Shown, FingerprintDependsOnTheSecretAndTheKey) {
  EXPECT_EQ(fingerprint("k", "s"), fingerprint("k", "s"));
  EXPECT_NE(fingerprint("k", "s"), fingerprint("k", "t"));
  EXPECT_NE(fingerprint("k", "s"), fingerprint("l", "s"));
  EXPECT_EQ(fingerprint("k", "s").size(), 16u);
}

// RFC 4231, test cases 1, 2 and 6.
TEST(Hmac, GivesThePublishedValues) {
  const auto mac = [](std::string_view key, std::string_view message) {
    return to_hex(bytes::text(bytes::hmac_sha256(bytes::view(key), bytes::view(message))));
  };
  EXPECT_EQ(mac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(mac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(mac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace assay::secrets
