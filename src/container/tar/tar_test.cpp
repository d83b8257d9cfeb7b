#include "container/tar/tar.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <string>

#include "container/member_name.h"
#include "container/tar/header.h"

namespace assay::container::tar {
namespace {

using namespace std::string_literals;

std::string octal(std::uint64_t n, int width) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*llo", width, static_cast<unsigned long long>(n));
  return text;
}

void put(std::string& block, std::size_t at, const std::string& bytes) { block.replace(at, bytes.size(), bytes); }

void sum(std::string& block) {
  put(block, 148, "        ");
  unsigned n = 0;
  for (const char c : block) n += static_cast<unsigned char>(c);
  put(block, 148, octal(n, 6) + "\0 "s);
}

/// A header block; `change` edits it before the checksum is computed.
std::string header(const std::string& name, std::uint64_t size, char type = '0', const std::string& target = {},
                   const std::function<void(std::string&)>& change = {}) {
  std::string block(512, '\0');
  put(block, 0, name);
  put(block, 100, "0000644");
  put(block, 124, octal(size, 11));
  put(block, 136, octal(0, 11));
  block[156] = type;
  put(block, 157, target);
  put(block, 257, "ustar\0"s + "00");
  if (change) change(block);
  sum(block);
  return block;
}

std::string padded(std::string data) {
  data.resize((data.size() + 511) / 512 * 512, '\0');
  return data;
}

std::string file(const std::string& name, const std::string& data) { return header(name, data.size()) + padded(data); }

const std::string kEnd(1024, '\0');

std::string pax(const std::string& key, const std::string& value, char type = 'x') {
  std::string body = " " + key + "=" + value + "\n";
  auto n = body.size() + 1;
  while (std::to_string(n).size() + body.size() != n) ++n;
  body = std::to_string(n) + body;
  return header("PaxHeader", body.size(), type) + padded(body);
}

struct Outcome {
  Parsed<Contents> parsed;
  bytes::Coverage coverage;
  bool odd(std::string_view id, std::string_view detail = {}) const {
    for (const auto& o : parsed.facts.oddities)
      if (o.id == id && (detail.empty() || o.detail == detail)) return true;
    return false;
  }
};

Outcome run(const std::string& tar, bytes::Limits limits = {}) {
  const bytes::MemorySource source{bytes::view(tar)};
  bytes::Budget budget{limits, tar.size()};
  Outcome out{read(source, budget), {}};
  out.coverage = out.parsed.facts.coverage.finish(tar.size());
  return out;
}

const std::vector<Entry>& entries(const Outcome& r) { return r.parsed.facts.entries; }

TEST(Tar, ListsMembersAndAccountsForEveryByte) {
  const auto tar = file("a", "hello") + header("dir/", 0, '5') + file("dir/b", std::string(1000, 'x')) + kEnd;
  const auto r = run(tar);
  EXPECT_FALSE(r.parsed.stopped);
  ASSERT_EQ(entries(r).size(), 3u);
  EXPECT_EQ(entries(r)[0].name, "a");
  EXPECT_EQ(entries(r)[0].packed, (bytes::Extent{512, 517}));
  EXPECT_EQ(entries(r)[1].kind, Entry::Kind::directory);
  EXPECT_EQ(entries(r)[2].packed, (bytes::Extent{2048, 3048}));
  EXPECT_TRUE(r.parsed.facts.oddities.empty());
  EXPECT_TRUE(r.coverage.complete());
  EXPECT_EQ(r.coverage.of(bytes::Cover::delegated), 1005u);
  EXPECT_EQ(r.coverage.of(bytes::Cover::parsed), 3u * 512);
}

TEST(Tar, LooksLikeTarByMagicOrByChecksum) {
  EXPECT_TRUE(looks_like(bytes::view(header("a", 0))));
  const auto v7 = header("a", 0, '\0', {}, [](auto& b) { put(b, 257, std::string(8, '\0')); });
  EXPECT_TRUE(looks_like(bytes::view(v7)));
  auto bent = v7;
  bent[0] = 'b';
  EXPECT_FALSE(looks_like(bytes::view(bent)));
  EXPECT_FALSE(looks_like(bytes::view(std::string(512, '\0'))));
  EXPECT_FALSE(looks_like(bytes::view(std::string(512, ' '))));
  EXPECT_FALSE(looks_like(bytes::view(v7.substr(0, 511))));
}

TEST(Tar, ReadsV7WithFoldersBySlashAndSignedSums) {
  const auto plain = [](auto& b) { put(b, 257, std::string(8, '\0')); };
  auto tar = header("dir/", 0, '\0', {}, plain) + header("f", 1, '\0', {}, plain) + padded("x");
  auto signed_sum = header("\xff\xfe", 0);
  int n = 0;
  put(signed_sum, 148, "        ");
  for (const char c : signed_sum) n += static_cast<signed char>(c);
  put(signed_sum, 148, octal(static_cast<std::uint64_t>(n), 6) + "\0 "s);
  const auto r = run(tar + signed_sum);
  EXPECT_FALSE(r.parsed.stopped);
  ASSERT_EQ(entries(r).size(), 3u);
  EXPECT_EQ(entries(r)[0].kind, Entry::Kind::directory);
  EXPECT_EQ(entries(r)[1].kind, Entry::Kind::file);
}

TEST(Tar, JoinsThePrefixOfUstar) {
  const auto r = run(header("name", 0, '0', {}, [](auto& b) { put(b, 345, "some/folder"); }) + kEnd);
  ASSERT_EQ(entries(r).size(), 1u);
  EXPECT_EQ(entries(r)[0].name, "some/folder/name");
  EXPECT_TRUE(r.parsed.facts.oddities.empty());
}

// Old GNU headers keep times where ustar keeps the prefix; Python joins them all the same.
TEST(Tar, SaysWhenReadersDisagreeOnThePrefix) {
  const auto r = run(header("name", 0, '0', {},
                            [](auto& b) {
                              put(b, 257, "ustar  \0"s);
                              put(b, 345, "prefix");
                            }) +
                     kEnd);
  ASSERT_EQ(entries(r).size(), 1u);
  EXPECT_EQ(entries(r)[0].name, "prefix/name");
  EXPECT_TRUE(r.odd("tar.name-differs", "name"));
}

TEST(Tar, ReadsGnuLongNamesAndLinks) {
  const std::string name(300, 'n'), target(400, 't');
  const auto r =
      run(header("././@LongLink", target.size() + 1, 'K') + padded(target + '\0') +
          header("././@LongLink", name.size() + 1, 'L') + padded(name + '\0') + header("nnn", 0, '2', "ttt") + kEnd);
  EXPECT_FALSE(r.parsed.stopped);
  ASSERT_EQ(entries(r).size(), 1u);
  EXPECT_EQ(entries(r)[0].name, name);
  EXPECT_EQ(entries(r)[0].target, target);
  EXPECT_TRUE(r.coverage.complete());
}

TEST(Tar, ReadsPaxNamesLinksAndSizes) {
  const auto r = run(pax("path", "long/name") + pax("size", "3") + header("short", 0) + padded("abc") +
                     pax("linkpath", "there") + header("l", 0, '2', "here") + file("plain", "x") + kEnd);
  EXPECT_FALSE(r.parsed.stopped);
  ASSERT_EQ(entries(r).size(), 3u);
  EXPECT_EQ(entries(r)[0].name, "long/name");
  EXPECT_EQ(entries(r)[0].packed.end - entries(r)[0].packed.begin, 3u);
  EXPECT_EQ(entries(r)[1].target, "there");
  EXPECT_EQ(entries(r)[2].name, "plain");
}

TEST(Tar, AppliesGlobalPaxHeadersToAllThatFollow) {
  const auto r = run(pax("path", "everywhere", 'g') + file("a", "x") + pax("path", "own") + file("b", "y") + kEnd);
  ASSERT_EQ(entries(r).size(), 2u);
  EXPECT_EQ(entries(r)[0].name, "everywhere");
  EXPECT_EQ(entries(r)[1].name, "own");
}

TEST(Tar, SaysWhenTwoExtendedHeadersNameOneMember) {
  const auto r = run(pax("path", "first") + pax("path", "second") + file("x", "") + kEnd);
  ASSERT_EQ(entries(r).size(), 1u);
  EXPECT_EQ(entries(r)[0].name, "first");
  EXPECT_TRUE(r.odd("tar.name-differs", "second"));
}

TEST(Tar, RefusesPaxRecordsThatLie) {
  for (const auto& body : {"5 a=b\n"s, "0 a=b\n"s, "99 a=b\n"s, "x a=b\n"s, "6 a=bX"s, "7 abcd\n"s,
                           "99999999999999999999999 a=b\n"s, "12 size=1_0\n"s, "12 size=-10\n"s}) {
    const auto r = run(header("P", body.size(), 'x') + padded(body) + file("a", "") + kEnd);
    EXPECT_TRUE(r.parsed.stopped) << body;
  }
  const auto right = run(header("P", 12, 'x') + padded("12 path=abc\n") + file("a", "") + kEnd);
  ASSERT_EQ(entries(right).size(), 1u);
  EXPECT_EQ(entries(right)[0].name, "abc");
}

TEST(Tar, ReadsBase256SizesWithoutReadingTheData) {
  const std::uint64_t size = 20ull << 30;
  const auto tar = header("big", 0, '0', {}, [&](auto& b) {
    std::string field(12, '\0');
    field[0] = '\x80';
    for (unsigned i = 0; i < 8; ++i) field[11 - i] = static_cast<char>(size >> (8 * i));
    put(b, 124, field);
  });
  const auto r = run(tar + "few bytes");
  ASSERT_TRUE(r.parsed.stopped);
  EXPECT_EQ(r.parsed.stopped->code, Errc::truncated);
  ASSERT_EQ(entries(r).size(), 1u);
  EXPECT_EQ(entries(r)[0].declared_size, size);
  EXPECT_EQ(entries(r)[0].packed, (bytes::Extent{512, 521}));
}

TEST(Tar, ParsesNumbersAsLoadersDo) {
  const auto n = [](const std::string& s) { return parse_number(bytes::view(s)); };
  EXPECT_EQ(n("0000644\0"s), 0644u);
  EXPECT_EQ(n("   644 \0"s), 0644u);
  EXPECT_EQ(n("\0\0\0"s), 0u);
  EXPECT_EQ(n("64\0x4"s), 064u);
  EXPECT_FALSE(n("0000649"));
  EXPECT_FALSE(n("-000644"));
  EXPECT_EQ(n("\x80\0\0\x01\x02"s), 258u);
  EXPECT_FALSE(n("\xff\xff\xff\xff"));
  EXPECT_FALSE(n("\x80\x01\0\0\0\0\0\0\0\0"s));
}

TEST(Tar, StopsAtAWrongChecksumAndKeepsWhatCameBefore) {
  auto bad = file("b", "x");
  bad[0] = 'c';
  const auto tar = file("a", "hello") + bad + file("d", "y") + kEnd;
  const auto r = run(tar);
  ASSERT_TRUE(r.parsed.stopped);
  EXPECT_EQ(r.parsed.stopped->offset, 1024u);
  EXPECT_TRUE(r.odd("tar.checksum"));
  EXPECT_EQ(entries(r).size(), 1u);
  EXPECT_EQ(r.coverage.of(bytes::Cover::unexamined), tar.size() - 1024);
}

// Python ends at the zeros; `tar --ignore-zeros` and cat'ed archives go on.
TEST(Tar, ReadsOnBehindTheEndMarker) {
  const auto tar = file("a", "x") + kEnd + std::string(100 * 512, '\0') + file("hidden", "y") + kEnd;
  const auto r = run(tar);
  EXPECT_FALSE(r.parsed.stopped);
  ASSERT_EQ(entries(r).size(), 2u);
  EXPECT_EQ(entries(r)[1].name, "hidden");
  EXPECT_TRUE(r.odd("tar.concatenated"));
  EXPECT_TRUE(r.coverage.complete());
}

TEST(Tar, LeavesTrailingBytesToNobody) {
  const auto tar = file("a", "x") + kEnd + std::string(700, 'T');
  const auto r = run(tar);
  EXPECT_FALSE(r.parsed.stopped);
  EXPECT_EQ(r.coverage.of(bytes::Cover::unexamined), 700u);
}

TEST(Tar, LeavesBytesInThePaddingToNobody) {
  auto tar = file("a", "x") + kEnd;
  tar[600] = '!';
  const auto r = run(tar);
  EXPECT_FALSE(r.parsed.stopped);
  EXPECT_EQ(r.coverage.of(bytes::Cover::unexamined), 511u);
}

TEST(Tar, NamesWhatLeadsOutside) {
  for (const auto& name : {"../x"s, "/x"s, "a/../x"s, "\\x"s, "C:\\x"s, "a\\..\\..\\x"s}) {
    EXPECT_TRUE(run(file(name, "") + kEnd).odd("tar.name-escapes", name)) << name;
  }
  EXPECT_FALSE(run(file("a..b/..c", "") + kEnd).odd("tar.name-escapes"));
}

TEST(Tar, ResolvesLinksFromTheirOwnFolder) {
  const auto link = [](const std::string& name, const std::string& target, char type = '2') {
    return run(header(name, 0, type, target) + kEnd);
  };
  EXPECT_TRUE(link("a/b", "../c").odd("tar.link", "a/b -> ../c"));
  EXPECT_TRUE(link("b", "../c").odd("tar.link-escapes"));
  EXPECT_TRUE(link("a/b", "../../c").odd("tar.link-escapes"));
  EXPECT_TRUE(link("a/b", "/etc/passwd").odd("tar.link-escapes"));
  EXPECT_TRUE(link("x/y/e", "../../d/..").odd("tar.link-escapes"));
  EXPECT_TRUE(link("a/b", "c", '1').odd("tar.link"));
  EXPECT_TRUE(link("a/b", "../c", '1').odd("tar.link-escapes"));
}

// "a" points to a folder inside, "a/b" is an ordinary name, and the two together are a way out.
TEST(Tar, SeesNamesThatLeadThroughALink) {
  const auto r = run(header("./a", 0, '2', "b") + file("a/c", "x") + header("h", 0, '1', "a/c") + kEnd);
  EXPECT_TRUE(r.odd("tar.through-link", "a/c"));
  EXPECT_TRUE(r.odd("tar.link-escapes", "h -> a/c"));
}

TEST(Tar, NamesDevicesDuplicatesAndSparseFiles) {
  const auto r =
      run(header("null", 0, '3') + header("pipe", 0, '6') + file("a", "1") + file("./a", "2") +
          pax("GNU.sparse.major", "1") + file("s", "map") + header("d/", 0, '5') + header("d/", 0, '5') + kEnd);
  EXPECT_FALSE(r.parsed.stopped);
  EXPECT_TRUE(r.odd("tar.device", "null"));
  EXPECT_TRUE(r.odd("tar.device", "pipe"));
  EXPECT_TRUE(r.odd("tar.duplicate", "./a"));
  EXPECT_TRUE(r.odd("tar.sparse", "s"));
  EXPECT_FALSE(r.odd("tar.duplicate", "d/"));
}

TEST(Tar, StepsOverOldGnuSparseMaps) {
  std::string more(512, '\0');
  more[504] = 1;
  const auto tar = header("s", 3, 'S', {}, [](auto& b) { b[482] = 1; }) + more + std::string(512, '\0') +
                   padded("abc") + file("next", "") + kEnd;
  const auto r = run(tar);
  EXPECT_FALSE(r.parsed.stopped);
  ASSERT_EQ(entries(r).size(), 2u);
  EXPECT_EQ(entries(r)[0].packed, (bytes::Extent{1536, 1539}));
  EXPECT_TRUE(r.odd("tar.sparse", "s"));
}

// Python reads headers where a link's declared data would be; other readers step over them.
TEST(Tar, ReadsHeadersWhereAFolderDeclaresData) {
  const auto r = run(header("d/", 512, '5') + header("hidden", 0) + kEnd);
  EXPECT_TRUE(r.odd("tar.size-ignored", "d/"));
  ASSERT_EQ(entries(r).size(), 2u);
  EXPECT_EQ(entries(r)[1].name, "hidden");
}

TEST(Tar, RefusesExtendedHeadersLargerThanItsLimit) {
  const auto r = run(header("P", kMostExtended + 1, 'x') + kEnd);
  ASSERT_TRUE(r.parsed.stopped);
  EXPECT_EQ(r.parsed.stopped->code, Errc::limit_reached);
}

TEST(Tar, StopsAtTheMemberLimit) {
  bytes::Limits limits;
  limits.members = 10;
  std::string tar;
  for (int i = 0; i < 20; ++i) tar += file(std::to_string(i), "");
  const auto r = run(tar, limits);
  ASSERT_TRUE(r.parsed.stopped);
  EXPECT_EQ(r.parsed.stopped->code, Errc::limit_reached);
  EXPECT_EQ(entries(r).size(), 10u);
}

TEST(Tar, EveryTruncationKeepsItsPromises) {
  const auto tar = pax("path", "long") + file("a", "hello") + header("././@LongLink", 5, 'L') + padded("name") +
                   file("b", "x") + kEnd;
  for (std::size_t n = 0; n < tar.size(); n += 7) {
    const auto r = run(tar.substr(0, n));
    for (const auto& e : entries(r)) EXPECT_LE(e.packed.end, n);
    std::uint64_t covered = 0;
    for (const auto bytes : r.coverage.total) covered += bytes;
    EXPECT_EQ(covered, n);
  }
}

TEST(MemberName, KnowsWhatIsAbsolute) {
  static_assert(is_absolute("/a") && is_absolute("\\a") && is_absolute("c:a") && is_absolute("C:\\a"));
  static_assert(!is_absolute("a/b") && !is_absolute("") && !is_absolute("1:a"));
  static_assert(symlink_escapes("a", "..") && !symlink_escapes("a/b", "..") && !symlink_escapes("a", "./b"));
}

}  // namespace
}  // namespace assay::container::tar
