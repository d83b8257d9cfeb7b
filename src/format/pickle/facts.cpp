#include "format/pickle/facts.h"

#include "format/pickle/base64.h"
#include "format/pickle/joblib.h"
#include "format/pickle/literal.h"

namespace assay::format::pickle {
namespace {

constexpr std::uint64_t kLongestBase64 = 64 << 20;  ///< characters decoded in memory
constexpr std::size_t kMagicHead = 64;              ///< bytes

std::optional<std::uint64_t> integer(const std::optional<Value>& v) {
  if (!v || v->tag != Tag::integer || static_cast<std::int64_t>(v->at) < 0) return std::nullopt;
  return v->at;
}

}  // namespace

FactSink::Sampled& FactSink::sampled(Machine&, std::uint32_t symbol) {
  if (symbol >= sampled_.size()) sampled_.resize(symbol + 1);
  return sampled_[symbol];
}

Care FactSink::care(Machine& m, std::uint32_t symbol) {
  auto& s = sampled(m, symbol);
  if (!s.care) {
    const auto& name = m.symbol(symbol);
    s.care = name.resolved ? facts_.care(name.module, name.name) : Care::result;
  }
  return *s.care;
}

bool FactSink::carries_callables(Machine& m, const Value& v, int& left) {
  if (v.tag == Tag::symbol) return care(m, static_cast<std::uint32_t>(v.at)) != Care::none;
  if (v.tag == Tag::call) {
    const auto maker = m.symbol_of(v);
    return !maker || care(m, *maker) == Care::result;
  }
  if (v.tag == Tag::extension) return true;
  if (!m.holds_objects(v)) return false;
  for (std::size_t i = 0;; ++i) {
    const auto item = m.item(v, i);
    if (!item) return i < m.length(v).value_or(~std::uint64_t{0});
    if (--left < 0 || carries_callables(m, *item, left)) return true;
    if ((item->flags & kDunder) != 0 && item->tag == Tag::text && v.tag == Tag::dict && i % 2 == 0) return true;
  }
}

void FactSink::on_import(Machine& m, std::uint32_t symbol, std::uint64_t offset, Op) {
  ++imports_;
  auto& s = sampled(m, symbol);
  if (s.imported) {
    auto& fact = facts_.document().imports[s.import_fact];
    ++fact.count;
    fact.profiles |= m.profiles();
    return;
  }
  const auto& name = m.symbol(symbol);
  Import fact{at(offset), m.profiles(), name.module, name.name, name.written, name.resolved, 1};
  wrappers_ |= is_joblib_wrapper(name);
  if (const auto index = facts_.add(std::move(fact))) {
    s.imported = true;
    s.import_fact = static_cast<std::uint32_t>(*index);
  }
}

bool FactSink::counts_only(Machine& m, const CallSite& site, std::optional<std::uint32_t>& symbol) {
  int left = 256;
  const bool changes_object = site.kind == Call::Kind::build || site.kind == Call::Kind::append ||
                              site.kind == Call::Kind::setitem || site.kind == Call::Kind::add;
  if (changes_object) {
    // What was made by a call is judged by that call; what it is filled with says little more, unless the
    // state renames special methods or holds what may be called. A name that is itself changed is another matter.
    if (site.callee.tag == Tag::symbol) return false;
    symbol = m.symbol_of(site.callee);
    if (!symbol || site.kind != Call::Kind::build) return symbol.has_value();
    return !m.special_keys(site.args) && !carries_callables(m, site.args, left);
  }
  if (site.callee.tag != Tag::symbol) return false;
  symbol = static_cast<std::uint32_t>(site.callee.at);
  return care(m, *symbol) == Care::none && !carries_callables(m, site.args, left) &&
         !carries_callables(m, site.extra, left);
}

bool FactSink::is_storage_id(Machine& m, const Value& id) const {
  if (id.tag != Tag::tuple || id.len < 5 || id.len > 6) return false;
  const auto word = m.item(id, 0), type = m.item(id, 1), key = m.item(id, 2), location = m.item(id, 3),
             numel = m.item(id, 4);
  return word && word->tag == Tag::text && word->len == 7 && m.text_of(*word) == "storage" && type &&
         type->tag == Tag::symbol && key && key->tag == Tag::text && location && location->tag == Tag::text &&
         integer(numel);
}

void FactSink::on_call(Machine& m, const CallSite& site) {
  ++calls_;
  auto& calls = facts_.document().calls;
  if (site.kind == Call::Kind::persistent && is_storage_id(m, site.args)) {
    if (storage_fact_) {
      ++calls[*storage_fact_].count;
      calls[*storage_fact_].sampled = true;
      return;
    }
  }
  if (site.kind == Call::Kind::build && m.hides_special_key(site.args))
    facts_.quirk("pickle.build.special", base_ + site.offset, "a special method behind more attributes than are kept");
  if (site.kind == Call::Kind::build && is_dtype(m, site.callee) && dtype_lies(m, site.callee, site.args))
    facts_.quirk("numpy.dtype-lies", base_ + site.offset);
  std::optional<std::uint32_t> symbol;
  const auto kind = static_cast<std::size_t>(site.kind);
  const bool only_count = counts_only(m, site, symbol);
  if (only_count) {
    auto& s = sampled(m, *symbol);
    if (s.kept[kind] >= kExamples) {
      auto& fact = calls[s.fact[kind]];
      ++fact.count;
      fact.sampled = true;
      fact.profiles |= site.profiles;
      return;
    }
  }
  Call fact;
  fact.place = at(site.offset);
  fact.profiles = site.profiles;
  fact.kind = site.kind;
  fact.callee = m.explain(site.callee);
  if (site.args.tag == Tag::tuple && site.kind != Call::Kind::build && site.kind != Call::Kind::persistent &&
      site.kind != Call::Kind::setitem && site.kind != Call::Kind::append && site.kind != Call::Kind::add) {
    auto args = m.explain(site.args);
    fact.args = std::move(args.items);
    if (args.cut) fact.args.push_back({});  // there are more that are not known
  } else {
    fact.args.push_back(m.explain(site.args));
  }
  const bool has_extra = site.kind == Call::Kind::newobj_ex || site.kind == Call::Kind::setitem;
  if (has_extra) fact.args.push_back(m.explain(site.extra));
  const auto index = facts_.add(std::move(fact));
  if (!index) return;
  if (only_count) {
    auto& s = sampled(m, *symbol);
    ++s.kept[kind];
    s.fact[kind] = static_cast<std::uint32_t>(*index);
  }
  if (site.kind == Call::Kind::persistent && is_storage_id(m, site.args))
    storage_fact_ = static_cast<std::uint32_t>(*index);
}

std::optional<bytes::Extent> FactSink::on_inline_data(Machine& m, const Value& target, const Value& state,
                                                      std::uint64_t offset) {
  // Only joblib reads bytes of its own, and only objects of classes that it can have been told of.
  if (!wrappers_ || (m.profiles() & bits(Profile::joblib)) == 0) return std::nullopt;
  const auto array = inline_array(m, target, state, offset);
  using Kind = InlineArray::Kind;
  switch (array.kind) {
    case Kind::none: return std::nullopt;
    case Kind::unclear: facts_.quirk("joblib.array-unclear", base_ + offset); return std::nullopt;
    case Kind::too_short: facts_.quirk("joblib.array-too-short", base_ + offset); return std::nullopt;
    case Kind::side_file: {
      const auto& name = array.file;
      const bool escapes = name.empty() || name.find_first_of("/\\") != name.npos || name.find("..") != name.npos;
      facts_.quirk(escapes ? "joblib.filename-escapes" : "joblib.side-file", base_ + offset, name);
      return std::nullopt;
    }
    case Kind::raw:
      inline_data_.push_back({base_ + array.begin, base_ + array.end});
      return bytes::Extent{array.begin, array.end};
    case Kind::objects: break;
  }
  // The items follow as a pickle of their own. joblib reads it with plain pickle.load, which knows of no wrappers.
  FactSink inner{facts_, base_};
  Machine nested{m.source(), m.budget(), inner};
  const auto ends = nested.run(array.begin, static_cast<Profiles>(kAllProfiles & ~bits(Profile::joblib)));
  for (const auto& e : inner.ended_) ended_.push_back(e);
  calls_ += inner.calls_;
  imports_ += inner.imports_;
  if (!ends.front().stopped) return std::nullopt;
  return bytes::Extent{ends.front().offset, ends.front().offset};
}

void FactSink::on_literal(Machine& m, const Value& literal, std::string_view head) {
  const bool as_written = (literal.flags & (kEscaped | kRawUnicode)) == 0;
  const auto place = base_ + literal.at;
  const auto name = [&](std::string_view what) { return std::string{what} + "@" + std::to_string(place); };
  std::string decoded_head;
  if (!as_written) {
    decoded_head = m.text_of(literal, kMagicHead);
    head = decoded_head;
  }
  // Loaders take bytes; a Python 3 text has to be decoded by somebody first.
  const bool is_bytes = literal.tag == Tag::bytes || (literal.flags & kEightBit) != 0;
  if (is_bytes && could_load(bytes::view(head))) {
    Nested n{name("bytes"), "byte string", place, literal.len, nullptr};
    if (!as_written) {
      const auto whole = m.text_of(literal, kLongestBase64);
      const auto all = bytes::view(whole);
      n.decoded = std::make_shared<bytes::MemorySource>(std::vector<std::byte>{all.begin(), all.end()});
    }
    facts_.nested.push_back(std::move(n));
    return;
  }
  if (literal.len < kLiteralText || literal.len > kLongestBase64 || !could_load_decoded(head)) return;
  auto decoded = from_base64(m.text_of(literal, kLongestBase64));
  if (!decoded) return;
  facts_.nested.push_back(
      {name("base64"), "base64 text", place, literal.len, std::make_shared<bytes::MemorySource>(std::move(*decoded))});
}

void FactSink::on_quirk(Machine&, std::string_view id, std::uint64_t offset, Profiles profiles, std::string detail) {
  facts_.quirk(id, base_ + offset, std::move(detail), profiles);
}

void FactSink::on_stop(Machine&, Profiles profiles, const Error& error) { ended_.push_back({profiles, error}); }

}  // namespace assay::format::pickle
