#include "container/zip/zip.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "container/zip/names.h"

namespace assay::container::zip {
namespace {

using namespace std::string_literals;

std::string le(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

/// What one of the two headers says; every field can lie.
struct Side {
  std::string name = "m";
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 7;
  std::uint32_t packed = 0;
  std::uint32_t size = 0;
  std::string extra = {};
};

struct Member {
  std::string data;
  Side local;
  Side central;
  std::uint32_t external = 0;
  std::string descriptor = {};
  bool listed = true;
};

Member member(const std::string& name, const std::string& data) {
  Member out;
  out.data = data;
  out.local.name = name;
  out.local.packed = out.local.size = static_cast<std::uint32_t>(data.size());
  out.central = out.local;
  return out;
}

/// Sizes only behind the data, as PyTorch and every stream writer do it.
Member streamed(const std::string& name, const std::string& data) {
  auto out = member(name, data);
  out.local.flags = out.central.flags = 8;
  out.local.crc = out.local.packed = out.local.size = 0;
  out.descriptor = "PK\7\x8" + le(7, 4) + le(data.size(), 4) + le(data.size(), 4);
  return out;
}

std::string stated(const Side& s) {
  return le(20, 2) + le(s.flags, 2) + le(s.method, 2) + le(0x00210000, 4) + le(s.crc, 4) + le(s.packed, 4) +
         le(s.size, 4) + le(s.name.size(), 2) + le(s.extra.size(), 2);
}

std::string local_header(const Side& s) { return "PK\3\4" + stated(s) + s.name + s.extra; }

std::string central_record(const Member& m, std::uint64_t header_at) {
  return "PK\1\2" + le(0x0314, 2) + stated(m.central) + le(0, 2) + le(0, 2) + le(0, 2) + le(m.external, 4) +
         le(header_at, 4) + m.central.name + m.central.extra;
}

std::string end_record(std::uint64_t count, std::uint64_t size, std::uint64_t offset, const std::string& comment = "") {
  return "PK\5\6" + le(0, 4) + le(count, 2) + le(count, 2) + le(size, 4) + le(offset, 4) + le(comment.size(), 2) +
         comment;
}

std::string end64(std::uint64_t count, std::uint64_t size, std::uint64_t offset) {
  return "PK\6\6" + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) + le(count, 8) + le(size, 8) +
         le(offset, 8);
}

std::string locator(std::uint64_t at) { return "PK\6\7" + le(0, 4) + le(at, 8) + le(1, 4); }

/// Members and directory, so that a test can write its own end.
struct Body {
  std::string bytes;
  std::uint64_t directory = 0;
  std::uint64_t directory_bytes = 0;
  std::uint64_t listed = 0;
};

Body body(const std::vector<Member>& members, const std::string& start = "") {
  Body out;
  out.bytes = start;
  std::string directory;
  for (const auto& m : members) {
    if (m.listed) directory += central_record(m, out.bytes.size());
    out.listed += m.listed;
    out.bytes += local_header(m.local) + m.data + m.descriptor;
  }
  out.directory = out.bytes.size();
  out.directory_bytes = directory.size();
  out.bytes += directory;
  return out;
}

std::string archive(const std::vector<Member>& members, const std::string& comment = "") {
  const auto b = body(members);
  return b.bytes + end_record(b.listed, b.directory_bytes, b.directory, comment);
}

/// A source that is not in memory, so that windows and blocks are exercised.
class Distant final : public bytes::Source {
 public:
  explicit Distant(std::string_view all) : memory_{bytes::view(all)} {}
  std::uint64_t size() const noexcept override { return memory_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return memory_.read_at(offset, out);
  }

 private:
  bytes::MemorySource memory_;
};

Parsed<Contents> read(std::string_view all) {
  const bytes::MemorySource source{bytes::view(all)};
  bytes::Budget budget{{}, all.size()};
  auto out = zip::read(source, budget);
  bytes::Budget again{{}, all.size()};
  EXPECT_EQ(zip::read(Distant{all}, again).facts.entries.size(), out.facts.entries.size());
  return out;
}

std::size_t count(const Contents& c, std::string_view id) {
  return static_cast<std::size_t>(
      std::count_if(c.oddities.begin(), c.oddities.end(), [&](const Oddity& o) { return o.id == id; }));
}

std::string_view data_of(std::string_view all, const Entry& e) {
  return all.substr(e.packed.begin, e.packed.end - e.packed.begin);
}

/// "name=data" of every entry, in order.
std::vector<std::string> all_of(std::string_view all, const Contents& c) {
  std::vector<std::string> out;
  for (const auto& e : c.entries) out.push_back(e.name + "=" + std::string{data_of(all, e)});
  return out;
}

using Names = std::vector<std::string>;

TEST(Zip, ReadsStoredAndDeflatedMembersWithoutAWord) {
  auto packed = member("b", "\x03\x00"s);
  packed.local.method = packed.central.method = 8;
  packed.local.size = packed.central.size = 0;
  const auto all = archive({member("a.txt", "hi"), packed, member("d/", "")});
  const auto r = read(all);
  ASSERT_FALSE(r.stopped) << r.stopped->what;
  EXPECT_TRUE(r.facts.oddities.empty());
  EXPECT_EQ(all_of(all, r.facts), (Names{"a.txt=hi", "b=\x03\x00"s, "d/="}));
  EXPECT_EQ(r.facts.entries[1].method, Method::deflate);
  EXPECT_EQ(r.facts.entries[2].kind, Entry::Kind::directory);
  EXPECT_EQ(r.facts.entries[0].declared_size, 2u);
  EXPECT_EQ(r.facts.entries[0].declared_crc32, 7u);
  const auto coverage = r.facts.coverage.finish(all.size());
  EXPECT_TRUE(coverage.complete());
  EXPECT_EQ(coverage.of(bytes::Cover::delegated), 4u);
  EXPECT_TRUE(looks_like(bytes::MemorySource{bytes::view(all)}));
}

TEST(Zip, ReadsAnEmptyArchive) {
  const auto all = end_record(0, 0, 0);
  const auto r = read(all);
  EXPECT_FALSE(r.stopped);
  EXPECT_TRUE(r.facts.entries.empty());
  EXPECT_TRUE(r.facts.coverage.finish(all.size()).complete());
  EXPECT_TRUE(looks_like(bytes::MemorySource{bytes::view(all)}));
}

TEST(Zip, ReadsWhatPyTorchWrites) {
  auto pkl = streamed("archive/data.pkl", "pickle");
  pkl.local.extra = "FB" + le(7, 2) + "ZZZZZZZ";
  auto empty = streamed("archive/data/0", "");
  empty.local.flags = empty.central.flags = 0x808;
  const auto b = body({pkl, empty, streamed("archive/version", "3\n")});
  const auto all = b.bytes + end64(3, b.directory_bytes, b.directory) + locator(b.bytes.size()) +
                   end_record(3, b.directory_bytes, b.directory);
  const auto r = read(all);
  ASSERT_FALSE(r.stopped) << r.stopped->what;
  EXPECT_TRUE(r.facts.oddities.empty());
  EXPECT_EQ(all_of(all, r.facts), (Names{"archive/data.pkl=pickle", "archive/data/0=", "archive/version=3\n"}));
  EXPECT_TRUE(r.facts.coverage.finish(all.size()).complete());
}

TEST(Zip, FindsMembersBehindAPrefixAndLeavesThePrefixToTheCaller) {
  const auto all = "a pickle, say." + archive({member("a", "hi"), member("b", "ho")});
  const auto r = read(all);
  ASSERT_FALSE(r.stopped) << r.stopped->what;
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=hi", "b=ho"}));
  EXPECT_EQ(r.facts.coverage.gaps(all.size()), (std::vector<bytes::Extent>{{0, 14}}));
  EXPECT_TRUE(looks_like(bytes::MemorySource{bytes::view(all)}));
}

TEST(Zip, FindsMembersWhereOffsetsCountFromThePrefix) {
  const auto b = body({member("a", "hi")}, "#!/bin/sh\n");
  const auto all = b.bytes + end_record(1, b.directory_bytes, b.directory);
  const auto r = read(all);
  EXPECT_FALSE(r.stopped);
  EXPECT_TRUE(r.facts.oddities.empty());
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=hi"}));
}

TEST(Zip, LeavesSuffixAndCommentToTheCaller) {
  const auto plain = archive({member("a", "hi")});
  const auto all = archive({member("a", "hi")}, "note") + "tail";
  const auto r = read(all);
  EXPECT_FALSE(r.stopped);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=hi"}));
  EXPECT_EQ(r.facts.coverage.gaps(all.size()), (std::vector<bytes::Extent>{{plain.size(), all.size()}}));
}

// The last end record is CPython's, the one whose comment ends with the file is Java's.
TEST(Zip, ReadsTheSecondArchiveThatHidesInAComment) {
  const auto b = body({member("outer", "1")});
  const auto inner_at = b.bytes.size() + 22;
  const auto inner = archive({member("inner", "2")});
  const auto all = b.bytes + end_record(1, b.directory_bytes, b.directory, inner);
  ASSERT_EQ(all.substr(inner_at), inner);
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"outer=1", "inner=2"}));
  EXPECT_EQ(count(r.facts, kDirectoriesDiffer), 1u);
}

TEST(Zip, SurvivesAFalseEndRecordInAComment) {
  const auto all = archive({member("a", "hi")}, end_record(9, 99, 7));
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=hi"}));
  EXPECT_EQ(count(r.facts, kDirectoryMissing), 1u);
}

TEST(Zip, LeavesAStoredArchiveInsideToWhoeverReadsThatMember) {
  const auto inner = archive({member("inner", "2")});
  const auto all = archive({member("in.zip", inner)});
  const auto r = read(all);
  EXPECT_TRUE(r.facts.oddities.empty()) << r.facts.oddities[0].id;
  ASSERT_EQ(r.facts.entries.size(), 1u);
  EXPECT_EQ(data_of(all, r.facts.entries[0]), inner);
}

// CPython opens the last one listed, miniz the first: a scanner that opens by name sees one of them.
TEST(Zip, ReturnsEveryCopyOfAName) {
  const auto all = archive({member("data.pkl", "bad"), member("data.pkl", "good"), member("DATA.pkl", "x")});
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"data.pkl=bad", "data.pkl=good", "DATA.pkl=x"}));
  EXPECT_EQ(count(r.facts, kDuplicate), 1u);
  EXPECT_EQ(count(r.facts, kDuplicateFolded), 1u);
}

// CVE-2025-1944.
TEST(Zip, ReadsAMemberWhoseTwoNamesDiffer) {
  auto m = member("data.pkl", "x");
  m.local.name = "../datb.pkl";
  const auto all = archive({m});
  const auto r = read(all);
  EXPECT_FALSE(r.stopped);
  EXPECT_EQ(all_of(all, r.facts), (Names{"data.pkl=x"}));
  ASSERT_EQ(count(r.facts, kNameDiffers), 1u);
  EXPECT_EQ(count(r.facts, kNameEscapes), 1u);
  EXPECT_EQ(r.facts.oddities[0].detail, "data.pkl / ../datb.pkl");
}

// CVE-2025-1945: zipfile refuses these bits, PyTorch does not look at them.
TEST(Zip, ReadsMembersWhoseFlagsMakeOthersRefuse) {
  for (const std::uint16_t flags : std::initializer_list<std::uint16_t>{0x1, 0x20, 0x40, 0x2000}) {
    auto m = member("data.pkl", "x");
    m.local.flags = m.central.flags = flags;
    const auto all = archive({m});
    const auto r = read(all);
    EXPECT_FALSE(r.stopped);
    EXPECT_EQ(all_of(all, r.facts), (Names{"data.pkl=x"}));
    EXPECT_EQ(r.facts.entries[0].encrypted, flags == 1);
    EXPECT_EQ(count(r.facts, flags == 1 ? kFlagEncrypted : kFlagOdd), 1u);
  }
}

TEST(Zip, TellsWhenOnlyOneHeaderIsFlagged) {
  auto m = member("data.pkl", "x");
  m.local.flags = 1;
  const auto r = read(archive({m}));
  EXPECT_EQ(count(r.facts, kFlagsDiffer), 1u);
  EXPECT_TRUE(r.facts.entries[0].encrypted);
}

TEST(Zip, ReturnsBothReadingsWhereSizesOrMethodsDiffer) {
  auto m = member("a", "0123456789");
  m.local.packed = m.local.size = 4;
  auto n = member("b", "xyz");
  n.local.method = 8;
  const auto all = archive({m, n});
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=0123", "a=0123456789", "b=xyz", "b=xyz"}));
  EXPECT_EQ(count(r.facts, kSizesDiffer), 1u);
  EXPECT_EQ(count(r.facts, kMethodDiffers), 1u);
  EXPECT_EQ(count(r.facts, kDuplicate), 0u);  // readings of one member are not copies
  EXPECT_EQ(count(r.facts, kOverlap), 0u);
}

// miniz copies the unpacked size of a stored member, CPython the packed one.
TEST(Zip, ReturnsBothLengthsOfAStoredMember) {
  auto m = member("a", "0123456789");
  m.local.packed = m.central.packed = 2;
  const auto all = archive({m});
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=01", "a=0123456789"}));
  EXPECT_GE(count(r.facts, kSizesDiffer), 1u);
}

TEST(Zip, ResolvesZip64) {
  auto m = member("a", "0123456789");
  m.local.packed = m.local.size = m.central.packed = m.central.size = 0xffffffff;
  m.local.extra = m.central.extra = le(1, 2) + le(16, 2) + le(10, 8) + le(10, 8);
  const auto b = body({m});
  const auto all = b.bytes + end64(1, b.directory_bytes, b.directory) + locator(b.bytes.size()) +
                   end_record(0xffff, 0xffffffff, 0xffffffff);
  const auto r = read(all);
  ASSERT_FALSE(r.stopped) << r.stopped->what;
  EXPECT_TRUE(r.facts.oddities.empty());
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=0123456789"}));
  EXPECT_TRUE(r.facts.coverage.finish(all.size()).complete());

  const auto shifted = "prefix" + all;
  const auto again = read(shifted);
  EXPECT_FALSE(again.stopped);
  EXPECT_TRUE(again.facts.oddities.empty());
  EXPECT_EQ(all_of(shifted, again.facts), (Names{"a=0123456789"}));
}

// CVE-2025-54368: a zip64 field that nobody asked for.
TEST(Zip, ReturnsBothReadingsOfAContradictingZip64Field) {
  auto m = member("a", "0123456789");
  m.central.extra = le(1, 2) + le(16, 2) + le(4, 8) + le(4, 8);
  const auto all = archive({m});
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=0123", "a=0123456789"}));
  EXPECT_EQ(count(r.facts, kZip64Odd), 1u);
}

// miniz goes where the locator says, CPython takes the record right before it.
TEST(Zip, FollowsBothZip64EndRecords) {
  const auto first = body({member("seen", "1")});
  const auto record_at = first.bytes.size();
  const auto start = first.bytes + end64(1, first.directory_bytes, first.directory);
  const auto second = body({member("hidden", "2")}, start);
  const auto all = second.bytes + end64(1, second.directory_bytes, second.directory) + locator(record_at) +
                   end_record(0xffff, 0xffffffff, 0xffffffff);
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"seen=1", "hidden=2"}));
  EXPECT_EQ(count(r.facts, kZip64Odd), 1u);
  EXPECT_EQ(count(r.facts, kDirectoriesDiffer), 1u);
}

TEST(Zip, FindsTheEndOfStreamedMembersWithoutADirectory) {
  auto bare = streamed("b", "two");
  bare.descriptor = bare.descriptor.substr(4);
  const auto b = body({streamed("a", "one PK\7\x8 and more"), bare, streamed("c", "three")});
  const auto all = b.bytes.substr(0, b.directory);
  const auto r = read(all);
  EXPECT_TRUE(r.stopped);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=one PK\7\x8 and more", "b=two", "c=three"}));
  EXPECT_EQ(count(r.facts, kLocalOnly), 3u);
  EXPECT_EQ(r.facts.entries[0].declared_size, 17u);
}

TEST(Zip, GivesAnOpenDeflateStreamEverythingUpToTheNextHeader) {
  auto m = streamed("a", "\x4b\x04\x00"s + "rest");
  m.local.method = m.central.method = 8;
  m.descriptor = "";
  m.listed = false;
  const auto all = archive({m, member("b", "x")});
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=\x4b\x04\x00"s + "rest", "b=x"}));
  EXPECT_FALSE(r.facts.entries[0].declared_size);
}

TEST(Zip, TellsWhenADescriptorContradictsTheDirectory) {
  auto m = streamed("a", "one");
  m.descriptor[8] = 9;
  EXPECT_EQ(count(read(archive({m})).facts, kDescriptorDiffers), 1u);
}

TEST(Zip, FindsAMemberThatNoDirectoryLists) {
  auto hidden = member("hidden", "secret");
  hidden.listed = false;
  const auto all = archive({member("a", "1"), hidden, member("b", "2")});
  const auto r = read(all);
  EXPECT_FALSE(r.stopped);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=1", "hidden=secret", "b=2"}));
  ASSERT_EQ(count(r.facts, kLocalOnly), 1u);
}

TEST(Zip, FindsAMemberBehindJunkInAGap) {
  const auto hidden = local_header(member("hidden", "secret").local) + "secret";
  auto a = member("a", "1");
  a.descriptor = "junk PK\3 junk" + hidden + std::string(5, '\0');
  const auto all = archive({a, member("b", "2")});
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=1", "hidden=secret", "b=2"}));
  EXPECT_EQ(r.facts.coverage.gaps(all.size()).size(), 1u);  // the junk; the zeros are padding
}

TEST(Zip, FindsASignatureAcrossTwoBlocks) {
  for (std::size_t shift = 0; shift < 5; ++shift) {
    const auto all = std::string((64 << 10) - shift, 'x') + local_header(member("m", "ab").local) + "ab" +
                     std::string(70000, 'y') + archive({member("a", "1")});
    const auto r = read(all);
    EXPECT_EQ(all_of(all, r.facts), (Names{"m=ab", "a=1"})) << shift;
  }
}

TEST(Zip, ReadsRecordsThatAreMoreOrFewerThanTheEndSays) {
  for (const std::uint64_t declared : {0, 1, 3, 500}) {
    const auto b = body({member("a", "1"), member("b", "2")});
    const auto all = b.bytes + end_record(declared, b.directory_bytes, b.directory);
    const auto r = read(all);
    EXPECT_EQ(all_of(all, r.facts), (Names{"a=1", "b=2"})) << declared;
    EXPECT_EQ(count(r.facts, kCountDiffers), 1u) << declared;
  }
}

TEST(Zip, ReadsADirectoryWhoseSizeIsALie) {
  const auto b = body({member("a", "1"), member("b", "2")});
  const auto all = b.bytes + end_record(2, b.directory_bytes / 2, b.directory);
  const auto r = read(all);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=1", "b=2"}));
  EXPECT_GE(count(r.facts, kDirectorySize), 1u);
}

TEST(Zip, FindsADirectoryThatNoEndRecordNames) {
  const auto b = body({streamed("a", "1")});
  const auto all = b.bytes + "??" + end_record(0, 0, 0);
  const auto r = read(all);
  EXPECT_EQ(count(r.facts, kDirectoryOrphan), 1u);
  ASSERT_EQ(r.facts.entries.size(), 1u);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=1"}));
}

TEST(Zip, ReportsADirectoryThatPointsAtNothing) {
  auto all = archive({member("a", "1")});
  all[all.size() - 22 - 5] = 3;  // the record's header offset
  const auto r = read(all);
  ASSERT_TRUE(r.stopped);
  EXPECT_EQ(count(r.facts, kLocalMissing), 1u);
  EXPECT_EQ(all_of(all, r.facts), (Names{"a=1"}));  // by its local header
}

TEST(Zip, ClipsDataThatEndsAfterTheArchive) {
  auto m = member("a", "1");
  m.central.packed = m.central.size = 0x7fffffff;
  const auto all = archive({m});
  const auto r = read(all);
  ASSERT_TRUE(r.stopped);
  EXPECT_EQ(r.stopped->code, Errc::truncated);
  EXPECT_EQ(r.facts.entries.back().packed.end, all.size());
  EXPECT_EQ(count(r.facts, kDataOutside), 1u);
}

TEST(Zip, ReportsOverlapOnce) {
  std::string all = local_header(member("a", "0123456789").local) + "0123456789";
  const auto directory = all.size();
  std::string records;
  for (const auto* name : {"a", "b", "c"}) {
    auto m = member(name, "0123456789");
    m.local.name = "a";
    records += central_record(m, 0);
  }
  all += records + end_record(3, records.size(), directory);
  const auto r = read(all);
  EXPECT_EQ(r.facts.entries.size(), 1u);
  ASSERT_EQ(count(r.facts, kOverlap), 1u);
  EXPECT_EQ(r.facts.oddities.back().detail, "2 a / b");

  const auto inner = local_header(member("in", "xy").local) + "xy";
  auto out = member("out", inner);
  const auto b = body({out});
  auto listed = member("in", "xy");
  const auto nested = b.bytes + central_record(listed, 33) + end_record(2, b.directory_bytes + 48, b.directory);
  const auto q = read(nested);
  EXPECT_EQ(all_of(nested, q.facts), (Names{"out=" + inner, "in=xy"}));
  EXPECT_EQ(count(q.facts, kOverlap), 1u);
}

TEST(Zip, JudgesNames) {
  for (const auto& name : {"../a"s, "/a"s, "\\\\host\\a"s, "C:a"s, "a\\..\\b"s, "a/.."s, "a\0b"s})
    EXPECT_TRUE(escapes(name)) << name;
  for (const auto& name : {"a/b"s, "..a"s, "a..b/c"s, ""s, "a/..."s, "archive/data/0"s})
    EXPECT_FALSE(escapes(name)) << name;
  const auto r = read(archive({member("../x", "1"), member("\xff", "2"), member(std::string(5000, 'n'), "3")}));
  EXPECT_EQ(count(r.facts, kNameEscapes), 1u);
  EXPECT_EQ(count(r.facts, kNameNotUtf8), 1u);
  EXPECT_EQ(count(r.facts, kNameLong), 1u);
  EXPECT_EQ(r.facts.entries[2].name.size(), kMostNameBytes);
}

TEST(Zip, ReportsTheUnicodeNameThatSomeLoadersPrefer) {
  auto m = member("a", "1");
  m.central.extra = "\x75\x70" + le(9, 2) + "\1" + le(0, 4) + "../b";
  const auto r = read(archive({m}));
  EXPECT_EQ(count(r.facts, kNameDiffers), 1u);
  EXPECT_EQ(count(r.facts, kNameEscapes), 1u);
}

TEST(Zip, KnowsLinksDevicesAndFoldersWithData) {
  auto link = member("l", "/etc/passwd");
  link.external = 0xa1ff0000;
  auto pipe = member("p", "");
  pipe.external = 0x11ff0000;
  const auto r = read(archive({link, pipe, member("d/", "data")}));
  ASSERT_EQ(r.facts.entries.size(), 3u);
  EXPECT_EQ(r.facts.entries[0].kind, Entry::Kind::symlink);
  EXPECT_EQ(r.facts.entries[0].target, "/etc/passwd");
  EXPECT_EQ(r.facts.entries[1].kind, Entry::Kind::device);
  EXPECT_EQ(r.facts.entries[2].kind, Entry::Kind::file);
  EXPECT_EQ(count(r.facts, kLink) + count(r.facts, kDevice) + count(r.facts, kDirectoryData), 3u);
}

TEST(Zip, NamesMethodsItDoesNotKnow) {
  auto m = member("a", "x");
  m.local.method = m.central.method = 99;
  const auto r = read(archive({m}));
  EXPECT_EQ(r.facts.entries[0].method, Method::unknown);
  EXPECT_TRUE(r.facts.entries[0].encrypted);
  EXPECT_EQ(count(r.facts, kMethodUnknown), 1u);
}

TEST(Zip, EveryTruncationKeepsTheMembersBeforeIt) {
  const auto all = archive({member("a", "one"), streamed("b", "two"), member("c", "three")}, "comment");
  const auto whole = read(all);
  ASSERT_FALSE(whole.stopped);
  const auto first_end = whole.facts.entries[0].packed.end;
  for (std::size_t n = 0; n < all.size() - 7; ++n) {
    const auto cut = std::string_view{all}.substr(0, n);
    const auto r = read(cut);
    EXPECT_TRUE(r.stopped) << n;
    if (n >= first_end) {
      ASSERT_FALSE(r.facts.entries.empty()) << n;
      EXPECT_EQ(data_of(cut, r.facts.entries[0]), "one") << n;
    }
  }
}

TEST(Zip, EveryFlippedByteIsSurvivedAndAccountedFor) {
  const auto good = archive({member("a", "one"), streamed("b", "two")}, "comment");
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int value : {0x00, 0x01, 0x50, 0x7f, 0xff}) {
      auto bad = good;
      bad[i] = static_cast<char>(value);
      const auto r = read(bad);
      const auto coverage = r.facts.coverage.finish(bad.size());
      std::uint64_t total = 0;
      for (const auto bytes : coverage.total) total += bytes;
      EXPECT_EQ(total, bad.size());
      for (const auto& e : r.facts.entries) EXPECT_LE(e.packed.end, bad.size());
    }
}

TEST(Zip, RandomBytesAreNoZip) {
  EXPECT_FALSE(looks_like(bytes::MemorySource{bytes::view("PK")}));
  EXPECT_FALSE(looks_like(bytes::MemorySource{bytes::view("")}));
  EXPECT_FALSE(looks_like(bytes::MemorySource{bytes::view("text PK\5\6 and more text, but no directory anywhere")}));
}

TEST(Zip, ManyEndRecordsCostLittleAndAreNotSilentlyDropped) {
  auto all = archive({member("a", "1")});
  const auto b = body({member("a", "1")});
  for (int i = 0; i < 2500; ++i) all += end_record(1, b.directory_bytes, b.directory);
  const auto r = read(all);
  ASSERT_TRUE(r.stopped);
  EXPECT_EQ(r.stopped->code, Errc::limit_reached);
  EXPECT_EQ(r.facts.entries[0].name, "a");
}

TEST(Zip, StopsWhenTheBudgetForMembersIsSpent) {
  const auto all = archive({member("a", "1"), member("b", "2"), member("c", "3")});
  bytes::Limits limits;
  limits.members = 2;
  bytes::Budget budget{limits, all.size()};
  const auto r = zip::read(bytes::MemorySource{bytes::view(all)}, budget);
  ASSERT_TRUE(r.stopped);
  EXPECT_EQ(r.stopped->code, Errc::limit_reached);
  EXPECT_EQ(r.facts.entries.size(), 2u);
}

// Ten thousand records that each point into the same 64 KiB of name would otherwise be read 650 MB deep.
TEST(Zip, HeadersThatOverlapEndlesslyAreALimitNotADelay) {
  std::string all;
  std::string records;
  for (int i = 0; i < 10'000; ++i) {
    records += central_record(member("a", ""), all.size());
    auto header = local_header({});
    header.resize(30);
    header[26] = header[27] = '\xff';
    all += header;
  }
  all += std::string(70'000, 'n');
  const auto directory = all.size();
  all += records + end_record(10'000, records.size(), directory);
  const auto r = read(all);
  ASSERT_TRUE(r.stopped);
  EXPECT_EQ(r.stopped->what, "headers overlap too often");
}

TEST(Zip, OdditiesOfOneKindAreCountedAfterSome) {
  std::vector<Member> members;
  for (int i = 0; i < 1000; ++i) members.push_back(member("../" + std::to_string(i), ""));
  const auto r = read(archive(members));
  EXPECT_EQ(count(r.facts, kNameEscapes), kMostOfOneId + 1);
  EXPECT_EQ(r.facts.oddities.back().detail, "744 more");
}

TEST(Zip, TwoHundredThousandMembersAreQuick) {
  std::vector<Member> members;
  members.reserve(200'000);
  for (int i = 0; i < 200'000; ++i) members.push_back(streamed("archive/data/" + std::to_string(i), "x"));
  const auto b = body(members);
  const auto all = b.bytes + end64(b.listed, b.directory_bytes, b.directory) + locator(b.bytes.size()) +
                   end_record(0xffff, 0xffffffff, 0xffffffff);
  const auto start = std::chrono::steady_clock::now();
  bytes::Budget budget{{}, all.size()};
  const auto r = zip::read(Distant{all}, budget);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_FALSE(r.stopped);
  EXPECT_EQ(r.facts.entries.size(), 200'000u);
  EXPECT_TRUE(r.facts.oddities.empty());
  EXPECT_LT(took, std::chrono::seconds{30});  // well under one without sanitizers on a quiet machine
}

/// Counts what is read.
class Counted final : public bytes::Source {
 public:
  explicit Counted(const bytes::Source& source) : source_{source} {}
  std::uint64_t size() const noexcept override { return source_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    auto got = source_.read_at(offset, out);
    if (got) bytes_ += *got;
    return got;
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  const bytes::Source& source_;
  mutable std::uint64_t bytes_ = 0;
};

// A checkpoint of 20 GB as a file with holes: headers are read, tensors are not.
TEST(Zip, ReadsOnlyTheHeadersOfALargeCheckpoint) {
  char path[] = "zip_test_XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  unlink(path);
  constexpr std::uint64_t kTensor = 2'000'000'000;
  std::string directory;
  std::uint64_t at = 0;
  const auto write = [&](const std::string& what) {
    ASSERT_EQ(pwrite(file, what.data(), what.size(), static_cast<off_t>(at)), static_cast<ssize_t>(what.size()));
    at += what.size();
  };
  for (int i = 0; i < 10; ++i) {
    auto m = member("archive/data/" + std::to_string(i), "");
    m.local.packed = m.local.size = m.central.packed = m.central.size = kTensor;
    auto record = m;
    record.central.extra = le(1, 2) + le(8, 2) + le(at, 8);
    directory += central_record(record, 0xffffffff);
    write(local_header(m.local));
    at += kTensor;
  }
  const auto directory_at = at;
  write(directory);
  const auto end_at = at;
  write(end64(10, directory.size(), directory_at) + locator(end_at) + end_record(0xffff, 0xffffffff, 0xffffffff));

  const bytes::FileSource source{file, at};
  const Counted counted{source};
  bytes::Budget budget{{}, at};
  const auto r = zip::read(counted, budget);
  EXPECT_FALSE(r.stopped);
  EXPECT_EQ(r.facts.entries.size(), 10u);
  EXPECT_TRUE(r.facts.oddities.empty());
  EXPECT_TRUE(r.facts.coverage.finish(at).complete());
  EXPECT_LT(counted.bytes(), 2u << 20);
  close(file);
}

TEST(Zip, SearchesOnlyTheEdgesOfAnEnormousGap) {
  char path[] = "zip_test_XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  unlink(path);
  constexpr std::uint64_t kGap = 3ull << 30;
  const auto tail = local_header(member("hidden", "x").local) + "x" + archive({member("a", "1")});
  ASSERT_EQ(pwrite(file, tail.data(), tail.size(), kGap), static_cast<ssize_t>(tail.size()));
  const bytes::FileSource source{file, kGap + tail.size()};
  const Counted counted{source};
  bytes::Budget budget{{}, source.size()};
  const auto r = zip::read(counted, budget);
  ASSERT_EQ(r.facts.entries.size(), 2u);
  EXPECT_EQ(r.facts.entries[0].name, "hidden");
  const auto coverage = r.facts.coverage.finish(source.size());
  ASSERT_EQ(coverage.unexamined.size(), 1u);
  EXPECT_EQ(coverage.unexamined[0].reason, "gap too large to search");
  EXPECT_LT(counted.bytes(), 8u << 20);
  close(file);
}

}  // namespace
}  // namespace assay::container::zip
