#include "tensors/collect.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "base/text.h"

namespace assay::tensors {
namespace {

using format::pickle::Tag;
using Value = Objects::Value;

constexpr unsigned kDeepest = 200;               ///< objects inside objects
constexpr std::size_t kMostVisits = 20'000'000;  ///< a few shared dicts have 2^60 paths
constexpr std::size_t kMostPath = 4096;          ///< bytes of a name

/// Where checkpoints keep their state dict, the best first.
constexpr std::array<std::string_view, 15> kUsualKeys = {
    "state_dict", "model_state_dict", "model_state", "model",     "module",           "net",       "network", "weights",
    "params_ema", "params",           "ema_state_dict", "model_ema", "state_dict_ema", "ema",       "g_ema"};

std::string joined(const std::string& path, std::string_view name) {
  return path.empty() ? std::string{name} : path + "." + std::string{name};
}

class Collector {
 public:
  Collector(const Objects& objects, const Find& find, Set& out)
      : objects_{objects}, m_{objects.machine()}, find_{find}, out_{out} {}

  void run(const std::optional<std::string>& key) {
    const auto root = objects_.root();
    if (key && !key->empty()) {
      const auto chosen = walk_to(root, *key);
      if (!chosen) return refuse("there is no '" + *key + "' in it" + keys_of(root));
      out_.key = *key;
      list_others(root, *key);
      collect("", *chosen, 0);
    } else if (const auto usual = key ? std::nullopt : usual_key(root)) {
      out_.key = *usual;
      list_others(root, *usual);
      collect("", *objects_.lookup(root, *usual), 0);
    } else {
      if (is_optimizer(root)) return nothing("the state of an optimizer: safetensors has no place for it");
      collect("", root, 0);
    }
    if (is_over()) return;
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
    if (++visits_ > kMostVisits) refuse("its objects refer to each other so often that there is no end of names");
    return !is_over();
  }

  // --- Looking ---

  /// Whether a tensor stands anywhere inside `v`. Objects that contain themselves contain nothing new.
  bool holds_tensor(const Value& v, unsigned depth = 0) {
    const bool node = v.tag == Tag::call || v.tag == Tag::instance || v.tag == Tag::persistent;
    const bool container = v.tag >= Tag::tuple && v.tag <= Tag::frozenset;
    if ((!node && !container) || !visit()) return false;
    if (container && !m_.holds_objects(v)) return false;
    if (depth > kDeepest) return refuse("its objects are nested too deeply"), false;
    const auto [known, is_new] = holds_tensor_.try_emplace(v.at, false);
    if (!is_new) return known->second;
    const bool holds = node ? made_of_tensor(v, depth) : any_holds(objects_.items(v), depth);
    holds_tensor_[v.at] = holds;
    return holds;
  }
  /// Asked once for each object: an array may have to be decoded.
  const Found& found(const Value& v) {
    static const Found kOther;
    if (v.tag != Tag::call && v.tag != Tag::instance && v.tag != Tag::persistent) return kOther;
    const auto it = found_.find(v.at);
    return it != found_.end() ? it->second : found_.emplace(v.at, find_(v)).first->second;
  }
  bool any_holds(const std::vector<Value>& values, unsigned depth) {
    return std::any_of(values.begin(), values.end(), [&](const Value& v) { return holds_tensor(v, depth + 1); });
  }
  bool made_of_tensor(const Value& v, unsigned depth) {
    if (found(v).kind != Found::Kind::other) return true;
    if (v.tag == Tag::persistent) return true;  // a storage, or something else that the file keeps outside the pickle
    std::vector<Value> parts;
    for (std::size_t i = 0; i < 3; ++i)
      if (const auto part = m_.node(v, i)) parts.push_back(*part);
    for (const auto like : {Tag::dict, Tag::list})
      if (const auto filled = m_.filled(v, like)) parts.push_back(*filled);
    return any_holds(parts, depth);
  }

  /// A key as part of a name; nothing where it is none that a name can be made of.
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
      case Tag::symbol: return m_.symbol(static_cast<std::uint32_t>(v.at)).dotted();
      case Tag::persistent: return "storage";
      default: {
        const auto maker = objects_.maker(v);
        return maker.empty() ? "an object" : maker + "(...)";
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

  /// What stands beside the chosen dict at the top.
  void list_others(const Value& root, std::string_view chosen) {
    if (!objects_.is_dict(root)) return;
    for (const auto& [key, value] : objects_.pairs(root)) {
      const auto name = name_of(key);
      if (!name || chosen == *name || (chosen.starts_with(*name) && chosen[name->size()] == '.')) continue;
      if (holds_tensor(value))
        leave(*name, kind_of(value), "it holds tensors too, and '" + std::string{chosen} + "' was taken; --key " +
                                         *name + " takes it");
      else leave_plain(*name, value, 0);
    }
  }

  // --- Collecting ---

  void leave(const std::string& name, std::string what, std::string reason) {
    if (out_.leftovers.size() < kMostLeftovers) out_.leftovers.push_back({name, std::move(what), std::move(reason)});
    else ++out_.more_leftovers;
  }

  /// Something without a tensor inside.
  void leave_plain(const std::string& name, const Value& v, unsigned depth) {
    if (!visit()) return;
    if (objects_.is_dict(v) && depth < kDeepest && m_.length(v).value_or(1) > 0) {
      const auto pairs = objects_.pairs(v);
      for (const auto& [key, value] : pairs)
        if (const auto part = name_of(key)) leave_plain(joined(name, *part), value, depth + 1);
        else leave(name, kind_of(value), "its key is no text");
      if (!pairs.empty()) return;
    }
    if (auto text = scalar(v)) out_.scalars.push_back({name, std::move(*text)});
    leave(name, kind_of(v), "not a tensor");
  }

  std::optional<std::string> scalar(const Value& v) const {
    switch (v.tag) {
      case Tag::boolean: return v.at != 0 ? "true" : "false";
      case Tag::integer: return std::to_string(static_cast<std::int64_t>(v.at));
      case Tag::real: {
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
    if (depth > kDeepest || path.size() > kMostPath) return refuse("its objects are nested too deeply");
    if (const auto& f = found(v); f.kind != Found::Kind::other) return take(path, f);
    if (!holds_tensor(v)) return leave_plain(path, v, depth);
    if (is_over()) return;
    if (open_.contains(v.at)) return leave(path, kind_of(v), "it contains itself");
    open_.insert(v.at);
    collect_inside(path, v, depth);
    open_.erase(v.at);
  }

  void collect_inside(const std::string& path, const Value& v, unsigned depth) {
    if (objects_.is_dict(v)) return collect_pairs(path, v, depth);
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
    for (const auto& [key, value] : objects_.pairs(dict)) {
      if (is_over()) return;
      if (const auto name = name_of(key)) collect(joined(path, *name), value, depth + 1);
      else leave(path, kind_of(value), "its key is no text");
    }
  }

  void take(const std::string& path, const Found& found) {
    switch (found.kind) {
      case Found::Kind::other: return;
      case Found::Kind::broken:
        return end(Set::Outcome::damaged, found.reason + (path.empty() ? "" : " (at '" + path + "')"));
      case Found::Kind::unfit: return leave(path, found.what, found.reason);
      case Found::Kind::tensor: break;
    }
    if (!names_.insert(path).second) return leave(path, "tensor", "another one has this name already");
    if (path == "__metadata__") return leave(path, "tensor", "safetensors keeps this name for itself");
    if (out_.tensors.size() == kMostTensors) return refuse("it has more than a million tensors");
    if (!found.notice.empty()) out_.notices.push_back(path + ": " + found.notice);
    out_.tensors.push_back(found.tensor);
    out_.tensors.back().name = path;
  }

  // --- Modules ---

  /// The attributes of an object that looks like a torch.nn.Module.
  std::optional<Value> module_state(const Value& v) const {
    if (v.tag != Tag::instance && v.tag != Tag::call) return std::nullopt;
    auto state = objects_.state(v);
    if (state && state->tag == Tag::tuple) state = m_.item(*state, 0);
    if (!state || state->tag != Tag::dict) return std::nullopt;
    if (!objects_.lookup(*state, "_parameters") || !objects_.lookup(*state, "_buffers") ||
        !objects_.lookup(*state, "_modules"))
      return std::nullopt;
    return state;
  }

  /// As state_dict() gives it, where no class has its own idea of that.
  void collect_module(const std::string& path, const Value& v, const Value& state, unsigned depth) {
    if (!std::exchange(told_module_, true))
      out_.notices.push_back("a whole module of class " + kind_of(v) +
                             " was pickled; its parameters and buffers were taken as torch keeps them, without asking "
                             "the class");
    std::unordered_set<std::string> passing;
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
    for (const auto& [key, value] : objects_.pairs(dict))
      if (const auto name = name_of(key); name && value.tag != Tag::none) collect(joined(path, *name), value, depth + 1);
  }
  void collect_buffers(const std::string& path, const Value& dict, const std::unordered_set<std::string>& passing,
                       unsigned depth) {
    if (!objects_.is_dict(dict)) return refuse("a module keeps its parts in something that is no dict");
    for (const auto& [key, value] : objects_.pairs(dict)) {
      const auto name = name_of(key);
      if (!name || value.tag == Tag::none) continue;
      if (passing.contains(*name)) leave(joined(path, *name), "buffer", "the module does not save it (persistent=False)");
      else collect(joined(path, *name), value, depth + 1);
    }
  }

  const Objects& objects_;
  const Objects::Machine& m_;
  const Find& find_;
  Set& out_;
  std::size_t visits_ = 0;
  bool told_module_ = false;
  std::unordered_map<std::uint64_t, bool> holds_tensor_;  ///< by place
  std::unordered_map<std::uint64_t, Found> found_;        ///< by place
  std::unordered_set<std::uint64_t> open_;                ///< being collected
  std::unordered_set<std::string> names_;
};

}  // namespace

void collect(const Objects& objects, const Find& find, const std::optional<std::string>& key, Set& out) {
  Collector{objects, find, out}.run(key);
}

}  // namespace assay::tensors
