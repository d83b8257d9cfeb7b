#include "detect/observed.h"

#include <algorithm>

#include "base/text.h"
#include "detect/rules.h"
#include "secrets/secrets.h"

namespace assay::detect {
namespace {

using finding::Finding;
using finding::Severity;
using format::Observation;

Severity weight_of(secrets::Severity severity) noexcept {
  switch (severity) {
    case secrets::Severity::low: return Severity::caution;
    case secrets::Severity::medium:
    case secrets::Severity::high: return Severity::suspicious;
  }
  return Severity::suspicious;
}

/// What its issuer said, where somebody had it asked. A refusal lightens it and does not clear it: the secret may be
/// good at another host, and was good once.
void weigh_answer(const Observation& o, Finding& f) {
  if (o.verification.empty()) return;
  f.verification = printable(o.verification, 20);
  const auto words = printable(o.detail, 400);
  if (o.verification == "verified") {
    f.message += " It works: " + words + ".";
  } else if (o.verification == "refused") {
    f.severity = std::min(f.severity, Severity::caution);
    f.message += " It does not work where it was tried: " + words + ".";
  } else {
    f.message += " Whether it works is not known: " + words + ".";
  }
}

Finding secret(const Observation& o, Finding f) {
  const auto all = secrets::detectors();
  const auto known = std::ranges::lower_bound(all, std::string_view{o.rule}, {}, &secrets::Detector::id);
  f.rule = o.rule;
  f.evidence = o.secret.empty() ? printable(o.shown, 200) : printable(o.secret, 20'000);
  f.fingerprint = o.fingerprint;
  f.severity = Severity::suspicious;
  f.message = "It gives away a secret.";
  f.remediation = "Revoke it where it was issued, then remove it; whoever read it before can still use it.";
  if (known == all.end() || known->id != o.rule) return f;
  f.severity = weight_of(known->severity);
  f.message = "It gives away a secret: " + std::string{known->name} + ". " + std::string{known->can};
  f.remediation = "Revoke it (" + std::string{known->revoke} + "), then remove it from the file and from its history.";
  f.references = {std::string{known->revoke}};
  weigh_answer(o, f);
  return f;
}

/// A signature of the ClamAV daemon's.
Finding virus(const Observation& o, Finding f) {
  constexpr std::string_view kRule = "malware.clamav";
  f.rule = kRule;
  f.severity = Severity::unsafe;
  f.evidence = printable(o.rule, 300);
  f.message = "ClamAV knows this as malware: " + f.evidence + ".";
  if (const auto* rule = find_structure(kRule)) f.remediation = rule->remedy;
  return f;
}

}  // namespace

Finding observed(const Observation& o, finding::Locator where) {
  Finding f;
  f.where = std::move(where);
  f.where.line = o.line;
  if (o.engine == "secrets") return secret(o, std::move(f));
  if (o.engine == "avScan") return virus(o, std::move(f));
  f.rule = printable(o.engine, 60) + "." + printable(o.rule, 120);
  f.severity = Severity::suspicious;
  f.message = "The engine " + printable(o.engine, 60) + " reports " + printable(o.rule, 120) + ".";
  f.evidence = printable(o.shown, 200);
  return f;
}

std::string_view current_rule_set(std::string_view engine) noexcept {
  return engine == "secrets" ? secrets::rule_set_version() : std::string_view{};
}

}  // namespace assay::detect
