#include "base/text.h"

#include <array>
#include <cstdint>

namespace assay {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

struct Decoded {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  // 0: the bytes at this place are not UTF-8
};

Decoded decode_one(std::string_view s) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  const auto lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t n = 0;
  std::uint32_t code = 0, least = 0;
  if ((lead & 0xe0) == 0xc0) n = 2, code = lead & 0x1f, least = 0x80;
  else if ((lead & 0xf0) == 0xe0) n = 3, code = lead & 0x0f, least = 0x800;
  else if ((lead & 0xf8) == 0xf0) n = 4, code = lead & 0x07, least = 0x10000;
  else return {};
  if (s.size() < n) return {};
  for (std::size_t i = 1; i < n; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3f);
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, n};
}

/// Characters that draw nothing or that move what stands around them.
bool is_invisible(std::uint32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c < 0xfffd) ||
         (c >= 0xe0000 && c < 0xe1000);
}

void append_escape(std::string& out, std::uint32_t c) {
  if (c == '\n') out += "\\n";
  else if (c == '\r') out += "\\r";
  else if (c == '\t') out += "\\t";
  else {
    const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int i = digits - 1; i >= 0; --i) out += kHex[(c >> (4 * i)) & 15];
  }
}

}  // namespace

bool is_utf8(std::string_view raw) noexcept {
  while (!raw.empty()) {
    const auto d = decode_one(raw);
    if (d.bytes == 0) return false;
    raw.remove_prefix(d.bytes);
  }
  return true;
}

std::string printable(std::string_view raw, std::size_t max_bytes) {
  const bool cut = raw.size() > max_bytes;
  if (cut) raw = raw.substr(0, max_bytes);
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const auto d = decode_one(raw);
    if (d.bytes == 0) {
      append_escape(out, static_cast<std::uint8_t>(raw[0]));
      raw.remove_prefix(1);
      continue;
    }
    if (is_invisible(d.code)) append_escape(out, d.code);
    else out += raw.substr(0, d.bytes);
    raw.remove_prefix(d.bytes);
  }
  if (cut) out += "…";
  return out;
}

std::string to_utf8(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  while (!raw.empty()) {
    const auto d = decode_one(raw);
    if (d.bytes == 0) {
      out += "\xef\xbf\xbd";
      raw.remove_prefix(1);
      continue;
    }
    out += raw.substr(0, d.bytes);
    raw.remove_prefix(d.bytes);
  }
  return out;
}

std::string to_hex(std::string_view raw) {
  std::string out(raw.size() * 2, '0');
  auto digit = out.begin();
  for (const char c : raw) {
    *digit++ = kHex[static_cast<std::uint8_t>(c) >> 4];
    *digit++ = kHex[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> units = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::uint64_t tenths = bytes;
  std::size_t unit = 0;
  if (bytes < 1000) return std::to_string(bytes) + " B";
  while (tenths >= 10000 && unit + 1 < units.size() && (unit > 0 || tenths >= 1000)) {
    if (unit == 0) tenths = bytes / 100, unit = 1;  // from here on `tenths` counts tenths of a unit
    else tenths /= 1000, ++unit;
  }
  if (unit == 0) tenths = bytes / 100, unit = 1;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + std::string{units[unit]};
}

}  // namespace assay
