#include "container/zip/joined.h"

#include <algorithm>
#include <tuple>

#include "container/zip/names.h"
#include "container/zip/zip.h"

namespace assay::container::zip {
namespace {

/// Members that share bytes: no writer does that, quines and bombs do. One oddity, however many there are.
struct Overlaps {
  std::uint64_t count = 0;
  std::uint64_t at = 0;
  std::string names;

  void add(const Entry& first, const Entry& second) {
    if (count++ > 0) return;
    at = second.header_offset;
    names = pair_of(first.name, second.name);
  }
};

void absorb(Entry& first, const Entry& again, Overlaps& overlaps) {
  first.encrypted |= again.encrypted;
  // A link or a folder to one loader and a file to another: then there is data to look at.
  if (first.kind != again.kind) first.kind = Entry::Kind::file;
  if (first.name != again.name) overlaps.add(first, again);
}

void merge_equal(std::vector<Entry>& all, Overlaps& overlaps) {
  const auto key = [](const Entry& e) { return std::tuple{e.packed.begin, e.packed.end, e.method}; };
  std::stable_sort(all.begin(), all.end(), [&](const Entry& a, const Entry& b) { return key(a) < key(b); });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (kept > 0 && key(all[kept - 1]) == key(all[i])) {
      absorb(all[kept - 1], all[i], overlaps);
      continue;
    }
    if (kept != i) all[kept] = std::move(all[i]);
    ++kept;
  }
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(kept), all.end());
}

void find_overlaps(const std::vector<Entry>& all, const std::unordered_set<std::uint64_t>& open, Overlaps& overlaps) {
  const Entry* furthest = nullptr;
  for (const auto& e : all) {
    if (e.packed.begin == e.packed.end || open.contains(e.header_offset)) continue;
    if (furthest != nullptr && e.packed.begin < furthest->packed.end && e.header_offset != furthest->header_offset)
      overlaps.add(*furthest, e);
    if (furthest == nullptr || e.packed.end > furthest->packed.end) furthest = &e;
  }
}

/// Two members of one name: CPython opens the last one listed, miniz the first.
void report_duplicates(const std::vector<Entry>& all, Oddities& oddities) {
  struct Slot {
    std::uint64_t hash;
    std::size_t index;
  };
  std::vector<Slot> slots;
  slots.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) slots.push_back({folded_hash(all[i].name), i});
  std::sort(slots.begin(), slots.end(), [&](const Slot& a, const Slot& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    if (before_folded(all[a.index].name, all[b.index].name)) return true;
    if (before_folded(all[b.index].name, all[a.index].name)) return false;
    return a.index < b.index;
  });
  for (std::size_t i = 1; i < slots.size(); ++i) {
    const auto& first = all[slots[i - 1].index];
    const auto& second = all[slots[i].index];
    if (slots[i].hash != slots[i - 1].hash || !same_folded(first.name, second.name)) continue;
    if (first.header_offset == second.header_offset || second.kind == Entry::Kind::directory) continue;
    if (first.name == second.name) oddities.note(kDuplicate, second.header_offset, second.name);
    else oddities.note(kDuplicateFolded, second.header_offset, pair_of(first.name, second.name));
  }
}

}  // namespace

void join_readings(std::vector<Entry>& entries, const std::unordered_set<std::uint64_t>& open, Oddities& oddities) {
  Overlaps overlaps;
  merge_equal(entries, overlaps);
  report_duplicates(entries, oddities);
  find_overlaps(entries, open, overlaps);
  if (overlaps.count > 0) oddities.note(kOverlap, overlaps.at, std::to_string(overlaps.count) + " " + overlaps.names);
}

}  // namespace assay::container::zip
