#include <algorithm>
#include <array>

#include "format/pickle/interpreter.h"
#include "format/pickle/number.h"
#include "format/pickle/text.h"

namespace assay::format::pickle {

/// A copy of this reading for the file loader alone, where it still is among the profiles here.
std::unique_ptr<Reading> Interpreter::fork_file_loader() {
  const auto file = static_cast<Profiles>(r.profiles & bits(Profile::cpython_c_file));
  if (file == 0 || m.forks_ >= Machine::kMostForks) return nullptr;
  ++m.forks_;
  auto other = std::make_unique<Reading>(r);
  other->profiles = file;
  r.profiles &= static_cast<Profiles>(~file);
  return other;
}

bool Interpreter::fork_at_frame_end(bool whole_for_file) {
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

bool Interpreter::cope(Cursor::Got got, bool whole_for_file) {
  if (got == Cursor::Got::end_of_frame) return fork_at_frame_end(whole_for_file);
  if (got == Cursor::Got::broken && !in.error().what.empty()) return stop_all(in.error().code, in.error().what), false;
  return stop_all(Errc::truncated, "the pickle ends in the middle"), false;
}

bool Interpreter::need_more(std::size_t n) {
  while (true) {
    const auto got = in.need(n);
    if (got == Cursor::Got::yes) return true;
    if (!cope(got)) return false;
  }
}

bool Interpreter::reach(std::uint64_t n, bool whole_for_file) {
  while (true) {
    const auto got = in.reach(n);
    if (got == Cursor::Got::yes) [[likely]]
      return true;
    if (!cope(got, whole_for_file)) return false;
  }
}

bool Interpreter::line(Line& out) {
  while (true) {
    auto got = in.line(out.text);
    if (got == Cursor::Got::yes) [[likely]] {
      out.bytes = out.text.size();
      out.at = in.offset() - out.bytes - 1;
      return true;
    }
    if (got == Cursor::Got::broken && in.error().what.empty()) got = long_line(out);
    if (got == Cursor::Got::yes) return true;
    if (got == Cursor::Got::end_of_source && last_line(out)) return true;
    if (!cope(got)) return false;
  }
}

Cursor::Got Interpreter::long_line(Line& out) {
  if (const auto got = in.need(long_head.size()); got != Cursor::Got::yes) return got;
  std::copy_n(in.here(), long_head.size(), long_head.begin());
  out.text = {long_head.data(), long_head.size()};
  out.at = in.offset();
  return in.pass_line(out.bytes);
}

/// pickle.py takes what the end of the file cuts off for a line, and drops its last byte as if it were the newline.
bool Interpreter::last_line(Line& out) {
  const auto rest =
      static_cast<std::size_t>(std::min<std::uint64_t>(in.size() - in.offset(), Cursor::kMostContiguous + 1));
  if ((r.profiles & kPythonLoaders) == 0 || in.in_frame() || rest == 0 || rest > Cursor::kMostContiguous ||
      in.need(rest) != Cursor::Got::yes)
    return false;
  if (!leave(static_cast<Profiles>(r.profiles & ~kPythonLoaders), Errc::truncated, "the pickle ends in the middle"))
    return false;
  out = {{reinterpret_cast<const char*>(in.here()), rest - 1}, in.offset(), rest - 1};
  in.advance(rest);
  return true;
}

/// `head` is in the cursor's buffer, so it is looked at before anything else is read.
void Interpreter::literal(const Value& v, std::string_view head) {
  r.stack.push_back_fresh(v);
  const bool text = v.tag == Tag::text && (v.flags & kEightBit) == 0;
  if (v.len >= (text ? kLiteralText : kLiteralBytes)) sink.on_literal(m, v, head.substr(0, kLiteralHead));
}

std::string_view Interpreter::head_of(std::uint64_t n) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(n, kLiteralHead));
  if (n < kLiteralBytes || in.need(wanted) != Cursor::Got::yes) return {};
  return {reinterpret_cast<const char*>(in.here()), wanted};
}

bool Interpreter::raw(Tag tag, std::uint64_t n, std::uint8_t flags) {
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

bool Interpreter::text_is_utf8(std::uint64_t n, Value& v) {
  for (bool first = true; n > 0; first = false) {
    const auto chunk = static_cast<std::size_t>(std::min<std::uint64_t>(n, Cursor::kMostContiguous));
    if (!need(chunk)) return false;
    const std::string_view text{reinterpret_cast<const char*>(in.here()), chunk};
    if (first && is_dunder(text)) v.flags |= kDunder;
    const auto whole = utf8_prefix(text);
    if (!whole || *whole == 0) return stop_all(Errc::malformed, "a text is not UTF-8"), false;
    in.advance(*whole);
    n -= *whole;
    if (n > 0 && n < 4 && *whole < chunk) return stop_all(Errc::malformed, "a text is not UTF-8"), false;
  }
  return true;
}

/// Whether a long line can be a number at all. Which one, nobody needs to know: loaders read thousands of digits.
bool Interpreter::is_number(const Line& line, std::string_view alphabet) {
  if (line.text.find_first_not_of(alphabet) == line.text.npos) return true;
  return stop_all(Errc::malformed, "not a number"), false;
}

bool Interpreter::integer_line(bool is_long) {
  Line text;
  if (!line(text)) return false;
  if (text.is_long()) {
    push({Tag::big_integer, 0, 0, text.len(), text.at});
    return is_number(text, "0123456789abcdefABCDEFxXoO_+- \tL");
  }
  const auto n = read_integer(text.text, is_long);
  if (!n.canonical) {
    const auto quirk = text.text.find('\0') != text.text.npos ? "pickle.number-with-nul" : "pickle.radix";
    const std::string detail{text.text.substr(0, 80)};
    // "+0" is False to the C unpickler and 0 to pickle.py, though nobody refuses it.
    const bool same_value = text.text.find_first_of("+- \t") == text.text.npos || text.bytes > 2;
    if ((n.refused_by & r.profiles & kLoaders) == 0)
      sink.on_quirk(m, same_value ? "pickle.number-unusual" : quirk, op_at, r.profiles, detail);
    if (!differ(n.refused_by, quirk, "a number that this loader does not read", detail)) return false;
  }
  push({n.boolean ? Tag::boolean
        : n.value ? Tag::integer
                  : Tag::unknown,
        0, 0, 0, static_cast<std::uint64_t>(n.value.value_or(0))});
  return true;
}

bool Interpreter::float_line() {
  Line text;
  if (!line(text)) return false;
  push({Tag::real, 0, 0, 0, 0});
  if (text.is_long()) return is_number(text, "0123456789+-.eE_ \t");
  const auto n = read_real(text.text);
  return n.canonical || differ(n.refused_by, "pickle.profiles-differ", "a number that this loader does not read",
                               std::string{text.text.substr(0, 80)});
}

bool Interpreter::string_line() {
  Line line_;
  if (!line(line_)) return false;
  auto end = line_.text;
  std::vector<std::byte> tail;
  if (line_.is_long()) {
    auto got = bytes::read_up_to(m.source_, line_.at + line_.bytes - kLiteralHead, kLiteralHead);
    if (!got) return stop_all(got.error().code, got.error().what), false;
    tail = std::move(*got);
    end = bytes::text(tail);
  }
  // pickle.py strips white space first, the C unpickler only what cannot matter to a quoted text.
  auto length = line_.bytes;
  for (; !end.empty() && (end.back() == '\r' || end.back() == ' '); --length) end.remove_suffix(1);
  const char quote = line_.text.empty() ? '\0' : line_.text[0];
  const bool quoted = length >= 2 && (quote == '\'' || quote == '"') && !end.empty() && end.back() == quote;
  if (!quoted) return stop_all(Errc::malformed, "a STRING without quotes"), false;
  // The escapes of a long one are believed: to read on where a loader would not is the safe side.
  const auto inside = line_.is_long() ? std::string_view{} : end.substr(1, end.size() - 2);
  if (!escapes_are_whole(inside)) return stop_all(Errc::malformed, "a broken escape"), false;
  Value v{Tag::text, static_cast<std::uint8_t>(kEscaped | kEightBit | line_.huge()), 0, line_.len(), line_.at + 1};
  v.len = static_cast<std::uint32_t>(std::min<std::uint64_t>(length - 2, 0xffffffff));
  if (is_dunder(inside)) v.flags |= kDunder;
  literal(v, line_.text.substr(1));
  return true;
}

bool Interpreter::unicode_line() {
  Line text;
  if (!line(text)) return false;
  Value v{Tag::text, static_cast<std::uint8_t>(kRawUnicode | text.huge()), 0, text.len(), text.at};
  if (!text.is_long() && is_dunder(text.text)) v.flags |= kDunder;
  literal(v, text.text);
  return true;
}

bool Interpreter::big_integer(std::uint64_t n) {
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

bool Interpreter::index_line(std::uint64_t& index) {
  Line text;
  if (!line(text)) return false;
  if (text.is_long()) {
    if (is_number(text, "0123456789_+- \t"))
      stop_all(Errc::limit_reached, "a memo index longer than any pickler writes");
    return false;
  }
  const auto n = read_index(text.text);
  if (!differ(n.refused_by, "pickle.profiles-differ", "a memo index that this loader does not read",
              std::string{text.text.substr(0, 80)}))
    return false;
  index = static_cast<std::uint64_t>(n.value.value_or(0));
  return true;
}

bool Interpreter::signed_sized_text() {
  std::int32_t n;
  if (!number(n)) return false;
  if (n < 0) return stop_all(Errc::malformed, "a length is negative"), false;
  return raw_string(static_cast<std::uint64_t>(n));
}

/// Python 2 strings: eight-bit bytes in no known encoding, so they are not checked as UTF-8.
bool Interpreter::raw_string(std::uint64_t n) {
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

bool Interpreter::signed_sized_integer() {
  std::int32_t n;
  if (!number(n)) return false;
  if (n < 0) return stop_all(Errc::malformed, "a length is negative"), false;
  return big_integer(static_cast<std::uint64_t>(n));
}

bool Interpreter::proto() {
  std::uint8_t version;
  if (!number(version)) return false;
  if (version > 5) return stop_all(Errc::unsupported, "a pickle protocol that does not exist yet"), false;
  if (r.opcodes > 1) sink.on_quirk(m, "pickle.proto-late", op_at, r.profiles, std::to_string(version));
  r.protocol = version;
  highest = std::max(highest, version);
  return true;
}

bool Interpreter::frame() {
  const auto unread = [&] { return in.in_frame() ? in.frame_end() - in.offset() : 0; };
  // A frame inside a frame: pickle.py raises, the C unpickler reads on.
  if (unread() > 8 && !differ(kFrameWalls, "pickle.frame-straddles", "a frame begins inside a frame", "FRAME"))
    return false;
  std::uint64_t n;
  if (!number(n)) return false;
  const auto at = in.offset();
  if (n > static_cast<std::uint64_t>(INT64_MAX))
    return stop_all(Errc::malformed, "a frame longer than any file"), false;
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

}  // namespace assay::format::pickle
