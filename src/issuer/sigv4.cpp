#include "issuer/sigv4.h"

#include <array>
#include <cstdio>

#include "base/text.h"
#include "bytes/digest.h"

namespace assay::issuer::sigv4 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hash(std::string_view text) { return bytes::sha256(bytes::view(text)); }

std::string hmac(std::string_view key, std::string_view text) {
  return std::string{bytes::text(bytes::hmac_sha256(bytes::view(key), bytes::view(text)))};
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
    key = hmac(key, part);
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
  const auto text = joined({kAlgorithm, time, scope, hash(canonical)}, '\n');
  const auto signature = to_hex(hmac(day_key(login, day, request), text));

  std::vector<std::string> result{"X-Amz-Date: " + time};
  if (!login.token.empty()) result.push_back("X-Amz-Security-Token: " + login.token);
  result.push_back("Authorization: " + std::string{kAlgorithm} + " Credential=" + login.id + '/' + scope +
                   ", SignedHeaders=" + names + ", Signature=" + signature);
  return result;
}

}  // namespace assay::issuer::sigv4
