#include "report/words.h"

#include <gtest/gtest.h>

#include <limits>

namespace assay::report {
namespace {

TEST(Words, CountsForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(2000), "2,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(2000, "file"), "2,000 files");
}

TEST(Words, TellsTimeEvenWhereTheClockWasWrong) {
  EXPECT_EQ(duration(0.042), "0.04 s");
  EXPECT_EQ(duration(42), "42 s");
  EXPECT_EQ(duration(125), "2 min 5 s");
  EXPECT_EQ(duration(-1), "0.00 s");
  EXPECT_EQ(duration(std::numeric_limits<double>::quiet_NaN()), "0.00 s");
  EXPECT_EQ(duration(1e300), "16,666,666,666,666 min 40 s");
}

TEST(Words, CutsBetweenCharactersOnly) {
  EXPECT_EQ(keep_start("abc", 3), "abc");
  EXPECT_EQ(keep_start("abcdef", 5), "abc…");
  EXPECT_EQ(keep_end("abcdef", 5), "…def");
  EXPECT_EQ(keep_start("模型模型", 6), "模型…");
  EXPECT_EQ(keep_end("模型模型", 6), "…模型");
  for (std::size_t most = 0; most < 12; ++most) {
    EXPECT_LE(columns(keep_start("模型 model 模型", most)), most);
    EXPECT_LE(columns(keep_end("模型 model 模型", most)), most);
  }
}

TEST(Words, WrapsAtSpacesAndLosesNothingElse) {
  EXPECT_EQ(wrapped("", 10), std::vector<std::string>{""});
  EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("abcdefghij", 4), (std::vector<std::string>{"abcd", "efgh", "ij"}));
  EXPECT_EQ(wrapped("模型模型", 1), (std::vector<std::string>{"模", "型", "模", "型"}));
  EXPECT_EQ(wrapped("a  b", 2), (std::vector<std::string>{"a ", "b"}));
}

TEST(Words, NameACommitAsGitShowsIt) {
  format::Origin origin;
  EXPECT_EQ(commit_in_words(origin), "");
  origin.commit = "0123456789abcdef0123456789abcdef01234567";
  origin.author = "A\x1b U Thor";
  origin.email = "author@example.com";
  origin.date = "2023-11-14T22:13:20Z";
  EXPECT_EQ(commit_in_words(origin), "commit 0123456 by A\\x1b U Thor on 2023-11-14");
  origin.author.clear();
  EXPECT_EQ(commit_in_words(origin), "commit 0123456 by author@example.com on 2023-11-14");
}

}  // namespace
}  // namespace assay::report
