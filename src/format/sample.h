// Documents for the tests: one of everything, and any number of random ones.
#pragma once
#include <random>
#include <string>

#include "format/document.h"

namespace assay::format::sample {

/// Three members inside each other and one fact of each kind; valid.
inline Document document() {
  Document d;
  d.schema = kDocumentSchema;
  d.parser = parser_version();
  d.path = "model.pt";
  d.size = 100;
  d.sha256 = std::string(64, 'a');
  d.tier = "cell";
  d.members.push_back({0, "", "file", 0, 100, {"zip"}, {{50, 40, 0, 10, 0}, {}}});
  d.members.push_back(
      {0, "archive/data.pkl", "zip member", 10, 50, {"pickle"}, {{0, 30, 0, 0, 20}, {{{30, 50}, "why"}}}});
  d.members.push_back({1, "bytes@7", "byte string", 7, 3, {}, {{0, 0, 3, 0, 0}, {}}});
  d.pickles.push_back({{1, 0}, 30, kAllProfiles, 2, true, false, 12});
  d.imports.push_back({{1, 2}, kAllProfiles, "posix", "system", "os system", true, 3});
  Expr name{Expr::Kind::symbol, false, 0, "posix", "system", {}};
  Expr text{Expr::Kind::text, true, 5000, std::string{"tr\0ue", 5}, "", {}};
  Expr list{Expr::Kind::list, false, 1, "", "", {text}};
  d.calls.push_back({{1, 20}, kAllProfiles, Call::Kind::reduce, name, {list}, 1, true});
  d.quirks.push_back({{0, 5}, 0, "zip.duplicate-differs", "a\xff"});
  d.stops.push_back({{1, 30}, kAllProfiles, "pickle", Errc::truncated, "ends"});
  d.checkpoints.push_back({0, "zip", 7, 1234, false, "because", {1, 20}});
  d.references.push_back({"shard", "model-00001.safetensors"});
  d.observations.push_back({"secrets",
                            "secret.huggingface.token",
                            {1, 4},
                            37,
                            2,
                            "hf_a…xyz",
                            "0123456789abcdef",
                            "acme",
                            "verified",
                            "high",
                            ""});
  d.origins.push_back({"ce013625030ba8dba906f756967f9e9ca394464a", "0123456789abcdef0123456789abcdef01234567",
                       "A U Thor", "author@example.com", "2023-11-14T22:13:20Z", 2});
  d.engines.push_back({"secrets", "0.1.0", "fedcba9876543210", false, "a stretch had too many keywords", 7});
  return d;
}

/// Valid documents that differ in everything: empty and long texts, deep values, large numbers.
class RandomDocuments {
 public:
  explicit RandomDocuments(std::uint32_t seed) : random_{seed} {}

  Document next() {
    Document d;
    d.schema = kDocumentSchema;
    d.parser = text();
    d.path = text();
    d.sha256 = below(2) == 0 ? "" : std::string(64, 'b');
    d.tier = text();
    for (std::uint32_t i = 0, n = 1 + below(4); i < n; ++i) d.members.push_back(member(i));
    d.size = d.members[0].size;
    members_ = static_cast<std::uint32_t>(d.members.size());
    for (auto n = below(4); n > 0; --n)
      d.pickles.push_back({place(), number(), byte(), byte(), flag(), flag(), number()});
    for (auto n = below(4); n > 0; --n)
      d.imports.push_back({place(), byte(), text(), text(), text(), flag(), number()});
    for (auto n = below(4); n > 0; --n) d.calls.push_back(call());
    for (auto n = below(4); n > 0; --n) d.quirks.push_back({place(), byte(), text(), text()});
    for (auto n = below(4); n > 0; --n)
      d.stops.push_back(
          {place(), byte(), text(), static_cast<Errc>(below(static_cast<std::uint32_t>(kLastErrc) + 1)), text()});
    for (auto n = below(3); n > 0; --n)
      d.checkpoints.push_back({below(members_), text(), number(), number(), flag(), text(), place()});
    for (auto n = below(3); n > 0; --n) d.references.push_back({text(), text()});
    for (auto n = below(3); n > 0; --n)
      d.observations.push_back(
          {text(), text(), place(), number(), number(), text(), text(), text(), text(), text(), ""});
    for (auto n = below(3); n > 0; --n)
      d.engines.push_back({"engine " + std::to_string(n), text(), text(), flag(), text(), number()});
    return d;
  }

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool flag() { return below(2) == 0; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(below(256)); }
  std::uint64_t number() { return (std::uint64_t{random_()} << 32 | random_()) >> below(64); }
  Place place() { return {below(members_), number()}; }
  std::string text() {
    std::string out;
    for (auto n = below(4) == 0 ? below(300) : below(6); n > 0; --n) out += static_cast<char>(below(256));
    return out;
  }
  Member member(std::uint32_t index) {
    Member m{index == 0 ? 0 : below(index), text(), text(), number(), 0, {}, {}};
    for (auto n = below(3); n > 0; --n) m.formats.push_back(text());
    for (auto& total : m.coverage.total) total = number() >> 8;
    for (const auto total : m.coverage.total) m.size += total;
    if (!m.coverage.complete())
      for (auto n = 1 + below(3); n > 0; --n) m.coverage.unexamined.push_back({{number(), number()}, text()});
    return m;
  }
  Expr value(unsigned depth) {
    Expr e{static_cast<Expr::Kind>(below(kLastExprKind + 1)), flag(), number(), text(), text(), {}};
    for (auto n = depth < 5 ? below(3) : 0; n > 0; --n) e.items.push_back(value(depth + 1));
    return e;
  }
  Call call() {
    Call c{place(), byte(), static_cast<Call::Kind>(below(kLastCallKind + 1)), value(0), {}, number(), flag()};
    for (auto n = below(4); n > 0; --n) c.args.push_back(value(0));
    return c;
  }

  std::mt19937 random_;
  std::uint32_t members_ = 1;
};

}  // namespace assay::format::sample
