// From objects to what is new in a range of history: each blob once, with the commit and path that brought it.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <unordered_set>
#include <vector>

#include "git/object.h"
#include "git/oid.h"

namespace assay::git {

enum class State : std::uint8_t {
  present,
  missing,    ///< not in this repository: a shallow or partial clone, or a broken one
  damaged,    ///< its bytes are not what its id says, or it is of another kind than was promised
  too_large,  ///< could not be held in memory
};
inline constexpr State kLastState = State::too_large;

struct Header {
  State state = State::missing;
  Type type = Type::other;
  std::uint64_t size = 0;  ///< bytes
};

struct Object {
  State state = State::missing;
  Type type = Type::other;
  std::string bytes;
};

/// Where objects come from. One that gives other bytes than the id says is the reader's problem: the parent of the cell
/// compares.
class Objects {
 public:
  virtual ~Objects() = default;
  virtual Header header(const Oid& id) = 0;
  virtual Object read(const Oid& id) = 0;
};

/// A commit that brought something new.
struct Commit {
  Oid id;
  Person author;
  std::int64_t time = 0;  ///< the author's: seconds since 1970, UTC
  std::string summary;
  bool operator==(const Commit& o) const {
    return id == o.id && author.name == o.author.name && author.email == o.author.email && time == o.time &&
           summary == o.summary;
  }
};

/// A blob, or a submodule, which is named and not followed.
struct Entry {
  static constexpr std::uint32_t kNoCommit = std::numeric_limits<std::uint32_t>::max();

  Oid id;
  std::uint32_t mode = 0;
  State state = State::missing;
  bool is_new = true;                ///< false: staged as HEAD has it already
  std::uint64_t size = 0;            ///< bytes
  std::string path;                  ///< raw; "" for a blob that a tag or reference names
  std::uint32_t commit = kNoCommit;  ///< index into History::commits; none: staged, or no commit holds it
  std::uint32_t other_paths = 0;     ///< under which it was met too; folders that are equal as a whole count once
  bool is_submodule() const noexcept { return (mode & kModeKind) == kModeSubmodule; }
  bool operator==(const Entry&) const = default;
};

/// What could not be followed.
struct Gap {
  enum class Kind : std::uint8_t {
    shallow,    ///< what came before this commit was not cloned
    missing,    ///< a commit or tree that is not there
    damaged,    ///< a commit, tag or tree that cannot be read
    reference,  ///< a reference that cannot be resolved; no id
    deep,       ///< a path that is too long; the id is the folder's
    limit,      ///< too many commits or blobs: the rest of history was not looked at
  };
  Kind kind = Kind::missing;
  Oid id;
  bool operator==(const Gap&) const = default;
};
inline constexpr Gap::Kind kLastGap = Gap::Kind::limit;

struct History {
  std::vector<Commit> commits;  ///< that brought something, oldest first
  std::vector<Entry> entries;   ///< in the order of their commits; each blob once
  std::vector<Gap> gaps;        ///< at most kMostGaps, and `more_gaps`
  std::uint64_t more_gaps = 0;
  std::uint64_t walked = 0;  ///< commits of the range, with and without anything new
  bool operator==(const History&) const = default;
};
inline constexpr std::size_t kMostGaps = 1000;

struct WalkLimits {
  std::uint64_t commits = 2'000'000;          ///< some 200 bytes each while walking
  std::uint64_t entries = 2'000'000;          ///< results
  std::uint64_t result_bytes = 200ull << 20;  ///< texts and numbers of all results, as they travel
  std::size_t path_bytes = 4096;              ///< PATH_MAX: no system checks out a longer one
};

struct Tips {
  std::vector<Oid> include;
  std::vector<Oid> exclude;
  std::unordered_set<Oid, OidHash> shallow;  ///< commits whose parents were not cloned
};

/// What the history of `include` holds and that of `exclude` does not. Where clocks lie, or objects are missing on the
/// excluded side, more may count as new, and never less. `beat` is called at least once per object.
///
/// Tips may be commits, tags of anything, trees and blobs.
History walk(Objects& objects, const Tips& tips, const WalkLimits& limits, const std::function<void()>& beat);

struct Staged {
  std::string path;
  std::uint32_t mode = 0;
  Oid id;
};

/// What is staged, every path of it; `is_new` where the tree of `head` has no such blob.
History staged(Objects& objects, const std::vector<Staged>& index, const Oid* head, const WalkLimits& limits,
               const std::function<void()>& beat);

}  // namespace assay::git
