#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>

#include "sandbox/pool.h"
#include "sandbox/wire.h"

namespace assay::sandbox {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

// --- hostile workers, chosen by the request ---

void spin_for(std::chrono::milliseconds time, const Beat* beat = nullptr) {
  const auto until = Steady::now() + time;
  for (std::uint64_t turns = 0; Steady::now() < until; ++turns)
    if (beat != nullptr) (*beat)(turns);
}

std::string read_lent(int descriptor) {
  std::string text(64, '\0');
  const auto got = ::pread(descriptor, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

void write_raw(std::string_view bytes) {
  if (::write(kCellSocket, bytes.data(), bytes.size()) < 0) ::_exit(1);
}

std::string allocate_without_end() {
  std::vector<std::unique_ptr<char[]>> blocks;
  for (;;) blocks.push_back(std::make_unique_for_overwrite<char[]>(std::size_t{1} << 20));
}

std::string write_spool(int spool) {
  if (::pwrite(spool, "spooled", 7, 0) != 7) return "not writable";
  std::string back(7, '\0');
  return ::pread(spool, back.data(), back.size(), 0) == 7 ? back : "not readable";
}

/// An address that the compiler cannot know to be null.
int* volatile nowhere = nullptr;

const std::map<std::string_view, std::function<void()>> kCrimes = {
    {"open a file", [] { ::open("/etc/passwd", O_RDONLY); }},
    {"stat a file", [] { ::access("/etc/passwd", R_OK); }},
    {"make a socket", [] { ::socket(AF_INET, SOCK_STREAM, 0); }},
    {"run a program", [] { ::execl("/bin/true", "true", nullptr); }},
    {"fork", [] { ::fork(); }},
    {"make memory executable",
     [] {
       void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
     }},
    {"map executable memory",
     [] { ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
    {"kill the parent", [] { ::kill(::getppid(), SIGTERM); }},
    {"signal init", [] { ::syscall(SYS_tgkill, 1, 1, 0); }},
    {"trace the parent", [] { ::syscall(SYS_ptrace, 16, 1, 0, 0); }},
    {"raise a limit", [] { ::prctl(PR_SET_DUMPABLE, 1); }},
    {"use an io ring", [] { ::syscall(425, 8, nullptr); }},
#ifdef __x86_64__
    {"speak x32", [] { ::syscall(0x40000000 | SYS_getpid); }},
#endif
};

std::string hostile(int descriptor, int spool, std::string_view request, const Beat& beat) {
  if (const auto crime = kCrimes.find(request); crime != kCrimes.end()) return crime->second(), "got away with it";
  if (request == "read") return read_lent(descriptor);
  if (request == "spool") return write_spool(spool);
  if (request == "allocate without end") return allocate_without_end();
  if (request == "throw") throw std::runtime_error{"hostile"};
  if (request == "follow a null pointer") *nowhere = 1;
  if (request == "abort") std::abort();
  if (request == "exit") ::_exit(0);
  if (request == "hang") spin_for(60s);
  if (request == "hang and beat") spin_for(60s, &beat);
  if (request == "work for long and beat") spin_for(700ms, &beat);
  if (request == "work a little") spin_for(1ms);
  if (request == "send rubbish") write_raw("rubbish that is no frame at all");
  if (request == "answer for another") write_raw(raw(FrameHead{FrameKind::result, 0, 999'999}));
  if (request == "announce too much") write_raw(raw(FrameHead{FrameKind::result, ~0u, 7}));
  if (request == "send too much") return std::string(2 << 20, 'x');
  if (request == "send much") return std::string(900 << 10, 'x');
  if (request == "who am I") return std::to_string(::getpid());
  if (request == "close the socket and stay") ::close(kCellSocket), spin_for(60s);
  return "echo " + std::string{request};
}

// --- a pool to try them in ---

Limits tight() {
  Limits limits;
  limits.memory_bytes = 128 << 20;
  limits.spool_bytes = 1 << 20;
  limits.result_bytes = 1 << 20;
  limits.silence = 400ms;
  limits.wall = 1500ms;
  return limits;
}

Pool open_pool(unsigned cells = 1, Tier tier = Tier::confined, const Limits& limits = tight()) {
  auto pool = Pool::open(cells, hostile, hostile, limits, tier);
  if (!pool) {
    ADD_FAILURE() << pool.error().what;
    std::abort();
  }
  return std::move(*pool);
}

std::map<std::uint64_t, Reply> drain(Pool& pool) {
  std::vector<Reply> replies;
  while (pool.in_flight() > 0) pool.wait(1s, replies);
  std::map<std::uint64_t, Reply> by_id;
  for (auto& reply : replies) {
    EXPECT_FALSE(by_id.contains(reply.id)) << "answered twice: " << reply.id;
    by_id[reply.id] = std::move(reply);
  }
  return by_id;
}

Reply ask(Pool& pool, std::string request, Kind kind = Kind::pooled) {
  pool.submit({.id = 7, .request = std::move(request)}, kind);
  return drain(pool)[7];
}

Reply ask(std::string request, Kind kind = Kind::pooled) {
  auto pool = open_pool();
  return ask(pool, std::move(request), kind);
}

int temporary(std::string_view content) {
  const int file = ::memfd_create("test", MFD_CLOEXEC);
  EXPECT_EQ(::write(file, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return file;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (int number = 0; number < 4096; ++number) count += ::fcntl(number, F_GETFD) >= 0;
  return count;
}

bool has_children() { return ::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD; }

#ifdef ASSAY_SANITIZED
#define NEEDS_CONFINEMENT GTEST_SKIP() << "a sanitized build cannot confine"
#else
#define NEEDS_CONFINEMENT static_cast<void>(0)
#endif

// --- what comes through ---

TEST(Pool, CarriesRequestsAndResults) {
  const auto reply = ask("hello");
  EXPECT_EQ(reply.outcome, Outcome::done);
  EXPECT_EQ(reply.result, "echo hello");
}

TEST(Pool, LendsDescriptorsAndClosesThem) {
  const auto before = open_descriptors();
  {
    auto pool = open_pool(2);
    for (std::uint64_t id = 0; id < 200; ++id)
      pool.submit({.id = id, .descriptor = temporary("file " + std::to_string(id)), .request = "read"}, Kind::pooled);
    const auto replies = drain(pool);
    ASSERT_EQ(replies.size(), 200u);
    for (const auto& [id, reply] : replies) EXPECT_EQ(reply.result, "file " + std::to_string(id));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Pool, LendsASpoolToBothKindsAndLeavesItOpen) {
  auto pool = open_pool();
  for (const auto kind : {Kind::pooled, Kind::one_shot}) {
    const int spool = temporary("");
    pool.submit({.id = 1, .descriptor = temporary("x"), .spool = spool, .request = "spool"}, kind);
    EXPECT_EQ(drain(pool)[1].result, "spooled");
    EXPECT_EQ(read_lent(spool), "spooled");
    ::close(spool);
  }
}

TEST(Pool, GivesEveryOneShotJobItsOwnCell) {
  auto pool = open_pool(2);
  for (std::uint64_t id = 0; id < 10; ++id) pool.submit({.id = id, .request = "who am I"}, Kind::one_shot);
  std::set<std::string> cells;
  for (const auto& [id, reply] : drain(pool)) cells.insert(reply.result);
  EXPECT_EQ(cells.size(), 10u);
}

TEST(Pool, PassesLargeResultsThrough) {
  auto pool = open_pool(2);
  for (std::uint64_t id = 0; id < 20; ++id) pool.submit({.id = id, .request = "send much"}, Kind::pooled);
  for (const auto& [id, reply] : drain(pool)) EXPECT_EQ(reply.result.size(), std::size_t{900} << 10);
}

TEST(Pool, PassesLargeRequestsThrough) {
  auto pool = open_pool(2);
  const std::string large(kMostRequestBytes, 'r');
  for (std::uint64_t id = 0; id < 200; ++id) pool.submit({.id = id, .request = large}, Kind::pooled);
  for (const auto& [id, reply] : drain(pool)) EXPECT_EQ(reply.result, "echo " + large);
}

TEST(Pool, RunsTwentyThousandSmallJobs) {
  auto pool = open_pool(2);
  std::vector<Reply> replies;
  std::uint64_t next = 0;
  while (replies.size() < 20'000) {
    for (; next < 20'000 && pool.wants_more(); ++next) pool.submit({.id = next, .request = "job"}, Kind::pooled);
    pool.wait(1s, replies);
  }
  EXPECT_EQ(pool.in_flight(), 0u);
  std::set<std::uint64_t> ids;
  for (const auto& reply : replies)
    if (reply.outcome == Outcome::done) ids.insert(reply.id);
  EXPECT_EQ(ids.size(), 20'000u);
}

TEST(Pool, WaitReturnsAtOnceWithoutJobsAndInTimeWithSlowOnes) {
  auto pool = open_pool();
  std::vector<Reply> replies;
  pool.wait(1h, replies);
  pool.submit({.id = 1, .request = "work for long and beat"}, Kind::pooled);
  const auto began = Steady::now();
  pool.wait(20ms, replies);
  EXPECT_TRUE(replies.empty());
  EXPECT_LT(Steady::now() - began, 600ms);
}

TEST(Pool, ShowsTheProgressOfRunningJobs) {
  auto pool = open_pool();
  pool.submit({.id = 42, .request = "work for long and beat"}, Kind::pooled);
  std::vector<Reply> replies;
  std::uint64_t most = 0;
  while (pool.in_flight() > 0) {
    pool.wait(20ms, replies);
    for (const auto& progress : pool.running()) {
      EXPECT_EQ(progress.id, 42u);
      most = std::max(most, progress.bytes_done);
    }
  }
  EXPECT_GT(most, 0u);
}

// Small jobs that are done must not wait for a long one in the same batch.
TEST(Pool, DeliversFinishedResultsWhileALongJobRuns) {
  auto pool = open_pool();
  for (std::uint64_t id = 0; id < 4; ++id) pool.submit({.id = id, .request = "quick"}, Kind::pooled);
  for (std::uint64_t id = 4; id < 6; ++id) pool.submit({.id = id, .request = "work for long and beat"}, Kind::pooled);
  const auto began = Steady::now();
  std::vector<Reply> replies;
  while (replies.size() < 4) pool.wait(1s, replies);
  EXPECT_LT(Steady::now() - began, 600ms);
  EXPECT_EQ(drain(pool).size(), 2u);
}

// --- which denial was met ---

TEST(Cell, EveryForbiddenSystemCallEndsIt) {
  NEEDS_CONFINEMENT;
  for (const auto& [crime, unused] : kCrimes) {
    const auto reply = ask(std::string{crime});
    EXPECT_EQ(reply.outcome, Outcome::denied) << crime << ": " << to_string(reply.outcome) << " " << reply.result;
    EXPECT_EQ(reply.signal, SIGSYS) << crime;
  }
}

TEST(Cell, OneShotCellsAreConfinedTheSameWay) {
  NEEDS_CONFINEMENT;
  EXPECT_EQ(ask("open a file", Kind::one_shot).outcome, Outcome::denied);
}

TEST(Cell, TheUnconfinedTierDoesNotFilter) {
  auto pool = open_pool(1, Tier::unconfined);
  EXPECT_EQ(pool.tier(), Tier::unconfined);
  EXPECT_EQ(ask(pool, "open a file").result, "got away with it");
}

TEST(Cell, ASanitizedBuildSaysThatItIsUnconfined) {
#ifdef ASSAY_SANITIZED
  EXPECT_EQ(open_pool().tier(), Tier::unconfined);
#else
  EXPECT_EQ(open_pool().tier(), Tier::confined);
#endif
}

/// Runs `act` in a child of our own that has met one layer, and gives the child's wait status.
int under(Result<void> (*layer)(), int (*act)()) {
  const auto child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::_exit(layer() ? act() : 99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

int open_errno() { return ::open("/etc/passwd", O_RDONLY) < 0 ? errno : 0; }

int connect_errno() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ? errno : 0;
}

// The filter would end a cell before Landlock is asked, so each layer is shown to hold on its own.
TEST(Cell, LandlockAloneDeniesPathsAndPorts) {
  if (probe().landlock_abi == 0) GTEST_SKIP() << "no Landlock here";
  EXPECT_EQ(WEXITSTATUS(under(deny_paths_and_ports, open_errno)), EACCES);
  if (probe().landlock_abi < 4) return;
  EXPECT_EQ(WEXITSTATUS(under(deny_paths_and_ports, connect_errno)), EACCES);
}

TEST(Cell, TheFilterAloneEndsTheProcess) {
  NEEDS_CONFINEMENT;
  const auto layer = []() -> Result<void> { return deny_system_calls(TRY(build_filter())); };
  const auto status = under(layer, open_errno);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

// --- folder readers ---

std::string errno_of(bool succeeded) { return succeeded ? "got away with it" : std::to_string(errno); }

/// Asked "open PATH", "map PATH" and so on.
std::string follow_paths(int, int, std::string_view request, const Beat&) {
  const auto space = request.find(' ');
  const auto verb = request.substr(0, space);
  const std::string path{request.substr(space + 1)};
  if (verb == "write") return errno_of(::open(path.c_str(), O_WRONLY) >= 0);
  if (verb == "create") return errno_of(::open(path.c_str(), O_RDONLY | O_CREAT, 0600) >= 0);
  if (verb == "truncate") return errno_of(::open(path.c_str(), O_RDONLY | O_TRUNC) >= 0);
  if (verb == "remove") return errno_of(::unlink(path.c_str()) == 0);
  if (verb == "link") return errno_of(::symlink("x", path.c_str()) == 0);
  if (verb == "execute") return errno_of(::execl(path.c_str(), path.c_str(), nullptr) == 0);
  if (verb == "list") return errno_of(::open(path.c_str(), O_RDONLY | O_DIRECTORY) >= 0);
  const int file = ::open(path.c_str(), O_RDONLY);
  if (file < 0) return errno_of(false);
  if (verb == "read") return read_lent(file);
  const int protection = verb == "map-executable" ? PROT_READ | PROT_EXEC : PROT_READ;
  const auto* page = static_cast<const char*>(::mmap(nullptr, 4096, protection, MAP_PRIVATE, file, 0));
  return page == MAP_FAILED ? errno_of(false) : std::string{page, 5};
}

/// A folder with a file "shown" that says "hello", for one test.
class FolderReader : public testing::Test {
 protected:
  FolderReader() {
    std::string name = testing::TempDir() + "assay-folder-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    const int file = ::open((folder_ + "/shown").c_str(), O_WRONLY | O_CREAT, 0700);
    EXPECT_EQ(::write(file, "hello", 5), 5);
    ::close(file);
  }
  ~FolderReader() override {
    ::unlink((folder_ + "/shown").c_str());
    ::rmdir(folder_.c_str());
  }
  Reply told_to(std::string_view verb, const std::string& path) {
    auto pool = Pool::open(1, follow_paths, follow_paths, tight(), Tier::confined, {folder_});
    return ask(*pool, std::string{verb} + " " + path);
  }
  std::string shown() const { return folder_ + "/shown"; }
  std::string folder_;
};

TEST_F(FolderReader, ReadsListsAndMapsWhatItWasPromised) {
  EXPECT_EQ(told_to("read", shown()).result, "hello");
  EXPECT_EQ(told_to("map", shown()).result, "hello");
  EXPECT_EQ(told_to("list", folder_).result, "got away with it");
  EXPECT_EQ(told_to("read", folder_ + "/absent").result, std::to_string(ENOENT));
}

TEST_F(FolderReader, ReadsAndListsNothingElse) {
  NEEDS_CONFINEMENT;
  for (const auto* path : {"/etc/passwd", "/proc/self/environ"})
    EXPECT_EQ(told_to("read", path).result, std::to_string(EACCES)) << path;
  EXPECT_EQ(told_to("read", folder_ + "/../../etc/passwd").result, std::to_string(EACCES));
  EXPECT_EQ(told_to("list", "/").result, std::to_string(EACCES));
}

TEST_F(FolderReader, NeverWritesNorExecutes) {
  NEEDS_CONFINEMENT;
  for (const auto* verb : {"write", "truncate", "remove", "execute", "map-executable"})
    EXPECT_EQ(told_to(verb, shown()).outcome, Outcome::denied) << verb;
  for (const auto* verb : {"create", "link"})
    EXPECT_EQ(told_to(verb, folder_ + "/new").outcome, Outcome::denied) << verb;
  EXPECT_EQ(told_to("read", shown()).result, "hello");
}

TEST_F(FolderReader, LandlockAloneShowsTheFolderAndDeniesWriting) {
  if (probe().landlock_abi == 0) GTEST_SKIP() << "no Landlock here";
  static std::string path, promised;
  path = shown(), promised = folder_;
  const auto layer = []() -> Result<void> { return deny_paths_and_ports(std::span{&promised, 1}); };
  const auto opened = [](int flags) { return ::open(path.c_str(), flags) < 0 ? errno : 0; };
  static auto open_shown = opened;
  EXPECT_EQ(WEXITSTATUS(under(layer, [] { return open_shown(O_RDONLY); })), 0);
  EXPECT_EQ(WEXITSTATUS(under(layer, [] { return open_shown(O_WRONLY); })), EACCES);
  EXPECT_EQ(WEXITSTATUS(under(layer, open_errno)), EACCES);
}

TEST_F(FolderReader, IsStillDeniedEverythingElse) {
  NEEDS_CONFINEMENT;
  auto pool = Pool::open(1, hostile, hostile, tight(), Tier::confined, {folder_});
  ASSERT_TRUE(pool);
  for (const auto* crime : {"make a socket", "run a program", "fork", "make memory executable", "kill the parent"})
    EXPECT_EQ(ask(*pool, crime).outcome, Outcome::denied) << crime;
}

TEST_F(FolderReader, DoesNotStartWithoutItsFolder) {
  NEEDS_CONFINEMENT;
  EXPECT_FALSE(Pool::open(1, follow_paths, follow_paths, tight(), Tier::confined, {folder_ + "/absent"}));
}

TEST(Cell, InheritsNoDescriptor) {
  const int secret = temporary("secret");
  const auto count_open = [](int, int, std::string_view request, const Beat&) {
    int open = 0;
    for (int number = kCellSocket + 1; number < 100; ++number) open += ::lseek(number, 0, SEEK_CUR) >= 0;
    return std::to_string(open) + std::string{request};
  };
  auto pool = Pool::open(1, count_open, count_open, tight(), Tier::confined);
  ASSERT_TRUE(pool);
  EXPECT_EQ(ask(*pool, "").result, "0");
  ::close(secret);
}

TEST(Cell, MayAbortItself) {
  const auto reply = ask("abort");
  EXPECT_EQ(reply.outcome, Outcome::crashed);
  EXPECT_EQ(reply.signal, SIGABRT);
}

TEST(Cell, AllocatingBeyondTheLimitIsNamed) {
  NEEDS_CONFINEMENT;
  EXPECT_EQ(ask("allocate without end").outcome, Outcome::memory_limit);
}

TEST(Cell, ASpoolEndsAtItsLimitWithAnError) {
  const auto grow = [](int, int spool, std::string_view, const Beat&) -> std::string {
    return ::pwrite(spool, "x", 1, 1 << 20) < 0 && errno == EFBIG ? "file too big" : "it grew";
  };
  auto pool = Pool::open(1, grow, grow, tight(), Tier::confined);
  ASSERT_TRUE(pool);
  const int spool = temporary("");
  pool->submit({.id = 1, .spool = spool, .request = {}}, Kind::one_shot);
  EXPECT_EQ(drain(*pool)[1].result, "file too big");
  ::close(spool);
}

TEST(Cell, CrashesAreNamed) {
  const auto reply = ask("follow a null pointer");
  EXPECT_EQ(reply.outcome, Outcome::crashed);
#ifndef ASSAY_SANITIZED
  EXPECT_EQ(reply.signal, SIGSEGV);
#endif
  EXPECT_EQ(ask("throw").outcome, Outcome::crashed);
  EXPECT_EQ(ask("exit").outcome, Outcome::crashed);
}

TEST(Cell, SilenceIsStopped) {
  const auto began = Steady::now();
  EXPECT_EQ(ask("hang").outcome, Outcome::timed_out);
  EXPECT_LT(Steady::now() - began, 1300ms) << "it must be stopped for silence, and run only once";
}

TEST(Cell, LongWorkWithBeatsIsAllowedUntilItsWallTime) {
  EXPECT_EQ(ask("work for long and beat").outcome, Outcome::done);
  const auto began = Steady::now();
  EXPECT_EQ(ask("hang and beat").outcome, Outcome::timed_out);
  EXPECT_GE(Steady::now() - began, 1500ms);
}

// --- the parent trusts nothing ---

TEST(Pool, RefusesWhatNoHonestCellSends) {
  for (const auto* request : {"send rubbish", "answer for another", "announce too much", "send too much"}) {
    const auto reply = ask(request);
    EXPECT_EQ(reply.outcome, Outcome::refused) << request;
    EXPECT_TRUE(reply.result.empty()) << request;
  }
}

TEST(Pool, DoesNotWaitForACellThatClosedItsSocket) {
  EXPECT_EQ(ask("close the socket and stay").outcome, Outcome::crashed);
}

TEST(Pool, LeavesNoProcessesBehind) {
  {
    auto pool = open_pool(2);
    for (std::uint64_t id = 0; id < 50; ++id) pool.submit({.id = id, .request = "hang"}, Kind::pooled);
    pool.submit({.id = 50, .request = "hang"}, Kind::one_shot);
    std::vector<Reply> replies;
    pool.wait(10ms, replies);
  }
  EXPECT_FALSE(has_children());
}

// A program that is killed must not leave a cell spinning for nobody.
TEST(Cell, DiesWithItsParent) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that the orphan is ours to wait for
  const auto parent = ::fork();
  if (parent == 0) {
    auto limits = tight();
    limits.silence = limits.wall = 60s;
    auto pool = open_pool(1, Tier::confined, limits);
    pool.submit({.id = 1, .request = "hang"}, Kind::pooled);
    std::vector<Reply> replies;
    pool.wait(50ms, replies);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(parent, &status, 0), parent);
  const auto began = Steady::now();
  ASSERT_GT(::waitpid(-1, &status, 0), 0);
  EXPECT_LT(Steady::now() - began, 10s);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

// --- one job's end is no other job's ---

TEST(Pool, NeighboursOfBadJobsGetTheirResults) {
  std::map<std::uint64_t, std::pair<std::string, Outcome>> bad = {{3, {"follow a null pointer", Outcome::crashed}},
                                                                  {4, {"throw", Outcome::crashed}},
                                                                  {40, {"hang", Outcome::timed_out}},
                                                                  {77, {"send rubbish", Outcome::refused}},
                                                                  {120, {"send too much", Outcome::refused}}};
#ifndef ASSAY_SANITIZED
  bad[90] = {"open a file", Outcome::denied};
  bad[91] = {"allocate without end", Outcome::memory_limit};
#endif
  auto pool = open_pool(2);
  for (std::uint64_t id = 0; id < 300; ++id)
    pool.submit({.id = id, .descriptor = temporary("kept"), .request = bad.contains(id) ? bad[id].first : "read"},
                Kind::pooled);
  const auto replies = drain(pool);
  ASSERT_EQ(replies.size(), 300u);
  for (const auto& [id, reply] : replies) {
    EXPECT_EQ(reply.outcome, bad.contains(id) ? bad[id].second : Outcome::done) << id;
    if (!bad.contains(id)) {
      EXPECT_EQ(reply.result, "kept") << id;
    }
  }
}

TEST(Pool, EveryJobOfABatchMayCrash) {
  auto pool = open_pool(2);
  for (std::uint64_t id = 0; id < 100; ++id) pool.submit({.id = id, .request = "exit"}, Kind::pooled);
  const auto replies = drain(pool);
  ASSERT_EQ(replies.size(), 100u);
  for (const auto& [id, reply] : replies) EXPECT_EQ(reply.outcome, Outcome::crashed);
}

// A cell killed from outside, again and again, costs time and no result.
TEST(Pool, CellsKilledFromOutsideLoseNothing) {
  auto pool = open_pool(2);
  std::vector<Reply> replies;
  std::uint64_t next = 0;
  int kills = 0;
  while (replies.size() < 1000) {
    for (; next < 1000 && pool.wants_more(); ++next) {
      // Some jobs name the cell that will be shot; the others keep both cells at work meanwhile.
      pool.submit({.id = next, .request = next % 100 == 0 ? "who am I" : "work a little"}, Kind::pooled);
    }
    const auto before = replies.size();
    pool.wait(1s, replies);
    for (auto i = before; i < replies.size(); ++i)
      if (replies[i].id % 100 == 0 && ::kill(std::atoi(replies[i].result.c_str()), SIGKILL) == 0) ++kills;
  }
  EXPECT_GT(kills, 1);
  std::set<std::uint64_t> ids;
  for (const auto& reply : replies) {
    EXPECT_EQ(reply.outcome, Outcome::done) << reply.id;
    ids.insert(reply.id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(Pool, HeavyJobsDoNotHoldUpLightOnes) {
  auto pool = open_pool(2);
  pool.submit({.id = 0, .weight = 1 << 30, .request = "work for long and beat"}, Kind::pooled);
  for (std::uint64_t id = 1; id < 200; ++id) pool.submit({.id = id, .weight = 100, .request = "quick"}, Kind::pooled);
  std::vector<Reply> replies;
  while (pool.in_flight() > 0) pool.wait(1s, replies);
  ASSERT_EQ(replies.size(), 200u);
  EXPECT_EQ(replies.back().id, 0u);
}

TEST(Inbox, HoldsBackWhatIsNotWhole) {
  Inbox inbox{16};
  const FrameHead head{FrameKind::result, 3, 5};
  inbox.push(raw(head));
  EXPECT_FALSE(inbox.next()->has_value());
  inbox.push("abcd");
  const auto frame = inbox.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->id, 5u);
  EXPECT_EQ((*frame)->result, "abc");
  EXPECT_FALSE(inbox.next()->has_value());
}

TEST(Inbox, RefusesALengthAboveTheLimitBeforeItsBytesCome) {
  Inbox inbox{16};
  inbox.push(raw(FrameHead{FrameKind::result, 17, 5}));
  EXPECT_EQ(inbox.next().error().code, Errc::limit_reached);
}

}  // namespace
}  // namespace assay::sandbox
