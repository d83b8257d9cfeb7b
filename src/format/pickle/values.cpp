// What opcodes make of the values on the stack, and put into each other.
#include "format/pickle/interpreter.h"

namespace assay::format::pickle {
namespace {

constexpr std::uint64_t kBombLeaves = 100'000'000;  ///< values that a walk over everything would visit
constexpr std::uint64_t kBombRatio = 10'000;        ///< ... per opcode that built them
constexpr std::uint32_t kBombDepth = 20'000;        ///< no pickler nests so deep; recursive readers fall over

/// A list or bytearray.
bool is_assignable(const Value& target) { return target.tag == Tag::list || (target.flags & kMutable) != 0; }

}  // namespace

void Interpreter::check_weight(const Weight& sum) {
  if (sum.leaves <= kBombLeaves && sum.depth <= kBombDepth) [[likely]]
    return;
  if (sum.leaves > kBombLeaves && sum.leaves / kBombRatio > r.opcodes && !std::exchange(told_bomb, true))
    sink.on_quirk(m, "pickle.expansion-bomb", op_at, r.profiles, std::to_string(sum.leaves));
  if (sum.depth > kBombDepth && !std::exchange(told_deep, true))
    sink.on_quirk(m, "pickle.deep-nesting", op_at, r.profiles, std::to_string(sum.depth));
}

bool Interpreter::all_hashable(const Load& load) {
  if (load.hashable) [[likely]]
    return true;
  return stop_all(Errc::malformed, "a key cannot be hashed"), false;
}

/// A tuple or frozenset of everything from `from` on, which it replaces.
void Interpreter::replace_by_items(Tag tag, std::size_t from, const Load& load) {
  const auto v = r.heap.make_items(tag, above(from), load);
  check_weight(load.weight);
  r.stack.shorten(from);
  push(v);
}

void Interpreter::replace_by_tuple(std::size_t from) {
  replace_by_items(Tag::tuple, from, r.heap.survey(above(from), Keys::none));
}

/// Puts everything from `from` on into `container`.
void Interpreter::extend(const Value& container, std::size_t from, const Load& load) {
  if (const auto weight = r.heap.extend(container, above(from), load)) check_weight(*weight);
}

bool Interpreter::changes(Call::Kind kind, const Value& target, const Value& first, const Value& second) {
  if (is_plain(target.tag)) return stop_all(Errc::malformed, "the object has no such method"), false;
  sink.on_call(m, {kind, op_at, target, first, second, r.profiles});
  return true;
}

/// What a bytearray takes: numbers of one byte.
bool Interpreter::all_bytes(std::span<const Value> items) {
  for (const auto& v : items) {
    const bool number = v.tag == Tag::integer || v.tag == Tag::boolean;
    if ((number && v.at > 255) || (!number && is_plain(v.tag))) return stop_all(Errc::malformed, "not a byte"), false;
  }
  return true;
}

/// The C unpickler is done at once; pickle.py calls extend([]) all the same.
bool Interpreter::append_nothing(const Value& target) {
  if (is_assignable(target)) return true;
  if (is_plain(target.tag))
    return differ(kPythonLoaders, "pickle.profiles-differ", "the object has no such method", "APPENDS");
  if (const auto python = static_cast<Profiles>(r.profiles & kPythonLoaders))
    sink.on_call(m, {Call::Kind::append, op_at, target, {}, {}, python});
  return true;
}

bool Interpreter::append(std::size_t from, bool several) {
  if (from <= fence()) return stop_all(Errc::malformed, "the stack is empty"), false;
  const auto target = r.stack[from - 1];
  const auto items = above(from);
  if (items.empty()) return append_nothing(target);
  if (target.tag == Tag::list) extend(target, from, r.heap.survey(items, Keys::none));
  else if ((target.flags & kMutable) != 0 && !all_bytes(items)) return false;
  else if ((target.flags & kMutable) == 0 &&
           !changes(Call::Kind::append, target, items.front(), several ? items.back() : Value{}))
    return false;
  else r.heap.fill(target, Tag::list, items);
  r.stack.shorten(from);
  return true;
}

/// The C unpickler refuses at once; pickle.py assigns pair by pair until it reaches the key that has no value.
bool Interpreter::setitems_of_odd_number(const Value& target, std::span<const Value> items) {
  const auto python = static_cast<Profiles>(r.profiles & kPythonLoaders);
  const bool told = is_assignable(target) || !is_plain(target.tag);
  if (python && told && items.size() > 1)
    sink.on_call(m, {Call::Kind::setitem, op_at, target, items[0], items[1], python});
  return stop_all(Errc::malformed, "an odd number of keys and values"), false;
}

bool Interpreter::setitems(std::size_t from) {
  if (from <= fence()) return stop_all(Errc::malformed, "the stack is empty"), false;
  const auto items = above(from);
  if (items.empty()) return true;
  const auto target = r.stack[from - 1];
  if (items.size() % 2 != 0) return setitems_of_odd_number(target, items);
  if (target.tag == Tag::dict) {
    const auto load = r.heap.survey(items, Keys::every_other_item);
    if (!all_hashable(load)) return false;
    extend(target, from, load);
  } else {
    if (is_assignable(target)) sink.on_call(m, {Call::Kind::setitem, op_at, target, items[0], items[1], r.profiles});
    else if (!changes(Call::Kind::setitem, target, items[0], items[1])) return false;
    else r.heap.fill(target, Tag::dict, items);
  }
  r.stack.shorten(from);
  return true;
}

bool Interpreter::additems() {
  std::size_t from;
  if (!to_mark(from)) return false;
  if (from <= fence()) return stop_all(Errc::malformed, "the stack is empty"), false;
  const auto items = above(from);
  if (items.empty()) return true;
  const auto target = r.stack[from - 1];
  if (target.tag == Tag::set) {
    const auto load = r.heap.survey(items, Keys::every_item);
    if (!all_hashable(load)) return false;
    extend(target, from, load);
  } else if (!changes(Call::Kind::add, target, items[0], {})) {
    return false;
  }
  r.stack.shorten(from);
  return true;
}

/// TUPLE, LIST, DICT, FROZENSET: everything above the mark becomes one value.
bool Interpreter::collect(Tag tag, Keys keys) {
  std::size_t from;
  if (!to_mark(from)) return false;
  const auto items = above(from);
  if (tag == Tag::dict && items.size() % 2 != 0)
    return stop_all(Errc::malformed, "an odd number of keys and values"), false;
  const auto load = r.heap.survey(items, keys);
  if (!all_hashable(load)) return false;
  if (!is_container(tag)) return replace_by_items(tag, from, load), true;
  const auto v = r.heap.make_container(tag);
  extend(v, from, load);
  r.stack.shorten(from);
  push(v);
  return true;
}

bool Interpreter::small_tuple(std::size_t n) {
  if (!has(n)) return false;
  replace_by_tuple(r.stack.size() - n);
  return true;
}

}  // namespace assay::format::pickle
