#include "format/pickle/heap.h"

#include <algorithm>

namespace assay::format::pickle {
namespace {

constexpr std::size_t kHeaderCells = 2;  ///< of a list, dict or set: the header, its weight
constexpr std::size_t kFirstRoom = 4;    ///< items of a container that grows piecemeal
constexpr std::size_t kHashDepth = 8;
constexpr std::uint32_t kHashItems = 32;
constexpr int kHashLooks = 256;

/// A header's aux: how many items are kept (low byte), for how many there is room (high byte).
std::uint16_t aux_of(std::size_t room, std::size_t kept) { return static_cast<std::uint16_t>(room << 8 | kept); }

std::uint32_t saturated(std::uint64_t n) { return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0xffffffff)); }

Value as_cell(const Weight& w, std::uint8_t marks = 0) { return {Tag::header, marks, 0, w.depth, w.leaves}; }
Weight as_weight(const Value& cell) { return {cell.at, cell.len}; }

/// A number or an ordinary text: one leaf, can be a key, and says nothing about attributes.
bool is_simple(const Value& v) {
  return v.tag >= Tag::none && v.tag <= Tag::bytes && (v.flags & (kDunder | kMutable)) == 0;
}

}  // namespace

Weight Heap::weight_of(const Value& v) const {
  if (v.tag == Tag::tuple || v.tag == Tag::frozenset) {
    const auto kept = kept_of_tuple(v.len);
    if (holds(v.at, kept + 1)) return as_weight(cell(v.at + kept));
  } else if (is_container(v.tag) && holds(v.at, kHeaderCells)) {
    return as_weight(cell(v.at + 1));
  }
  return {};
}

void Heap::weigh(const Value& v, Weight& sum) const {
  if (v.tag < Tag::tuple || v.tag > Tag::frozenset) {
    ++sum.leaves;
    return;
  }
  const auto w = weight_of(v);
  if (__builtin_add_overflow(sum.leaves, w.leaves, &sum.leaves)) sum.leaves = UINT64_MAX;
  sum.depth = std::max(sum.depth, w.depth + 1);
}

/// `left`: values that are still looked at. A tuple of references to a tuple of references would otherwise
/// cost a power of its depth, and no opcode would be paid for it.
bool Heap::hashable(const Value& v, int& left, int depth) const {
  if (is_container(v.tag) || (v.flags & kMutable) != 0) return false;
  if (v.tag != Tag::tuple || depth == kHashDepth || !holds(v.at, kept_of_tuple(v.len))) return true;
  for (std::size_t i = 0; i < std::min(v.len, kHashItems) && left > 0; ++i, --left)
    if (!hashable(cell(v.at + i), left, depth + 1)) return false;
  return true;
}

Load Heap::survey(std::span<const Value> items, Keys keys) const {
  Load load;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& v = items[i];
    if (is_simple(v)) [[likely]] {
      ++load.weight.leaves;
      continue;
    }
    weigh(v, load.weight);
    if (!is_plain(v.tag) || holds_objects(v)) load.marks |= kHoldsObjects;
    if (keys == Keys::none) continue;
    if (keys == Keys::every_other_item && i % 2 == 1) {
      if (v.tag == Tag::symbol) load.marks |= kNameValues;
      continue;
    }
    int left = kHashLooks;
    load.hashable = load.hashable && hashable(v, left);
    if (!is_plain(v.tag) || (v.flags & kDunder) != 0) load.marks |= kSpecialKeys;
  }
  return load;
}

bool Heap::holds_objects(const Value& v) const {
  if (v.tag < Tag::tuple || v.tag > Tag::frozenset) return false;
  const auto all = kept(v);
  return !all || (all->marks & (kHoldsObjects | kSpecialKeys)) != 0;
}

void Heap::grow() {
  auto wanted = cells_.empty() ? std::uint64_t{64} : cells_.size() * 4;
  while (wanted < head_ && (keeps_all_ || wanted < kCells)) wanted *= 2;
  cells_.lengthen(keeps_all_ ? wanted : std::min(wanted, kCells));
}

void Heap::write(std::uint64_t place, std::span<const Value> values) {
  if (values.empty()) return;
  const auto from = static_cast<std::size_t>(place & mask_);
  if (values.size() <= cells_.size() - from) {
    std::memcpy(cells_.data() + from, values.data(), values.size_bytes());
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) at(place + i) = values[i];
}

Value Heap::make_items(Tag tag, std::span<const Value> items, const Load& load) {
  const auto kept = kept_of_tuple(items.size());
  const auto first_cell = allocate(kept + 1);
  write(first_cell, items.first(kept));
  at(first_cell + kept) = as_cell(load.weight, load.marks & kHoldsObjects);
  return {tag, 0, 0, saturated(items.size()), first_cell};
}

Value Heap::make_container(Tag tag) {
  const auto first_cell = allocate(kHeaderCells);
  at(first_cell) = {Tag::header, 0, 0, 0, 0};
  at(first_cell + 1) = as_cell({});
  return {tag, 0, 0, 0, first_cell};
}

Value Heap::make_node(Tag tag, const Value& first, const Value& second) {
  const auto first_cell = allocate(node_cells());
  at(first_cell) = first;
  at(first_cell + 1) = second;
  for (auto i = 2u; i < node_cells(); ++i)
    at(first_cell + i) = {};  // the state, once BUILD gives one; what fill() adds
  const auto number = first.tag == Tag::symbol ? static_cast<std::uint32_t>(first.at) + 1 : 0;
  return {tag, 0, 0, number, first_cell};
}

std::optional<Weight> Heap::extend(const Value& container, std::span<const Value> items, const Load& load) {
  if (!holds(container.at, kHeaderCells)) return std::nullopt;
  auto weight = as_weight(cell(container.at + 1));
  if (__builtin_add_overflow(weight.leaves, load.weight.leaves, &weight.leaves)) weight.leaves = UINT64_MAX;
  weight.depth = std::max(weight.depth, load.weight.depth);
  at(container.at + 1) = as_cell(weight);

  auto header = cell(container.at);
  const std::size_t most = keeps_all_ ? kAllCells : container.tag == Tag::dict ? 2 * kKeptPairs : kKeptItems;
  const std::size_t kept = kept_in(header);
  if (kept < most && (kept == 0 || holds(header.at, kept))) {
    const auto fits = std::min(items.size(), most - kept);
    if (kept + fits > room_in(header)) {
      // Exactly enough where a container comes whole, all that is ever kept where it grows piecemeal.
      const auto room = keeps_all_ ? std::bit_ceil(kept + fits)
                        : kept > 0 ? most
                                   : std::max(fits, std::min(items.size() > 2 ? fits : kFirstRoom, most));
      const auto moved = allocate(room);
      for (std::size_t i = 0; i < kept; ++i) at(moved + i) = cell(header.at + i);
      header.at = moved;
      if (!keeps_all_) header.aux = aux_of(room, kept);
    }
    write(header.at + kept, items.first(fits));
    if (!keeps_all_) header.aux = aux_of(room_in(header), kept + fits);
  }
  header.len = saturated(std::uint64_t{header.len} + items.size());
  header.flags |= load.marks;
  at(container.at) = header;
  return weight;
}

void Heap::set_state(const Value& node, const Value& state) {
  if (holds_node(node)) at(node.at + 2) = state;
}

void Heap::fill(const Value& node, Tag like, std::span<const Value> items) {
  if (!keeps_all_ || !holds_node(node)) return;
  const auto place = node.at + kNodeCells + (like == Tag::dict ? 0 : 1);
  if (cell(place).tag == Tag::unknown) {
    const auto made = make_container(like);
    at(place) = made;
  }
  const auto container = cell(place);
  extend(container, items, survey(items, like == Tag::dict ? Keys::every_other_item : Keys::none));
}

std::optional<Value> Heap::filled(const Value& node, Tag like) const {
  if (!keeps_all_ || !holds_node(node)) return std::nullopt;
  const auto& v = cell(node.at + kNodeCells + (like == Tag::dict ? 0 : 1));
  return v.tag == like ? std::optional{v} : std::nullopt;
}

bool Heap::holds_node(const Value& v) const { return is_node(v.tag) && holds(v.at, node_cells()); }

std::optional<Value> Heap::node(const Value& v, std::size_t i) const {
  if (i >= kNodeCells || !holds_node(v)) return std::nullopt;
  return cell(v.at + i);
}

std::optional<Heap::Kept> Heap::kept(const Value& v) const {
  if (v.tag == Tag::tuple || v.tag == Tag::frozenset) {
    const auto count = kept_of_tuple(v.len);
    if (!holds(v.at, count + 1)) return std::nullopt;
    return Kept{v.at, count, v.len, cell(v.at + count).flags};
  }
  if (!is_container(v.tag) || !holds(v.at, kHeaderCells)) return std::nullopt;
  const auto& header = cell(v.at);
  const bool there = kept_in(header) == 0 || holds(header.at, kept_in(header));
  return Kept{header.at, there ? kept_in(header) : 0, header.len, header.flags};
}

std::optional<Value> Heap::item(const Value& v, std::size_t i) const {
  const auto all = kept(v);
  if (!all || i >= all->count) return std::nullopt;
  return cell(all->first + i);
}

}  // namespace assay::format::pickle
