// What belongs to a repository and to no single document: the first line of `assay facts`.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "report/report.h"

namespace assay::report {

inline constexpr std::string_view kRepositorySchema = "assay-repository/1";

struct Repository {
  std::string root;             ///< as the user gave it; raw
  std::vector<Relation> links;  ///< its symbolic links
  std::uint64_t documents = 0;  ///< that follow its line: facts that were cut off are no smaller repository
  std::uint64_t excluded = 0;   ///< files that --include or --exclude left out
  std::string schema{kRepositorySchema};
};

}  // namespace assay::report
