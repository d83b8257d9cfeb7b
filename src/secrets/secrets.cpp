#include "secrets/secrets.h"

#include <algorithm>
#include <optional>

#include "secrets/budget.h"
#include "secrets/matching.h"
#include "secrets/overlap.h"
#include "secrets/prefilter.h"
#include "secrets/table.h"
#include "secrets/window.h"

namespace assay::secrets {
namespace {

constexpr std::size_t kBytesAtOnce = 1 << 14;  // what is scanned and looked through while it is in the cache

std::uint64_t begin_of(const Place& place) noexcept { return place.end - table::keywords[place.keyword].text.size(); }

}  // namespace

std::span<const Detector> detectors() noexcept { return table::detectors; }
std::string_view rule_set_version() noexcept { return table::version; }

struct Scanner::State {
  explicit State(Prefilter opened) noexcept : prefilter{std::move(opened)} {}

  void take(bytes::View piece);
  void admit();
  void settle(bool is_end);
  void try_rules(const Place& place);
  bool is_worth_a_try(std::uint32_t rule, const Place& place);
  void forget_what_is_settled();
  std::vector<Hit> finish();

  Prefilter prefilter;
  Window window;
  Budget tries{table::cost_of_stretch};
  Budget doubts{table::most_doubts};
  Ends ends;
  std::vector<Place> noted;    // by the last scan
  std::vector<Place> waiting;  // for the bytes that their rules need; by their ends
  std::size_t settled = 0;     // of those, from the front
  std::vector<Found> found;
  bool is_cut = false;
  bool was_cut = false;  // what finish() last ended
};

void Scanner::State::take(bytes::View piece) {
  window.append(piece);
  noted.clear();
  prefilter.scan(piece, noted);
  admit();
  settle(false);
  forget_what_is_settled();
}

void Scanner::State::admit() {
  for (const auto& place : noted) {
    if (tries.affords(place.end, table::keywords[place.keyword].cost)) {
      waiting.push_back(place);
    } else {
      is_cut = true;
    }
  }
}

/// In order, so that what is found does not depend on the blocks; of the first that must wait, all others wait behind
/// it.
void Scanner::State::settle(bool is_end) {
  for (; settled < waiting.size(); ++settled) {
    const auto& place = waiting[settled];
    // One more byte than the reach: what follows the secret decides, too.
    if (!is_end && window.end() <= begin_of(place) + table::keywords[place.keyword].reach) return;
    try_rules(place);
  }
}

void Scanner::State::try_rules(const Place& place) {
  for (const auto rule : table::keywords[place.keyword].rules) {
    if (found.size() > table::most_found) return;
    if (!is_worth_a_try(rule, place)) continue;
    if (const auto one = hit_at(rule, window.around(), begin_of(place), place.end, ends)) found.push_back(*one);
  }
}

bool Scanner::State::is_worth_a_try(std::uint32_t rule, const Place& place) {
  if (!is_doubtful(rule)) return true;
  if (!may_match(rule, window.around(), begin_of(place))) return false;
  const bool is_affordable = doubts.affords(place.end, 1);
  is_cut = is_cut || !is_affordable;
  return is_affordable;
}

void Scanner::State::forget_what_is_settled() {
  auto earliest = window.end() - std::min<std::uint64_t>(window.end(), table::longest_keyword);
  if (settled < waiting.size()) earliest = std::min(earliest, begin_of(waiting[settled]));
  const auto behind = table::longest_lead + table::near_bytes;
  window.drop_before(earliest - std::min<std::uint64_t>(earliest, behind));
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(settled));
  settled = 0;
}

std::vector<Hit> Scanner::State::finish() {
  settle(true);
  was_cut = is_cut || found.size() > table::most_found;
  found.resize(std::min(found.size(), table::most_found));
  auto hits = resolve(std::move(found));
  was_cut = was_cut || hits.size() > kMostHits;
  hits.resize(std::min(hits.size(), kMostHits));

  prefilter.restart();
  window.clear();
  tries = Budget{table::cost_of_stretch};
  doubts = Budget{table::most_doubts};
  ends.forget();
  waiting.clear();
  settled = 0;
  found.clear();
  is_cut = false;
  return hits;
}

Scanner::Scanner(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;
Scanner::~Scanner() = default;

Result<Scanner> Scanner::open() { return Scanner{std::make_unique<State>(TRY(Prefilter::open()))}; }

void Scanner::feed(bytes::View block) {
  while (!block.empty()) {
    const auto piece = block.first(std::min(block.size(), kBytesAtOnce));
    state_->take(piece);
    block = block.subspan(piece.size());
  }
}

std::vector<Hit> Scanner::finish() { return state_->finish(); }
bool Scanner::cut() const noexcept { return state_->was_cut; }

}  // namespace assay::secrets
