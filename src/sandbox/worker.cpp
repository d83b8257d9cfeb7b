#include "sandbox/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "base/coarse_clock.h"
#include "sandbox/cell.h"
#include "sandbox/wire.h"

namespace assay::sandbox {
namespace {

constexpr std::size_t kFlushBytes = 64 << 10;
constexpr std::chrono::milliseconds kPatience{10};  // how long a finished result may wait for its neighbours
constexpr int kFirstLent = kCellSocket + 1;

void send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::write(kCellSocket, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) ::_exit(0);  // the parent is gone
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// False at a clean end of the stream.
bool receive_all(char* into, std::size_t bytes) {
  while (bytes > 0) {
    const auto got = ::read(kCellSocket, into, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

using Control = std::array<char, CMSG_SPACE(2 * kBatchJobs * sizeof(int))>;

std::vector<int> lent_in(msghdr& message) {
  std::vector<int> lent;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const auto before = lent.size();
    lent.resize(before + count);
    std::memcpy(lent.data() + before, CMSG_DATA(part), count * sizeof(int));
  }
  return lent;
}

struct Batch {
  std::uint32_t jobs = 0;
  std::string body;
  std::vector<int> lent;
};

/// Two receives per batch: descriptors come with the first byte, and reading exactly the head first keeps those of
/// the next batch, which may already be waiting, out of this one.
bool receive(Batch& batch) {
  BatchHead head{};
  alignas(cmsghdr) Control control;
  iovec part{&head, sizeof head};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = -1;
  do got = ::recvmsg(kCellSocket, &message, 0);
  while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  if (message.msg_flags & MSG_CTRUNC) ::_exit(kExitConfused);
  batch.lent = lent_in(message);
  const auto have = static_cast<std::size_t>(got);
  if (!receive_all(reinterpret_cast<char*>(&head) + have, sizeof head - have)) return false;
  batch.jobs = head.jobs;
  batch.body.resize(head.bytes);
  return receive_all(batch.body.data(), batch.body.size());
}

}  // namespace

/// Collects results, so that a batch of small files costs one write.
class Outbox {
 public:
  /// Time spent waiting for work makes no result stale.
  void wake() { now_ = CoarseClock::now(); }

  void add(FrameKind kind, std::uint64_t id, std::string_view result) {
    // The length field ends at 4 GiB, far above what the parent takes: too large stays too large.
    const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(result.size(), ~0u));
    if (waiting_.empty()) since_ = now_;
    waiting_ += raw(FrameHead{kind, length, id});
    if (result.size() > kFlushBytes) {
      flush();
      send_all(result);  // not through waiting_: a large result must not exist twice
      return;
    }
    waiting_ += result;
    if (waiting_.size() > kFlushBytes) flush();
  }

  void flush() {
    send_all(waiting_);
    waiting_.clear();
  }

  void flush_if_stale() {
    if (waiting_.empty()) return;
    now_ = CoarseClock::now();
    if (now_ - since_ >= kPatience) flush();
  }

 private:
  std::string waiting_;
  CoarseClock::time_point now_;    // when the clock was last looked at: at a job's end, or by a beat
  CoarseClock::time_point since_;  // begin of the job whose result waits longest
};

void Beat::operator()(std::uint64_t bytes_done) const {
  if (pulse_ == nullptr) return;
  pulse_->bytes_done.store(bytes_done, std::memory_order_relaxed);
  pulse_->beats.fetch_add(1, std::memory_order_relaxed);
  outbox_->flush_if_stale();
}

/// A cell at work.
class Shift {
 public:
  Shift(const Work& work, Pulse& pulse) : work_{work}, pulse_{pulse}, beat_{pulse, outbox_} {
    outbox_.add(FrameKind::ready, 0, {});
    outbox_.flush();
  }

  void run(const Batch& batch) {
    outbox_.wake();
    std::string_view rest = batch.body;
    std::size_t lent = 0;
    const auto next_lent = [&](bool wanted) {
      if (!wanted) return -1;
      if (lent == batch.lent.size()) ::_exit(kExitConfused);
      return batch.lent[lent++];
    };
    for (std::uint32_t i = 0; i < batch.jobs; ++i) {
      JobHead head{};
      if (rest.size() < sizeof head) ::_exit(kExitConfused);
      std::memcpy(&head, rest.data(), sizeof head);
      rest.remove_prefix(sizeof head);
      if (head.request_bytes > rest.size()) ::_exit(kExitConfused);
      const int descriptor = next_lent(head.has_descriptor != 0);
      const int spool = next_lent(head.has_spool != 0);
      run_one(head.id, descriptor, spool, rest.substr(0, head.request_bytes));
      rest.remove_prefix(head.request_bytes);
    }
    outbox_.flush();
    ::close_range(kFirstLent, ~0u, 0);  // all of the batch, in one call
  }

 private:
  void run_one(std::uint64_t id, int descriptor, int spool, std::string_view request) {
    pulse_.bytes_done.store(0, std::memory_order_relaxed);
    pulse_.started.fetch_add(1, std::memory_order_relaxed);
    outbox_.add(FrameKind::result, id, work_(descriptor, spool, request, beat_));
    outbox_.flush_if_stale();
  }

  const Work& work_;
  Pulse& pulse_;
  Outbox outbox_;
  Beat beat_;
};

void serve(const Work& work, Pulse& pulse, bool single) {
  try {
    Shift shift{work, pulse};
    for (Batch batch; receive(batch);) {
      shift.run(batch);
      if (single) break;
    }
    ::_exit(0);
  } catch (const std::bad_alloc&) {
    ::_exit(kExitMemory);
  } catch (...) {
    std::abort();  // no exception of ours: what threw is a defect that this file found
  }
}

}  // namespace assay::sandbox
