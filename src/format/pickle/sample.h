// Pickles and readings for the tests: a small assembler, a source that is not in memory, and values as text.
#pragma once
#include <cstring>
#include <string>

#include "format/member_facts.h"
#include "format/pickle/machine.h"

namespace assay::format::pickle::sample {

using namespace std::string_literals;

template <class T>
std::string le(T n) {
  std::string out(sizeof n, '\0');
  std::memcpy(out.data(), &n, sizeof n);
  return out;
}

inline std::string proto(int version) { return {'\x80', static_cast<char>(version)}; }
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string text(const std::string& s) { return "X" + le(static_cast<std::uint32_t>(s.size())) + s; }
inline std::string bytes_of(const std::string& s) { return "B" + le(static_cast<std::uint32_t>(s.size())) + s; }
inline std::string framed(const std::string& s) { return "\x95" + le(std::uint64_t{s.size()}) + s; }
/// GLOBAL, one text in a tuple, REDUCE: leaves the result on the stack.
inline std::string call(const std::string& module, const std::string& name, const std::string& argument) {
  return global(module, name) + text(argument) + "\x85R";
}
inline std::string times(std::size_t n, const std::string& part) {
  std::string out;
  out.reserve(n * part.size());
  for (std::size_t i = 0; i < n; ++i) out += part;
  return out;
}

/// Bytes as a file gives them: only by read_at.
class FarSource final : public bytes::Source {
 public:
  explicit FarSource(std::string all) : all_{std::move(all)} {}
  std::uint64_t size() const noexcept override { return all_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++reads;
    if (offset >= all_.size()) return std::size_t{0};
    const auto n = std::min<std::size_t>(out.size(), all_.size() - static_cast<std::size_t>(offset));
    if (n > 0) std::memcpy(out.data(), all_.data() + offset, n);
    return n;
  }
  mutable std::size_t reads = 0;

 private:
  std::string all_;
};

inline std::string show(const Expr& e);
inline std::string show(std::span<const Expr> items, bool cut) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + show(item);
  if (cut) out += out.empty() ? "..." : ", ...";
  return out;
}
inline std::string show(const Expr& e) {
  using Kind = Expr::Kind;
  switch (e.kind) {
    case Kind::unknown: return e.size != 0 ? "?" + e.text + "." + e.name : "?";
    case Kind::none: return "None";
    case Kind::boolean:
    case Kind::real: return e.text;
    case Kind::integer: return e.cut ? "<" + std::to_string(e.size) + " bytes>" : e.text;
    case Kind::text: return "'" + e.text + (e.cut ? "'..." : "'");
    case Kind::bytes: return "b'" + e.text + (e.cut ? "'..." : "'");
    case Kind::symbol: return e.text + "." + e.name;
    case Kind::tuple: return "(" + show(e.items, e.cut) + ")";
    case Kind::list: return "[" + show(e.items, e.cut) + "]";
    case Kind::set: return "set(" + show(e.items, e.cut) + ")";
    case Kind::dict: return "{" + show(e.items, e.cut) + "}";
    case Kind::call:
    case Kind::instance: {
      const auto made = e.items.empty() ? "?"s : show(e.items[0]);
      return (e.kind == Kind::call ? "" : "new ") + made + "(" +
             show(std::span{e.items}.subspan(e.items.empty() ? 0 : 1), e.cut) + ")";
    }
    case Kind::persistent: return "pid(" + show(e.items, e.cut) + ")";
    case Kind::extension: return "ext(" + e.text + ")";
  }
  return "";
}

/// Profiles as letters, in the enum's order: c f s p j t.
inline std::string show(Profiles profiles) {
  std::string out;
  for (unsigned i = 0; i < kProfiles; ++i)
    if ((profiles & (1u << i)) != 0) out += "cfspjt"[i];
  return out;
}

/// One document of one member, and the facts about it.
struct Facts {
  explicit Facts(
      std::uint64_t size, bytes::Limits limits = {},
      Caring matter = [](std::string_view, std::string_view) { return Care::result; })
      : budget{limits, size}, facts{document, 0, budget, matter} {
    document.schema = kDocumentSchema;
    document.size = size;
    document.members.push_back({0, "", "file", 0, size, {}, {}});
  }
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;
  Document& finish() {
    document.members[0].coverage = facts.coverage.finish(document.size);
    return document;
  }
  std::vector<std::string> calls() const {
    std::vector<std::string> out;
    for (const auto& c : document.calls)
      out.push_back(std::string{to_string(c.kind)} + " " + show(c.callee) + "(" + show(c.args, false) + ")");
    return out;
  }
  std::vector<std::string> imports() const {
    std::vector<std::string> out;
    for (const auto& i : document.imports) out.push_back(i.module + "." + i.name);
    return out;
  }
  std::vector<std::string> quirks() const {
    std::vector<std::string> out;
    for (const auto& q : document.quirks) out.push_back(q.id);
    return out;
  }

  Document document;
  bytes::Budget budget;
  MemberFacts facts;
};

}  // namespace assay::format::pickle::sample
