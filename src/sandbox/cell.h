// The lock-down: what a process gives up before it may look at hostile bytes.
// Linux only. Landlock: https://docs.kernel.org/userspace-api/landlock.html; seccomp: seccomp(2).
#pragma once
#include <linux/filter.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay::sandbox {

/// What one job may cost.
struct Limits {
  std::uint64_t memory_bytes = 2ull << 30;    ///< address space a cell may add to what it was born with
  std::uint64_t spool_bytes = 64ull << 30;    ///< size to which a lent spool may grow
  std::uint64_t result_bytes = 256ull << 20;  ///< one result; a larger one is refused unread
  std::chrono::milliseconds silence{30'000};  ///< without a beat or a result for so long, a job is stopped
  std::chrono::milliseconds wall{1'000'000};  ///< for one job, however diligently it beats
};

enum class Tier : std::uint8_t {
  confined,    ///< Landlock and the system call filter, on top of everything `unconfined` has
  unconfined,  ///< own process, no inherited descriptors, limits: an accident stays inside, an attacker does not
};

/// What this kernel offers. Whoever scans decides what to do where the floor does not hold.
struct Floor {
  int landlock_abi = 0;  ///< 0: none. 1 denies the file system, 4 also TCP, 6 also signals and abstract sockets
  bool seccomp = false;  ///< filters that kill the whole process
  bool holds() const noexcept { return landlock_abi >= 1 && seccomp; }
};
Floor probe() noexcept;

/// What a cell built into this program can be. A sanitized build needs system calls and address space that
/// no cell grants, so it is `unconfined` whatever was asked for.
Tier attainable(Tier wanted) noexcept;

/// Where a cell finds its end of the socket; 0 to 2 are dead ends, lent descriptors start above.
inline constexpr int kCellSocket = 3;

/// Exit statuses by which a cell says why it ended. A taken-over cell can choose any of them: words, not proof.
inline constexpr int kExitMemory = 91;    ///< an allocation failed
inline constexpr int kExitUnlocked = 92;  ///< the lock-down did not succeed, so no byte was read
inline constexpr int kExitConfused = 93;  ///< the parent's batch made no sense

using Filter = std::vector<sock_filter>;

/// Whether a cell may follow paths. A folder reader is for libraries that find their files themselves: Landlock shows
/// it only what it was promised, and nothing it could write or execute.
enum class Paths : std::uint8_t { none, reading };

/// The default-deny list as BPF, made once in the parent: building it costs more than a fork.
/// Errc::unsupported where libseccomp refuses.
Result<Filter> build_filter(Paths paths = Paths::none);

struct Lockdown {
  pid_t parent;               ///< the cell ends with it
  int socket;                 ///< becomes kCellSocket
  unsigned most_descriptors;  ///< lent at one time
  Tier tier;
  const Limits& limits;
  const Filter& filter;                        ///< may be empty when unconfined
  std::span<const std::string> readable = {};  ///< folders and files that a folder reader may read, and all below them
};

/// Called in the child right after fork. When it succeeds there is no way back; when it fails, the child
/// must end without having read anything.
Result<void> lock_down(const Lockdown& how);

/// One layer alone, irreversible for this process: no path can be opened, no TCP port bound or reached, as far as
/// the kernel's ABI goes. Needs PR_SET_NO_NEW_PRIVS.
Result<void> deny_paths_and_ports();
/// The same, but what lies below `readable` can be read. Errc::io where one of them cannot be opened.
Result<void> deny_paths_and_ports(std::span<const std::string> readable);

/// The other layer alone, irreversible: anything that `filter` does not list ends the process with SIGSYS.
Result<void> deny_system_calls(Filter filter);

}  // namespace assay::sandbox
