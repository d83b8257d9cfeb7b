// The lines of `assay facts`, which `assay judge` reads: the repository's, then one per document. docs/document.md
// describes them.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "format/document.h"
#include "report/repository.h"

namespace assay::report {

/// One line of ASCII, without a newline at its end. `document` must satisfy format::validate(). Bytes that
/// are not UTF-8 are kept: such a string becomes {"hex": "..."}.
std::string to_json(const format::Document& document);

/// Exactly what to_json() writes, whatever the order of keys and the white space. Missing, unknown and
/// repeated keys are refused, as are values out of range and what format::validate() refuses. Lines beyond
/// kMostDocumentBytes or kDeepestJson are refused before any memory is spent on them; otherwise memory is a
/// small multiple of the line. An error's offset is 0 where the JSON itself was well formed.
Result<format::Document> document_from_json(std::string_view line);

/// The same for the line before the documents; its links are written without their kind, which is always "symlink".
std::string to_json(const Repository& repository);
Result<Repository> repository_from_json(std::string_view line);

inline constexpr std::size_t kMostDocumentBytes = 256u << 20;
inline constexpr std::size_t kDeepestJson = 64;

}  // namespace assay::report
