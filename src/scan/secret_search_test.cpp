#include "scan/secret_search.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "scan/far_source.h"
#include "scan/sweep.h"
#include "secrets/shown.h"

namespace assay::scan {
namespace {

format::Document searched(const bytes::Source& source, const std::vector<bytes::Extent>& own) {
  SecretSearch search{std::string{secrets::kPublicKey}, false};
  format::Document document;
  bytes::Budget budget{bytes::Limits{}, source.size()};
  const std::vector<bytes::Extent> none;
  const OwnBytes bytes{0, source, own, none, document, budget};
  Sweep{}.over(bytes, own, std::array<LiteralEngine*, 1>{&search});
  format::Document out;
  search.finish(out);
  return out;
}

const std::string kBefore = "first line\ntoken = ";
const std::string kToken = "glpat-" + std::string{"Ab3De6Gh9Jk2Mn5Pq8St"};

TEST(SecretSearch, FindsASecretInAnExtentAndCountsFromTheMember) {
  const auto text = kBefore + kToken + "\n";
  const bytes::MemorySource source{bytes::view(text)};
  for (const std::uint64_t begin : {std::uint64_t{0}, std::uint64_t{11}}) {
    const auto found = searched(source, {{begin, text.size()}});
    ASSERT_EQ(found.observations.size(), 1u) << begin;
    const auto& o = found.observations[0];
    EXPECT_EQ(o.place.offset, kBefore.size());
    EXPECT_EQ(o.length, kToken.size());
    EXPECT_EQ(o.line, 2u);
    EXPECT_TRUE(o.secret.empty());
    EXPECT_EQ(o.shown.find(kToken), std::string::npos);
    EXPECT_TRUE(found.engines.at(0).complete);
  }
}

TEST(SecretSearch, TwoExtentsAreTwoTexts) {
  const auto text = kToken.substr(0, 10) + "|" + kToken.substr(10);
  const bytes::MemorySource source{bytes::view(text)};
  EXPECT_TRUE(searched(source, {{0, 10}, {11, text.size()}}).observations.empty());
}

// What ends where the bytes ended too early may go on behind.
TEST(SecretSearch, ASecretThatIsCutOffIsNotTold) {
  const auto text = kBefore + kToken + "andmore\n";
  EXPECT_TRUE(searched(bytes::MemorySource{bytes::view(text)}, {{0, text.size()}}).observations.empty());
  const auto cut = searched(FarSource{text, kBefore.size() + kToken.size()}, {{0, text.size()}});
  EXPECT_TRUE(cut.observations.empty());
  EXPECT_FALSE(cut.engines.at(0).complete);
  const auto whole = kBefore + kToken + "\n";
  const auto last = searched(FarSource{whole + "...", whole.size()}, {{0, whole.size() + 3}});
  EXPECT_EQ(last.observations.size(), 1u);
  EXPECT_FALSE(last.engines.at(0).complete);
}

TEST(SecretSearch, SaysThatNobodySearched) {
  SecretSearch search{std::string{secrets::kPublicKey}, false};
  const bytes::MemorySource source{bytes::view(kToken)};
  format::Document document;
  bytes::Budget budget{bytes::Limits{}, source.size()};
  const std::vector<bytes::Extent> none;
  const OwnBytes bytes{0, source, none, none, document, budget};
  search.enter(bytes);
  search.begin({0, kToken.size()});
  search.see_nothing("this processor cannot");
  EXPECT_TRUE(search.end(true));
  format::Document out;
  search.finish(out);
  EXPECT_FALSE(out.engines.at(0).complete);
  EXPECT_EQ(out.engines[0].what, "this processor cannot");
}

}  // namespace
}  // namespace assay::scan
