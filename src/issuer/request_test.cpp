#include "issuer/request.h"

#include <gtest/gtest.h>

#include "issuer/sample.h"

namespace assay::issuer {
namespace {

const std::string kIssuer;  // no gateway

Result<Request> asked(const Question& question, const std::string& gateway = kIssuer) {
  const auto entry = table::asked[question.secret.detector].entry;
  return request_for(table::entries[static_cast<std::size_t>(entry)], question, gateway, kThen);
}

bool sends(const Request& request, std::string_view header) {
  return std::ranges::find(request.headers, header) != request.headers.end();
}

TEST(Request, IsWhatTheRulesDescribe) {
  const auto request = asked(about("secret.huggingface.token", "hf_made-up"));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->url, "https://huggingface.co/api/whoami-v2");
  EXPECT_TRUE(sends(*request, "Authorization: Bearer hf_made-up"));
  EXPECT_FALSE(request->is_direct);
}

TEST(Request, PutsLoginsIntoBase64) {
  const auto request = asked(about("secret.wandb.key", "Aladdin's lamp"));
  ASSERT_TRUE(request);
  EXPECT_TRUE(sends(*request, "Authorization: Basic YXBpOkFsYWRkaW4ncyBsYW1w"));
}

// ... so that a secret cannot leave its place in the path: "../../other" would ask something else.
TEST(Request, EncodesSecretsInLinks) {
  const auto request = asked(about("secret.telegram.bot-token", "12:a/../b?c#d e%"));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://api.telegram.org/bot12:a%2F..%2Fb%3Fc%23d%20e%25/getMe");
}

TEST(Request, EncodesSecretsInForms) {
  const auto request = request_for(entry_of("bearer-nvidia"), {{0, "nvapi-a&b=c"}, {}}, kIssuer, kThen);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, "credentials=nvapi-a%26b%3Dc");
}

TEST(Request, LeavesTheBracesOfOtherTextAlone) {
  EXPECT_EQ(asked(about("secret.wandb.key", "x"))->body, R"({"query":"{viewer{username}}"})");
}

TEST(Request, NeverReadsASecretAsAForm) {
  const auto request = asked(about("secret.huggingface.token", "{secret}{base64:{secret}}"));
  ASSERT_TRUE(request);
  EXPECT_TRUE(sends(*request, "Authorization: Bearer {secret}{base64:{secret}}"));
}

TEST(Request, GoesToTheGatewayUnderTheIssuersName) {
  const auto request = asked(about("secret.github.token", "ghp_x"), "http://127.0.0.1:8080/ask/");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "http://127.0.0.1:8080/ask/user");
  EXPECT_TRUE(sends(*request, "Host: api.github.com"));
  EXPECT_TRUE(request->is_direct);
}

TEST(Request, KnowsGateways) {
  for (const auto good : {"http://localhost", "https://gate.example:8443/ask", "http://127.0.0.1:1/"})
    EXPECT_TRUE(is_gateway(good)) << good;
  for (const auto bad : {"", "gate.example", "ftp://gate.example", "file:///etc/passwd", "http://", "http:///x",
                         "https://u:p@gate.example", "http://a b", "http://a?b", "http://a#b", "http://a\nb", "-x"})
    EXPECT_FALSE(is_gateway(bad)) << bad;
}

TEST(Request, SignsWithTheKeyThatLiesBesideItsId) {
  const auto request =
      asked(about("secret.aws.access-key-id", "AKIAMADEUP", {secret("secret.aws.secret-key", "made/up+key")}));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_TRUE(std::ranges::any_of(request->headers, [](const auto& header) {
    return header.starts_with("Authorization: AWS4-HMAC-SHA256 Credential=AKIAMADEUP/20150830/us-east-1/sts/");
  }));
}

TEST(Request, AsksTheSameFromEitherEndOfAPair) {
  const auto id = secret("secret.aws.access-key-id", "AKIAMADEUP"),
             key = secret("secret.aws.secret-key", "made/up+key");
  EXPECT_EQ(asked({id, {key}})->headers, asked({key, {id}})->headers);
}

TEST(Request, TakesTheNearestOfSeveralParts) {
  const auto key = secret("secret.aws.secret-key", "made/up+key");
  const auto first = secret("secret.aws.access-key-id", "AKIAFIRST"),
             second = secret("secret.aws.access-key-id", "AKIASECOND");
  EXPECT_EQ(asked({key, {first, second}})->headers, asked({key, {first}})->headers);
}

// AWS refuses half a login, which would read as "revoked".
TEST(Request, IsNotMadeOfHalfALogin) {
  EXPECT_EQ(asked(about("secret.aws.access-key-id", "AKIAMADEUP")).error().what,
            "it works with its secret key, and none was found near it");
  EXPECT_EQ(asked(about("secret.aws.secret-key", "made/up+key")).error().what,
            "it works with its key id, and none was found near it");
  EXPECT_EQ(
      asked(about("secret.aws.temporary-key-id", "ASIAMADEUP", {secret("secret.aws.secret-key", "k")})).error().what,
      "it works with its session token, and none was found near it");
}

TEST(Request, SendsTheSessionTokenOfATemporaryKey) {
  const auto request =
      asked(about("secret.aws.temporary-key-id", "ASIAMADEUP",
                  {secret("secret.aws.secret-key", "k"), secret("secret.aws.session-token", "made-up")}));
  ASSERT_TRUE(request);
  EXPECT_TRUE(sends(*request, "X-Amz-Security-Token: made-up"));
}

TEST(Request, CanBeMadeForEveryEntryThatNeedsNoPair) {
  for (const auto& entry : table::entries) {
    if (entry.kind != table::Kind::http) continue;
    const auto request = request_for(entry, {{0, "made-up-secret"}, {}}, kIssuer, kThen);
    ASSERT_TRUE(request) << entry.id;
    EXPECT_TRUE(request->url.starts_with("https://")) << entry.id;
    std::string all = request->url + request->body;
    for (const auto& header : request->headers) all += header;
    EXPECT_EQ(all.find("{secret}"), std::string::npos) << entry.id;
    EXPECT_EQ(all.find("{base64"), std::string::npos) << entry.id;
  }
}

}  // namespace
}  // namespace assay::issuer
