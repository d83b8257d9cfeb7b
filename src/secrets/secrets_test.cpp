#include "secrets/secrets.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "secrets/samples.h"

namespace assay::secrets {
namespace {

using namespace std::string_view_literals;

Scanner scanner() {
  auto opened = Scanner::open();
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

std::vector<Hit> scan(Scanner& scanner, std::string_view text, std::size_t block_bytes = std::string_view::npos) {
  while (!text.empty()) {
    const auto block = text.substr(0, block_bytes);
    scanner.feed(bytes::view(block));
    text.remove_prefix(block.size());
  }
  return scanner.finish();
}

std::vector<Hit> scan(std::string_view text, std::size_t block_bytes = std::string_view::npos) {
  auto one = scanner();
  return scan(one, text, block_bytes);
}

std::uint32_t number_of(std::string_view id) {
  const auto at = std::ranges::find(detectors(), id, &Detector::id);
  EXPECT_NE(at, detectors().end()) << id;
  return static_cast<std::uint32_t>(at - detectors().begin());
}

bool finds(std::string_view text, std::string_view id) {
  return std::ranges::count(scan(text), number_of(id), &Hit::detector) == 1;
}

std::vector<Hit> expected(std::span<const Hit> hits) { return {hits.begin(), hits.end()}; }

std::string all_samples() {
  std::string all;
  for (const auto& sample : samples::each) all.append(sample.text).append("\n");
  return all;
}

std::string repeated(std::string_view text, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

/// Letters and digits that say nothing and repeat nothing; never the same twice.
std::string random_letters(std::size_t count, std::mt19937& random) {
  constexpr auto kLetters = "bcdfghjkmnpqrstvwxzBCDFGHJKLMNPQRSTVWXZ2345678"sv;
  std::string text;
  while (text.size() < count) text += kLetters[random() % kLetters.size()];
  return text;
}

/// A token of Hugging Face's form that is nobody's.
std::string token(std::mt19937& random) { return "hf_" + random_letters(34, random); }

TEST(Secrets, DetectorsAreSortedAndSayWhatTheyAre) {
  EXPECT_TRUE(std::ranges::is_sorted(detectors(), {}, &Detector::id));
  for (const auto& detector : detectors()) {
    EXPECT_TRUE(detector.id.starts_with("secret."));
    EXPECT_FALSE(detector.name.empty() || detector.can.empty() || detector.revoke.empty()) << detector.id;
  }
  EXPECT_EQ(rule_set_version().size(), 16U);
}

TEST(Secrets, FindsInEverySampleWhatTheModelFinds) {
  auto one = scanner();
  for (const auto& sample : samples::each) EXPECT_EQ(scan(one, sample.text), expected(sample.hits)) << sample.text;
}

TEST(Secrets, EveryDetectorIsSeen) {
  std::set<std::uint32_t> seen;
  for (const auto& sample : samples::each) {
    for (const auto& hit : sample.hits) seen.insert(hit.detector);
  }
  for (std::uint32_t i = 0; i < detectors().size(); ++i) EXPECT_TRUE(seen.contains(i)) << detectors()[i].id;
}

TEST(Secrets, BlocksMakeNoDifference) {
  const auto all = all_samples();
  auto one = scanner();
  for (const std::size_t block_bytes : {1U, 7U, 4096U, 65'537U, 1U << 30}) {
    EXPECT_EQ(scan(one, all, block_bytes), expected(samples::in_all)) << block_bytes;
    EXPECT_FALSE(one.cut());
  }
}

TEST(Secrets, APlaceDeepInAStreamIsToldFromItsStart) {
  std::mt19937 random{1};
  const auto text = repeated("nothing here. ", 1 << 20) + token(random) + " ";
  const auto hits = scan(text, 4096);
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].end, text.size() - 1);
  EXPECT_EQ(hits[0].end - hits[0].begin, 37U);
}

TEST(Secrets, ATokenMustBeWhole) {
  std::mt19937 random{2};
  const auto whole = token(random);
  constexpr auto kId = "secret.huggingface.token"sv;
  EXPECT_TRUE(finds(whole, kId));
  EXPECT_FALSE(finds(whole + "a", kId));
  EXPECT_FALSE(finds(whole + "-", kId));
  EXPECT_FALSE(finds("s" + whole, kId));
  EXPECT_FALSE(finds("_" + whole, kId));
  EXPECT_TRUE(finds("=" + whole + "\"", kId));
  EXPECT_FALSE(finds(whole.substr(0, 36), kId));
}

// Escapes end in letters that belong to no word: "\n", "%3D", "\u003d", and a terminal's colour.
TEST(Secrets, AnEscapeIsNoPartOfAWord) {
  std::mt19937 random{3};
  const auto whole = token(random);
  constexpr auto kId = "secret.huggingface.token"sv;
  for (const auto escape : {"\\n"sv, "%3D"sv, "\\u003d"sv, "\x1b[0;31m"sv, "\x1b[m"sv}) {
    EXPECT_TRUE(finds(std::string{escape} + whole, kId)) << escape;
  }
  for (const auto other : {"\\q"sv, "%3G"sv, "u003d"sv, "[0;31m"sv, "\x1b[012345678m"sv, "m"sv}) {
    EXPECT_FALSE(finds(std::string{other} + whole, kId)) << other;
  }
}

TEST(Secrets, FinishStartsAnew) {
  std::mt19937 random{4};
  auto one = scanner();
  const auto whole = token(random);
  one.feed(bytes::view("hf_"));
  EXPECT_TRUE(one.finish().empty());
  EXPECT_TRUE(scan(one, whole.substr(3)).empty());
  EXPECT_EQ(scan(one, whole), (std::vector<Hit>{{number_of("secret.huggingface.token"), 0, 37}}));
  EXPECT_TRUE(one.finish().empty());
}

TEST(Secrets, SaysThatItIsCutAtTheMostHits) {
  std::mt19937 random{5};
  std::string text;  // a few of the tokens read like placeholders by chance
  for (std::size_t i = 0; i < Scanner::kMostHits + 100; ++i) text += token(random) + "\n";
  auto one = scanner();
  EXPECT_LT(scan(one, text.substr(0, text.size() - text.size() / 50)).size(), Scanner::kMostHits);
  EXPECT_FALSE(one.cut());
  EXPECT_EQ(scan(one, text).size(), Scanner::kMostHits);
  EXPECT_TRUE(one.cut());
  EXPECT_TRUE(scan(one, "nothing").empty());
  EXPECT_FALSE(one.cut());
}

// Keywords everywhere must not have every byte looked at thousands of times; and what was left out is said.
TEST(Secrets, AStretchFullOfKeywordsIsCutWhateverTheBlocks) {
  std::mt19937 random{6};
  const auto text = repeated("eyJ", 1 << 16) + " " + token(random) + " " + repeated("plain ", 1 << 16) + token(random);
  auto one = scanner();
  const auto hits = scan(one, text);
  EXPECT_TRUE(one.cut());
  EXPECT_EQ(hits.back().end, text.size()) << "the next stretch has a budget of its own";
  EXPECT_EQ(scan(one, text, 1000), hits);
  EXPECT_TRUE(one.cut());
}

TEST(Secrets, KeywordsWithoutSecretsAreAffordable) {
  auto one = scanner();
  for (const auto keyword : {"hf_"sv, "my_token = "sv, "\""sv, "https://"sv}) {
    EXPECT_TRUE(scan(one, repeated(keyword, 1 << 20)).empty());
    EXPECT_FALSE(one.cut()) << keyword;
  }
}

}  // namespace
}  // namespace assay::secrets
