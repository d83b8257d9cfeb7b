#include "format/pickle/text.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"

namespace assay::format::pickle {
namespace {

/// Length of the character that `s` begins with: 0 where there is none, more than s.size() where it is cut short.
std::size_t character(std::string_view s) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  const auto c = at(0);
  if (c < 0x80) return 1;
  if (c < 0xc2 || c > 0xf4) return 0;
  const std::size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (s.size() < len) return len;
  for (std::size_t k = 1; k < len; ++k)
    if ((at(k) & 0xc0) != 0x80) return 0;
  const bool overlong = (c == 0xe0 && at(1) < 0xa0) || (c == 0xf0 && at(1) < 0x90);
  const bool beyond = c == 0xf4 && at(1) > 0x8f;
  return overlong || beyond ? 0 : len;
}

std::optional<std::uint32_t> hex_at(std::string_view s, std::size_t at, std::size_t digits) noexcept {
  if (s.size() < at || s.size() - at < digits) return std::nullopt;
  std::uint32_t v = 0;
  for (const char c : s.substr(at, digits)) {
    const int d = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
    if (d < 0) return std::nullopt;
    v = v * 16 + static_cast<std::uint32_t>(d);
  }
  return v;
}

}  // namespace

std::optional<std::size_t> utf8_prefix(std::string_view s) noexcept {
  constexpr std::size_t kWord = 8;
  for (std::size_t i = 0; i < s.size();) {
    std::uint64_t word = ~std::uint64_t{0};
    if (s.size() - i >= kWord) std::memcpy(&word, s.data() + i, kWord);
    if ((word & 0x8080808080808080) == 0) {
      i += kWord;
      continue;
    }
    const auto len = character(s.substr(i));
    if (len == 0) return std::nullopt;
    if (len > s.size() - i) return i;
    i += len;
  }
  return s.size();
}

bool is_ascii(std::string_view s) noexcept {
  return std::all_of(s.begin(), s.end(), [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
}

bool escapes_are_whole(std::string_view s) noexcept {
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\') continue;
    if (++i == s.size() || (s[i] == 'x' && !hex_at(s, i + 1, 2))) return false;
  }
  return true;
}

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

std::string raw_unicode(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const bool escape = s[i] == '\\' && i + 1 < s.size() && (s[i + 1] == 'u' || s[i + 1] == 'U');
    const std::size_t digits = escape && s[i + 1] == 'U' ? 8 : 4;
    if (const auto v = escape ? hex_at(s, i + 2, digits) : std::nullopt) {
      out += Utf8Character{*v}.text();
      i += 1 + digits;
    } else out += Utf8Character{static_cast<std::uint8_t>(s[i])}.text();
  }
  return out;
}

}  // namespace assay::format::pickle
