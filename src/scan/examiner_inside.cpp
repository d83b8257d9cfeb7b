#include "format/pickle/literal.h"
#include "format/pickle/pickle.h"
#include "identify/programs.h"
#include "scan/examiner.h"
#include "scan/program_search.h"

namespace assay::scan {

using bytes::Cover;

namespace {

constexpr std::uint64_t kMagicBytes = 512;
constexpr std::uint64_t kMostSearched = 64ull << 20;  ///< bytes of one gap in which beginnings are searched
constexpr std::size_t kMostGaps = 4096;               ///< gaps of one member that are searched

/// Length of the run of zeros at `begin`, up to `end`.
std::uint64_t zeros_at(const bytes::Source& source, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::byte> block(64 << 10);
  for (auto at = begin; at < end;) {
    const auto n = source.read_at(
        at, std::span{block}.first(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), end - at))));
    if (!n || *n == 0) return at - begin;
    for (std::size_t i = 0; i < *n; ++i)
      if (block[i] != std::byte{0}) return at + i - begin;
    at += *n;
  }
  return end - begin;
}

}  // namespace

void Examiner::examine_nested(Reading& r) {
  auto nested = std::move(r.facts.nested);
  r.facts.nested.clear();
  for (auto& n : nested) {
    if (needs_own_cell_) return;
    if (!budget_.charge(bytes::Line::members, 1))
      return r.facts.stop("pickle", {Errc::limit_reached, n.offset, "limit reached: members"});
    const bytes::WindowSource window{r.source, n.offset, n.length};
    examine_guess(r, n.decoded ? *n.decoded : static_cast<const Source&>(window), std::move(n.name), std::move(n.role),
                  n.offset, n.decoded != nullptr);
  }
}

bool Examiner::examine_guess(Reading& r, const Source& source, std::string name, std::string role, std::uint64_t offset,
                             bool own) {
  const auto index = add_member(r.index, std::move(name), std::move(role), offset, source.size());
  if (examine(index, source, r.depth + 1, Certainty::guess, {}, own)) {
    for (const auto& e : std::exchange(window_elsewhere_, {}))
      r.elsewhere.push_back({offset + e.begin, offset + e.end});
    for (const auto& e : std::exchange(window_tensors_, {})) r.tensors.push_back({offset + e.begin, offset + e.end});
    return true;
  }
  if (document_.members.size() == index + 1) document_.members.pop_back();
  return false;
}

/// A tensor's bytes may be anything, but numpy.load opens a checkpoint as well, and others open its members by name.
void Examiner::examine_tensor(Reading& r, const Source& tensor, std::uint64_t offset) {
  const auto head = bytes::read_up_to(tensor, 0, kMagicBytes);
  if (head && format::pickle::could_load(*head) &&
      examine_guess(r, tensor, "tensor@" + std::to_string(offset), "unowned bytes", offset))
    r.facts.quirk("file.unowned-loadable", offset, "in a tensor's bytes");
}

/// Bytes that no reader of this member claimed: zeros are padding; what a loader could start at is
/// examined like a member; the rest is data that nobody acts on, if the member as such is understood.
void Examiner::read_unowned(Reading& r) {
  const auto gaps = r.facts.coverage.gaps(r.source.size());
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    if (needs_own_cell_) return;
    if (i == kMostGaps) {
      r.facts.coverage.miss(gaps[i].begin, r.source.size(), "too many gaps to search");
      return;
    }
    const auto zeros = zeros_at(r.source, gaps[i].begin, gaps[i].end);
    r.facts.coverage.claim(Cover::padding, gaps[i].begin, gaps[i].begin + zeros);
    if (gaps[i].begin + zeros < gaps[i].end) search(r, gaps[i].begin + zeros, gaps[i].end);
  }
}

void Examiner::search(Reading& r, std::uint64_t begin, std::uint64_t end) {
  const bool explained = r.facts.coverage.missed(begin, end);
  const auto searched = std::min(end, begin + kMostSearched);
  for (auto at = begin; at < searched;) {
    // At the member's own start every format had its chance already.
    const auto start = next_start(r, std::max<std::uint64_t>(at, 1), searched, at == begin && at > 0);
    if (!start) {
      r.facts.stop("unowned bytes", start.error());
      return r.facts.coverage.miss(at, end, start.error().what);
    }
    if (!*start) break;
    const auto from = **start;
    const bytes::WindowSource window{r.source, from, end - from};
    const auto members_before = document_.members.size();
    if (examine_guess(r, window, "unowned@" + std::to_string(from), "unowned bytes", from)) {
      r.facts.quirk("file.unowned-loadable", from, joined(document_.members[members_before].formats));
      r.facts.coverage.claim(Cover::delegated, from, end);
      if (from > begin && !explained) r.facts.coverage.claim(Cover::inert, begin, from);
      return;  // the found member accounts for the rest of the gap
    }
    at = from + 1;
  }
  if (!explained || r.formats.empty()) search_programs(r, begin, searched);
  if (explained) return;
  if (searched < end) return r.facts.coverage.miss(searched, end, "a gap too large to search");
  r.facts.quirk("file.unowned-bytes", begin, std::to_string(end - begin));
  r.facts.coverage.claim(Cover::inert, begin, end);
}

/// No loader starts at a program; somebody who means to takes it out and runs it.
void Examiner::search_programs(Reading& r, std::uint64_t begin, std::uint64_t end) {
  const auto found = identify::find_programs(r.source, begin, end, [&] { return budget_.check_time(begin); });
  for (const auto& program : found.facts) {
    if (program.format == "script" && r.formats.empty()) continue;  // text that is not UTF-8 quotes scripts
    r.facts.quirk("file.hidden-program", program.begin, described(program));
  }
  if (found.stopped) r.facts.stop("programs", *found.stopped);
}

Result<std::optional<std::uint64_t>> Examiner::next_start(Reading& r, std::uint64_t at, std::uint64_t end, bool first) {
  if (first) {
    if (format::pickle::could_load(TRY(bytes::read_up_to(r.source, at, kMagicBytes)))) return std::optional{at};
  }
  return format::pickle::find_start(r.source, at, end, r.facts);
}

}  // namespace assay::scan
