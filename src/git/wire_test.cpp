#include "git/wire.h"

#include <gtest/gtest.h>

namespace assay::git {
namespace {

History example() {
  History history;
  history.walked = 7;
  history.commits.push_back({*Oid::from_hex("0123456789abcdef0123456789abcdef01234567"), {"A", "a@b"}, -5, "Why"});
  Entry entry;
  entry.path = "a\nb";
  entry.commit = 0;
  entry.state = State::present;
  entry.size = 3;
  history.entries.push_back(entry);
  history.gaps.push_back({Gap::Kind::shallow, {}});
  return history;
}

TEST(Wire, CarriesHistoriesRangesAndContents) {
  EXPECT_EQ(*decode_history(bytes::view(encode(example()))), example());
  const Range range{{"main", "v1"}, {"old"}, true, false, true};
  EXPECT_EQ(*decode_range(bytes::view(encode(range))), range);
  const Content content{State::present, 3, "abc"};
  EXPECT_EQ(*decode_content(bytes::view(encode(content))), content);
}

TEST(Wire, RefusesEveryBeginningOfAnAnswerAndAnythingBehindIt) {
  const auto whole = encode(example());
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(decode_history(bytes::view(whole.substr(0, n)))) << n;
  EXPECT_FALSE(decode_history(bytes::view(whole + "x")));
}

TEST(Wire, RefusesABlobOfACommitThatWasNotTold) {
  auto history = example();
  history.entries[0].commit = 1;
  EXPECT_FALSE(decode_history(bytes::view(encode(history))));
}

TEST(Wire, RefusesTextsAndListsBeyondTheirBounds) {
  auto history = example();
  history.commits[0].summary = std::string(kMostText + 1, 's');
  EXPECT_FALSE(decode_history(bytes::view(encode(history))));
  history = example();
  history.gaps.resize(kMostGaps + 1);
  EXPECT_FALSE(decode_history(bytes::view(encode(history))));
}

TEST(Wire, ACountIsNotBelievedBeforeItsBytesCame) {
  std::string raw{"\1\0\0\0\0\0\0\0\0\xff\xff\xff\xff", 13};
  EXPECT_FALSE(decode_history(bytes::view(raw)));
}

TEST(Wire, ARefusalIsOneOfOurOwnSentences) {
  const auto refused = decode_history(bytes::view(encode(Refusal::no_such_revision)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "no such revision in this repository");
  EXPECT_FALSE(decode_history(bytes::view(std::string_view{"\2\x7f", 2})));
}

TEST(Wire, RefusesAContentWhoseSizeIsNotItsOwn) {
  EXPECT_FALSE(decode_content(bytes::view(encode(Content{State::present, 4, "abc"}))));
}

}  // namespace
}  // namespace assay::git
