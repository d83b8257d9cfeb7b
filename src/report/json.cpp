#include "report/json.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/json_value.h"

namespace assay::report {
namespace {

using finding::Status;

Json texts(const std::vector<std::string>& raw) {
  auto out = Json::array();
  for (const auto& item : raw) out.push_back(to_utf8(item));
  return out;
}

std::string word(Status status) { return std::string{to_string(status)}; }

/// `inner` with every line but the first `spaces` further in. Strings hold no raw newlines.
void append_indented(std::string& out, std::string_view inner, std::size_t spaces) {
  for (const char c : inner) {
    out += c;
    if (c == '\n') out.append(spaces, ' ');
  }
}

/// `head` with one more key whose list is made one artifact at a time: the JSON tree of a million
/// artifacts would take many times the memory of the report.
template <class Write>
std::string with_list(const Json& head, std::string_view key, const std::vector<Artifact>& artifacts, Write write) {
  auto out = dumped(head, 2);
  out.resize(out.size() - 2);  // "\n}"
  out.append(",\n  \"").append(key).append("\": [");
  std::string_view before = "\n    ";
  for (const auto& artifact : artifacts) {
    out += before;
    append_indented(out, dumped(write(artifact), 2), 4);
    before = ",\n    ";
  }
  return out += artifacts.empty() ? "]\n}\n" : "\n  ]\n}\n";
}

Json engines_of(const std::vector<Engine>& engines) {
  auto out = Json::array();
  for (const auto& e : engines)
    out.push_back({{"name", to_utf8(e.name)},
                   {"status", word(e.status)},
                   {"version", to_utf8(e.version)},
                   {"rule_set", to_utf8(e.rule_set)},
                   {"message", to_utf8(e.message)},
                   {"passed_over", e.passed_over}});
  return out;
}

Json summary_of(const Report& report) {
  const auto counts = count_by_status(report);
  Json out;
  for (std::size_t i = 0; i < counts.size(); ++i) out[word(static_cast<Status>(i))] = counts[i];
  out["bytes"] = report.bytes;
  const double milliseconds = std::round(report.seconds * 1000);
  out["seconds"] = std::isfinite(milliseconds) && milliseconds > 0 ? milliseconds / 1000 : 0.0;
  out["artifacts"] = report.artifacts.size();
  out["excluded"] = report.excluded;
  return out;
}

Json header_of(const Report& report) {
  Json out;
  out["schema"] = kReportSchema;
  out["tool"] = {{"name", "assay"}, {"version", to_utf8(report.tool_version)}, {"rule_set", to_utf8(report.rule_set)}};
  out["policy"] = {{"name", to_utf8(report.policy.name)},
                   {"hash", to_utf8(report.policy.hash)},
                   {"mode", to_utf8(report.policy.mode)}};
  out["status"] = word(report.status);
  out["engines"] = engines_of(report.engines);
  out["summary"] = summary_of(report);
  auto relations = Json::array();
  for (const auto& r : report.relations)
    relations.push_back({{"kind", to_utf8(r.kind)}, {"from", to_utf8(r.from)}, {"to", to_utf8(r.to)}});
  out["repository"] = {{"root", to_utf8(report.root)}, {"relations", std::move(relations)}};
  return out;
}

Json imports_of(const Artifact& artifact) {
  auto out = Json::array();
  for (const auto& i : artifact.imports)
    out.push_back({{"module", to_utf8(i.module)},
                   {"name", to_utf8(i.name)},
                   {"safety", std::string{to_string(i.safety)}},
                   {"why", to_utf8(i.why)}});
  return out;
}

Json findings_of(const Artifact& artifact) {
  auto out = Json::array();
  for (const auto& f : artifact.findings)
    out.push_back({{"rule", to_utf8(f.rule)},
                   {"severity", std::string{to_string(f.severity)}},
                   {"fingerprint", to_utf8(f.fingerprint)},
                   {"message", to_utf8(f.message)},
                   {"member", to_utf8(f.where.member)},
                   {"offset", f.where.offset},
                   {"line", f.where.line == 0 ? Json{} : Json(f.where.line)},
                   {"evidence", to_utf8(f.evidence)},
                   {"references", texts(f.references)},
                   {"remediation", to_utf8(f.remediation)},
                   {"verification", f.verification.empty() ? Json{} : Json(to_utf8(f.verification))},
                   {"waived", f.waived}});
  return out;
}

Json coverage_of(const Artifact& artifact) {
  auto ranges = Json::array();
  for (const auto& hole : artifact.unexamined)
    ranges.push_back({{"member", to_utf8(hole.member)},
                      {"begin", hole.extent.begin},
                      {"end", hole.extent.end},
                      {"reason", to_utf8(hole.reason)}});
  return {{"parsed", artifact.coverage.of(bytes::Cover::parsed)},
          {"inert", artifact.coverage.of(bytes::Cover::inert)},
          {"padding", artifact.coverage.of(bytes::Cover::padding)},
          {"unexamined", artifact.coverage.of(bytes::Cover::unexamined)},
          {"ranges", std::move(ranges)}};
}

Json checkpoints_of(const Artifact& artifact) {
  auto out = Json::array();
  for (std::size_t i = 0; i < artifact.checkpoints.size(); ++i) {
    const auto& c = artifact.checkpoints[i];
    out.push_back({{"member", i < artifact.checkpoint_members.size() ? to_utf8(artifact.checkpoint_members[i]) : ""},
                   {"layout", to_utf8(c.layout)},
                   {"tensors", c.tensors},
                   {"tensor_bytes", c.tensor_bytes},
                   {"weights_only", c.weights_only},
                   {"reason", to_utf8(c.reason)},
                   {"offset", c.reason_place.offset}});
  }
  return out;
}

Json origin_of(const Artifact& artifact) {
  if (artifact.origins.empty()) return {};
  const auto& o = artifact.origins.front();
  Json out{{"object", to_utf8(o.object)}, {"commit", nullptr}, {"author", nullptr}, {"other_paths", o.other_paths}};
  if (o.commit.empty()) return out;
  out["commit"] = to_utf8(o.commit);
  out["author"] = {{"name", to_utf8(o.author)}, {"email", to_utf8(o.email)}, {"date", to_utf8(o.date)}};
  return out;
}

Json artifact_of(const Artifact& artifact) {
  Json out;
  out["path"] = to_utf8(artifact.path);
  if (!is_utf8(artifact.path)) out["path_bytes"] = to_hex(artifact.path);
  out["size"] = artifact.size;
  out["digest"] = artifact.sha256.empty() ? Json{} : Json("sha256:" + to_utf8(artifact.sha256));
  out["status"] = word(artifact.status);
  out["formats"] = texts(artifact.formats);
  out["engines"] = engines_of(artifact.engines);
  out["imports"] = imports_of(artifact);
  out["findings"] = findings_of(artifact);
  out["coverage"] = coverage_of(artifact);
  out["checkpoints"] = checkpoints_of(artifact);
  out["origin"] = origin_of(artifact);
  out["unscanned"] = texts(artifact.unscanned);
  out["confinement"] = to_utf8(artifact.tier);
  return out;
}

// --- the Hub's shape ---

bool is_queued(const Engine& engine) { return engine.status == Status::queued; }

bool scans_done(const Report& report) {
  if (std::any_of(report.engines.begin(), report.engines.end(), is_queued)) return false;
  return std::none_of(report.artifacts.begin(), report.artifacts.end(), [](const Artifact& a) {
    return a.status == Status::queued || std::any_of(a.engines.begin(), a.engines.end(), is_queued);
  });
}

Json hub_scan(const Engine& engine) {
  Json out{{"status", word(engine.status)}};
  if (!engine.version.empty()) out["version"] = to_utf8(engine.version);
  if (!engine.message.empty()) out["message"] = to_utf8(engine.message);
  return out;
}

Json hub_imports(const Artifact& artifact) {
  auto out = Json::array();
  for (const auto& i : artifact.imports)
    out.push_back(
        {{"module", to_utf8(i.module)}, {"name", to_utf8(i.name)}, {"safety", std::string{to_string(i.safety)}}});
  return out;
}

Json hub_file(const Artifact& artifact) {
  // Clients index these two without asking whether they are there.
  Json status{{"status", word(artifact.status)}, {"avScan", hub_scan({})}, {"pickleImportScan", hub_scan({})}};
  for (const auto& engine : artifact.engines) status[to_utf8(engine.name)] = hub_scan(engine);
  status["pickleImportScan"]["pickleImports"] = hub_imports(artifact);
  return {{"path", to_utf8(artifact.path)},
          {"type", "file"},
          {"size", artifact.size},
          {"securityFileStatus", std::move(status)}};
}

}  // namespace

std::string to_json(const Report& report) {
  return with_list(header_of(report), "artifacts", report.artifacts, artifact_of);
}

std::string to_json_lines(const Report& report) {
  auto out = dumped(header_of(report)) + "\n";
  for (const auto& artifact : report.artifacts) out += dumped(artifact_of(artifact)) + "\n";
  return out += dumped({{"summary", summary_of(report)}}) + "\n";
}

std::string to_hub(const Report& report) {
  auto issues = Json::array();
  for (const auto& artifact : report.artifacts)
    if (artifact.status != Status::safe && artifact.status != Status::queued)
      issues.push_back({{"path", to_utf8(artifact.path)}, {"level", word(artifact.status)}});
  return with_list({{"scansDone", scans_done(report)}, {"filesWithIssues", std::move(issues)}}, "files",
                   report.artifacts, hub_file);
}

}  // namespace assay::report
