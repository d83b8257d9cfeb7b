#include "format/document.h"

#include <gtest/gtest.h>

#include "format/sample.h"

namespace assay::format {
namespace {

std::string_view complaint(const Document& d) {
  const auto valid = validate(d);
  return valid ? std::string_view{"none"} : valid.error().what;
}

TEST(Document, OneOfEverythingIsValid) { EXPECT_EQ(complaint(sample::document()), "none"); }

// Everything that a taken-over cell could write into its answer to mislead or crash its parent.
TEST(Document, EachLieIsRefused) {
  const std::pair<std::string_view, void (*)(Document&)> lies[] = {
      {"document has another schema", [](Document& d) { d.schema = "assay-document/2"; }},
      {"document without members", [](Document& d) { d.members.clear(); }},
      {"document's root does not match its size", [](Document& d) { ++d.size; }},
      {"document's root does not match its size", [](Document& d) { d.members[0].parent = 1; }},
      {"document's digest is no SHA-256", [](Document& d) { d.sha256 = "abc"; }},
      {"member before its parent", [](Document& d) { d.members[1].parent = 1; }},
      {"member before its parent", [](Document& d) { d.members[1].parent = 77; }},
      {"coverage does not add up to the member's size", [](Document& d) { ++d.members[1].coverage.total[1]; }},
      {"coverage does not add up to the member's size", [](Document& d) { ++d.members[1].size; }},
      {"coverage overflows",
       [](Document& d) {
         d.members[1].coverage.total = {UINT64_MAX, 2, 0, 0, 0};
       }},
      {"too many unexamined ranges",
       [](Document& d) { d.members[1].coverage.unexamined.resize(bytes::kMostUnexamined + 1); }},
      {"unexamined bytes without a range", [](Document& d) { d.members[1].coverage.unexamined.clear(); }},
      {"unexamined bytes without a range", [](Document& d) { d.members[0].coverage.unexamined.resize(1); }},
      {"pickle outside the document", [](Document& d) { d.pickles[0].place.member = 9; }},
      {"import outside the document", [](Document& d) { d.imports[0].place.member = 9; }},
      {"call outside the document", [](Document& d) { d.calls[0].place.member = 9; }},
      {"unknown kind of call", [](Document& d) { d.calls[0].kind = static_cast<Call::Kind>(kLastCallKind + 1); }},
      {"impossible callee", [](Document& d) { d.calls[0].callee.kind = static_cast<Expr::Kind>(kLastExprKind + 1); }},
      {"impossible argument", [](Document& d) { d.calls[0].args[0].items[0].kind = static_cast<Expr::Kind>(200); }},
      {"quirk outside the document", [](Document& d) { d.quirks[0].place.member = 9; }},
      {"stop outside the document", [](Document& d) { d.stops[0].place.member = 9; }},
      {"unknown kind of stop", [](Document& d) { d.stops[0].code = static_cast<Errc>(99); }},
      {"checkpoint outside the document", [](Document& d) { d.checkpoints[0].member = 9; }},
      {"checkpoint outside the document", [](Document& d) { d.checkpoints[0].reason_place.member = 9; }},
  };
  for (const auto& [expected, lie] : lies) {
    auto d = sample::document();
    lie(d);
    EXPECT_EQ(complaint(d), expected);
  }
}

TEST(Document, AnExpressionTooDeepForItsReadersIsRefused) {
  auto d = sample::document();
  for (int i = 0; i < 40; ++i) {
    Expr outer;
    outer.kind = Expr::Kind::tuple;
    outer.items.push_back(std::move(d.calls[0].callee));
    d.calls[0].callee = std::move(outer);
  }
  EXPECT_EQ(complaint(d), "impossible callee");
}

TEST(Document, PathsOfMembersAreJoinedFromTheRootDown) {
  const auto d = sample::document();
  EXPECT_EQ(member_path(d, 0), "");
  EXPECT_EQ(member_path(d, 1), "archive/data.pkl");
  EXPECT_EQ(member_path(d, 2), "archive/data.pkl/bytes@7");
}

TEST(Document, EveryProfileAndKindHasAName) {
  for (unsigned i = 0; i < kProfiles; ++i) EXPECT_FALSE(to_string(static_cast<Profile>(i)).empty());
  for (unsigned i = 0; i <= kLastCallKind; ++i) EXPECT_FALSE(to_string(static_cast<Call::Kind>(i)).empty());
}

}  // namespace
}  // namespace assay::format
