#include "report/words.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace assay::report {
namespace {

constexpr std::string_view kEllipsis = "…";

bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// From U+1000 on a character may be wide; three-byte punctuation such as the ellipsis counts too much, which is
/// harmless.
std::size_t columns_of(char lead) noexcept { return static_cast<unsigned char>(lead) >= 0xe1 ? 2 : 1; }

/// Bytes at the start of `text` that fill at most `most` columns, never half a character.
std::size_t fitting(std::string_view text, std::size_t most) noexcept {
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) continue;
    used += columns_of(text[i]);
    if (used > most) return i;
  }
  return text.size();
}

}  // namespace

std::string grouped(std::uint64_t number) {
  auto out = std::to_string(number);
  for (std::size_t left = out.size(); left > 3; left -= 3) out.insert(left - 3, 1, ',');
  return out;
}

std::string counted(std::uint64_t number, std::string_view singular) {
  auto out = grouped(number) + " " + std::string{singular};
  if (number != 1) out += "s";
  return out;
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) seconds = 0;
  constexpr double kMinute = 60;
  if (seconds >= kMinute) {
    const auto whole = static_cast<std::uint64_t>(std::min(seconds, 1e15));
    return grouped(whole / 60) + " min " + std::to_string(whole % 60) + " s";
  }
  char out[32];
  std::snprintf(out, sizeof out, seconds < 10 ? "%.2f s" : "%.0f s", seconds);
  return out;
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

std::size_t columns(std::string_view text) noexcept {
  std::size_t n = 0;
  for (const char c : text)
    if (!continues(c)) n += columns_of(c);
  return n;
}

std::string keep_start(std::string_view text, std::size_t most) {
  if (columns(text) <= most) return std::string{text};
  if (most < columns(kEllipsis)) return std::string{text.substr(0, fitting(text, most))};
  return std::string{text.substr(0, fitting(text, most - columns(kEllipsis)))} += kEllipsis;
}

std::string keep_end(std::string_view text, std::size_t most) {
  const auto all = columns(text);
  if (all <= most) return std::string{text};
  const bool mark = most >= columns(kEllipsis);
  const auto room = mark ? most - columns(kEllipsis) : most;
  std::size_t dropped = 0, i = 0;
  for (; i < text.size() && (all - dropped > room || continues(text[i])); ++i)
    if (!continues(text[i])) dropped += columns_of(text[i]);
  return std::string{mark ? kEllipsis : ""} += text.substr(i);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t most) {
  most = std::max<std::size_t>(most, 1);
  std::vector<std::string> lines;
  while (columns(text) > most) {
    const auto fits = std::max<std::size_t>(fitting(text, most), 1);
    const auto space = text.substr(0, fits + 1).rfind(' ');
    const bool at_space = space != text.npos && space > 0;
    auto end = at_space ? space : fits;
    while (end < text.size() && continues(text[end])) ++end;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(at_space ? end + 1 : end);
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string commit_in_words(const format::Origin& origin) {
  if (origin.commit.empty()) return {};
  const auto& name = origin.author.empty() ? origin.email : origin.author;
  return "commit " + printable(origin.commit.substr(0, 7)) + (name.empty() ? "" : " by " + printable(name, 60)) +
         " on " + printable(origin.date.substr(0, 10));
}

}  // namespace assay::report
