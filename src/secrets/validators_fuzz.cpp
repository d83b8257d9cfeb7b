#include "secrets/validators.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "bytes/crc32.h"
#include "secrets/encoding.h"
#include "secrets/table.h"
#include "secrets/words.h"

namespace {

using assay::bytes::view;
using assay::secrets::holds;
using assay::secrets::table::Check;
using assay::secrets::table::Validator;

constexpr std::size_t kLongest = 4096;  // base 58 costs the square of the length, and no rule's match is so long
constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void require(bool promise) {
  if (!promise) std::abort();
}

std::size_t count(std::string_view text, bool (*is)(char)) {
  return static_cast<std::size_t>(std::ranges::count_if(text, is));
}

/// `text` with another digit of `alphabet` as its last: whatever held over it, a checksum does not any more.
std::string mistyped(std::string_view text, std::string_view alphabet) {
  std::string result{text};
  result.back() = alphabet[(alphabet.find(result.back()) + 1) % alphabet.size()];
  return result;
}

/// What must be true of a secret that passed, found another way than the validator's.
void require_promise(const Validator& validator, std::string_view secret) {
  const auto within = [&](double n) { return n >= validator.least && n <= validator.most; };
  switch (validator.check) {
    case Check::entropy:
      return require(std::log2(static_cast<double>(assay::secrets::distinct_bytes(secret))) + 1e-9 >= validator.least);
    case Check::length: return require(within(static_cast<double>(secret.size())));
    case Check::digits: return require(static_cast<double>(count(secret, assay::secrets::is_digit)) >= validator.least);
    case Check::not_hex: return require(count(secret, assay::secrets::is_hex) < secret.size());
    case Check::not_uuid:
      return require(secret.size() != 36 || secret[8] != '-' || count(secret, assay::secrets::is_hex) != 32);
    case Check::password: return require(secret.size() >= 5 && secret.find("${") == secret.npos);
    case Check::crc32_base62: return require(!holds(validator, mistyped(secret, kBase62), ""));
    case Check::bech32: {
      const bool is_upper = count(secret, assay::secrets::is_upper) > 0;
      return require(!holds(
          validator,
          mistyped(secret, is_upper ? "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" : "qpzry9x8gf2tvdw0s3jn54khce6mua7l"), ""));
    }
    case Check::base58check:
      return require(
          !holds(validator, mistyped(secret, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"), ""));
    case Check::base64: {
      const auto raw = assay::secrets::from_base64(secret);
      return require(raw && (validator.most == 0 || within(static_cast<double>(raw->size()))));
    }
    case Check::jwt: return require(std::ranges::count(secret, '.') >= 2 && secret.size() > 22);
    case Check::armour: return require(secret.size() >= 43);  // 32 bytes in base64
    default: return;  // what words a text may hold is a list, and nothing else to compare with
  }
}

void try_all(std::string_view secret, std::string_view before) {
  for (const auto& rule : assay::secrets::table::rules)
    for (const auto& validator : rule.validators)
      if (holds(validator, secret, before)) require_promise(validator, secret);
}

/// The other way round: a checksum made over these very bytes holds. No fuzzer guesses one.
void make_and_try(std::string_view bytes) {
  std::string token = "x_";
  for (const char c : bytes) token += kBase62[static_cast<unsigned char>(c) % kBase62.size()];
  auto number = assay::bytes::crc32(view(std::string_view{token}.substr(2)));
  std::string sum(6, '0');
  for (auto digit = sum.rbegin(); digit != sum.rend(); ++digit, number /= 62) *digit = kBase62[number % 62];
  require(holds({Check::crc32_base62, "", 0, 0}, token + sum, ""));
  require(!holds({Check::crc32_base62, "", 0, 0}, token + mistyped(sum, kBase62), ""));
}

}  // namespace

// Oracle: what passes has what the validator's name says; checksums hold where they were made, and only there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > kLongest) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto name = std::min<std::size_t>(text.size() - 1, static_cast<unsigned char>(text[0]) % 33);
  try_all(text.substr(name), text.substr(0, name));
  make_and_try(text);
  return 0;
}
