#include "git/object.h"

#include <gtest/gtest.h>

#include "git/lfs.h"

namespace assay::git {
namespace {

using namespace std::string_literals;

const std::string kId = "0123456789abcdef0123456789abcdef01234567";

TEST(Oid, IsFortyHexDigitsAndNothingElse) {
  EXPECT_EQ(Oid::from_hex(kId)->hex(), kId);
  for (const auto& wrong : {kId.substr(1), kId + "0", kId.substr(1) + "g", ""s}) EXPECT_FALSE(Oid::from_hex(wrong));
  EXPECT_TRUE(Oid::from_hex(std::string(40, '0'))->is_null());
}

TEST(Commit, TellsItsTreeItsParentsItsAuthorAndItsFirstLine) {
  const auto commit = parse_commit("tree " + kId + "\nparent " + kId + "\nparent " + kId +
                                   "\nauthor A U Thor <a@example.com> 1700000000 +0200\n"
                                   "committer C <c@example.com> 1700000001 +0000\n"
                                   "gpgsig x\n author y <z> 1 +0000\n\nWhy\n\nMore\n");
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->tree.hex(), kId);
  EXPECT_EQ(commit->parents.size(), 2u);
  EXPECT_EQ(commit->author.name, "A U Thor");
  EXPECT_EQ(commit->author.email, "a@example.com");
  EXPECT_EQ(commit->author_time, 1700000000);
  EXPECT_EQ(commit->committer_time, 1700000001);
  EXPECT_EQ(commit->summary, "Why");
}

TEST(Commit, IsReadWithWhateverStandsForAnAuthor) {
  for (const auto& author : {"author "s, "author nobody"s, "author <>"s, "author > <"s, "author x <y> later"s, ""s}) {
    const auto commit = parse_commit("tree " + kId + "\n" + author + "\n\nWhy\n");
    ASSERT_TRUE(commit) << author;
    EXPECT_EQ(commit->author_time, 0) << author;
  }
}

TEST(Commit, KeepsTextsShort) {
  const auto commit = parse_commit("tree " + kId + "\nauthor " + std::string(9999, 'n') + " <" +
                                   std::string(9999, 'e') + "> 1 +0000\n\n" + std::string(9999, 's'));
  ASSERT_TRUE(commit);
  EXPECT_EQ(commit->author.name.size(), kMostText);
  EXPECT_EQ(commit->author.email.size(), kMostText);
  EXPECT_EQ(commit->summary.size(), kMostText);
}

TEST(Commit, WithoutATreeIsNone) {
  for (const auto& wrong :
       {""s, "tree"s, "tree 12\n"s, "parent " + kId + "\ntree " + kId + "\n", "tree " + kId + "\nparent 12\n"})
    EXPECT_FALSE(parse_commit(wrong)) << wrong;
}

TEST(Tag, TellsWhatItNames) {
  EXPECT_EQ(parse_tag("object " + kId + "\ntype blob\ntag x\n")->type, Type::blob);
  EXPECT_EQ(parse_tag("object " + kId + "\ntype tag\ntag x\n")->type, Type::tag);
  EXPECT_EQ(parse_tag("object " + kId + "\nnothing")->type, Type::other);
  EXPECT_FALSE(parse_tag("type blob\n"));
}

TEST(Tree, TellsItsEntriesInOrder) {
  const auto id = std::string(20, '\1');
  const auto bytes = "100644 a b\0"s + id + "40000 folder\0"s + id + "160000 sub\0"s + id;
  TreeReader reader{bytes};
  const auto first = reader.next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->mode, 0100644u);
  EXPECT_EQ((*first)->name, "a b");
  EXPECT_EQ((*first)->id.raw(), id);
  EXPECT_EQ((*reader.next())->mode, kModeFolder);
  EXPECT_EQ((*reader.next())->mode, kModeSubmodule);
  const auto end = reader.next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST(Tree, RefusesWhatIsNoEntry) {
  const auto id = std::string(20, '\1');
  for (const auto& wrong : {"100644 a\0"s + id.substr(1), "100644 a"s, "100644a\0"s + id, "100644 \0"s + id,
                            "x a\0"s + id, " a\0"s + id, "99999999999999 a\0"s + id})
    EXPECT_FALSE(TreeReader{wrong}.next()) << wrong;
}

const std::string kPointer =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

TEST(LfsPointer, TellsWhatItStandsFor) {
  const auto pointer = parse_lfs_pointer(kPointer);
  ASSERT_TRUE(pointer);
  EXPECT_EQ(pointer->size, 12345u);
  EXPECT_EQ(pointer->oid, "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393");
}

TEST(LfsPointer, MayHaveExtensionsAndOtherLineEnds) {
  auto with_extension = kPointer;
  with_extension.insert(with_extension.find("oid"), "ext-0-foo sha256:1\n");
  EXPECT_TRUE(parse_lfs_pointer(with_extension));
  EXPECT_TRUE(parse_lfs_pointer(kPointer.substr(0, kPointer.size() - 1) + "\r\n"));
}

TEST(LfsPointer, IsNothingElse) {
  for (const auto& wrong :
       {""s, " " + kPointer, kPointer.substr(kPointer.find("oid")), kPointer.substr(0, kPointer.find("size")),
        "version https://git-lfs.github.com/spec/v1\nsize 1\n"s, kPointer + std::string(1024, ' ')})
    EXPECT_FALSE(parse_lfs_pointer(wrong)) << wrong;
  auto negative = kPointer;
  negative.replace(negative.find("12345"), 5, "-2345");
  EXPECT_FALSE(parse_lfs_pointer(negative));
}

}  // namespace
}  // namespace assay::git
