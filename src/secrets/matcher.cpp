#include "secrets/matcher.h"

#include <algorithm>

#include "secrets/overlap.h"

namespace assay::secrets {
namespace {

using literals::Place;

std::uint64_t begin_of(const Place& place) noexcept { return place.end - table::keywords[place.literal].text.size(); }

}  // namespace

void Matcher::take(bytes::View piece, std::span<const Place> keywords) {
  window_.append(piece);
  for (const auto& place : keywords) {
    if (tries_.affords(place.end, table::keywords[place.literal].cost)) waiting_.push_back(place);
    else is_cut_ = true;
  }
  settle(false);
  forget_what_is_settled();
}

/// In order, so that what is found does not depend on the pieces; of the first that must wait, all others wait behind
/// it.
void Matcher::settle(bool is_end) {
  for (; settled_ < waiting_.size(); ++settled_) {
    const auto& place = waiting_[settled_];
    // One more byte than the reach: what follows the secret decides, too.
    if (!is_end && window_.end() <= begin_of(place) + table::keywords[place.literal].reach) return;
    try_rules(place);
  }
}

void Matcher::try_rules(const Place& place) {
  for (const auto rule : table::keywords[place.literal].rules) {
    if (found_.size() > table::most_found) return;
    if (!is_worth_a_try(rule, place)) continue;
    if (const auto one = hit_at(rule, window_.around(), begin_of(place), place.end, ends_)) found_.push_back(*one);
  }
}

bool Matcher::is_worth_a_try(std::uint32_t rule, const Place& place) {
  if (!is_doubtful(rule)) return true;
  if (!may_match(rule, window_.around(), begin_of(place))) return false;
  const bool is_affordable = doubts_.affords(place.end, 1);
  is_cut_ = is_cut_ || !is_affordable;
  return is_affordable;
}

void Matcher::forget_what_is_settled() {
  auto earliest = window_.end() - std::min<std::uint64_t>(window_.end(), table::longest_keyword);
  if (settled_ < waiting_.size()) earliest = std::min(earliest, begin_of(waiting_[settled_]));
  const auto behind = table::longest_lead + table::near_bytes;
  window_.drop_before(earliest - std::min<std::uint64_t>(earliest, behind));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(settled_));
  settled_ = 0;
}

std::vector<Hit> Matcher::finish() {
  settle(true);
  was_cut_ = is_cut_ || found_.size() > table::most_found;
  found_.resize(std::min(found_.size(), table::most_found));
  auto hits = resolve(std::move(found_));
  was_cut_ = was_cut_ || hits.size() > Scanner::kMostHits;
  hits.resize(std::min(hits.size(), Scanner::kMostHits));

  window_.clear();
  tries_ = Budget{table::cost_of_stretch};
  doubts_ = Budget{table::most_doubts};
  ends_.forget();
  waiting_.clear();
  settled_ = 0;
  found_.clear();
  is_cut_ = false;
  return hits;
}

}  // namespace assay::secrets
