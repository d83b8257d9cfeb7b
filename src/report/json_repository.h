// The first line of `assay facts`: what belongs to the repository and to no single document.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"

namespace assay::report {

struct Repository {
  std::string root;             ///< as the user gave it; raw
  std::vector<Relation> links;  ///< its symbolic links
};

/// {"schema": "assay-repository/1", ...} on one line of ASCII, without a newline.
std::string to_json(const Repository& repository);
/// Nothing where `line` is something else, a document for instance.
std::optional<Repository> repository_from_json(std::string_view line);

}  // namespace assay::report
