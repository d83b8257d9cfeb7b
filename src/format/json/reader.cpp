#include "format/json/reader.h"

#include <cstring>

namespace assay::format::json {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

bool Reader::refuse(std::string_view what, Errc code) {
  error_ = Error{code, offset_, what};
  return false;
}

bool Reader::feed(std::string_view block) {
  const auto begin = offset_;
  for (std::size_t i = 0; i < block.size(); ++i) {
    if (at_ == At::text && utf8_.whole()) {
      const auto run = plain_run(block.substr(i));
      if (run > 0) {
        flush_surrogate();
        const auto room = kMostKeyBytes - text_.size();
        text_.append(block.substr(i, std::min(run, room)));
        whole_ = whole_ && run <= room;
        i += run;
        if (i == block.size()) break;
      }
    }
    offset_ = begin + i;
    if (!step(block[i])) return false;
  }
  offset_ = begin + block.size();
  return true;
}

/// Bytes that a text merely holds: printable ASCII but for the quote and the backslash. Eight at once.
std::size_t Reader::plain_run(std::string_view rest) const noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::size_t i = 0;
  for (; rest.size() - i >= 8; i += 8) {
    std::uint64_t v;
    std::memcpy(&v, rest.data() + i, sizeof v);
    const auto quote = v ^ (kOnes * '"'), slash = v ^ (kOnes * '\\');
    const auto special = ((quote - kOnes) & ~quote) | ((slash - kOnes) & ~slash) | (v - kOnes * 0x20) | v;
    if ((special & kHigh) != 0) break;
  }
  while (i < rest.size() && static_cast<unsigned char>(rest[i]) >= 0x20 && static_cast<unsigned char>(rest[i]) < 0x80 &&
         rest[i] != '"' && rest[i] != '\\')
    ++i;
  return i;
}

bool Reader::step(char c) {
  switch (at_) {
    case At::text: return in_text(c);
    case At::escape: return in_escape(c);
    case At::hex: return in_hex(c);
    case At::word: return in_word(c);
    case At::value:
    case At::first_item:
    case At::first_key:
    case At::key:
    case At::colon:
    case At::after: return between(c);
    default: return in_number(c);
  }
}

bool Reader::between(char c) {
  if (is_blank(c)) {
    new_line_ = new_line_ || c == '\n';
    return true;
  }
  switch (at_) {
    case At::colon: at_ = At::value; return c == ':' || refuse("a colon is missing");
    case At::first_key:
    case At::key:
      if (c == '}' && at_ == At::first_key) return close(c);
      if (c != '"') return refuse("a key is missing");
      is_key_ = true;
      break;
    case At::first_item:
      if (c == ']') return close(c);
      [[fallthrough]];
    case At::value:
      if (c != '"') return begin_value(c);
      is_key_ = false;
      break;
    default: return after(c);
  }
  at_ = At::text;
  text_begin_ = offset_;
  text_.clear();
  whole_ = true;
  return true;
}

bool Reader::begin_value(char c) {
  const auto word = [&](std::string_view w) {
    word_ = w;
    word_at_ = 1;
    at_ = At::word;
    return true;
  };
  switch (c) {
    case '{': return open(true);
    case '[': return open(false);
    case 't': return word("true");
    case 'f': return word("false");
    case 'n': return word("null");
    case 'N': return word("NaN");
    case 'I': return word("Infinity");
    case '-': at_ = At::minus; return true;
    case '0': at_ = At::zero; return true;
    default: break;
  }
  at_ = At::digits;
  return is_digit(c) || refuse("a value is missing");
}

bool Reader::open(bool object) {
  if (levels_.size() == kMostDepth) return refuse("nested too deeply", Errc::limit_reached);
  listener_.value(object ? Listener::Kind::object : Listener::Kind::array, {}, true);
  if (!levels_.empty()) levels_.back().empty = false;
  levels_.push_back({static_cast<std::uint32_t>(keys_.size()), 0, 0, object, true});
  at_ = object ? At::first_key : At::first_item;
  return true;
}

bool Reader::close(char c) {
  if (levels_.empty() || c != (levels_.back().object ? '}' : ']')) return refuse("a bracket does not match");
  const auto& level = levels_.back();
  listener_.closed(level.empty);
  keys_.resize(level.key_begin);
  levels_.pop_back();
  if (levels_.empty()) {
    ++values_;
    new_line_ = false;
  }
  at_ = At::after;
  return true;
}

/// Behind a value.
bool Reader::after(char c) {
  if (levels_.empty()) {
    // JSON lines: only of objects and arrays, and never two on one line.
    const bool another = (c == '{' || c == '[') && new_line_ && top_is_container_;
    return another ? begin_value(c) : refuse("something follows the value");
  }
  auto& level = levels_.back();
  if (c != ',') return close(c);
  ++level.index;
  at_ = level.object ? At::key : At::value;
  return true;
}

void Reader::ended(Listener::Kind kind) {
  listener_.value(kind, text_, whole_);
  at_ = At::after;
  if (!levels_.empty()) {
    levels_.back().empty = false;
    return;
  }
  ++values_;
  top_is_container_ = false;
}

bool Reader::in_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (!utf8_.whole()) {
    if (!utf8_.add(byte)) return refuse("a text is not UTF-8");
    keep(c);
    return true;
  }
  if (c == '"') return end_text();
  if (c == '\\') {
    at_ = At::escape;
    return true;
  }
  flush_surrogate();
  if (byte < 0x20) return refuse("a control character in a text");
  if (!utf8_.add(byte)) return refuse("a text is not UTF-8");
  keep(c);
  return true;
}

bool Reader::end_text() {
  flush_surrogate();
  if (!is_key_) {
    ended(Listener::Kind::text);
    return true;
  }
  auto& level = levels_.back();
  level.empty = false;
  keys_.resize(level.key_begin);
  level.key_length = 0;
  if (keys_.size() + text_.size() <= kMostPathBytes) {
    keys_ += text_;
    level.key_length = static_cast<std::uint32_t>(text_.size());
  }
  listener_.key(text_, whole_, text_begin_);
  at_ = At::colon;
  return true;
}

bool Reader::in_escape(char c) {
  at_ = At::text;
  if (c == 'u') {
    at_ = At::hex;
    hex_ = 0;
    hex_digits_ = 0;
    return true;
  }
  constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
  const auto i = kNames.find(c);
  if (i == kNames.npos) return refuse("an unknown escape");
  flush_surrogate();
  keep(kValues[i]);
  return true;
}

bool Reader::in_hex(char c) {
  const char lower = static_cast<char>(c | 0x20);
  if (!is_digit(c) && (lower < 'a' || lower > 'f')) return refuse("an escape is not four hexadecimal digits");
  hex_ = hex_ << 4 | static_cast<std::uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  if (++hex_digits_ < 4) return true;
  at_ = At::text;
  if (high_ != 0 && hex_ >= 0xdc00 && hex_ < 0xe000) {
    keep_code_point(0x10000 + ((high_ - 0xd800) << 10) + (hex_ - 0xdc00));
    high_ = 0;
    return true;
  }
  flush_surrogate();
  if (hex_ >= 0xd800 && hex_ < 0xdc00) high_ = hex_;
  else keep_code_point(hex_);
  return true;
}

/// Python keeps a surrogate without a partner; so do we, in the three bytes that UTF-8 forbids.
void Reader::flush_surrogate() {
  if (high_ == 0) return;
  keep_code_point(high_);
  high_ = 0;
}

void Reader::keep(char c) {
  if (text_.size() < kMostKeyBytes) text_ += c;
  else whole_ = false;
}

void Reader::keep_code_point(std::uint32_t c) {
  const Utf8Character character{c};
  for (const char byte : character.text()) keep(byte);
}

bool Reader::in_word(char c) {
  if (c != word_[word_at_]) return refuse("an unknown word");
  if (++word_at_ < word_.size()) return true;
  text_.clear();
  non_finite_ = non_finite_ || word_[0] == 'N' || word_[0] == 'I';
  ended(word_[0] == 't'   ? Listener::Kind::yes
        : word_[0] == 'f' ? Listener::Kind::no
        : word_[0] == 'n' ? Listener::Kind::null
                          : Listener::Kind::number);
  return true;
}

bool Reader::in_number(char c) {
  const auto go = [&](At next) {
    at_ = next;
    return true;
  };
  switch (at_) {
    case At::minus:
      if (c == 'I') {
        word_ = "Infinity";
        word_at_ = 1;
        return go(At::word);
      }
      return is_digit(c) ? go(c == '0' ? At::zero : At::digits) : refuse("a number has no digits");
    case At::digits:
      if (is_digit(c)) return true;
      [[fallthrough]];
    case At::zero:
      if (c == '.') return go(At::point);
      if (c == 'e' || c == 'E') return go(At::exponent);
      return end_number(c);
    case At::point: return is_digit(c) ? go(At::fraction) : refuse("a number ends in a point");
    case At::fraction:
      if (is_digit(c)) return true;
      if (c == 'e' || c == 'E') return go(At::exponent);
      return end_number(c);
    case At::exponent:
      if (c == '+' || c == '-') return go(At::exponent_sign);
      [[fallthrough]];
    case At::exponent_sign: return is_digit(c) ? go(At::exponent_digits) : refuse("an exponent has no digits");
    default: return is_digit(c) || end_number(c);
  }
}

/// The byte behind a number belongs to what follows.
bool Reader::end_number(char c) {
  text_.clear();
  ended(Listener::Kind::number);
  return between(c);
}

bool Reader::finish() {
  // A number at the top ends with the text.
  if (at_ == At::zero || at_ == At::digits || at_ == At::fraction || at_ == At::exponent_digits) {
    if (!end_number(' ')) return false;
  }
  if (at_ == At::after && levels_.empty()) return true;
  return refuse("the text ends early", Errc::truncated);
}

}  // namespace assay::format::json
