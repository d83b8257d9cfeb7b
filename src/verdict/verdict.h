// Findings, coverage and policy to one status. Pure: no I/O, and no clock but the day passed in.
#pragma once
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "finding/finding.h"
#include "verdict/policy.h"

namespace assay::verdict {

/// What the decision is about.
struct Subject {
  std::string_view sha256;  ///< empty where it was not computed; then no waiver fits
  bool has_pickle = false;  ///< a pickle stands somewhere inside
  bool complete = false;    ///< nothing is unexamined
  std::span<const std::string_view> engines_run;
};

struct Decision {
  finding::Status status = finding::Status::unscanned;
  bool fails = false;  ///< by the policy's failing level or ban
};

/// Marks waived findings, appends the policy's own findings (bans, expired waivers, missing engines), decides.
Decision decide(const Subject& subject, std::vector<finding::Finding>& findings, const Policy& policy,
                std::chrono::sys_days today);

}  // namespace assay::verdict
