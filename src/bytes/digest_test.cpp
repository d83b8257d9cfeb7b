#include "bytes/digest.h"

#include <gtest/gtest.h>

namespace assay::bytes {
namespace {

// FIPS 180-4 examples.
TEST(Digest, GivesTheStandardsOwnExamples) {
  EXPECT_EQ(sha256(view("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(View{}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, IsTheSameInPiecesAndStartsAnew) {
  Sha256 hash;
  hash.update(view("a"));
  hash.update(view("bc"));
  EXPECT_EQ(hash.finish(), sha256(view("abc")));
  EXPECT_EQ(hash.finish(), sha256(View{}));
}

TEST(Digest, NamesABlobAsGitDoes) {
  Sha1 hash;
  hash.update(view(std::string_view{"blob 6\0", 7}));
  hash.update(view("hello\n"));
  EXPECT_EQ(hash.finish(), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(hash.finish(), "da39a3ee5e6b4b0d3255bfef95601890afd80709") << "starts anew";
}

TEST(Digest, ReadsASourceOfSeveralBlocks) {
  const std::string much(3'000'001, 'x');
  EXPECT_EQ(sha256(MemorySource{view(much)}).value(), sha256(view(much)));
}

}  // namespace
}  // namespace assay::bytes
