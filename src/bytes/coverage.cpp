#include "bytes/coverage.h"

#include <algorithm>

namespace assay::bytes {
namespace {

/// The parts of `extents` outside `taken`; both normalised.
std::vector<Extent> without(const std::vector<Extent>& extents, const std::vector<Extent>& taken) {
  std::vector<Extent> out;
  std::size_t t = 0;
  for (auto e : extents) {
    while (t < taken.size() && taken[t].end <= e.begin) ++t;
    for (auto i = t; i < taken.size() && taken[i].begin < e.end; ++i) {
      if (taken[i].begin > e.begin) out.push_back({e.begin, taken[i].begin});
      e.begin = std::max(e.begin, taken[i].end);
      if (e.begin >= e.end) break;
    }
    if (e.begin < e.end) out.push_back(e);
  }
  return out;
}

/// Appends, or lengthens the last one: a reader that works forwards costs one entry.
void append(std::vector<Extent>& list, std::uint64_t begin, std::uint64_t end) {
  if (!list.empty() && begin >= list.back().begin && begin <= list.back().end)
    list.back().end = std::max(list.back().end, end);
  else list.push_back({begin, end});
}

void note(std::vector<Unexamined>& out, const Extent& e, std::string_view reason) {
  if (out.size() < kMostUnexamined) out.push_back({e, std::string{reason}});
  else out.back().extent.end = std::max(out.back().extent.end, e.end), out.back().reason = "and more";
}

}  // namespace

std::vector<Extent> normalised(std::vector<Extent> extents, std::uint64_t size) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  std::size_t kept = 0;
  for (auto e : extents) {
    e.end = std::min(e.end, size);
    if (e.begin >= e.end) continue;
    if (kept > 0 && e.begin <= extents[kept - 1].end) extents[kept - 1].end = std::max(extents[kept - 1].end, e.end);
    else extents[kept++] = e;
  }
  extents.resize(kept);
  return extents;
}

std::vector<Extent> remainder(std::uint64_t size, std::vector<Extent> taken) {
  std::vector<Extent> out;
  std::uint64_t at = 0;
  for (const auto& e : normalised(std::move(taken), size)) {
    if (e.begin > at) out.push_back({at, e.begin});
    at = e.end;
  }
  if (at < size) out.push_back({at, size});
  return out;
}

std::uint64_t bytes_in(const std::vector<Extent>& extents) {
  std::uint64_t n = 0;
  for (const auto& e : extents) n += e.end - e.begin;
  return n;
}

void CoverageMap::claim(Cover cover, std::uint64_t begin, std::uint64_t end) {
  if (begin < end) append(claims_[static_cast<std::size_t>(cover)], begin, end);
}

void CoverageMap::claim_tensor(std::uint64_t begin, std::uint64_t end) {
  claim(Cover::inert, begin, end);
  if (begin < end) append(tensors_, begin, end);
}

std::vector<Extent> CoverageMap::tensors(std::uint64_t size) const { return normalised(tensors_, size); }

void CoverageMap::miss(std::uint64_t begin, std::uint64_t end, std::string_view reason) {
  if (begin < end) misses_.push_back({{begin, end}, std::string{reason}});
}

void CoverageMap::add(const CoverageMap& other) {
  for (std::size_t c = 0; c < kCovers; ++c)
    for (const auto& e : other.claims_[c]) claim(static_cast<Cover>(c), e.begin, e.end);
  for (const auto& e : other.tensors_) append(tensors_, e.begin, e.end);
  misses_.insert(misses_.end(), other.misses_.begin(), other.misses_.end());
}

void CoverageMap::spoil(std::string_view reason) {
  auto& delegated = claims_[static_cast<std::size_t>(Cover::delegated)];
  for (const auto& e : delegated) miss(e.begin, e.end, reason);
  delegated.clear();
}

bool CoverageMap::missed(std::uint64_t begin, std::uint64_t end) const {
  return std::any_of(misses_.begin(), misses_.end(),
                     [&](const Unexamined& m) { return m.extent.begin < end && m.extent.end > begin; });
}

std::vector<Extent> CoverageMap::gaps(std::uint64_t size) const {
  std::vector<Extent> all;
  for (std::size_t c = 0; c + 1 < kCovers; ++c) all.insert(all.end(), claims_[c].begin(), claims_[c].end());
  return remainder(size, std::move(all));
}

bool CoverageMap::covers(std::uint64_t begin, std::uint64_t end) const {
  if (begin >= end) return true;
  for (const auto& gap : gaps(end))
    if (gap.end > begin) return false;
  return true;
}

Coverage CoverageMap::finish(std::uint64_t size) const {
  Coverage out;
  auto left = remainder(size, {});
  for (std::size_t c = 0; c + 1 < kCovers; ++c) {
    if (claims_[c].empty()) continue;
    const auto mine = normalised(claims_[c], size);
    const auto rest = without(left, mine);
    out.total[c] = bytes_in(left) - bytes_in(rest);
    left = rest;
  }
  out.total[static_cast<std::size_t>(Cover::unexamined)] = bytes_in(left);
  for (const auto& e : left) {
    // Beyond the last range that is kept the reason is never shown, and a million gaps times a million
    // misses would be searched for it.
    if (out.unexamined.size() == kMostUnexamined) {
      note(out.unexamined, e, {});
      continue;
    }
    // A gap that a reader explained keeps that explanation; the first one that touches it wins.
    const auto told = std::find_if(misses_.begin(), misses_.end(), [&](const Unexamined& m) {
      return m.extent.begin < e.end && m.extent.end > e.begin;
    });
    note(out.unexamined, e, told == misses_.end() ? "no reader claimed these bytes" : std::string_view{told->reason});
  }
  return out;
}

}  // namespace assay::bytes
