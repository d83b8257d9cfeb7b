#include "scan/exports.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "detect/detect.h"
#include "scan/sample.h"

namespace assay::scan {
namespace {

using namespace sample;
using bytes::Extent;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File empty_file() { return File{std::tmpfile(), &std::fclose}; }

/// What one examination exports, and whether it wants a spool.
struct Exported {
  Exported(const bytes::Source& root, int spool) {
    bytes::SpoolFile lent{spool};
    Exporter exporter{root, lent};
    Examination how;
    how.third_party = true;
    how.care = detect::care;
    how.on_member_bytes = [&](const MemberBytes& bytes) { exporter.add(bytes); };
    document = *examine(root, lent, how);
    needs_spool = exporter.needs_spool();
    all = exporter.take();
  }
  const Export& of(std::string_view name) const {
    for (const auto& e : all)
      if (document.members[e.member].name == name) return e;
    ADD_FAILURE() << "no export of " << name;
    return all.at(0);
  }

  format::Document document;
  std::vector<Export> all;
  bool needs_spool = false;
};

std::string bytes_of(const Export& e, const bytes::Source& file, int spool) {
  const bytes::FileSource spooled{spool, e.offset + e.length};
  const auto read =
      bytes::read_exactly(e.spooled ? static_cast<const bytes::Source&>(spooled) : file, e.offset, e.length);
  return read ? std::string{bytes::text(*read)} : "";
}

TEST(Exports, StoredMembersAreRangesOfTheFile) {
  const auto file = zip({{"a.txt", "hello, world\n"}, {"b.pkl", kHarmless}});
  const bytes::MemorySource small{bytes::view(file)};
  const auto on_disk = empty_file();
  ASSERT_EQ(std::fwrite(file.data(), 1, file.size(), on_disk.get()), file.size());
  std::fflush(on_disk.get());
  const bytes::FileSource large{::fileno(on_disk.get()), file.size()};
  for (const bytes::Source* root :
       {static_cast<const bytes::Source*>(&small), static_cast<const bytes::Source*>(&large)}) {
    const Exported e{*root, -1};
    EXPECT_FALSE(e.needs_spool);
    ASSERT_EQ(e.all.size(), 3u);
    EXPECT_EQ(bytes_of(e.of(""), *root, -1), file);
    EXPECT_EQ(bytes_of(e.of("a.txt"), *root, -1), "hello, world\n");
    EXPECT_EQ(bytes_of(e.of("b.pkl"), *root, -1), kHarmless);
  }
}

TEST(Exports, WhatWasDecodedIsCopiedToTheSpool) {
  const auto file = zip({{"a.gz", gzip("hello, world\n")}, {"b.gz", gzip("goodbye\n")}});
  const bytes::MemorySource root{bytes::view(file)};
  const auto spool = empty_file();
  const Exported e{root, ::fileno(spool.get())};
  std::vector<std::string> decoded;
  for (const auto& x : e.all)
    if (x.spooled) decoded.push_back(bytes_of(x, root, ::fileno(spool.get())));
  EXPECT_EQ(decoded, (std::vector<std::string>{"hello, world\n", "goodbye\n"}));
}

TEST(Exports, WithoutASpoolDecodedBytesAskForOne) {
  const auto file = gzip("hello, world\n");
  EXPECT_TRUE((Exported{bytes::MemorySource{bytes::view(file)}, -1}.needs_spool));
}

TEST(Exports, SayWhereTensorsAre) {
  const std::string header = R"({"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})";
  const auto file = le<std::uint64_t>(header.size()) + header + "12345678";
  const Exported e{bytes::MemorySource{bytes::view(file)}, -1};
  ASSERT_EQ(e.all.size(), 1u);
  EXPECT_EQ(e.all[0].tensors, (std::vector<Extent>{{8 + header.size(), file.size()}}));
}

TEST(Exports, WhatHidesInAByteStringIsExportedToo) {
  const auto file =
      "\x80\4"
      "C" +
      std::string(1, static_cast<char>(kPayload.size())) + kPayload + ".";
  const bytes::MemorySource root{bytes::view(file)};
  const Exported e{root, -1};
  ASSERT_EQ(e.all.size(), 2u);
  const auto& inner = e.all[0].member == 0 ? e.all[1] : e.all[0];
  EXPECT_EQ(bytes_of(inner, root, -1), kPayload);
}

// A taken-over cell may claim anything; the parent reads these ranges.
TEST(Exports, OfAHostileCellMustStayInside) {
  const auto fine = [](Export e) { return are_inside({std::move(e)}, 2, 100, 50); };
  EXPECT_TRUE(fine({1, false, 90, 10, {}}));
  EXPECT_TRUE(fine({1, true, 40, 10, {}}));
  EXPECT_FALSE(fine({2, false, 0, 1, {}}));
  EXPECT_FALSE(fine({1, false, 91, 10, {}}));
  EXPECT_FALSE(fine({1, true, 41, 10, {}}));
  EXPECT_FALSE(fine({1, false, ~std::uint64_t{0}, 2, {}}));
  EXPECT_FALSE(fine({1, false, 2, ~std::uint64_t{0}, {}}));
  EXPECT_FALSE(are_inside(std::vector<Export>(3), 2, 100, 50));
}

}  // namespace
}  // namespace assay::scan
