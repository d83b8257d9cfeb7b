#include "issuer/answer.h"

#include <gtest/gtest.h>

#include "issuer/sample.h"

namespace assay::issuer {
namespace {

Answer answer(std::string_view entry, unsigned status, std::string body = "", bool cut = false) {
  return answer_in({status, std::move(body), cut}, entry_of(entry));
}

TEST(Answer, IsTheStatusThatTheRulesName) {
  EXPECT_EQ(answer("bearer-huggingface", 200).status, Status::verified);
  EXPECT_EQ(answer("bearer-huggingface", 401).status, Status::refused);
  EXPECT_EQ(answer("bearer-github", 403).status, Status::verified);  // may not do what was asked, and works
  EXPECT_EQ(answer("header-datadog", 403).status, Status::refused);
}

// Taking "come back later" for "revoked" would leave a key that works where it is.
TEST(Answer, IsUnknownForEverythingElse) {
  for (const unsigned status : {204u, 302u, 404u, 407u, 418u, 429u, 500u, 503u}) {
    const auto told = answer("bearer-huggingface", status);
    EXPECT_EQ(told.status, Status::unreachable) << status;
    EXPECT_NE(told.words.find(std::to_string(status)), std::string::npos) << told.words;
  }
}

TEST(Answer, NamesWhoseSecretItIs) {
  EXPECT_EQ(answer("bearer-huggingface", 200, R"({"type":"user","name":"acme-bot","orgs":[{"name":"other"}]})").words,
            "the issuer accepted it: it is that of acme-bot");
  EXPECT_EQ(answer("aws-sts", 200, "<A><Arn>arn:aws:iam::000000000000:user/none</Arn></A>").words,
            "the issuer accepted it: it is that of arn:aws:iam::000000000000:user/none");
  EXPECT_EQ(answer("bearer-huggingface", 200, "<html>").words, "the issuer accepted it");
}

TEST(Answer, KeepsLittleOfALongName) {
  EXPECT_LT(answer("bearer-huggingface", 200, R"({"name":")" + std::string(10'000, 'x') + R"("})").words.size(), 300u);
}

TEST(Answer, ReadsRefusalsThatComeWithAGoodCode) {
  EXPECT_EQ(answer("bearer-slack", 200, R"({"ok":true})").status, Status::verified);
  EXPECT_EQ(answer("bearer-slack", 200, R"({"ok":false,"error":"invalid_auth"})").status, Status::refused);
}

TEST(Answer, IsUnknownWhereTheRefusalMayBeInThePartThatWasLeftOut) {
  EXPECT_EQ(answer("bearer-slack", 200, "{", true).status, Status::unreachable);
  EXPECT_EQ(answer("bearer-huggingface", 200, "{", true).status, Status::verified);
}

// The clock here is wrong, or the key is another's: neither means that this key id is revoked.
TEST(Answer, IsUnknownWhereAwsDoubtsTheSignature) {
  EXPECT_EQ(answer("aws-sts", 403, "<Code>SignatureDoesNotMatch</Code>").status, Status::unreachable);
  EXPECT_EQ(answer("aws-sts", 403, "<Code>InvalidClientTokenId</Code>").status, Status::refused);
}

}  // namespace
}  // namespace assay::issuer
