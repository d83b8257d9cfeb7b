#include "detect/rules.h"

#include <algorithm>
#include <array>

#include "detect/rules_table.h"

namespace assay::detect {
namespace {

constexpr std::array<std::string_view, 11> kEffectWords = {"executes", "evaluates", "imports", "native",
                                                           "files",    "network",   "loads",   "tampers",
                                                           "resolves", "value",     "library"};
static_assert(kEffectWords.size() == static_cast<std::size_t>(kLastEffect) + 1);

/// module + "." + name, read without being built: hostile names may be megabytes long.
class Dotted {
 public:
  Dotted(std::string_view module, std::string_view name) noexcept
      : module_{module}, name_{name}, dot_{!module.empty() && !name.empty()} {}

  std::size_t size() const noexcept { return module_.size() + dot_ + name_.size(); }

  char at(std::size_t i) const noexcept {
    if (i < module_.size()) return module_[i];
    i -= module_.size();
    if (!dot_) return name_[i];
    return i == 0 ? '.' : name_[i - 1];
  }

  /// Whether the first text.size() characters are `text`, which is not longer than the whole.
  bool starts_with(std::string_view text) const noexcept {
    const auto head = text.substr(0, module_.size());
    if (module_.substr(0, head.size()) != head) return false;
    auto rest = text.substr(head.size());
    if (dot_ && !rest.empty()) {
      if (rest.front() != '.') return false;
      rest.remove_prefix(1);
    }
    return name_.substr(0, rest.size()) == rest;
  }

 private:
  std::string_view module_;
  std::string_view name_;
  bool dot_;
};

constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325;
constexpr std::uint64_t kFnvFactor = 0x100000001b3;

/// The pattern that equals the first `length` characters, whose hash is `hash`.
const table::Pattern* find_pattern(const Dotted& dotted, std::size_t length, std::uint64_t hash) noexcept {
  const auto mask = table::slots.size() - 1;
  for (auto at = hash & mask;; at = (at + 1) & mask) {
    const auto number = table::slots[at];
    if (number == 0) return nullptr;
    const auto& pattern = table::patterns[number - 1u];
    if (pattern.text.size() == length && dotted.starts_with(pattern.text)) return &pattern;
  }
}

Found found(std::uint16_t number, Match match) noexcept { return {&table::rules[number - 1u], match}; }

Found find(const Dotted& dotted) noexcept {
  const auto size = dotted.size();
  const auto last = std::min(size, table::longest_pattern);
  Found best;
  auto hash = kFnvStart;
  for (std::size_t i = 0;; ++i) {
    const bool whole = i == size;
    if (whole || dotted.at(i) == '.') {
      if (const auto* pattern = find_pattern(dotted, i, hash)) {
        if (whole && pattern->exact != 0) return found(pattern->exact, Match::exact);
        if (pattern->prefix != 0) best = found(pattern->prefix, Match::prefix);
        else if (pattern->classes != 0 && !whole) best = found(pattern->classes, Match::class_prefix);
      }
    }
    if (i == last) return best;
    hash = (hash ^ static_cast<std::uint8_t>(dotted.at(i))) * kFnvFactor;
  }
}

template <class Entry>
const Entry* find_by_id(std::span<const Entry> entries, std::string_view id) noexcept {
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), id, [](const Entry& e, std::string_view i) { return e.id < i; });
  return at != entries.end() && at->id == id ? &*at : nullptr;
}

}  // namespace

bool is_sink(Effect effect) noexcept { return effect <= Effect::tampers; }

std::string_view to_string(Effect effect) noexcept { return kEffectWords[static_cast<std::size_t>(effect)]; }

Found find_rule(std::string_view module, std::string_view name) noexcept { return find(Dotted{module, name}); }

bool is_sink_module(std::string_view dotted) noexcept {
  const auto f = find_rule(dotted, {});
  return f.match == Match::prefix && is_sink(f.rule->effect);
}

namespace {

Found find_harmful_in(std::string_view module, std::string_view name) noexcept {
  const auto f = find_rule(module, name);
  const bool harmful = f.rule != nullptr && (is_sink(f.rule->effect) || f.rule->effect == Effect::resolves);
  return harmful && f.match != Match::class_prefix ? f : Found{};
}

Found find_harmful(std::string_view dotted) noexcept { return find_harmful_in(dotted, {}); }

}  // namespace

Found find_reexported(std::string_view name) noexcept {
  // Each suffix costs a look at no more bytes than the longest listed name has, so a name of a
  // million dots stays a fraction of a second.
  for (auto rest = name; rest.find('.') != std::string_view::npos; rest.remove_prefix(rest.find('.') + 1)) {
    if (const auto f = find_harmful(rest); f.rule != nullptr) return f;
    // "random._os.system": the standard library imports many modules under a name with an underscore before it.
    if (const auto f = find_harmful(rest.substr(std::min(rest.find_first_not_of('_'), rest.size()))); f.rule != nullptr)
      return f;
    if (rest.starts_with("bltns.")) return find_harmful_in("builtins", rest.substr(6));  // as enum imports builtins
  }
  return {};
}

const StructureRule* find_structure(std::string_view id) noexcept { return find_by_id(table::structures, id); }

std::span<const Rule> all_rules() noexcept { return table::rules; }
std::span<const StructureRule> all_structure_rules() noexcept { return table::structures; }
std::string_view rule_set_version() noexcept { return table::version; }

std::vector<std::string> names_of(const Rule& rule) {
  const auto number = static_cast<std::size_t>(&rule - table::rules.data()) + 1;
  std::vector<std::string> names;
  for (const auto& pattern : table::patterns) {
    if (pattern.exact == number) names.emplace_back(pattern.text);
    if (pattern.prefix == number) names.emplace_back(pattern.text).append(".*");
    if (pattern.classes == number) names.emplace_back(pattern.text).append(" (classes)");
  }
  return names;
}

}  // namespace assay::detect
