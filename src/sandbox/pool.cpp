#include "sandbox/pool.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <optional>

#include "sandbox/child.h"
#include "sandbox/wire.h"

namespace assay::sandbox {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kBatchWeight = 8 << 20;    // bytes of files that may share a batch
constexpr std::uint64_t kJobWeight = 1 << 10;      // what reading even an empty file amounts to, in bytes
constexpr std::uint64_t kWorthWaking = 128 << 10;  // bytes: some tens of microseconds of a cell's time
constexpr std::size_t kBatchesAhead = 2;           // one being read, one waiting in the socket
constexpr std::size_t kReceiveBytes = 256 << 10;
constexpr unsigned kMostLostRuns = 3;  // then a job no longer shares its cell's fate with others
constexpr milliseconds kMostTick{250};
constexpr milliseconds kReadyWithin{10'000};
constexpr std::chrono::seconds kAbsence{1};
constexpr std::chrono::hours kLongestWait{24};  // of one wait(): the sum with now must not overflow

struct Task {
  Job job;
  Kind kind = Kind::pooled;
  unsigned lost_runs = 0;   // cells that died while this job was sent to them
  bool second_run = false;  // a cell died under this very job
};

struct Cell {
  bool single = false;
  std::unique_ptr<Child> child;  // none: dead, or not needed yet
  Inbox inbox;
  bool ready = false;
  std::deque<Task> tasks = {};           // sent and not yet answered, in order
  std::deque<std::size_t> batches = {};  // tasks left of each batch sent
  std::uint64_t answered = 0;
  std::uint64_t beats = 0;
  Steady::time_point heard = {};  // last sign of life
  Steady::time_point began = {};  // no later than the job being read

  std::uint64_t weight() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& task : tasks) sum += std::min(task.job.weight, kBatchWeight + 1);
    return sum;
  }
};

struct End {
  Outcome outcome;
  int signal;
};

End end_of(int status) noexcept {
  if (WIFSIGNALED(status)) return {WTERMSIG(status) == SIGSYS ? Outcome::denied : Outcome::crashed, WTERMSIG(status)};
  return {WEXITSTATUS(status) == kExitMemory ? Outcome::memory_limit : Outcome::crashed, 0};
}

Parcel pack(std::deque<Task>::const_iterator first, std::deque<Task>::const_iterator last) {
  Parcel parcel;
  std::size_t bytes = sizeof(BatchHead);
  for (auto task = first; task != last; ++task) bytes += sizeof(JobHead) + task->job.request.size();
  parcel.bytes.reserve(bytes);
  parcel.bytes.resize(sizeof(BatchHead));
  for (auto task = first; task != last; ++task) {
    const auto& job = task->job;
    const auto request_bytes = static_cast<std::uint32_t>(job.request.size());
    parcel.bytes += raw(JobHead{job.id, request_bytes, job.descriptor >= 0, job.spool >= 0});
    parcel.bytes += job.request;
    if (job.descriptor >= 0) parcel.descriptors.push_back(job.descriptor);
    if (job.spool >= 0) parcel.descriptors.push_back(job.spool);
  }
  const BatchHead head{static_cast<std::uint32_t>(last - first),
                       static_cast<std::uint32_t>(parcel.bytes.size() - sizeof(BatchHead))};
  parcel.bytes.replace(0, sizeof head, raw(head));
  return parcel;
}

}  // namespace

std::size_t descriptors_to_share() noexcept {
  rlimit files{};
  constexpr std::size_t kSpare = 16, kUsual = 1024;
  const std::size_t most = ::getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur : kUsual;
  return most > 2 * kSpare ? most - kSpare : kSpare;
}

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::done: return "done";
    case Outcome::crashed: return "crashed";
    case Outcome::timed_out: return "timed-out";
    case Outcome::memory_limit: return "memory-limit";
    case Outcome::denied: return "denied";
    case Outcome::refused: return "refused";
  }
  return "unknown";
}

struct Pool::State {
  unsigned most_cells;
  Work pooled;
  Work one_shot;
  Limits limits;
  Tier tier;
  Filter filter = {};
  std::vector<std::string> readable = {};
  std::size_t room;               // jobs
  std::deque<Task> pending = {};  // for cells that share
  std::deque<Task> alone = {};    // for a cell of their own
  std::vector<Cell> cells = {};   // the first most_cells are pooled and stay; single ones come and go behind them
  std::vector<char> received = std::vector<char>(kReceiveBytes);
  std::vector<pollfd> polled = {};
  Steady::time_point looked = {};
  std::vector<Reply>* replies = nullptr;  // of the wait() in progress

  State(unsigned cells_wanted, Work shared, Work single, const Limits& bounds, Tier possible)
      : most_cells{cells_wanted},
        pooled{std::move(shared)},
        one_shot{std::move(single)},
        limits{bounds},
        tier{possible},
        room{std::min(cells_wanted * 2 * kBatchesAhead * kBatchJobs,
                      std::max<std::size_t>(descriptors_to_share() / 4, 1))} {}

  ~State() {
    const auto forget = [](const std::deque<Task>& tasks) {
      for (const auto& task : tasks)
        if (task.job.descriptor >= 0) ::close(task.job.descriptor);
    };
    forget(pending);
    forget(alone);
    for (const auto& cell : cells) forget(cell.tasks);
  }

  std::size_t in_flight() const noexcept {
    auto sum = pending.size() + alone.size();
    for (const auto& cell : cells) sum += cell.tasks.size();
    return sum;
  }

  // --- replies ---

  void reply(Task& task, End end, std::string_view result = {}) {
    if (task.job.descriptor >= 0) ::close(task.job.descriptor);
    replies->push_back({task.job.id, end.outcome, std::string{result}, end.signal});
  }

  void accept(Cell& cell, std::string_view result) {
    reply(cell.tasks.front(), {Outcome::done, 0}, result);
    cell.tasks.pop_front();
    ++cell.answered;
    cell.began = looked;
    if (--cell.batches.front() == 0) cell.batches.pop_front();
    if (cell.single) cell.child.reset();
  }

  // --- cells come and go ---

  bool revive(Cell& cell, const Work& work) {
    auto child = Child::fork({work, limits, filter, tier, cell.single, readable});
    if (!child) return false;
    cell = Cell{cell.single, *std::move(child), Inbox{limits.result_bytes}};
    return true;
  }

  /// The job that the cell was on when it ended, as its own shared page has it. The page may lie, and then a
  /// neighbour is suspected: that one only runs once more, alone, and is cleared.
  static std::size_t suspect(const Cell& cell) noexcept {
    const auto index = cell.child->pulse().started.load(std::memory_order_relaxed) - 1 - cell.answered;
    return index < cell.tasks.size() ? static_cast<std::size_t>(index) : 0;
  }

  /// Kills what is left of the cell, and sees to it that each of its jobs is either answered or run again. Every
  /// death answers a job or uses up one of the few runs a job has, so there is an end to it.
  void bury(Cell& cell, std::optional<Outcome> ours = std::nullopt) {
    const auto guilty = suspect(cell);
    const auto status = end_of(cell.child->end());
    const auto end = ours ? End{*ours, 0} : status;
    cell.child.reset();
    cell.batches.clear();
    for (auto i = cell.tasks.size(); i-- > 0;) run_again(std::move(cell.tasks[i]), i == guilty, end);
    cell.tasks.clear();
  }

  void run_again(Task task, bool guilty, End end) {
    const bool has_fresh_spool = task.job.spool < 0 || ::ftruncate(task.job.spool, 0) == 0;
    const bool judged = guilty && (task.second_run || end.outcome == Outcome::timed_out);
    if (judged || !has_fresh_spool) return reply(task, end);
    ++task.lost_runs;
    task.second_run |= guilty;
    const bool shares = task.kind == Kind::pooled && !guilty && task.lost_runs < kMostLostRuns;
    (shares ? pending : alone).push_front(std::move(task));
  }

  // --- work goes out ---

  void dispatch() {
    dispatch_alone();
    // Idle cells first, so that the last jobs are shared out before anybody gets a second batch.
    for (std::size_t i = 0; i < most_cells && !pending.empty(); ++i)
      if (cells[i].tasks.empty()) dispatch_batch(cells[i]);
    for (std::size_t i = 0; i < most_cells && !pending.empty(); ++i)
      if (may_prime(cells[i])) dispatch_batch(cells[i]);
  }

  /// A heavy job neither waits behind another, nor has small ones waiting behind it, in one cell's socket.
  bool may_prime(const Cell& cell) const noexcept {
    return cell.child && cell.batches.size() < kBatchesAhead && cell.weight() <= kBatchWeight &&
           pending.front().job.weight <= kBatchWeight;
  }

  void dispatch_alone() {
    while (!alone.empty() && cells.size() < 2 * std::size_t{most_cells}) {
      auto task = std::move(alone.front());
      alone.pop_front();
      Cell cell{true, nullptr, Inbox{limits.result_bytes}};
      if (!revive(cell, task.kind == Kind::one_shot ? one_shot : pooled)) {
        reply(task, {Outcome::crashed, 0});  // no process to be had: an answer all the same
        continue;
      }
      cell.tasks.push_back(std::move(task));
      cells.push_back(std::move(cell));
      send(cells.back(), 1);
    }
  }

  void dispatch_batch(Cell& cell) {
    if (!cell.child && !revive(cell, pooled)) return give_up_if_last();
    const auto jobs = batch_size();
    for (std::size_t i = 0; i < jobs; ++i) {
      cell.tasks.push_back(std::move(pending.front()));
      pending.pop_front();
    }
    send(cell, jobs);
  }

  /// Small near the end, so that no cell idles while another has a queue, but not so small that waking the cell costs
  /// more than its work; never more than kBatchWeight together.
  std::size_t batch_size() const noexcept {
    const auto share = pending.size() / (2 * std::size_t{most_cells}) + 1;
    const auto most = std::min(kBatchJobs, pending.size());
    std::uint64_t weight = pending.front().job.weight;
    std::size_t jobs = 1;
    for (; jobs < most && weight <= kBatchWeight; ++jobs) {
      if (jobs >= share && weight + jobs * kJobWeight >= kWorthWaking) break;
      const auto next = pending[jobs].job.weight;
      if (next > kBatchWeight - weight) break;
      weight += next;
    }
    return jobs;
  }

  void send(Cell& cell, std::size_t jobs) {
    const auto now = Steady::now();
    if (cell.batches.empty()) cell.heard = cell.began = now;
    cell.batches.push_back(jobs);
    const auto first = cell.tasks.cend() - static_cast<std::ptrdiff_t>(jobs);
    if (!cell.child->post(pack(first, cell.tasks.cend()))) bury(cell);
  }

  /// The system gives no process. While another cell lives, jobs can wait for that one.
  void give_up_if_last() {
    if (std::any_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.child != nullptr; })) return;
    for (auto& task : pending) reply(task, {Outcome::crashed, 0});
    pending.clear();
  }

  /// The socket has room again, so the cell is taking its batch: a sign of life.
  void send_rest(Cell& cell) {
    cell.heard = looked;
    if (!cell.child->flush()) bury(cell);
  }

  // --- results come in ---

  /// False when a signal came.
  bool poll_cells(milliseconds timeout) {
    polled.clear();
    for (const auto& cell : cells) {
      const auto events = cell.child && cell.child->wants_to_send() ? POLLIN | POLLOUT : POLLIN;
      polled.push_back({cell.child ? cell.child->socket() : -1, static_cast<short>(events), 0});
    }
    const auto woken = ::poll(polled.data(), polled.size(), static_cast<int>(timeout.count()));
    if (woken < 0)
      for (auto& entry : polled) entry.revents = 0;
    return woken >= 0;
  }

  void collect() {
    forgive_absence();
    for (std::size_t i = 0; i < polled.size(); ++i) {
      auto& cell = cells[i];
      const auto events = polled[i].revents;
      if (events & POLLOUT) send_rest(cell);
      if (cell.child && events & (POLLIN | POLLHUP | POLLERR)) receive(cell);
      if (cell.child) stop_if_overdue(cell);
    }
    const auto is_over = [](const Cell& cell) { return cell.single && !cell.child; };
    cells.erase(std::remove_if(cells.begin(), cells.end(), is_over), cells.end());
  }

  void receive(Cell& cell) {
    const auto got = cell.child->receive(received);
    if (got < 0) return;
    if (got == 0) return bury(cell);
    cell.heard = looked;
    cell.inbox.push({received.data(), static_cast<std::size_t>(got)});
    while (cell.child) {
      const auto frame = cell.inbox.next();
      if (!frame) return bury(cell, Outcome::refused);
      if (!*frame) return;
      if (!is_expected(cell, **frame)) return bury(cell, Outcome::refused);
      if ((*frame)->kind == FrameKind::ready) cell.ready = true;
      else accept(cell, (*frame)->result);
    }
  }

  static bool is_expected(const Cell& cell, const Frame& frame) noexcept {
    if (frame.kind == FrameKind::ready) return !cell.ready && frame.result.empty();
    return cell.ready && !cell.tasks.empty() && frame.id == cell.tasks.front().job.id;
  }

  // --- time ---

  /// While the caller was busy elsewhere, or the whole program stopped by Ctrl-Z, no cell could be heard: that time
  /// is not held against them.
  void forgive_absence() {
    const auto now = Steady::now();
    const auto away = now - looked;
    looked = now;
    if (away <= kAbsence) return;
    for (auto& cell : cells) {
      cell.heard = std::min(cell.heard + away, now);
      cell.began = std::min(cell.began + away, now);
    }
  }

  void stop_if_overdue(Cell& cell) {
    const auto beats = cell.child->pulse().beats.load(std::memory_order_relaxed);
    if (beats != cell.beats) cell.heard = looked;
    cell.beats = beats;
    if (cell.tasks.empty()) return;
    if (looked - cell.heard > limits.silence || looked - cell.began > limits.wall) bury(cell, Outcome::timed_out);
  }

  milliseconds tick() const noexcept { return std::clamp(limits.silence / 4, milliseconds{1}, kMostTick); }

  Result<void> await_ready() {
    const auto until = Steady::now() + kReadyWithin;
    std::vector<Reply> none;
    replies = &none;
    looked = Steady::now();
    while (!std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.ready; })) {
      poll_cells(tick());
      collect();
      const bool died = std::any_of(cells.begin(), cells.end(), [](const Cell& cell) { return !cell.child; });
      if (died || Steady::now() > until) return fail(Errc::unsupported, 0, "a cell could not lock itself down");
    }
    return {};
  }
};

Pool::Pool(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Pool::Pool(Pool&&) noexcept = default;
Pool& Pool::operator=(Pool&&) noexcept = default;
Pool::~Pool() = default;

Result<Pool> Pool::open(unsigned cells, Work pooled, Work one_shot, const Limits& limits, Tier wanted,
                        std::vector<std::string> readable) {
  ASSAY_ASSERT(cells > 0);
  auto state = std::make_unique<State>(cells, std::move(pooled), std::move(one_shot), limits, attainable(wanted));
  if (state->tier == Tier::confined) {
    if (!probe().holds()) return fail(Errc::unsupported, 0, "this kernel cannot confine a cell");
    state->filter = TRY(build_filter(readable.empty() ? Paths::none : Paths::reading));
  }
  state->readable = std::move(readable);
  for (unsigned i = 0; i < cells; ++i) {
    Cell cell{false, nullptr, Inbox{limits.result_bytes}};
    if (!state->revive(cell, state->pooled)) return fail(Errc::io, 0, "no process for a cell");
    state->cells.push_back(std::move(cell));
  }
  TRY(state->await_ready());
  return Pool{std::move(state)};
}

Tier Pool::tier() const noexcept { return state_->tier; }

bool Pool::wants_more() const noexcept { return state_->in_flight() < state_->room; }

void Pool::submit(Job job, Kind kind) {
  ASSAY_ASSERT(job.request.size() <= kMostRequestBytes);
  auto& queue = kind == Kind::pooled ? state_->pending : state_->alone;
  queue.push_back({std::move(job), kind});
}

std::size_t Pool::in_flight() const noexcept { return state_->in_flight(); }

void Pool::wait(milliseconds timeout, std::vector<Reply>& out) {
  auto& state = *state_;
  const auto until = Steady::now() + std::min<milliseconds>(timeout, kLongestWait);
  const auto before = out.size();
  state.replies = &out;
  bool undisturbed = true;
  state.dispatch();
  while (undisturbed && out.size() == before && state.in_flight() > 0) {
    const auto left = std::chrono::ceil<milliseconds>(until - Steady::now());
    undisturbed = state.poll_cells(std::clamp(left, milliseconds{0}, state.tick()));
    state.collect();
    state.dispatch();  // also before going home: cells work while the caller digests
    if (left <= milliseconds{0}) return;
  }
}

std::vector<Progress> Pool::running() const {
  std::vector<Progress> all;
  for (const auto& cell : state_->cells) {
    if (!cell.child || cell.tasks.empty()) continue;
    const auto& job = cell.tasks[State::suspect(cell)].job;
    all.push_back({job.id, cell.child->pulse().bytes_done.load(std::memory_order_relaxed)});
  }
  return all;
}

}  // namespace assay::sandbox
