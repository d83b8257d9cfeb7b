#include "base/kept.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace assay {
namespace {

TEST(Kept, EqualTextsAreOneText) {
  const Kept a = std::string{"an engine's name"}, b = std::string_view{"an engine's name"}, c = "another";
  EXPECT_EQ(a.view().data(), b.view().data());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_EQ(a, "an engine's name");
}

TEST(Kept, OutlivesWhatItWasMadeOf) {
  Kept kept;
  EXPECT_TRUE(kept.empty());
  {
    std::string text = "gone soon, but long enough for the heap";
    kept = text;
    text.assign(text.size(), 'x');
  }
  EXPECT_EQ(kept, "gone soon, but long enough for the heap");
}

TEST(Kept, HoldsAnyBytes) {
  const std::string zeros(3, '\0');
  EXPECT_EQ(Kept{zeros}.view().size(), 3u);
  EXPECT_NE(Kept{zeros}, Kept{std::string(2, '\0')});
  EXPECT_EQ(Kept{""}, Kept{});
}

TEST(Kept, TooLongATextIsLikeAnyOther) {
  const std::string text(100'000, 'x');
  const Kept a = text, b = a, c = text;
  EXPECT_EQ(a, text);
  EXPECT_EQ(a.view().data(), b.view().data());
  EXPECT_NE(a.view().data(), c.view().data());
  EXPECT_EQ(a, c);
}

TEST(Kept, ForEverOutlivesTheLastCopy) {
  std::string_view view;
  {
    const Kept kept = std::string(5000, 'y');
    view = kept.for_ever();
    EXPECT_EQ(kept.for_ever().data(), view.data());
  }
  EXPECT_EQ(view, std::string(5000, 'y'));
  EXPECT_EQ(Kept{"short"}.for_ever(), "short");
}

TEST(Kept, ManyThreadsGetEqualTexts) {
  std::vector<std::vector<Kept>> all(4);
  std::vector<std::thread> threads;
  for (auto& mine : all)
    threads.emplace_back([&mine] {
      for (int i = 0; i < 1000; ++i) mine.emplace_back("text " + std::to_string(i));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& mine : all)
    for (std::size_t i = 0; i < mine.size(); ++i) EXPECT_EQ(mine[i], "text " + std::to_string(i));
}

// The last test: it leaves no room.
TEST(Kept, HoldsWhatItHasNoRoomFor) {
  std::vector<Kept> many;
  for (int i = 0; i < 10'000; ++i) many.emplace_back("number " + std::to_string(i));
  const auto copies = many;
  many.clear();
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(copies[static_cast<std::size_t>(i)], "number " + std::to_string(i));
}

}  // namespace
}  // namespace assay
