// Cells in number: the parent hands descriptors and opaque requests in, and takes opaque, hostile results out.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/cell.h"
#include "sandbox/worker.h"

namespace assay::sandbox {

enum class Kind : std::uint8_t {
  pooled,    ///< shares its cell with other jobs: for readers of our own
  one_shot,  ///< a cell of its own, so that a taken-over third-party reader forges this one result
};

struct Job {
  std::uint64_t id = 0;      ///< the caller's, unique among jobs in flight
  int descriptor = -1;       ///< opened for reading only; the pool owns it from submit() on
  int spool = -1;            ///< for reading and writing, or -1; borrowed until the reply, emptied before a second run
  std::uint64_t weight = 0;  ///< bytes of the file, roughly: heavy jobs do not share a batch
  std::string request;       ///< opaque; at most kMostRequestBytes
};

enum class Outcome : std::uint8_t {
  done,
  crashed,       ///< ended by a signal of its own, or by an exit that says nothing
  timed_out,     ///< silent for too long, or over its wall time
  memory_limit,  ///< an allocation failed
  denied,        ///< the system call filter ended it
  refused,       ///< answered with what no honest cell sends, or with too much
};
std::string_view to_string(Outcome outcome) noexcept;

struct Reply {
  std::uint64_t id = 0;
  Outcome outcome = Outcome::crashed;
  std::string result;  ///< opaque and hostile; empty unless done
  int signal = 0;      ///< that ended the cell; 0 where none did
};

struct Progress {
  std::uint64_t id = 0;
  std::uint64_t bytes_done = 0;  ///< a cell's claim
};

/// How many descriptors this process may have open, less a few that are nobody's business.
std::size_t descriptors_to_share() noexcept;

/// Every job gets exactly one Reply. A job whose cell dies under it is run once more, alone in a fresh cell, before
/// its outcome counts (a job that timed out is not: that would only double the wait); its neighbours are run again.
/// So a cell killed from outside costs time and no result.
///
/// Not thread-safe. All calls come from the thread that opened the pool, and cells end with that thread. Cells are
/// forked, now and later, without exec: other threads may exist, as glibc keeps malloc usable across fork, but `Work`
/// must not need a lock that such a thread could hold. What `Work` would open, load or seed on first use (OpenSSL's
/// configuration, iconv tables) must be warm before open(): in a cell no file can be opened. The process must not
/// ignore SIGCHLD nor reap children that it did not start.
class Pool {
 public:
  /// Forks `cells` cells for pooled jobs and waits until each is locked down. As many one-shot cells may stand beside
  /// them. Errc::unsupported where `wanted` is Tier::confined and the floor does not hold; Errc::io where the system
  /// gives no processes.
  /// `readable`: absolute paths of folders and files that the cells may read, and all below them; then they are folder
  /// readers. Each must exist whenever a cell is forked.
  static Result<Pool> open(unsigned cells, Work pooled, Work one_shot, const Limits& limits, Tier wanted,
                           std::vector<std::string> readable = {});

  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;
  /// Kills and reaps every cell. Jobs without a reply are forgotten and their descriptors closed.
  ~Pool();

  Tier tier() const noexcept;  ///< what the cells really are: see attainable()

  /// False once enough jobs wait to keep all cells busy, or a quarter of descriptors_to_share() is lent.
  bool wants_more() const noexcept;
  /// Only queues; wait() sends.
  void submit(Job job, Kind kind);
  std::size_t in_flight() const noexcept;  ///< jobs submitted and not yet replied to

  /// Appends replies to `out`; returns with the first ones, at the timeout, at a signal, or at once where nothing is
  /// in flight.
  void wait(std::chrono::milliseconds timeout, std::vector<Reply>& out);

  /// The jobs that cells are reading now.
  std::vector<Progress> running() const;

 private:
  struct State;
  explicit Pool(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace assay::sandbox
