#include "tensors/collect.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "base/text.h"

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
constexpr std::size_t kMostNotices = 100;
constexpr std::size_t kMostWords = 128 << 20;  ///< bytes of all names and texts together: a cell's answer has an end

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
    if (key && !key->empty()) {
      const auto chosen = walk_to(root, *key);
      if (!chosen) return refuse("there is no '" + *key + "' in it" + keys_of(root));
      collect_chosen(root, *key, *chosen);
    } else if (const auto usual = key ? std::nullopt : usual_key(root)) {
      collect_chosen(root, *usual, *objects_.lookup(root, *usual));
    } else {
      if (is_optimizer(root)) return nothing("the state of an optimizer: safetensors has no place for it");
      collect("", root, 0);
    }
    for (const auto& [function, args] : objects_.foreign_calls())
      if (!is_over() && holders_.reaches(args, taken_))
        refuse("its tensors were given to " + kind_of(function) +
               ", a call that Assay does not make and does not know");
    if (more_notices_ > 0) out_.notices.push_back("and " + std::to_string(more_notices_) + " more of these");
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
  const Found& found(const Value& v) const { return holders_.found(v); }

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
      case Tag::symbol: {
        const auto name = m_.symbol(static_cast<std::uint32_t>(v.at)).dotted();
        return to_utf8(std::string_view{name}.substr(0, kMostWord));
      }
      case Tag::persistent: return "storage";
      default: {
        const auto maker = objects_.maker(v);
        return maker.empty() ? "an object" : to_utf8(std::string_view{maker}.substr(0, kMostWord)) + "(...)";
      }
    }
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

  /// Follows a path whose names may have dots themselves: the longest key that fits is taken first.
  std::optional<Value> walk_to(const Value& from, std::string_view path, unsigned depth = 0) const {
    if (path.empty()) return from;
    const auto within = module_state(from);
    if (depth > kDeepest || (!objects_.is_dict(from) && !within)) return std::nullopt;
    const auto dict = within ? *within : from;
    for (auto end = path.size(); end != path.npos; end = end == 0 ? path.npos : path.rfind('.', end - 1)) {
      const auto v = objects_.lookup(dict, path.substr(0, end));
      if (!v) continue;
      if (auto found = walk_to(*v, path.substr(std::min(path.size(), end + 1)), depth + 1)) return found;
    }
    return std::nullopt;
  }

  std::string keys_of(const Value& root) const {
    constexpr std::size_t kMost = 20;
    std::string out;
    if (!objects_.is_dict(root)) return "";
    const auto pairs = objects_.pairs(root);
    for (std::size_t i = 0; i < std::min(pairs.size(), kMost); ++i)
      if (const auto name = name_of(pairs[i].first)) out += (out.empty() ? "" : ", ") + *name;
    return out.empty() ? "" : "; there are: " + out + (pairs.size() > kMost ? ", ..." : "");
  }

  void collect_chosen(const Value& root, const std::string& key, const Value& chosen) {
    out_.key = key;
    list_others(root, key);
    collect("", chosen, 0);
  }

  /// What stands beside the chosen dict at the top.
  void list_others(const Value& root, std::string_view chosen) {
    if (!objects_.is_dict(root)) return;
    for (const auto& [key, value] : objects_.pairs(root)) {
      const auto name = name_of(key);
      if (!name || chosen == *name || chosen.starts_with(*name + ".")) continue;
      if (holds_tensor(value))
        leave(*name, kind_of(value),
              "it holds tensors too, and '" + std::string{chosen} + "' was taken; --key " + *name + " takes it");
      else leave_plain(*name, value, 0);
    }
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
  void leave_keyless(const std::string& path, const Value& value) {
    leave(path, kind_of(value), "its key is no text that a name can be made of");
  }

  void notice(std::string text) {
    if (out_.notices.size() < kMostNotices) out_.notices.push_back(std::move(text));
    else ++more_notices_;
  }

  /// Something without a tensor inside. A dict that stands in several places is taken apart once.
  void leave_plain(const std::string& name, const Value& v, unsigned depth) {
    const bool is_apart =
        objects_.is_dict(v) && depth < kDeepest && name.size() <= kMostPath && apart_.insert(v.at).second;
    const auto pairs = is_apart ? objects_.pairs(v) : Objects::Pairs{};
    for (const auto& [key, value] : pairs)
      if (const auto part = name_of(key)) leave_plain(joined(name, *part), value, depth + 1);
      else leave_keyless(name, value);
    if (!pairs.empty()) return;
    if (auto text = scalar(v); text && out_.scalars.size() < kMostLeftovers && affords(name.size() + text->size()))
      out_.scalars.push_back({name, std::move(*text)});
    leave(name, kind_of(v), "not a tensor");
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
    if (const auto& f = found(v); f.kind != Found::Kind::other) {
      taken_.insert(v.at);
      return take(path, f);
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
    const auto pairs = objects_.pairs(dict);
    if (has_strange_keys(pairs))
      return refuse("a key of the dict at '" + path + "' is such that nobody knows which others it equals");
    for (const auto& [key, value] : pairs) {
      if (is_over()) return;
      if (const auto name = name_of(key)) collect(joined(path, *name), value, depth + 1);
      else leave_keyless(path, value);
    }
  }
  /// Whether code decides which keys are equal: numpy.str_('w') replaces what stands under 'w'.
  bool has_strange_keys(const Objects::Pairs& pairs) const {
    const auto is_plain = [](const auto& pair) { return Objects::is_known_key(pair.first); };
    return std::any_of(pairs.begin(), pairs.end(), is_plain) && !std::all_of(pairs.begin(), pairs.end(), is_plain);
  }

  void take(const std::string& path, const Found& found) {
    switch (found.kind) {
      case Found::Kind::other: return;
      case Found::Kind::broken:
        return end(Set::Outcome::damaged, found.reason + (path.empty() ? "" : " (at '" + path + "')"));
      case Found::Kind::unclear: return refuse(found.reason + (path.empty() ? "" : " (at '" + path + "')"));
      case Found::Kind::unfit: return leave(path, to_utf8(found.what), found.reason);
      case Found::Kind::tensor: break;
    }
    if (!names_.insert(path).second) return leave(path, "tensor", "another one has this name already");
    if (path == "__metadata__") return leave(path, "tensor", "safetensors keeps this name for itself");
    if (out_.tensors.size() == kMostTensors) return refuse("it has more than a million tensors");
    if (!affords(path.size())) return refuse("its names are longer than an answer can be");
    if (!found.notice.empty()) notice(path + ": " + to_utf8(found.notice));
    out_.tensors.push_back(found.tensor);
    out_.tensors.back().name = path;
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
    if (!std::exchange(told_module_, true))
      notice("a whole module of class " + kind_of(v) +
             " was pickled; its parameters and buffers were taken as torch keeps them, without asking the class");
    std::set<std::string> passing;
    if (const auto names = objects_.lookup(state, "_non_persistent_buffers_set"))
      for (const auto& name : objects_.items(*names))
        if (name.tag == Tag::text) passing.insert(objects_.text(name));
    for (const auto& [key, value] : objects_.pairs(state)) {
      const auto attribute = name_of(key).value_or("");
      if (attribute == "_buffers") collect_buffers(path, value, passing, depth);
      else if (attribute == "_parameters" || attribute == "_modules") collect_members(path, value, depth);
      else if (holds_tensor(value))
        leave(joined(path, attribute), kind_of(value), "an attribute of the module, and no part of its state");
    }
  }
  void collect_members(const std::string& path, const Value& dict, unsigned depth) {
    if (!objects_.is_dict(dict)) return refuse("a module keeps its parts in something that is no dict");
    for (const auto& [key, value] : objects_.pairs(dict)) collect_member(path, key, value, depth);
  }
  void collect_buffers(const std::string& path, const Value& dict, const std::set<std::string>& passing,
                       unsigned depth) {
    if (!objects_.is_dict(dict)) return refuse("a module keeps its parts in something that is no dict");
    for (const auto& [key, value] : objects_.pairs(dict)) {
      const auto name = name_of(key);
      if (name && passing.contains(*name) && value.tag != Tag::none)
        leave(joined(path, *name), "buffer", "the module does not save it (persistent=False)");
      else collect_member(path, key, value, depth);
    }
  }
  void collect_member(const std::string& path, const Value& key, const Value& value, unsigned depth) {
    if (value.tag == Tag::none) return;
    if (const auto name = name_of(key)) collect(joined(path, *name), value, depth + 1);
    else leave_keyless(path, value);
  }

  const Objects& objects_;
  const Objects::Machine& m_;
  const Find& find_;
  Holders holders_;
  Set& out_;
  std::size_t visits_ = 0;
  std::size_t words_ = 0;
  std::size_t more_notices_ = 0;
  bool told_module_ = false;
  mutable std::unordered_map<std::uint64_t, bool> is_module_state_;  ///< by place
  std::unordered_set<std::uint64_t> taken_;                          ///< tensors, and what they are in
  std::unordered_set<std::uint64_t> open_;                           ///< being collected
  std::unordered_set<std::uint64_t> apart_;                          ///< dicts without tensors that were listed
  std::set<std::string> names_;                                      ///< an attacker chooses them, and knows every hash
};

}  // namespace

void collect(const Objects& objects, const Find& find, const std::optional<std::string>& key, Set& out) {
  Collector{objects, find, out}.run(key);
  if (out.outcome != Set::Outcome::read) out.tensors.clear();
}

}  // namespace assay::tensors
