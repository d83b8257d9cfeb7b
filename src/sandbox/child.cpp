#include "sandbox/child.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>

#include "sandbox/wire.h"

namespace assay::sandbox {
namespace {

constexpr std::size_t kMostLent = 2 * kBatchJobs;

/// One send. Descriptors travel with the first byte of a parcel.
ssize_t send_part(int socket, std::string_view bytes, const std::vector<int>& lent) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostLent * sizeof(int))> control;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!lent.empty()) {
    const auto payload = lent.size() * sizeof(int);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(payload);
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(payload);
    std::memcpy(CMSG_DATA(header), lent.data(), payload);
  }
  ssize_t sent = -1;
  do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent;
}

/// ETOOMANYREFS: this user has too many descriptors under way, which passes as cells take theirs.
bool is_passing(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == ETOOMANYREFS; }

[[noreturn]] void live(const Birth& birth, pid_t parent, int socket, Pulse& pulse) {
  const Lockdown how{parent, socket, kMostLent, birth.tier, birth.limits, birth.filter, birth.readable};
  if (!lock_down(how)) ::_exit(kExitUnlocked);
  serve(birth.work, pulse, birth.single);
}

}  // namespace

void Child::Unmap::operator()(Pulse* page) const noexcept { ::munmap(page, sizeof(Pulse)); }

Result<std::unique_ptr<Child>> Child::fork(const Birth& birth) {
  void* shared = ::mmap(nullptr, sizeof(Pulse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return fail(Errc::io, 0, "no memory for a cell");
  Page pulse{new (shared) Pulse};
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(Errc::io, 0, "no socket for a cell");
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid == 0) live(birth, parent, ends[1], *pulse);
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return fail(Errc::io, 0, "no process for a cell");
  }
  ::madvise(shared, sizeof(Pulse), MADV_DONTFORK);  // cells born later have no business in this one's page
  return std::unique_ptr<Child>{new Child{pid, ends[0], std::move(pulse)}};
}

Child::~Child() {
  end();
  ::close(socket_);
}

bool Child::post(Parcel parcel) {
  outgoing_.push_back(std::move(parcel));
  return flush();
}

bool Child::flush() {
  static const std::vector<int> none;
  while (!outgoing_.empty()) {
    const auto& parcel = outgoing_.front();
    const auto rest = std::string_view{parcel.bytes}.substr(sent_);
    const auto sent = send_part(socket_, rest, sent_ == 0 ? parcel.descriptors : none);
    if (sent < 0) return is_passing(errno);
    sent_ += static_cast<std::size_t>(sent);
    if (sent_ < parcel.bytes.size()) continue;
    outgoing_.pop_front();
    sent_ = 0;
  }
  return true;
}

std::ptrdiff_t Child::receive(std::span<char> into) {
  const auto got = ::recv(socket_, into.data(), into.size(), MSG_DONTWAIT);
  if (got >= 0) return got;
  return is_passing(errno) || errno == EINTR ? -1 : 0;
}

int Child::end() noexcept {
  int status = 0;
  if (pid_ <= 0) return status;
  // A cell that merely closed its socket must not make the parent wait for it.
  ::kill(pid_, SIGKILL);
  pid_t reaped = -1;
  do reaped = ::waitpid(pid_, &status, 0);
  while (reaped < 0 && errno == EINTR);
  pid_ = -1;
  return status;
}

}  // namespace assay::sandbox
