#include "issuer/sigv4.h"

#include <gtest/gtest.h>

#include "issuer/sample.h"

namespace assay::issuer::sigv4 {
namespace {

const Login kExample{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

std::string signature(const Signed& request, const Login& login) {
  const auto last = headers(request, login, kThen).back();
  return last.substr(last.rfind('=') + 1);
}

// The cases and signatures of AWS's test suite for this signature (aws-sig-v4-test-suite).
TEST(Sigv4, SignsAsAwsDoes_get_vanilla) {
  EXPECT_EQ(signature({"GET", "example.amazonaws.com", "/", "", "us-east-1", "service"}, kExample),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(Sigv4, SignsAsAwsDoes_get_vanilla_query_order_key_case) {
  EXPECT_EQ(
      signature({"GET", "example.amazonaws.com", "/", "Param1=value1&Param2=value2", "us-east-1", "service"}, kExample),
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(Sigv4, SignsAsAwsDoes_post_vanilla) {
  EXPECT_EQ(signature({"POST", "example.amazonaws.com", "/", "", "us-east-1", "service"}, kExample),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(Sigv4, SignsAsAwsDoes_post_sts_header_before) {
  auto login = kExample;
  login.token =
      "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
      "hAx7mSEI/qkPpKPi/"
      "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAk"
      "iY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
  EXPECT_EQ(signature({"POST", "example.amazonaws.com", "/", "", "us-east-1", "service"}, login),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

TEST(Sigv4, SaysWhenAndForWhat) {
  const auto sent = headers({"GET", "sts.amazonaws.com", "/", "", "us-east-1", "sts"}, kExample, kThen);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0], "X-Amz-Date: 20150830T123600Z");
  EXPECT_TRUE(
      sent[1].starts_with("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sts/"
                          "aws4_request, SignedHeaders=host;x-amz-date, Signature="));
}

TEST(Sigv4, NeverSendsTheKey) {
  for (const auto& header : headers({"GET", "sts.amazonaws.com", "/", "", "us-east-1", "sts"}, kExample, kThen))
    EXPECT_EQ(header.find(kExample.key), std::string::npos);
}

}  // namespace
}  // namespace assay::issuer::sigv4
