#include "tensors/objects.h"

#include <algorithm>
#include <array>
#include <unordered_map>

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
constexpr std::array<std::string_view, 4> kDicts = {"collections.OrderedDict", "collections.defaultdict",
                                                    "collections.Counter", "builtins.dict"};

class Silent : public Sink {
 public:
  void on_import(Machine&, std::uint32_t, std::uint64_t, Op) override {}
  void on_call(Machine&, const CallSite&) override {}
  void on_quirk(Machine&, std::string_view, std::uint64_t, format::Profiles, std::string) override {}
  void on_stop(Machine&, format::Profiles, const Error& error) override { stopped = error; }
  std::optional<Error> stopped;
};

}  // namespace

/// Steps over the arrays that joblib keeps between opcodes.
class Objects::Watcher final : public Silent {
 public:
  void on_call(Machine&, const CallSite& site) override {
    if (site.kind == format::Call::Kind::persistent) ids.push_back(site.args);
  }
  std::vector<Value> ids;
  std::optional<bytes::Extent> on_inline_data(Machine& m, const Value& target, const Value& state,
                                              std::uint64_t offset) override {
    if ((m.profiles() & bits(format::Profile::joblib)) == 0) return std::nullopt;
    const auto array = inline_array(m, target, state, offset);
    if (array.kind == InlineArray::Kind::raw) return bytes::Extent{array.begin, array.end};
    if (array.kind != InlineArray::Kind::objects) return std::nullopt;
    Silent inner;
    Machine nested{m.source(), m.budget(), inner};
    const auto ends = nested.run(array.begin, bits(format::Profile::cpython_py));
    if (!ends.front().stopped) return std::nullopt;
    return bytes::Extent{ends.front().offset, ends.front().offset};
  }
};

Objects::Objects(const Stretch& stretch, std::uint64_t offset, format::Profile profile, bytes::Budget& budget)
    : stretch_{stretch},
      watcher_{std::make_unique<Watcher>()},
      machine_{*stretch_.source, budget, *watcher_, format::pickle::Keep::everything} {
  const auto end = machine_.run(offset, bits(profile)).front();
  end_ = end.offset;
  root_ = end.result;
  if (!end.stopped)
    stopped_ = watcher_->stopped.value_or(Error{Errc::malformed, end.offset, "the pickle breaks off"});
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

bool Objects::is_dict(const Value& v) const {
  if (v.tag == Tag::dict) return true;
  const auto name = maker(v);
  return std::find(kDicts.begin(), kDicts.end(), name) != kDicts.end();
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

Objects::Pairs Objects::pairs(const Value& dict) const {
  Pairs all;
  if (dict.tag == Tag::dict) {
    add_pairs(dict, all);
  } else {
    for (std::size_t i = 0; i < 2; ++i) {  // OrderedDict([("a", 1)]), Counter({"a": 1}), defaultdict(list, {"a": 1})
      const auto initial = argument(dict, i);
      if (initial && initial->tag == Tag::dict) add_pairs(*initial, all);
      if (!initial || (initial->tag != Tag::list && initial->tag != Tag::tuple)) continue;
      for (const auto& pair : items(*initial)) {
        const auto key = machine_.item(pair, 0), value = machine_.item(pair, 1);
        if (key && value) all.emplace_back(*key, *value);
      }
    }
    if (const auto filled = machine_.filled(dict, Tag::dict)) add_pairs(*filled, all);
  }
  Pairs out;
  std::unordered_map<std::string, std::size_t> place;
  for (auto& pair : all) {
    const auto& key = pair.first;
    if (key.tag == Tag::text || key.tag == Tag::integer) {
      const auto word = key.tag == Tag::text ? "t" + text(key) : "i" + std::to_string(key.at);
      const auto [it, is_new] = place.try_emplace(word, out.size());
      if (!is_new) {
        out[it->second].second = pair.second;
        continue;
      }
    }
    out.push_back(pair);
  }
  return out;
}

std::optional<Value> Objects::lookup(const Value& dict, std::string_view key) const {
  for (const auto& [k, v] : pairs(dict))
    if (k.tag == Tag::text && text(k) == key) return v;
  return std::nullopt;
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
