#include "scan/scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <thread>

#include "base/version.h"
#include "bytes/digest.h"
#include "bytes/spool.h"
#include "container/sevenzip/sevenzip.h"
#include "detect/detect.h"
#include "format/wire.h"
#include "malware/yara/own.h"
#include "sandbox/pool.h"
#include "scan/answer.h"
#include "scan/antivirus.h"
#include "scan/asking.h"
#include "scan/blobs.h"
#include "scan/hasher.h"
#include "scan/judge.h"
#include "scan/opener.h"
#include "scan/reader.h"
#include "scan/secret_search.h"
#include "scan/user_rules.h"
#include "scan/yara_search.h"
#include "secrets/secrets.h"

namespace assay::scan {
namespace {

/// Bytes: what begins like a pickle and is no larger is parsed, swept and hashed at once.
constexpr std::uint64_t kAhead = 64 << 20;
constexpr std::chrono::milliseconds kPatience{100}, kBlobPatience{5};  ///< until it is asked what else came
constexpr auto kChanged = "the file changed while it was read";
constexpr auto kNonsense = "the reader answered with nonsense";

/// Whether the symbolic link at `path` leads to a place outside of the repository.
bool leads_out(std::string_view path, std::string_view target) {
  if (target.starts_with('/')) return true;
  std::ptrdiff_t depth = std::count(path.begin(), path.end(), '/');
  while (!target.empty()) {
    const auto end = std::min(target.find('/'), target.size());
    const auto part = target.substr(0, end);
    if (part == "..") --depth;
    else if (!part.empty() && part != ".") ++depth;
    if (depth < 0) return true;
    target.remove_prefix(std::min(end + 1, target.size()));
  }
  return false;
}

/// Whether large pickles are swept in a cell beside the one that parses them. Which of their bytes are tensors, nobody
/// knows before they are parsed.
bool sweeps_beside(const Options& options) {
  return options.malware == Malware::on || (options.malware == Malware::off && options.secrets);
}

class Scan {
 public:
  Scan(Listing listing, const Options& options, sandbox::Pool& pool, Daemon daemon, const Take& take,
       git::Repository* repository)
      : options_{options},
        repository_{repository},
        pool_{pool},
        take_document_{take},
        listing_{std::move(listing)},
        antivirus_{listing_, std::move(daemon), options} {
    files_.reserve(listing_.found.size());  // address space only: what nobody has written to is no memory yet
    for (const auto& f : listing_.found) progress_.bytes += f.size;
    progress_.files = listing_.found.size();
  }

  Extraction run() {
    examine_all();
    add_digests();
    if (interrupted_) give_up_rest();
    return {{}, std::move(listing_), {}, 0, interrupted_};
  }

 private:
  void examine_all() {
    const auto opener = feed();
    std::vector<sandbox::Reply> replies;
    while (files_.size() < listing_.found.size() || pool_.in_flight() > 0 || antivirus_.pending() > 0) {
      if (options_.stop && options_.stop()) {
        interrupted_ = true;
        hasher_.cancel();
        antivirus_.cancel();
        break;
      }
      while (files_.size() < listing_.found.size() && pool_.wants_more() && antivirus_.has_room()) {
        if (pool_.in_flight() > 0 && !opener->is_ready()) break;  // there is something else to do meanwhile
        files_.emplace_back();
        submit(files_.size() - 1, opener->next());
      }
      replies.clear();
      if (pool_.in_flight() > 0) pool_.wait(repository_ != nullptr ? kBlobPatience : kPatience, replies);
      for (auto& reply : replies) take(std::move(reply), *opener);
      const std::chrono::milliseconds patience{pool_.in_flight() > 0 ? 0 : 100};
      for (auto& answer : antivirus_.take(patience)) take_malware(std::move(answer));
      tell();
    }
  }

  std::unique_ptr<Feed> feed() {
    if (repository_ != nullptr) return std::make_unique<BlobFeed>(*repository_, listing_, options_.spool_folder);
    return std::make_unique<Opener>(listing_, sandbox::descriptors_to_share() / 8);
  }

  struct File {
    Identity identity;
    std::string sha256;
    Descriptor spool;     ///< lent to a one-shot cell
    Descriptor input;     ///< standard input's copy, kept for a second run
    Descriptor witness;   ///< the same open file, to see afterwards whether it changed; none when descriptors are few
    std::string content;  ///< of a whole one, for engines outside of the cell
    bool own_cell = false;
    bool whole = false;  ///< its bytes went with the request
    bool hashing = false;
    bool done = false;
    bool split = false;             ///< it is swept in another cell than the one that parses it
    std::unique_ptr<Answer> facts;  ///< of such a file: what came first. Not in place, as there may be a million files
    std::unique_ptr<Answer> swept;

    /// Nobody has to read it any more.
    void let_go() {
      witness = Descriptor{};
      spool = Descriptor{};
      content = {};
      facts.reset();
      swept.reset();
    }
  };

  /// Two jobs may read one file: the second one has an odd number.
  static std::uint64_t job_of(std::size_t index, Task task) {
    return std::uint64_t{index} << 1 | (task == Task::sweep_of_root ? 1u : 0u);
  }
  static std::size_t index_of(std::uint64_t job) { return static_cast<std::size_t>(job >> 1); }

  void finish(std::size_t index, format::Document&& document) {
    ++progress_.files_done;
    progress_.bytes_done += listing_.found[index].size;
    auto& file = files_[index];
    file.done = true;
    file.let_go();
    file.input = Descriptor{};
    place(index, document);
    if (file.hashing) waiting_.emplace(index, std::move(document));
    else take_document_(index, std::move(document));
  }
  /// Where it stands, which no cell is asked.
  void place(std::size_t index, format::Document& document) const {
    document.path = listing_.found[index].path;
    document.origins.clear();
    if (const auto& origin = listing_.found[index].origin) document.origins.push_back(*origin);
  }
  void give_up(std::size_t index, Errc code, std::string what) {
    const auto& found = listing_.found[index];
    auto document =
        unreadable(found.path, static_cast<std::uint64_t>(files_[index].identity.size), code, std::move(what));
    document.sha256 = files_[index].sha256;
    finish(index, std::move(document));
  }

  /// The documents that waited for their digest.
  void add_digests() {
    auto digests = hasher_.finish();
    for (auto& [index, document] : waiting_) {
      const auto digest = digests.find(index);
      if (digest != digests.end() && digest->second) document.sha256 = std::move(*digest->second);
      if (digest != digests.end() && !digest->second && digest->second.error().code == Errc::changed)
        document = unreadable(document.path, document.size, Errc::changed, kChanged);
      take_document_(index, std::move(document));
    }
  }

  void give_up_rest() {
    for (std::size_t i = 0; i < listing_.found.size(); ++i) {
      if (i < files_.size() && files_[i].done) continue;
      auto document = unreadable("", listing_.found[i].size, Errc::io, "the scan was interrupted");
      place(i, document);
      take_document_(i, std::move(document));
    }
  }

  void submit(std::size_t index, Opened opened) {
    const auto& found = listing_.found[index];
    switch (found.kind) {
      case Found::Kind::file: return submit_file(index, std::move(opened));
      case Found::Kind::standard_input: return submit_input(index);
      case Found::Kind::unreadable: return give_up(index, Errc::io, found.what);
      case Found::Kind::special: return give_up(index, Errc::io, found.what);
      case Found::Kind::escaping: {
        auto document = unreadable(found.path, 0, Errc::io, "");
        document.stops.clear();
        document.members[0].formats = {"symlink"};
        document.quirks.push_back({{0, 0}, 0, "repo.symlink-escapes", found.what});
        return finish(index, std::move(document));
      }
      case Found::Kind::blob: return submit_blob(index, std::move(opened));
      case Found::Kind::absent: {
        auto document = unreadable(found.path, found.size, Errc::io, "it is not here");
        document.stops.clear();
        document.quirks.push_back({{0, 0}, 0, found.what, ""});
        return finish(index, std::move(document));
      }
    }
  }

  void submit_file(std::size_t index, Opened opened) {
    auto& file = files_[index];
    if (opened.error == Opened::kNotRegular) return give_up(index, Errc::io, "not a regular file");
    if (opened.error != 0) return give_up(index, Errc::io, std::strerror(opened.error));
    file.identity = opened.identity;
    file.sha256 = std::move(opened.sha256);
    file.whole = opened.whole;
    auto& found = listing_.found[index];
    if (found.size == 0)
      progress_.bytes += found.size = static_cast<std::uint64_t>(file.identity.size);  // not asked when it was listed
    send(index, std::move(opened.file), std::move(opened.request));
  }

  /// What came out of a history is named by its content, and cannot change any more.
  void submit_blob(std::size_t index, Opened opened) {
    if (!opened.trouble.empty()) return give_up(index, Errc::io, std::string{opened.trouble});
    auto& file = files_[index];
    file.identity = opened.identity;
    file.sha256 = std::move(opened.sha256);
    file.whole = opened.whole;
    file.input = std::move(opened.file);
    auto& found = listing_.found[index];
    const auto target = opened.request.substr(request_for(0, {}).size());
    if (found.is_link && file.whole && leads_out(found.path, target)) found.what = target;
    send(index, file.input ? file.input.duplicate() : Descriptor{}, std::move(opened.request));
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
        const auto w =
            ::pwrite(copy.get(), block.data() + written, static_cast<std::size_t>(n - written), size + written);
        if (w <= 0) return give_up(index, Errc::io, "no room to keep standard input in " + options_.spool_folder);
        written += w;
      }
      size += n;
    }
    struct stat s {};
    ::fstat(copy.get(), &s);
    auto& file = files_[index];
    file.identity = Identity::of(s);
    listing_.found[index].size = static_cast<std::uint64_t>(size);
    file.input = std::move(copy);
    if (static_cast<std::uint64_t>(size) <= Opener::kHashed) {  // every byte of it is read anyway
      auto digest = bytes::sha256(bytes::FileSource{file.input.get(), static_cast<std::uint64_t>(size)});
      if (digest) file.sha256 = std::move(*digest);
    }
    send(index, file.input.duplicate(), request_for(static_cast<std::uint64_t>(size), {}));
  }

  void send(std::size_t index, Descriptor fd, std::string request) {
    auto& file = files_[index];
    const auto size = static_cast<std::uint64_t>(file.identity.size);
    if (fd && !file.input) file.witness = fd.duplicate();
    file.own_cell |= options_.yara != nullptr;  // a stranger's rules and what they read share a cell with nothing else
    const bool pickle = size > Opener::kHashed && size <= kAhead && is_pickle(fd);
    auto second = pickle && sweeps_beside(options_) && !file.own_cell ? fd.duplicate() : Descriptor{};
    file.split |= bool{second};
    // Every byte of a pickle is read anyway; waiting for its cell to say so would cost time at the end. Where two cells
    // are busy with it, it is hashed when one of them is done.
    if ((pickle || options_.digest) && size > Opener::kHashed && !file.split) hash(index);
    if (file.whole && antivirus_.is_asked()) file.content = content_of(request);
    if (file.split) request[0] = static_cast<char>(Task::leaves_sweep);
    sandbox::Job job;
    job.request = std::move(request);
    job.id = job_of(index, Task::everything);
    job.weight = size;
    job.descriptor = fd.release();
    if (file.own_cell) {
      file.spool = temporary_file(options_.spool_folder);
      job.spool = file.spool.get();
    }
    pool_.submit(std::move(job), file.own_cell ? sandbox::Kind::one_shot : sandbox::Kind::pooled);
    if (second) sweep_beside(index, std::move(second));
  }

  void sweep_beside(std::size_t index, Descriptor fd) {
    const auto size = static_cast<std::uint64_t>(files_[index].identity.size);
    sandbox::Job job;
    job.request = request_for(size, {}, Task::sweep_of_root);
    job.id = job_of(index, Task::sweep_of_root);
    job.weight = size;
    job.descriptor = fd.release();
    pool_.submit(std::move(job), sandbox::Kind::pooled);
  }

  bool unchanged(std::size_t index) const {
    const auto& file = files_[index];
    if (file.input || file.whole) return true;
    if (file.witness) return file.identity.is_still(file.witness.get());
    struct stat s {};
    return ::stat(listing_.open_path(listing_.found[index]).c_str(), &s) == 0 && Identity::of(s) == file.identity;
  }

  void take(sandbox::Reply reply, Feed& opener) {
    const auto index = index_of(reply.id);
    auto& file = files_[index];
    if (file.split) hash(index);
    if (file.done) return;  // the other half of its answer has failed
    if (reply.id == job_of(index, Task::sweep_of_root)) return take_swept(index, reply);
    const auto unchanged_so_far = unchanged(index);
    if (!antivirus_.is_asked() && !file.split) file.let_go();
    using sandbox::Outcome;
    switch (reply.outcome) {
      case Outcome::done: break;
      case Outcome::timed_out:
        return give_up(index, Errc::limit_reached, "limit reached: seconds (the reader was stopped)");
      case Outcome::memory_limit: return give_up(index, Errc::limit_reached, "limit reached: memory");
      case Outcome::denied:
        return give_up(index, Errc::crashed, "the reader tried what no reader may do, and was stopped");
      case Outcome::refused: return give_up(index, Errc::crashed, kNonsense);
      case Outcome::crashed:
        return give_up(index, Errc::crashed, "the reader crashed (signal " + std::to_string(reply.signal) + ")");
    }
    if (!unchanged_so_far) return give_up(index, Errc::changed, kChanged);
    if (reply.result.size() == 1 && reply.result[0] == Reader::kNeedsOwnCell && !file.own_cell)
      return examine_alone(index, opener);
    if (reply.result.empty() || reply.result[0] != Reader::kDocument) return give_up(index, Errc::crashed, kNonsense);
    auto answer = decode(bytes::view(std::string_view{reply.result}.substr(1)));
    if (!answer || answer->document.size != static_cast<std::uint64_t>(file.identity.size) ||
        !are_inside(answer->exports, answer->document.members.size(), answer->document.size, size_of(file.spool)))
      return give_up(index, Errc::crashed, kNonsense);
    if (!answer->left_sweep) return complete(index, std::move(*answer));
    if (!file.split) return give_up(index, Errc::crashed, kNonsense);
    file.facts = std::make_unique<Answer>(std::move(*answer));
    if (file.swept) complete_split(index);
  }

  /// The answer of the cell that swept a file's own bytes. Without one the file has been searched in part.
  void take_swept(std::size_t index, const sandbox::Reply& reply) {
    auto& file = files_[index];
    file.swept = std::make_unique<Answer>();
    const bool answered = reply.outcome == sandbox::Outcome::done && reply.result.starts_with(Reader::kDocument);
    auto answer =
        answered ? decode(bytes::view(std::string_view{reply.result}.substr(1))) : fail(Errc::crashed, 0, kNonsense);
    if (answer && answer->document.size == static_cast<std::uint64_t>(file.identity.size))
      *file.swept = std::move(*answer);
    if (file.facts) complete_split(index);
  }

  /// Both of its cells have answered, and read the same bytes.
  void complete_split(std::size_t index) {
    if (!unchanged(index)) return give_up(index, Errc::changed, kChanged);
    auto& file = files_[index];
    auto facts = std::move(file.facts);
    add_swept(facts->document, std::move(file.swept->document));
    complete(index, std::move(*facts));
  }

  /// Everything that was asked of cells about a file has come.
  void complete(std::size_t index, Answer&& answer) {
    auto& file = files_[index];
    auto& document = answer.document;
    stamp(document);
    const auto& found = listing_.found[index];
    if (found.kind == Found::Kind::blob && !found.what.empty())
      document.quirks.push_back({{0, 0}, 0, "repo.symlink-escapes", found.what});
    document.tier = pool_.tier() == sandbox::Tier::unconfined ? "unconfined" : file.own_cell ? "cell+one-shot" : "cell";
    document.sha256 = std::move(file.sha256);
    if (document.sha256.empty() && (options_.digest || reads_everything(document))) hash(index);
    if (antivirus_.is_asked()) return ask_about_malware(index, std::move(answer));
    if (options_.malware != Malware::off) document.engines.push_back(antivirus_.not_run());
    finish(index, std::move(document));
  }

  /// Everything is known about a file but whether it is malware.
  void ask_about_malware(std::size_t index, Answer&& answer) {
    auto& file = files_[index];
    Antivirus::Suspect suspect{index, answer.document.size, file.identity};
    suspect.content = std::move(file.content);
    suspect.file = std::move(file.input ? file.input : file.witness);
    suspect.spool = std::move(file.spool);
    suspect.exports = std::move(answer.exports);
    suspect.cut = answer.exports_cut;
    antivirus_.submit(std::move(suspect));
    at_antivirus_.emplace(index, std::move(answer.document));
  }

  void take_malware(Antivirus::Answer answer) {
    auto waiting = at_antivirus_.extract(answer.index);
    if (answer.changed) return give_up(answer.index, Errc::changed, kChanged);
    auto& document = waiting.mapped();
    for (auto& o : answer.found) document.observations.push_back(std::move(o));
    document.engines.push_back(std::move(answer.run));
    finish(answer.index, std::move(document));
  }

  /// What was found in the root's bytes as they lie.
  static void add_swept(format::Document& document, format::Document swept) {
    for (auto& run : document.engines) {
      const auto beside = std::ranges::find_if(
          swept.engines, [&](const format::EngineRun& other) { return other.engine == run.engine; });
      const bool answered = beside != swept.engines.end();
      if (run.complete && !answered) run.what = "the reader that looked for it gave no answer";
      if (run.complete && answered) run.what = beside->what;
      run.complete &= answered && beside->complete;
    }
    for (auto& o : swept.observations) {
      if (o.place.member != 0) continue;
      if (o.engine == YaraSearch::kEngine && is_only_read(document.members[0])) o.severity = "note";
      document.observations.push_back(std::move(o));
    }
  }

  static bool runs_in_cells(std::string_view engine) {
    return engine == SecretSearch::kEngine || engine == YaraSearch::kEngine;
  }

  /// A cell says what it found, its parent with what; of engines that are no cell's business it says nothing.
  void stamp(format::Document& document) const {
    std::erase_if(document.engines, [](const format::EngineRun& r) { return !runs_in_cells(r.engine); });
    std::erase_if(document.observations, [](const format::Observation& o) { return !runs_in_cells(o.engine); });
    for (auto& o : document.observations) {
      o.verification.clear();
      if (o.engine == SecretSearch::kEngine) o.detail.clear();
    }
    for (auto& run : document.engines) {
      const bool yara = run.engine == YaraSearch::kEngine;
      run.version = yara ? malware::yara::library_version() : kVersion;
      run.rule_set = yara ? malware::yara::own_version() : secrets::rule_set_version();
      if (yara && options_.yara) run.rule_set = std::string{run.rule_set} + "+" + options_.yara->version;
    }
  }

  static bool reads_everything(const format::Document& d) {
    const auto& root = d.members[0].coverage;
    return root.of(bytes::Cover::parsed) == d.size;
  }

  void hash(std::size_t index) {
    auto& file = files_[index];
    if (file.hashing || !file.sha256.empty() || file.done) return;
    file.hashing = true;
    hasher_.submit(index, file.identity, file.input ? file.input.duplicate() : Descriptor{});
  }

  static bool is_pickle(const Descriptor& fd) {
    char first = 0;
    return ::pread(fd.get(), &first, 1, 0) == 1 && first == '\x80';
  }

  void examine_alone(std::size_t index, Feed& opener) {
    auto& file = files_[index];
    file.own_cell = true;
    container::sevenzip::prepare();  // its cell is forked later, and most scans need none
    if (file.input)
      return send(index, file.input.duplicate(), request_for(static_cast<std::uint64_t>(file.identity.size), {}));
    auto opened = opener.open_again(listing_.found[index]);
    const bool same =
        opened.error == 0 && opened.whole == file.whole && (file.whole || opened.identity == file.identity);
    if (!same) return give_up(index, Errc::changed, kChanged);
    if (file.whole) file.sha256 = std::move(opened.sha256), file.identity = opened.identity;
    send(index, std::move(opened.file), std::move(opened.request));
  }

  void tell() {
    if (!options_.on_progress) return;
    auto now = progress_;
    const auto running = pool_.running();
    if (!running.empty()) now.current = listing_.found[index_of(running.front().id)].path;
    for (const auto& r : running) now.bytes_done += std::min(r.bytes_done, listing_.found[index_of(r.id)].size);
    options_.on_progress(now);
  }

  const Options& options_;
  git::Repository* repository_;  ///< where blobs come from; none for files
  sandbox::Pool& pool_;
  const Take& take_document_;
  Listing listing_;
  std::vector<File> files_;                               ///< that were submitted
  std::map<std::size_t, format::Document> waiting_;       ///< for their digest
  std::map<std::size_t, format::Document> at_antivirus_;  ///< for its answer
  Hasher hasher_{listing_};
  Antivirus antivirus_;
  Progress progress_;
  bool interrupted_ = false;
};

/// Every cell will be one of its own, and what libraries open on first use can be opened now only: what YARA's modules
/// want, character tables for 7z.
void warm_for_strangers() {
  container::sevenzip::prepare();
  malware::yara::prepare();
}

/// One cell per core; one for a single file, unless it may be one that two cells read.
unsigned cells_for(const std::vector<std::string>& paths, const Options& options) {
  struct stat s {};
  const bool alone =
      paths.size() == 1 && (paths[0] == "-" || (::stat(paths[0].c_str(), &s) == 0 && !S_ISDIR(s.st_mode)));
  const auto size = static_cast<std::uint64_t>(s.st_size);
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  constexpr unsigned kMost = 256;
  const auto most = std::min(options.jobs > 0 ? options.jobs : cores, kMost);
  if (!alone) return most;
  return sweeps_beside(options) && size > Opener::kHashed && size <= kAhead ? std::min(most, 2u) : 1;
}

}  // namespace

tl::expected<Extraction, Refusal> extract(const std::vector<std::string>& paths, const Options& options) {
  std::vector<format::Document> documents;
  auto out = extract(paths, options, [&](std::size_t index, format::Document&& document) {
    if (documents.size() <= index) documents.resize(index + 1);
    documents[index] = std::move(document);
  });
  if (out) out->documents = std::move(documents);
  return out;
}

tl::expected<Extraction, Refusal> extract(const std::vector<std::string>& paths, const Options& options,
                                          const Take& take) {
  if (options.verify_secrets) return extract_and_ask(paths, options, take);
  const auto started = std::chrono::steady_clock::now();
  const auto wanted =
      options.allow_unconfined && !sandbox::probe().holds() ? sandbox::Tier::unconfined : sandbox::Tier::confined;
  if (sandbox::attainable(wanted) == sandbox::Tier::unconfined && !options.allow_unconfined)
    return tl::unexpected<Refusal>{
        Refusal{"this system cannot confine the processes that read hostile files (Landlock and seccomp are needed); "
                "--allow-unconfined accepts that risk"}};
  auto daemon = options.malware == Malware::off ? Daemon{} : find_daemon(options.clamd);
  const bool exports = options.malware != Malware::off && daemon.missing.empty();
  const auto work = [&options, exports](bool third_party) {
    return [reader = std::make_shared<Reader>(options, third_party, exports)](
               int fd, int spool, std::string_view request, const sandbox::Beat& beat) {
      return reader->read(fd, spool, request, beat);
    };
  };
  if (options.yara) warm_for_strangers();
  sandbox::Limits limits;
  limits.wall = std::chrono::seconds{options.limits.seconds + 30};
  // Before anything is listed: whatever stands in memory when a process is forked is copied once it is written to.
  auto pool =
      sandbox::Pool::open(cells_for(paths, options), work(false), work(true), limits, sandbox::attainable(wanted));
  if (!pool)
    return tl::unexpected<Refusal>{Refusal{"no confined process could be started: " + std::string{pool.error().what}}};
  Listing listing;
  std::optional<git::Repository> repository;
  if (options.git) {
    auto history = list_history(*options.git, options.selection, sandbox::attainable(wanted));
    if (!history) return tl::unexpected<Refusal>{history.error()};
    repository = std::move(history->repository);
    listing = std::move(history->listing);
  } else {
    listing = list(paths, options.selection, options.on_progress ? Sizes::asked : Sizes::not_asked);
  }
  if (options.on_listing) options.on_listing(listing.found.size());
  auto out =
      Scan{std::move(listing), options, *pool, std::move(daemon), take, repository ? &*repository : nullptr}.run();
  out.tier = pool->tier() == sandbox::Tier::unconfined ? "unconfined" : "cell";
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

}  // namespace assay::scan
