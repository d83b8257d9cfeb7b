#include "secrets/overlap.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "secrets/table.h"

namespace assay::secrets {
namespace {

auto place(const Found& f) { return std::tuple{f.hit.begin, f.hit.end, f.hit.detector}; }

/// Each hit once, by place, with the latest match that led to it.
void unite(std::vector<Found>& found) {
  std::ranges::sort(found, [](const Found& a, const Found& b) {
    return std::tuple_cat(place(a), std::tuple{b.match_begin}) < std::tuple_cat(place(b), std::tuple{a.match_begin});
  });
  const auto is_same = [](const Found& a, const Found& b) { return a.hit == b.hit; };
  found.erase(std::unique(found.begin(), found.end(), is_same), found.end());
}

bool share(const Hit& a, const Hit& b) noexcept { return a.begin < b.end && b.begin < a.end; }

/// The hits before which others give way, by place.
class Commanding {
 public:
  explicit Commanding(const std::vector<Found>& found) {
    for (const auto& f : found) {
      if (table::rules[f.hit.detector].over.empty()) continue;
      hits_.push_back(f.hit);
      longest_ = std::max(longest_, f.hit.end - f.hit.begin);
    }
  }

  bool displaces(const Hit& hit) const {
    const auto earliest = hit.begin - std::min(hit.begin, longest_);
    auto at = std::ranges::lower_bound(hits_, earliest, {}, &Hit::begin);
    for (; at != hits_.end() && at->begin < hit.end; ++at) {
      if (share(*at, hit) && std::ranges::binary_search(table::rules[at->detector].over, hit.detector)) return true;
    }
    return false;
  }

 private:
  std::vector<Hit> hits_;
  std::uint64_t longest_ = 0;  // bytes: what begins further before a hit cannot reach it
};

auto order(const Found& f) {
  const auto kind = table::rules[f.hit.detector].kind;
  const auto distance = kind == table::Kind::format ? 0 : f.hit.begin - f.match_begin;
  return std::tuple{kind, distance, f.hit.begin - f.hit.end, f.hit.begin, f.hit.detector};
}

}  // namespace

std::vector<Hit> resolve(std::vector<Found> found) {
  unite(found);
  const Commanding commanding{found};
  std::erase_if(found, [&](const Found& f) { return commanding.displaces(f.hit); });
  std::ranges::sort(found, {}, order);
  std::map<std::uint64_t, Hit> kept;  // by their ends
  for (const auto& f : found) {
    const auto next = kept.upper_bound(f.hit.begin);
    if (next == kept.end() || !share(next->second, f.hit)) kept.emplace(f.hit.end, f.hit);
  }
  std::vector<Hit> hits;
  for (const auto& [end, hit] : kept) hits.push_back(hit);
  return hits;
}

}  // namespace assay::secrets
