#include "scan/judge.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/version.h"
#include "detect/detect.h"
#include "detect/observed.h"
#include "verdict/verdict.h"

namespace assay::scan {
namespace {

using finding::Severity;
using finding::Status;
using report::Engine;

bool holds_pickle(const format::Document& d) {
  return std::any_of(d.pickles.begin(), d.pickles.end(), [](const format::Pickle& p) { return p.stopped || !p.weak; });
}

/// Which engine a rule belongs to: the pickle scan speaks of imports and calls, the structure scan of what is left.
std::string_view engine_of(std::string_view rule) {
  if (rule.starts_with("pickle.")) return "pickleImportScan";
  if (rule.starts_with("secret.")) return "secrets";
  if (rule == "malware.yara") return "yara";
  if (rule == "malware.clamav") return "avScan";
  if (rule.starts_with("policy.")) return "";
  return "structure";
}

/// One engine's share of the findings.
Status worst(const std::vector<finding::Finding>& findings, std::string_view engine) {
  auto out = Status::safe;
  for (const auto& f : findings)
    if (!f.waived && engine_of(f.rule) == engine) out = std::max(out, status_of(f.severity));
  return out;
}

/// Numbers grow; of other names nobody knows which is the older one.
bool is_older(std::string_view kept, std::string_view current) {
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{n} : std::nullopt;
  };
  const auto a = number(kept), b = number(current);
  return a && b ? *a < *b : kept != current;
}

bool is_stale(const format::EngineRun& run, const RuleSets& today) {
  if (const auto known = today.find(run.engine.view()); known != today.end())
    return is_older(run.rule_set, known->second);
  const auto current = detect::current_rule_set(run.engine);
  return !current.empty() && run.rule_set.view().substr(0, run.rule_set.view().find('+')) != current;
}

/// What an engine that reads bytes says of one artifact. Not having looked everywhere outweighs nothing that was found.
Engine engine_that_ran(const format::EngineRun& run, Status found, const RuleSets& current) {
  Engine out{run.engine.for_ever(), found, run.version.for_ever(), run.rule_set.for_ever(), "", run.passed_over, 0};
  if (!run.complete) {
    out.status = std::max(found, Status::unscanned);
    out.message = run.what.for_ever();
    out.missed = 1;
  } else if (is_stale(run, current)) {
    out.status = std::max(found, Status::queued);
    out.message = "its rules are newer than this answer";
    out.missed = 1;
  }
  return out;
}

constexpr std::array<std::string_view, 2> kOfFacts{"pickleImportScan", "structure"};
constexpr std::array<std::string_view, 3> kOfBytes{"avScan", "secrets", "yara"};

std::vector<Engine> engines_of(const std::vector<finding::Finding>& findings,
                               const std::vector<format::EngineRun>& runs, const RuleSets& current) {
  std::vector<Engine> out;
  out.reserve(kOfFacts.size() + kOfBytes.size());
  for (const auto name : kOfFacts) out.push_back({name, worst(findings, name), kVersion, detect::rule_set_version()});
  for (const auto name : kOfBytes) {
    const auto run = std::ranges::find_if(runs, [&](const format::EngineRun& r) { return r.engine == name; });
    if (run == runs.end()) out.push_back({name, Status::unscanned, "", "", "", 0, 1});
    else out.push_back(engine_that_ran(*run, worst(findings, name), current));
  }
  return out;
}

/// One artifact's answer to that of the repository.
void add_up(const Engine& one, Engine& all) {
  all.status = std::max(all.status, one.status);
  if (all.version.empty()) all.version = one.version, all.rule_set = one.rule_set;
  if (all.message.empty()) all.message = one.message;
  all.passed_over += one.passed_over;
  all.missed += one.missed;
}

/// The engines whose answer is whole and of today.
std::vector<std::string_view> engines_run(const std::vector<format::EngineRun>& runs, const RuleSets& current) {
  std::vector<std::string_view> out;
  out.reserve(kOfFacts.size() + runs.size());
  out.assign(kOfFacts.begin(), kOfFacts.end());
  for (const auto& run : runs)
    if (run.complete && !is_stale(run, current)) out.push_back(run.engine);
  return out;
}

/// SARIF describes every rule it may name.
void add_rules(report::Report& r) {
  const auto texts = [](std::span<const std::string_view> list) {
    return std::vector<std::string>{list.begin(), list.end()};
  };
  for (const auto& rule : detect::all_rules())
    r.rules.push_back({std::string{rule.id}, "Loading such a file " + std::string{rule.says} + ".",
                       std::string{rule.remedy}, texts(rule.references)});
  for (const auto& rule : detect::all_structure_rules())
    r.rules.push_back({std::string{rule.id}, std::string{rule.says}, std::string{rule.remedy}, texts(rule.references)});
}

void add_coverage(const format::Document& d, report::Artifact& out) {
  for (std::uint32_t i = 0; i < d.members.size(); ++i) {
    const auto& m = d.members[i];
    for (std::size_t c = 1; c < bytes::kCovers; ++c) out.coverage.total[c] += m.coverage.total[c];
    for (const auto& hole : m.coverage.unexamined)
      out.unexamined.push_back({member_path(d, i), hole.extent, hole.reason});
    for (const auto& format : m.formats)
      if (std::find(out.formats.begin(), out.formats.end(), format) == out.formats.end()) out.formats.push_back(format);
  }
}

}  // namespace

report::Artifact judge(format::Document d, const verdict::Policy& policy, std::chrono::sys_days today, bool& fails,
                       const RuleSets& current) {
  report::Artifact out;
  out.size = d.size;
  auto judgement = detect::detect(d, policy.listed);
  out.findings = std::move(judgement.findings);
  out.imports = std::move(judgement.imports);
  out.unscanned = std::move(judgement.unscanned);
  for (const auto& c : d.checkpoints) out.checkpoint_members.push_back(member_path(d, c.member));
  add_coverage(d, out);
  const auto ran = engines_run(d.engines, current);
  const verdict::Subject subject{d.sha256, holds_pickle(d), out.coverage.complete(), ran};
  const auto decision = verdict::decide(subject, out.findings, policy, today);
  out.status = decision.status;
  out.engines = engines_of(out.findings, d.engines, current);
  out.path = std::move(d.path);
  out.sha256 = std::move(d.sha256);
  out.tier = d.tier;
  out.checkpoints = std::move(d.checkpoints);
  out.origins = std::move(d.origins);
  fails |= decision.fails;
  return out;
}

Judging::Judging(const verdict::Policy& policy, std::chrono::sys_days today, RuleSets current)
    : policy_{policy}, today_{today}, current_{std::move(current)} {
  auto& r = out_.report;
  r.tool_version = kVersion;
  r.rule_set = detect::rule_set_version();
  const bool sunset = policy.sunset && today >= *policy.sunset;
  r.policy = {policy.name, policy.hash(), std::string{to_string(sunset ? verdict::Mode::ban : policy.mode)}};
  r.engines = engines_of({}, {}, {});
  for (auto& engine : r.engines) {
    engine.status = Status::safe;
    engine.missed = 0;
  }
  add_rules(r);
}

void Judging::add(std::size_t index, format::Document&& d) {
  auto& r = out_.report;
  if (!d.references.empty()) {
    const auto folder = d.path.substr(0, d.path.find_last_of('/') + 1);  // none: npos + 1 is 0
    for (const auto& reference : d.references)
      relations_.push_back({index, {reference.kind, d.path, folder + reference.target}});
  }
  if (!d.tier.empty() && (r.tier.empty() || d.tier == "unconfined")) r.tier = d.tier;
  auto artifact = judge(std::move(d), policy_, today_, out_.fails, current_);
  r.status = std::max(r.status, artifact.status);
  r.bytes += artifact.size;
  for (std::size_t i = 0; i < r.engines.size(); ++i) add_up(artifact.engines[i], r.engines[i]);
  if (r.artifacts.size() <= index) r.artifacts.resize(index + 1);
  r.artifacts[index] = std::move(artifact);
}

Outcome Judging::finish(const report::Repository& repository) {
  auto& r = out_.report;
  r.root = repository.root;
  r.excluded = repository.excluded;
  // A selection that leaves everything out has cleared nothing.
  const bool all_left_out = r.artifacts.empty() && r.excluded > 0;
  if (all_left_out) {
    r.status = Status::unscanned;
    out_.fails |= policy_.mode != verdict::Mode::observe && policy_.fail_on <= Status::unscanned;
  }
  r.relations = repository.links;
  std::stable_sort(relations_.begin(), relations_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [index, relation] : relations_) r.relations.push_back(std::move(relation));
  for (auto& engine : r.engines)  // an engine that is not there has scanned nothing
    if (engine.version.empty() || all_left_out) engine.status = std::max(engine.status, Status::unscanned);
  const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
  // As they come from a scan; sorting would move every one of them all the same.
  if (!std::is_sorted(r.artifacts.begin(), r.artifacts.end(), by_path))
    std::stable_sort(r.artifacts.begin(), r.artifacts.end(), by_path);
  return std::move(out_);
}

Outcome judge(std::vector<format::Document> documents, const report::Repository& repository,
              const verdict::Policy& policy, std::chrono::sys_days today, const RuleSets& current) {
  Judging judging{policy, today, current};
  for (std::size_t i = 0; i < documents.size(); ++i) judging.add(i, std::move(documents[i]));
  return judging.finish(repository);
}

int exit_code(const Outcome& outcome) {
  if (outcome.fails) return 1;
  const auto& artifacts = outcome.report.artifacts;
  const bool error =
      std::any_of(artifacts.begin(), artifacts.end(), [](const auto& a) { return a.status == Status::error; });
  return error && outcome.report.policy.mode != "observe" ? 2 : 0;
}

report::Repository repository_of(const Listing& listing) {
  report::Repository out;
  out.root = listing.root;
  out.documents = listing.found.size();
  out.excluded = listing.excluded;
  for (const auto& link : listing.links) out.links.push_back({"symlink", link.from, link.to});
  return out;
}

format::Document unreadable(const std::string& path, std::uint64_t size, Errc code, std::string what) {
  format::Document d;
  d.schema = format::kDocumentSchema;
  d.parser = format::parser_version();
  d.path = path;
  d.size = size;
  bytes::CoverageMap nothing;
  nothing.miss(0, size, what);
  d.members.push_back({0, "", "file", 0, size, {}, nothing.finish(size)});
  d.stops.push_back({{0, 0}, 0, "file", code, std::move(what)});
  return d;
}

}  // namespace assay::scan
