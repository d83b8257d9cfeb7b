#include "scan/lines.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::scan {
namespace {

std::uint64_t line_of(const std::string& text, std::uint64_t offset) {
  const bytes::MemorySource source{bytes::view(text)};
  return Lines{source}.of(offset);
}

TEST(Lines, CountsFromOne) {
  EXPECT_EQ(line_of("abc", 0), 1u);
  EXPECT_EQ(line_of("a\nb\nc", 2), 2u);
  EXPECT_EQ(line_of("a\nb\nc", 4), 3u);
  EXPECT_EQ(line_of("\n\n\n", 2), 3u);
}

TEST(Lines, GoesOnWhereItStopped) {
  const std::string text = std::string(100'000, '\n') + "x" + std::string(100'000, '\n') + "y";
  const bytes::MemorySource source{bytes::view(text)};
  Lines lines{source};
  EXPECT_EQ(lines.of(100'000), 100'001u);
  EXPECT_EQ(lines.of(100'000), 100'001u);
  EXPECT_EQ(lines.of(200'001), 200'001u);
}

TEST(Lines, HasNoneBehindANul) {
  const std::string text{"a\nb\0c\nd", 7};
  const bytes::MemorySource source{bytes::view(text)};
  Lines lines{source};
  EXPECT_EQ(lines.of(2), 2u);
  EXPECT_EQ(lines.of(6), 0u);
}

TEST(Lines, HasNoneBehindTheEnd) { EXPECT_EQ(line_of("a\nb", 5), 0u); }

}  // namespace
}  // namespace assay::scan
