#include "format/safetensors/cursor.h"

#include <vector>

#include "base/utf8.h"
#include "format/safetensors/number.h"

namespace assay::format::safetensors {
namespace {

constexpr std::size_t kDeepest = 127;  // serde_json counts down from 128 and refuses at zero

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_plain(char c) noexcept { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

}  // namespace

char Cursor::peek() noexcept {
  while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  return at();
}

bool Cursor::eat(char c) noexcept {
  if (peek() != c || at_ == text_.size()) return false;
  ++at_;
  return true;
}

Result<void> Cursor::expect(char c) {
  if (eat(c)) return {};
  return bad(at_ == text_.size() ? "the header's JSON ends early" : "a comma, colon or bracket is missing");
}

bool Cursor::eat_word(std::string_view word) noexcept {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool Cursor::eat_null() noexcept {
  peek();
  return eat_word("null");
}

Result<std::string> Cursor::text() {
  if (peek() != '"') return bad("a text is missing");
  std::string out;
  TRY(string(&out));
  return out;
}

Result<void> Cursor::string(std::string* out) {
  ++at_;
  while (at_ < text_.size()) {
    auto end = at_;
    while (end < text_.size() && is_plain(text_[end])) ++end;
    if (out != nullptr) out->append(text_.substr(at_, end - at_));
    at_ = end;
    if (at() == '"') return ++at_, Result<void>{};
    if (at() != '\\') break;
    TRY(escape(out));
  }
  return bad(at_ == text_.size() ? "a text has no end" : "a control character in a text");
}

Result<void> Cursor::escape(std::string* out) {
  ++at_;
  constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
  const auto known = kNames.find(at());
  if (at_ < text_.size() && known != kNames.npos) {
    ++at_;
    if (out != nullptr) *out += kValues[known];
    return {};
  }
  if (!eat_word("u")) return bad("an unknown escape");
  auto code = TRY(hex());
  if (code >= 0xdc00 && code < 0xe000) return bad("half a surrogate pair");
  if (code >= 0xd800 && code < 0xdc00) {
    if (!eat_word("\\u")) return bad("half a surrogate pair");
    const auto low = TRY(hex());
    if (low < 0xdc00 || low >= 0xe000) return bad("half a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (out != nullptr) *out += Utf8Character{code}.text();
  return {};
}

Result<std::uint32_t> Cursor::hex() {
  std::uint32_t out = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at(), lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) out = out << 4 | static_cast<std::uint32_t>(c - '0');
    else if (lower >= 'a' && lower <= 'f') out = out << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
    else return bad("an escape is not four hexadecimal digits");
  }
  return out;
}

Result<std::uint64_t> Cursor::integer() {
  if (!is_digit(peek())) return bad("not a whole number");
  std::uint64_t out = 0;
  for (; is_digit(at()); ++at_)
    if (__builtin_mul_overflow(out, 10u, &out) ||
        __builtin_add_overflow(out, static_cast<std::uint64_t>(at() - '0'), &out))
      return bad("a number of more than 64 bits");
  if (at() == '.' || (at() | 0x20) == 'e') return bad("not a whole number");
  return out;
}

std::size_t Cursor::digits() noexcept {
  const auto begin = at_;
  while (is_digit(at())) ++at_;
  return at_ - begin;
}

Result<void> Cursor::number() {
  const auto begin = at_;
  eat_word("-");
  const bool zero = at() == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return bad("not a number");
  if (eat_word(".") && digits() == 0) return bad("not a number");
  if ((at() | 0x20) == 'e') {
    ++at_;
    if (!eat_word("+")) eat_word("-");
    if (digits() == 0) return bad("not a number");
  }
  if (!fits_double(text_.substr(begin, at_ - begin))) return bad("a number out of range");
  return {};
}

Result<void> Cursor::text_or_key(std::vector<std::string>* texts) {
  if (texts == nullptr) return string(nullptr);
  std::string out;
  TRY(string(&out));
  if (out.size() >= kLeastIgnored) texts->push_back(std::move(out));
  return {};
}

Result<void> Cursor::scalar(std::vector<std::string>* texts) {
  const char c = at();
  if (c == '"') return text_or_key(texts);
  if (c == '-' || is_digit(c)) return number();
  if (eat_word("true") || eat_word("false") || eat_word("null")) return {};
  return bad("a value is missing");
}

Result<Cursor> Cursor::value(unsigned depth, std::vector<std::string>* texts) {
  peek();
  const auto begin = at_;
  std::string closers;  // of what is open, innermost last
  const auto key = [&]() -> Result<void> {
    if (closers.back() == ']') return {};
    if (peek() != '"') return bad("a key is missing");
    TRY(text_or_key(texts));
    return expect(':');
  };
  do {
    const char c = peek();
    if (c == '{' || c == '[') {
      if (closers.size() + depth == kDeepest) return bad("nested too deeply");
      ++at_;
      closers += c == '{' ? '}' : ']';
      if (peek() != closers.back()) {
        TRY(key());
        continue;
      }
    } else {
      TRY(scalar(texts));
    }
    while (!closers.empty() && eat(closers.back())) closers.pop_back();
    if (closers.empty()) break;
    TRY(expect(','));
    TRY(key());
  } while (true);
  return Cursor{text_.substr(begin, at_ - begin), base_ + begin};
}

}  // namespace assay::format::safetensors
