#include "secrets/encoding.h"

#include <algorithm>
#include <array>
#include <vector>

#include "bytes/crc32.h"
#include "bytes/digest.h"
#include "secrets/words.h"

namespace assay::secrets {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kBech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksumDigits = 6;
constexpr std::size_t kChecksumBytes = 4;

int base64_value(char c) noexcept {
  if (is_upper(c)) return c - 'A';
  if (is_lower(c)) return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

std::string base62_of(std::uint32_t number) {
  std::string text(kChecksumDigits, '0');
  for (std::size_t i = text.size(); i-- > 0; number /= 62) text[i] = kBase62[number % 62];
  return text;
}

std::uint32_t bech32_step(std::uint32_t state, std::uint32_t value) noexcept {
  constexpr std::array<std::uint32_t, 5> kTerms{0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3};
  const auto top = state >> 25;
  state = ((state & 0x1FFFFFF) << 5) ^ value;
  for (std::size_t bit = 0; bit < kTerms.size(); ++bit) state ^= (top >> bit & 1) != 0 ? kTerms[bit] : 0;
  return state;
}

/// The number that `text` writes in base 58, its highest byte first, behind a zero for each leading "1"; nothing where
/// a byte is no digit.
std::optional<std::string> from_base58(std::string_view text) {
  std::vector<unsigned char> number;  // the lowest byte first
  for (const char c : text) {
    const auto digit = kBase58.find(c);
    if (digit == kBase58.npos) return std::nullopt;
    auto carry = static_cast<unsigned>(digit);
    for (auto& byte : number) {
      carry += byte * 58U;
      byte = static_cast<unsigned char>(carry & 0xFF);
      carry >>= 8;
    }
    if (carry != 0) number.push_back(static_cast<unsigned char>(carry));
  }
  const auto zeros = std::min(text.find_first_not_of('1'), text.size());
  return std::string(zeros, '\0').append(number.rbegin(), number.rend());
}

std::string from_hex(std::string_view hex) {
  const auto value = [](char c) { return is_digit(c) ? c - '0' : c - 'a' + 10; };
  std::string raw;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) raw += static_cast<char>(value(hex[i]) * 16 + value(hex[i + 1]));
  return raw;
}

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string raw;
  raw.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    raw += static_cast<char>(bits >> count & 0xFF);
  }
  return raw;
}

bool has_crc32_in_base62(std::string_view secret) {
  const auto body = secret.substr(secret.rfind('_') + 1);
  if (body.size() <= kChecksumDigits) return false;
  const auto checked = body.substr(0, body.size() - kChecksumDigits);
  return body.substr(checked.size()) == base62_of(bytes::crc32(bytes::view(checked)));
}

bool is_bech32(std::string_view secret) {
  const std::string text = lower(secret);
  const bool is_upper_case = std::ranges::none_of(secret, is_lower);
  if (secret != text && !is_upper_case) return false;
  const auto one = text.rfind('1');
  const auto human = std::string_view{text}.substr(0, one == text.npos ? 0 : one);
  const auto data = std::string_view{text}.substr(one + 1);
  if (data.size() < kChecksumDigits) return false;
  std::uint32_t state = 1;
  for (const char c : human) state = bech32_step(state, static_cast<unsigned char>(c) >> 5);
  state = bech32_step(state, 0);
  for (const char c : human) state = bech32_step(state, static_cast<unsigned char>(c) & 31);
  for (const char c : data) {
    const auto value = kBech32.find(c);
    if (value == kBech32.npos) return false;
    state = bech32_step(state, static_cast<std::uint32_t>(value));
  }
  return state == 1;
}

bool is_base58check(std::string_view secret) {
  const auto raw = from_base58(secret);
  if (!raw || raw->size() <= kChecksumBytes) return false;
  const auto body = std::string_view{*raw}.substr(0, raw->size() - kChecksumBytes);
  const auto once = from_hex(bytes::sha256(bytes::view(body)));
  const auto twice = from_hex(bytes::sha256(bytes::view(once)));
  return std::string_view{twice}.substr(0, kChecksumBytes) == std::string_view{*raw}.substr(body.size());
}

}  // namespace assay::secrets
