#include "detect/observed.h"

#include <gtest/gtest.h>

namespace assay::detect {
namespace {

using finding::Finding;
using finding::Severity;

Finding token(std::string verification, std::string detail) {
  format::Observation o;
  o.engine = "secrets";
  o.rule = "secret.huggingface.token";
  o.verification = std::move(verification);
  o.detail = std::move(detail);
  return observed(o, {});
}

bool says(const Finding& f, std::string_view words) { return f.message.find(words) != f.message.npos; }

TEST(Observed, SaysNothingOfAnIssuerThatNobodyAsked) {
  EXPECT_EQ(token("", "").verification, "");
  EXPECT_FALSE(says(token("", ""), "work"));
}

TEST(Observed, SaysThatASecretWorks) {
  const auto f = token("verified", "the issuer accepted it");
  EXPECT_EQ(f.severity, Severity::suspicious);
  EXPECT_EQ(f.verification, "verified");
  EXPECT_TRUE(says(f, "It works: the issuer accepted it."));
}

// It may be good at another host, and was good once.
TEST(Observed, WeighsARefusedSecretLessAndStillWeighsIt) {
  const auto f = token("refused", "the issuer refused it (HTTP 401)");
  EXPECT_EQ(f.severity, Severity::caution);
  EXPECT_TRUE(says(f, "the issuer refused it (HTTP 401)"));
}

TEST(Observed, WeighsASecretTheSameWhereNobodyAnswered) {
  const auto f = token("unreachable", "curl is not installed");
  EXPECT_EQ(f.severity, token("", "").severity);
  EXPECT_TRUE(says(f, "curl is not installed"));
}

// What an issuer calls itself comes from the network, and what kept facts say from a file.
TEST(Observed, EscapesWhatAnIssuerSaid) {
  const auto f = token("veri\x1b[31mfied", "\x1b[31mred\xe2\x80\xae");
  EXPECT_EQ(f.message.find('\x1b'), std::string::npos);
  EXPECT_EQ(f.message.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_EQ(f.verification.find('\x1b'), std::string::npos);
  EXPECT_EQ(f.severity, Severity::suspicious);
}

}  // namespace
}  // namespace assay::detect
