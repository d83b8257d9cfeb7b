#include "issuer/issuer.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "issuer/sample.h"

namespace assay::issuer {
namespace {

using namespace std::chrono_literals;

/// Answers as a script says, and writes down who was asked.
class Script final : public Transport {
 public:
  explicit Script(std::function<Result<Response>(const Request&)> play) : play_{std::move(play)} {}

  Result<Response> send(const Request& request, std::chrono::milliseconds, const std::function<bool()>&) override {
    const std::scoped_lock lock{mutex_};
    urls.push_back(request.url);
    return play_(request);
  }

  std::vector<std::string> urls;

 private:
  std::mutex mutex_;
  std::function<Result<Response>(const Request&)> play_;
};

Manner quick() {
  Manner how;
  how.now = kThen;
  how.bounds.pause = 0ms;
  return how;
}

std::vector<Question> tokens(std::size_t count) {
  std::vector<Question> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(about("secret.huggingface.token", "hf_" + std::to_string(i)));
  return result;
}

TEST(Issuer, AnswersEachQuestionInItsPlace) {
  Script script{[](const Request& request) -> Result<Response> {
    const bool is_good = request.headers.front() == "Authorization: Bearer good";
    return Response{is_good ? 200u : 401u, "", false};
  }};
  const auto answers = ask({about("secret.huggingface.token", "bad"), about("secret.github.token", "good"),
                            about("secret.openai.key", "good"), about("secret.huggingface.token", "good")},
                           script, quick());
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[0].status, Status::refused);
  for (const auto i : {1, 2, 3}) EXPECT_EQ(answers[static_cast<std::size_t>(i)].status, Status::verified) << i;
}

TEST(Issuer, AsksNobodyWhereNobodyIsKnown) {
  Script script{[](const Request&) -> Result<Response> { return Response{200, "", false}; }};
  const auto answers = ask({about("secret.generic.password", "made-up")}, script, quick());
  EXPECT_EQ(answers.front().status, Status::unreachable);
  EXPECT_TRUE(script.urls.empty());
}

TEST(Issuer, LeavesASilentIssuerAloneAndGoesOnWithOthers) {
  Script script{[](const Request& request) -> Result<Response> {
    if (request.url.starts_with("https://huggingface.co")) return fail(Errc::io, 0, "no answer");
    return Response{200, "", false};
  }};
  auto questions = tokens(10);
  questions.push_back(about("secret.github.token", "x"));
  const auto answers = ask(questions, script, quick());
  EXPECT_EQ(script.urls.size(), 3u);  // two silences, and GitHub
  EXPECT_EQ(answers[1].words, "no answer");
  EXPECT_EQ(answers[2].words, "not asked: no answer");
  EXPECT_EQ(answers[10].status, Status::verified);
}

// Two secrets that nobody can send must not hide the others from their issuer.
TEST(Issuer, TakesNoUnsendableSecretForASilence) {
  Script script{[](const Request& request) -> Result<Response> {
    const bool is_last = request.headers.front() == "Authorization: Bearer hf_5";
    if (!is_last) return fail(Errc::unsupported, 0, "it holds bytes that no request can carry");
    return Response{200, "", false};
  }};
  EXPECT_EQ(ask(tokens(6), script, quick()).back().status, Status::verified);
}

TEST(Issuer, GivesAnIssuerTheRestItAsksFor) {
  Script script{[](const Request&) -> Result<Response> { return Response{429, "", false}; }};
  const auto answers = ask(tokens(5), script, quick());
  EXPECT_EQ(script.urls.size(), 1u);
  EXPECT_EQ(answers[4].words, "not asked: the issuer wants fewer questions");
}

TEST(Issuer, AsksAboutSoManySecretsOnly) {
  Script script{[](const Request&) -> Result<Response> { return Response{200, "", false}; }};
  auto how = quick();
  how.bounds.questions = 7;
  const auto answers = ask(tokens(9), script, how);
  EXPECT_EQ(script.urls.size(), 7u);
  EXPECT_EQ(answers[6].status, Status::verified);
  EXPECT_EQ(answers[7].words, "not asked: that was done for 7 others");
}

TEST(Issuer, EndsWhenItsTimeIsUp) {
  Script script{[](const Request&) -> Result<Response> {
    std::this_thread::sleep_for(30ms);
    return Response{200, "", false};
  }};
  auto how = quick();
  how.bounds.all = 50ms;
  const auto answers = ask(tokens(50), script, how);
  EXPECT_LE(script.urls.size(), 3u);
  EXPECT_EQ(answers[49].words, "not asked: the time for questions was up");
}

TEST(Issuer, StopsWhenAskedTo) {
  Script script{[](const Request&) -> Result<Response> { return Response{200, "", false}; }};
  auto how = quick();
  how.stop = [] { return true; };
  EXPECT_EQ(ask(tokens(1), script, how).front().words, "not asked: it was stopped");
  EXPECT_TRUE(script.urls.empty());
}

TEST(Issuer, PausesBetweenQuestionsToTheSameIssuer) {
  Script script{[](const Request&) -> Result<Response> { return Response{200, "", false}; }};
  auto how = quick();
  how.bounds.pause = 20ms;
  const auto began = std::chrono::steady_clock::now();
  const auto answers = ask(tokens(4), script, how);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 60ms);
  EXPECT_EQ(answers.back().status, Status::verified);
}

// A gateway stands for all issuers: their lines become one, or 63 at once would reach it.
TEST(Issuer, AsksAGatewayOneAfterAnother) {
  std::atomic<int> inside = 0, most = 0;
  Script script{[&](const Request&) -> Result<Response> {
    most = std::max(most.load(), ++inside);
    --inside;
    return fail(Errc::io, 0, "no answer");
  }};
  auto how = quick();
  how.gateway = "http://127.0.0.1:1";
  ask({about("secret.huggingface.token", "a"), about("secret.github.token", "b"), about("secret.openai.key", "c")},
      script, how);
  EXPECT_EQ(script.urls.size(), 2u);
  for (const auto& url : script.urls) EXPECT_TRUE(url.starts_with("http://127.0.0.1:1/")) << url;
}

TEST(Issuer, KnowsPairs) {
  const auto beside = partners(number_of("secret.aws.access-key-id"));
  ASSERT_EQ(beside.size(), 1u);
  EXPECT_EQ(beside.front(), number_of("secret.aws.secret-key"));
  EXPECT_TRUE(partners(1'000'000).empty());
  EXPECT_FALSE(can_ask(1'000'000));
}

}  // namespace
}  // namespace assay::issuer
