// A repository as everybody else sees it: what is new in a range of its history, and the bytes of blobs, checked
// against their ids. It is read in a cell that can read the repository's folders and nothing else.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "git/history.h"
#include "git/location.h"
#include "git/wire.h"
#include "sandbox/cell.h"

namespace assay::git {

struct Limits {
  std::uint64_t memory_bytes = 3ull << 30;  ///< of the cell, which holds a packed blob and what it is a delta of, whole
  std::chrono::milliseconds silence{30'000};  ///< one object may take so long
  std::chrono::milliseconds wall{1'000'000};  ///< one listing
  unsigned failures = 16;                     ///< cells lost to blobs; the blobs after that are not read
};

/// A blob that was asked for.
struct Answer {
  std::uint64_t id = 0;  ///< the caller's
  State state = State::missing;
  std::uint64_t size = 0;
  std::string bytes;   ///< where no file was lent
  std::string sha256;  ///< lower-case hex, where present
};

/// Not thread-safe; used by the thread that opened it, as sandbox::Pool is.
class Repository {
 public:
  static constexpr std::size_t kMostInline = 16 << 10;  ///< bytes of a blob that needs no file

  /// Errc::unsupported where the wanted tier cannot be had.
  static Result<Repository> open(Location where, const Limits& limits, sandbox::Tier wanted);
  Repository(Repository&&) noexcept;
  Repository& operator=(Repository&&) noexcept;
  ~Repository();

  /// Waits. Errc::unsupported: no such revision; malformed: damaged beyond use; crashed, limit_reached: the cell was
  /// stopped. No Range asks for nothing: an unborn HEAD is an empty history.
  Result<History> list(const Range& range);

  /// Asks for a blob. `file`: empty, for reading and writing, lent until the answer; -1 for a small blob. A file's
  /// content is what was asked for only where the answer says State::present: then its id was computed here, from that
  /// content.
  /// `size`: bytes, as listed; it decides nothing but what travels together.
  void ask(std::uint64_t id, const Oid& blob, int file, std::uint64_t size = 0);
  std::size_t asked() const noexcept;  ///< and not yet answered

  /// Appends answers in any order; returns with the first ones, or at the timeout.
  void wait(std::chrono::milliseconds timeout, std::vector<Answer>& out);

 private:
  struct Inside;
  explicit Repository(std::unique_ptr<Inside> state) noexcept;
  std::unique_ptr<Inside> state_;
};

}  // namespace assay::git
