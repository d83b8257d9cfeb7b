#include "report/baseline.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/json_value.h"

namespace assay::report {

std::string to_baseline(const Report& report, std::string_view key) {
  struct Seen {
    std::string path;
    std::uint64_t line;
  };
  std::map<finding::KnownSecret, Seen> all;
  for (const auto& artifact : report.artifacts)
    for (const auto& f : artifact.findings)
      if (finding::is_secret(f)) all.try_emplace({f.rule, f.fingerprint}, Seen{artifact.path, f.where.line});
  Json out{{"schema", kBaselineSchema}, {"key", to_utf8(key)}, {"secrets", Json::array()}};
  for (const auto& [known, seen] : all)
    out["secrets"].push_back({{"rule", to_utf8(known.rule)},
                              {"fingerprint", to_utf8(known.fingerprint)},
                              {"path", to_utf8(seen.path)},
                              {"line", seen.line == 0 ? Json{} : Json(seen.line)}});
  return dumped(out, 2) + "\n";
}

tl::expected<Baseline, std::string> parse_baseline(std::string_view json) {
  const auto refuse = [](std::string why) { return tl::unexpected<std::string>{std::move(why)}; };
  const auto read = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object() || read.value("schema", nlohmann::json{}) != kBaselineSchema)
    return refuse("this is no baseline: it begins with \"schema\": \"" + std::string{kBaselineSchema} + "\"");
  const auto text_of = [](const nlohmann::json& object, const char* name) -> const std::string* {
    const auto at = object.is_object() ? object.find(name) : object.end();
    return at != object.end() && at->is_string() ? at->get_ptr<const std::string*>() : nullptr;
  };
  const auto* key = text_of(read, "key");
  const auto secrets = read.find("secrets");
  if (key == nullptr || secrets == read.end() || !secrets->is_array())
    return refuse("a baseline has a \"key\" and a list of \"secrets\"");
  Baseline out{*key, {}};
  for (const auto& one : *secrets) {
    const auto* rule = text_of(one, "rule");
    const auto* fingerprint = text_of(one, "fingerprint");
    if (rule == nullptr || fingerprint == nullptr)
      return refuse("secret " + std::to_string(out.secrets.size() + 1) + " lacks a \"rule\" or a \"fingerprint\"");
    out.secrets.push_back({*rule, *fingerprint});
  }
  std::ranges::sort(out.secrets);
  out.secrets.erase(std::unique(out.secrets.begin(), out.secrets.end()), out.secrets.end());
  return out;
}

}  // namespace assay::report
