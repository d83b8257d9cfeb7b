// Documents to a report: rules, policy, one status per artifact and one for the repository. No bytes.
#pragma once
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "format/document.h"
#include "report/report.h"
#include "report/repository.h"
#include "scan/walk.h"
#include "verdict/policy.h"

namespace assay::scan {

/// The rule sets of today of engines that are no part of this program, where somebody knows them.
using RuleSets = std::map<std::string, std::string, std::less<>>;

/// The artifact that `document` describes; sets `fails` where the policy's failing level is reached.
report::Artifact judge(format::Document document, const verdict::Policy& policy, std::chrono::sys_days today,
                       bool& fails, const RuleSets& current = {});

/// Whole report over kept documents; `fails` says whether the policy's failing level was reached.
struct Outcome {
  report::Report report;
  bool fails = false;
  bool interrupted = false;  ///< the scan was stopped early; what was not examined is an error
};
Outcome judge(std::vector<format::Document> documents, const report::Repository& repository,
              const verdict::Policy& policy, std::chrono::sys_days today, const RuleSets& current = {});

/// The same for documents that come one by one, in any order, and are needed no longer.
class Judging {
 public:
  /// `policy` must outlive it.
  Judging(const verdict::Policy& policy, std::chrono::sys_days today, RuleSets current = {});
  void expect(std::size_t documents) { out_.report.artifacts.reserve(documents); }
  /// `index`: the document's place in the report, where paths do not decide it. Each once, from 0, none left out in the
  /// end.
  void add(std::size_t index, format::Document&& document);
  Outcome finish(const report::Repository& repository);

 private:
  const verdict::Policy& policy_;
  std::chrono::sys_days today_;
  RuleSets current_;
  Outcome out_;
  std::vector<std::pair<std::size_t, report::Relation>> relations_;  ///< by the document that states it
};

/// 1 where something fails, else 2 where something is an error, else 0.
int exit_code(const Outcome& outcome);

/// What a listing says of the repository as a whole: its symbolic links, how many files there are and were left out.
report::Repository repository_of(const Listing& listing);

/// A document for a path that could not be examined at all.
format::Document unreadable(const std::string& path, std::uint64_t size, Errc code, std::string what);

}  // namespace assay::scan
