// The document as bytes between a cell and its parent: compact, and read as hostile.
#pragma once
#include <string>

#include "base/result.h"
#include "bytes/view.h"
#include "format/document.h"

namespace assay::format {

std::string encode(const Document& document);

/// Refuses whatever encode() cannot have written, and what validate() refuses. Allocates at most a small
/// multiple of the input.
Result<Document> decode(bytes::View raw);

}  // namespace assay::format
