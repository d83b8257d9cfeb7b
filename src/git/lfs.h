// Git LFS pointers: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::git {

/// A file that says where another one is: what it names is not in the repository.
struct LfsPointer {
  std::string oid;         ///< "sha256:" and 64 hex digits
  std::uint64_t size = 0;  ///< bytes of the object, as the pointer claims

  bool operator==(const LfsPointer&) const = default;
};

inline constexpr std::size_t kMostPointerBytes = 1024;

/// Nothing where `content` is no pointer. Extensions, which git-lfs runs programs for, are passed over.
std::optional<LfsPointer> parse_lfs_pointer(std::string_view content);

}  // namespace assay::git
