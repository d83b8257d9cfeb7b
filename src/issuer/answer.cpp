#include "issuer/answer.h"

#include <algorithm>

#include "secrets/json.h"

namespace assay::issuer {
namespace {

constexpr std::size_t kLongestName = 200;  // bytes of whose secret it is: an issuer's name, not a page of text

std::string element(std::string_view xml, std::string_view name) {
  const auto open = '<' + std::string{name} + '>';
  const auto begin = xml.find(open);
  if (begin == xml.npos) return {};
  const auto text = xml.substr(begin + open.size());
  return std::string{text.substr(0, text.find('<'))};
}

std::string member(std::string_view json, std::string_view name) {
  const auto members = secrets::json_object(json);
  if (!members) return {};
  const auto at = members->find(name);
  return at == members->end() ? "" : at->second.value_or("");
}

std::string owner_in(std::string_view body, const table::Entry& entry) {
  if (entry.identity.empty()) return {};
  const auto name = entry.kind == table::Kind::aws_sigv4 ? element(body, entry.identity) : member(body, entry.identity);
  return name.substr(0, kLongestName);
}

bool is_one_of(unsigned status, std::span<const std::uint16_t> codes) {
  return std::ranges::find(codes, status) != codes.end();
}

bool has(std::string_view body, std::string_view text) { return !text.empty() && body.find(text) != body.npos; }

std::string why_unknown(unsigned status) {
  const auto code = " (HTTP " + std::to_string(status) + ")";
  if (status == 429) return "the issuer wants fewer questions" + code;
  if (status >= 500) return "the issuer had trouble of its own" + code;
  if (status >= 300 && status < 400) return "the issuer sent us elsewhere, where no secret is taken" + code;
  return "the issuer's answer says nothing about the secret" + code;
}

Answer verified(const Response& response, const table::Entry& entry) {
  const auto owner = owner_in(response.body, entry);
  return {Status::verified, "the issuer accepted it" + (owner.empty() ? "" : ": it is that of " + owner)};
}

}  // namespace

Answer answer_in(const Response& response, const table::Entry& entry) {
  const Answer refused{Status::refused, "the issuer refused it (HTTP " + std::to_string(response.status) + ")"};
  if (has(response.body, entry.unsure_text))
    return {Status::unreachable,
            "the issuer's answer says nothing about the secret (" + std::string{entry.unsure_text} + ")"};
  if (is_one_of(response.status, entry.refused)) return refused;
  if (!is_one_of(response.status, entry.verified)) return {Status::unreachable, why_unknown(response.status)};
  if (has(response.body, entry.refused_text)) return refused;
  if (response.cut && !entry.refused_text.empty())
    return {Status::unreachable, "the issuer's answer is too long to tell"};
  return verified(response, entry);
}

}  // namespace assay::issuer
