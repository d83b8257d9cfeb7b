#include "detect/written.h"

#include <algorithm>

#include "base/text.h"

namespace assay::detect {
namespace {

using format::Expr;
using Kind = Expr::Kind;

void write(std::string& out, const Expr& e, std::size_t most, unsigned depth);

void write_list(std::string& out, std::span<const Expr> items, bool cut, std::size_t most, unsigned depth) {
  bool first = true;
  for (const auto& item : items) {
    if (out.size() > most) return;
    if (!first) out += ", ";
    first = false;
    write(out, item, most, depth + 1);
  }
  if (cut) out += first ? "…" : ", …";
}

void quote(std::string& out, std::string_view raw, bool cut, std::size_t most) {
  constexpr std::size_t kMostQuoted = 160;
  out += "'";
  out += printable(raw, std::min(most, kMostQuoted));
  if (cut && raw.size() <= kMostQuoted) out += "…";
  out += "'";
}

void write(std::string& out, const Expr& e, std::size_t most, unsigned depth) {
  if (out.size() > most || depth > kDeepest) {
    out += "…";
    return;
  }
  switch (e.kind) {
    case Kind::unknown: out += e.name.empty() ? "?" : printable(dotted(e), 120) + "?"; break;
    case Kind::none: out += "None"; break;
    case Kind::boolean:
    case Kind::real: out += printable(e.text, 64); break;
    case Kind::integer:
      out += e.text.empty() ? "<" + std::to_string(e.size) + "-byte integer>" : printable(e.text, 64);
      break;
    case Kind::text: quote(out, e.text, e.cut, most); break;
    case Kind::bytes:
      out += "b";
      quote(out, e.text, e.cut, 48);
      break;
    case Kind::symbol: out += printable(dotted(e), 200); break;
    case Kind::call:
    case Kind::instance:
      if (e.items.empty()) {
        out += "?";
        break;
      }
      write(out, e.items[0], most, depth + 1);
      out += "(";
      write_list(out, std::span{e.items}.subspan(1), e.cut, most, depth);
      out += ")";
      break;
    case Kind::tuple:
    case Kind::list:
    case Kind::set:
      out += e.kind == Kind::tuple ? "(" : e.kind == Kind::list ? "[" : "{";
      write_list(out, e.items, e.cut, most, depth);
      out += e.kind == Kind::tuple ? (e.size == 1 ? ",)" : ")") : e.kind == Kind::list ? "]" : "}";
      break;
    case Kind::dict:
      out += "{";
      for (std::size_t i = 0; i + 1 < e.items.size() && out.size() <= most; i += 2) {
        if (i > 0) out += ", ";
        write(out, e.items[i], most, depth + 1);
        out += ": ";
        write(out, e.items[i + 1], most, depth + 1);
      }
      out += e.cut ? ", …}" : "}";
      break;
    case Kind::persistent:
      out += "persistent_load(";
      write_list(out, e.items, e.cut, most, depth);
      out += ")";
      break;
    case Kind::extension: out += "extension " + printable(e.text, 20); break;
  }
}

}  // namespace

std::string dotted(const Expr& symbol) {
  if (symbol.name.empty()) return symbol.text;
  return symbol.text.empty() ? symbol.name : symbol.text + "." + symbol.name;
}

std::string written(const Expr& value, std::size_t most) {
  std::string out;
  write(out, value, most, 0);
  return out;
}

std::string written_call(const Expr& callee, std::span<const Expr> args, std::size_t most) {
  std::string out;
  write(out, callee, most, 0);
  out += "(";
  write_list(out, args, false, most, 0);
  return out + ")";
}

}  // namespace assay::detect
