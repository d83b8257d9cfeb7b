#include "verdict/verdict.h"

#include <algorithm>

namespace assay::verdict {
namespace {

using finding::Finding;
using finding::Severity;
using finding::Status;

void say(std::vector<Finding>& findings, std::string_view id, std::string evidence) {
  const auto* rule = detect::find_structure(id);
  Finding f;
  f.rule = id;
  f.evidence = std::move(evidence);
  f.fingerprint = finding::fingerprint(id, "", f.evidence);
  f.severity = rule != nullptr ? rule->severity : Severity::caution;
  if (rule != nullptr) f.message = rule->says, f.remediation = rule->remedy;
  findings.push_back(std::move(f));
}

void waive(const Subject& subject, std::vector<Finding>& findings, const Policy& policy, std::chrono::sys_days today) {
  std::vector<std::string> expired;
  for (auto& f : findings) {
    if (finding::is_secret(f) &&
        std::ranges::binary_search(policy.known_secrets, finding::KnownSecret{f.rule, f.fingerprint}))
      f.waived = true;
    for (const auto& w : policy.waivers) {
      // A waiver binds bytes, rule and finding; nothing less identifies what somebody looked at.
      const bool fits =
          !subject.sha256.empty() && w.sha256 == subject.sha256 && w.rule == f.rule && w.fingerprint == f.fingerprint;
      if (!fits) continue;
      if (today <= w.expires) f.waived = true;
      else expired.push_back(w.rule + " " + w.fingerprint + ", waived by " + w.owner);
    }
  }
  for (auto& text : expired) say(findings, "policy.waiver-expired", std::move(text));
}

}  // namespace

Decision decide(const Subject& subject, std::vector<Finding>& findings, const Policy& policy,
                std::chrono::sys_days today) {
  waive(subject, findings, policy, today);
  const bool banned = policy.mode == Mode::ban || (policy.sunset && today >= *policy.sunset);
  if (subject.has_pickle && banned) say(findings, "policy.pickle-banned", "");
  if (subject.has_pickle && !banned && policy.sunset) say(findings, "policy.pickle-sunset", "");
  for (const auto& engine : policy.required_engines)
    if (std::find(subject.engines_run.begin(), subject.engines_run.end(), engine) == subject.engines_run.end())
      say(findings, "policy.engine-missing", engine);

  Decision out;
  bool breaks_ban = false, told_why_incomplete = false;
  out.status = Status::safe;
  for (const auto& f : findings) {
    if (f.waived) continue;
    told_why_incomplete |= f.severity == Severity::error || f.severity == Severity::unscanned;
    out.status = std::max(out.status, finding::status_of(f.severity));
    breaks_ban |= f.rule == "policy.pickle-banned";
  }
  // Unknown is not safe, whatever else was said or waived.
  if (!subject.complete && !told_why_incomplete) out.status = std::max(out.status, Status::unscanned);
  out.fails = policy.mode != Mode::observe && (out.status >= policy.fail_on || breaks_ban);
  return out;
}

}  // namespace assay::verdict
