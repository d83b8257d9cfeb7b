#include "secrets/validators.h"

#include <algorithm>
#include <bitset>
#include <cmath>

#include "secrets/armour.h"
#include "secrets/encoding.h"
#include "secrets/json.h"
#include "secrets/placeholder.h"
#include "secrets/words.h"

namespace assay::secrets {
namespace {

using namespace std::string_view_literals;
using table::Validator;

bool is_within(const Validator& bounds, std::size_t bytes) {
  return static_cast<double>(bytes) >= bounds.least && static_cast<double>(bytes) <= bounds.most;
}

/// Shannon entropy of the bytes, in bits per byte.
bool has_entropy(std::string_view secret, std::string_view, const Validator& validator) {
  std::array<std::size_t, 256> counts{};
  for (const char c : secret) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const auto count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(secret.size());
    bits -= share * std::log2(share);
  }
  return bits >= validator.least;
}

bool has_length(std::string_view secret, std::string_view, const Validator& validator) {
  return is_within(validator, secret.size());
}

bool has_some_classes(std::string_view secret, double least) {
  std::bitset<4> seen;
  for (const char c : secret) seen.set(is_upper(c) ? 0 : is_lower(c) ? 1 : is_digit(c) ? 2 : 3);
  return static_cast<double>(seen.count()) >= least;
}

bool has_classes(std::string_view secret, std::string_view, const Validator& validator) {
  return has_some_classes(secret, validator.least);
}

bool has_digits(std::string_view secret, std::string_view, const Validator& validator) {
  return static_cast<double>(std::ranges::count_if(secret, is_digit)) >= validator.least;
}

/// Hash sums and commit ids are quiet where the issuer's alphabet is wider.
bool is_not_hex(std::string_view secret, std::string_view, const Validator&) {
  return !std::ranges::all_of(secret, is_hex);
}

bool is_not_uuid(std::string_view secret, std::string_view, const Validator&) {
  constexpr auto kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"sv;
  const auto fits = [](char c, char form) { return form == '-' ? c == '-' : is_hex(c); };
  return !std::ranges::equal(secret, kForm, fits);
}

/// Neither does the name beside the value say that it is a sum or an id, nor does it end a path or stand behind name@.
bool is_not_hash_name(std::string_view, std::string_view before, const Validator&) {
  static const Words names{table::hash_names};
  if (before.ends_with('@') || before.ends_with('/') || before.ends_with('#')) return false;
  return !names.any_in(lower(before));
}

/// The name beside the value does not say that it is something else: a path, a limit, a token of a text.
bool is_secret_name(std::string_view, std::string_view before, const Validator&) {
  static const Words names{table::other_names};
  return !names.any_in(lower(before));
}

constexpr std::size_t kLetters = 26;

std::size_t pair_of(char first, char second) noexcept {
  return static_cast<std::size_t>(first - 'a') * kLetters + static_cast<std::size_t>(second - 'a');
}

std::bitset<kLetters * kLetters> common_pairs() {
  std::bitset<kLetters * kLetters> pairs;
  for (const auto pair : table::bigrams) pairs.set(pair_of(pair[0], pair[1]));
  return pairs;
}

/// Identifiers and sentences: of their neighbouring letters most are common pairs, of random ones few are.
/// Hex digits are let through, because their six letters happen to be common ones.
bool is_not_words(std::string_view secret, std::string_view before, const Validator& validator) {
  static const auto common = common_pairs();
  if (!is_not_hex(secret, before, validator)) return true;
  const std::string text = lower(secret);
  std::size_t pairs = 0, common_ones = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (!is_lower(text[i - 1]) || !is_lower(text[i])) continue;
    ++pairs;
    common_ones += common[pair_of(text[i - 1], text[i])] ? 1 : 0;
  }
  return pairs < 8 || common_ones * 20 < pairs * 11;
}

/// Has a digit, or a symbol that names do not have.
bool is_not_name(std::string_view secret, std::string_view, const Validator&) {
  return std::ranges::any_of(secret, [](char c) {
    const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
    return is_ascii && !is_lower(c) && !is_upper(c) && "_-. "sv.find(c) == std::string_view::npos;
  });
}

/// V1SecretVolumeSource: what speaks of a secret is the name of one, unless enough follows to be one.
bool speaks_of_no_secret(std::string_view secret, std::string_view, const Validator&) {
  const std::string text = lower(secret);
  return std::ranges::none_of(table::secret_words, [&](std::string_view word) {
    const auto last = std::min(text.size(), word.size() + table::shortest_behind_word - 1);
    return text.find(word, text.size() - last) != text.npos;
  });
}

/// KRB5_PASSWORD, and @KRB5_PASSWORD: a name in capitals, whose value stands elsewhere.
bool is_constant(std::string_view secret) {
  if (secret.starts_with('@')) secret.remove_prefix(1);
  const bool has_letter = std::ranges::any_of(secret, is_upper);
  const auto fits = [](char c) { return is_upper(c) || is_digit(c) || c == '_'; };
  return has_letter && secret.find('_') != secret.npos && std::ranges::all_of(secret, fits);
}

bool is_reference(std::string_view secret) {
  static constexpr std::array kMarks{"()"sv, "${"sv, "#{"sv, "{{"sv, "{}"sv, "://"sv, "=>"sv};
  static const Words marks{kMarks};
  if ("${[(<"sv.find(secret.front()) != std::string_view::npos) return true;
  if (secret.starts_with("%s") || secret.starts_with("%(")) return true;
  return (secret.front() == '%' && secret.back() == '%') || marks.any_in(secret);
}

/// Somebody's password rather than a reference to one: no variable, call or link, and no single word.
bool is_password(std::string_view secret, std::string_view, const Validator&) {
  if (is_reference(secret) || is_constant(secret)) return false;
  if (std::ranges::binary_search(table::common_passwords, std::string_view{lower(secret)})) return false;
  return distinct_bytes(secret) >= 5 && has_some_classes(secret, 2);
}

bool has_crc32(std::string_view secret, std::string_view, const Validator&) { return has_crc32_in_base62(secret); }

bool is_base64(std::string_view secret, std::string_view, const Validator& validator) {
  const auto raw = from_base64(secret);
  return raw && (validator.most == 0 || is_within(validator, raw->size()));
}

std::optional<Members> object_in_base64(std::string_view text) {
  const auto raw = from_base64(text);
  return raw ? json_object(*raw) : std::nullopt;
}

bool is_base64_json(std::string_view secret, std::string_view, const Validator& validator) {
  const auto members = object_in_base64(secret);
  return members && (validator.text.empty() || members->contains(validator.text));
}

bool is_login(std::string_view text) {
  const auto colon = text.find(':');
  const auto password = text.substr(colon == text.npos ? text.size() : colon + 1);
  return password.size() >= 4 && is_password(password, {}, {}) && !is_placeholder(password, table::Kind::generic);
}

/// The part before the first dot decodes to digits ("digits"), or to user:password in printable ASCII ("login").
bool is_base64_text(std::string_view secret, std::string_view, const Validator& validator) {
  const auto raw = from_base64(secret.substr(0, secret.find('.')));
  if (!raw || raw->empty() || !std::ranges::all_of(*raw, [](char c) { return c >= ' ' && c <= '~'; })) return false;
  return validator.text == "digits" ? std::ranges::all_of(*raw, is_digit) : is_login(*raw);
}

/// The text of a member; nothing where there is no such member, or it is no text.
std::optional<std::string> text_of(const Members& members, std::string_view name) {
  const auto at = members.find(name);
  return at == members.end() ? std::nullopt : at->second;
}

std::string_view cut_at_dot(std::string_view& rest) {
  const auto part = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

/// header.payload.signature: two objects, the first with an algorithm, and not the name of the documentation.
bool is_jwt(std::string_view secret, std::string_view, const Validator&) {
  constexpr std::size_t kShortestSignature = 20;
  const auto head = object_in_base64(cut_at_dot(secret));
  const auto claims = object_in_base64(cut_at_dot(secret));
  if (!head || !claims || cut_at_dot(secret).size() < kShortestSignature) return false;
  const auto algorithm = text_of(*head, "alg");
  return algorithm && lower(*algorithm) != "none" && text_of(*claims, "name") != "John Doe";
}

bool has_bech32(std::string_view secret, std::string_view, const Validator&) { return is_bech32(secret); }
bool has_base58check(std::string_view secret, std::string_view, const Validator&) { return is_base58check(secret); }

bool has_armour(std::string_view secret, std::string_view, const Validator& validator) {
  return is_armour(secret, validator.text);
}

// In the order of table::Check.
constexpr std::array<bool (*)(std::string_view, std::string_view, const Validator&), table::kChecks> kCheck{
    has_entropy,    has_length,     has_classes, has_digits,          is_not_hex,      is_not_uuid, is_not_hash_name,
    is_secret_name, is_not_words,   is_not_name, speaks_of_no_secret, is_password,     has_crc32,   is_base64,
    is_base64_json, is_base64_text, is_jwt,      has_bech32,          has_base58check, has_armour,
};

}  // namespace

bool holds(const Validator& validator, std::string_view secret, std::string_view before) {
  return kCheck[static_cast<std::size_t>(validator.check)](secret, before, validator);
}

}  // namespace assay::secrets
