#include "identify/programs.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

namespace assay::identify {
namespace {

using namespace std::string_view_literals;

void put(std::string& into, std::size_t at, std::uint64_t value, std::size_t n, bool is_big = false) {
  if (into.size() < at + n) into.resize(at + n);
  for (std::size_t i = 0; i < n; ++i) into[at + (is_big ? n - 1 - i : i)] = static_cast<char>(value >> 8 * i);
}

/// A header, one segment that is loaded, and 64 bytes of nothing.
std::string elf64() {
  std::string out{"\x7f\x45LF\2\1\1", 7};
  out.resize(64);
  put(out, 16, 2, 2), put(out, 18, 62, 2), put(out, 20, 1, 4);
  put(out, 32, 64, 8), put(out, 52, 64, 2), put(out, 54, 56, 2), put(out, 56, 1, 2);
  put(out, 64, 1, 4), put(out, 72, 0, 8), put(out, 96, 184, 8);
  out.resize(184, '.');
  return out;
}

std::string elf32_big() {
  std::string out{"\x7f\x45LF\1\2\1", 7};
  out.resize(52);
  put(out, 16, 3, 2, true), put(out, 18, 8, 2, true), put(out, 20, 1, 4, true);
  put(out, 28, 52, 4, true), put(out, 40, 52, 2, true), put(out, 42, 32, 2, true), put(out, 44, 1, 2, true);
  put(out, 52, 1, 4, true), put(out, 56, 0, 4, true), put(out, 68, 100, 4, true);
  out.resize(100, '.');
  return out;
}

std::string pe64() {
  std::string out = "MZ";
  put(out, 0x3c, 0x40, 4);
  out += "PE\0\0"sv;
  put(out, 0x44, 0x8664, 2), put(out, 0x46, 1, 2), put(out, 0x54, 112, 2), put(out, 0x56, 0x22, 2);
  put(out, 0x58, 0x20b, 2);
  const std::size_t section = 0x40 + 24 + 112;
  put(out, section + 16, 32, 4), put(out, section + 20, 0x200, 4);
  out.resize(0x200 + 32, '.');
  return out;
}

std::string mach64() {
  std::string out;
  put(out, 0, 0xfeedfacf, 4), put(out, 4, 0x01000007, 4), put(out, 12, 2, 4), put(out, 16, 1, 4), put(out, 20, 72, 4);
  put(out, 32, 0x19, 4), put(out, 36, 72, 4), put(out, 32 + 40, 0, 8), put(out, 32 + 48, 120, 8);
  out.resize(120, '.');
  return out;
}

std::string mach_fat() {
  std::string out;
  put(out, 0, 0xcafebabe, 4, true), put(out, 4, 1, 4, true), put(out, 8, 7, 4, true);
  put(out, 16, 64, 4, true), put(out, 20, 120, 4, true);
  out.resize(64);
  return out + mach64();
}

std::string java_class() {
  std::string out;
  put(out, 0, 0xcafebabe, 4, true), put(out, 6, 61, 2, true), put(out, 8, 5, 2, true);
  out += "\1\0\1A"sv;
  out += "\7\0\1"sv;
  out += "\1\0\1B"sv;
  out += "\7\0\3"sv;
  out += "\0\1\0\2\0\4\0\0"sv;
  return out;
}

std::string dex() {
  std::string out{"dex\n035\0", 8};
  put(out, 32, 0x80, 4), put(out, 36, 0x70, 4), put(out, 40, 0x12345678, 4);
  out.resize(0x80, '.');
  return out;
}

std::string lnk() {
  std::string out{"\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 20};
  out.resize(76);
  return out;
}

std::string ole(bool macros) {
  std::string out{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8};
  put(out, 24, 0x3e, 2), put(out, 26, 3, 2), put(out, 28, 0xfffe, 2), put(out, 30, 9, 2), put(out, 32, 6, 2);
  put(out, 48, 0, 4);
  out.resize(512);
  std::string entry{"R\0o\0o\0t\0", 8};
  entry.resize(128);
  out += entry;
  std::string project{"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0", 24};
  put(project, 64, 26, 2);
  project.resize(128);
  if (macros) out += project;
  return out;
}

std::string jar() {
  std::string out{"PK\3\4\x14\0\0\0\x08\0", 10};
  put(out, 26, 20, 2);
  out.resize(30);
  return out + "META-INF/MANIFEST.MF";
}

std::string ape() { return "MZqFpD='\n" + std::string(200, ' ') + "printf '\\177ELF\\2\\1\\1' >\"$o\"\n"; }

struct Made {
  std::string_view format;
  std::string bytes;
  std::uint64_t end;
};

std::vector<Made> all_kinds() {
  return {{"elf", elf64(), 184},
          {"elf", elf32_big(), 100},
          {"pe", pe64(), 0x220},
          {"mach-o", mach64(), 120},
          {"mach-o", mach_fat(), 184},
          {"java-class", java_class(), java_class().size()},
          {"dex", dex(), 0x80},
          {"lnk", lnk(), 76},
          {"ole", ole(false), 512 + 128},
          {"jar", jar(), 50},
          {"ape", ape(), ape().size()},
          {"script", "#!/bin/sh\necho nothing\n", 23},
          {"script", "#! /usr/bin/env python3.11\nprint('nothing')\n", 44}};
}

std::vector<Program> found_in(std::string_view text) {
  const auto found = find_programs(bytes::MemorySource{bytes::view(text)}, 0, text.size());
  EXPECT_FALSE(found.stopped);
  return found.facts;
}

/// Not in memory.
class Far final : public bytes::Source {
 public:
  explicit Far(std::string_view all) : source_{bytes::view(all)} {}
  std::uint64_t size() const noexcept override { return source_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return source_.read_at(offset, out);
  }

 private:
  bytes::MemorySource source_;
};

TEST(Programs, EachKindIsFoundAtTheStart) {
  for (const auto& made : all_kinds()) {
    const auto found = program_at_start(bytes::MemorySource{bytes::view(made.bytes)});
    EXPECT_EQ(found.format, made.format);
    EXPECT_EQ(found.end, made.end) << made.format;
    EXPECT_FALSE(found.says.empty());
  }
}

TEST(Programs, EachKindIsFoundAmongOtherBytesAtItsPlace) {
  std::mt19937 random{1};
  for (const auto& made : all_kinds())
    for (const std::size_t before : {1u, 4095u, (1u << 20) - 3, (1u << 20), (3u << 20) + 7}) {
      std::string text(before, '\0');
      for (auto& c : text) c = static_cast<char>(random());
      text += made.bytes;
      text += std::string(300, '\1');
      const auto found = found_in(text);
      ASSERT_EQ(found.size(), 1u) << made.format << " at " << before;
      EXPECT_EQ(found[0].format, made.format);
      EXPECT_EQ(found[0].begin, before);
      EXPECT_GT(found[0].end, before);
      EXPECT_EQ(find_programs(Far{text}, 0, text.size()).facts, found);
    }
}

TEST(Programs, WhatIsCutOrLiesOutsideIsNone) {
  for (const auto& made : all_kinds()) {
    if (made.format == "script" || made.format == "ape") continue;  // they end where their text ends
    for (std::size_t n = 0; n < made.end; ++n) {
      const auto found = program_at_start(bytes::MemorySource{bytes::view(std::string_view{made.bytes}.substr(0, n))});
      EXPECT_TRUE(found.format.empty()) << made.format << " cut to " << n;
    }
  }
}

TEST(Programs, AMagicAloneIsNone) {
  for (const auto magic :
       {"\x7f\x45LF"sv, "MZ"sv, "MZqFpD='"sv, "\xcf\xfa\xed\xfe"sv, "\xca\xfe\xba\xbe"sv, "dex\n035\0"sv, "PK\3\4"sv,
        "#!/bin/sh"sv, "#!/bin/sh\n"sv, "#!/home/me/notes\nsome text here"sv, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv})
    for (const char filler : {'\0', '\1', '\x7f', '\xff'}) {
      const auto text = std::string{magic} + std::string(5000, filler);
      EXPECT_TRUE(found_in(text).empty()) << found_in(text).front().format;
    }
}

// Weights are numbers without a pattern. 64 MiB here; a gigabyte gave none either.
TEST(Programs, RandomNumbersHaveNone) {
  std::mt19937_64 random{2};
  std::vector<std::uint64_t> numbers(8 << 20);
  for (auto& n : numbers) n = random();
  const auto all = std::as_bytes(std::span{numbers});
  const auto found = find_programs(bytes::MemorySource{all}, 0, all.size());
  EXPECT_FALSE(found.stopped);
  EXPECT_TRUE(found.facts.empty()) << found.facts.front().format << " at " << found.facts.front().begin;
}

// Weights in half precision, and quantised ones: few values, so that short magics stand everywhere.
TEST(Programs, QuantisedNumbersHaveNone) {
  std::mt19937 random{3};
  std::string text(8 << 20, '\0');
  constexpr auto kFew = "MZ\x7f\x45LFPK\3\4#!/\xfe\xed\xfa\xce\xca\xbe\0\0\0\1"sv;
  for (auto& c : text) c = kFew[random() % kFew.size()];
  EXPECT_TRUE(found_in(text).empty());
}

TEST(Programs, OnlyTheRangeIsSearchedAndPlacesCountFromTheStart) {
  const auto text = elf64() + std::string(100, '\0') + pe64() + std::string(100, '\0') + elf64();
  const bytes::MemorySource source{bytes::view(text)};
  const auto found = find_programs(source, 10, text.size() - 100);
  ASSERT_EQ(found.facts.size(), 1u);
  EXPECT_EQ(found.facts[0].format, "pe");
  EXPECT_EQ(found.facts[0].begin, 284u);
  EXPECT_EQ(found.facts[0].end, 284u + 0x220);
  EXPECT_EQ(found_in(text).size(), 3u);
}

TEST(Programs, SaysThatThereAreMoreThanItKeeps) {
  std::string text;
  for (std::size_t i = 0; i < kMostPrograms + 1; ++i) text += elf64();
  const auto found = find_programs(bytes::MemorySource{bytes::view(text)}, 0, text.size());
  EXPECT_EQ(found.facts.size(), kMostPrograms);
  ASSERT_TRUE(found.stopped);
  EXPECT_EQ(found.stopped->code, Errc::limit_reached);
}

TEST(Programs, StopsWhenAsked) {
  const std::string text(5 << 20, '\0');
  int asked = 0;
  const auto found = find_programs(bytes::MemorySource{bytes::view(text)}, 0, text.size(), [&]() -> Result<void> {
    if (++asked == 3) return fail(Errc::limit_reached, 0, "enough");
    return {};
  });
  EXPECT_EQ(asked, 3);
  ASSERT_TRUE(found.stopped);
  EXPECT_EQ(found.stopped->what, "enough");
}

TEST(Programs, MacrosAreFoundByTheirProject) {
  EXPECT_TRUE(has_macros(bytes::MemorySource{bytes::view(ole(true))}));
  EXPECT_FALSE(has_macros(bytes::MemorySource{bytes::view(ole(false))}));
  // In the middle of a document's text it is a word, not an entry.
  EXPECT_FALSE(has_macros(bytes::MemorySource{bytes::view(ole(false) + "x" + ole(true).substr(640))}));
}

}  // namespace
}  // namespace assay::identify
