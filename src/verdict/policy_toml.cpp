// The adapter for toml++: policies as people write them.
#include <set>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "verdict/policy.h"

namespace assay::verdict {
namespace {

using Failure = tl::unexpected<PolicyError>;

Failure refuse(const toml::node& where, std::string what) {
  return Failure{PolicyError{"line " + std::to_string(where.source().begin.line) + ": " + std::move(what)}};
}

template <class Word, class Find>
tl::expected<Word, PolicyError> word(const toml::node& node, std::string_view key, Find find) {
  const auto text = node.value<std::string>();
  if (node.is_string())
    if (const auto found = find(*text)) return *found;
  return refuse(node, std::string{key} + " has no such value");
}

std::optional<Mode> mode_from(std::string_view text) {
  for (const auto mode : {Mode::observe, Mode::middle, Mode::ban})
    if (to_string(mode) == text) return mode;
  return std::nullopt;
}

std::optional<detect::Effect> effect_from(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(detect::kLastEffect); ++i)
    if (detect::to_string(static_cast<detect::Effect>(i)) == text) return static_cast<detect::Effect>(i);
  return std::nullopt;
}

tl::expected<std::chrono::sys_days, PolicyError> day(const toml::node& node, std::string_view key) {
  const auto* date = node.as_date();
  if (date == nullptr) return refuse(node, std::string{key} + " must be a date: 2026-12-31");
  const std::chrono::year_month_day ymd{std::chrono::year{date->get().year}, std::chrono::month{date->get().month},
                                        std::chrono::day{date->get().day}};
  if (!ymd.ok()) return refuse(node, std::string{key} + " is no day of the calendar");
  return std::chrono::sys_days{ymd};
}

tl::expected<void, PolicyError> read_limits(const toml::table& table, bytes::Limits& limits) {
  const std::map<std::string_view, std::uint64_t*> fields = {{"inflated_bytes", &limits.inflated_bytes},
                                                             {"inflated_floor", &limits.inflated_floor},
                                                             {"inflated_ratio", &limits.inflated_ratio},
                                                             {"members", &limits.members},
                                                             {"depth", &limits.depth},
                                                             {"opcodes", &limits.opcodes},
                                                             {"memo_slots", &limits.memo_slots},
                                                             {"facts", &limits.facts},
                                                             {"probes", &limits.probes},
                                                             {"seconds", &limits.seconds}};
  for (const auto& [key, node] : table) {
    const auto field = fields.find(key.str());
    if (field == fields.end()) return refuse(node, "unknown limit '" + std::string{key.str()} + "'");
    const auto value = node.value<std::int64_t>();
    if (!node.is_integer() || *value < 0) return refuse(node, std::string{key.str()} + " must be a whole number");
    *field->second = static_cast<std::uint64_t>(*value);
  }
  if (limits.depth > 64)
    return refuse(*table.get("depth"), "depth is at most 64: deeper than any model, and readers recurse");
  return {};
}

tl::expected<Waiver, PolicyError> read_waiver(const toml::table& table) {
  Waiver out;
  const std::map<std::string_view, std::string*> texts = {{"sha256", &out.sha256},
                                                          {"rule", &out.rule},
                                                          {"finding", &out.fingerprint},
                                                          {"owner", &out.owner},
                                                          {"reason", &out.reason}};
  bool dated = false;
  for (const auto& [key, node] : table) {
    if (key.str() == "expires") {
      auto until = day(node, "expires");
      if (!until) return Failure{until.error()};
      out.expires = *until;
      dated = true;
      continue;
    }
    const auto text = texts.find(key.str());
    if (text == texts.end()) return refuse(node, "unknown key '" + std::string{key.str()} + "' in a waiver");
    if (!node.is_string()) return refuse(node, std::string{key.str()} + " must be a text");
    *text->second = *node.value<std::string>();
  }
  for (const auto& [key, text] : texts)
    if (text->empty()) return refuse(table, "a waiver needs " + std::string{key});
  if (!dated) return refuse(table, "a waiver needs expires: no decision is for ever");
  if (out.sha256.size() != 64) return refuse(table, "sha256 must be 64 hex digits");
  return out;
}

tl::expected<void, PolicyError> read_listed(const toml::table& table, detect::Listed& listed) {
  for (const auto& [key, node] : table) {
    auto effect = word<detect::Effect>(node, key.str(), effect_from);
    if (!effect) return Failure{effect.error()};
    if (*effect == detect::Effect::resolves) return refuse(node, "a listed import cannot be 'resolves'");
    listed.names.emplace(std::string{key.str()}, *effect);
  }
  return {};
}

}  // namespace

tl::expected<Policy, PolicyError> parse_policy(std::string_view text) {
  auto parsed = toml::parse(text);
  if (!parsed)
    return Failure{PolicyError{"line " + std::to_string(parsed.error().source().begin.line) + ": " +
                               std::string{parsed.error().description()}}};
  const toml::table root = std::move(parsed).table();
  Policy out;
  out.name = "policy";
  for (const auto& [key, node] : root) {
    const auto name = key.str();
    if (name == "name") {
      if (!node.is_string()) return refuse(node, "name must be a text");
      out.name = *node.value<std::string>();
    } else if (name == "mode") {
      auto mode = word<Mode>(node, name, mode_from);
      if (!mode) return Failure{mode.error()};
      out.mode = *mode;
    } else if (name == "sunset") {
      auto until = day(node, name);
      if (!until) return Failure{until.error()};
      out.sunset = *until;
    } else if (name == "fail_on") {
      auto status = word<finding::Status>(node, name, finding::status_from);
      if (!status || *status == finding::Status::safe)
        return refuse(node, "fail_on must be caution, unscanned, error, suspicious or unsafe");
      out.fail_on = *status;
    } else if (name == "required_engines") {
      const auto* list = node.as_array();
      if (list == nullptr) return refuse(node, "required_engines must be a list of names");
      for (const auto& engine : *list) {
        if (!engine.is_string()) return refuse(engine, "required_engines must be a list of names");
        out.required_engines.push_back(*engine.value<std::string>());
      }
    } else if (name == "limits" && node.is_table()) {
      if (auto read = read_limits(*node.as_table(), out.limits); !read) return Failure{read.error()};
    } else if (name == "imports" && node.is_table()) {
      if (auto read = read_listed(*node.as_table(), out.listed); !read) return Failure{read.error()};
    } else if (name == "waiver" && node.is_array_of_tables()) {
      for (const auto& one : *node.as_array()) {
        auto waiver = read_waiver(*one.as_table());
        if (!waiver) return Failure{waiver.error()};
        out.waivers.push_back(std::move(*waiver));
      }
    } else {
      return refuse(node, "unknown key '" + std::string{name} + "'");
    }
  }
  return out;
}

}  // namespace assay::verdict
