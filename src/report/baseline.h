// Secrets that somebody has looked at and decided to live with, as a file that gives none of them away.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "report/report.h"

namespace assay::report {

struct Baseline {
  std::string key;  ///< tells the key of the fingerprints, without being it: under another one nothing would match
  std::vector<finding::KnownSecret> secrets;  ///< sorted, each once
};

inline constexpr std::string_view kBaselineSchema = "assay-baseline/1";

/// Every secret of the report, waived or not. Paths and lines in it are for people; reading passes over them.
std::string to_baseline(const Report& report, std::string_view key);

/// What is wrong is a sentence for whoever wrote the file.
tl::expected<Baseline, std::string> parse_baseline(std::string_view json);

}  // namespace assay::report
