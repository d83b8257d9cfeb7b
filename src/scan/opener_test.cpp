#include "scan/opener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "scan/hasher.h"

namespace assay::scan {
namespace {

namespace fs = std::filesystem;

class Tree : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "assay-opener-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }
  void file(const fs::path& path, const std::string& content) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream{root_ / path} << content;
  }
  Listing listed(Sizes sizes = Sizes::not_asked) const { return list({root_.string()}, {}, sizes); }
  static std::string sent(const Opened& opened) {
    return opened.request.substr(std::min(opened.request.size(), kTask + sizeof(std::uint64_t)));
  }
  static std::uint64_t size_in(const Opened& opened) {
    std::uint64_t size = 0;
    if (opened.request.size() >= kTask + sizeof size) std::memcpy(&size, opened.request.data() + kTask, sizeof size);
    return size;
  }

  static constexpr std::size_t kTask = 1;  // byte

  fs::path root_;
};

TEST_F(Tree, SmallFilesComeWholeAndLargeOnesAsDescriptors) {
  file("empty", "");
  file("large", std::string(Opener::kHashed + 1, 'l'));
  file("limit", std::string(Opener::kWhole, 'w'));
  file("more", std::string(Opener::kWhole + 1, 'm'));
  file("small", "content");
  const auto listing = listed();
  Opener opener{listing, 100};
  const auto empty = opener.next(), large = opener.next(), limit = opener.next(), more = opener.next(),
             small = opener.next();
  for (const auto* whole : {&empty, &limit, &small}) {
    EXPECT_TRUE(whole->whole);
    EXPECT_FALSE(whole->file);
    EXPECT_EQ(whole->sha256, bytes::sha256(bytes::view(sent(*whole))));
    EXPECT_EQ(size_in(*whole), sent(*whole).size());
  }
  EXPECT_EQ(sent(small), "content");
  EXPECT_EQ(sent(limit), std::string(Opener::kWhole, 'w'));
  for (const auto* lent : {&large, &more}) {
    EXPECT_FALSE(lent->whole);
    EXPECT_TRUE(lent->file);
    EXPECT_EQ(sent(*lent), "");
    EXPECT_EQ(size_in(*lent), static_cast<std::uint64_t>(lent->identity.size));
  }
  EXPECT_EQ(more.sha256, bytes::sha256(bytes::view(std::string(Opener::kWhole + 1, 'm'))));
  EXPECT_EQ(large.sha256, "");
}

TEST_F(Tree, ThousandsComeInOrderFromManyThreads) {
  constexpr int kFiles = 3000;
  for (int i = 0; i < kFiles; ++i)
    file("f" + std::to_string(i % 7) + "/" + std::to_string(i),
         std::string(static_cast<std::size_t>(i % 500), 'a') + std::to_string(i));
  const auto listing = listed();
  ASSERT_EQ(listing.found.size(), static_cast<std::size_t>(kFiles));
  Opener opener{listing, 40};  // few descriptors: small batches
  for (const auto& found : listing.found) {
    const auto opened = opener.next();
    ASSERT_EQ(opened.error, 0) << found.path;
    ASSERT_TRUE(sent(opened).ends_with(found.path.substr(found.path.find('/') + 1))) << found.path;
    ASSERT_EQ(opened.sha256, bytes::sha256(bytes::view(sent(opened))));
  }
}

TEST_F(Tree, WhoLosesInterestDoesNotWait) {
  for (int i = 0; i < 2000; ++i) file(std::to_string(i), "x");
  const auto listing = listed();
  Opener opener{listing, 100};
  EXPECT_EQ(sent(opener.next()), "x");
}

TEST_F(Tree, WhatCannotBeOpenedSaysWhy) {
  file("a", "x");
  file("b", "x");
  file("c", "x");
  const auto listing = listed();
  fs::remove(root_ / "a");
  fs::remove(root_ / "b");
  fs::create_symlink("c", root_ / "b");  // a file when it was listed, a link now
  fs::remove(root_ / "c");
  ASSERT_EQ(::mkfifo((root_ / "c").c_str(), 0600), 0);
  Opener opener{listing, 100};
  EXPECT_EQ(opener.next().error, ENOENT);
  EXPECT_EQ(opener.next().error, ELOOP);
  EXPECT_EQ(opener.next().error, Opened::kNotRegular);
}

TEST_F(Tree, OnlyALinkThatTheUserNamedIsFollowed) {
  file("target", "content");
  fs::create_symlink("target", root_ / "link");
  const auto listing = list({(root_ / "link").string()}, {});
  Opener opener{listing, 100};
  EXPECT_EQ(sent(opener.next()), "content");
}

TEST_F(Tree, AFileCanBeOpenedOnceMore) {
  file("a", "one");
  const auto listing = listed();
  Opener opener{listing, 100};
  EXPECT_EQ(sent(opener.next()), "one");
  file("a", "other");
  EXPECT_EQ(sent(opener.open_again(listing.found[0])), "other");
}

TEST_F(Tree, AHashIsThatOfTheFileItsReaderSaw) {
  file("a", std::string(100'000, 'a'));
  file("b", std::string(100'000, 'b'));
  file("c", std::string(100'000, 'c'));
  const auto listing = listed();
  Opener opener{listing, 100};
  Hasher hasher{listing};
  const auto a = opener.next(), b = opener.next(), c = opener.next();
  file("b", std::string(100'000, 'x'));
  fs::last_write_time(root_ / "b", fs::last_write_time(root_ / "b") + std::chrono::seconds{5});
  fs::remove(root_ / "c");
  hasher.submit(0, a.identity);
  hasher.submit(1, b.identity);
  hasher.submit(2, c.identity);
  const auto digests = hasher.finish();
  EXPECT_EQ(*digests.at(0), bytes::sha256(bytes::view(std::string(100'000, 'a'))));
  EXPECT_EQ(digests.at(1).error().code, Errc::changed);
  EXPECT_EQ(digests.at(2).error().code, Errc::changed);
}

TEST_F(Tree, NothingToHashIsNothing) {
  const auto listing = listed();
  Hasher hasher{listing};
  EXPECT_TRUE(hasher.finish().empty());
}

}  // namespace
}  // namespace assay::scan
