#include "format/pickle/machine.h"

#include <bit>

#include "format/pickle/number.h"
#include "format/pickle/python2.h"

namespace assay::format::pickle {
namespace {

constexpr Profiles kFrameWalls =
    bits(Profile::cpython_c_strict, Profile::cpython_py, Profile::joblib);
constexpr Profiles kCLoaders =
    bits(Profile::cpython_c, Profile::cpython_c_file, Profile::cpython_c_strict);
constexpr std::size_t kKeptPairs = 16;    ///< of a dict
constexpr std::size_t kKeptItems = 16;    ///< of a list or set
constexpr std::size_t kKeptTuple = 512;   ///< of a tuple: code objects carry long ones
constexpr std::uint64_t kFarSlot = 4096; ///< a memo index so far beyond twice the used ones goes to the hash map
constexpr std::uint64_t kHugeSlot = 1 << 26;  ///< the C unpickler would allocate a gigabyte for it
constexpr std::uint64_t kCheckEvery = 1 << 16;  ///< opcodes between looks at the clock

/// Bytes of `s` up to the last whole character, or npos-like nothing where it is not UTF-8. Python decodes
/// pickled text with "surrogatepass", so lone surrogates are fine.
std::optional<std::size_t> utf8_prefix(const std::uint8_t* s, std::size_t n) {
  std::size_t i = 0;
  while (i < n) {
    if (n - i >= 8) {
      std::uint64_t eight;
      std::memcpy(&eight, s + i, 8);
      if ((eight & 0x8080808080808080) == 0) {
        i += 8;
        continue;
      }
    }
    const auto c = s[i];
    if (c < 0x80) {
      ++i;
      continue;
    }
    const std::size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4) return std::nullopt;
    if (n - i < len) return i;
    for (std::size_t k = 1; k < len; ++k)
      if ((s[i + k] & 0xc0) != 0x80) return std::nullopt;
    if ((c == 0xe0 && s[i + 1] < 0xa0) || (c == 0xf0 && s[i + 1] < 0x90) || (c == 0xf4 && s[i + 1] > 0x8f))
      return std::nullopt;
    i += len;
  }
  return n;
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) out += static_cast<char>(c);
  else if (c < 0x800) out += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
  else if (c < 0x10000)
    out += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
  else
    out += {static_cast<char>(0xf0 | (c >> 18 & 7)), static_cast<char>(0x80 | (c >> 12 & 63)),
            static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
}

std::optional<std::uint32_t> hex_at(std::string_view s, std::size_t at, std::size_t digits) {
  if (s.size() < at || s.size() - at < digits) return std::nullopt;
  std::uint32_t v = 0;
  for (const char c : s.substr(at, digits)) {
    const int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0) return std::nullopt;
    v = v * 16 + static_cast<std::uint32_t>(d);
  }
  return v;
}

/// The escapes of a Python 2 string literal, as STRING writes them.
std::string unescaped(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\' || i + 1 == s.size()) {
      out += s[i];
      continue;
    }
    const char c = s[++i];
    constexpr std::string_view from = "\\'\"abfnrtv\n", to = "\\'\"\a\b\f\n\r\t\v";
    if (const auto k = from.find(c); k < to.size()) out += to[k];
    else if (c == '\n') continue;
    else if (c >= '0' && c <= '7') {
      int v = 0, n = 0;
      for (; n < 3 && i < s.size() && s[i] >= '0' && s[i] <= '7'; ++n, ++i) v = v * 8 + (s[i] - '0');
      --i;
      out += static_cast<char>(v);
    } else if (c == 'x') {
      if (const auto v = hex_at(s, i + 1, 2)) out += static_cast<char>(*v), i += 2;
    } else out += {'\\', c};
  }
  return out;
}

/// raw-unicode-escape: \uXXXX and \UXXXXXXXX, everything else is Latin-1.
std::string raw_unicode(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const bool escape = s[i] == '\\' && i + 1 < s.size() && (s[i + 1] == 'u' || s[i + 1] == 'U');
    const std::size_t digits = escape && s[i + 1] == 'U' ? 8 : 4;
    if (const auto v = escape ? hex_at(s, i + 2, digits) : std::nullopt) {
      append_utf8(out, *v);
      i += 1 + digits;
    } else append_utf8(out, static_cast<std::uint8_t>(s[i]));
  }
  return out;
}

/// A header's aux: how many items are kept (low byte), for how many there is room (high byte).
std::size_t kept_in(const Value& header) { return header.aux & 0xff; }
std::size_t room_in(const Value& header) { return header.aux >> 8; }

constexpr std::size_t kHeaderCells = 2;  ///< of a list, dict or set: the header, its weight
constexpr std::uint64_t kBombLeaves = 100'000'000;   ///< values that a walk over everything would visit
constexpr std::uint64_t kBombRatio = 10'000;         ///< ... per opcode that built them
constexpr std::uint32_t kBombDepth = 20'000;         ///< no pickler nests so deep; recursive readers fall over
constexpr std::size_t kNodeCells = 3;  ///< callee, arguments, state
bool is_node(Tag tag) { return tag == Tag::call || tag == Tag::instance || tag == Tag::persistent; }

bool is_plain(Tag tag) {
  return tag == Tag::none || tag == Tag::boolean || tag == Tag::integer || tag == Tag::big_integer || tag == Tag::real ||
         tag == Tag::text || tag == Tag::bytes || tag == Tag::tuple || tag == Tag::list || tag == Tag::dict ||
         tag == Tag::set || tag == Tag::frozenset;
}

/// Whether Python decodes the escapes of a string literal: no lone backslash at the end, two digits behind \x.
bool escapes_are_whole(std::string_view s) {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\') continue;
    if (++i == s.size() || (s[i] == 'x' && !hex_at(s, i + 1, 2))) return false;
  }
  return true;
}

/// The shape of a special method's name.
bool is_dunder(std::string_view s) { return s.size() > 4 && s.starts_with("__") && s.ends_with("__"); }

bool is_ascii(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

}  // namespace

/// One turn of the interpreter: the state in local names, the opcodes as small steps.
struct Machine::Loop {
  Machine& m;
  Reading& r;
  Cursor& in;
  Sink& sink;
  std::uint64_t op_at = 0;  ///< offset of the current opcode
  Op op = Op::stop;
  bool done = false;        ///< this reading is over
  bool reached_stop = false;
  bool told_redefined = false, told_sparse = false, told_extension = false;
  Value result{};

  Loop(Machine& machine, Reading& reading) : m{machine}, r{reading}, in{reading.cursor}, sink{machine.sink_} {}

  // --- Ends -------------------------------------------------------------------------------------

  /// Those profiles of `which` that still follow stop here. False when nobody is left to follow.
  bool leave(Profiles which, Errc code, std::string_view what) {
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
  bool stop_all(Errc code, std::string_view what) { return leave(r.profiles, code, what); }

  /// The same, where the difference between loaders is itself worth telling.
  bool differ(Profiles refusing, std::string_view quirk, std::string_view what, std::string detail) {
    refusing &= r.profiles;
    if (refusing == 0) return true;
    if (((r.profiles & ~refusing) & kLoaders) != 0)
      differences.push_back({(refusing & kLoaders) != 0 ? quirk : "pickle.profiles-differ-disassembler", op_at, refusing,
                             std::move(detail)});
    return leave(refusing, Errc::malformed, what);
  }

  /// A difference matters once those who read on get somewhere: a broken file breaks for everybody, soon.
  struct Difference {
    std::string_view id;
    std::uint64_t offset;
    Profiles refusing;
    std::string detail;
  };
  std::vector<Difference> differences;
  void tell_differences() {
    for (auto& d : differences) sink.on_quirk(m, d.id, d.offset, d.refusing, std::move(d.detail));
    differences.clear();
  }

  // --- Reading arguments ------------------------------------------------------------------------

  /// A copy of this reading for the file loader alone, where it still is among the profiles here.
  std::unique_ptr<Reading> fork_file_loader() {
    const auto file = static_cast<Profiles>(r.profiles & bits(Profile::cpython_c_file));
    if (file == 0 || m.forks_ >= kMostForks) return nullptr;
    ++m.forks_;
    auto other = std::make_unique<Reading>(r);
    other->profiles = file;
    r.profiles &= static_cast<Profiles>(~file);
    return other;
  }

  bool fork_at_frame_end(bool whole_for_file) {
    // The file loader has read exactly one frame. What is left of it is thrown away when an argument does
    // not fit, and the argument is read from behind the frame: cpython #154848. Byte strings alone arrive
    // whole (`whole_for_file`), because they are copied piece by piece.
    const auto from = in.offset(), to = in.frame_end();
    sink.on_quirk(m, "pickle.frame-straddles", op_at, r.profiles, std::string{name_of(op)});
    if (auto other = whole_for_file ? nullptr : fork_file_loader()) {
      other->cursor.seek(op_at);
      other->cursor.cut(from, to);
      m.waiting_.push_back(std::move(other));
    }
    if (!leave(kFrameWalls, Errc::malformed, "an argument crosses the end of its frame")) return false;
    if ((r.profiles & kLoaders) == 0) {  // only the fork goes on
      done = true;
      return false;
    }
    in.leave_frame();
    return true;
  }

  bool cope(Cursor::Got got, bool whole_for_file = false) {
    if (got == Cursor::Got::end_of_frame) return fork_at_frame_end(whole_for_file);
    if (got == Cursor::Got::broken && !in.error().what.empty()) return stop_all(in.error().code, in.error().what), false;
    if (got == Cursor::Got::broken) return stop_all(Errc::malformed, "a line is longer than any pickler writes"), false;
    return stop_all(Errc::truncated, "the pickle ends in the middle"), false;
  }
  [[gnu::always_inline]] bool need(std::size_t n) { return in.has(n) || need_more(n); }
  [[gnu::noinline]] bool need_more(std::size_t n) {
    while (true) {
      const auto got = in.need(n);
      if (got == Cursor::Got::yes) return true;
      if (!cope(got)) return false;
    }
  }
  bool reach(std::uint64_t n, bool whole_for_file = false) {
    while (true) {
      const auto got = in.reach(n);
      if (got == Cursor::Got::yes) [[likely]] return true;
      if (!cope(got, whole_for_file)) return false;
    }
  }
  bool line(std::string_view& out) {
    while (true) {
      const auto got = in.line(out);
      if (got == Cursor::Got::yes) [[likely]] return true;
      if (got == Cursor::Got::end_of_source && last_line(out)) return true;
      if (!cope(got)) return false;
    }
  }
  /// pickle.py takes what the end of the file cuts off for a line, and drops its last byte as if it were the newline.
  bool last_line(std::string_view& out) {
    constexpr Profiles kPython = bits(Profile::cpython_py, Profile::joblib);
    const auto rest = static_cast<std::size_t>(std::min<std::uint64_t>(in.size() - in.offset(), Cursor::kMostContiguous + 1));
    if ((r.profiles & kPython) == 0 || in.in_frame() || rest == 0 || rest > Cursor::kMostContiguous || in.need(rest) != Cursor::Got::yes) return false;
    if (!leave(static_cast<Profiles>(r.profiles & ~kPython), Errc::truncated, "the pickle ends in the middle")) return false;
    out = {reinterpret_cast<const char*>(in.here()), rest - 1};
    in.advance(rest);
    return true;
  }
  template <class T>
  [[gnu::always_inline]] bool number(T& out) {
    if (!need(sizeof(T))) return false;
    std::memcpy(&out, in.here(), sizeof(T));
    in.advance(sizeof(T));
    return true;
  }

  // --- Stack ------------------------------------------------------------------------------------

  std::size_t fence() const { return r.marks.empty() ? 0 : r.marks.back(); }
  [[gnu::always_inline]] void push(Value v) { r.stack.push_back(v); }
  bool has(std::size_t n) {
    if (r.stack.size() - fence() >= n) [[likely]] return true;
    stop_all(Errc::malformed, "the stack is empty");
    return false;
  }
  Value pop() {
    const auto v = r.stack.back();
    r.stack.pop_back();
    return v;
  }
  bool to_mark(std::size_t& from) {
    if (r.marks.empty()) return stop_all(Errc::malformed, "there is no mark"), false;
    from = r.marks.back();
    r.marks.pop_back();
    return true;
  }

  // --- Making values ----------------------------------------------------------------------------

  /// How large a value is to whoever walks it (repr, hash, copy): a few opcodes can share their way to 2^60.
  /// A cell of the ring holds it: at: leaves, saturated; len: depth.
  Value weight_of(const Value& v) const {
    if (v.tag == Tag::tuple || v.tag == Tag::frozenset) {
      const auto kept = std::min<std::size_t>(v.len, kKeptTuple);
      if (r.ring.holds(v.at, kept + 1)) return r.ring[v.at + kept];
    } else if ((v.tag == Tag::list || v.tag == Tag::dict || v.tag == Tag::set) && r.ring.holds(v.at, kHeaderCells)) {
      return r.ring[v.at + 1];
    }
    return {Tag::header, 0, 0, 0, 1};
  }
  void add_weight(Value& sum, const Value& v) {
    if (v.tag < Tag::tuple || v.tag > Tag::frozenset) {
      ++sum.at;
      return;
    }
    const auto w = weight_of(v);
    if (__builtin_add_overflow(sum.at, w.at, &sum.at)) sum.at = UINT64_MAX;
    sum.len = std::max(sum.len, w.len + 1);
  }
  void check_weight(const Value& sum) {
    const bool bomb = sum.at > kBombLeaves && sum.at / kBombRatio > r.opcodes;
    if (bomb && !told_bomb) sink.on_quirk(m, "pickle.expansion-bomb", op_at, r.profiles, std::to_string(sum.at));
    if (sum.len > kBombDepth && !told_deep) sink.on_quirk(m, "pickle.deep-nesting", op_at, r.profiles, std::to_string(sum.len));
    told_bomb |= bomb;
    told_deep |= sum.len > kBombDepth;
  }
  bool told_bomb = false, told_deep = false;

  Value make_items(Tag tag, const Value* items, std::size_t n) {
    const auto kept = std::min(n, kKeptTuple);
    Value sum{Tag::header, 0, 0, 0, 1};
    for (std::size_t i = 0; i < n; ++i) add_weight(sum, items[i]);
    const auto at = r.ring.allocate(kept + 1);
    for (std::size_t i = 0; i < kept; ++i) r.ring[at + i] = items[i];
    r.ring[at + kept] = sum;
    check_weight(sum);
    return {tag, 0, 0, static_cast<std::uint32_t>(std::min<std::size_t>(n, 0xffffffff)), at};
  }
  Value make_tuple_from(std::size_t from) {
    const auto v = make_items(Tag::tuple, r.stack.data() + from, r.stack.size() - from);
    r.stack.resize(from);
    return v;
  }
  Value make_container(Tag tag) {
    const auto at = r.ring.allocate(kHeaderCells);
    r.ring[at] = {Tag::header, 0, 0, 0, 0};
    r.ring[at + 1] = {Tag::header, 0, 0, 0, 1};
    return {tag, 0, 0, 0, at};
  }
  /// Adds what fits to the kept items of a list, dict or set; counts the rest.
  void extend(const Value& container, const Value* items, std::size_t n) {
    if (n == 0 || !r.ring.holds(container.at, kHeaderCells)) return;
    auto sum = r.ring[container.at + 1];
    for (std::size_t i = 0; i < n; ++i) add_weight(sum, items[i]);
    r.ring[container.at + 1] = sum;
    check_weight(sum);
    auto header = r.ring[container.at];
    const std::size_t most = container.tag == Tag::dict ? 2 * kKeptPairs : kKeptItems;
    const std::size_t kept = kept_in(header);
    if (kept < most && r.ring.holds(header.at, kept)) {
      const auto fits = std::min(n, most - kept);
      if (kept + fits > room_in(header)) {
        // Exactly enough where a container comes whole, all that is ever kept where it grows piecemeal.
        const auto room = kept == 0 && n > 2 ? fits : most;
        const auto moved = r.ring.allocate(room);
        for (std::size_t i = 0; i < kept; ++i) r.ring[moved + i] = r.ring[header.at + i];
        header.at = moved;
        header.aux = static_cast<std::uint16_t>(room << 8 | kept);
      }
      for (std::size_t i = 0; i < fits; ++i) r.ring[header.at + kept + i] = items[i];
      header.aux = static_cast<std::uint16_t>(header.aux + fits);
    }
    header.len = static_cast<std::uint32_t>(std::min<std::uint64_t>(std::uint64_t{header.len} + n, 0xffffffff));
    r.ring[container.at] = header;
  }
  void mark_special_keys(const Value& dict, const Value* items, std::size_t n) {
    if (!r.ring.holds(dict.at, 1)) return;
    for (std::size_t i = 0; i < n; i += 2) {
      const auto& key = items[i];
      const bool known = is_plain(key.tag);
      if (i + 1 < n && items[i + 1].tag == Tag::symbol) r.ring[dict.at].flags |= kNameValues;
      if (!known || (key.flags & kDunder) != 0) r.ring[dict.at].flags |= kSpecialKeys;
    }
  }
  Value make_node(Tag tag, const Value& first, const Value& second) {
    const auto at = r.ring.allocate(kNodeCells);
    r.ring[at] = first;
    r.ring[at + 1] = second;
    r.ring[at + 2] = {};  // the state, once BUILD gives one
    const auto number = first.tag == Tag::symbol ? static_cast<std::uint32_t>(first.at) + 1 : 0;
    return {tag, 0, 0, number, at};
  }

  /// `left`: values that are still looked at. A tuple of references to a tuple of references would otherwise
  /// cost a power of its depth, and no opcode would be paid for it.
  bool hashable(const Value& v, int& left, int depth = 0) const {
    if (v.tag == Tag::list || v.tag == Tag::dict || v.tag == Tag::set || (v.flags & kMutable) != 0) return false;
    if (v.tag != Tag::tuple || depth == 8 || !r.ring.holds(v.at, std::min<std::size_t>(v.len, kKeptTuple))) return true;
    for (std::size_t i = 0; i < std::min<std::size_t>(v.len, 32) && left > 0; ++i, --left)
      if (!hashable(r.ring[v.at + i], left, depth + 1)) return false;
    return true;
  }
  bool all_hashable(const Value* items, std::size_t n, std::size_t step) {
    for (std::size_t i = 0; i < n; i += step) {
      int left = 256;
      if (!hashable(items[i], left)) return stop_all(Errc::malformed, "a key cannot be hashed"), false;
    }
    return true;
  }

  // --- Literals ---------------------------------------------------------------------------------

  /// `head` is in the cursor's buffer, so it is looked at before anything else is read.
  void literal(const Value& v, std::string_view head) {
    push(v);
    const bool text = v.tag == Tag::text && (v.flags & kEightBit) == 0;
    if (v.len >= (text ? kLiteralText : kLiteralBytes)) sink.on_literal(m, v, head.substr(0, kLiteralHead));
  }
  std::string_view head_of(std::uint64_t n) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(n, kLiteralHead));
    if (n < kLiteralBytes || in.need(wanted) != Cursor::Got::yes) return {};
    return {reinterpret_cast<const char*>(in.here()), wanted};
  }
  bool raw(Tag tag, std::uint64_t n, std::uint8_t flags) {
    if (n > static_cast<std::uint64_t>(INT64_MAX)) return stop_all(Errc::malformed, "a length exceeds any memory"), false;
    if (!reach(n, tag == Tag::bytes)) return false;
    const auto at = in.offset();
    Value v{tag, flags, 0, static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0xffffffff)), at};
    if (n > 0xffffffff) v.flags |= kHuge;
    if (tag == Tag::bytes || n > kLiteralHead) {
      // A long one leaves the buffer while it is checked, so its head is kept aside.
      std::array<char, kLiteralHead> kept;
      const auto head = head_of(n);
      std::copy(head.begin(), head.end(), kept.begin());
      if (tag == Tag::bytes) in.skip(n);
      else if (!text_is_utf8(n, v)) return false;
      literal(v, {kept.data(), head.size()});
      return true;
    }
    if (!text_is_utf8(n, v)) return false;
    literal(v, {reinterpret_cast<const char*>(in.here()) - n, static_cast<std::size_t>(n)});
    return true;
  }
  bool text_is_utf8(std::uint64_t n, Value& v) {
    for (bool first = true; n > 0; first = false) {
      const auto chunk = static_cast<std::size_t>(std::min<std::uint64_t>(n, Cursor::kMostContiguous));
      if (!need(chunk)) return false;
      const auto* s = in.here();
      if (first && is_dunder({reinterpret_cast<const char*>(s), chunk})) v.flags |= kDunder;
      const auto whole = utf8_prefix(s, chunk);
      if (!whole || *whole == 0) return stop_all(Errc::malformed, "a text is not UTF-8"), false;
      in.advance(*whole);
      n -= *whole;
      if (n > 0 && n < 4 && *whole < chunk) return stop_all(Errc::malformed, "a text is not UTF-8"), false;
    }
    return true;
  }
  template <class T>
  bool sized(Tag tag, std::uint8_t flags = 0) {
    T n;
    return number(n) && raw(tag, n, flags);
  }
  bool signed_sized(Tag tag) {
    std::int32_t n;
    if (!number(n)) return false;
    if (n < 0) return stop_all(Errc::malformed, "a length is negative"), false;
    return raw(tag, static_cast<std::uint64_t>(n), 0);
  }

  bool integer_line(bool is_long) {
    std::string_view text;
    if (!line(text)) return false;
    const auto n = read_integer(text, is_long);
    if (!n.canonical) {
      const auto quirk = text.find('\0') != text.npos ? "pickle.number-with-nul" : "pickle.radix";
      const std::string detail{text.substr(0, 80)};
      // "+0" is False to the C unpickler and 0 to pickle.py, though nobody refuses it.
      const bool same_value = text.find_first_of("+- \t") == text.npos || text.size() > 2;
      if ((n.refused_by & r.profiles & kLoaders) == 0)
        sink.on_quirk(m, same_value ? "pickle.number-unusual" : quirk, op_at, r.profiles, detail);
      if (!differ(n.refused_by, quirk, "a number that this loader does not read", detail)) return false;
    }
    push({n.boolean ? Tag::boolean : n.value ? Tag::integer : Tag::unknown, 0, 0, 0,
          static_cast<std::uint64_t>(n.value.value_or(0))});
    return true;
  }
  bool float_line() {
    std::string_view text;
    if (!line(text)) return false;
    const auto n = read_real(text);
    if (!n.canonical && !differ(n.refused_by, "pickle.profiles-differ", "a number that this loader does not read",
                                std::string{text.substr(0, 80)}))
      return false;
    push({Tag::real, 0, 0, 0, 0});
    return true;
  }
  bool string_line() {
    const auto at = in.offset();
    std::string_view text;
    if (!line(text)) return false;
    const auto start = at == in.offset() - text.size() - 1 ? at : in.offset() - text.size() - 1;
    // pickle.py strips white space first, the C unpickler only what cannot matter to a quoted text.
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    const bool quoted = text.size() >= 2 && text.front() == text.back() && (text[0] == '\'' || text[0] == '"');
    if (!quoted) return stop_all(Errc::malformed, "a STRING without quotes"), false;
    if (!escapes_are_whole(text.substr(1, text.size() - 2))) return stop_all(Errc::malformed, "a broken escape"), false;
    Value v{Tag::text, kEscaped | kEightBit, 0, static_cast<std::uint32_t>(text.size() - 2), start + 1};
    if (is_dunder(text.substr(1, text.size() - 2))) v.flags |= kDunder;
    literal(v, text.substr(1));
    return true;
  }
  bool unicode_line() {
    std::string_view text;
    if (!line(text)) return false;
    Value v{Tag::text, kRawUnicode, 0, static_cast<std::uint32_t>(text.size()), in.offset() - text.size() - 1};
    if (is_dunder(text)) v.flags |= kDunder;
    literal(v, text);
    return true;
  }
  bool big_integer(std::uint64_t n) {
    if (!reach(n)) return false;
    Value v{Tag::big_integer, 0, 0, static_cast<std::uint32_t>(n), in.offset()};
    if (n <= 8) {
      if (!need(n)) return false;
      std::uint64_t bits = 0;
      std::memcpy(&bits, in.here(), n);
      if (n > 0 && n < 8 && (in.here()[n - 1] & 0x80) != 0) bits |= ~std::uint64_t{0} << (8 * n);
      v = {Tag::integer, 0, 0, 0, bits};
    }
    in.skip(n);
    push(v);
    return true;
  }

  // --- Memo -------------------------------------------------------------------------------------

  bool put(std::uint64_t index) {
    if (!has(1)) return false;
    const auto v = r.stack.back();
    if (index < r.memo.size()) [[likely]] {
      auto& slot = r.memo[index];
      if (slot.tag == Tag::absent) ++r.memo_used;
      else redefined(index);
      slot = v;
      return true;
    }
    return put_beyond(index, v);
  }
  bool put_beyond(std::uint64_t index, const Value& v) {
    if (index > r.memo_used + 1024 && !told_sparse) {
      told_sparse = true;
      sink.on_quirk(m, index >= kHugeSlot ? "pickle.memo-huge-index" : "pickle.memo-sparse", op_at, r.profiles,
                    std::to_string(index));
    }
    // Half of the dense slots are in use at least, or five bytes of file would buy a megabyte each.
    if (index <= 2 * r.memo_used + kFarSlot) {
      const auto slots = index + 1 - r.memo.size();
      if (auto paid = m.budget_.charge(bytes::Line::memo_slots, slots, op_at); !paid)
        return stop_all(paid.error().code, paid.error().what), false;
      if (index > r.memo.size()) r.memo.resize(index, Value{Tag::absent, 0, 0, 0, 0});
      r.memo.push_back(v);
      ++r.memo_used;
      return true;
    }
    if (auto paid = m.budget_.charge(bytes::Line::memo_slots, 1, op_at); !paid)
      return stop_all(paid.error().code, paid.error().what), false;
    if (r.far_memo.insert_or_assign(index, v).second) ++r.memo_used;
    else redefined(index);
    return true;
  }
  void redefined(std::uint64_t index) {
    if (told_redefined) return;
    told_redefined = true;
    sink.on_quirk(m, "pickle.memo-redefined", op_at, r.profiles, std::to_string(index));
  }
  bool get(std::uint64_t index) {
    if (index < r.memo.size() && r.memo[index].tag != Tag::absent) [[likely]] {
      push(r.memo[index]);
      return true;
    }
    const auto far = r.far_memo.find(index);
    if (far == r.far_memo.end()) return stop_all(Errc::malformed, "a memo slot is read before it is written"), false;
    push(far->second);
    return true;
  }
  bool index_line(std::uint64_t& index) {
    std::string_view text;
    if (!line(text)) return false;
    const auto n = read_index(text);
    if (!differ(n.refused_by, "pickle.profiles-differ", "a memo index that this loader does not read",
                std::string{text.substr(0, 80)}))
      return false;
    index = static_cast<std::uint64_t>(n.value.value_or(0));
    return true;
  }

  // --- Names and calls --------------------------------------------------------------------------

  void import(std::string_view module, std::string_view name, bool resolved) {
    const auto number = m.intern(module, name, resolved, r.protocol < 3);
    push({Tag::symbol, 0, 0, 0, number});
    tell_differences();
    sink.on_import(m, number, op_at, op);
  }
  bool name_lines(std::string& module, std::string& name) {
    std::string_view text;
    if (!line(text)) return false;
    module = text;
    if (!line(text)) return false;
    name = text;
    const auto is_utf8 = [](const std::string& s) {
      const auto n = utf8_prefix(reinterpret_cast<const std::uint8_t*>(s.data()), s.size());
      return n && *n == s.size();
    };
    if (!is_utf8(module) || !is_utf8(name)) return stop_all(Errc::malformed, "a name is not UTF-8"), false;
    if (!is_ascii(module) || !is_ascii(name)) {
      sink.on_quirk(m, "pickle.name-not-ascii", op_at, r.profiles, module + " " + name);
      if (!leave(bits(Profile::pickletools), Errc::malformed, "a name is not ASCII")) return false;
    }
    if (module.empty() || name.empty())
      return differ(kCLoaders, "pickle.profiles-differ", "an empty name", module + " " + name);
    return true;
  }
  bool stack_global() {
    if (!has(2)) return false;
    const auto name = pop(), module = pop();
    const auto could_be_text = [](const Value& v) { return v.tag == Tag::text || !is_plain(v.tag); };
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

  void call(Call::Kind kind, const Value& callee, const Value& args, const Value& extra, Tag made) {
    sink.on_call(m, {kind, op_at, callee, args, extra, r.profiles});
    push(make_node(made, callee, args));
  }
  bool callable(const Value& v) {
    if (!is_plain(v.tag)) return true;
    return stop_all(Errc::malformed, "what is called is not callable"), false;
  }
  /// The C unpickler wants a tuple; pickle.py writes f(*args) and takes any iterable.
  bool argument_tuple(const Value& args) {
    if (args.tag == Tag::tuple || !is_plain(args.tag)) return true;
    const bool iterable = args.tag == Tag::list || args.tag == Tag::dict || args.tag == Tag::set ||
                          args.tag == Tag::frozenset || args.tag == Tag::text || args.tag == Tag::bytes;
    if (!iterable) return stop_all(Errc::malformed, "the arguments are no tuple"), false;
    return differ(kCLoaders, "pickle.profiles-differ", "the arguments are no tuple", std::string{name_of(op)});
  }
  bool reduce() {
    if (!has(2)) return false;
    const auto args = pop(), callee = pop();
    if (!callable(callee) || !argument_tuple(args)) return false;
    call(Call::Kind::reduce, callee, args, {}, Tag::call);
    return true;
  }
  bool newobj(bool with_keywords) {
    if (!has(with_keywords ? 3 : 2)) return false;
    const auto keywords = with_keywords ? pop() : Value{};
    const auto args = pop(), cls = pop();
    if (!callable(cls) || !argument_tuple(args)) return false;
    call(with_keywords ? Call::Kind::newobj_ex : Call::Kind::newobj, cls, args, keywords, Tag::instance);
    return true;
  }
  bool obj() {
    std::size_t from;
    if (!to_mark(from)) return false;
    if (r.stack.size() <= from) return stop_all(Errc::malformed, "the stack is empty"), false;
    const auto args = make_tuple_from(from + 1);
    const auto callee = pop();
    if (!callable(callee)) return false;
    call(Call::Kind::obj, callee, args, {}, Tag::call);
    return true;
  }
  bool inst() {
    std::string module, name;
    if (!name_lines(module, name)) return false;
    std::size_t from;
    if (!to_mark(from)) return false;
    const auto args = make_tuple_from(from);
    import(module, name, true);
    const auto callee = pop();
    call(Call::Kind::inst, callee, args, {}, Tag::call);
    return true;
  }
  bool is_false(const Value& v) const {
    if (v.tag == Tag::none) return true;
    if (v.tag == Tag::boolean || v.tag == Tag::integer || v.tag == Tag::real) return v.at == 0;
    const auto n = m.length(v);
    return n && *n == 0;
  }
  /// Nothing built in has __setstate__ or a __dict__, so only a state that asks for nothing passes: None to the C
  /// unpickler, whatever is false to pickle.py; and the same again for the second half of a pair.
  bool build_plain(const Value& state) {
    auto first = state;
    std::optional<Value> slots;
    if (state.tag == Tag::tuple && state.len == 2 && m.item(state, 1)) first = *m.item(state, 0), slots = m.item(state, 1);
    const bool c = first.tag == Tag::none && (!slots || (slots->tag == Tag::dict && is_false(*slots)));
    const bool python = is_false(first) && (!slots || is_false(*slots));
    if (!c && !python) return stop_all(Errc::malformed, "BUILD of a value without attributes"), false;
    return c || differ(kCLoaders, "pickle.profiles-differ", "BUILD of a value without attributes", "BUILD");
  }
  bool build() {
    if (!has(2)) return false;
    const auto state = pop();
    const auto target = r.stack.back();
    if (is_plain(target.tag)) return build_plain(state);
    if (is_node(target.tag) && r.ring.holds(target.at, kNodeCells)) r.ring[target.at + 2] = state;
    sink.on_call(m, {Call::Kind::build, op_at, target, state, {}, r.profiles});
    if (const auto resume = sink.on_inline_data(m, target, state, in.in_frame() ? in.frame_end() : in.offset())) read_inline(*resume);
    return true;
  }
  /// joblib reads array bytes from the file itself; everybody else takes them for opcodes.
  void read_inline(std::uint64_t resume) {
    const auto joblib = static_cast<Profiles>(r.profiles & bits(Profile::joblib));
    const auto others = static_cast<Profiles>(r.profiles & ~joblib & kAllProfiles);
    if (joblib == 0) return;
    if (others != 0 && m.forks_ < kMostForks) {
      ++m.forks_;
      auto other = std::make_unique<Reading>(r);
      other->profiles = others;
      m.waiting_.push_back(std::move(other));
    }
    r.profiles = joblib;
    // In the middle of a frame the file already stands behind it: the rest of the frame comes first.
    if (in.in_frame()) in.cut(in.frame_end(), resume);
    else in.seek(resume);
  }
  bool changes(Call::Kind kind, const Value& target, const Value& first, const Value& second) {
    if (is_plain(target.tag)) return stop_all(Errc::malformed, "the object has no such method"), false;
    sink.on_call(m, {kind, op_at, target, first, second, r.profiles});
    return true;
  }
  /// What a bytearray takes: numbers of one byte.
  bool all_bytes(const Value* items, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto& v = items[i];
      const bool number = v.tag == Tag::integer || v.tag == Tag::boolean;
      if ((number && v.at > 255) || (!number && is_plain(v.tag))) return stop_all(Errc::malformed, "not a byte"), false;
    }
    return true;
  }
  /// The C unpickler is done at once; pickle.py calls extend([]) all the same.
  bool append_nothing(const Value& target) {
    constexpr Profiles kPython = bits(Profile::cpython_py, Profile::joblib);
    if (target.tag == Tag::list || (target.flags & kMutable) != 0) return true;
    if (is_plain(target.tag)) return differ(kPython, "pickle.profiles-differ", "the object has no such method", "APPENDS");
    if ((r.profiles & kPython) != 0)
      sink.on_call(m, {Call::Kind::append, op_at, target, {}, {}, static_cast<Profiles>(r.profiles & kPython)});
    return true;
  }
  bool append(std::size_t from, bool several) {
    const auto n = r.stack.size() - from;
    if (from <= fence()) return stop_all(Errc::malformed, "the stack is empty"), false;
    const auto target = r.stack[from - 1];
    if (n == 0) return append_nothing(target);
    if (target.tag == Tag::list) extend(target, r.stack.data() + from, n);
    else if ((target.flags & kMutable) != 0 && !all_bytes(r.stack.data() + from, n)) return false;
    else if ((target.flags & kMutable) == 0 && !changes(Call::Kind::append, target, r.stack[from], several ? r.stack.back() : Value{}))
      return false;
    r.stack.resize(from);
    return true;
  }
  bool setitems(std::size_t from) {
    const auto n = r.stack.size() - from;
    if (from <= fence()) return stop_all(Errc::malformed, "the stack is empty"), false;
    if (n == 0) return true;
    if (n % 2 != 0) return stop_all(Errc::malformed, "an odd number of keys and values"), false;
    const auto target = r.stack[from - 1];
    const auto* items = r.stack.data() + from;
    if (target.tag == Tag::dict) {
      if (!all_hashable(items, n, 2)) return false;
      extend(target, items, n);
      mark_special_keys(target, items, n);
    } else {
      const bool assignable = target.tag == Tag::list || (target.flags & kMutable) != 0;
      if (assignable) sink.on_call(m, {Call::Kind::setitem, op_at, target, items[0], items[1], r.profiles});
      else if (!changes(Call::Kind::setitem, target, items[0], items[1])) return false;
    }
    r.stack.resize(from);
    return true;
  }
  bool additems() {
    std::size_t from;
    if (!to_mark(from)) return false;
    const auto n = r.stack.size() - from;
    if (from <= fence()) return stop_all(Errc::malformed, "the stack is empty"), false;
    if (n == 0) return true;
    const auto target = r.stack[from - 1];
    if (target.tag == Tag::set) {
      if (!all_hashable(r.stack.data() + from, n, 1)) return false;
      extend(target, r.stack.data() + from, n);
    } else if (!changes(Call::Kind::add, target, r.stack[from], {})) return false;
    r.stack.resize(from);
    return true;
  }
  bool dict() {
    std::size_t from;
    if (!to_mark(from)) return false;
    const auto n = r.stack.size() - from;
    if (n % 2 != 0) return stop_all(Errc::malformed, "an odd number of keys and values"), false;
    if (!all_hashable(r.stack.data() + from, n, 2)) return false;
    const auto v = make_container(Tag::dict);
    extend(v, r.stack.data() + from, n);
    mark_special_keys(v, r.stack.data() + from, n);
    r.stack.resize(from);
    push(v);
    return true;
  }
  bool collect(Tag tag) {
    std::size_t from;
    if (!to_mark(from)) return false;
    const auto n = r.stack.size() - from;
    if (tag == Tag::frozenset && !all_hashable(r.stack.data() + from, n, 1)) return false;
    if (tag == Tag::list) {
      const auto v = make_container(Tag::list);
      extend(v, r.stack.data() + from, n);
      r.stack.resize(from);
      push(v);
      return true;
    }
    const auto v = make_items(tag, r.stack.data() + from, n);
    r.stack.resize(from);
    push(v);
    return true;
  }
  bool small_tuple(std::size_t n) {
    if (!has(n)) return false;
    push(make_tuple_from(r.stack.size() - n));
    return true;
  }
  bool persistent(const Value& id) {
    sink.on_call(m, {Call::Kind::persistent, op_at, {}, id, {}, r.profiles});
    push(make_node(Tag::persistent, id, {}));
    return true;
  }
  bool extension(std::uint64_t code, bool positive) {
    if (!positive) return stop_all(Errc::malformed, "an extension code that no registry can hold"), false;
    sink.on_quirk(m, "pickle.extension-code", op_at, r.profiles, std::to_string(code));
    push({Tag::extension, 0, 0, 0, code});
    return true;
  }

  // --- Protocol and frames ----------------------------------------------------------------------

  bool proto() {
    std::uint8_t version;
    if (!number(version)) return false;
    if (version > 5) return stop_all(Errc::unsupported, "a pickle protocol that does not exist yet"), false;
    if (r.opcodes > 1) sink.on_quirk(m, "pickle.proto-late", op_at, r.profiles, std::to_string(version));
    r.protocol = version;
    highest = std::max(highest, version);
    return true;
  }
  std::uint8_t highest = 0;

  bool frame() {
    const auto unread = [&] { return in.in_frame() ? in.frame_end() - in.offset() : 0; };
    // A frame inside a frame: pickle.py raises, the C unpickler reads on.
    if (unread() > 8 && !differ(kFrameWalls, "pickle.frame-straddles", "a frame begins inside a frame", "FRAME")) return false;
    std::uint64_t n;
    if (!number(n)) return false;
    const auto at = in.offset();
    if (n > static_cast<std::uint64_t>(INT64_MAX)) return stop_all(Errc::malformed, "a frame longer than any file"), false;
    if (n > in.size() - at) {
      if (!differ(kCLoaders, "pickle.frame-overlong", "a frame longer than the rest of the file", std::to_string(n)))
        return false;
      in.enter_frame(in.size());  // pickle.py takes what there is for the frame
      return true;
    }
    if (unread() == 0) {
      in.enter_frame(at + n);
      return true;
    }
    if (n <= unread()) return true;  // read from the outer frame's buffer, which stays
    // The file loader throws the rest of the outer frame away and reads the inner one from behind it.
    const auto from = in.frame_end();
    if (auto other = fork_file_loader()) {
      other->cursor.seek(from);
      if (n > in.size() - from) {
        sink.on_stop(m, other->profiles, Error{Errc::truncated, op_at, "the pickle ends in the middle"});
      } else {
        other->cursor.enter_frame(from + n);
        m.waiting_.push_back(std::move(other));
      }
      if ((r.profiles & kLoaders) == 0) return done = true, false;
    }
    in.leave_frame();
    return true;
  }

  // --- The interpreter --------------------------------------------------------------------------

  template <bool kWatched>
  void run() {
    std::uint64_t until_check = kCheckEvery;
    while (!done) {
      if (--until_check == 0) [[unlikely]] {
        until_check = kCheckEvery;
        if (!pay(kCheckEvery)) return;
      }
      op_at = in.offset();
      if (!need(1)) return;
      op_at = in.offset();
      op = static_cast<Op>(*in.here());
      in.advance(1);
      ++r.opcodes;
      if constexpr (kWatched) sink.on_opcode(m, op, op_at);
      if (!step()) return;
    }
  }
  bool pay(std::uint64_t opcodes) {
    auto paid = m.budget_.charge(bytes::Line::opcodes, opcodes, op_at);
    if (paid) paid = m.budget_.check_time(op_at);
    if (paid && r.stack.size() > kMostStack) paid = fail(Errc::limit_reached, op_at, "limit reached: stack-values");
    if (!paid) stop_all(paid.error().code, paid.error().what);
    return paid.has_value();
  }

  /// Inlined into the loop: a call for each of millions of opcodes would cost more than what most of them do.
  [[gnu::always_inline]] bool step() {
    switch (op) {
      case Op::mark: r.marks.push_back(r.stack.size()); return true;
      case Op::stop:
        if (!has(1)) return false;
        result = pop();
        tell_differences();
        reached_stop = done = true;
        return true;
      case Op::pop:
        if (!r.marks.empty() && r.marks.back() == r.stack.size()) {
          r.marks.pop_back();
          return true;
        }
        if (!has(1)) return false;
        r.stack.pop_back();
        return true;
      case Op::pop_mark: {
        std::size_t from;
        if (!to_mark(from)) return false;
        r.stack.resize(from);
        return true;
      }
      case Op::dup:
        if (!has(1)) return false;
        push(r.stack.back());
        return true;
      case Op::none: push({Tag::none, 0, 0, 0, 0}); return true;
      case Op::newtrue: push({Tag::boolean, 0, 0, 0, 1}); return true;
      case Op::newfalse: push({Tag::boolean, 0, 0, 0, 0}); return true;
      case Op::binint: {
        std::int32_t v;
        if (!number(v)) return false;
        push({Tag::integer, 0, 0, 0, static_cast<std::uint64_t>(std::int64_t{v})});
        return true;
      }
      case Op::binint1: {
        std::uint8_t v;
        if (!number(v)) return false;
        push({Tag::integer, 0, 0, 0, v});
        return true;
      }
      case Op::binint2: {
        std::uint16_t v;
        if (!number(v)) return false;
        push({Tag::integer, 0, 0, 0, v});
        return true;
      }
      case Op::binfloat: {
        std::uint64_t bits;
        if (!number(bits)) return false;
        push({Tag::real, 0, 0, 0, __builtin_bswap64(bits)});
        return true;
      }
      case Op::long1: {
        std::uint8_t n;
        return number(n) && big_integer(n);
      }
      case Op::long4: {
        std::int32_t n;
        if (!number(n)) return false;
        if (n < 0) return stop_all(Errc::malformed, "a length is negative"), false;
        return big_integer(static_cast<std::uint64_t>(n));
      }
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
      case Op::empty_tuple: push(make_items(Tag::tuple, nullptr, 0)); return true;
      case Op::tuple1: return small_tuple(1);
      case Op::tuple2: return small_tuple(2);
      case Op::tuple3: return small_tuple(3);
      case Op::tuple: return collect(Tag::tuple);
      case Op::empty_list: push(make_container(Tag::list)); return true;
      case Op::list: return collect(Tag::list);
      case Op::empty_dict: push(make_container(Tag::dict)); return true;
      case Op::dict: return dict();
      case Op::empty_set: push(make_container(Tag::set)); return true;
      case Op::frozenset: return collect(Tag::frozenset);
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
      case Op::memoize: return put(r.memo_used);
      case Op::binput: {
        std::uint8_t i;
        return number(i) && put(i);
      }
      case Op::long_binput: {
        std::uint32_t i;
        return number(i) && put(i);
      }
      case Op::put: {
        std::uint64_t i;
        return index_line(i) && put(i);
      }
      case Op::binget: {
        std::uint8_t i;
        return number(i) && get(i);
      }
      case Op::long_binget: {
        std::uint32_t i;
        return number(i) && get(i);
      }
      case Op::get: {
        std::uint64_t i;
        return index_line(i) && get(i);
      }
      case Op::global: {
        std::string module, name;
        if (!name_lines(module, name)) return false;
        import(module, name, true);
        return true;
      }
      case Op::stack_global: return stack_global();
      case Op::reduce: return reduce();
      case Op::newobj: return newobj(false);
      case Op::newobj_ex: return newobj(true);
      case Op::obj: return obj();
      case Op::inst: return inst();
      case Op::build: return build();
      case Op::persid: {
        std::string_view text;
        if (!line(text)) return false;
        if (!is_ascii(text)) return stop_all(Errc::malformed, "a persistent id is not ASCII"), false;
        return persistent({Tag::text, 0, 0, static_cast<std::uint32_t>(text.size()), in.offset() - text.size() - 1});
      }
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
    }
    return stop_all(Errc::malformed, "not an opcode"), false;
  }

  bool signed_sized_text() {
    std::int32_t n;
    if (!number(n)) return false;
    if (n < 0) return stop_all(Errc::malformed, "a length is negative"), false;
    return raw_string(static_cast<std::uint64_t>(n));
  }
  /// Python 2 strings: eight-bit bytes in no known encoding, so they are not checked as UTF-8.
  bool raw_string(std::uint64_t n) {
    if (!reach(n)) return false;
    Value v{Tag::text, kEightBit, 0, static_cast<std::uint32_t>(n), in.offset()};
    constexpr std::uint64_t kLongestName = 256;
    if (n <= kLongestName) {
      if (!need(static_cast<std::size_t>(n))) return false;
      if (is_dunder({reinterpret_cast<const char*>(in.here()), static_cast<std::size_t>(n)})) v.flags |= kDunder;
    }
    std::array<char, kLiteralHead> kept;
    const auto head = head_of(n);
    std::copy(head.begin(), head.end(), kept.begin());
    in.skip(n);
    literal(v, {kept.data(), head.size()});
    return true;
  }
};

Machine::Machine(const bytes::Source& source, bytes::Budget& budget, Sink& sink)
    : source_{source}, budget_{budget}, sink_{sink} {}

std::vector<End> Machine::run(std::uint64_t offset, Profiles profiles) {
  const auto better = [](const End& a, const End& b) {
    if (a.stopped != b.stopped) return a.stopped;
    return std::popcount(static_cast<unsigned>(a.profiles & kLoaders)) > std::popcount(static_cast<unsigned>(b.profiles & kLoaders));
  };
  std::vector<End> ends;
  waiting_.clear();
  forks_ = 0;
  waiting_.push_back(std::make_unique<Reading>(Cursor{source_, offset}));
  waiting_.back()->profiles = profiles;
  while (!waiting_.empty()) {
    auto reading = std::move(waiting_.back());
    waiting_.pop_back();
    now_ = reading.get();
    auto end = follow(*reading);
    const bool is_best = ends.empty() || better(end, ends.front());
    ends.insert(is_best ? ends.begin() : ends.end(), end);
    if (is_best) best_ = std::move(reading);
  }
  now_ = best_.get();
  return ends;
}

End Machine::follow(Reading& reading) {
  Loop loop{*this, reading};
  if (sink_.wants_opcodes()) loop.run<true>();
  else loop.run<false>();
  // What was not paid for in whole turns; a reading is over either way.
  (void)budget_.charge(bytes::Line::opcodes, reading.opcodes % kCheckEvery);
  End end;
  end.profiles = reading.profiles;
  end.stopped = loop.reached_stop;
  end.offset = reading.cursor.offset();
  end.protocol = loop.highest;
  end.opcodes = reading.opcodes;
  end.result = loop.result;
  return end;
}

std::uint32_t Machine::intern(std::string_view module, std::string_view name, bool resolved, bool map_python2) {
  auto seen = std::pair{module, name};
  if (map_python2) seen = from_python2(module, name);
  std::string key;
  key.reserve(seen.first.size() + seen.second.size() + 2);
  key.append(seen.first).append("\n").append(seen.second);
  if (!resolved) key += '?';
  const auto [it, is_new] = symbol_numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(symbols_.size()));
  if (is_new) {
    Symbol s{std::string{seen.first}, std::string{seen.second}, {}, resolved};
    if (seen.first != module || seen.second != name) s.written.append(module).append(" ").append(name);
    symbols_.push_back(std::move(s));
  }
  return it->second;
}

// --- Looking at values ----------------------------------------------------------------------------

std::optional<std::uint32_t> Machine::symbol_of(const Value& v) const {
  if (v.tag == Tag::symbol) return static_cast<std::uint32_t>(v.at);
  if ((v.tag == Tag::call || v.tag == Tag::instance) && v.len > 0) return v.len - 1;
  return std::nullopt;
}

std::string Machine::text_of(const Value& v, std::size_t most) const {
  const std::uint64_t wanted = std::min<std::uint64_t>(v.len, most);
  auto raw = bytes::read_up_to(source_, v.at, wanted);
  if (!raw) return {};
  const auto text = bytes::text(*raw);
  if ((v.flags & kEscaped) != 0) return unescaped(text);
  if ((v.flags & kRawUnicode) != 0) return raw_unicode(text);
  return std::string{text};
}

std::optional<Value> Machine::node(const Value& v, std::size_t i) const {
  if (!is_node(v.tag) || i >= kNodeCells || !now_->ring.holds(v.at, kNodeCells)) return std::nullopt;
  return now_->ring[v.at + i];
}

std::optional<Value> Machine::item(const Value& v, std::size_t i) const {
  const auto& ring = now_->ring;
  if (v.tag == Tag::tuple || v.tag == Tag::frozenset) {
    const auto kept = std::min<std::size_t>(v.len, kKeptTuple);
    if (i >= kept || !ring.holds(v.at, kept)) return std::nullopt;
    return ring[v.at + i];
  }
  if (v.tag != Tag::list && v.tag != Tag::dict && v.tag != Tag::set) return std::nullopt;
  if (!ring.holds(v.at, 1)) return std::nullopt;
  const auto header = ring[v.at];
  if (i >= kept_in(header) || !ring.holds(header.at, kept_in(header))) return std::nullopt;
  return ring[header.at + i];
}

std::optional<std::uint64_t> Machine::length(const Value& v) const {
  if (v.tag == Tag::tuple || v.tag == Tag::frozenset || v.tag == Tag::text || v.tag == Tag::bytes) return v.len;
  if (v.tag != Tag::list && v.tag != Tag::dict && v.tag != Tag::set) return std::nullopt;
  if (!now_->ring.holds(v.at, 1)) return std::nullopt;
  return now_->ring[v.at].len;
}

std::optional<Value> Machine::lookup(const Value& dict, std::string_view key) const {
  for (std::size_t i = 0; i < 2 * kKeptPairs; i += 2) {
    const auto k = item(dict, i);
    if (!k) return std::nullopt;
    if (k->tag == Tag::text && text_of(*k, key.size() + 1) == key) return item(dict, i + 1);
  }
  return std::nullopt;
}

bool Machine::special_keys(const Value& state) const {
  if (state.tag == Tag::tuple && state.len == 2) {  // BUILD's state with slots: two dicts of attributes
    const auto attributes = item(state, 0), slots = item(state, 1);
    const auto special = [&](const std::optional<Value>& v) { return !v || v->tag == Tag::unknown || (v->tag == Tag::dict && special_keys(*v)); };
    return special(attributes) || special(slots);
  }
  if (state.tag != Tag::dict || !now_->ring.holds(state.at, 1)) return state.tag == Tag::dict;
  return (now_->ring[state.at].flags & (kSpecialKeys | kNameValues)) != 0;
}

bool Machine::hides_special_key(const Value& dict) const {
  if (dict.tag != Tag::dict || !now_->ring.holds(dict.at, 1)) return false;
  const auto header = now_->ring[dict.at];
  return (header.flags & kSpecialKeys) != 0 && header.len > kept_in(header);
}

Expr Machine::explain(const Value& v) const {
  std::size_t left = 600;  // expressions; a fact must stay small whatever the file builds
  return explain(v, 0, left);
}

void Machine::explain_items(Expr& out, std::uint64_t first, std::size_t kept, std::size_t depth, std::size_t& left) const {
  for (std::size_t i = 0; i < kept; ++i) {
    if (left == 0) {
      out.cut = true;
      return;
    }
    out.items.push_back(explain(now_->ring[first + i], depth + 1, left));
  }
}

Expr Machine::explain(const Value& v, std::size_t depth, std::size_t& left) const {
  constexpr std::size_t kDeepest = 8;
  constexpr std::size_t kMostText = 1024;
  Expr e;
  if (left > 0) --left;
  const auto& ring = now_->ring;
  const auto composite = [&](Expr::Kind kind, std::uint64_t first, std::size_t kept, std::uint64_t size) {
    e.kind = kind;
    e.size = size;
    if (depth >= kDeepest || !ring.holds(first, kept)) e.cut = kept > 0;
    else explain_items(e, first, kept, depth, left);
    if (e.items.size() < size) e.cut = true;
  };
  const auto container = [&](Expr::Kind kind) {
    e.kind = kind;
    e.cut = true;
    if (!ring.holds(v.at, 1)) return;
    const auto header = ring[v.at];
    e.cut = false;
    composite(kind, header.at, kept_in(header), header.len);
  };
  switch (v.tag) {
    case Tag::unknown: case Tag::header: case Tag::absent: break;
    case Tag::none: e.kind = Expr::Kind::none; break;
    case Tag::boolean: e.kind = Expr::Kind::boolean; e.text = v.at != 0 ? "True" : "False"; break;
    case Tag::integer: e.kind = Expr::Kind::integer; e.text = std::to_string(static_cast<std::int64_t>(v.at)); break;
    case Tag::big_integer: e.kind = Expr::Kind::integer; e.size = v.len; e.cut = true; break;
    case Tag::real: {
      e.kind = Expr::Kind::real;
      std::array<char, 32> digits;
      const int n = std::snprintf(digits.data(), digits.size(), "%.17g", std::bit_cast<double>(v.at));
      e.text.assign(digits.data(), static_cast<std::size_t>(n));
      break;
    }
    case Tag::text: case Tag::bytes:
      e.kind = v.tag == Tag::text ? Expr::Kind::text : Expr::Kind::bytes;
      e.size = v.len;
      e.text = text_of(v, v.tag == Tag::text ? kMostText : 64);
      e.cut = v.len > (v.tag == Tag::text ? kMostText : 64);
      left -= std::min(left, e.text.size() / 32);  // long texts are not free: 600 of them would be half a megabyte
      break;
    case Tag::symbol: {
      const auto& s = symbols_[v.at];
      e.kind = s.resolved ? Expr::Kind::symbol : Expr::Kind::unknown;
      e.text = s.module;
      e.name = s.name;
      e.size = s.resolved ? 0 : 1;  // a name that is computed is known to be a name
      break;
    }
    case Tag::tuple: composite(Expr::Kind::tuple, v.at, std::min<std::size_t>(v.len, kKeptTuple), v.len); break;
    case Tag::frozenset: composite(Expr::Kind::set, v.at, std::min<std::size_t>(v.len, kKeptTuple), v.len); break;
    case Tag::list: container(Expr::Kind::list); break;
    case Tag::dict: container(Expr::Kind::dict); break;
    case Tag::set: container(Expr::Kind::set); break;
    case Tag::call: case Tag::instance: {
      e.kind = v.tag == Tag::call ? Expr::Kind::call : Expr::Kind::instance;
      if (depth >= kDeepest || !ring.holds(v.at, kNodeCells)) {
        e.cut = true;
        if (v.len > 0) e.items.push_back(explain({Tag::symbol, 0, 0, 0, v.len - 1}, kDeepest, left));
        break;
      }
      e.items.push_back(explain(ring[v.at], depth + 1, left));
      auto args = explain(ring[v.at + 1], depth, left);
      e.cut = args.cut || args.kind != Expr::Kind::tuple;
      for (auto& arg : args.items) e.items.push_back(std::move(arg));
      e.size = args.size;
      break;
    }
    case Tag::persistent:
      e.kind = Expr::Kind::persistent;
      if (depth < kDeepest && ring.holds(v.at, kNodeCells)) e.items.push_back(explain(ring[v.at], depth + 1, left));
      else e.cut = true;
      break;
    case Tag::extension: e.kind = Expr::Kind::extension; e.text = std::to_string(v.at); break;
  }
  return e;
}

}  // namespace assay::format::pickle
