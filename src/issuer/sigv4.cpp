#include "issuer/sigv4.h"

#include <algorithm>
#include <cstdio>

#include "bytes/digest.h"

namespace assay::issuer::sigv4 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kHashBlock = 64;  // bytes that SHA-256 takes at a time, and so the length of an HMAC's key

std::string hash(std::string_view text) { return bytes::sha256(bytes::view(text)); }

unsigned value_of(char hex) noexcept { return static_cast<unsigned>(hex <= '9' ? hex - '0' : hex - 'a' + 10); }

std::string from_hex(std::string_view hex) {
  std::string raw;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    raw += static_cast<char>(value_of(hex[i]) << 4 | value_of(hex[i + 1]));
  return raw;
}

/// RFC 2104, in hex.
std::string hmac(std::string key, std::string_view text) {
  if (key.size() > kHashBlock) key = from_hex(hash(key));
  key.resize(kHashBlock);
  const auto padded = [&key](char pad) {
    std::string result = key;
    std::ranges::transform(result, result.begin(), [pad](char c) { return static_cast<char>(c ^ pad); });
    return result;
  };
  return hash(padded('\x5c') + from_hex(hash(padded('\x36').append(text))));
}

/// 20150830T123600Z.
std::string stamp(std::chrono::sys_seconds now) {
  const auto midnight = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day day{midnight};
  const std::chrono::hh_mm_ss time{now - midnight};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

std::string joined(std::initializer_list<std::string_view> parts, char between) {
  std::string result;
  for (const auto part : parts) result.append(part) += between;
  result.pop_back();
  return result;
}

/// The key for one day, one region and one service, so that no request carries anything of the key itself.
std::string day_key(const Login& login, std::string_view day, const Signed& request) {
  std::string key = "AWS4" + login.key;
  for (const auto part : {day, request.region, request.service, std::string_view{"aws4_request"}})
    key = from_hex(hmac(key, part));
  return key;
}

}  // namespace

std::vector<std::string> headers(const Signed& request, const Login& login, std::chrono::sys_seconds now) {
  const auto time = stamp(now);
  const auto day = std::string_view{time}.substr(0, 8);
  std::string sent = "host:" + std::string{request.host} + "\nx-amz-date:" + time + '\n';
  std::string names = "host;x-amz-date";
  if (!login.token.empty()) {
    sent += "x-amz-security-token:" + login.token + '\n';
    names += ";x-amz-security-token";
  }
  const auto canonical = joined({request.method, request.path, request.query, sent, names, hash("")}, '\n');
  const auto scope = joined({day, request.region, request.service, "aws4_request"}, '/');
  const auto signature = hmac(day_key(login, day, request), joined({kAlgorithm, time, scope, hash(canonical)}, '\n'));

  std::vector<std::string> result{"X-Amz-Date: " + time};
  if (!login.token.empty()) result.push_back("X-Amz-Security-Token: " + login.token);
  result.push_back("Authorization: " + std::string{kAlgorithm} + " Credential=" + login.id + '/' + scope +
                   ", SignedHeaders=" + names + ", Signature=" + signature);
  return result;
}

}  // namespace assay::issuer::sigv4
