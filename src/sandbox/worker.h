// The cell's side: the loop that takes batches in, lets `Work` read them, and sends results out.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace assay::sandbox {

/// One page shared by a cell and its parent, so that progress costs no system call. For the parent it is hostile: any
/// number may stand here at any time, and none may decide more than whom to suspect.
struct Pulse {
  std::atomic<std::uint64_t> started{0};  ///< jobs begun since the cell's birth
  std::atomic<std::uint64_t> beats{0};
  std::atomic<std::uint64_t> bytes_done{0};  ///< of the job begun last
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class Outbox;

/// Says "still at work". Long work calls it more often than Limits::silence; a few thousand times a second is cheap.
/// A default-made one does nothing, for work outside a cell.
class Beat {
 public:
  Beat() = default;
  void operator()(std::uint64_t bytes_done) const;

 private:
  friend class Shift;
  Beat(Pulse& pulse, Outbox& outbox) noexcept : pulse_{&pulse}, outbox_{&outbox} {}
  Pulse* pulse_ = nullptr;
  Outbox* outbox_ = nullptr;
};

/// Runs in the cell, once per job. Descriptors are borrowed; -1 where none was lent. Reads with pread: a job that is
/// run again shares its file offset with the first run. What it throws ends the cell.
using Work = std::function<std::string(int descriptor, int spool, std::string_view request, const Beat& beat)>;

/// The rest of the cell's life, after lock_down. Ends with the socket, or after one job when `single`.
[[noreturn]] void serve(const Work& work, Pulse& pulse, bool single);

}  // namespace assay::sandbox
