// The report for somebody at a terminal: words before codes, and always what to do now.
#pragma once
#include <string>

#include "report/report.h"

namespace assay::report {

struct TextOptions {
  bool colour = false;   ///< ANSI sequences
  bool verbose = false;  ///< also safe files, notes, imports, checkpoints, coverage
  unsigned width = 80;   ///< columns; fewer than 40 count as 40
};

/// Every line ends with a newline. Nothing of a file reaches the terminal but through printable(), so no
/// name or string in it can move the cursor, hide a line or forge one.
std::string to_text(const Report& report, const TextOptions& options = {});

}  // namespace assay::report
