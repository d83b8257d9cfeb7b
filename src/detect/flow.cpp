#include "detect/flow.h"

#include <algorithm>
#include <array>
#include <string>

#include "detect/written.h"

namespace assay::detect {
namespace {

using format::Expr;
using Kind = Expr::Kind;

template <std::size_t n>
bool is_one_of(std::string_view name, const std::array<std::string_view, n>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Keys that picklers of everyday classes write; what stands behind them is judged where it is called.
bool is_special(const Expr& key) {
  constexpr std::array kEveryday{
      std::string_view{"__orig_class__"}, std::string_view{"__dict__"},    std::string_view{"__fields_set__"},
      std::string_view{"__module__"},     std::string_view{"__doc__"},     std::string_view{"__qualname__"},
      std::string_view{"__name__"},       std::string_view{"__version__"}, std::string_view{"__annotations__"}};
  const bool special =
      key.kind == Kind::text && key.text.size() > 4 && key.text.starts_with("__") && key.text.ends_with("__");
  return special && !is_one_of(key.text, kEveryday) && !key.text.starts_with("__pydantic_");
}

std::optional<Verdict> as_callable(const Expr& symbol, const Listed& listed) {
  auto verdict = judge_name(symbol.text, symbol.name, listed);
  if (verdict.weight == Weight::library || verdict.weight == Weight::own) return std::nullopt;
  const bool class_of_library = find_rule(symbol.text, symbol.name).match == Match::class_prefix;
  if (verdict.weight == Weight::unknown && class_of_library && !verdict.condition_failed) return std::nullopt;
  const bool plain = verdict.weight == Weight::harmless && (verdict.rule == nullptr || verdict.rule->condition.empty());
  return plain ? std::nullopt : std::optional{verdict};
}

std::optional<Verdict> result_as_callable(const Expr& call, const Listed& listed) {
  const auto maker = call.items.empty() ? std::nullopt : resolve(call.items[0]);
  if (!maker) return Verdict{Weight::unknown, nullptr, written(call, 80), false};
  const auto* rule = find_rule(maker->text, maker->name).rule;
  const bool binds = rule != nullptr && (rule->effect == Effect::resolves || binds_function(*rule));
  if (!binds) return std::nullopt;  // data; the call itself was judged
  const auto reached = resolve(call);
  if (!reached) return Verdict{Weight::unknown, rule, dotted(*maker), true};
  return as_callable(*reached, listed);
}

/// How many arguments the condition of a rule looks at by itself, from the first.
std::size_t vetted(const Rule* rule) {
  if (rule == nullptr || rule->condition.empty()) return 0;
  if (binds_function(*rule)) return 1;
  if (rule->effect == Effect::resolves) return SIZE_MAX;
  if (rule->condition == "reconstructor" || rule->condition == "rebuild-from-type") return 2;
  return rule->condition == "type-of" || rule->condition == "getitem" || rule->condition == "operands" ? SIZE_MAX : 0;
}

}  // namespace

std::optional<Verdict> handed_over(const Expr& value, const Listed& listed, unsigned depth) {
  if (depth > kDeepest) return Verdict{Weight::unknown, nullptr, written(value, 80), false};
  switch (value.kind) {
    case Kind::symbol: return as_callable(value, listed);
    case Kind::call: return result_as_callable(value, listed);
    case Kind::extension: return Verdict{Weight::unknown, nullptr, written(value, 80), false};
    case Kind::tuple:
    case Kind::list:
    case Kind::set:
    case Kind::dict: break;
    default: return std::nullopt;
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const auto& item = value.items[i];
    if (value.kind == Kind::dict && i % 2 == 0 && is_special(item))
      return Verdict{Weight::unknown, nullptr, item.text, false};
    if (auto found = handed_over(item, listed, depth + 1)) return found;
  }
  return std::nullopt;
}

std::optional<Verdict> handed_over(const Rule* callee, std::span<const Expr> args, const Listed& listed) {
  for (auto i = vetted(callee); i < args.size(); ++i)
    if (auto found = handed_over(args[i], listed)) return found;
  return std::nullopt;
}

bool keeps_its_function(const Expr& partial, const Expr& state) {
  const bool shaped = state.kind == Kind::tuple && state.items.size() == 4 && partial.items.size() >= 2;
  return shaped && state.items[0] == partial.items[1] && state.items[1].kind == Kind::tuple && !state.cut;
}

bool makes_collection(const Expr& maker) {
  constexpr std::array<std::string_view, 8> kCollections{
      "collections.deque", "builtins.list",        "builtins.set",       "builtins.bytearray",
      "array.array",       "collections.UserList", "builtins.frozenset", "_collections.deque"};
  return maker.kind == Kind::symbol && is_one_of(dotted(maker), kCollections);
}

}  // namespace assay::detect
