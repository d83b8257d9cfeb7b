#include "sandbox/cell.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <memory>
#include <new>

namespace assay::sandbox {
namespace {

#ifdef ASSAY_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Debian's <linux/landlock.h> ends at ABI 2; numbers and layouts are those of the kernel's own header.
constexpr long kLandlockCreateRuleset = 444;
constexpr long kLandlockAddRule = 445;
constexpr long kLandlockRestrictSelf = 446;
constexpr std::uint32_t kAskVersion = 1;
constexpr int kPathBeneath = 1;
constexpr std::uint64_t kReadFile = 1 << 2;
constexpr std::uint64_t kReadFolder = 1 << 3;

struct RulesetAttr {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

struct __attribute__((packed)) PathBeneathAttr {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};

constexpr std::uint64_t low_bits(unsigned n) { return (1ull << n) - 1; }

/// Everything the kernel's ABI can deny. A flag that it does not know would make it refuse the whole set.
RulesetAttr everything(int abi) noexcept {
  RulesetAttr attr;
  attr.handled_access_fs = low_bits(abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13);  // up to ioctl on devices
  if (abi >= 4) attr.handled_access_net = low_bits(2);                                    // bind and connect
  if (abi >= 6) attr.scoped = low_bits(2);  // abstract sockets and signals to outside
  return attr;
}

int landlock_abi() noexcept {
  const auto abi = ::syscall(kLandlockCreateRuleset, nullptr, 0, kAskVersion);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

/// A file takes no right that only folders have.
bool allow_reading(int ruleset, const std::string& path) noexcept {
  const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat s {};
  PathBeneathAttr rule{kReadFile, fd};
  bool done = ::fstat(fd, &s) == 0;
  if (S_ISDIR(s.st_mode)) rule.allowed_access |= kReadFolder;
  done = done && ::syscall(kLandlockAddRule, ruleset, kPathBeneath, &rule, 0) == 0;
  ::close(fd);
  return done;
}

bool can_kill_by_filter() noexcept {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

// --- the system call filter ---

struct ReleaseContext {
  void operator()(void* context) const noexcept { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ReleaseContext>;

/// Stands in the filter where the cell's own process id belongs: that is known only after the fork. Not a
/// process id, as the kernel gives none above 2^22, and no other number of the filter.
constexpr std::uint32_t kOwnPid = 0x5e1f5e1f;

constexpr int kFreeCalls[] = {
    // the lent descriptors, and the socket
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(write), SCMP_SYS(writev),
    SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(recvmsg), SCMP_SYS(lseek), SCMP_SYS(ftruncate), SCMP_SYS(close),
    SCMP_SYS(close_range),
    // memory that is not executable: see allow_data_memory
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise),
    // locks, time where the vDSO cannot tell it, randomness for hash seeds
    SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(getrandom),
    // qsort asks once how much memory the machine has
    SCMP_SYS(sysinfo),
    // abort, and the end
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(exit),
    SCMP_SYS(exit_group)};

bool allow_free_calls(void* context) {
  for (const int call : kFreeCalls)
    if (seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0) != 0) return false;
  return true;
}

/// No page may be executable, so that code brought along as data stays data; and no file may be mapped, as a file
/// that shrinks under the reader is a SIGBUS.
bool allow_data_memory(void* context) {
  constexpr scmp_arg_cmp not_executable{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  constexpr scmp_arg_cmp anonymous{3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS};
  return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable) == 0 &&
         seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, not_executable, anonymous) == 0;
}

/// What a library needs to find and read files, by paths that Landlock then judges. Files may be mapped, as git's packs
/// are: one that shrinks meanwhile ends this cell by SIGBUS, and no other.
constexpr int kPathCalls[] = {SCMP_SYS(newfstatat), SCMP_SYS(stat),       SCMP_SYS(lstat),     SCMP_SYS(fstat),
                              SCMP_SYS(statx),      SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
                              SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(getcwd),    SCMP_SYS(getdents64),
                              SCMP_SYS(getuid),     SCMP_SYS(geteuid)};

bool allow_reading_paths(void* context) {
  constexpr scmp_datum_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
  constexpr scmp_arg_cmp read_only{2, SCMP_CMP_MASKED_EQ, kWriting, O_RDONLY};
  constexpr scmp_arg_cmp only_readable{2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, 0};
  for (const int call : kPathCalls)
    if (seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0) != 0) return false;
  return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, read_only) == 0 &&
         seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, only_readable) == 0;
}

/// abort() signals its own thread. Signals to anybody else would let a cell stop the scan that judges it.
bool allow_own_abort(void* context) {
  constexpr scmp_arg_cmp to_itself{0, SCMP_CMP_EQ, kOwnPid, 0};
  return seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, to_itself) == 0;
}

Result<Filter> export_program(void* context) {
  const int file = ::memfd_create("filter", MFD_CLOEXEC);
  if (file < 0) return fail(Errc::io, 0, "no memory file for the system call filter");
  Filter filter;
  const bool exported = seccomp_export_bpf(context, file) == 0;
  const auto bytes = exported ? ::lseek(file, 0, SEEK_END) : 0;
  filter.resize(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
  const auto got = ::pread(file, filter.data(), static_cast<std::size_t>(bytes), 0);
  ::close(file);
  if (bytes <= 0 || got != bytes) return fail(Errc::unsupported, 0, "the system call filter cannot be exported");
  return filter;
}

// --- resources ---

/// Never above what this process was allowed anyway: an ordinary user may not ask for that.
Result<void> limit(__rlimit_resource resource, std::uint64_t most) {
  rlimit value{};
  const bool known = ::getrlimit(resource, &value) == 0;
  value.rlim_cur = value.rlim_max = std::min<rlim_t>(most, value.rlim_max);
  if (!known || ::setrlimit(resource, &value) != 0) return fail(Errc::io, 0, "a resource limit cannot be set");
  return {};
}

/// Address space of this process now, in bytes.
Result<std::uint64_t> own_size() {
  std::array<char, 64> text{};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const auto got = file < 0 ? -1 : ::read(file, text.data(), text.size());
  if (file >= 0) ::close(file);
  std::uint64_t pages = 0;
  if (got <= 0 || std::from_chars(text.data(), text.data() + got, pages).ec != std::errc{})
    return fail(Errc::io, 0, "the cell cannot read its own size");
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Result<void> limit_memory(std::uint64_t more_bytes) {
  const auto own = TRY(own_size());
  return limit(RLIMIT_AS, more_bytes > RLIM_INFINITY - own ? RLIM_INFINITY : own + more_bytes);
}

[[noreturn]] void end_for_memory() { ::_exit(kExitMemory); }

Result<void> limit_resources(const Lockdown& how) {
  if (!kSanitized) TRY(limit_memory(how.limits.memory_bytes));  // a sanitizer's shadow is terabytes of address space
  std::set_new_handler(end_for_memory);
  TRY(limit(RLIMIT_CORE, 0));
  TRY(limit(RLIMIT_FSIZE, how.limits.spool_bytes));
  return limit(RLIMIT_NOFILE, kCellSocket + 1 + how.most_descriptors);
}

// --- what is inherited ---

/// The cell dies with the thread that forked it, also when that one is already gone.
Result<void> follow_parent(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent)
    return fail(Errc::io, 0, "the cell has lost its parent");
  return {};
}

/// The parent's handlers are meant for the parent. The terminal's signals are too: what becomes of its cells is
/// the parent's decision. A spool at its limit is an error of write(), not a death.
void reset_signals() noexcept {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  for (const int number : {SIGINT, SIGQUIT, SIGHUP, SIGXFSZ}) ::signal(number, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Keeps the socket and nothing else. 0 to 2 become an exhausted pipe's reading end: they stay occupied, so that a
/// library's message to stderr can never land in a spool that was lent under number 2.
Result<void> drop_descriptors(int socket) {
  std::array<int, 2> pipe{};
  if (::dup2(socket, kCellSocket) < 0 || ::pipe(pipe.data()) != 0)
    return fail(Errc::io, 0, "the cell cannot arrange its descriptors");
  constexpr int kLastDead = kSanitized ? 1 : 2;  // a sanitizer's report must reach somebody
  bool done = true;
  for (int dead = 0; dead <= kLastDead; ++dead) done = ::dup2(pipe[0], dead) == dead && done;
  if (!done || ::close_range(kCellSocket + 1, ~0u, 0) != 0)
    return fail(Errc::io, 0, "the cell cannot close what it inherited");
  return {};
}

Result<void> give_up_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0) != 0)
    return fail(Errc::io, 0, "the cell cannot give up privileges");
  return {};
}

}  // namespace

Floor probe() noexcept { return {landlock_abi(), can_kill_by_filter()}; }

Tier attainable(Tier wanted) noexcept { return kSanitized ? Tier::unconfined : wanted; }

Result<Filter> build_filter(Paths paths) {
  // The context knows the native architecture only: i386 and x32 calls on x86-64 take the bad-architecture way out.
  const Context context{seccomp_init(SCMP_ACT_KILL_PROCESS)};
  if (!context || seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
      !allow_free_calls(context.get()) || !allow_data_memory(context.get()) || !allow_own_abort(context.get()) ||
      (paths == Paths::reading && !allow_reading_paths(context.get())))
    return fail(Errc::unsupported, 0, "the system call filter cannot be built");
  return export_program(context.get());
}

Result<void> deny_paths_and_ports() { return deny_paths_and_ports({}); }

Result<void> deny_paths_and_ports(std::span<const std::string> readable) {
  const auto attr = everything(landlock_abi());
  const auto ruleset = static_cast<int>(::syscall(kLandlockCreateRuleset, &attr, sizeof attr, 0));
  if (ruleset < 0) return fail(Errc::unsupported, 0, "this kernel has no Landlock");
  bool shown = true;
  for (const auto& path : readable) shown = allow_reading(ruleset, path) && shown;
  const auto denied = shown ? ::syscall(kLandlockRestrictSelf, ruleset, 0) : 0;
  ::close(ruleset);
  if (!shown) return fail(Errc::io, 0, "a folder that is to be read cannot be opened");
  if (denied != 0) return fail(Errc::unsupported, 0, "Landlock refused the rules");
  return {};
}

Result<void> deny_system_calls(Filter filter) {
  for (auto& step : filter)
    if (step.k == kOwnPid) step.k = static_cast<std::uint32_t>(::getpid());
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (filter.empty() || ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return fail(Errc::unsupported, 0, "the kernel refused the system call filter");
  return {};
}

Result<void> lock_down(const Lockdown& how) {
  TRY(follow_parent(how.parent));
  reset_signals();
  TRY(drop_descriptors(how.socket));
  TRY(limit_resources(how));
  TRY(give_up_privileges());
  if (how.tier == Tier::unconfined) return {};
  TRY(deny_paths_and_ports(how.readable));
  return deny_system_calls(how.filter);
}

}  // namespace assay::sandbox
