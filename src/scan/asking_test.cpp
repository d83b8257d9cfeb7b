#include "scan/asking.h"

#include <gtest/gtest.h>

#include "format/sample.h"
#include "secrets/secrets.h"

namespace assay::scan {
namespace {

using format::Document;
using format::Observation;

/// Says yes to everything, and writes down what it was asked.
class Yes final : public issuer::Transport {
 public:
  Result<issuer::Response> send(const issuer::Request& request, std::chrono::milliseconds,
                                const std::function<bool()>&) override {
    asked.push_back(request);
    return issuer::Response{200, "", false};
  }
  std::vector<issuer::Request> asked;
};

Observation found(std::string rule, std::string secret, std::uint64_t offset = 0, std::uint32_t member = 0) {
  Observation o;
  o.engine = "secrets";
  o.rule = std::move(rule);
  o.place = {member, offset};
  o.secret = std::move(secret);
  return o;
}

Document document(std::vector<Observation> observations) {
  Document d;
  d.observations = std::move(observations);
  return d;
}

issuer::Manner quick() {
  issuer::Manner how;
  how.bounds.pause = std::chrono::milliseconds{0};
  return how;
}

struct Asked {
  std::vector<Document> documents;
  std::vector<issuer::Request> requests;
};

Asked ask(std::vector<Document> documents, bool keep = false) {
  Asked out;
  out.documents.resize(documents.size());
  const Take take = [&](std::size_t index, Document d) { out.documents[index] = std::move(d); };
  Yes yes;
  Asking asking{take, yes, keep};
  for (std::size_t i = 0; i < documents.size(); ++i) asking.take(i, std::move(documents[i]));
  asking.finish(quick());
  out.requests = std::move(yes.asked);
  return out;
}

TEST(Asking, WritesTheAnswerBesideTheSecret) {
  const auto out = ask({document({found("secret.huggingface.token", "hf_x")})});
  EXPECT_EQ(out.documents[0].observations[0].verification, "verified");
  EXPECT_EQ(out.documents[0].observations[0].detail, "the issuer accepted it");
}

TEST(Asking, AsksOnceAboutASecretThatStandsInManyPlaces) {
  const auto out =
      ask({document({found("secret.huggingface.token", "hf_x"), found("secret.huggingface.token", "hf_x", 9)}),
           document({found("secret.huggingface.token", "hf_x")})});
  EXPECT_EQ(out.requests.size(), 1u);
  for (const auto& d : out.documents)
    for (const auto& o : d.observations) EXPECT_EQ(o.verification, "verified");
}

// Whoever asked for verification has not asked for secrets in reports.
TEST(Asking, KeepsNoSecretUnlessToldTo) {
  const auto documents = {document({found("secret.huggingface.token", "hf_x")}),
                          document({found("secret.generic.password", "x")})};
  for (const auto& d : ask(documents).documents) EXPECT_EQ(d.observations[0].secret, "");
  for (const auto& d : ask(documents, true).documents) EXPECT_NE(d.observations[0].secret, "");
}

TEST(Asking, SaysNothingOfWhatNobodyCanBeAskedAbout) {
  const auto out = ask({document({found("secret.generic.password", "x"), found("secret.no.such", "y")}), document({})});
  EXPECT_TRUE(out.requests.empty());
  for (const auto& o : out.documents[0].observations) EXPECT_EQ(o.verification, "");
}

TEST(Asking, LooksForTheOtherHalfInTheSameMember) {
  const auto id = found("secret.aws.access-key-id", "AKIAMADEUP", 100, 1);
  const auto elsewhere = ask({document({id, found("secret.aws.secret-key", "made/up", 120, 2)})});
  EXPECT_TRUE(elsewhere.requests.empty());
  EXPECT_EQ(elsewhere.documents[0].observations[0].verification, "unreachable");
  const auto beside = ask({document({id, found("secret.aws.secret-key", "made/up", 120, 1)})});
  EXPECT_EQ(beside.documents[0].observations[0].verification, "verified");
  EXPECT_EQ(beside.documents[0].observations[1].verification, "verified");
}

TEST(Asking, TakesTheNearestOfSeveral) {
  const auto out = ask({document(
      {found("secret.aws.access-key-id", "AKIAFAR", 0), found("secret.aws.access-key-id", "AKIANEAR", 400),
       found("secret.aws.secret-key", "made/up", 500), found("secret.aws.access-key-id", "AKIAFARTHER", 900)})});
  const auto names = [](std::string_view id) {
    return [id](const issuer::Request& r) { return r.headers[1].find(id) != std::string::npos; };
  };
  // The three ids, each with the only key; the key, with its nearest id: the same question in other words.
  EXPECT_EQ(std::ranges::count_if(out.requests, names("AKIANEAR")), 2);
  EXPECT_EQ(std::ranges::count_if(out.requests, names("AKIAFAR/")), 1);
}

TEST(Asking, FindsTheTokenOfATemporaryKeyFromItsKey) {
  const auto out = ask(
      {document({found("secret.aws.secret-key", "made/up", 0), found("secret.aws.temporary-key-id", "ASIAMADEUP", 50),
                 found("secret.aws.session-token", "made-up-token", 90)})});
  EXPECT_EQ(out.documents[0].observations[0].verification, "verified");
  ASSERT_FALSE(out.requests.empty());
  for (const auto& r : out.requests) EXPECT_EQ(r.headers[1], "X-Amz-Security-Token: made-up-token");
}

}  // namespace
}  // namespace assay::scan
