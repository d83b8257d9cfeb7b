// One cell as the parent holds it: a process, a socket, a shared page.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/cell.h"
#include "sandbox/worker.h"

namespace assay::sandbox {

struct Birth {
  const Work& work;
  const Limits& limits;
  const Filter& filter;
  Tier tier;
  bool single;  ///< ends after one job
  const std::vector<std::string>& readable;
};

/// What goes to a cell in one piece. Descriptors are borrowed until it is sent.
struct Parcel {
  std::string bytes;
  std::vector<int> descriptors;
};

class Child {
 public:
  /// Forks. In the child this never returns. Errc::io where the system gives no process, socket or page.
  static Result<std::unique_ptr<Child>> fork(const Birth& birth);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  ///< ends the process, if that has not been done

  int socket() const noexcept { return socket_; }
  const Pulse& pulse() const noexcept { return *pulse_; }

  /// Queues and sends what the socket takes now. False when the cell cannot be reached any more.
  bool post(Parcel parcel);
  bool flush();
  bool wants_to_send() const noexcept { return !outgoing_.empty(); }

  /// recv() without waiting: bytes received, 0 at the end of the stream, -1 when there is nothing yet.
  std::ptrdiff_t receive(std::span<char> into);

  /// Kills whatever is left and returns the status as waitpid gives it. A cell that was already ending keeps its own.
  int end() noexcept;

 private:
  struct Unmap {
    void operator()(Pulse* page) const noexcept;
  };
  using Page = std::unique_ptr<Pulse, Unmap>;
  Child(pid_t pid, int socket, Page pulse) noexcept : pid_{pid}, socket_{socket}, pulse_{std::move(pulse)} {}

  pid_t pid_;
  int socket_;
  Page pulse_;
  std::deque<Parcel> outgoing_;
  std::size_t sent_ = 0;  // bytes of outgoing_.front()
};

}  // namespace assay::sandbox
