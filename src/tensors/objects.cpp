#include "tensors/objects.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "bytes/reader.h"
#include "format/pickle/joblib.h"

namespace assay::tensors {
namespace {

using format::pickle::CallSite;
using format::pickle::InlineArray;
using format::pickle::Machine;
using format::pickle::Op;
using format::pickle::Sink;
using format::pickle::Tag;
using format::pickle::Value;

/// Classes that add nothing to the dict that they are.
constexpr std::array<std::string_view, 3> kDicts = {"collections.OrderedDict", "collections.defaultdict",
                                                    "builtins.dict"};
constexpr std::size_t kMostLooked =
    16;  ///< arguments of one call that are looked at; nothing that is followed has more

constexpr auto kJoblib = bits(format::Profile::joblib);

bool is_dict_class(std::string_view name) { return std::find(kDicts.begin(), kDicts.end(), name) != kDicts.end(); }

/// Whether a call leaves its arguments as they are. (A class that NEWOBJ makes is not given the chance.)
bool is_followed(const Machine& m, const Value& callee) {
  constexpr std::array<std::string_view, 6> kFollowed = {"torch._utils._rebuild_", "torch._tensor._rebuild_",
                                                         "torch.nn.parameter.",    "numpy.core.",
                                                         "numpy._core.",           "copyreg._reconstructor"};
  constexpr std::array<std::string_view, 7> kHarmless = {"torch.Size",        "builtins.getattr", "functools.partial",
                                                         "builtins.list",     "builtins.tuple",   "builtins.set",
                                                         "builtins.frozenset"};
  if (callee.tag != Tag::symbol) return false;
  const auto name = m.symbol(static_cast<std::uint32_t>(callee.at)).dotted();
  const auto begins = [&](std::string_view with) { return name.starts_with(with); };
  return is_dict_class(name) || std::any_of(kFollowed.begin(), kFollowed.end(), begins) ||
         std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end();
}

/// Containers and nodes have places in the heap, each its own.
bool has_place(const Value& v) {
  return v.tag == Tag::list || v.tag == Tag::dict || v.tag == Tag::set || format::pickle::is_node(v.tag);
}

/// A key as Python compares it; nothing for what is compared by code.
std::optional<std::string> word_of(const Value& key, const Objects& objects) {
  const auto number = [](std::uint64_t n) { return "i" + std::to_string(static_cast<std::int64_t>(n)); };
  switch (key.tag) {
    case Tag::text: return key.len <= Objects::kMostText ? std::optional{"t" + objects.text(key)} : std::nullopt;
    case Tag::boolean:
    case Tag::integer: return number(key.at);
    case Tag::real: {
      if (Objects::is_unread_number(key)) return std::nullopt;
      const auto v = std::bit_cast<double>(key.at);
      const bool whole = v >= -0x1p63 && v < 0x1p63 && v == std::trunc(v);
      return whole ? number(static_cast<std::uint64_t>(static_cast<std::int64_t>(v))) : "r" + std::to_string(key.at);
    }
    case Tag::none: return "n";
    default: return std::nullopt;
  }
}

class Silent : public Sink {
 public:
  void on_import(Machine&, std::uint32_t, std::uint64_t, Op) override {}
  void on_call(Machine&, const CallSite&) override {}
  /// Python has several ways to read an odd number, and the machine keeps one value.
  void on_quirk(Machine&, std::string_view id, std::uint64_t, format::Profiles, std::string) override {
    has_odd_number = has_odd_number || id == "pickle.radix" || id.starts_with("pickle.number-");
  }
  void on_stop(Machine&, format::Profiles, const Error& error) override { stopped = error; }
  std::optional<Error> stopped;
  bool has_odd_number = false;
};

}  // namespace

/// Steps over the arrays that joblib keeps between opcodes, and notes what the objects alone do not show: in which
/// order things were done to them.
class Objects::Watcher final : public Silent {
 public:
  /// `profiles`: whose reading counts, where there are several.
  explicit Watcher(format::Profiles profiles) : profiles_{profiles} {}
  void on_call(Machine& m, const CallSite& site) override {
    using Kind = format::Call::Kind;
    if ((site.profiles & profiles_) == 0) return;
    switch (site.kind) {
      case Kind::persistent: ids.push_back(site.args); break;
      case Kind::build: return on_build(m, site);
      case Kind::setitem:
        if (!is_filled_dict(m, site.callee)) note(site.callee, "SETITEM");
        break;
      case Kind::append: return note(site.callee, "APPEND");
      case Kind::add: return note(site.callee, "ADDITEMS");
      case Kind::newobj:
      case Kind::newobj_ex: return take(m, site.args);
      default:
        take(m, site.args);
        if (m.holds_objects(site.args) && !is_followed(m, site.callee))
          foreign_calls.emplace_back(site.callee, site.args);
    }
  }
  std::optional<bytes::Extent> on_inline_data(Machine& m, const Value& target, const Value& state,
                                              std::uint64_t offset) override {
    if ((m.profiles() & kJoblib) == 0) return std::nullopt;
    const auto array = inline_array(m, target, state, offset);
    if (array.kind == InlineArray::Kind::raw) return stepped_over({array.begin, array.end});
    if (array.kind != InlineArray::Kind::objects) return std::nullopt;
    Silent inner;
    Machine nested{m.source(), m.budget(), inner};
    const auto ends = nested.run(array.begin, bits(format::Profile::cpython_py));
    if (!ends.front().stopped) return std::nullopt;
    return stepped_over({ends.front().offset, ends.front().offset});
  }

  std::vector<Value> ids;
  bool has_inline_data = false;
  Pairs foreign_calls;
  std::vector<Value> changed;
  std::unordered_map<std::uint64_t, std::string_view> changes;  ///< by place in the heap; of bytes in the source
  std::unordered_map<std::uint64_t, std::uint64_t> lengths;     ///< of containers, when a call first took them
  std::unordered_set<std::uint64_t> late;                       ///< built after they were taken

 private:
  bytes::Extent stepped_over(bytes::Extent data) {
    has_inline_data = true;
    return data;
  }
  static bool is_filled_dict(const Machine& m, const Value& v) {
    const auto maker = v.tag == Tag::call || v.tag == Tag::instance ? m.symbol_of(v) : std::nullopt;
    return maker && is_dict_class(m.symbol(*maker).dotted());
  }
  void note(const Value& v, std::string_view opcode) {
    if (changes.emplace(v.at, opcode).second) changed.push_back(v);
  }
  void on_build(const Machine& m, const CallSite& site) {
    const auto& target = site.callee;
    const bool again = has_place(target) && !built_.insert(target.at).second;
    if (again || !has_place(target)) note(target, "BUILD");
    if (taken_.contains(target.at)) late.insert(target.at);
    take(m, site.args);
  }
  /// A call, or the state of an object, takes `args` as they are now.
  void take(const Machine& m, const Value& args) {
    take_one(m, args);
    for (std::size_t i = 0; i < kMostLooked; ++i)
      if (const auto item = m.item(args, i)) take_one(m, *item);
      else return;
  }
  void take_one(const Machine& m, const Value& v) {
    if (v.tag == Tag::list || v.tag == Tag::dict) lengths.emplace(v.at, m.length(v).value_or(0));
    const auto maker = v.tag == Tag::call || v.tag == Tag::instance ? m.symbol_of(v) : std::nullopt;
    if (maker && m.symbol(*maker).module.starts_with("numpy")) taken_.insert(v.at);
  }

  format::Profiles profiles_;
  std::unordered_set<std::uint64_t> built_;
  std::unordered_set<std::uint64_t> taken_;  ///< of NumPy's: the only ones for which it matters
};

Objects::Objects(const Stretch& stretch, std::uint64_t offset, format::Profiles profiles, bytes::Budget& budget)
    : stretch_{stretch},
      cached_{std::make_unique<bytes::CachedSource>(*stretch_.source)},
      watcher_{std::make_unique<Watcher>((profiles & kJoblib) != 0 ? kJoblib : profiles)},
      machine_{*cached_, budget, *watcher_, format::pickle::Keep::everything} {
  const auto ends = machine_.run(offset, profiles);
  const auto& end = ends.front();
  end_ = end.offset;
  root_ = end.result;
  if (!end.stopped) stopped_ = watcher_->stopped.value_or(Error{Errc::malformed, end.offset, "the pickle breaks off"});
  else if (watcher_->has_odd_number || (ends.size() > 1 && !watcher_->has_inline_data))
    stopped_ = Error{Errc::unsupported, end.offset, "Python's loaders read it differently"};
}

Objects::~Objects() = default;

const std::vector<Value>& Objects::persistent_ids() const { return watcher_->ids; }

std::string Objects::maker(const Value& v) const {
  const auto symbol = v.tag == Tag::call || v.tag == Tag::instance ? machine_.symbol_of(v) : std::nullopt;
  return symbol ? machine_.symbol(*symbol).dotted() : std::string{};
}

std::optional<Value> Objects::argument(const Value& made, std::size_t i) const {
  const auto args = machine_.node(made, 1);
  return args ? machine_.item(*args, i) : std::nullopt;
}

std::optional<Value> Objects::state(const Value& made) const {
  const auto v = machine_.node(made, 2);
  return v && v->tag != Tag::unknown ? v : std::nullopt;
}

std::optional<std::string_view> Objects::change(const Value& v) const {
  const auto found = watcher_->changes.find(v.at);
  return found == watcher_->changes.end() ? std::nullopt : std::optional{found->second};
}

const std::vector<Value>& Objects::changed() const { return watcher_->changed; }

bool Objects::grew(const Value& container) const {
  const auto taken = watcher_->lengths.find(container.at);
  return taken != watcher_->lengths.end() && taken->second != machine_.length(container).value_or(0);
}

const Objects::Pairs& Objects::foreign_calls() const { return watcher_->foreign_calls; }

bool Objects::is_unread_number(const Value& v) {
  return v.tag == Tag::big_integer || (v.tag == Tag::real && v.at == 0);
}

bool Objects::built_late(const Value& v) const { return watcher_->late.contains(v.at); }

bool Objects::is_dict(const Value& v) const {
  if (v.tag == Tag::dict) return true;
  if (!is_dict_class(maker(v)) || change(v)) return false;
  for (std::size_t i = 0; i < 2; ++i)
    if (const auto given = argument(v, i); given && (grew(*given) || change(*given))) return false;
  return true;
}

std::vector<Value> Objects::items(const Value& v) const {
  std::vector<Value> out;
  const auto n = machine_.length(v).value_or(0);
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i)
    if (const auto item = machine_.item(v, i)) out.push_back(*item);
  return out;
}

void Objects::add_pairs(const Value& container, Pairs& out) const {
  const auto all = items(container);
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) out.emplace_back(all[i], all[i + 1]);
}

/// OrderedDict([("a", 1)]), defaultdict(list, {"a": 1}). NEWOBJ calls __new__, which looks at no arguments.
void Objects::add_given(const Value& made, Pairs& out) const {
  if (made.tag != Tag::call) return;
  const auto given = argument(made, maker(made) == "collections.defaultdict" ? 1 : 0);
  if (!given) return;
  if (given->tag == Tag::dict) return add_pairs(*given, out);
  for (const auto& pair : items(*given)) {
    const auto key = machine_.item(pair, 0), value = machine_.item(pair, 1);
    if (key && value) out.emplace_back(*key, *value);
  }
}

Objects::Pairs Objects::pairs(const Value& dict) const {
  Pairs all;
  if (dict.tag == Tag::dict) {
    add_pairs(dict, all);
  } else {
    add_given(dict, all);
    if (const auto filled = machine_.filled(dict, Tag::dict)) add_pairs(*filled, all);
  }
  Pairs out;
  std::map<std::string, std::size_t> place;  // an attacker chooses the keys, and knows every hash
  for (auto& pair : all) {
    const auto word = word_of(pair.first, *this);
    const auto [it, is_new] = word ? place.try_emplace(*word, out.size()) : std::pair{place.end(), true};
    if (is_new) out.push_back(pair);
    else out[it->second].second = pair.second;
  }
  return out;
}

bool Objects::is(const Value& v, std::string_view word) const {
  const bool is_decoded = (v.flags & (format::pickle::kEscaped | format::pickle::kRawUnicode)) != 0;
  return v.tag == Tag::text && (is_decoded || v.len == word.size()) && text(v) == word;
}

std::optional<Value> Objects::last_of(const Value& dict, std::string_view key) const {
  for (auto i = machine_.length(dict).value_or(0); i >= 2; i -= 2)
    if (const auto k = machine_.item(dict, i - 2); k && is(*k, key)) return machine_.item(dict, i - 1);
  return std::nullopt;
}

std::optional<Value> Objects::lookup(const Value& dict, std::string_view key) const {
  if (dict.tag == Tag::dict) return last_of(dict, key);
  if (const auto filled = machine_.filled(dict, Tag::dict))
    if (const auto found = last_of(*filled, key)) return found;
  Pairs given;
  add_given(dict, given);
  const auto found = std::find_if(given.rbegin(), given.rend(), [&](const auto& pair) { return is(pair.first, key); });
  return found == given.rend() ? std::nullopt : std::optional{found->second};
}

std::optional<bytes::Extent> Objects::bytes_of(const Value& v) const {
  using namespace format::pickle;
  if ((v.tag != Tag::bytes && v.tag != Tag::text) || (v.flags & (kEscaped | kRawUnicode)) != 0) return std::nullopt;
  if (v.tag == Tag::text && (v.flags & kEightBit) == 0) return std::nullopt;
  std::uint64_t length = v.len;
  if ((v.flags & kHuge) != 0) {  // eight bytes before it say how long it is
    const auto declared = v.at >= 8 ? bytes::read_exactly(*stretch_.source, v.at - 8, 8) : fail(Errc::malformed, 0, "");
    if (!declared) return std::nullopt;
    length = bytes::le_at<std::uint64_t>(*declared, 0);
  }
  if (v.at > stretch_.source->size() || length > stretch_.source->size() - v.at) return std::nullopt;
  return bytes::Extent{v.at, v.at + length};
}

}  // namespace assay::tensors
