// Where a repository's parts lie: found before anything of it is parsed, so that a cell can be shown these folders
// only.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay::git {

/// What git tells hooks in variables of the environment. A path that is not absolute counts from the current folder.
struct Environment {
  std::string git_dir;            ///< GIT_DIR
  std::string objects;            ///< GIT_OBJECT_DIRECTORY: in a pre-receive hook, the quarantine of what was pushed
  std::string alternate_objects;  ///< GIT_ALTERNATE_OBJECT_DIRECTORIES, with ':' between
  std::string index;              ///< GIT_INDEX_FILE: what `git commit FILE` stages in
  static Environment of_this_process();
};

/// All paths are absolute and without links.
struct Location {
  std::string git_dir;               ///< with HEAD; of a linked worktree, its own
  std::string common_dir;            ///< with refs and config; git_dir where there is no worktree
  std::vector<std::string> objects;  ///< object folders, the first one first
  std::string index;                 ///< may not exist

  /// Everything that a cell must be able to read.
  std::vector<std::string> readable() const;
};

inline constexpr std::size_t kMostObjectFolders = 64;
inline constexpr std::size_t kDeepestAlternate = 5;  ///< as git itself has it

/// From a bare repository, a folder with ".git" (a folder, or the file of a worktree or submodule), or a ".git" itself.
/// Folders above `path` are not looked at. Errc::unsupported where it is no repository, or in a format that is not read
/// (SHA-256, reftable).
Result<Location> locate(const std::string& path, const Environment& environment = {});

}  // namespace assay::git
