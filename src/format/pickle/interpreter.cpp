#include "format/pickle/interpreter.h"

#include "format/pickle/text.h"

namespace assay::format::pickle {
namespace {

constexpr std::uint64_t kFarSlot = 4096;        ///< a memo index so far beyond twice the used ones goes to the hash map
constexpr std::uint64_t kSparseSlot = 1024;     ///< ... beyond the used ones: no pickler leaves such gaps
constexpr std::uint64_t kHugeSlot = 1 << 26;    ///< the C unpickler would allocate a gigabyte for it
constexpr std::uint32_t kCheckEvery = 1 << 16;  ///< opcodes between looks at the clock
constexpr std::ptrdiff_t kNear = 9;             ///< bytes: an opcode with the longest argument of fixed size

/// Bytes that always follow the opcode.
constexpr std::size_t fixed_argument(Op op) {
  switch (op) {
    case Op::binint1:
    case Op::binget:
    case Op::binput:
    case Op::short_binstring:
    case Op::short_binunicode:
    case Op::short_binbytes:
    case Op::long1:
    case Op::ext1:
    case Op::proto: return 1;
    case Op::binint2:
    case Op::ext2: return 2;
    case Op::binint:
    case Op::long_binget:
    case Op::long_binput:
    case Op::binstring:
    case Op::binunicode:
    case Op::binbytes:
    case Op::long4:
    case Op::ext4: return 4;
    case Op::binfloat:
    case Op::binunicode8:
    case Op::binbytes8:
    case Op::bytearray8: return 8;
    default: return 0;  // FRAME too: it asks first where it stands
  }
}

template <class T>
T take(const std::uint8_t*& p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  p += sizeof v;
  return v;
}

/// Whether the `n` bytes at `p` are all ASCII and stand so far from the wall that a word behind them can be read.
bool is_near_ascii(const std::uint8_t* p, const std::uint8_t* wall, std::size_t n) {
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  std::uint64_t word, all = 0;
  if (wall - p < static_cast<std::ptrdiff_t>(n + sizeof word)) return false;
  for (; n >= sizeof word; n -= sizeof word) {
    std::memcpy(&word, p, sizeof word);
    all |= word;
    p += sizeof word;
  }
  std::memcpy(&word, p, sizeof word);
  all |= word & ((std::uint64_t{1} << 8 * n) - 1);
  return (all & kHigh) == 0;
}

Value boolean(bool v) { return {Tag::boolean, 0, 0, 0, v ? 1u : 0u}; }
Value integer(std::int64_t v) { return {Tag::integer, 0, 0, 0, static_cast<std::uint64_t>(v)}; }

}  // namespace

// --- Ends -----------------------------------------------------------------------------------------

bool Interpreter::leave(Profiles which, Errc code, std::string_view what) {
  which &= r.profiles;
  if (which == 0) return true;
  r.profiles &= static_cast<Profiles>(~which);
  if ((r.profiles & kLoaders) == 0) {  // nobody loads what only a disassembler could go on reading
    r.profiles |= which;
    sink.on_stop(m, r.profiles, Error{code, op_at, what});
    done = true;
    return false;
  }
  sink.on_stop(m, which, Error{code, op_at, what});
  return true;
}

bool Interpreter::differ(Profiles refusing, std::string_view quirk, std::string_view what, std::string detail) {
  refusing &= r.profiles;
  if (refusing == 0) return true;
  if (((r.profiles & ~refusing) & kLoaders) != 0)
    differences.push_back({(refusing & kLoaders) != 0 ? quirk : "pickle.profiles-differ-disassembler", op_at, refusing,
                           std::move(detail)});
  return leave(refusing, Errc::malformed, what);
}

void Interpreter::tell_differences() {
  for (auto& d : differences) sink.on_quirk(m, d.id, d.offset, d.refusing, std::move(d.detail));
  differences.clear();
}

bool Interpreter::pay_for_slots(std::uint64_t slots) {
  const auto paid = m.budget_.charge(bytes::Line::memo_slots, slots, op_at);
  return paid || (stop_all(paid.error().code, paid.error().what), false);
}

bool Interpreter::pay_for_memo() {
  const auto owed = r.memo.size() - r.memo_paid;
  r.memo_paid = r.memo.size();
  return owed == 0 || pay_for_slots(owed);
}

bool Interpreter::pay() {
  auto paid = m.budget_.charge(bytes::Line::opcodes, r.opcodes - opcodes_paid, op_at);
  opcodes_paid = r.opcodes;
  if (paid) paid = m.budget_.check_time(op_at);
  if (paid && r.stack.size() > Machine::kMostStack)
    paid = fail(Errc::limit_reached, op_at, "limit reached: stack-values");
  if (paid && r.heap.is_full()) paid = fail(Errc::limit_reached, op_at, "limit reached: kept-values");
  if (!paid) return stop_all(paid.error().code, paid.error().what), false;
  return pay_for_memo();
}

bool Interpreter::stop() {
  if (!has(1) || !pay_for_memo()) return false;
  result = pop();
  tell_differences();
  reached_stop = true;
  return false;
}

End Interpreter::finish() {
  // What was not paid for in whole turns; the reading is over either way.
  (void)m.budget_.charge(bytes::Line::opcodes, r.opcodes - opcodes_paid);
  End end;
  end.profiles = r.profiles;
  end.stopped = reached_stop;
  end.offset = in.offset();
  end.protocol = highest;
  end.opcodes = r.opcodes;
  end.result = result;
  return end;
}

// --- The loop -------------------------------------------------------------------------------------

template <bool kWatched>
void Interpreter::run() {
  // The next byte, the wall behind which bytes have to be asked for, and the count of opcodes live in registers:
  // as members they would go through memory for each of millions of opcodes.
  const auto* p = in.here();
  const auto* wall = in.wall();
  auto opcodes = r.opcodes;
  auto next_check = opcodes + kCheckEvery;
  const auto put_aside = [&] {
    in.move_to(p);
    r.opcodes = opcodes;
  };
  const auto resume = [&] {
    p = in.here();
    wall = in.wall();
  };
  while (true) {
    if (opcodes == next_check) [[unlikely]] {
      next_check += kCheckEvery;
      put_aside();
      if (!pay()) return;
    }
    if (wall - p > kNear) [[likely]] {
      op_at = in.offset_of(p);
      op = static_cast<Op>(*p++);
      ++opcodes;
      if constexpr (kWatched) sink.on_opcode(m, op, op_at);
    } else {
      put_aside();
      op_at = in.offset();
      if (!need(1)) return;
      op_at = in.offset();  // a frame may have ended before it
      op = static_cast<Op>(*in.here());
      in.advance(1);
      r.opcodes = ++opcodes;
      if constexpr (kWatched) sink.on_opcode(m, op, op_at);
      if (!need(fixed_argument(op))) return;
      resume();
    }
    // What nearly all of a large pickle is made of. Everything else takes the long way.
    bool ok = true;
    switch (op) {
      case Op::mark: r.marks.push_back(r.stack.size()); break;
      case Op::none: push({Tag::none, 0, 0, 0, 0}); break;
      case Op::newtrue: push(boolean(true)); break;
      case Op::newfalse: push(boolean(false)); break;
      case Op::binint: push(integer(take<std::int32_t>(p))); break;
      case Op::binint1: push(integer(take<std::uint8_t>(p))); break;
      case Op::binint2: push(integer(take<std::uint16_t>(p))); break;
      case Op::binfloat: push({Tag::real, 0, 0, 0, __builtin_bswap64(take<std::uint64_t>(p))}); break;
      case Op::empty_list: push(r.heap.make_container(Tag::list)); break;
      case Op::empty_dict: push(r.heap.make_container(Tag::dict)); break;
      case Op::binget: ok = get(take<std::uint8_t>(p)); break;
      case Op::long_binget: ok = get(take<std::uint32_t>(p)); break;
      case Op::memoize: ok = put(r.memo_used); break;
      case Op::binput: ok = put(take<std::uint8_t>(p)); break;
      case Op::long_binput: ok = put(take<std::uint32_t>(p)); break;
      case Op::short_binunicode:
        if (const std::size_t n = *p; is_near_ascii(p + 1, wall, n)) {
          const std::string_view text{reinterpret_cast<const char*>(p + 1), n};
          const std::uint8_t flags = is_dunder(text) ? kDunder : 0;
          const auto v = text_value(flags, static_cast<std::uint32_t>(n), in.offset_of(p + 1));
          p += 1 + n;
          push(v);
          if (n >= kLiteralText) sink.on_literal(m, v, text.substr(0, kLiteralHead));
          break;
        }
        [[fallthrough]];
      default:
        put_aside();
        if (!step()) return;
        resume();
    }
    if (!ok) [[unlikely]]
      return put_aside();
  }
}

template void Interpreter::run<true>();
template void Interpreter::run<false>();

bool Interpreter::step() {
  switch (op) {
    case Op::stop: return stop();
    case Op::pop:
      if (!r.marks.empty() && r.marks.back() == r.stack.size()) return r.marks.pop_back(), true;
      if (!has(1)) return false;
      r.stack.pop_back();
      return true;
    case Op::pop_mark: {
      std::size_t from;
      if (!to_mark(from)) return false;
      r.stack.shorten(from);
      return true;
    }
    case Op::dup: {
      if (!has(1)) return false;
      const auto v = r.stack.back();
      push(v);
      return true;
    }
    case Op::long1: {
      std::uint8_t n;
      return number(n) && big_integer(n);
    }
    case Op::long4: return signed_sized_integer();
    case Op::int_line: return integer_line(false);
    case Op::long_line: return integer_line(true);
    case Op::float_line: return float_line();
    case Op::string_line: return string_line();
    case Op::unicode_line: return unicode_line();
    case Op::short_binstring: {
      std::uint8_t n;
      return number(n) && raw_string(n);
    }
    case Op::binstring: return signed_sized_text();
    case Op::short_binunicode: return sized<std::uint8_t>(Tag::text);
    case Op::binunicode: return sized<std::uint32_t>(Tag::text);
    case Op::binunicode8: return sized<std::uint64_t>(Tag::text);
    case Op::short_binbytes: return sized<std::uint8_t>(Tag::bytes);
    case Op::binbytes: return sized<std::uint32_t>(Tag::bytes);
    case Op::binbytes8: return sized<std::uint64_t>(Tag::bytes);
    case Op::bytearray8: return sized<std::uint64_t>(Tag::bytes, kMutable);
    case Op::next_buffer: return stop_all(Errc::unsupported, "the data is kept outside the file"), false;
    case Op::readonly_buffer: return has(1);
    case Op::empty_tuple: push(r.heap.make_items(Tag::tuple, {}, {})); return true;
    case Op::tuple1: return small_tuple(1);
    case Op::tuple2: return small_tuple(2);
    case Op::tuple3: return small_tuple(3);
    case Op::tuple: return collect(Tag::tuple, Keys::none);
    case Op::list: return collect(Tag::list, Keys::none);
    case Op::dict: return collect(Tag::dict, Keys::every_other_item);
    case Op::empty_set: push(r.heap.make_container(Tag::set)); return true;
    case Op::frozenset: return collect(Tag::frozenset, Keys::every_item);
    case Op::append: return has(2) && append(r.stack.size() - 1, false);
    case Op::appends: {
      std::size_t from;
      return to_mark(from) && append(from, true);
    }
    case Op::setitem: return has(3) && setitems(r.stack.size() - 2);
    case Op::setitems: {
      std::size_t from;
      return to_mark(from) && setitems(from);
    }
    case Op::additems: return additems();
    case Op::put: {
      std::uint64_t i;
      return index_line(i) && put(i);
    }
    case Op::get: {
      std::uint64_t i;
      return index_line(i) && get(i);
    }
    case Op::global: return global();
    case Op::stack_global: return stack_global();
    case Op::reduce: return reduce();
    case Op::newobj: return newobj(false);
    case Op::newobj_ex: return newobj(true);
    case Op::obj: return obj();
    case Op::inst: return inst();
    case Op::build: return build();
    case Op::persid: return persid();
    case Op::binpersid: return has(1) && persistent(pop());
    case Op::ext1: {
      std::uint8_t code;
      return number(code) && extension(code, code > 0);
    }
    case Op::ext2: {
      std::uint16_t code;
      return number(code) && extension(code, code > 0);
    }
    case Op::ext4: {
      std::int32_t code;
      return number(code) && extension(static_cast<std::uint64_t>(code), code > 0);
    }
    case Op::proto: return proto();
    case Op::frame: return frame();
    case Op::mark:
    case Op::none:
    case Op::newtrue:
    case Op::newfalse:
    case Op::binint:
    case Op::binint1:
    case Op::binint2:
    case Op::binfloat:
    case Op::empty_list:
    case Op::empty_dict:
    case Op::binget:
    case Op::long_binget:
    case Op::memoize:
    case Op::binput:
    case Op::long_binput: break;  // run() takes these
  }
  return stop_all(Errc::malformed, "not an opcode"), false;
}

// --- Stack and memo -------------------------------------------------------------------------------

bool Interpreter::to_mark(std::size_t& from) {
  if (r.marks.empty()) return stop_all(Errc::malformed, "there is no mark"), false;
  from = r.marks.back();
  r.marks.pop_back();
  return true;
}

bool Interpreter::put_anywhere(std::uint64_t index, const Value& v) {
  if (index < r.memo.size()) {
    auto& slot = r.memo[index];
    if (slot.tag == Tag::absent) ++r.memo_used;
    else redefined(index);
    slot = v;
    return true;
  }
  if (index > r.memo_used + kSparseSlot && !told_sparse) {
    told_sparse = true;
    sink.on_quirk(m, index >= kHugeSlot ? "pickle.memo-huge-index" : "pickle.memo-sparse", op_at, r.profiles,
                  std::to_string(index));
  }
  // Half of the dense slots are in use at least, or five bytes of file would buy a megabyte each.
  if (index <= 2 * r.memo_used + kFarSlot) {
    if (!pay_for_slots(index + 1 - r.memo_paid)) return false;
    r.memo_paid = index + 1;
    r.memo.resize(index, Value{Tag::absent, 0, 0, 0, 0});
    r.memo.push_back(v);
    ++r.memo_used;
    return true;
  }
  if (!pay_for_slots(1)) return false;
  if (r.far_memo.insert_or_assign(index, v).second) ++r.memo_used;
  else redefined(index);
  return true;
}

void Interpreter::redefined(std::uint64_t index) {
  if (told_redefined) return;
  told_redefined = true;
  sink.on_quirk(m, "pickle.memo-redefined", op_at, r.profiles, std::to_string(index));
}

bool Interpreter::get_far(std::uint64_t index) {
  const auto far = r.far_memo.find(index);
  if (far == r.far_memo.end()) return stop_all(Errc::malformed, "a memo slot is read before it is written"), false;
  push(far->second);
  return true;
}

}  // namespace assay::format::pickle
