#include "bytes/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace assay::bytes {
namespace {

struct Close {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};

std::string all(const Source& source) {
  const auto got = read_up_to(source, 0, source.size());
  return got ? std::string{text(*got)} : "error";
}

TEST(Spool, KeepsLittleInMemory) {
  const std::unique_ptr<std::FILE, Close> f{std::tmpfile()};
  SpoolFile file{fileno(f.get())};
  Spool spool{file};
  ASSERT_TRUE(spool.append(view("hello ")));
  ASSERT_TRUE(spool.append(view("world")));
  EXPECT_EQ(spool.size(), 11u);
  const auto source = spool.finish();
  EXPECT_EQ(all(*source), "hello world");
  EXPECT_EQ(text(source->in_memory()), "hello world");
  EXPECT_EQ(lseek(fileno(f.get()), 0, SEEK_END), 0);
}

TEST(Spool, SpillsMuchIntoTheFileAndNeverMixesMembers) {
  const std::unique_ptr<std::FILE, Close> f{std::tmpfile()};
  SpoolFile file{fileno(f.get())};
  const std::string a(Spool::kInMemory + 5, 'a'), b(Spool::kInMemory * 2, 'b');
  Spool spool{file};
  ASSERT_TRUE(spool.append(view("head")));
  ASSERT_TRUE(spool.append(view(a)));
  const auto first = spool.finish();
  EXPECT_EQ(spool.size(), 0u);
  ASSERT_TRUE(spool.append(view(b)));
  ASSERT_TRUE(spool.append(view("tail")));
  const auto second = spool.finish();
  EXPECT_TRUE(first->in_memory().empty());
  EXPECT_EQ(all(*first), "head" + a);
  EXPECT_EQ(all(*second), b + "tail");
}

TEST(Spool, WhatItSpilledLiesInTheFile) {
  const auto f = std::unique_ptr<std::FILE, int (*)(std::FILE*)>{std::tmpfile(), &std::fclose};
  SpoolFile file{fileno(f.get())};
  Spool first{file, 0}, second{file, 0};
  ASSERT_TRUE(first.append(view("abc")));
  ASSERT_TRUE(second.append(view("de")));
  EXPECT_EQ(second.begin(), 3u);
  const auto origin = second.finish()->origin();
  ASSERT_TRUE(origin);
  EXPECT_EQ(origin->offset, 3u);
}

TEST(Spool, StaysInMemoryWithoutAFile) {
  SpoolFile none{-1};
  Spool spool{none};
  const std::string much(Spool::kInMemory + 1, 'x');
  ASSERT_TRUE(spool.append(view(much)));
  EXPECT_EQ(text(spool.finish()->in_memory()), much);
}

TEST(Spool, SaysThatTheDiskRefused) {
  const int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
  SpoolFile file{read_only};
  Spool spool{file};
  const auto refused = spool.append(view(std::string(Spool::kInMemory + 1, 'x')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::io);
  close(read_only);
}

TEST(Spool, GivesAnEmptySourceForNothing) {
  SpoolFile none{-1};
  EXPECT_EQ(Spool{none}.finish()->size(), 0u);
}

}  // namespace
}  // namespace assay::bytes
