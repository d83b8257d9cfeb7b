#include "secrets/placeholder.h"

#include <algorithm>

#include "secrets/words.h"

namespace assay::secrets {
namespace {

constexpr std::size_t kLongest = 300;  // so long a text holds any small pattern by chance

bool holds_placeholder_word(std::string_view lower_case, table::Kind kind) {
  static const Words firm{table::firm_words};
  static const Words all{table::placeholder_words};
  return (kind == table::Kind::format ? firm : all).any_in(lower_case);
}

bool holds_mark(std::string_view secret) {
  static const Words marks{table::placeholder_marks};
  return marks.any_in(secret);
}

/// Whether `follows(previous, current)` holds so often in a row that it makes a run of `bytes_in_run`.
bool has_chain(std::string_view text, std::size_t bytes_in_run, bool (*follows)(char, char)) {
  std::size_t run = 1;
  for (std::size_t i = 1; i < text.size(); ++i) {
    run = follows(text[i - 1], text[i]) ? run + 1 : 1;
    if (run >= bytes_in_run) return true;
  }
  return false;
}

bool is_same(char previous, char current) { return previous == current; }

/// As people type them: after 9 comes 0, or a.
bool is_next(char previous, char current) {
  if (previous == '9' && (current == '0' || current == 'a')) return true;
  return static_cast<unsigned char>(current) == static_cast<unsigned char>(previous) + 1;
}

/// What follows the last separator of the prefix: the part that should be random.
std::string_view tail_of(std::string_view secret) {
  for (const char mark : {'_', '-', '.'}) {
    const auto at = secret.rfind(mark);
    const auto head_bytes = at == secret.npos ? 0 : at;
    const auto tail = at == secret.npos ? secret : secret.substr(at + 1);
    if (tail.size() >= 16 && head_bytes <= 24) return tail;
  }
  return secret;
}

/// One block of up to 10 bytes again and again, or hardly any different bytes.
bool is_repetition(std::string_view secret) {
  if (secret.size() < 12) return false;
  if (distinct_bytes(secret) < 5) return true;
  for (std::size_t period = 1; period <= std::min<std::size_t>(10, secret.size() / 2); ++period) {
    if (secret.substr(period) == secret.substr(0, secret.size() - period)) return true;
  }
  return false;
}

/// 2016-09-08T21:47:36Z: when a password was used.
bool is_moment(std::string_view secret) {
  constexpr std::string_view kForm = "0000-00-00T00:00";
  if (secret.size() < kForm.size()) return false;
  return std::ranges::equal(secret.substr(0, kForm.size()), kForm, [](char c, char form) {
    return form == '0' ? is_digit(c) : c == form || (form == 'T' && c == ' ');
  });
}

}  // namespace

bool is_placeholder(std::string_view secret, table::Kind kind) {
  const std::string lower_case = lower(secret);
  if (holds_placeholder_word(lower_case, kind)) return true;
  if (kind != table::Kind::format && holds_mark(secret)) return true;
  if (secret.find("-----BEGIN") != secret.npos) return false;  // armour has its own check; honest keys hold zeros
  if (kind != table::Kind::format && is_moment(secret)) return true;
  if (secret.size() > kLongest) return false;
  return has_chain(lower_case, 6, is_same) || has_chain(lower_case, 8, is_next) || is_repetition(tail_of(lower_case));
}

}  // namespace assay::secrets
