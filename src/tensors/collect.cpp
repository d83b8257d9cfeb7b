#include "tensors/collect.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/text.h"
#include "format/torch/storage.h"

namespace assay::tensors {
namespace {

using format::pickle::Tag;
using Value = Objects::Value;

constexpr unsigned kDeepest = 200;               ///< objects inside objects
constexpr std::size_t kMostVisits = 20'000'000;  ///< a few shared dicts have 2^60 paths
constexpr std::size_t kLeastVisits = 100'000;    ///< ... and need no such number: more of them for what there is
constexpr std::size_t kVisitsEach = 32;          ///< of each thing that there is
constexpr std::size_t kMostPath = 4096;          ///< bytes of a name
constexpr std::size_t kMostWord = 256;           ///< bytes of the name of a class or a function
constexpr std::size_t kMostWords = 128 << 20;    ///< bytes of all names and texts together: a cell's answer has an end

/// Where checkpoints keep their state dict, the best first.
constexpr std::array<std::string_view, 15> kUsualKeys = {
    "state_dict", "model_state_dict", "model_state",    "model",     "module",         "net", "network", "weights",
    "params_ema", "params",           "ema_state_dict", "model_ema", "state_dict_ema", "ema", "g_ema"};

std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string{name} : path + "." + std::string{name};
}

class Collector {
 public:
  Collector(const Objects& objects, const Find& find, Set& out)
      : objects_{objects}, m_{objects.machine()}, find_{find}, holders_{objects, find}, out_{out} {}

  void run(const std::optional<std::string>& key) {
    const auto root = objects_.root();
    if (!holders_.explore(root))
      return refuse("it has more tensors, or more references among its objects, than are followed");
    if (const auto why = tampering()) return refuse(*why);
    out_.tensors.reserve(holders_.tensors());
    if (const auto wanted = key ? *key : usual_key(root).value_or(""); !wanted.empty()) {
      Way way;
      const auto chosen = walk_to(root, wanted, way);
      if (!chosen) return refuse("there is no '" + wanted + "' in it" + keys_of(root));
      out_.key = wanted;
      list_others(way);
      collect("", *chosen, 0);
    } else {
      if (is_optimizer(root)) return nothing("the state of an optimizer: safetensors has no place for it");
      collect("", root, 0);
    }
    for (const auto& [function, args] : objects_.foreign_calls())
      if (!is_over() && holders_.reaches(args, taken_))
        refuse("its tensors were given to " + kind_of(function) +
               ", a call that Assay does not make and does not know");
    if (is_over()) return;
    if (out_.tensors.empty() && !objects_.is_dict(root) && !objects_.maker(root).empty())
      return nothing("it is what " + kind_of(root) + " makes, a call that Assay does not make and does not know");
    if (out_.tensors.empty()) return nothing("there are no tensors in it that safetensors can hold");
    out_.outcome = Set::Outcome::read;
  }

 private:
  bool is_over() const { return out_.outcome != Set::Outcome::nothing || !out_.why.empty(); }
  void end(Set::Outcome outcome, std::string why) {
    if (is_over()) return;
    out_.outcome = outcome;
    out_.why = std::move(why);
  }
  void refuse(std::string why) { end(Set::Outcome::refused, std::move(why)); }
  void nothing(std::string why) { end(Set::Outcome::nothing, std::move(why)); }

  bool visit() {
    if (++visits_ > std::min(kMostVisits, kLeastVisits + kVisitsEach * holders_.looked_at()))
      refuse("its objects refer to each other so often that there is no end of names");
    return !is_over();
  }

  // --- Looking ---

  /// What is done to a tensor, a storage or a class changes others as well, also where nobody keeps it. No pickler
  /// writes that.
  std::optional<std::string> tampering() const {
    for (const auto& v : objects_.changed()) {
      const bool is_object = v.tag == Tag::call || v.tag == Tag::instance;
      if (is_object && find_(v).kind == Found::Kind::other) continue;  // it is refused if it is needed
      return "the opcode " + std::string{*objects_.change(v)} + " changes " + kind_of(v) + " after it was made";
    }
    return std::nullopt;
  }

  bool holds_tensor(const Value& v) const { return holders_.holds(v); }
  Found found(const Value& v) const { return holders_.found(v); }

  /// A key as part of a name; nothing where it is none that a name can be made of. A lone surrogate is no UTF-8.
  std::optional<std::string> name_of(const Value& key) const {
    if (key.tag == Tag::integer) return std::to_string(static_cast<std::int64_t>(key.at));
    if (key.tag != Tag::text || key.len > kMostPath) return std::nullopt;
    auto text = objects_.text(key);
    return is_utf8(text) ? std::optional{std::move(text)} : std::nullopt;
  }

  std::string kind_of(const Value& v) const {
    const auto counted = [&](std::string_view what) {
      return std::string{what} + " of " + std::to_string(m_.length(v).value_or(0));
    };
    switch (v.tag) {
      case Tag::none: return "None";
      case Tag::boolean: return "bool";
      case Tag::integer:
      case Tag::big_integer: return "int";
      case Tag::real: return "float";
      case Tag::text: return "str";
      case Tag::bytes: return "bytes";
      case Tag::tuple: return counted("tuple");
      case Tag::list: return counted("list");
      case Tag::dict: return "dict of " + std::to_string(m_.length(v).value_or(0) / 2);
      case Tag::set:
      case Tag::frozenset: return counted("set");
      case Tag::symbol: return class_name(v);
      case Tag::persistent: {
        const auto name = class_name(v);
        return name.empty() ? "storage" : name;
      }
      default: {
        const auto name = maker_of(v);
        if (name == "builtins.set" || name == "builtins.frozenset") return set_of(v);
        return name.empty() ? "an object" : name + "(...)";
      }
    }
  }

  /// set([1, 2]): how pickles of Python 2 and of old protocols have it.
  std::string set_of(const Value& made) const {
    const auto given = objects_.argument(made, 0);
    const auto n = given ? m_.length(*given) : std::nullopt;
    return n ? "set of " + std::to_string(*n) : "set";
  }

  /// What a call or an instance was made by, as far as it has a name.
  std::string maker_of(const Value& made) const {
    const bool is_made = made.tag == Tag::call || made.tag == Tag::instance;
    const auto maker = is_made ? m_.node(made, 0) : std::nullopt;
    return maker ? class_name(*maker) : "";
  }

  /// "acme.Net", of an imported name. Or of ('module', class, file, source): torch used to keep the source of classes.
  std::string class_name(const Value& v) const {
    if (v.tag == Tag::symbol) {
      const auto name = m_.symbol(static_cast<std::uint32_t>(v.at)).dotted();
      return to_utf8(std::string_view{name}.substr(0, kMostWord));
    }
    const auto id = v.tag == Tag::persistent ? m_.node(v, 0) : std::nullopt;
    const auto word = id ? m_.item(*id, 0) : std::nullopt, named = id ? m_.item(*id, 1) : std::nullopt;
    const bool is_class =
        word && word->tag == Tag::text && objects_.text(*word) == "module" && named && named->tag == Tag::symbol;
    return is_class ? class_name(*named) : "";
  }

  // --- Choosing ---

  bool is_state(const Value& v) { return (objects_.is_dict(v) || module_state(v)) && holds_tensor(v); }

  std::optional<std::string> usual_key(const Value& root) {
    if (!objects_.is_dict(root)) return std::nullopt;
    for (const auto key : kUsualKeys) {
      const auto v = objects_.lookup(root, key);
      if (v && is_state(*v)) return std::string{key};
    }
    return std::nullopt;
  }

  /// {"state": ..., "param_groups": ...} and nothing else.
  bool is_optimizer(const Value& root) const {
    return root.tag == Tag::dict && objects_.lookup(root, "state") && objects_.lookup(root, "param_groups") &&
           objects_.pairs(root).size() == 2;
  }

  /// What stands inside an object, by the keys that names are made of.
  Objects::Pairs members_of(const Value& v) const {
    if (objects_.is_dict(v)) return objects_.pairs(v);
    if (const auto state = module_state(v)) return objects_.pairs(*state);
    Objects::Pairs out;
    if (v.tag != Tag::list && v.tag != Tag::tuple) return out;
    for (const auto& item : objects_.items(v)) out.emplace_back(Value{Tag::integer, 0, 0, 0, out.size()}, item);
    return out;
  }

  /// The members of everything that was stepped into, from the root on, and which of them was taken.
  struct Step {
    Objects::Pairs members;
    std::size_t taken;
  };
  using Way = std::vector<Step>;

  /// Follows a path whose names may have dots themselves: the longest name that fits is taken first.
  std::optional<Value> walk_to(const Value& from, std::string_view path, Way& way) const {
    if (path.empty()) return from;
    if (way.size() > kDeepest) return std::nullopt;
    way.push_back({members_of(from), 0});
    const auto depth = way.size() - 1;
    for (const auto& [bytes, which] : fitting(way[depth].members, path)) {
      way[depth].taken = which;
      const auto rest = path.substr(std::min(path.size(), bytes + 1));
      if (auto found = walk_to(Value{way[depth].members[which].second}, rest, way)) return found;
    }
    way.pop_back();
    return std::nullopt;
  }

  /// Which members' names `path` begins with, and how long those are; the longest first.
  std::vector<std::pair<std::size_t, std::size_t>> fitting(const Objects::Pairs& members, std::string_view path) const {
    std::vector<std::pair<std::size_t, std::size_t>> out;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto name = name_of(members[i].first);
      if (name && (path == *name || path.starts_with(*name + "."))) out.emplace_back(name->size(), i);
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    return out;
  }

  std::string keys_of(const Value& root) const {
    constexpr std::size_t kMost = 20;
    std::string out;
    const auto pairs = members_of(root);
    for (std::size_t i = 0; i < std::min(pairs.size(), kMost); ++i)
      if (const auto name = name_of(pairs[i].first)) out += (out.empty() ? "" : ", ") + *name;
    return out.empty() ? "" : "; there are: " + out + (pairs.size() > kMost ? ", ..." : "");
  }

  /// What stands beside the way to what was chosen.
  void list_others(const Way& way) {
    std::string path;
    for (const auto& [members, taken] : way) {
      refuse_strange_keys(path, members);
      for (std::size_t i = 0; i < members.size(); ++i)
        if (i != taken) list_other(path, members[i].first, members[i].second);
      path = joined(path, name_of(members[taken].first).value_or(""));
    }
  }
  void list_other(const std::string& path, const Value& key, const Value& value) {
    const auto name = name_of(key);
    if (!name) return leave_keyless(path, key, value);
    const auto whole = joined(path, *name);
    if (!holds_tensor(value)) return leave_plain(whole, value, 0);
    leave(whole, kind_of(value),
          "it holds tensors too, and '" + out_.key + "' was taken; --key " + whole + " takes it");
  }

  // --- Collecting ---

  /// Whether there is room for so many bytes more of text in the answer.
  bool affords(std::size_t bytes) {
    words_ += bytes;
    return words_ <= kMostWords;
  }

  void leave(const std::string& name, std::string what, std::string reason) {
    const bool fits = out_.leftovers.size() < kMostLeftovers && affords(name.size() + what.size() + reason.size());
    if (fits) out_.leftovers.push_back({name, std::move(what), std::move(reason)});
    else ++out_.more_leftovers;
  }
  void leave_keyless(const std::string& path, const Value& key, const Value& value) {
    const bool is_odd = key.tag == Tag::text || key.tag == Tag::big_integer;
    leave(path, kind_of(value),
          is_odd ? "its key is no text that a name can be made of" : "its key is " + kind_of(key) + ", no text");
  }

  /// Something without a tensor inside. A dict that stands in several places is taken apart once.
  void leave_plain(const std::string& name, const Value& v, unsigned depth) {
    const bool is_apart =
        objects_.is_dict(v) && depth < kDeepest && name.size() <= kMostPath && apart_.insert(v.at).second;
    const auto pairs = is_apart ? objects_.pairs(v) : Objects::Pairs{};
    for (const auto& [key, value] : pairs)
      if (const auto part = name_of(key)) leave_plain(joined(name, *part), value, depth + 1);
      else leave_keyless(name, key, value);
    if (!pairs.empty()) return;
    if (auto text = scalar(v); text && out_.scalars.size() < kMostLeftovers && affords(name.size() + text->size()))
      out_.scalars.push_back({name, std::move(*text)});
    leave(name, kind_of(v), std::string{kNotATensor});
  }

  std::optional<std::string> scalar(const Value& v) const {
    switch (v.tag) {
      case Tag::boolean: return v.at != 0 ? "true" : "false";
      case Tag::integer: return std::to_string(static_cast<std::int64_t>(v.at));
      case Tag::real: {
        if (v.at == 0) return std::nullopt;  // the machine has no value of numbers that are written as a text
        std::array<char, 32> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::bit_cast<double>(v.at)).ptr;
        return std::string{digits.data(), end};
      }
      case Tag::text: {
        if (v.len > Objects::kMostText) return std::nullopt;
        auto text = objects_.text(v);
        return is_utf8(text) ? std::optional{std::move(text)} : std::nullopt;
      }
      default: return std::nullopt;
    }
  }

  void collect(const std::string& path, const Value& v, unsigned depth) {
    if (!visit()) return;
    if (depth > kDeepest || path.size() > kMostPath)
      return refuse("its objects are nested too deeply, or named too long");
    if (auto f = found(v); f.kind != Found::Kind::other) {
      taken_.insert(v.at);
      return take(path, std::move(f));
    }
    if (!holds_tensor(v)) return leave_plain(path, v, depth);
    taken_.insert(v.at);
    if (open_.contains(v.at)) return leave(path, kind_of(v), "it contains itself");
    open_.insert(v.at);
    collect_inside(path, v, depth);
    open_.erase(v.at);
  }

  void collect_inside(const std::string& path, const Value& v, unsigned depth) {
    if (objects_.is_dict(v)) return collect_pairs(path, v, depth);
    if (const auto how = objects_.change(v); how && v.tag != Tag::persistent)
      return refuse("its tensors depend on " + kind_of(v) + " at '" + path + "', which " + std::string{*how} +
                    " changes after it was made");
    if (v.tag == Tag::list || v.tag == Tag::tuple) {
      const auto items = objects_.items(v);
      for (std::size_t i = 0; i < items.size(); ++i) collect(joined(path, std::to_string(i)), items[i], depth + 1);
      return;
    }
    if (const auto state = module_state(v)) return collect_module(path, v, *state, depth);
    if (v.tag == Tag::persistent) return leave(path, "storage", "a bare storage, without a shape");
    const auto what = kind_of(v);
    refuse("its tensors depend on " + what + (path.empty() ? "" : " at '" + path + "'") +
           ", a call that Assay does not make and does not know");
  }

  void collect_pairs(const std::string& path, const Value& dict, unsigned depth) {
    for (const auto& [key, value] : certain_pairs(path, dict)) {
      if (is_over()) return;
      if (const auto name = name_of(key)) collect(joined(path, *name), value, depth + 1);
      else leave_keyless(path, key, value);
    }
    const auto attributes = dict.tag == Tag::dict ? std::nullopt : objects_.state(dict);
    if (attributes) leave_attributes(path, *attributes, "dict");
  }

  // --- Keys ---

  /// The pairs of a dict; refuses where nobody knows which of them a loader finds by their names.
  Objects::Pairs certain_pairs(const std::string& path, const Value& dict) {
    auto out = objects_.pairs(dict);
    refuse_strange_keys(path, out);
    return out;
  }

  /// numpy.str_('w') replaces what stands under 'w'.
  void refuse_strange_keys(const std::string& path, const Objects::Pairs& pairs) {
    bool has_texts = false, has_numbers = false;
    for (const auto& [key, value] : pairs) {
      has_texts = has_texts || key.tag == Tag::text;
      has_numbers = has_numbers || key.tag == Tag::integer;
    }
    const auto is_strange = [&](const auto& pair) {
      const auto& key = pair.first;
      return Objects::is_unread_number(key) ? has_numbers : (has_texts || has_numbers) && is_compared_by_code(key);
    };
    const auto strange = std::find_if(pairs.begin(), pairs.end(), is_strange);
    if (strange != pairs.end())
      refuse("a key of the dict" + (path.empty() ? "" : " at '" + path + "'") + " is " + kind_of(strange->first) +
             ", and nobody knows which others it equals");
  }

  /// Whether nobody knows if the key equals a text or a number. Bytes, None, tuples and the types of torch never do;
  /// what else is imported may be a text itself.
  bool is_compared_by_code(const Value& key) const {
    if (format::pickle::is_plain(key.tag)) return false;
    if (key.tag == Tag::symbol) return !is_type(m_.symbol(static_cast<std::uint32_t>(key.at)));
    const auto maker = objects_.maker(key);
    return maker != "torch.Size" && maker != "torch.device";
  }
  static bool is_type(const format::pickle::Symbol& s) {
    const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const bool is_class = s.name.find_first_of("._") == std::string::npos && s.name[0] >= 'A' && s.name[0] <= 'Z' &&
                          std::any_of(s.name.begin(), s.name.end(), is_lower);
    return (s.module == "torch" && format::torch::dtype_bytes(s.name)) ||
           ((s.module + ".").starts_with("torch.nn.") && is_class);
  }

  void take(const std::string& path, Found found) {
    switch (found.kind) {
      case Found::Kind::other: return;
      case Found::Kind::broken:
        return end(Set::Outcome::damaged, found.reason + (path.empty() ? "" : " (at '" + path + "')"));
      case Found::Kind::unclear: return refuse(found.reason + (path.empty() ? "" : " (at '" + path + "')"));
      case Found::Kind::unfit: return leave(path, to_utf8(found.what), found.reason);
      case Found::Kind::tensor: break;
    }
    if (names_.contains(path)) return leave(path, "tensor", "another one has this name already");
    if (path == "__metadata__") return leave(path, "tensor", "safetensors keeps this name for itself");
    if (out_.tensors.size() == kMostTensors) return refuse("it has more than a million tensors");
    if (!affords(path.size())) return refuse("its names are longer than an answer can be");
    out_.tensors.push_back(std::move(found.tensor));
    out_.tensors.back().name = path;
    names_.insert(out_.tensors.size() - 1);
    if (found.own_class.tag != Tag::none) leave(path, kind_of(found.own_class), "its class is not kept");
    for (const auto& attributes : found.attributes) leave_attributes(path, attributes, "tensor");
  }

  /// `state` is what BUILD gave to an object: a dict, or two in a tuple; or whatever the object likes.
  void leave_attributes(const std::string& path, const Value& state, const std::string& of) {
    if (!visit()) return;
    const auto reason = "an attribute of the " + of;
    if (state.tag == Tag::tuple) {
      for (const auto& part : objects_.items(state))
        if (part.tag != Tag::tuple) leave_attributes(path, part, of);
    } else if (state.tag == Tag::dict) {
      for (const auto& [key, value] : objects_.pairs(state)) {
        const auto name = key.tag == Tag::text ? to_utf8(objects_.text(key)) : "";
        const bool is_made_anew = of == "dict" && name == "_metadata" && !holds_tensor(value);  // by torch
        if (visit() && !is_made_anew) leave(name.empty() ? path : joined(path, name), kind_of(value), reason);
      }
    } else if (state.tag != Tag::none) {
      leave(path, kind_of(state), reason);
    }
  }

  // --- Modules ---

  /// The attributes of an object that looks like a torch.nn.Module.
  std::optional<Value> module_state(const Value& v) const {
    if (v.tag != Tag::instance && v.tag != Tag::call) return std::nullopt;
    auto state = objects_.state(v);
    if (state && state->tag == Tag::tuple) state = m_.item(*state, 0);
    if (!state || state->tag != Tag::dict || objects_.grew(*state)) return std::nullopt;
    const auto [known, is_new] = is_module_state_.try_emplace(state->at, false);
    if (is_new)
      known->second = objects_.lookup(*state, "_parameters") && objects_.lookup(*state, "_buffers") &&
                      objects_.lookup(*state, "_modules");
    return known->second ? state : std::nullopt;
  }

  /// As state_dict() gives it, where no class has its own idea of that.
  void collect_module(const std::string& path, const Value& v, const Value& state, unsigned depth) {
    if (!std::exchange(told_module_, true)) tell_module(path, maker_of(v));
    std::set<std::string> passing;
    if (const auto names = objects_.lookup(state, "_non_persistent_buffers_set"))
      for (const auto& name : objects_.items(*names))
        if (name.tag == Tag::text) passing.insert(objects_.text(name));
    for (const auto& [key, value] : certain_pairs(path, state)) {
      const auto attribute = name_of(key).value_or("");
      if (attribute == "_buffers") collect_buffers(path, value, passing, depth);
      else if (attribute == "_parameters" || attribute == "_modules") collect_members(path, value, depth);
      else if (holds_tensor(value))
        leave(joined(path, attribute), kind_of(value), "an attribute of the module, and no part of its state");
    }
  }
  void tell_module(const std::string& path, const std::string& name) {
    out_.notices.push_back(
        "a whole module of class " + (name.empty() ? "unknown" : name) +
        " was pickled; its parameters and buffers were taken as torch keeps them, without asking the class");
    leave(path, "module class " + (name.empty() ? "unknown" : name),
          "its class is not asked: it may have its own idea of its state");
  }
  void collect_members(const std::string& path, const Value& dict, unsigned depth) {
    if (!objects_.is_dict(dict)) return refuse("a module keeps its parts in something that is no dict");
    for (const auto& [key, value] : certain_pairs(path, dict)) collect_member(path, key, value, depth);
  }
  void collect_buffers(const std::string& path, const Value& dict, const std::set<std::string>& passing,
                       unsigned depth) {
    if (!objects_.is_dict(dict)) return refuse("a module keeps its parts in something that is no dict");
    for (const auto& [key, value] : certain_pairs(path, dict)) {
      const auto name = name_of(key);
      if (name && passing.contains(*name) && value.tag != Tag::none)
        leave(joined(path, *name), "buffer", "the module does not save it (persistent=False)");
      else collect_member(path, key, value, depth);
    }
  }
  void collect_member(const std::string& path, const Value& key, const Value& value, unsigned depth) {
    if (value.tag == Tag::none) return;
    if (const auto name = name_of(key)) collect(joined(path, *name), value, depth + 1);
    else leave_keyless(path, key, value);
  }

  const Objects& objects_;
  const Objects::Machine& m_;
  const Find& find_;
  Holders holders_;
  Set& out_;
  std::size_t visits_ = 0;
  std::size_t words_ = 0;
  bool told_module_ = false;
  mutable std::unordered_map<std::uint64_t, bool> is_module_state_;  ///< by place
  std::unordered_set<std::uint64_t> taken_;                          ///< tensors, and what they are in
  std::unordered_set<std::uint64_t> open_;                           ///< being collected
  std::unordered_set<std::uint64_t> apart_;                          ///< dicts without tensors that were listed

  /// Tensors by their names, of which there is one copy. (An attacker chooses them, and knows every hash.)
  struct ByName {
    using is_transparent = void;
    const std::vector<Tensor>& all;
    bool operator()(std::size_t a, std::size_t b) const { return all[a].name < all[b].name; }
    bool operator()(std::size_t a, const std::string& b) const { return all[a].name < b; }
    bool operator()(const std::string& a, std::size_t b) const { return a < all[b].name; }
  };
  std::set<std::size_t, ByName> names_{ByName{out_.tensors}};
};

}  // namespace

void collect(const Objects& objects, const Find& find, const std::optional<std::string>& key, Set& out) {
  Collector{objects, find, out}.run(key);
  if (out.outcome != Set::Outcome::read) out.tensors.clear();
}

}  // namespace assay::tensors
