// The report for programs. docs/report.md says what each key means, docs/report.schema.json what is valid.
//
// All output is ASCII (other characters are \u escapes), so it is valid UTF-8 whatever the files were
// called, and harmless where somebody prints it on a terminal. All functions accept any bytes in any string.
#pragma once
#include <optional>
#include <string>

#include "report/report.h"

namespace assay::report {

inline constexpr std::string_view kReportSchema = "assay-report/1";

/// One object, indented by two spaces.
std::string to_json(const Report& report);

/// One object per line: everything but the artifacts; each artifact; {"summary": ...}. A stream without
/// its last line was cut off.
std::string to_json_lines(const Report& report);

/// The Hub's shape: its repository status, and its per-file security objects under "files".
std::string to_hub(const Report& report);

/// SARIF 2.1.0 as code scanning takes it: at most 25,000 results, the worst kept. `exit_code` is what the
/// command will return; left out where it is not known.
std::string to_sarif(const Report& report, std::optional<int> exit_code = std::nullopt);

}  // namespace assay::report
