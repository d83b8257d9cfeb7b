#include "secrets/armour.h"

#include <algorithm>
#include <array>
#include <optional>

#include "secrets/encoding.h"
#include "secrets/words.h"

namespace assay::secrets {
namespace {

using namespace std::string_view_literals;

constexpr auto kBegin = "-----BEGIN "sv, kEnd = "-----END"sv, kDashes = "-----"sv;
constexpr std::array kHeaders{"Proc-Type"sv, "DEK-Info"sv, "Version"sv, "Comment"sv, "Subject"sv};
constexpr auto kAroundLines = " \t\r\"',+\\>|#*"sv;  // quotes and marks of the languages that armour is pasted into
constexpr std::size_t kFewestBytes = 32, kFewestDistinct = 16;

bool is_label(char c) noexcept { return is_upper(c) || is_digit(c) || c == ' '; }
bool is_header_name(char c) noexcept { return is_upper(c) || is_lower(c) || c == '-'; }

/// Between the first line's end and the last line's beginning, or the end where there is none.
std::optional<std::string_view> body_of(std::string_view secret) {
  if (!secret.starts_with(kBegin)) return std::nullopt;
  secret.remove_prefix(kBegin.size());
  const auto label_end = std::ranges::find_if_not(secret, is_label);
  if (label_end == secret.begin()) return std::nullopt;
  secret.remove_prefix(static_cast<std::size_t>(label_end - secret.begin()));
  if (!secret.starts_with(kDashes)) return std::nullopt;
  secret.remove_prefix(kDashes.size());
  return secret.substr(0, secret.find(kEnd));
}

/// Where the first header begins whose name ends at `colon`; npos where none does.
std::size_t header_before(std::string_view body, std::size_t from, std::size_t colon) {
  auto name = colon;
  while (name > from && is_header_name(body[name - 1])) --name;
  auto first = std::string_view::npos;
  const auto run = body.substr(name, colon - name);
  if (const auto x = run.find("X-"); x != run.npos && x + 2 < run.size()) first = name + x;
  for (const auto header : kHeaders) {
    if (run.ends_with(header)) first = std::min(first, colon - header.size());
  }
  return first;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (auto at = text.find(from); at != text.npos; at = text.find(from)) {
    result.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return result.append(text);
}

std::string_view stripped(std::string_view line) {
  const auto first = std::min(line.find_first_not_of(kAroundLines), line.size());
  return line.substr(first, line.find_last_not_of(kAroundLines) + 1 - first);
}

/// All lines as one, without OpenPGP's CRC-24, which has a line of its own.
std::string joined(std::string_view text) {
  std::string all;
  while (true) {
    const auto newline = text.find('\n');
    const auto line = stripped(text.substr(0, newline));
    if (!line.starts_with('=')) all += line;
    if (newline == text.npos) return all;
    text.remove_prefix(newline + 1);
  }
}

/// A SEQUENCE of which at least half is there: documentation shows the first line of a key, and of a whole one a few
/// bytes are lost with the marks around its lines.
bool is_der(std::string_view raw) {
  const auto byte = [raw](std::size_t at) { return static_cast<unsigned char>(raw[at]); };
  const std::size_t count = byte(1) >= 0x80 ? byte(1) & 0x7f : 0;
  if (byte(0) != 0x30 || count > 4) return false;
  std::uint64_t length = count == 0 ? byte(1) : 0;
  for (std::size_t i = 0; i < count; ++i) length = length << 8 | byte(2 + i);
  return length <= 2 * raw.size();
}

bool begins_as(std::string_view raw, std::string_view start) {
  if (start == "der") return is_der(raw);
  return start.empty() || raw.starts_with("openssh-key-v1\0"sv);
}

}  // namespace

std::string without_headers(std::string_view body) {
  std::string kept;
  std::size_t from = 0;
  for (auto colon = body.find(": "); colon != body.npos;) {
    const auto header = header_before(body, from, colon);
    auto next = colon + 1;
    if (header != body.npos) {
      kept += body.substr(from, header - from);
      from = next = std::min(body.find_first_of("\n\\", colon + 2), body.size());
    }
    colon = body.find(": ", next);
  }
  return kept.append(body.substr(from));
}

bool is_armour(std::string_view secret, std::string_view start) {
  const auto body = body_of(secret);
  if (!body) return false;
  std::string text = joined(without_headers(replaced(replaced(*body, "\\r", ""), "\\n", "\n")));
  text.resize(text.size() / 4 * 4);
  const auto raw = from_base64(text);
  if (!raw || raw->size() < kFewestBytes || distinct_bytes(*raw) < kFewestDistinct) return false;
  return body->find("DEK-Info:") != body->npos || begins_as(*raw, start);
}

}  // namespace assay::secrets
