#include "scan/antivirus.h"

#include <algorithm>

#include "bytes/source.h"
#include "malware/clamd/stream.h"
#include "sandbox/pool.h"
#include "scan/opener.h"

namespace assay::scan {

namespace clamd = malware::clamd;
using bytes::Extent;

namespace {

constexpr std::size_t kMostPending = 256;  ///< artifacts, each with up to two descriptors
constexpr std::size_t kMostFound = 1000;   ///< of one artifact

const std::atomic<bool> kNeverCancelled = false;

clamd::Options client_options(const Options& options) {
  clamd::Options out;
  out.most_bytes = options.clamd_limit;
  return out;
}

}  // namespace

Daemon find_daemon(const std::string& address) {
  Daemon out;
  if (address.empty()) {
    const auto usual = clamd::usual_place();
    if (!usual) return {{}, {}, "no clamd at its usual places"};
    out.address = *usual;
  } else {
    auto given = clamd::parse_address(address);
    if (!given) return {{}, {}, std::string{given.error().what}};
    out.address = std::move(*given);
  }
  auto version = clamd::Client{out.address, {}, kNeverCancelled}.version();
  if (version) out.version = std::move(*version);
  else out.missing = "no clamd at " + to_text(out.address) + ": " + std::string{version.error().what};
  return out;
}

/// Of one artifact, by the thread.
class Antivirus::Examination {
 public:
  Examination(Antivirus& antivirus, const Suspect& suspect)
      : antivirus_{antivirus}, suspect_{suspect}, seconds_{antivirus.options_.limits.seconds} {
    const auto& version = antivirus.daemon_.version;
    answer_.index = suspect.index;
    answer_.run = {kAntivirus, version.engine, version.signatures, true, "", 0};
    if (suspect.cut) leave_out("there was no room on disk for all that was decoded");
  }

  Answer run() && {
    if (suspect_.size == 0) return std::move(answer_);
    const auto opened = suspect_.file || !suspect_.content.empty()
                            ? Descriptor{}
                            : open_file(antivirus_.listing_, antivirus_.listing_.found[suspect_.index]);
    file_ = suspect_.file ? suspect_.file.get() : opened.get();
    // Since its cell read it, and while it is read here, the file may have become another.
    const auto is_same = [&] { return !suspect_.content.empty() || suspect_.identity.is_still(file_); };
    answer_.changed = !is_same();
    if (!answer_.changed) {
      ask_about_all();
      answer_.changed = !is_same();
    }
    return std::move(answer_);
  }

 private:
  void ask_about_all() {
    const bytes::MemorySource content{bytes::view(suspect_.content)};
    const bytes::FileSource file{file_, suspect_.size};
    const auto& root = suspect_.content.empty() ? static_cast<const bytes::Source&>(file) : content;
    std::vector<Extent> tensors;  // of the root, also those that its members know of
    std::uint64_t end_of_spool = 0;
    for (const auto& e : suspect_.exports) {
      if (e.spooled) end_of_spool = std::max(end_of_spool, e.offset + e.length);
      else
        for (const auto& t : e.tensors) tensors.push_back(shifted(t, e));
    }
    ask({0, false, 0, suspect_.size, std::move(tensors)}, root, file_);
    const bytes::FileSource spool{suspect_.spool.get(), end_of_spool};
    for (const auto& e : suspect_.exports)
      if (e.member != 0 && !is_seen_with_the_root(e)) ask(e, e.spooled ? spool : root, -1);
  }

  /// From a member's bytes to the file's, and no further than the member goes.
  static Extent shifted(const Extent& extent, const Export& e) {
    return {e.offset + std::min(extent.begin, e.length), e.offset + std::min(extent.end, e.length)};
  }

  /// A tensor's storage has no beginning of its own that an engine would know.
  static bool is_seen_with_the_root(const Export& e) { return !e.spooled && remainder(e.length, e.tensors).empty(); }

  void ask(const Export& e, const bytes::Source& source, int file) {
    if (!may_go_on()) return;
    const bool full = antivirus_.options_.malware == Malware::full;
    std::vector<clamd::Piece> pieces;
    for (const auto& own : remainder(e.length, full ? std::vector<Extent>{} : e.tensors))
      pieces.push_back({&source, e.offset + own.begin, own.end - own.begin});
    const clamd::Stream stream{std::move(pieces)};
    if (e.member == 0 || e.spooled) answer_.run.passed_over += e.length - stream.size();
    const auto answer = antivirus_.client_.scan(stream, stream.size() == suspect_.size ? file : -1);
    for (const auto& found : answer.found) note(e, found.signature, stream.place_of(found.window));
    if (!answer.incomplete.empty()) leave_out(answer.incomplete);
  }

  bool may_go_on() {
    if (Clock::now() - begun_ < seconds_) return true;
    leave_out("limit reached: seconds");
    return false;
  }

  void note(const Export& e, const std::string& signature, std::uint64_t place) {
    if (answer_.found.size() == kMostFound) return leave_out("more was found than is kept");
    format::Observation o;
    o.engine = kAntivirus;
    o.rule = signature;
    o.place = {e.member, place - e.offset};
    answer_.found.push_back(std::move(o));
  }

  void leave_out(std::string_view what) {
    answer_.run.complete = false;
    if (answer_.run.what.empty()) answer_.run.what = what;
  }

  using Clock = std::chrono::steady_clock;
  Antivirus& antivirus_;
  const Suspect& suspect_;
  const std::chrono::seconds seconds_;
  const Clock::time_point begun_ = Clock::now();
  int file_ = -1;
  Answer answer_;
};

Antivirus::Antivirus(const Listing& listing, Daemon daemon, const Options& options)
    : listing_{listing},
      daemon_{std::move(daemon)},
      options_{options},
      most_pending_{std::clamp<std::size_t>(sandbox::descriptors_to_share() / 8, 1, kMostPending)},
      client_{daemon_.address, client_options(options), cancelled_} {}

Antivirus::~Antivirus() {
  cancel();
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Antivirus::submit(Suspect suspect) {
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
  ++pending_;
  const std::lock_guard lock{mutex_};
  queue_.push_back(std::move(suspect));
  wake_.notify_one();
}

std::vector<Antivirus::Answer> Antivirus::take(std::chrono::milliseconds timeout) {
  if (pending_ == 0) return {};
  std::unique_lock lock{mutex_};
  answered_.wait_for(lock, timeout, [this] { return !answers_.empty(); });
  pending_ -= answers_.size();
  return std::exchange(answers_, {});
}

void Antivirus::run() {
  while (true) {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (closed_) return;
    const auto suspect = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    auto answer = Examination{*this, suspect}.run();
    lock.lock();
    answers_.push_back(std::move(answer));
    answered_.notify_one();
  }
}

}  // namespace assay::scan
