#include "format/document.h"

#include <array>
#include <numeric>

namespace assay::format {
namespace {

constexpr std::array<std::string_view, kProfiles> kProfileNames = {
    "cpython-c-3.12", "cpython-c-3.12-file", "cpython-c-3.14", "cpython-py", "joblib", "pickletools"};

constexpr std::array<std::string_view, kLastCallKind + 1> kCallNames = {
    "REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "APPEND", "SETITEM", "ADDITEMS", "PERSID"};

constexpr std::size_t kDeepestExpr = 16;
constexpr std::size_t kMostEngines = 16;

bool valid(const Expr& e, std::size_t depth = 0) {
  if (depth > kDeepestExpr || static_cast<std::uint8_t>(e.kind) > kLastExprKind) return false;
  for (const auto& item : e.items)
    if (!valid(item, depth + 1)) return false;
  return true;
}

}  // namespace

std::string_view to_string(Profile profile) noexcept { return kProfileNames[static_cast<std::size_t>(profile)]; }
std::string_view to_string(Call::Kind kind) noexcept { return kCallNames[static_cast<std::size_t>(kind)]; }

std::string_view parser_version() noexcept { return "assay 0.1.0"; }

Result<void> validate(const Document& d) {
  const auto bad = [](std::string_view what) { return fail(Errc::malformed, 0, what); };
  if (d.schema != kDocumentSchema) return bad("document has another schema");
  if (d.members.empty()) return bad("document without members");
  if (d.members[0].size != d.size || d.members[0].parent != 0) return bad("document's root does not match its size");
  if (!d.sha256.empty() && d.sha256.size() != 64) return bad("document's digest is no SHA-256");
  for (std::size_t i = 0; i < d.members.size(); ++i) {
    const auto& m = d.members[i];
    if (i > 0 && m.parent >= i) return bad("member before its parent");
    std::uint64_t sum = 0;
    for (const auto n : m.coverage.total)
      if (__builtin_add_overflow(sum, n, &sum)) return bad("coverage overflows");
    if (sum != m.size) return bad("coverage does not add up to the member's size");
    if (m.coverage.unexamined.size() > bytes::kMostUnexamined) return bad("too many unexamined ranges");
    if (m.coverage.unexamined.empty() != m.coverage.complete()) return bad("unexamined bytes without a range");
  }
  const auto outside = [&](const Place& p) { return p.member >= d.members.size(); };
  for (const auto& p : d.pickles)
    if (outside(p.place)) return bad("pickle outside the document");
  for (const auto& i : d.imports)
    if (outside(i.place)) return bad("import outside the document");
  for (const auto& c : d.calls) {
    if (outside(c.place)) return bad("call outside the document");
    if (static_cast<std::uint8_t>(c.kind) > kLastCallKind) return bad("unknown kind of call");
    if (!valid(c.callee)) return bad("impossible callee");
    for (const auto& arg : c.args)
      if (!valid(arg)) return bad("impossible argument");
  }
  for (const auto& q : d.quirks)
    if (outside(q.place)) return bad("quirk outside the document");
  for (const auto& s : d.stops) {
    if (outside(s.place)) return bad("stop outside the document");
    if (s.code > kLastErrc) return bad("unknown kind of stop");
  }
  for (const auto& c : d.checkpoints)
    if (c.member >= d.members.size() || outside(c.reason_place)) return bad("checkpoint outside the document");
  for (const auto& o : d.observations)
    if (outside(o.place)) return bad("observation outside the document");
  if (d.origins.size() > 1) return bad("more than one origin");
  if (d.engines.size() > kMostEngines) return bad("more engines than there are");
  for (std::size_t i = 0; i < d.engines.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (d.engines[i].engine == d.engines[j].engine) return bad("an engine ran twice");
  return {};
}

std::string member_path(const Document& document, std::uint32_t member) {
  std::vector<std::uint32_t> chain;
  for (auto i = member; i != 0; i = document.members[i].parent) chain.push_back(i);
  std::string out;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    if (!out.empty()) out += "/";
    out += document.members[*it].name;
  }
  return out;
}

}  // namespace assay::format
