#include "report/json_repository.h"

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace assay::report {
namespace {

constexpr std::string_view kSchema = "assay-repository/1";

// Names are raw bytes; as hex they come back as they were.
std::string from_hex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}
nlohmann::json text(const std::string& raw) {
  if (is_utf8(raw)) return raw;
  return {{"hex", to_hex(raw)}};
}
std::string raw(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : from_hex(value.at("hex").get<std::string>());
}

}  // namespace

std::string to_json(const Repository& repository) {
  nlohmann::ordered_json out{{"schema", kSchema}, {"root", text(repository.root)}, {"links", nlohmann::json::array()}};
  for (const auto& link : repository.links) out["links"].push_back({{"from", text(link.from)}, {"to", text(link.to)}});
  return out.dump(-1, ' ', true);
}

std::optional<Repository> repository_from_json(std::string_view line) {
  if (line.find(kSchema) > 64) return std::nullopt;
  try {
    const auto in = nlohmann::json::parse(line);
    if (in.at("schema") != kSchema) return std::nullopt;
    Repository out;
    out.root = raw(in.at("root"));
    for (const auto& link : in.at("links")) out.links.push_back({"symlink", raw(link.at("from")), raw(link.at("to"))});
    return out;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace assay::report
