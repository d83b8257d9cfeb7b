#include "format/pickle/interpreter.h"
#include "format/pickle/text.h"

namespace assay::format::pickle {
namespace {

bool is_str(const Symbol& s) { return s.name == "str" || s.name.ends_with(".str") || !s.resolved; }

}  // namespace

void Interpreter::import(std::string_view module, std::string_view name, bool resolved) {
  const auto number = m.intern(module, name, resolved, r.protocol < 3);
  push({Tag::symbol, 0, 0, 0, number});
  tell_differences();
  sink.on_import(m, number, op_at, op);
}

bool Interpreter::name_lines(std::string& module, std::string& name) {
  Line text;
  if (!line(text)) return false;
  module = text.text;
  bool too_long = text.is_long();
  if (!line(text)) return false;
  name = text.text;
  too_long |= text.is_long();
  if (too_long) return stop_all(Errc::malformed, "a name longer than any that can be imported"), false;
  if (!is_utf8_text(module) || !is_utf8_text(name)) return stop_all(Errc::malformed, "a name is not UTF-8"), false;
  if (!is_ascii(module) || !is_ascii(name)) {
    sink.on_quirk(m, "pickle.name-not-ascii", op_at, r.profiles, module + " " + name);
    if (!leave(bits(Profile::pickletools), Errc::malformed, "a name is not ASCII")) return false;
  }
  if (module.empty() || name.empty())
    return differ(kCLoaders, "pickle.profiles-differ", "an empty name", module + " " + name);
  return true;
}

bool Interpreter::global() {
  std::string module, name;
  if (!name_lines(module, name)) return false;
  import(module, name, true);
  return true;
}

bool Interpreter::stack_global() {
  if (!has(2)) return false;
  const auto name = pop(), module = pop();
  // Loaders want exactly str, no class of one's own: what NEWOBJ makes is none, unless it makes a str.
  const auto could_be_text = [&](const Value& v) {
    const auto cls = v.tag == Tag::instance ? m.symbol_of(v) : std::nullopt;
    return v.tag == Tag::text || (!is_plain(v.tag) && (!cls || is_str(m.symbol(*cls))));
  };
  if (!could_be_text(name) || !could_be_text(module))
    return stop_all(Errc::malformed, "STACK_GLOBAL without two texts"), false;
  if (name.tag == Tag::text && module.tag == Tag::text) {
    import(m.text_of(module), m.text_of(name), true);
  } else {
    const auto known = [&](const Value& v) { return v.tag == Tag::text ? m.text_of(v) : std::string{}; };
    import(known(module), known(name), false);
  }
  return true;
}

void Interpreter::call(Call::Kind kind, const Value& callee, const Value& args, const Value& extra, Tag made) {
  sink.on_call(m, {kind, op_at, callee, args, extra, r.profiles});
  push(r.heap.make_node(made, callee, args));
}

bool Interpreter::callable(const Value& v) {
  if (!is_plain(v.tag)) return true;
  return stop_all(Errc::malformed, "what is called is not callable"), false;
}

/// The C unpickler wants a tuple; pickle.py writes f(*args) and takes any iterable.
bool Interpreter::argument_tuple(const Value& args) {
  if (args.tag == Tag::tuple || !is_plain(args.tag)) return true;
  const bool iterable = args.tag == Tag::list || args.tag == Tag::dict || args.tag == Tag::set ||
                        args.tag == Tag::frozenset || args.tag == Tag::text || args.tag == Tag::bytes;
  if (!iterable) return stop_all(Errc::malformed, "the arguments are no tuple"), false;
  return differ(kCLoaders, "pickle.profiles-differ", "the arguments are no tuple", std::string{name_of(op)});
}

bool Interpreter::reduce() {
  if (!has(2)) return false;
  const auto args = pop(), callee = pop();
  if (!callable(callee) || !argument_tuple(args)) return false;
  call(Call::Kind::reduce, callee, args, {}, Tag::call);
  return true;
}

bool Interpreter::newobj(bool with_keywords) {
  if (!has(with_keywords ? 3 : 2)) return false;
  const auto keywords = with_keywords ? pop() : Value{};
  const auto args = pop(), cls = pop();
  if (!callable(cls) || !argument_tuple(args)) return false;
  call(with_keywords ? Call::Kind::newobj_ex : Call::Kind::newobj, cls, args, keywords, Tag::instance);
  return true;
}

bool Interpreter::obj() {
  std::size_t from;
  if (!to_mark(from)) return false;
  if (r.stack.size() <= from) return stop_all(Errc::malformed, "the stack is empty"), false;
  replace_by_tuple(from + 1);
  const auto args = pop(), callee = pop();
  if (!callable(callee)) return false;
  call(Call::Kind::obj, callee, args, {}, Tag::call);
  return true;
}

bool Interpreter::inst() {
  std::string module, name;
  if (!name_lines(module, name)) return false;
  std::size_t from;
  if (!to_mark(from)) return false;
  replace_by_tuple(from);
  const auto args = pop();
  import(module, name, true);
  const auto callee = pop();
  call(Call::Kind::inst, callee, args, {}, Tag::call);
  return true;
}

bool Interpreter::is_false(const Value& v) const {
  if (v.tag == Tag::none) return true;
  if (v.tag == Tag::boolean || v.tag == Tag::integer || v.tag == Tag::real) return v.at == 0;
  const auto n = m.length(v);
  return n && *n == 0;
}

/// Nothing built in has __setstate__ or a __dict__, so only a state that asks for nothing passes: None to the C
/// unpickler, whatever is false to pickle.py; and the same again for the second half of a pair.
bool Interpreter::build_plain(const Value& state) {
  auto first = state;
  std::optional<Value> slots;
  if (state.tag == Tag::tuple && state.len == 2 && m.item(state, 1))
    first = *m.item(state, 0), slots = m.item(state, 1);
  const bool c = first.tag == Tag::none && (!slots || (slots->tag == Tag::dict && is_false(*slots)));
  const bool python = is_false(first) && (!slots || is_false(*slots));
  if (!c && !python) return stop_all(Errc::malformed, "BUILD of a value without attributes"), false;
  return c || differ(kCLoaders, "pickle.profiles-differ", "BUILD of a value without attributes", "BUILD");
}

bool Interpreter::build() {
  if (!has(2)) return false;
  const auto state = pop();
  const auto target = r.stack.back();
  if (is_plain(target.tag)) return build_plain(state);
  r.heap.set_state(target, state);
  sink.on_call(m, {Call::Kind::build, op_at, target, state, {}, r.profiles});
  if (const auto data = sink.on_inline_data(m, target, state, in.in_frame() ? in.frame_end() : in.offset()))
    read_inline(state, *data);
  return true;
}

/// joblib reads array bytes from the file itself; everybody else takes them for opcodes.
void Interpreter::read_inline(const Value& state, const bytes::Extent& data) {
  const auto joblib = static_cast<Profiles>(r.profiles & bits(Profile::joblib));
  const auto others = static_cast<Profiles>(r.profiles & ~joblib & kAllProfiles);
  if (joblib == 0) return;
  if (others != 0 && m.forks_ < Machine::kMostForks) {
    ++m.forks_;
    auto other = std::make_unique<Reading>(r);
    other->profiles = others;
    m.waiting_.push_back(std::move(other));
  }
  r.profiles = joblib;
  const Value array{Tag::symbol, 0, 0, 0, m.intern("numpy", "ndarray", true, false)};
  r.stack.pop_back();  // joblib puts the array where its wrapper was
  auto made = r.heap.make_node(Tag::instance, array, r.heap.make_items(Tag::tuple, {}, {}));
  if (r.heap.keeps_all()) {  // where its bytes are, and what the wrapper said of them
    const std::array where{Value{Tag::integer, 0, 0, 0, data.begin}, Value{Tag::integer, 0, 0, 0, data.end}};
    made = r.heap.make_node(Tag::instance, array, r.heap.make_items(Tag::tuple, where, {}));
    made.flags |= kInlineData;
    r.heap.set_state(made, state);
  }
  push(made);
  // In the middle of a frame the file already stands behind it: the rest of the frame comes first.
  if (in.in_frame()) in.cut(in.frame_end(), data.end);
  else in.seek(data.end);
}

bool Interpreter::persistent(const Value& id) {
  sink.on_call(m, {Call::Kind::persistent, op_at, {}, id, {}, r.profiles});
  push(r.heap.make_node(Tag::persistent, id, {}));
  return true;
}

bool Interpreter::extension(std::uint64_t code, bool positive) {
  if (!positive) return stop_all(Errc::malformed, "an extension code that no registry can hold"), false;
  sink.on_quirk(m, "pickle.extension-code", op_at, r.profiles, std::to_string(code));
  push({Tag::extension, 0, 0, 0, code});
  return true;
}

bool Interpreter::persid() {
  Line text;
  if (!line(text)) return false;
  if (!is_ascii(text.text)) return stop_all(Errc::malformed, "a persistent id is not ASCII"), false;
  return persistent({Tag::text, text.huge(), 0, text.len(), text.at});
}

}  // namespace assay::format::pickle
