#include "report/json_document.h"

#include <gtest/gtest.h>

#include "report/sample.h"

namespace assay::report {
namespace {

using format::Call;
using format::Document;
using format::Expr;

Expr expr(Expr::Kind kind, std::string text = "", std::vector<Expr> items = {}) {
  Expr e;
  e.kind = kind;
  e.size = text.size() + items.size();
  e.text = std::move(text);
  e.items = std::move(items);
  return e;
}

/// One of every fact, every word and every number at its end; every string is `text`.
Document document(const std::string& text) {
  Document d;
  d.schema = format::kDocumentSchema;
  d.parser = d.path = d.tier = text;
  d.size = ~std::uint64_t{0};
  d.sha256 = std::string(64, 'a');
  format::Member root{0, text, text, 0, d.size, {text, text}, {}};
  root.coverage.total = {1, d.size - 2, 0, 0, 1};
  root.coverage.unexamined = {{{0, 1}, text}};
  d.members = {root, {0, text, text, 7, 0, {}, {}}};
  d.pickles = {{{1, 2}, 3, format::kAllProfiles, 255, false, true, 4}};
  d.imports = {{{0, 1}, 1, text, text, text, false, 2}};
  for (unsigned k = 0; k <= format::kLastCallKind; ++k) {
    Call c;
    c.place = {1, k};
    c.kind = static_cast<Call::Kind>(k);
    c.callee = expr(Expr::Kind::symbol, text);
    c.callee.name = text;
    for (unsigned e = 0; e <= format::kLastExprKind; ++e) c.args.push_back(expr(static_cast<Expr::Kind>(e), text));
    c.sampled = true;
    d.calls.push_back(c);
  }
  d.quirks = {{{0, 9}, 0, text, text}};
  for (unsigned i = 0; i <= static_cast<unsigned>(kLastErrc); ++i)
    d.stops.push_back({{0, i}, 3, text, static_cast<Errc>(i), text});
  d.checkpoints = {{1, text, 5, 6, true, text, {1, 8}}};
  d.references = {{text, text}};
  return d;
}

Document smallest() {
  Document d;
  d.schema = format::kDocumentSchema;
  d.members.resize(1);
  return d;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

std::string_view refusal(const std::string& line) {
  const auto read = document_from_json(line);
  return read ? "nothing" : read.error().what;
}

TEST(JsonDocument, ComesBackWhateverTheBytes) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const auto& text :
       {std::string{}, std::string{"plain"}, std::string{"模型"}, sample::kHostile, all, std::string(3, '\0')}) {
    const auto d = document(text);
    ASSERT_TRUE(format::validate(d));
    const auto line = to_json(d);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
    const auto back = document_from_json(line);
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(*back, d);
  }
}

TEST(JsonDocument, WritesWordsForPeople) {
  const auto line = to_json(document("x\xff"));
  EXPECT_NE(line.find(R"("kind":"REDUCE")"), std::string::npos);
  EXPECT_NE(line.find(R"("kind":"symbol")"), std::string::npos);
  EXPECT_NE(line.find(R"("code":"limit-reached")"), std::string::npos);
  EXPECT_NE(line.find(R"("path":{"hex":"78ff"})"), std::string::npos);
}

TEST(JsonDocument, IgnoresWhiteSpaceOnly) {
  EXPECT_TRUE(document_from_json(" " + to_json(smallest()) + "\r\n"));
  EXPECT_EQ(refusal(to_json(smallest()) + to_json(smallest())), "not JSON");
  EXPECT_EQ(refusal(""), "not JSON");
}

TEST(JsonDocument, SaysWhereItStopsBeingJson) {
  const auto read = document_from_json(R"({"schema":x)");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().offset, 11u);
}

TEST(JsonDocument, RefusesWhatItWouldNotWrite) {
  const auto line = to_json(smallest());
  EXPECT_EQ(refusal("[]"), "not an object");
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tiers":"")")), "a key is missing");
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tier":"","more":1)")), "unknown key");
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tier":1)")), "not a text");
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tier":null)")), "not a text");
  EXPECT_EQ(refusal(replaced(line, R"("size":0)", R"("size":-1)")), "not a whole number");
  EXPECT_EQ(refusal(replaced(line, R"("size":0)", R"("size":0.0)")), "not a whole number");
  EXPECT_EQ(refusal(replaced(line, R"("size":0)", R"("size":1e999)")), "a value out of range");
  EXPECT_EQ(refusal(replaced(line, R"("size":0)", R"("size":18446744073709551616)")), "not a whole number");
  EXPECT_EQ(refusal(replaced(line, R"("parent":0)", R"("parent":4294967296)")), "number too large");
  EXPECT_EQ(refusal(replaced(line, R"("calls":[])", R"("calls":{})")), "not a list");
  EXPECT_EQ(refusal(replaced(line, R"("calls":[])", R"("calls":[0])")), "not an object");
  EXPECT_EQ(refusal(replaced(line, "assay-document/1", "assay-document/2")), "document has another schema");
}

// A document that says one thing to us and another to a parser that keeps the other key hides a finding.
TEST(JsonDocument, RefusesRepeatedKeys) {
  const auto line = to_json(smallest());
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tier":"a","tier":"")")), "a key is there twice");
  EXPECT_EQ(refusal(replaced(line, R"("parent":0)", R"("parent":1,"parent":0)")), "a key is there twice");
}

TEST(JsonDocument, KnowsOneFormForEachString) {
  const auto line = to_json(smallest());
  for (const auto* hex : {R"({"hex":"61"})", R"({"hex":""})", R"({"hex":"FF"})", R"({"hex":"f"})", R"({"hex":"zz"})"})
    EXPECT_EQ(refusal(replaced(line, R"("tier":"")", std::string{R"("tier":)"} + hex)),
              "not the hex form of bytes that are no text");
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tier":{"hex":"ff","x":1})")), "not a text");
  EXPECT_EQ(refusal(replaced(line, R"("tier":"")", R"("tier":{"hex":1})")), "not a text");
}

TEST(JsonDocument, RefusesUnknownWords) {
  const auto line = to_json(document(""));
  EXPECT_EQ(refusal(replaced(line, R"("kind":"REDUCE")", R"("kind":"reduce")")), "unknown word");
  EXPECT_EQ(refusal(replaced(line, R"("code":"io")", R"("code":5)")), "not a word");
}

TEST(JsonDocument, RefusesWhatAHostileCellCouldClaim) {
  auto d = smallest();
  d.imports.resize(1);
  auto line = to_json(d);
  EXPECT_EQ(refusal(replaced(line, R"("place":{"member":0)", R"("place":{"member":7)")), "import outside the document");
}

TEST(JsonDocument, AcceptsTheDeepestDocumentAndNothingDeeper) {
  auto d = smallest();
  Expr e = expr(Expr::Kind::none, "\xff");
  for (int i = 0; i < 16; ++i) e = expr(Expr::Kind::tuple, "", {e});
  d.calls.resize(1);
  d.calls[0].args = {e};
  ASSERT_TRUE(format::validate(d));
  const auto back = document_from_json(to_json(d));
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, d);

  const auto line = replaced(to_json(smallest()), R"("tier":"")", R"("tier":)" + std::string(100'000, '['));
  EXPECT_EQ(refusal(line), "nested too deeply");
  EXPECT_EQ(refusal(R"({"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})"),
            "a key is missing");
}

TEST(JsonDocument, EveryTruncationIsRefused) {
  const auto line = to_json(document("a\xff"));
  for (std::size_t n = 0; n < line.size(); n += 101) EXPECT_FALSE(document_from_json(line.substr(0, n))) << n;
}

TEST(JsonRepository, ComesBackAsItWas) {
  Repository r{"models/\xff", {{"symlink", "a\n\xc3", "../b"}, {"symlink", "", ""}}, 3, ~std::uint64_t{0}};
  const auto line = to_json(r);
  EXPECT_TRUE(line.starts_with(R"({"schema":"assay-repository/1","documents":3,)")) << line;
  const auto again = repository_from_json(line);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->root, r.root);
  EXPECT_EQ(again->documents, 3u);
  EXPECT_EQ(again->excluded, ~std::uint64_t{0});
  ASSERT_EQ(again->links.size(), 2u);
  EXPECT_EQ(again->links[0].kind, "symlink");
  EXPECT_EQ(again->links[0].from, "a\n\xc3");
  EXPECT_EQ(again->links[0].to, "../b");
}

TEST(JsonRepository, RefusesWhatItWouldNotWrite) {
  const auto line = to_json(Repository{});
  ASSERT_TRUE(repository_from_json(line));
  for (const auto& forged : {replaced(line, "repository/1", "repository/2"), replaced(line, R"("documents":0,)", ""),
                             replaced(line, R"("root":"")", R"("root":"","more":1)"),
                             replaced(line, R"("root":"")", R"("root":{"hex":"61"})"),
                             replaced(line, R"("documents":0)", R"("documents":-1)"), to_json(smallest()),
                             std::string{"nonsense"}, std::string(100'000, '[')})
    EXPECT_FALSE(repository_from_json(forged)) << forged.substr(0, 200);
}

}  // namespace
}  // namespace assay::report
