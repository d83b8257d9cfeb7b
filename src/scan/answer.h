// What a cell answers for one file, beside and around its document.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/coverage.h"
#include "bytes/view.h"
#include "format/document.h"
#include "scan/exports.h"

namespace assay::scan {

struct Answer {
  format::Document document;
  std::vector<std::string> secrets;  ///< whole, of the document's observations in order; empty where nobody asked
  bool left_sweep = false;           ///< to the cell beside it, because all of the root's bytes are the root's own
  std::vector<Export> exports;       ///< for engines outside of the cell; whether they stay inside is to be checked
  bool exports_cut = false;          ///< not all could be written
};

/// Behind what stands in `out` already.
std::string encode(const Answer& answer, std::string out = {});

/// Refuses what encode() cannot have written, and a document that is not valid. Secrets go where they belong.
Result<Answer> decode(bytes::View raw);

}  // namespace assay::scan
