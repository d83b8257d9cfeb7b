#include "detect/expression.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "detect/written.h"

namespace assay::detect {
namespace {

using format::Expr;
using Kind = Expr::Kind;

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

/// "torch.serialization" "os", "random" "_os": a module full of sinks, under a name that another module gave it.
bool passes_sink_module(std::string_view name) {
  return has_component(
      name, {"os",        "sys",     "subprocess", "builtins", "importlib", "ctypes",  "shutil",   "socket",
             "runpy",     "marshal", "posix",      "nt",       "pty",       "_os",     "_sys",     "_subprocess",
             "_builtins", "bltns",   "_importlib", "_ctypes",  "_shutil",   "_socket", "_marshal", "__builtin__"});
}

/// "__init__.__globals__": the way from any function to everything its module knows. The rule that says so.
const Rule* walks_interpreter(std::string_view name) {
  const bool walks = has_component(
      name, {"__globals__", "__builtins__", "__subclasses__", "__loader__", "__import__", "__code__", "func_globals"});
  return walks ? find_rule("__globals__", {}).rule : nullptr;
}

/// "__dict__.eval" is what "eval" is.
std::string without_namespaces(std::string_view name) {
  std::string out;
  for (;;) {
    const auto dot = name.find('.');
    const auto component = name.substr(0, dot);
    if (component != "__dict__") out += (out.empty() ? "" : ".") + std::string{component};
    if (dot == name.npos) return out;
    name = name.substr(dot + 1);
  }
}

/// Names that bytecode hardly mentions without using them for what they do. "os" and "eval" are not among them:
/// os.path.join and model.eval() are everyday code.
bool telling_name(std::string_view name) {
  return is_one_of(
      name, {"subprocess", "pty", "ctypes", "__import__", "popen", "system", "exec", "marshal", "socket",
             "check_output", "Popen", "__subclasses__", "urlopen", "execv", "execve", "execvp", "posix_spawn", "CDLL"});
}

/// A name that the file computes: explain() marks it by a size.
bool is_computed_name(const Expr& e) { return e.kind == Kind::unknown && e.size != 0; }

std::optional<Expr> attribute_of(const Expr& object, std::string_view path, unsigned depth) {
  auto base = resolve(object, depth + 1);
  if (!base) return std::nullopt;
  base->name += (base->name.empty() ? "" : ".") + std::string{path};
  return base;
}

bool leads_nowhere_in_builtins(std::string_view name) {
  const auto found = find_rule("builtins", name);
  return found.rule == nullptr || !is_sink(found.rule->effect);
}

/// dill names the types of `types` and of `builtins`, and a few that have no name there.
Expr type_of_dill(std::string_view name) {
  if (name == "PartialType") return symbol("functools", "partial");
  if (name == "AttrGetterType") return symbol("operator", "attrgetter");
  if (name == "ItemGetterType") return symbol("operator", "itemgetter");
  const bool of_types = name.ends_with("Type") || find_rule("types", name).rule != nullptr;
  return symbol(of_types ? "types" : "builtins", std::string{name});
}

/// cloudpickle's subimport and dill's _import_module.
bool maker_imports_modules(const Expr& maker) {
  const auto found = find_rule(maker.text, maker.name);
  return found.rule != nullptr && found.rule->condition == "module";
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
  if (name == "dill._dill._get_attr")  // falls back on the builtins: (1, "eval") is eval
    if (const auto* attribute = text_at(args, 1); attribute != nullptr && !leads_nowhere_in_builtins(attribute->text))
      return symbol("builtins", attribute->text);
  if (is_one_of(name, {"builtins.getattr", "inspect.getattr_static", "test.support.get_attribute",
                       "xmlrpc.server.resolve_dotted_attribute", "unittest.mock._dot_lookup", "dill._dill._get_attr",
                       "dill._dill._getattribute"}) &&
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
  const auto method = std::string_view{maker->name}.substr(maker->name.rfind('.') + 1);
  if ((method == "get" || method == "__getitem__") && has_component(maker->name, {"__dict__"}))
    if (const auto* key = text_at(args, 0))
      return symbol(maker->text, maker->name.substr(0, maker->name.size() - method.size()) + key->text);
  if (name == "builtins.vars" && args.size() == 1) return attribute_of(args[0], "__dict__", depth);
  if (name.ends_with("cloudpickle._builtin_type"))
    if (const auto* type = text_at(args, 0)) return symbol("types", type->text);
  // It looks for module.name first, and makes a class only where there is none: ("eval", (), "builtins") is eval.
  if (name == "dill._dill._create_namedtuple" && text_at(args, 0) != nullptr && text_at(args, 2) != nullptr &&
      args[2].text != "__main__")
    return symbol(args[2].text, args[0].text);
  if (name == "dill._dill._load_type")
    if (const auto* type = text_at(args, 0)) return type_of_dill(type->text);
  if (is_one_of(name, {"importlib.import_module", "importlib.__import__", "importlib._bootstrap._gcd_import",
                       "builtins.__import__", "pkgutil.resolve_name", "pydoc.locate", "unittest.mock._importer",
                       "pydoc.safeimport", "logging.config._resolve", "zope.dottedname.resolve.resolve"}) ||
      maker_imports_modules(*maker))
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

/// Some of the tuples in which bytecode keeps its names and constants are not all here. Calls inside are judged
/// by themselves.
bool is_cut(const Expr& e, unsigned depth = 0) {
  if (e.kind != Kind::tuple) return false;
  if (e.cut || depth > kDeepest) return true;
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
  return e.kind == Kind::bytes && e.size >= kLeast && e.text.size() >= 2 && e.text[0] == '\x80' && e.text[1] >= 0 &&
         e.text[1] <= 5;
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
                          "NotImplemented",
                          "SuperType",
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
                          "PartialType",
                          "AttrGetterType",
                          "ItemGetterType",
                          "LambdaType",
                          "CellType",
                          "GeneratorType",
                          "BuiltinFunctionType",
                          "GetSetDescriptorType",
                          "MemberDescriptorType",
                          "WrapperDescriptorType",
                          "MethodWrapperType",
                          "MethodDescriptorType",
                          "ClassMethodDescriptorType",
                          "GenericAlias",
                          "SimpleNamespace",
                          "property",
                          "staticmethod",
                          "classmethod",
                          "super",
                          "memoryview",
                          "enumerate",
                          "zip",
                          "map",
                          "filter",
                          "reversed"});
}

Weight weight_of(Effect effect) {
  if (is_sink(effect)) return Weight::sink;
  if (effect == Effect::value) return Weight::harmless;
  if (effect == Effect::library) return Weight::library;
  return Weight::unknown;
}

/// Whether a loader reads bytes that the file itself holds, not a path, which leads anywhere: loads(b"..."), and
/// load(BytesIO(b"...")).
bool is_in_memory(const Rule& rule, std::span<const Expr> args, unsigned depth) {
  if (rule.condition == "in-memory") return args.empty() || args[0].kind != Kind::text;
  if (args.empty() || args[0].kind != Kind::call || args[0].items.empty()) return false;
  const auto maker = resolve(args[0].items[0], depth + 1);
  return maker && is_one_of(dotted(*maker), {"io.BytesIO", "_io.BytesIO", "_pyio.BytesIO"});
}

/// A partial or a bound method: a function with some of its arguments.
bool binds_arguments(const Expr& value, unsigned depth) {
  if (value.kind != Kind::call || value.items.size() < 2) return false;
  const auto maker = resolve(value.items[0], depth);
  return maker && is_one_of(dotted(*maker), {"functools.partial", "_functools.partial", "types.MethodType"});
}

/// May be made or called: a class or function that is judged by itself.
Verdict judge_callable(const Expr& value, std::span<const Expr> args, const Listed& listed, unsigned depth) {
  return judge_call(value, args, listed, depth + 1);
}

/// Whether a rule is of a library that stores functions and classes as code, which runs nothing until it is called.
bool carries_code(const Rule* rule) {
  return rule != nullptr && !rule->library.empty() &&
         is_one_of(rule->condition, {"builds-code", "calls-first", "fills", "module"});
}

/// What cloudpickle or dill made out of the file's own bytecode.
struct Carried {
  const Rule* rule = nullptr;  ///< of what made it; nullptr where nothing did
  bool by_class = false;       ///< a class, or made by one: calling a function runs its bytecode at once
};

Carried carried(const Expr& value, unsigned depth = 0) {
  if (depth > kDeepest || (value.kind != Kind::call && value.kind != Kind::instance) || value.items.empty()) return {};
  const auto& callee = value.items[0];
  const auto maker = resolve(callee, depth + 1);
  if (!maker) return carried(callee, depth + 1);  // an instance of a class that the file brings along
  const auto* rule = find_rule(maker->text, maker->name).rule;
  if (rule == nullptr) return {};
  if (rule->condition == "wraps" && value.items.size() > 1) return carried(value.items[1], depth + 1);
  if (rule->condition == "getattr" && value.items.size() > 1) return {carried(value.items[1], depth + 1).rule, false};
  const bool lent = callee.kind != Kind::symbol && rule->condition == "builds-code";  // _builtin_type("FunctionType")
  if (!lent && !carries_code(rule) && rule->condition != "builds-class") return {};
  const auto last = std::string_view{maker->name}.substr(maker->name.rfind('.') + 1);
  const bool computed_home = last == "_create_namedtuple" && text_at(std::span{value.items}.subspan(1), 2) == nullptr;
  return {rule, !computed_home && is_one_of(last, {"_make_skeleton_class", "_make_skeleton_enum", "_make_typevar",
                                                   "_create_type", "_create_namedtuple", "_rehydrate_skeleton_class",
                                                   "_load_namedtuple", "new_class"})};
}

/// A class of classes: calling it makes a class, and calls nothing of the file's choice.
bool is_metaclass(const Expr& value) {
  if (carried(value).by_class) return true;
  const auto cls = resolve(value);
  if (!cls) return false;
  return find_rule(cls->text, cls->name).match == Match::class_prefix ||
         is_one_of(dotted(*cls),
                   {"builtins.type", "abc.ABCMeta", "enum.EnumMeta", "enum.EnumType", "typing.GenericMeta",
                    "typing._ProtocolMeta", "typing.NamedTupleMeta", "typing._TypedDictMeta"});
}

/// Modules that everyday functions use, and that do nothing by being imported.
bool everyday_module(std::string_view path) {
  return is_one_of(path, {"os",
                          "os.path",
                          "sys",
                          "io",
                          "_io",
                          "glob",
                          "shutil",
                          "tempfile",
                          "logging",
                          "threading",
                          "_thread",
                          "queue",
                          "gc",
                          "platform",
                          "importlib",
                          "pickle",
                          "joblib",
                          "zipfile",
                          "tarfile",
                          "difflib",
                          "contextvars",
                          "signal",
                          "base64",
                          "zlib",
                          "gzip",
                          "binascii",
                          "mmap",
                          "concurrent.futures",
                          "multiprocessing",
                          "urllib.parse"});
}

bool metaclass_is_known(const Expr& keywords) {
  for (std::size_t i = 0; i + 1 < keywords.items.size(); i += 2)
    if (keywords.items[i].kind != Kind::text || keywords.items[i].text != "metaclass" ||
        !is_metaclass(keywords.items[i + 1]))
      return false;
  return true;
}

/// An attribute that no walk to a sink goes through.
bool leads_nowhere(std::string_view path) {
  return path.find("__") == path.npos && !passes_sink_module(path) && !telling_name(path);
}

/// A value that may become an attribute of a class that the file brings along.
bool sets_harmlessly(const Expr& value, const Listed& listed) {
  if (is_plain(value) || carried(value).rule != nullptr) return true;
  return value.kind == Kind::symbol && judge_name(value.text, value.name, listed).weight <= Weight::own;
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
  if (condition == "in-memory") return Verdict{Weight::sink, verdict.rule, verdict.name, false};  // a path: anywhere
  if (condition == "type-of") return args.size() == 1 ? fine() : failed();
  if (condition == "load-type") {
    const auto* name = text_at(args, 0);
    if (name != nullptr && plain_type(name->text)) return fine();
    return is_sink(verdict.rule->effect) ? Verdict{Weight::sink, verdict.rule, verdict.name, false} : failed();
  }
  if (condition == "getattr") {  // resolved where the object has a name; this one is a class of the file itself
    const auto* attribute = text_at(args, 1);
    const auto* made_by = args.empty() ? nullptr : carried(args[0]).rule;
    if (made_by == nullptr || attribute == nullptr || !leads_nowhere(attribute->text)) return failed();
    return Verdict{Weight::library, made_by, verdict.name, false};
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
    const bool built_in = args.size() < 2 || (args[1].kind == Kind::symbol && plain_type(args[1].name) &&
                                              is_one_of(args[1].text, {"builtins", "__builtin__"}));
    auto made = first_as_class(0);
    return built_in || made.weight >= Weight::unknown ? made : failed();
  }
  const auto by_library = [&] { return Verdict{Weight::library, verdict.rule, verdict.name, false}; };
  if (condition == "wraps" && !args.empty()) {  // nothing is called yet
    const auto function = resolve(args[0]);
    const auto* library = carried(args[0]).rule;
    if (library == nullptr && function && carries_code(find_rule(function->text, function->name).rule))
      library = find_rule(function->text, function->name).rule;
    if (library != nullptr) return Verdict{Weight::library, library, verdict.name, false};
  }
  if (condition == "partial" || condition == "wraps") {
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
  const auto tells = [](const Expr& arg) { return sink_named_in(arg).has_value() || is_cut(arg); };
  if (condition == "builds-code") {
    // Making a function runs nothing yet. Through the libraries that carry functions it is how they work; what
    // the bytecode names tells what it would do.
    return by_hand || std::any_of(args.begin(), args.end(), tells) ? failed() : by_library();
  }
  if (condition == "calls-first") {
    if (args.empty()) return failed();
    if (is_metaclass(args[0])) return std::any_of(args.begin(), args.end(), tells) ? failed() : by_library();
    const auto called = judge_callable(args[0], args.subspan(1), listed, depth);
    return called.weight == Weight::harmless ? by_library() : called;
  }
  if (condition == "fills") {
    // Filling what the file made is how functions reach their globals. Filling anything else plants code in it.
    if (args.empty()) return failed();
    const auto target = resolve(args[0]);
    if (target && judge_name(target->text, target->name, listed).weight != Weight::own)
      return Verdict{Weight::sink, verdict.rule, verdict.name, false};
    const bool ours = target || args[0].kind == Kind::dict || carried(args[0]).rule != nullptr;
    return !ours || std::any_of(args.begin(), args.end(), tells) ? failed() : by_library();
  }
  if (condition == "module") {
    const auto* path = text_at(args, 0);
    if (path == nullptr || sink_named_in(*path)) return failed();
    const auto reached = symbol_from_path(path->text);
    const auto found = judge_name(reached.text, reached.name, listed);
    const bool harmful = found.weight == Weight::sink || found.condition_failed;
    return harmful && !everyday_module(path->text) ? failed() : by_library();
  }
  if (condition == "builds-class") {  // types.new_class(name, bases, {"metaclass": M}, fill)
    const bool plain_name = text_at(args, 0) != nullptr;
    const bool quiet = args.size() < 3 || (args[2].kind == Kind::dict && !args[2].cut && metaclass_is_known(args[2]));
    const auto fill = args.size() > 3 ? resolve(args[3]) : std::nullopt;
    const bool filled =
        args.size() < 4 || args[3].kind == Kind::none || (fill && dotted(*fill) == "dill._dill._setitems");
    return plain_name && quiet && filled && std::none_of(args.begin(), args.end(), tells) ? by_library() : failed();
  }
  if (condition == "attribute-names") {
    const bool called = verdict.name.ends_with("methodcaller");
    const auto names = args.first(called ? std::min<std::size_t>(args.size(), 1) : args.size());
    const bool harmless_names = std::all_of(names.begin(), names.end(), [](const Expr& arg) {
      return arg.kind == Kind::text && !arg.cut && leads_nowhere(arg.text);
    });
    const bool harmless_rest = std::all_of(args.begin(), args.end(), [](const Expr& arg) { return is_plain(arg); });
    return !args.empty() && harmless_names && harmless_rest ? fine() : failed();
  }
  if (condition == "sets-cell") {
    const auto maker = args.empty() || args[0].items.empty() ? std::nullopt : resolve(args[0].items[0], depth + 1);
    const auto* attribute = text_at(args, 1);
    const bool cell = maker && (maker->name.ends_with("_create_cell") || maker->name.ends_with("_make_empty_cell") ||
                                maker->name.ends_with("_make_cell"));
    if (cell && attribute != nullptr && attribute->text == "cell_contents") return fine();
    const auto target = args.size() == 3 ? judge_class(args[0], listed) : Verdict{};
    const bool ours = args.size() == 3 && (target.weight == Weight::own || carried(args[0]).rule != nullptr);
    if (ours && attribute != nullptr && sets_harmlessly(args[2], listed)) return by_library();
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
  if (binds_arguments(value, depth + 1)) return resolve(args[0], depth + 1);
  return std::nullopt;
}

bool binds_function(const Rule& rule) { return rule.condition == "partial" || rule.condition == "wraps"; }

Verdict judge_name(std::string_view module, std::string_view name, const Listed& listed) {
  const auto attributes = without_namespaces(name);
  std::string full{module};
  if (!attributes.empty()) full += (full.empty() ? "" : ".") + attributes;
  const auto found = find_rule(module, attributes);
  if (found.rule != nullptr && is_sink(found.rule->effect) && found.match != Match::class_prefix)
    return {carries_code(found.rule) ? Weight::library : Weight::sink, found.rule, full, false};
  if (found.match != Match::exact)
    if (const auto reached = find_reexported(attributes); reached.rule != nullptr)
      return {Weight::sink, reached.rule, full, false};
  const auto mine = listed_as(full, listed);
  if (mine && is_sink(*mine)) return {Weight::sink, nullptr, full, false};
  const auto* walk = walks_interpreter(attributes);
  if (walk != nullptr && found.match != Match::exact) return {Weight::sink, walk, full, false};
  if (found.rule != nullptr && (found.match == Match::exact || found.match == Match::prefix))
    return {found.rule->effect == Effect::resolves ? Weight::unknown : weight_of(found.rule->effect), found.rule, full,
            false};
  const bool namespace_of_sinks = attributes != name && passes_sink_module(full);  // builtins.__dict__
  if (namespace_of_sinks || passes_sink_module(attributes)) return {Weight::unknown, nullptr, full, true};
  if (mine) return {weight_of(*mine), nullptr, full, false};
  if (module == "__main__" || module == "__mp_main__") return {Weight::own, nullptr, full, false};
  return {Weight::unknown, found.rule, full, false};
}

Verdict judge_class(const Expr& value, const Listed& listed) {
  if (const auto made = carried(value); made.by_class) return {Weight::library, made.rule, written(value, 120), false};
  const auto cls = resolve(value);
  if (!cls) return {Weight::unknown, nullptr, written(value), false};
  auto verdict = judge_name(cls->text, cls->name, listed);
  const auto found = find_rule(cls->text, cls->name);
  if (verdict.weight == Weight::unknown && found.match == Match::class_prefix)
    verdict = {Weight::library, found.rule, dotted(*cls), false};
  return verdict;
}

Verdict judge_call(const Expr& callee, std::span<const Expr> args, const Listed& listed, unsigned depth) {
  if (depth > kDeepest) return {Weight::unknown, nullptr, written(callee), false};
  if (binds_arguments(callee, depth + 1)) {  // partial(f, 1)(2) is f(1, 2)
    std::vector<Expr> all{callee.items.begin() + 2, callee.items.end()};
    all.insert(all.end(), args.begin(), args.end());
    return judge_call(callee.items[1], all, listed, depth + 1);
  }
  const auto target = resolve(callee, depth + 1);
  if (is_computed_name(callee) &&
      (is_sink_module(callee.text) || passes_sink_module(callee.text)))  // some function of os
    return {Weight::sink, find_rule(callee.text, "?").rule, callee.text + ".?", false};
  if (callee.kind == Kind::unknown)
    return {Weight::unknown, nullptr, is_computed_name(callee) ? "a name that the file computes" : written(callee),
            false};
  if (!target) {
    // Calling a function that the file brings along runs its bytecode now; of classes that is how objects are made.
    if (const auto made = carried(callee); made.rule != nullptr)
      return {made.by_class ? Weight::library : Weight::sink, made.rule, written(callee, 120), false};
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
        const auto options = std::span{callee.items}.subspan(1);  // lru_cache(3, False)(f)
        const bool decorates = by.rule != nullptr && by.rule->condition == "wraps" &&
                               std::all_of(options.begin(), options.end(), [](const Expr& e) { return is_plain(e); });
        if (decorates) return meets("wraps", {Weight::harmless, by.rule, by.name, false}, args, listed, depth, false);
      }
    }
    return {Weight::unknown, nullptr, written(callee), false};
  }
  auto verdict = judge_name(target->text, target->name, listed);
  const auto* rule = verdict.rule;
  if (rule == nullptr) return verdict;
  // A factory of factories is fine: what a partial binds was looked at where it was made and given its state.
  const bool bound = callee.kind == Kind::call && !rule->condition.empty() && !binds_function(*rule);
  if (bound && !is_sink(rule->effect)) {  // a partial: arguments that are not seen here come before these
    verdict.condition_failed = true;
    verdict.weight = Weight::unknown;
    return verdict;
  }
  const bool by_hand = callee.kind == Kind::symbol && rule->library.empty();
  if (is_one_of(rule->condition, {"load-type", "partial", "wraps", "operands"})) {
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
      // Looking an attribute up is not calling it: an unknown one is only a name that is imported. What turns text
      // into any function of any module imports that module on the way.
      const bool attribute = rule->condition == "getattr" || rule->condition == "getitem";
      if (result.weight == Weight::unknown && !result.condition_failed)
        return {attribute ? Weight::own : Weight::unknown, rule, result.name, !attribute};
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
  if (rule->effect == Effect::loads && is_in_memory(*rule, args, depth)) {
    // What is loaded is here, and examined as a member: what it does is said there.
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

std::optional<std::string> sink_named_in(const Expr& value, unsigned depth) {
  if (depth > kDeepest) return std::nullopt;
  if (value.kind == Kind::text) return telling_name(value.text) ? std::optional{value.text} : std::nullopt;
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
