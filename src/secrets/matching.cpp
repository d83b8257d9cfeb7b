#include "secrets/matching.h"

#include <algorithm>

#include "bytes/digest.h"
#include "secrets/pattern.h"
#include "secrets/placeholder.h"
#include "secrets/table.h"
#include "secrets/validators.h"
#include "secrets/words.h"

namespace assay::secrets {
namespace {

using table::Border;
using table::Rule;

constexpr auto npos = std::string_view::npos;

/// Whether a match may begin where `text` does: most keywords stand in ordinary text and are turned away here.
bool passes_gate(const Rule& rule, std::string_view text) noexcept {
  if (text.size() < rule.gate.size()) return false;
  for (std::size_t i = 0; i < rule.gate.size(); ++i) {
    if (!table::has(table::byte_sets[rule.gate[i]], text[i])) return false;
  }
  return true;
}

bool is_one_of(char c, std::string_view set) noexcept { return set.find(c) != npos; }

/// A terminal's colour, as in "\x1b[0;31m".
bool ends_colour(std::string_view before) noexcept {
  constexpr std::size_t kMostParameters = 8;
  if (!before.ends_with('m')) return false;
  before.remove_suffix(1);
  const auto last = before.find_last_not_of("0123456789;");
  const auto parameters = before.size() - (last + 1);
  return last != npos && parameters <= kMostParameters && before.substr(0, last + 1).ends_with("\x1b[");
}

/// Whether the letter or digit at the end of `before` ends an escape, and so is no part of a longer word.
bool ends_escape(std::string_view before) noexcept {
  const auto last = [before](std::size_t count) { return before.substr(before.size() - count); };
  if (before.size() >= 2 && last(2)[0] == '\\' && is_one_of(before.back(), "abfnrtv")) return true;
  if (before.size() >= 3 && last(3)[0] == '%' && std::ranges::all_of(last(2), is_hex)) return true;
  if (before.size() >= 6 && last(6).starts_with("\\u") && std::ranges::all_of(last(4), is_hex)) return true;
  return ends_colour(before);
}

/// Whether the secret is whole on its left.
bool is_free_on_left(Border border, std::string_view before) noexcept {
  if (before.empty()) return true;
  if (border == Border::base64 && is_one_of(before.back(), "+/")) return false;
  return !is_word(before.back()) || ends_escape(before);
}

bool is_free_on_right(Border border, std::string_view after) noexcept {
  if (after.empty()) return true;
  return !is_word(after.front()) && !is_one_of(after.front(), border == Border::base64 ? "-+/=" : "-");
}

bool is_near(std::span<const std::string_view> words, std::string_view before) {
  if (words.empty()) return true;
  before.remove_prefix(before.size() - std::min(before.size(), table::near_bytes));
  const std::string text = lower(before);
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != npos; });
}

bool is_published(std::string_view secret) {
  return std::ranges::binary_search(table::published, std::string_view{bytes::sha256(bytes::view(secret))});
}

/// Whether a pickle says in front of the secret that it has exactly this length: what follows is the next opcode, and
/// may be a letter.
bool is_counted(std::string_view before, std::size_t bytes) noexcept {
  const auto byte = [before](std::size_t back) { return static_cast<unsigned char>(before[before.size() - back]); };
  if (before.size() >= 2 && is_one_of(before[before.size() - 2], "\x8cUC") && byte(1) == bytes) return true;
  if (before.size() < 5 || !is_one_of(before[before.size() - 5], "XTB")) return false;
  return (byte(4) | byte(3) << 8 | byte(2) << 16 | std::uint64_t{byte(1)} << 24) == bytes;
}

/// Whether the secret is a line behind a pickle's opcode V, as protocol 0 writes a text. Before that stands the end of
/// a line, or an opcode without an argument.
bool is_line_of_pickle(std::string_view text, std::size_t begin, std::size_t end) noexcept {
  if (begin == 0 || text[begin - 1] != 'V' || end == text.size() || text[end] != '\n') return false;
  return begin == 1 || is_one_of(text[begin - 2], "\nas(tlde");
}

/// Whether nothing around the secret says that it goes on. Where the pattern itself says what stands on the left,
/// nobody asks again.
bool is_whole(Border border, std::string_view text, bool starts_match, std::size_t begin, std::size_t end) noexcept {
  const auto before = text.substr(0, begin);
  if (border == Border::none || is_counted(before, end - begin) || is_line_of_pickle(text, begin, end)) return true;
  return (!starts_match || is_free_on_left(border, before)) && is_free_on_right(border, text.substr(end));
}

/// Where the name begins in whose middle a keyword may stand: "csrf" belongs to csrf_token.
std::size_t name_begin(std::string_view text, std::size_t at) noexcept {
  const auto first = at - std::min(at, table::name_bytes);
  while (at > first && (is_word(text[at - 1]) || is_one_of(text[at - 1], ".-"))) --at;
  return at;
}

bool is_secret(const Rule& rule, std::string_view secret, std::string_view before) {
  const auto agrees = [&](const table::Validator& validator) { return holds(validator, secret, before); };
  return std::ranges::all_of(rule.validators, agrees) && !is_placeholder(secret, rule.kind) && !is_published(secret);
}

}  // namespace

Ends::Ends() : looked_(table::rules.size()) {}

void Ends::forget() {
  if (was_asked_) std::ranges::fill(looked_, Looked{});
  was_asked_ = false;
}

std::optional<std::uint64_t> Ends::end_after(std::uint32_t rule, const Surroundings& around, std::uint64_t begin) {
  was_asked_ = true;
  const auto literal = table::rules[rule].until;
  auto& looked = looked_[rule];
  const bool is_known = begin >= looked.from && begin <= looked.first;
  if (!is_known || !looked.is_there) {
    const auto from = is_known ? looked.first : begin;
    const auto at = around.text.find(literal, from - around.begin);
    const auto seen = around.begin + around.text.size();
    // A literal may yet come that begins in the last bytes seen.
    const auto unseen = seen - std::min<std::uint64_t>(seen - from, literal.size() - 1);
    looked = {is_known ? looked.from : begin, at == npos ? unseen : around.begin + at, at != npos};
  }
  if (!looked.is_there || looked.first + literal.size() > begin + table::until_bytes) return std::nullopt;
  return looked.first + literal.size();
}

bool is_doubtful(std::uint32_t rule) noexcept { return table::rules[rule].run_bytes != 0; }

bool may_match(std::uint32_t number, const Surroundings& around, std::uint64_t at) noexcept {
  const auto& rule = table::rules[number];
  std::size_t run = 0;
  for (const char c : around.text.substr(static_cast<std::size_t>(at - around.begin), rule.width)) {
    if (run >= rule.run_bytes) break;
    run = table::has(table::byte_sets[rule.run_set], c) ? run + 1 : 0;
  }
  return run >= rule.run_bytes;
}

std::optional<Found> hit_at(std::uint32_t number, const Surroundings& around, std::uint64_t at,
                            std::uint64_t keyword_end, Ends& ends) {
  const auto& rule = table::rules[number];
  const auto keyword = static_cast<std::size_t>(at - around.begin);
  if (!passes_gate(rule, around.text.substr(keyword))) return std::nullopt;
  const auto first = keyword - std::min<std::size_t>(keyword, rule.lead);
  const auto found = match(number, around.text.substr(first, keyword - first + rule.width), keyword - first + 1);
  if (!found) return std::nullopt;

  const auto offset = [&](const char* place) { return static_cast<std::size_t>(place - around.text.data()); };
  const auto match_begin = offset(found->all.data());
  if (around.begin + match_begin + found->all.size() < keyword_end) return std::nullopt;
  const auto begin = offset(found->secret.data());
  auto end = begin + found->secret.size();
  if (!rule.until.empty()) {
    const auto last = ends.end_after(number, around, around.begin + begin);
    if (!last) return std::nullopt;
    end = static_cast<std::size_t>(*last - around.begin);
  }
  if (!is_whole(rule.border, around.text, begin == match_begin, begin, end)) return std::nullopt;
  if (!is_near(rule.near, around.text.substr(0, begin))) return std::nullopt;
  const auto name = name_begin(around.text, match_begin);
  const auto before = around.text.substr(name, begin - name);
  if (!is_secret(rule, around.text.substr(begin, end - begin), before)) return std::nullopt;
  return Found{{number, around.begin + begin, around.begin + end}, around.begin + match_begin};
}

}  // namespace assay::secrets
