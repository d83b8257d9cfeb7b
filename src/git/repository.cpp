#include "git/repository.h"

#include <sys/mman.h>
#include <unistd.h>

#include <unordered_map>

#include "bytes/digest.h"
#include "git/library.h"
#include "sandbox/pool.h"

namespace assay::git {
namespace {

// What a request begins with.
constexpr char kList = 'L';  ///< the range is in the descriptor
constexpr char kBlob = 'B';  ///< its id follows

constexpr auto kNonsense = "the reader of the repository answered with nonsense";

std::string whole_file(int file) {
  std::string out;
  const auto size = ::lseek(file, 0, SEEK_END);
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  std::size_t have = 0;
  while (have < out.size()) {
    const auto n = ::pread(file, out.data() + have, out.size() - have, static_cast<off_t>(have));
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

// --- in the cell ---

std::string list_in_cell(Library& library, bytes::View request, const std::function<void()>& beat) {
  const auto range = decode_range(request);
  if (!range) return encode(Refusal::no_such_revision);
  if (range->staged) {
    const auto index = library.index();
    if (!index) return encode(Refusal::index);
    const auto head = library.resolve("HEAD");
    return encode(staged(library, *index, head ? &*head : nullptr, {}, beat));
  }
  Tips tips;
  std::uint64_t broken = 0;
  tips.shallow = library.shallow();
  if (range->all || range->beyond_refs) {
    auto references = library.references();
    if (!references)
      return encode(references.error().code == Errc::limit_reached ? Refusal::too_many_references
                                                                   : Refusal::references);
    if (range->all) broken = references->broken;  // what is excluded and leads nowhere excludes nothing
    (range->all ? tips.include : tips.exclude) = std::move(references->ids);
  }
  const auto resolve_all = [&](const std::vector<std::string>& revisions, std::vector<Oid>& out) {
    for (const auto& revision : revisions) {
      const auto id = library.resolve(revision);
      if (id) out.push_back(*id);
      else if (revision != "HEAD") return false;  // a HEAD without commits has an empty history
    }
    return true;
  };
  if (!resolve_all(range->include, tips.include) || !resolve_all(range->exclude, tips.exclude))
    return encode(Refusal::no_such_revision);
  auto history = walk(library, tips, {}, beat);
  for (; broken > 0 && history.gaps.size() < kMostGaps; --broken) history.gaps.push_back({Gap::Kind::reference, {}});
  history.more_gaps += broken;
  return encode(history);
}

Content blob_in_cell(Library& library, const Oid& id, int file) {
  const auto header = library.header(id);
  if (header.state != State::present) return {header.state, 0, {}};
  if (header.type != Type::blob) return {State::damaged, 0, {}};
  if (file >= 0) return {library.copy(id, file), header.size, {}};
  if (header.size > Repository::kMostInline) return {State::damaged, 0, {}};  // the parent was told another size
  auto object = library.read(id);
  return {object.state, object.bytes.size(), std::move(object.bytes)};
}

/// Shared by copies of one Work, of which each cell has one; it is opened in the cell, so that no byte is parsed
/// elsewhere.
struct Desk {
  std::optional<Library> library;
};

std::string work(Desk& desk, const Location& where, int descriptor, int spool, std::string_view request,
                 const sandbox::Beat& beat) {
  const bool is_list = request == std::string_view{&kList, 1};
  if (!desk.library) {
    auto opened = Library::open(where);
    if (!opened) return is_list ? encode(Refusal::not_a_repository) : encode(Content{State::damaged, 0, {}});
    desk.library = std::move(*opened);
  }
  if (is_list) {
    const auto range = whole_file(descriptor);
    std::uint64_t beats = 0;
    return list_in_cell(*desk.library, bytes::view(range), [&] { beat(++beats); });
  }
  return encode(blob_in_cell(*desk.library, Oid::from_raw(request.substr(1)), spool));
}

// --- in the parent ---

/// The name that git gives these bytes, and their SHA-256, in one pass.
struct Names {
  Oid id;
  std::string sha256;
};

class Naming {
 public:
  explicit Naming(std::uint64_t size) {
    const auto head = "blob " + std::to_string(size);
    sha1_.update(bytes::view(std::string_view{head.c_str(), head.size() + 1}));
  }
  void update(bytes::View block) {
    sha1_.update(block);
    sha256_.update(block);
  }
  Names finish() { return {Oid::from_hex(sha1_.finish()).value_or(Oid{}), sha256_.finish()}; }

 private:
  bytes::Sha1 sha1_;
  bytes::Sha256 sha256_;
};

std::optional<Names> names_of(int file, std::uint64_t size) {
  const bytes::FileSource source{file, size};
  Naming naming{size};
  std::vector<std::byte> block(1 << 20);
  for (std::uint64_t at = 0; at < size;) {
    const auto n = source.read_at(at, block);
    if (!n || *n == 0) return std::nullopt;
    naming.update(bytes::View{block}.first(*n));
    at += *n;
  }
  return naming.finish();
}

}  // namespace

struct Repository::Inside {
  struct Asked {
    Oid blob;
    int file = -1;
  };
  sandbox::Pool pool;
  unsigned failures_left;
  std::unordered_map<std::uint64_t, Asked> asked;  ///< by the caller's number
  std::vector<Answer> refused;                     ///< answered without asking

  /// A cell can say what it likes; only bytes that have the id that was asked for count.
  Answer check(std::uint64_t id, const Asked& asked_for, const sandbox::Reply& reply) {
    Answer out;
    out.id = id;
    out.state = reply.outcome == sandbox::Outcome::memory_limit ? State::too_large : State::damaged;
    if (reply.outcome != sandbox::Outcome::done) {
      if (failures_left > 0) --failures_left;
      return out;
    }
    auto content = decode_content(bytes::view(reply.result));
    if (!content) return out;
    out.state = content->state;
    if (out.state != State::present) return out;
    std::optional<Names> names;
    if (asked_for.file >= 0) {
      const auto end = ::lseek(asked_for.file, 0, SEEK_END);
      out.size = end > 0 ? static_cast<std::uint64_t>(end) : 0;
      names = names_of(asked_for.file, out.size);
    } else {
      out.size = content->bytes.size();
      Naming naming{out.size};
      naming.update(bytes::view(content->bytes));
      names = naming.finish();
    }
    if (!names || names->id != asked_for.blob) {
      out.state = State::damaged;
      return out;
    }
    out.sha256 = std::move(names->sha256);
    out.bytes = std::move(content->bytes);
    return out;
  }
};

Repository::Repository(std::unique_ptr<Inside> state) noexcept : state_{std::move(state)} {}
Repository::Repository(Repository&&) noexcept = default;
Repository& Repository::operator=(Repository&&) noexcept = default;
Repository::~Repository() = default;

Result<Repository> Repository::open(Location where, const Limits& limits, sandbox::Tier wanted) {
  sandbox::Limits cell;
  cell.memory_bytes = limits.memory_bytes;
  cell.silence = limits.silence;
  cell.wall = limits.wall;
  auto readable = where.readable();
  const auto in_cell = [desk = std::make_shared<Desk>(), where = std::move(where)](
                           int descriptor, int spool, std::string_view request, const sandbox::Beat& beat) {
    return work(*desk, where, descriptor, spool, request, beat);
  };
  auto pool = TRY(sandbox::Pool::open(1, in_cell, in_cell, cell, wanted, std::move(readable)));
  return Repository{std::unique_ptr<Inside>{new Inside{std::move(pool), limits.failures, {}, {}}}};
}

Result<History> Repository::list(const Range& range) {
  const auto request = encode(range);
  sandbox::Job job;
  job.descriptor = ::memfd_create("range", MFD_CLOEXEC);
  if (job.descriptor < 0 ||
      ::pwrite(job.descriptor, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) {
    if (job.descriptor >= 0) ::close(job.descriptor);
    return fail(Errc::io, 0, "no memory for the question");
  }
  job.request = kList;
  state_->pool.submit(std::move(job), sandbox::Kind::pooled);
  std::vector<sandbox::Reply> replies;
  while (state_->pool.in_flight() > 0) state_->pool.wait(std::chrono::seconds{1}, replies);
  using sandbox::Outcome;
  if (replies.size() != 1) return fail(Errc::crashed, 0, kNonsense);
  switch (replies[0].outcome) {
    case Outcome::done: break;
    case Outcome::timed_out: return fail(Errc::limit_reached, 0, "the repository took too long to read");
    case Outcome::memory_limit: return fail(Errc::limit_reached, 0, "the repository takes too much memory to read");
    case Outcome::refused: return fail(Errc::crashed, 0, kNonsense);
    case Outcome::denied:
      return fail(Errc::crashed, 0, "the reader of the repository tried what no reader may do, and was stopped");
    case Outcome::crashed: return fail(Errc::crashed, 0, "the reader of the repository crashed");
  }
  return decode_history(bytes::view(replies[0].result));
}

void Repository::ask(std::uint64_t id, const Oid& blob, int file, std::uint64_t size) {
  if (state_->failures_left == 0) {  // each would take its time to fail, and there may be a million
    Answer refused;
    refused.id = id;
    refused.state = State::damaged;
    return state_->refused.push_back(std::move(refused));
  }
  state_->asked[id] = {blob, file};
  sandbox::Job job;
  job.id = id;
  job.spool = file;
  job.weight = size;
  job.request = kBlob + std::string{blob.raw()};
  state_->pool.submit(std::move(job), sandbox::Kind::pooled);
}

std::size_t Repository::asked() const noexcept { return state_->asked.size() + state_->refused.size(); }

void Repository::wait(std::chrono::milliseconds timeout, std::vector<Answer>& out) {
  const bool some = !state_->refused.empty();
  for (auto& answer : state_->refused) out.push_back(std::move(answer));
  state_->refused.clear();
  std::vector<sandbox::Reply> replies;
  state_->pool.wait(some ? std::chrono::milliseconds{0} : timeout, replies);
  for (const auto& reply : replies) {
    const auto place = state_->asked.find(reply.id);
    if (place == state_->asked.end()) continue;
    out.push_back(state_->check(reply.id, place->second, reply));
    state_->asked.erase(place);
  }
}

}  // namespace assay::git
