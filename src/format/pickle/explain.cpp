// What sinks may ask about values.
#include <array>
#include <bit>
#include <cstdio>

#include "format/pickle/machine.h"
#include "format/pickle/text.h"

namespace assay::format::pickle {

std::optional<std::uint32_t> Machine::symbol_of(const Value& v) const {
  if (v.tag == Tag::symbol) return static_cast<std::uint32_t>(v.at);
  if ((v.tag == Tag::call || v.tag == Tag::instance) && v.len > 0) return v.len - 1;
  return std::nullopt;
}

std::string Machine::text_of(const Value& v, std::size_t most) const {
  const std::uint64_t wanted = std::min<std::uint64_t>(v.len, most);
  auto raw = bytes::read_up_to(source_, v.at, wanted);
  if (!raw) return {};
  const auto text = bytes::text(*raw);
  if ((v.flags & kEscaped) != 0) return unescaped(text);
  if ((v.flags & kRawUnicode) != 0) return raw_unicode(text);
  return std::string{text};
}

std::optional<Value> Machine::node(const Value& v, std::size_t i) const { return now_->heap.node(v, i); }

std::optional<Value> Machine::item(const Value& v, std::size_t i) const { return now_->heap.item(v, i); }

std::optional<std::uint64_t> Machine::length(const Value& v) const {
  if (v.tag == Tag::text || v.tag == Tag::bytes || v.tag == Tag::tuple || v.tag == Tag::frozenset) return v.len;
  const auto kept = now_->heap.kept(v);
  return kept ? std::optional{kept->size} : std::nullopt;
}

std::optional<Value> Machine::lookup(const Value& dict, std::string_view key) const {
  for (std::size_t i = 0; i < 2 * Heap::kKeptPairs; i += 2) {
    const auto k = item(dict, i);
    if (!k) return std::nullopt;
    if (k->tag == Tag::text && text_of(*k, key.size() + 1) == key) return item(dict, i + 1);
  }
  return std::nullopt;
}

bool Machine::special_keys(const Value& state) const {
  if (state.tag == Tag::tuple && state.len == 2) {  // BUILD's state with slots: two dicts of attributes
    const auto attributes = item(state, 0), slots = item(state, 1);
    const auto special = [&](const std::optional<Value>& v) {
      return !v || v->tag == Tag::unknown || (v->tag == Tag::dict && special_keys(*v));
    };
    return special(attributes) || special(slots);
  }
  if (state.tag != Tag::dict) return false;
  const auto kept = now_->heap.kept(state);
  return !kept || (kept->marks & (kSpecialKeys | kNameValues)) != 0;
}

bool Machine::hides_special_key(const Value& dict) const {
  const auto kept = dict.tag == Tag::dict ? now_->heap.kept(dict) : std::nullopt;
  return kept && (kept->marks & kSpecialKeys) != 0 && kept->size > kept->count;
}

Expr Machine::explain(const Value& v) const {
  std::size_t left = 600;  // expressions; a fact must stay small whatever the file builds
  return explain(v, 0, left);
}

void Machine::explain_items(Expr& out, std::uint64_t first, std::size_t kept, std::size_t depth,
                            std::size_t& left) const {
  for (std::size_t i = 0; i < kept; ++i) {
    if (left == 0) {
      out.cut = true;
      return;
    }
    out.items.push_back(explain(now_->heap.cell(first + i), depth + 1, left));
  }
}

Expr Machine::explain(const Value& v, std::size_t depth, std::size_t& left) const {
  constexpr std::size_t kDeepest = 8;
  constexpr std::size_t kMostText = 1024;
  Expr e;
  if (left > 0) --left;
  const auto composite = [&](Expr::Kind kind) {
    e.kind = kind;
    const auto kept = now_->heap.kept(v);
    e.size = kept ? kept->size : length(v).value_or(0);
    if (kept && depth < kDeepest) explain_items(e, kept->first, kept->count, depth, left);
    if (!kept || e.items.size() < e.size) e.cut = true;
  };
  switch (v.tag) {
    case Tag::unknown:
    case Tag::header:
    case Tag::absent: break;
    case Tag::none: e.kind = Expr::Kind::none; break;
    case Tag::boolean:
      e.kind = Expr::Kind::boolean;
      e.text = v.at != 0 ? "True" : "False";
      break;
    case Tag::integer:
      e.kind = Expr::Kind::integer;
      e.text = std::to_string(static_cast<std::int64_t>(v.at));
      break;
    case Tag::big_integer:
      e.kind = Expr::Kind::integer;
      e.size = v.len;
      e.cut = true;
      break;
    case Tag::real: {
      e.kind = Expr::Kind::real;
      std::array<char, 32> digits;
      const int n = std::snprintf(digits.data(), digits.size(), "%.17g", std::bit_cast<double>(v.at));
      e.text.assign(digits.data(), static_cast<std::size_t>(n));
      break;
    }
    case Tag::text:
    case Tag::bytes:
      e.kind = v.tag == Tag::text ? Expr::Kind::text : Expr::Kind::bytes;
      e.size = v.len;
      e.text = text_of(v, v.tag == Tag::text ? kMostText : 64);
      e.cut = v.len > (v.tag == Tag::text ? kMostText : 64);
      left -= std::min(left, e.text.size() / 32);  // long texts are not free: 600 of them would be half a megabyte
      break;
    case Tag::symbol: {
      const auto& s = symbols_[v.at];
      e.kind = s.resolved ? Expr::Kind::symbol : Expr::Kind::unknown;
      e.text = s.module;
      e.name = s.name;
      e.size = s.resolved ? 0 : 1;  // a name that is computed is known to be a name
      break;
    }
    case Tag::tuple: composite(Expr::Kind::tuple); break;
    case Tag::frozenset: composite(Expr::Kind::set); break;
    case Tag::list: composite(Expr::Kind::list); break;
    case Tag::dict: composite(Expr::Kind::dict); break;
    case Tag::set: composite(Expr::Kind::set); break;
    case Tag::call:
    case Tag::instance: {
      e.kind = v.tag == Tag::call ? Expr::Kind::call : Expr::Kind::instance;
      const auto callee = node(v, 0), given = node(v, 1);
      if (depth >= kDeepest || !callee || !given) {
        e.cut = true;
        if (v.len > 0) e.items.push_back(explain({Tag::symbol, 0, 0, 0, v.len - 1}, kDeepest, left));
        break;
      }
      e.items.push_back(explain(*callee, depth + 1, left));
      auto args = explain(*given, depth, left);
      e.cut = args.cut || args.kind != Expr::Kind::tuple;
      for (auto& arg : args.items) e.items.push_back(std::move(arg));
      e.size = args.size;
      break;
    }
    case Tag::persistent:
      e.kind = Expr::Kind::persistent;
      if (const auto id = node(v, 0); id && depth < kDeepest) e.items.push_back(explain(*id, depth + 1, left));
      else e.cut = true;
      break;
    case Tag::extension:
      e.kind = Expr::Kind::extension;
      e.text = std::to_string(v.at);
      break;
  }
  return e;
}

}  // namespace assay::format::pickle
