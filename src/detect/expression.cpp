#include "detect/expression.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace assay::detect {
namespace {

using format::Expr;
using Kind = Expr::Kind;

constexpr unsigned kDeepest = 12;

bool is_constant(const Expr& e) {
  return e.kind == Kind::none || e.kind == Kind::boolean || e.kind == Kind::integer || e.kind == Kind::real ||
         e.kind == Kind::text || e.kind == Kind::bytes;
}

bool is_plain(const Expr& e, unsigned depth = 0) {
  if (is_constant(e)) return true;
  const bool container = e.kind == Kind::tuple || e.kind == Kind::list || e.kind == Kind::set || e.kind == Kind::dict;
  if (!container || e.cut || depth > kDeepest) return false;
  return std::all_of(e.items.begin(), e.items.end(), [&](const Expr& item) { return is_plain(item, depth + 1); });
}

std::string dotted(const Expr& symbol) {
  if (symbol.name.empty()) return symbol.text;
  return symbol.text.empty() ? symbol.name : symbol.text + "." + symbol.name;
}

Expr symbol(std::string module, std::string name) {
  Expr e;
  e.kind = Kind::symbol;
  e.text = std::move(module);
  e.name = std::move(name);
  return e;
}

/// "a.b.c" as a symbol: rules match by the joined name, so where the module ends does not matter.
Expr symbol_from_path(std::string_view path) {
  const auto colon = path.find(':');  // pkgutil.resolve_name("os:system")
  if (colon != path.npos) return symbol(std::string{path.substr(0, colon)}, std::string{path.substr(colon + 1)});
  const auto dot = path.rfind('.');
  if (dot == path.npos) return symbol(std::string{path}, "");
  return symbol(std::string{path.substr(0, dot)}, std::string{path.substr(dot + 1)});
}

const Expr* text_at(std::span<const Expr> args, std::size_t i) {
  return i < args.size() && args[i].kind == Kind::text && !args[i].cut ? &args[i] : nullptr;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_component(std::string_view name, std::initializer_list<std::string_view> words) {
  while (!name.empty()) {
    const auto dot = name.find('.');
    if (is_one_of(name.substr(0, dot), words)) return true;
    if (dot == name.npos) break;
    name = name.substr(dot + 1);
  }
  return false;
}

/// "torch.serialization" "os": a module full of sinks, under a name that another module gave it.
bool passes_sink_module(std::string_view name) {
  return has_component(name, {"os", "sys", "subprocess", "builtins", "importlib", "ctypes", "shutil", "socket", "runpy",
                              "marshal", "posix"});
}

/// "__init__.__globals__": the way from any function to everything its module knows.
bool walks_interpreter(std::string_view name) {
  return has_component(
      name, {"__globals__", "__builtins__", "__subclasses__", "__loader__", "__import__", "__code__", "func_globals"});
}

/// A name that the file computes: explain() marks it by a size.
bool is_computed_name(const Expr& e) { return e.kind == Kind::unknown && e.size != 0; }

std::optional<Expr> attribute_of(const Expr& object, std::string_view path, unsigned depth) {
  auto base = resolve(object, depth + 1);
  if (!base) return std::nullopt;
  base->name += (base->name.empty() ? "" : ".") + std::string{path};
  return base;
}

/// The result of calling a resolver that takes an object and names.
std::optional<Expr> resolve_call(const Expr& callee, std::span<const Expr> args, unsigned depth) {
  if (depth > kDeepest) return std::nullopt;
  if (callee.kind == Kind::call && !callee.items.empty()) {  // attrgetter("system")(module)
    const auto maker = resolve(callee.items[0], depth + 1);
    const auto inner = std::span{callee.items}.subspan(1);
    if (maker &&
        is_one_of(dotted(*maker),
                  {"operator.attrgetter", "_operator.attrgetter", "operator.itemgetter", "_operator.itemgetter"}) &&
        args.size() == 1)
      if (const auto* path = text_at(inner, 0)) return attribute_of(args[0], path->text, depth);
    return std::nullopt;
  }
  const auto maker = resolve(callee, depth + 1);
  if (!maker) return std::nullopt;
  const auto name = dotted(*maker);
  if (is_one_of(name, {"builtins.getattr", "inspect.getattr_static", "test.support.get_attribute",
                       "xmlrpc.server.resolve_dotted_attribute", "unittest.mock._dot_lookup"}) &&
      args.size() >= 2) {
    const auto* attribute = text_at(args, 1);
    if (attribute != nullptr) return attribute_of(args[0], attribute->text, depth);
    const auto base = resolve(args[0], depth + 1);  // some attribute of a module full of sinks is a sink
    if (base && (is_sink_module(dotted(*base)) || passes_sink_module(base->name)))
      return attribute_of(args[0], "?", depth);
    return std::nullopt;
  }
  if (is_one_of(name, {"operator.getitem", "_operator.getitem"}) && args.size() == 2)
    if (const auto* key = text_at(args, 1)) return attribute_of(args[0], key->text, depth);
  if (name.ends_with("cloudpickle._builtin_type") || name == "dill._dill._load_type")
    if (const auto* type = text_at(args, 0)) return symbol("types", type->text);
  if (is_one_of(name, {"importlib.import_module", "importlib.__import__", "importlib._bootstrap._gcd_import",
                       "builtins.__import__", "cloudpickle.cloudpickle.subimport", "cloudpickle.subimport",
                       "dill._dill._import_module", "pkgutil.resolve_name", "pydoc.locate", "unittest.mock._importer",
                       "pydoc.safeimport", "logging.config._resolve", "zope.dottedname.resolve.resolve"}))
    if (const auto* path = text_at(args, 0)) return symbol_from_path(path->text);
  return std::nullopt;
}

std::optional<Effect> listed_as(std::string_view dotted_name, const Listed& listed) {
  std::string key{dotted_name};
  if (const auto exact = listed.names.find(key); exact != listed.names.end()) return exact->second;
  for (auto dot = key.rfind('.'); dot != key.npos; dot = key.rfind('.')) {
    key.resize(dot);
    if (const auto prefix = listed.names.find(key + ".*"); prefix != listed.names.end()) return prefix->second;
  }
  return std::nullopt;
}

/// A dict inside `e` with a key like "__class__", or one that is not all there.
bool names_special(const Expr& e, unsigned depth) {
  if (depth > kDeepest) return true;
  if (e.kind == Kind::dict) {
    if (e.cut) return true;
    for (std::size_t i = 0; i < e.items.size(); i += 2)
      if (e.items[i].kind != Kind::text || e.items[i].text.starts_with("__")) return true;
  }
  const bool container = e.kind == Kind::dict || e.kind == Kind::tuple || e.kind == Kind::list;
  return container &&
         std::any_of(e.items.begin(), e.items.end(), [&](const Expr& item) { return names_special(item, depth + 1); });
}

/// Some of the items inside are not here.
bool is_cut(const Expr& e, unsigned depth) {
  const bool composite = !e.items.empty() || e.kind == Kind::tuple || e.kind == Kind::call;
  if (composite && (e.cut || depth > kDeepest)) return true;
  return std::any_of(e.items.begin(), e.items.end(), [&](const Expr& item) { return is_cut(item, depth + 1); });
}

bool plain_encoding(std::string_view name) {
  return is_one_of(name, {"latin1", "latin-1", "iso-8859-1", "iso8859-1", "8859", "cp819", "L1", "utf-8", "utf8",
                          "ascii", "us-ascii"});
}

/// Bytes that readers recognise as a pickle, and so have examined as a member of their own: PROTO and a protocol that
/// exists, and no fewer bytes than a reader looks at.
bool is_examined_pickle(const Expr& e) {
  constexpr std::uint64_t kLeast = 8;
  return e.kind == Kind::bytes && e.size >= kLeast && e.text.size() >= 2 && e.text[0] == '\x80' && e.text[1] >= 0 && e.text[1] <= 5;
}

/// Classes that the condition "load-type" may name.
bool plain_type(std::string_view name) {
  return is_one_of(name, {"int",
                          "float",
                          "str",
                          "bytes",
                          "bool",
                          "complex",
                          "list",
                          "dict",
                          "tuple",
                          "set",
                          "frozenset",
                          "object",
                          "type",
                          "NoneType",
                          "Ellipsis",
                          "EllipsisType",
                          "NotImplementedType",
                          "slice",
                          "range",
                          "bytearray",
                          "CodeType",
                          "FunctionType",
                          "MethodType",
                          "BuiltinMethodType",
                          "MappingProxyType",
                          "ModuleType",
                          "DictType",
                          "ListType",
                          "TupleType",
                          "StringType",
                          "IntType",
                          "FloatType",
                          "BooleanType",
                          "ComplexType",
                          "UnicodeType",
                          "BytesType",
                          "ObjectType",
                          "TypeType",
                          "ClassType",
                          "SetType",
                          "FrozenSetType",
                          "PartialType"});
}

Weight weight_of(Effect effect) {
  if (is_sink(effect)) return Weight::sink;
  if (effect == Effect::value) return Weight::harmless;
  if (effect == Effect::library) return Weight::library;
  return Weight::unknown;
}

/// May be made or called: a class or function that is judged by itself.
Verdict judge_callable(const Expr& value, std::span<const Expr> args, const Listed& listed, unsigned depth) {
  return judge_call(value, args, listed, depth + 1);
}

/// A class that NEWOBJ, copyreg._reconstructor and their kind instantiate.
Verdict judge_class(const Expr& value, const Listed& listed) {
  const auto cls = resolve(value);
  if (!cls) return {Weight::unknown, nullptr, written(value), false};
  auto verdict = judge_name(cls->text, cls->name, listed);
  const auto found = find_rule(cls->text, cls->name);
  if (verdict.weight == Weight::unknown && found.match == Match::class_prefix)
    verdict = {Weight::library, found.rule, dotted(*cls), false};
  return verdict;
}

/// `by_hand`: the callee is named in the pickle itself, not handed out by a library.
Verdict meets(std::string_view condition, const Verdict& verdict, std::span<const Expr> args, const Listed& listed,
              unsigned depth, bool by_hand) {
  const auto failed = [&] {
    auto v = verdict;
    v.condition_failed = true;
    v.weight = Weight::unknown;
    return v;
  };
  const auto fine = [&] { return verdict; };
  const auto first_as_class = [&](std::size_t i) {
    if (i >= args.size()) return failed();
    auto v = judge_class(args[i], listed);
    return v.weight == Weight::harmless ? fine() : v;
  };
  if (condition == "codecs-encode") {
    const auto* encoding = text_at(args, 1);
    const bool good = !args.empty() && args[0].kind == Kind::text && args.size() <= 3 &&
                      (args.size() == 1 || (encoding != nullptr && plain_encoding(encoding->text)));
    return good ? fine() : failed();
  }
  if (condition == "nested-bytes") return !args.empty() && is_examined_pickle(args[0]) ? fine() : failed();
  if (condition == "type-of") return args.size() == 1 ? fine() : failed();
  if (condition == "load-type") {
    const auto* name = text_at(args, 0);
    return name != nullptr && plain_type(name->text) ? fine() : failed();
  }
  if (condition == "getitem") {
    if (args.empty()) return failed();
    const auto base = resolve(args[0]);
    const bool of_typing =
        base && (base->text == "typing" || judge_name(base->text, base->name, listed).weight == Weight::harmless);
    const bool index = args.size() == 1 && is_constant(args[0]);  // itemgetter(0)
    return of_typing || index || is_plain(args[0]) ? fine() : failed();
  }
  if (condition == "reconstructor") {  // base.__new__(cls, state): any other base would be a way to call its __new__
    const auto* base = args.size() > 1 && args[1].kind == Kind::symbol ? &args[1] : nullptr;
    const bool built_in = base != nullptr && is_one_of(base->text, {"builtins", "__builtin__"}) && plain_type(base->name);
    return built_in ? first_as_class(0) : failed();
  }
  if (condition == "partial") {
    if (args.empty() || is_plain(args[0])) return fine();
    auto v = judge_callable(args[0], args.subspan(1), listed, depth);
    return v.weight == Weight::harmless ? fine() : v;
  }
  if (condition == "rebuild-from-type") {
    if (args.empty()) return failed();
    const bool unpacked = args.size() > 2 && args[2].kind == Kind::tuple;
    if (args.size() > 2 && !unpacked) return failed();
    auto v = judge_callable(args[0], unpacked ? std::span<const Expr>{args[2].items} : std::span<const Expr>{}, listed,
                            depth);
    if (v.weight == Weight::harmless && args.size() > 1 && args[1].kind == Kind::symbol) {
      const auto type = judge_class(args[1], listed);
      if (type.weight > v.weight) return type;
    }
    return v.weight == Weight::harmless ? fine() : v;
  }
  if (condition == "builds-code") {
    // Making a function runs nothing yet. Through the libraries that carry functions it is how they work; what
    // the bytecode names tells what it would do.
    const bool telling =
        std::any_of(args.begin(), args.end(), [](const Expr& arg) { return sink_named_in(arg).has_value(); });
    const bool unseen = std::any_of(args.begin(), args.end(), [](const Expr& arg) { return is_cut(arg, 0); });
    if (telling || by_hand || unseen) return failed();
    return Verdict{Weight::library, verdict.rule, verdict.name, false};
  }
  if (condition == "sets-cell") {
    const auto maker = args.empty() || args[0].items.empty() ? std::nullopt : resolve(args[0].items[0], depth + 1);
    const auto* attribute = text_at(args, 1);
    const bool cell = maker && (maker->name.ends_with("_create_cell") || maker->name.ends_with("_make_empty_cell") ||
                                maker->name.ends_with("_make_cell"));
    if (cell && attribute != nullptr && attribute->text == "cell_contents") return fine();
    return Verdict{Weight::sink, verdict.rule, verdict.name, false};
  }
  if (condition == "plain-attributes") {
    return std::none_of(args.begin(), args.end(), [](const Expr& arg) { return names_special(arg, 0); }) ? fine()
                                                                                                         : failed();
  }
  if (condition == "operands") {
    const bool of_flags = is_one_of(std::string_view{verdict.name}.substr(verdict.name.rfind('.') + 1),
                                    {"or_", "and_", "xor", "inv", "invert", "not_"});
    if (!of_flags) return failed();  // mul and pow make gigabytes out of two small numbers
    auto worst = fine();
    for (const auto& arg : args) {
      if (is_plain(arg)) continue;
      const auto v = arg.items.empty() ? judge_class(arg, listed)
                                       : judge_call(arg.items[0], std::span{arg.items}.subspan(1), listed, depth + 1);
      if (v.weight > worst.weight)
        worst = {v.weight == Weight::sink ? Weight::unknown : v.weight, v.rule, v.name, false};
    }
    return worst;
  }
  return failed();
}

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

std::optional<Expr> resolve(const Expr& value, unsigned depth) {
  if (depth > kDeepest) return std::nullopt;
  if (value.kind == Kind::symbol) return value;
  if (value.kind == Kind::persistent && !value.items.empty()) {  // torch's ('module', class, file, source) is the class
    const auto& id = value.items[0];
    const bool module = id.kind == Kind::tuple && id.items.size() >= 2 && id.items[0].kind == Kind::text &&
                        id.items[0].text == "module";
    return module ? resolve(id.items[1], depth + 1) : std::nullopt;
  }
  if (value.kind != Kind::call || value.items.empty()) return std::nullopt;
  const auto args = std::span{value.items}.subspan(1);
  if (auto reached = resolve_call(value.items[0], args, depth + 1)) return reached;
  // partial(f, ...) is f as far as calling it goes.
  const auto maker = resolve(value.items[0], depth + 1);
  if (maker && is_one_of(dotted(*maker), {"functools.partial", "_functools.partial"}) && !args.empty())
    return resolve(args[0], depth + 1);
  return std::nullopt;
}

Verdict judge_name(std::string_view module, std::string_view name, const Listed& listed) {
  std::string full{module};
  if (!name.empty()) full += (full.empty() ? "" : ".") + std::string{name};
  const auto found = find_rule(module, name);
  if (found.rule != nullptr && is_sink(found.rule->effect) && found.match != Match::class_prefix) {
    // What carries functions by design is judged by the code it is handed, in judge_call.
    const bool carries_code = found.rule->condition == "builds-code" && !found.rule->library.empty();
    return {carries_code ? Weight::library : Weight::sink, found.rule, full, false};
  }
  if (found.match != Match::exact)
    if (const auto reached = find_reexported(name); reached.rule != nullptr)
      return {Weight::sink, reached.rule, full, false};
  const auto mine = listed_as(full, listed);
  if (mine && is_sink(*mine)) return {Weight::sink, nullptr, full, false};
  if (found.rule != nullptr && (found.match == Match::exact || found.match == Match::prefix))
    return {found.rule->effect == Effect::resolves ? Weight::unknown : weight_of(found.rule->effect), found.rule, full,
            false};
  if (walks_interpreter(name)) return {Weight::sink, nullptr, full, false};
  if (passes_sink_module(name)) return {Weight::unknown, nullptr, full, true};
  if (mine) return {weight_of(*mine), nullptr, full, false};
  if (module == "__main__" || module == "__mp_main__") return {Weight::own, nullptr, full, false};
  return {Weight::unknown, found.rule, full, false};
}

Verdict judge_call(const Expr& callee, std::span<const Expr> args, const Listed& listed, unsigned depth) {
  if (depth > kDeepest) return {Weight::unknown, nullptr, written(callee), false};
  const auto target = resolve(callee, depth + 1);
  if (is_computed_name(callee) &&
      (is_sink_module(callee.text) || passes_sink_module(callee.text)))  // some function of os
    return {Weight::sink, find_rule(callee.text, "?").rule, callee.text + ".?", false};
  if (callee.kind == Kind::unknown)
    return {Weight::unknown, nullptr, is_computed_name(callee) ? "a name that the file computes" : written(callee),
            false};
  if (!target) {
    if (callee.kind == Kind::call || callee.kind == Kind::instance) {
      const auto maker = callee.items.empty() ? std::nullopt : resolve(callee.items[0], depth + 1);
      const auto made_by = maker ? dotted(*maker) : std::string{};
      if (is_one_of(made_by, {"operator.methodcaller", "_operator.methodcaller"}) && !args.empty()) {
        const auto inner = std::span{callee.items}.subspan(1);  // methodcaller("system", "id")(os)
        if (const auto* method = text_at(inner, 0))
          if (const auto reached = attribute_of(args[0], method->text, depth))
            return judge_call(*reached, inner.subspan(1), listed, depth + 1);
      }
      if (maker) {  // the result of something: calling what a sink made is calling the sink
        const auto by = judge_name(maker->text, maker->name, listed);
        if (by.weight == Weight::sink) return {Weight::sink, by.rule, dotted(*maker), false};
      }
    }
    return {Weight::unknown, nullptr, written(callee), false};
  }
  auto verdict = judge_name(target->text, target->name, listed);
  const auto* rule = verdict.rule;
  if (rule == nullptr) return verdict;
  // A factory of factories is fine: what a partial binds was looked at where it was made and given its state.
  const bool bound = callee.kind == Kind::call && !rule->condition.empty() && rule->condition != "partial";
  if (bound && !is_sink(rule->effect)) {  // a partial: arguments that are not seen here come before these
    verdict.condition_failed = true;
    verdict.weight = Weight::unknown;
    return verdict;
  }
  const bool by_hand = callee.kind == Kind::symbol && rule->library.empty();
  if (rule->condition == "load-type" || rule->condition == "partial" || rule->condition == "operands") {
    auto harmless = verdict;
    harmless.weight = Weight::harmless;
    auto met = meets(rule->condition, harmless, args, listed, depth, by_hand);
    if (met.weight != Weight::unknown || rule->condition != "load-type") return met;
  }
  if (rule->effect == Effect::resolves) {
    Expr whole;
    whole.kind = Kind::call;
    whole.items.push_back(callee);
    whole.items.insert(whole.items.end(), args.begin(), args.end());
    if (const auto reached = resolve(whole, depth + 1)) {
      auto result = judge_name(reached->text, reached->name, listed);
      // Looking an attribute up is not calling it: an unknown one is only a name that is imported.
      if (result.weight == Weight::unknown && !result.condition_failed) return {Weight::own, rule, result.name, false};
      if (result.weight != Weight::harmless && result.weight != Weight::library) return result;
      return {Weight::harmless, rule, result.name, false};
    }
    if (!rule->condition.empty()) {
      auto harmless = verdict;
      harmless.weight = Weight::harmless;
      return meets(rule->condition, harmless, args, listed, depth, by_hand);
    }
    verdict.condition_failed = true;
    verdict.weight = Weight::unknown;
    return verdict;
  }
  if (rule->effect == Effect::imports) {  // importing a module runs it; judged by which
    if (const auto* path = text_at(args, 0);
        path != nullptr && is_one_of(verdict.name, {"cloudpickle.cloudpickle.subimport", "cloudpickle.subimport",
                                                    "dill._dill._import_module"})) {
      const auto reached = symbol_from_path(path->text);
      const auto result = judge_name(reached.text, reached.name, listed);
      if (result.weight == Weight::sink || is_sink_module(path->text))
        return {Weight::sink, result.rule != nullptr ? result.rule : rule, path->text, false};
      return {Weight::library, rule, verdict.name, false};
    }
    return verdict;
  }
  if (rule->effect == Effect::loads && rule->condition.empty()) {
    // A path leads anywhere. Bytes are here, and examined as a member: what they do is said there.
    if (!args.empty() && args[0].kind == Kind::text) return verdict;
    return {Weight::unknown, rule, verdict.name, true};
  }
  if (rule->condition.empty()) return verdict;
  if (is_sink(rule->effect)) {  // a sink that its arguments can clear
    auto cleared = verdict;
    cleared.weight = Weight::harmless;
    return meets(rule->condition, cleared, args, listed, depth, by_hand);
  }
  return meets(rule->condition, verdict, args, listed, depth, by_hand);
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

std::optional<std::string> sink_named_in(const Expr& value, unsigned depth) {
  // Names that bytecode hardly mentions without using them for what they do. "os" and "eval" are not
  // among them: os.path.join and model.eval() are everyday code.
  if (depth > kDeepest) return std::nullopt;
  if (value.kind == Kind::text) {
    const bool telling =
        is_one_of(value.text, {"subprocess", "pty", "ctypes", "__import__", "popen", "system", "exec", "marshal",
                               "socket", "check_output", "Popen", "__subclasses__", "urlopen"});
    return telling ? std::optional{value.text} : std::nullopt;
  }
  if (value.kind == Kind::symbol) {
    const auto v = judge_name(value.text, value.name, {});
    const bool bad = v.weight == Weight::sink && (v.rule == nullptr || v.rule->condition != "builds-code");
    return bad ? std::optional{dotted(value)} : std::nullopt;
  }
  for (const auto& item : value.items)
    if (auto found = sink_named_in(item, depth + 1)) return found;
  return std::nullopt;
}

std::optional<Verdict> sink_inside(const Expr& value, const Listed& listed, unsigned depth) {
  if (depth > kDeepest) return std::nullopt;
  if (value.kind == Kind::symbol) {
    auto v = judge_name(value.text, value.name, listed);
    return v.weight == Weight::sink ? std::optional{v} : std::nullopt;
  }
  for (const auto& item : value.items)
    if (auto found = sink_inside(item, listed, depth + 1)) return found;
  return std::nullopt;
}

}  // namespace assay::detect
