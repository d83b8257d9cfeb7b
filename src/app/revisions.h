// Which part of a git history the command line asks for.
#pragma once
#include <string>

#include "app/options.h"

namespace assay::app {

struct GitOptions {
  std::string repository;  ///< empty: no history is asked for, and paths are paths
  std::string since;
  bool all = false;
};

/// Turns what stands where paths would stand into revisions: REV, ^REV, A..B; with none, all that HEAD reaches. A
/// sentence where they make no sense, else empty.
std::string settle_revisions(const GitOptions& git, Common& common);

}  // namespace assay::app
