#include "literals/literals.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::literals {
namespace {

Search search() {
  auto opened = Search::open();
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

/// Everything that a stream shows, fed in blocks of this size.
struct Shown {
  std::string bytes;
  Places places;
};
Shown shown(Search& search, std::string_view text, std::size_t block_bytes) {
  Shown out;
  while (!text.empty()) {
    const auto block = text.substr(0, block_bytes);
    search.scan(bytes::view(block), [&](bytes::View piece, const Places& places) {
      EXPECT_LE(piece.size(), Search::kPiece);
      out.bytes += bytes::text(piece);
      out.places.keywords.insert(out.places.keywords.end(), places.keywords.begin(), places.keywords.end());
      out.places.anchors.insert(out.places.anchors.end(), places.anchors.begin(), places.anchors.end());
    });
    text.remove_prefix(block.size());
  }
  search.restart();
  return out;
}

// A keyword of a secret and an anchor of a YARA rule in one text, twice, far apart.
const std::string kText =
    "password = 1; sc stop WinDefend\n" + std::string(40'000, '.') + "password = 1; sc stop WinDefend\n";

TEST(Search, FindsTheLiteralsOfAllEngines) {
  auto one = search();
  const auto found = shown(one, kText, kText.size());
  EXPECT_EQ(found.bytes, kText);
  ASSERT_FALSE(found.places.keywords.empty());
  EXPECT_EQ(found.places.keywords.front().end, std::string_view{"password"}.size());
  ASSERT_FALSE(found.places.anchors.empty());
  EXPECT_LE(found.places.anchors.front().end, std::string_view{"password = 1; sc stop WinDefend"}.size());
  EXPECT_TRUE(std::ranges::is_sorted(found.places.keywords));
  EXPECT_TRUE(std::ranges::is_sorted(found.places.anchors));
}

TEST(Search, BlocksMakeNoDifference) {
  auto one = search();
  const auto whole = shown(one, kText, kText.size());
  for (const std::size_t bytes : {1, 7, 4096, 16'385}) {
    const auto cut = shown(one, kText, bytes);
    EXPECT_EQ(cut.bytes, kText) << bytes;
    EXPECT_EQ(cut.places.keywords, whole.places.keywords) << bytes;
    EXPECT_EQ(cut.places.anchors, whole.places.anchors) << bytes;
  }
}

TEST(Search, NothingIsLeftOverForTheNextStream) {
  auto one = search();
  EXPECT_FALSE(shown(one, "passwor", 3).places.keywords.size());
  EXPECT_TRUE(shown(one, "d", 1).places.keywords.empty());
  EXPECT_TRUE(shown(one, "", 1).bytes.empty());
}

}  // namespace
}  // namespace assay::literals
