// libgit2, as far as it is needed: objects, references and the index of one repository. It parses what an attacker
// wrote, in C, so that outside of tests it runs in a cell only.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "git/history.h"
#include "git/location.h"

namespace assay::git {

/// Reads neither the user's nor the system's nor the repository's configuration. What is damaged is an answer, not an
/// error.
class Library final : public Objects {
 public:
  /// Errc::unsupported where it is no repository.
  static Result<Library> open(const Location& where);
  Library(Library&&) noexcept;
  Library& operator=(Library&&) noexcept;
  ~Library() override;

  Header header(const Oid& id) override;
  /// Whole, in memory. Bytes that do not have the id that they should have are State::damaged.
  Object read(const Oid& id) override;
  /// The bytes of a blob into a file, of which a loose one is never whole in memory.
  State copy(const Oid& id, int file);

  struct References {
    std::vector<Oid> ids;      ///< of all references, and of HEAD
    std::uint64_t broken = 0;  ///< references that lead nowhere
  };
  /// Errc::malformed where they cannot be listed.
  Result<References> references();

  /// HEAD, a branch, a tag, an id or its beginning, `v1.0~3` and so on; not peeled. Nothing where there is none.
  std::optional<Oid> resolve(const std::string& revision);

  /// The index. Errc::malformed where it cannot be read (damaged, or split into two).
  Result<std::vector<Staged>> index();

  /// Commits whose parents were left out by a shallow clone.
  std::unordered_set<Oid, OidHash> shallow() const;

 private:
  struct Handles;
  explicit Library(std::unique_ptr<Handles> state) noexcept;
  std::unique_ptr<Handles> state_;
};

}  // namespace assay::git
