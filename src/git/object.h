// What commits, tags and trees say. Read leniently: git stores objects that it would not write itself, and whatever it
// checks out is to be scanned.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "git/oid.h"

namespace assay::git {

enum class Type : std::uint8_t { other, commit, tree, blob, tag };

struct Person {
  std::string name, email;  ///< raw
};

/// "tree", "parent"* and "author" of a commit's head, and the first line of its message.
struct CommitText {
  Oid tree;
  std::vector<Oid> parents;
  Person author;
  std::int64_t author_time = 0;     ///< seconds since 1970, UTC
  std::int64_t committer_time = 0;  ///< by which history is put in order
  std::string summary;              ///< raw
};

/// Texts are cut at `kMostText` bytes. Errc::malformed where there is no tree: then nothing can be checked out.
inline constexpr std::size_t kMostText = 256;
Result<CommitText> parse_commit(std::string_view raw);

struct Tagged {
  Oid target;
  Type type = Type::other;
};
Result<Tagged> parse_tag(std::string_view raw);

/// Modes as git writes them.
inline constexpr std::uint32_t kModeKind = 0170000;
inline constexpr std::uint32_t kModeFolder = 0040000;
inline constexpr std::uint32_t kModeFile = 0100000;
inline constexpr std::uint32_t kModeLink = 0120000;
inline constexpr std::uint32_t kModeSubmodule = 0160000;

struct TreeEntry {
  std::uint32_t mode = 0;
  std::string_view name;  ///< raw; borrowed
  Oid id;
};

/// The entries of a tree, one after the other.
class TreeReader {
 public:
  explicit TreeReader(std::string_view raw) noexcept : rest_{raw} {}
  /// Nothing at the end; Errc::malformed where what is left is no entry.
  Result<std::optional<TreeEntry>> next();
  std::string_view rest() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace assay::git
