#include "bytes/source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace assay::bytes {
namespace {

struct Close {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, Close>;

File file_with(std::string_view content) {
  File f{std::tmpfile()};
  std::fwrite(content.data(), 1, content.size(), f.get());
  std::fflush(f.get());
  return f;
}

std::string read(const Source& source, std::uint64_t offset, std::uint64_t n) {
  const auto got = read_up_to(source, offset, n);
  return got ? std::string{text(*got)} : "error";
}

TEST(Source, ReadsMemoryFilesAndWindowsAlike) {
  const auto f = file_with("0123456789");
  const MemorySource memory{view("0123456789")};
  const FileSource file{fileno(f.get()), 10};
  const MemorySource longer{view("ab0123456789yz")};
  const WindowSource window{longer, 2, 10};
  for (const Source* s :
       {static_cast<const Source*>(&memory), static_cast<const Source*>(&file), static_cast<const Source*>(&window)}) {
    EXPECT_EQ(s->size(), 10u);
    EXPECT_EQ(read(*s, 0, 10), "0123456789");
    EXPECT_EQ(read(*s, 3, 4), "3456");
    EXPECT_EQ(read(*s, 8, 100), "89");
    EXPECT_EQ(read(*s, 10, 1), "");
    EXPECT_EQ(read(*s, UINT64_MAX, UINT64_MAX), "");
    EXPECT_TRUE(read_exactly(*s, 5, 5));
    EXPECT_FALSE(read_exactly(*s, 5, 6));
    EXPECT_FALSE(read_exactly(*s, 11, 0));
    EXPECT_FALSE(read_exactly(*s, 1, UINT64_MAX));
  }
  EXPECT_EQ(text(window.in_memory()), "0123456789");
  EXPECT_TRUE(file.in_memory().empty());
}

TEST(Source, SaysThatAFileShrank) {
  const auto f = file_with("0123456789");
  const FileSource file{fileno(f.get()), 10};
  ASSERT_EQ(ftruncate(fileno(f.get()), 4), 0);
  EXPECT_EQ(read(file, 0, 4), "0123");
  std::array<std::byte, 8> out;
  const auto got = file.read_at(0, out);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::changed);
}

TEST(Source, SaysThatTheSystemRefused) {
  const FileSource closed{-1, 10};
  std::array<std::byte, 8> out;
  const auto got = closed.read_at(0, out);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::io);
}

TEST(Source, ClipsWindowsAndCountsErrorsFromTheirStart) {
  const MemorySource whole{view("0123456789")};
  EXPECT_EQ((WindowSource{whole, 8, 100}.size()), 2u);
  EXPECT_EQ((WindowSource{whole, 100, 100}.size()), 0u);
  EXPECT_EQ((WindowSource{whole, 8, UINT64_MAX}.size()), 2u);

  const auto f = file_with("0123");
  const FileSource shrunk{fileno(f.get()), 10};
  const WindowSource window{shrunk, 3, 5};
  std::array<std::byte, 8> out;
  const auto got = window.read_at(0, out);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().offset, 1u);
}

TEST(Source, KnowsWhereItsBytesLie) {
  const auto f = file_with("0123456789");
  const FileSource file{fileno(f.get()), 10};
  const WindowSource window{file, 3, 5};
  const auto inner = WindowSource{window, 1, 2}.origin();
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->descriptor, fileno(f.get()));
  EXPECT_EQ(inner->offset, 4u);
  EXPECT_FALSE(MemorySource{view("0123")}.origin());
}

TEST(Source, OwnsBytesThatItWasGiven) {
  const MemorySource source{std::vector<std::byte>(3, std::byte{'x'})};
  EXPECT_EQ(text(source.in_memory()), "xxx");
}

}  // namespace
}  // namespace assay::bytes
