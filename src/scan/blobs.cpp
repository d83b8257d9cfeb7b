#include "scan/blobs.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>

#include "base/text.h"

namespace assay::scan {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostAhead = 256;              ///< blobs
constexpr std::uint64_t kMostBytesAhead = 64 << 20;  ///< of them, unless one alone is larger
constexpr std::uint64_t kInMemory = 1 << 20;         ///< bytes; larger blobs go to the spool folder
constexpr std::size_t kAgain = ~std::size_t{0};      ///< the number of a blob that is asked for a second time
constexpr std::size_t kShortId = 7;                  ///< digits, as git shows it

/// ISO 8601, whatever a commit claims: years that no calendar writes in four digits become the first or the last.
std::string date_of(std::int64_t seconds) {
  using namespace std::chrono;
  constexpr std::int64_t kFirst = -62'135'596'800, kLast = 253'402'300'799;  // the years 1 to 9999
  const sys_seconds time{std::chrono::seconds{std::clamp(seconds, kFirst, kLast)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

std::shared_ptr<const format::Origin> origin_of(const git::Entry& entry, const git::History& history) {
  auto out = std::make_shared<format::Origin>();
  out->object = entry.id.hex();
  out->other_paths = entry.other_paths;
  if (entry.commit == git::Entry::kNoCommit) return out;
  const auto& commit = history.commits[entry.commit];
  out->commit = commit.id.hex();
  out->author = commit.author.name;
  out->email = commit.author.email;
  out->date = date_of(commit.time);
  return out;
}

Found found_of(const git::Entry& entry, const git::History& history) {
  Found out;
  out.kind = Found::Kind::blob;
  out.path = entry.path.empty() ? "(object " + entry.id.hex().substr(0, kShortId) + ")" : entry.path;
  out.size = entry.size;
  out.origin = origin_of(entry, history);
  out.is_link = (entry.mode & git::kModeKind) == git::kModeLink;
  if (entry.is_submodule()) {
    out.kind = Found::Kind::absent;
    out.size = 0;
    out.what = "repo.submodule";
  } else if (entry.state == git::State::missing) {
    out.kind = Found::Kind::absent;
    out.what = "repo.object-missing";
  } else if (entry.state != git::State::present) {
    out.kind = Found::Kind::unreadable;
    out.what = "the object is damaged";
  }
  return out;
}

Found found_of(const git::Gap& gap) {
  const auto id = gap.id.hex().substr(0, kShortId);
  Found out;
  out.kind = Found::Kind::unreadable;
  switch (gap.kind) {
    case git::Gap::Kind::shallow:
      out.kind = Found::Kind::absent;
      out.path = "(history before commit " + id + ")";
      out.what = "repo.shallow-history";
      break;
    case git::Gap::Kind::missing:
      out.kind = Found::Kind::absent;
      out.path = "(object " + id + ")";
      out.what = "repo.object-missing";
      break;
    case git::Gap::Kind::damaged:
      out.path = "(object " + id + ")";
      out.what = "a commit, tag or folder of the history is damaged";
      break;
    case git::Gap::Kind::reference:
      out.path = "(references)";
      out.what = "a reference cannot be resolved";
      break;
    case git::Gap::Kind::deep:
      out.path = "(object " + id + ")";
      out.what = "a folder with a path too long to be checked out";
      break;
    case git::Gap::Kind::limit:
      out.path = "(history)";
      out.what = "limit reached: commits and blobs of one history; the rest was not listed";
      break;
  }
  return out;
}

std::string error_of(const GitSource& source, const Error& error) {
  return printable(source.repository) + ": " + std::string{error.what};
}

git::Range range_of(const GitSource& source) {
  git::Range out;
  out.include = source.include;
  out.exclude = source.exclude;
  out.all = source.all;
  out.beyond_refs = source.beyond_references;
  out.staged = source.staged;
  return out;
}

/// Of what is staged: the files that were named, or all that are new. The same blob under two names is read once. Gives
/// back the names of files that are not staged at all.
std::set<std::string> keep_wanted(git::History& history, const std::vector<std::string>& files) {
  const std::set<std::string> wanted{files.begin(), files.end()};
  auto not_met = wanted;
  std::map<std::string, std::size_t> first;  // of each blob, among those that are kept
  std::vector<git::Entry> kept;
  for (auto& entry : history.entries) {
    not_met.erase(entry.path);
    if (wanted.empty() ? !entry.is_new : !wanted.contains(entry.path)) continue;
    const auto key = entry.id.hex() + (entry.is_submodule() ? " submodule" : "");
    const auto [place, is_new] = first.try_emplace(key, kept.size());
    if (is_new) kept.push_back(std::move(entry));
    else ++kept[place->second].other_paths;
  }
  history.entries = std::move(kept);
  return not_met;
}

Found unreadable_found(std::string path, std::string what) {
  Found out;
  out.kind = Found::Kind::unreadable;
  out.path = std::move(path);
  out.what = std::move(what);
  return out;
}

}  // namespace

tl::expected<History, Refusal> list_history(const GitSource& source, const Selection& selection, sandbox::Tier tier) {
  const auto refuse = [&](const Error& error) { return tl::unexpected<Refusal>{Refusal{error_of(source, error)}}; };
  auto where =
      git::locate(source.repository, source.in_hook ? git::Environment::of_this_process() : git::Environment{});
  if (!where) return refuse(where.error());
  auto repository = git::Repository::open(std::move(*where), {}, tier);
  if (!repository) return refuse(repository.error());
  auto history = repository->list(range_of(source));
  if (!history) return refuse(history.error());
  Listing listing;
  if (source.staged)
    for (const auto& file : keep_wanted(*history, source.files))
      listing.found.push_back(unreadable_found(file, "it is not staged, so nothing of it would be committed"));
  listing.root = source.repository;
  for (const auto& entry : history->entries) {
    auto found = found_of(entry, *history);
    if (is_selected(selection, found.path)) listing.found.push_back(std::move(found));
    else ++listing.excluded;
  }
  // No glob leaves out what nobody could look at.
  for (const auto& gap : history->gaps) listing.found.push_back(found_of(gap));
  if (history->more_gaps > 0)
    listing.found.push_back(
        unreadable_found("(history)", std::to_string(history->more_gaps) + " more objects that could not be followed"));
  std::stable_sort(listing.found.begin(), listing.found.end(),
                   [](const Found& a, const Found& b) { return a.path < b.path; });
  return History{std::move(*repository), std::move(listing)};
}

BlobFeed::BlobFeed(git::Repository& repository, const Listing& listing, std::string spool_folder)
    : repository_{repository}, found_{listing.found}, spool_folder_{std::move(spool_folder)} {}

void BlobFeed::ask(std::size_t index) {
  const auto& found = found_[index];
  Descriptor file;
  if (found.size > git::Repository::kMostInline)
    file = found.size <= kInMemory ? Descriptor{::memfd_create("blob", MFD_CLOEXEC)} : temporary_file(spool_folder_);
  repository_.ask(index, *git::Oid::from_hex(found.origin->object), file.get(), found.size);
  if (file) lent_.emplace(index, std::move(file));
}

void BlobFeed::ask_ahead() {
  for (; asked_ < found_.size() && asked_ < given_ + kMostAhead; ++asked_) {
    const auto& found = found_[asked_];
    if (found.kind != Found::Kind::blob) continue;
    if (bytes_ahead_ > 0 && found.size > kMostBytesAhead - std::min(kMostBytesAhead, bytes_ahead_)) break;
    bytes_ahead_ += found.size;
    ask(asked_);
  }
}

void BlobFeed::collect(milliseconds patience) {
  std::vector<git::Answer> answers;
  repository_.wait(patience, answers);
  for (auto& answer : answers) answered_.emplace(static_cast<std::size_t>(answer.id), std::move(answer));
}

bool BlobFeed::is_ready() {
  if (given_ >= found_.size() || found_[given_].kind != Found::Kind::blob) return true;
  ask_ahead();
  if (!answered_.contains(given_)) collect(milliseconds{0});
  return answered_.contains(given_);
}

Opened BlobFeed::next() {
  const auto index = given_;
  if (found_[index].kind != Found::Kind::blob) return ++given_, Opened{};
  ask_ahead();
  while (!answered_.contains(index) && repository_.asked() > 0) collect(milliseconds{100});
  ++given_;
  bytes_ahead_ -= std::min(bytes_ahead_, found_[index].size);
  auto answer = answered_.extract(index);
  auto file = lent_.extract(index);
  return opened(answer ? std::move(answer.mapped()) : git::Answer{}, file ? std::move(file.mapped()) : Descriptor{});
}

Opened BlobFeed::open_again(const Found& found) {
  repository_.ask(kAgain, *git::Oid::from_hex(found.origin->object), -1, found.size);
  while (!answered_.contains(kAgain) && repository_.asked() > 0) collect(milliseconds{100});
  auto answer = answered_.extract(kAgain);
  return opened(answer ? std::move(answer.mapped()) : git::Answer{}, Descriptor{});
}

Opened BlobFeed::opened(git::Answer answer, Descriptor file) {
  Opened out;
  if (answer.state != git::State::present) out.error = EIO;
  switch (answer.state) {
    case git::State::present: break;
    case git::State::missing: out.trouble = "the object is not in the repository"; return out;
    case git::State::damaged: out.trouble = "the object is damaged"; return out;
    case git::State::too_large: out.trouble = "limit reached: memory, or room in the spool folder"; return out;
  }
  struct stat s {};
  if (file && ::fstat(file.get(), &s) == 0) out.identity = Identity::of(s);
  out.identity.size = static_cast<off_t>(answer.size);
  out.sha256 = std::move(answer.sha256);
  out.whole = !file;
  out.file = std::move(file);
  out.request = request_for(answer.size, answer.bytes);
  return out;
}

}  // namespace assay::scan
