#include "format/pickle/number.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

namespace assay::format::pickle {
namespace {

constexpr Profiles kC = bits(Profile::cpython_c, Profile::cpython_c_file, Profile::cpython_c_strict);
constexpr Profiles kPython = bits(Profile::cpython_py, Profile::joblib);

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view s) noexcept {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

/// The C unpickler works on C strings: a NUL ends the text.
std::string_view up_to_nul(std::string_view s) noexcept { return s.substr(0, s.find('\0')); }

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

/// int(text, base) of Python: white space around, sign, underscores between digits, prefixes in base 0 (or when
/// they fit the base), and no leading zeros in base 0.
std::optional<std::int64_t> python_int(std::string_view s, int base) noexcept {
  s = trimmed(s);
  bool negative = false;
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) negative = s[0] == '-', s.remove_prefix(1);
  bool after_prefix = false;
  if (base == 0) {
    base = 10;
    if (s.size() > 1 && s[0] == '0') {
      const char p = static_cast<char>(s[1] | 0x20);
      const int prefixed = p == 'x' ? 16 : p == 'o' ? 8 : p == 'b' ? 2 : 0;
      if (prefixed != 0) base = prefixed, after_prefix = true, s.remove_prefix(2);
      else if (s.find_first_not_of("0_") != s.npos) return std::nullopt;
    }
  }
  if (s.empty()) return std::nullopt;
  bool digit_before = after_prefix;  // an underscore may follow a prefix
  std::int64_t value = 0;
  bool any = false;
  for (const char c : s) {
    if (c == '_') {
      if (!digit_before) return std::nullopt;
      digit_before = false;
      continue;
    }
    const int d = digit_of(c);
    if (d >= base) return std::nullopt;
    digit_before = any = true;
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, d, &value))
      value = std::numeric_limits<std::int64_t>::max();
  }
  if (!any || !digit_before) return std::nullopt;
  return negative ? -value : value;
}

/// strtol(text, &end, 0) where it eats the whole text: "017" is octal there and an error for int().
std::optional<std::int64_t> c_octal(std::string_view s) noexcept {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  bool negative = false;
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) negative = s[0] == '-', s.remove_prefix(1);
  if (s.size() < 2 || s[0] != '0') return std::nullopt;
  std::int64_t value = 0;
  for (const char c : s.substr(1)) {
    if (c < '0' || c > '7') return std::nullopt;
    if (__builtin_mul_overflow(value, 8, &value) || __builtin_add_overflow(value, c - '0', &value)) return std::nullopt;
  }
  return negative ? -value : value;
}

bool is_canonical_integer(std::string_view s) noexcept {
  const bool negative = !s.empty() && s[0] == '-';
  if (negative) s.remove_prefix(1);
  if (s.empty() || (s[0] == '0' && (negative || s.size() > 1))) return false;
  return s.find_first_not_of("0123456789") == s.npos;
}

bool is_real(std::string_view s, bool underscores) noexcept {
  if (!s.empty() && (s[0] == '+' || s[0] == '-')) s.remove_prefix(1);
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); };
  const auto is_word = [&](std::string_view word) {
    if (s.size() != word.size()) return false;
    for (std::size_t i = 0; i < s.size(); ++i)
      if (lower(s[i]) != word[i]) return false;
    return true;
  };
  if (is_word("inf") || is_word("infinity") || is_word("nan")) return true;
  std::size_t i = 0, digits = 0;
  const auto eat_digits = [&] {
    for (; i < s.size(); ++i) {
      if (s[i] >= '0' && s[i] <= '9') ++digits;
      else if (!(underscores && s[i] == '_' && digits > 0 && i + 1 < s.size() && s[i + 1] >= '0' && s[i + 1] <= '9'))
        break;
    }
  };
  eat_digits();
  if (i < s.size() && s[i] == '.') ++i, eat_digits();
  if (digits == 0) return false;
  if (i < s.size() && lower(s[i]) == 'e') {
    ++i;
    if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
    digits = 0;
    eat_digits();
    if (digits == 0) return false;
  }
  return i == s.size();
}

/// Whether a real number, spelled in digits, is too large for a double: float() says infinity, the C unpickler raises.
bool is_too_large(std::string_view s) {
  const std::string text{s};
  const bool in_digits = text.find_first_of("nN") == text.npos;  // "inf" and "nan" are what they say
  return in_digits && std::isinf(std::strtod(text.c_str(), nullptr));
}

}  // namespace

Number read_integer(std::string_view line, bool is_long) noexcept {
  Number out;
  const auto drop_l = [&](std::string_view s) { return is_long && s.ends_with('L') ? s.substr(0, s.size() - 1) : s; };
  const auto plain = drop_l(line);
  if (!is_long && (line == "00" || line == "01")) {
    out.boolean = true;
    out.value = line[1] - '0';
    return out;
  }
  if (is_canonical_integer(plain)) {
    out.value = python_int(plain, 10);
    return out;
  }
  out.canonical = false;
  const auto c_text = drop_l(up_to_nul(line));
  auto c0 = python_int(c_text, 0);
  if (!c0 && !is_long) c0 = c_octal(c_text);
  const auto c10 = python_int(c_text, 10);
  const auto py = line.find('\0') == line.npos ? python_int(plain, 0) : std::nullopt;
  const auto tools = line.find('\0') == line.npos ? python_int(plain, 10) : std::nullopt;
  if (!c0) out.refused_by |= bits(Profile::cpython_c, Profile::cpython_c_file);
  if (!c10) out.refused_by |= bits(Profile::cpython_c_strict);
  if (!py) out.refused_by |= kPython;
  if (!tools) out.refused_by |= bits(Profile::pickletools);
  out.value = c0 ? c0 : py ? py : c10;
  return out;
}

Number read_real(std::string_view line) {
  Number out;
  const bool large = is_too_large(up_to_nul(line));
  out.canonical = is_real(line, false) && !line.starts_with('+') && !large;
  if (out.canonical) return out;
  if (large || !is_real(up_to_nul(line), false)) out.refused_by |= kC;
  if (!is_real(trimmed(line), true)) out.refused_by |= bits(Profile::cpython_py, Profile::joblib, Profile::pickletools);
  return out;
}

Number read_index(std::string_view line) noexcept {
  Number out;
  out.canonical = !line.empty() && line.find_first_not_of("0123456789") == line.npos;
  out.value = python_int(line, 10);
  if (!out.value) {
    out.refused_by = bits(Profile::cpython_py, Profile::joblib, Profile::pickletools);
    out.value = python_int(up_to_nul(line), 10);
    if (!out.value) out.refused_by = kAllProfiles;
  }
  if (out.value && *out.value < 0) out.refused_by = kAllProfiles;
  return out;
}

}  // namespace assay::format::pickle
