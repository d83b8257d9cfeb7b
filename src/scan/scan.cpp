#include "scan/scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "bytes/digest.h"
#include "bytes/spool.h"
#include "container/sevenzip/sevenzip.h"
#include "detect/detect.h"
#include "format/wire.h"
#include "sandbox/pool.h"
#include "scan/examine.h"
#include "scan/judge.h"

namespace assay::scan {
namespace {

constexpr std::uint64_t kSmall = 64 << 10;  ///< bytes: read at once, and hashed before the cell sees it
constexpr std::uint64_t kAhead = 64 << 20;  ///< bytes: what begins like a pickle is hashed while its cell parses it
constexpr std::uint64_t kSentAlong = 16 << 10;  ///< bytes: travels inside the request, so that no descriptor has to
constexpr char kDocument = 'D';             ///< first byte of a cell's answer: a document follows
constexpr char kNeedsOwnCell = 'O';         ///< a third-party reader is needed

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{other.release()} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd_;
};

/// What must not change while a file is read.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{}, changed{};
  static Identity of(const struct stat& s) { return {s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim}; }
  bool operator==(const Identity& o) const {
    const auto same = [](const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; };
    return device == o.device && inode == o.inode && size == o.size && same(modified, o.modified) && same(changed, o.changed);
  }
};

Descriptor temporary_file(const std::string& folder) {
  Descriptor fd{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (fd) return fd;
  auto name = folder + "/assay-spool-XXXXXX";  // file systems without O_TMPFILE
  fd = Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
  if (fd) ::unlink(name.c_str());
  return fd;
}

/// What a file's reader is asked: its size, then its bytes if they travel along.
Result<std::vector<std::byte>> small_file(const bytes::FileSource& file, std::string_view request) {
  const auto sent = bytes::view(request.substr(std::min(request.size(), sizeof(std::uint64_t))));
  if (sent.size() == file.size()) return std::vector<std::byte>{sent.begin(), sent.end()};
  if (file.size() <= kSmall) return bytes::read_exactly(file, 0, file.size());
  return fail(Errc::unsupported, 0, "");
}

/// Runs in the cell: one file to its document.
std::string examine_in_cell(int descriptor, int spool, std::string_view request, const sandbox::Beat& beat,
                            const bytes::Limits& limits, bool third_party) {
  std::uint64_t size = 0;
  if (request.size() >= sizeof size) std::memcpy(&size, request.data(), sizeof size);
  const bytes::FileSource file{descriptor, size};
  Examination how;
  how.limits = limits;
  how.third_party = third_party;
  how.arguments_matter = &detect::arguments_matter;
  how.sign_of_life = [&] { beat(0); };
  bytes::SpoolFile spool_file{spool};
  std::optional<format::Document> document;
  auto small = small_file(file, request);
  if (small) {
    const bytes::MemorySource memory{std::move(*small)};
    document = examine(memory, spool_file, how);
  } else {
    document = examine(file, spool_file, how);
  }
  if (!document) return std::string{kNeedsOwnCell};
  return kDocument + format::encode(*document);
}

/// Hashes files on a thread of its own while cells parse. Cells never see what it computes.
class Hasher {
 public:
  ~Hasher() { finish(); }
  void submit(std::size_t index, Descriptor file, std::uint64_t size) {
    if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
    const std::lock_guard lock{mutex_};
    queue_.push_back({index, std::move(file), size});
    wake_.notify_one();
  }
  /// Waits for all; the digests by index. An empty one could not be computed.
  std::map<std::size_t, std::string> finish() {
    if (thread_.joinable()) {
      {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        wake_.notify_one();
      }
      thread_.join();
    }
    return std::move(done_);
  }
  void cancel() { cancelled_ = true; }

 private:
  struct Item {
    std::size_t index;
    Descriptor file;
    std::uint64_t size;
  };
  void run() {
    while (true) {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const auto item = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (cancelled_) continue;
      auto digest = bytes::sha256(bytes::FileSource{item.file.get(), item.size});
      done_[item.index] = digest ? *digest : std::string{};
    }
  }
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::map<std::size_t, std::string> done_;
  bool closed_ = false;
  std::atomic<bool> cancelled_ = false;
};

class Scan {
 public:
  Scan(Listing listing, const Options& options, sandbox::Pool& pool)
      : options_{options}, pool_{pool}, listing_{std::move(listing)}, files_(listing_.found.size()) {
    documents_.resize(listing_.found.size());
    for (const auto& f : listing_.found) progress_.bytes += f.size;
    progress_.files = listing_.found.size();
  }

  Extraction run() {
    std::vector<sandbox::Reply> replies;
    while (next_ < files_.size() || pool_.in_flight() > 0) {
      if (options_.stop && options_.stop()) {
        interrupted_ = true;
        hasher_.cancel();
        break;
      }
      while (next_ < files_.size() && pool_.wants_more()) submit(next_++);
      replies.clear();
      if (pool_.in_flight() > 0) pool_.wait(std::chrono::milliseconds{100}, replies);
      for (auto& reply : replies) take(std::move(reply));
      tell();
    }
    for (auto& [index, digest] : hasher_.finish())
      if (!digest.empty() && documents_[index].sha256.empty()) documents_[index].sha256 = std::move(digest);
    if (interrupted_) fill_unread();
    return {std::move(documents_), std::move(listing_), {}, 0, interrupted_};
  }

 private:
  struct File {
    Identity identity;
    std::string sha256;
    Descriptor spool;      ///< lent to a one-shot cell
    Descriptor input;      ///< standard input's copy, kept for a second run
    Descriptor witness;    ///< the same open file, to see afterwards whether it changed; none when descriptors are few
    bool own_cell = false;
    bool sent_along = false;  ///< its bytes went with the request
    bool hashing = false;
  };

  void finish(std::size_t index, format::Document document) {
    documents_[index] = std::move(document);
    ++progress_.files_done;
    progress_.bytes_done += listing_.found[index].size;
  }
  void give_up(std::size_t index, Errc code, std::string what) {
    const auto& found = listing_.found[index];
    auto document = unreadable(found.path, static_cast<std::uint64_t>(files_[index].identity.size), code, std::move(what));
    document.sha256 = files_[index].sha256;
    finish(index, std::move(document));
  }

  void submit(std::size_t index) {
    const auto& found = listing_.found[index];
    switch (found.kind) {
      case Found::Kind::file: return submit_file(index);
      case Found::Kind::standard_input: return submit_input(index);
      case Found::Kind::unreadable: return give_up(index, Errc::io, found.what);
      case Found::Kind::special: {
        auto document = unreadable(found.path, 0, Errc::io, found.what);
        return finish(index, std::move(document));
      }
      case Found::Kind::escaping: {
        auto document = unreadable(found.path, 0, Errc::io, "");
        document.stops.clear();
        document.members[0].formats = {"symlink"};
        document.quirks.push_back({{0, 0}, 0, "repo.symlink-escapes", found.what});
        return finish(index, std::move(document));
      }
    }
  }

  Descriptor open(std::size_t index, struct stat& s) {
    // Not followed: what was a file when it was listed may be a link by now. Not blocking: or a FIFO.
    Descriptor fd{::open(listing_.found[index].open.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
    if (!fd && errno == ELOOP && listing_.found.size() == 1)  // the user named the link
      fd = Descriptor{::open(listing_.found[index].open.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) return fd;
    if (::fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return Descriptor{};
    return fd;
  }

  void submit_file(std::size_t index) {
    struct stat s{};
    auto fd = open(index, s);
    if (!fd) return give_up(index, Errc::io, errno != 0 ? std::strerror(errno) : "not a regular file");
    files_[index].identity = Identity::of(s);
    send(index, std::move(fd));
  }

  void submit_input(std::size_t index) {
    auto copy = temporary_file(options_.spool_folder);
    if (!copy) return give_up(index, Errc::io, "no room to keep standard input in " + options_.spool_folder);
    std::vector<char> block(1 << 20);
    off_t size = 0;
    for (ssize_t n; (n = ::read(STDIN_FILENO, block.data(), block.size())) != 0;) {
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return give_up(index, Errc::io, std::strerror(errno));
      for (ssize_t written = 0; written < n;) {
        const auto w = ::pwrite(copy.get(), block.data() + written, static_cast<std::size_t>(n - written), size + written);
        if (w <= 0) return give_up(index, Errc::io, "no room to keep standard input in " + options_.spool_folder);
        written += w;
      }
      size += n;
    }
    struct stat s{};
    ::fstat(copy.get(), &s);
    files_[index].identity = Identity::of(s);
    listing_.found[index].size = static_cast<std::uint64_t>(size);
    files_[index].input = std::move(copy);
    send(index, Descriptor{::fcntl(files_[index].input.get(), F_DUPFD_CLOEXEC, 0)});
  }

  void send(std::size_t index, Descriptor fd) {
    auto& file = files_[index];
    const auto size = static_cast<std::uint64_t>(file.identity.size);
    sandbox::Job job;
    job.request.assign(reinterpret_cast<const char*>(&size), sizeof size);
    if (size <= kSmall) {  // every byte of it is read anyway
      std::array<std::byte, kSmall> block;
      const auto n = bytes::FileSource{fd.get(), size}.read_at(0, std::span{block}.first(static_cast<std::size_t>(size)));
      file.sent_along = n && size <= kSentAlong && is_still(file, fd.get());
      if (n && (file.sha256.empty() || file.sent_along)) {
        small_hash_.update(bytes::View{block}.first(*n));
        file.sha256 = small_hash_.finish();
      }
      if (file.sent_along) {  // what was hashed is what is examined, whatever becomes of the file
        job.request.append(bytes::text(bytes::View{block}.first(*n)));
        fd = Descriptor{};
      }
    }
    if (fd && !file.input) file.witness = Descriptor{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)};
    if (!file.hashing && file.sha256.empty() && size > kSmall && size <= kAhead) hash_if_pickle(index, fd.get());
    job.id = index;
    job.weight = size;
    job.descriptor = fd.release();
    if (file.own_cell) {
      file.spool = temporary_file(options_.spool_folder);
      job.spool = file.spool.get();
    }
    pool_.submit(std::move(job), file.own_cell ? sandbox::Kind::one_shot : sandbox::Kind::pooled);
  }

  static bool is_still(const File& file, int fd) {
    struct stat s{};
    return ::fstat(fd, &s) == 0 && Identity::of(s) == file.identity;
  }

  bool unchanged(std::size_t index) const {
    struct stat s{};
    if (files_[index].input || files_[index].sent_along) return true;
    if (files_[index].witness) return ::fstat(files_[index].witness.get(), &s) == 0 && Identity::of(s) == files_[index].identity;
    return ::stat(listing_.found[index].open.c_str(), &s) == 0 && Identity::of(s) == files_[index].identity;
  }

  void take(sandbox::Reply reply) {
    const auto index = static_cast<std::size_t>(reply.id);
    auto& file = files_[index];
    file.spool = Descriptor{};
    const auto unchanged_so_far = unchanged(index);
    file.witness = Descriptor{};
    using sandbox::Outcome;
    switch (reply.outcome) {
      case Outcome::done: break;
      case Outcome::timed_out: return give_up(index, Errc::limit_reached, "limit reached: seconds (the reader was stopped)");
      case Outcome::memory_limit: return give_up(index, Errc::limit_reached, "limit reached: memory");
      case Outcome::denied: return give_up(index, Errc::crashed, "the reader tried what no reader may do, and was stopped");
      case Outcome::refused: return give_up(index, Errc::crashed, "the reader answered with nonsense");
      case Outcome::crashed:
        return give_up(index, Errc::crashed, "the reader crashed (signal " + std::to_string(reply.signal) + ")");
    }
    if (!unchanged_so_far) return give_up(index, Errc::changed, "the file changed while it was read");
    if (reply.result.size() == 1 && reply.result[0] == kNeedsOwnCell && !file.own_cell) return examine_alone(index);
    if (reply.result.empty() || reply.result[0] != kDocument) return give_up(index, Errc::crashed, "the reader answered with nonsense");
    auto document = format::decode(bytes::view(std::string_view{reply.result}.substr(1)));
    if (!document || document->size != static_cast<std::uint64_t>(file.identity.size))
      return give_up(index, Errc::crashed, "the reader answered with nonsense");
    document->path = listing_.found[index].path;
    document->tier = pool_.tier() == sandbox::Tier::unconfined ? "unconfined" : file.own_cell ? "cell+one-shot" : "cell";
    document->sha256 = std::move(file.sha256);
    if (document->sha256.empty() && !file.hashing && (options_.digest || reads_everything(*document))) hash_later(index);
    finish(index, std::move(*document));
    file.input = Descriptor{};
  }

  static bool reads_everything(const format::Document& d) {
    const auto& root = d.members[0].coverage;
    return root.of(bytes::Cover::parsed) == d.size;
  }

  /// Every byte of a pickle is read anyway; waiting for the cell to say so would cost time at the end.
  void hash_if_pickle(std::size_t index, int fd) {
    char first = 0;
    if (::pread(fd, &first, 1, 0) != 1 || first != '\x80') return;
    files_[index].hashing = true;
    hasher_.submit(index, Descriptor{::fcntl(fd, F_DUPFD_CLOEXEC, 0)}, static_cast<std::uint64_t>(files_[index].identity.size));
  }

  void hash_later(std::size_t index) {
    struct stat s{};
    auto fd = files_[index].input ? Descriptor{::fcntl(files_[index].input.get(), F_DUPFD_CLOEXEC, 0)} : open(index, s);
    if (fd) hasher_.submit(index, std::move(fd), static_cast<std::uint64_t>(files_[index].identity.size));
  }

  void examine_alone(std::size_t index) {
    auto& file = files_[index];
    file.own_cell = true;
    container::sevenzip::prepare();  // its cell is forked later, and most scans need none
    struct stat s{};
    auto fd = file.input ? Descriptor{::fcntl(file.input.get(), F_DUPFD_CLOEXEC, 0)} : open(index, s);
    if (!fd) return give_up(index, Errc::io, "the file could not be opened a second time");
    if (!file.input && !(Identity::of(s) == file.identity)) return give_up(index, Errc::changed, "the file changed while it was read");
    send(index, std::move(fd));
  }

  void tell() {
    if (!options_.on_progress) return;
    auto now = progress_;
    const auto running = pool_.running();
    if (!running.empty()) now.current = listing_.found[static_cast<std::size_t>(running.front().id)].path;
    for (const auto& r : running) now.bytes_done += std::min(r.bytes_done, listing_.found[static_cast<std::size_t>(r.id)].size);
    options_.on_progress(now);
  }

  void fill_unread() {
    for (std::size_t i = 0; i < documents_.size(); ++i)
      if (documents_[i].members.empty()) documents_[i] = unreadable(listing_.found[i].path, listing_.found[i].size, Errc::io, "the scan was interrupted");
  }

  const Options& options_;
  sandbox::Pool& pool_;
  Listing listing_;
  std::vector<File> files_;
  std::vector<format::Document> documents_;
  Hasher hasher_;
  bytes::Sha256 small_hash_;
  Progress progress_;
  std::size_t next_ = 0;
  bool interrupted_ = false;
};

}  // namespace

tl::expected<Extraction, Refusal> extract(const std::vector<std::string>& paths, const Options& options) {
  const auto started = std::chrono::steady_clock::now();
  const auto wanted = options.allow_unconfined && !sandbox::probe().holds() ? sandbox::Tier::unconfined : sandbox::Tier::confined;
  if (sandbox::attainable(wanted) == sandbox::Tier::unconfined && !options.allow_unconfined)
    return tl::unexpected<Refusal>{Refusal{
        "this system cannot confine the processes that read hostile files (Landlock and seccomp are needed); "
        "--allow-unconfined accepts that risk"}};
  auto listing = list(paths, options.selection);
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  const auto files = static_cast<unsigned>(std::min<std::size_t>(listing.found.size(), 1024));
  const auto cells = std::max(1u, std::min(options.jobs > 0 ? options.jobs : cores, std::max(1u, files)));
  const auto work = [&options](bool third_party) {
    return [&options, third_party](int fd, int spool, std::string_view request, const sandbox::Beat& beat) {
      return examine_in_cell(fd, spool, request, beat, options.limits, third_party);
    };
  };
  sandbox::Limits limits;
  limits.wall = std::chrono::seconds{options.limits.seconds + 30};
  auto pool = sandbox::Pool::open(cells, work(false), work(true), limits, sandbox::attainable(wanted));
  if (!pool) return tl::unexpected<Refusal>{Refusal{"no confined process could be started: " + std::string{pool.error().what}}};
  auto out = Scan{std::move(listing), options, *pool}.run();
  out.tier = pool->tier() == sandbox::Tier::unconfined ? "unconfined" : "cell";
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

}  // namespace assay::scan
