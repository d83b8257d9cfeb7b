#include "issuer/request.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "base/version.h"
#include "issuer/sigv4.h"

namespace assay::issuer {
namespace {

using namespace std::string_view_literals;
using Escape = std::string (*)(std::string_view);

constexpr auto kSecret = "{secret}"sv, kBase64 = "{base64:"sv, kBase64End = "}}"sv;

std::string as_it_is(std::string_view text) { return std::string{text}; }

/// Nothing of a secret may end the path or begin another parameter. ":" stays: Telegram's tokens have one.
std::string percent_encoded(std::string_view text) {
  constexpr auto kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:"sv;
  constexpr auto kDigits = "0123456789ABCDEF"sv;
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != kPlain.npos) result += c;
    else result.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return result;
}

std::string base64(std::string_view raw) {
  constexpr auto kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"sv;
  std::string result;
  for (; !raw.empty(); raw.remove_prefix(std::min<std::size_t>(3, raw.size()))) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < raw.size() ? static_cast<unsigned char>(raw[i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) result += i <= raw.size() ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return result;
}

/// A form with the secret in its place. What a secret holds is never read as a form.
std::string filled(std::string_view form, std::string_view secret, Escape escape) {
  std::string result;
  while (!form.empty()) {
    if (form.starts_with(kSecret)) {
      result += escape(secret);
      form.remove_prefix(kSecret.size());
    } else if (form.starts_with(kBase64)) {
      const auto inner = form.substr(kBase64.size(), form.find(kBase64End) + 1 - kBase64.size());
      result += base64(filled(inner, secret, as_it_is));
      form.remove_prefix(kBase64.size() + inner.size() + 1);
    } else {
      result += form.front();
      form.remove_prefix(1);
    }
  }
  return result;
}

/// What is asked about, or the nearest beside it, of one of `detectors`. Nothing where there is none.
const Secret* part_of(const Question& question, std::initializer_list<std::uint32_t> detectors) {
  const auto is_wanted = [&](const Secret& secret) {
    return std::ranges::find(detectors, secret.detector) != detectors.end();
  };
  if (is_wanted(question.secret)) return &question.secret;
  const auto at = std::ranges::find_if(question.beside, is_wanted);
  return at == question.beside.end() ? nullptr : &*at;
}

Result<sigv4::Login> login_of(const table::Parts& parts, const Question& question) {
  const auto* id = part_of(question, {parts.id, parts.temporary_id});
  if (!id) return fail(Errc::unsupported, 0, "it works with its key id, and none was found near it");
  const auto* key = part_of(question, {parts.key});
  if (!key) return fail(Errc::unsupported, 0, "it works with its secret key, and none was found near it");
  if (id->detector == parts.id) return sigv4::Login{id->text, key->text, ""};
  // Without its token, AWS refuses a temporary key that is good: that would read as "revoked".
  const auto* token = part_of(question, {parts.token});
  if (!token) return fail(Errc::unsupported, 0, "it works with its session token, and none was found near it");
  return sigv4::Login{id->text, key->text, token->text};
}

Result<std::vector<std::string>> signed_headers(const table::Entry& entry, const Question& question,
                                                std::chrono::sys_seconds now) {
  const auto origin = origin_of(entry.url);
  const auto target = entry.url.substr(origin.size());
  const auto mark = target.find('?');
  const sigv4::Signed what{.method = entry.method,
                           .host = origin.substr(origin.find("://") + 3),
                           .path = target.substr(0, mark),
                           .query = mark == target.npos ? ""sv : target.substr(mark + 1),
                           .region = entry.region,
                           .service = entry.service};
  return sigv4::headers(what, TRY(login_of(entry.parts, question)), now);
}

std::vector<std::string> filled_headers(const table::Entry& entry, std::string_view secret) {
  std::vector<std::string> result;
  for (const auto& header : entry.headers)
    result.push_back(std::string{header.name} + ": " + filled(header.form, secret, as_it_is));
  return result;
}

}  // namespace

std::string_view origin_of(std::string_view url) noexcept {
  const auto host = url.find("://");
  return url.substr(0, host == url.npos ? 0 : url.find_first_of("/?#", host + 3));
}

bool is_gateway(std::string_view url) noexcept {
  const auto scheme = url.starts_with("https://") ? "https://"sv : "http://"sv;
  if (!url.starts_with(scheme)) return false;
  const auto is_plain = [](char c) { return c > ' ' && c <= '~' && "?#@\"\\{}[]"sv.find(c) == std::string_view::npos; };
  return std::ranges::all_of(url, is_plain) && origin_of(url).size() > scheme.size();
}

Result<Request> request_for(const table::Entry& entry, const Question& question, const std::string& gateway,
                            std::chrono::sys_seconds now) {
  Request request;
  request.method = entry.method;
  request.headers = entry.kind == table::Kind::aws_sigv4 ? TRY(signed_headers(entry, question, now))
                                                         : filled_headers(entry, question.secret.text);
  request.headers.push_back("User-Agent: assay/" + std::string{kVersion});
  request.body = filled(entry.body, question.secret.text, percent_encoded);
  request.url = filled(entry.url, question.secret.text, percent_encoded);
  if (gateway.empty()) return request;

  const auto origin = origin_of(entry.url);
  request.headers.push_back("Host: " + std::string{origin.substr(origin.find("://") + 3)});
  request.url.replace(0, origin.size(), gateway.ends_with('/') ? gateway.substr(0, gateway.size() - 1) : gateway);
  request.is_direct = true;
  return request;
}

}  // namespace assay::issuer
