// What stands on the machine's stack: 16 bytes that say what is known of a Python object.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "base/result.h"

namespace assay::format::pickle {

enum class Tag : std::uint8_t {
  unknown,
  none,
  boolean,     ///< at: 0 or 1
  integer,     ///< at: the value as int64
  big_integer, ///< at, len: its bytes in the source
  real,        ///< at: the bits of the double
  text,        ///< at, len: its bytes in the source, flags: how they are written
  bytes,       ///< at, len: its bytes in the source
  symbol,      ///< at: index into the machine's symbols
  tuple,       ///< at: first cell in the ring (its weight stands behind the last), len: number of items
  list,        ///< at: header cell in the ring, its weight in the next
  dict,        ///< at: header cell
  set,         ///< at: header cell
  frozenset,   ///< at: first cell, len: number of items
  call,        ///< at: node {callee, argument tuple}, len: callee's symbol + 1, or 0
  instance,    ///< at: node {class, argument tuple}, len: class's symbol + 1, or 0
  persistent,  ///< at: node {persistent id}
  extension,   ///< at: the code
  header,      ///< only inside the ring: at: first cell of the kept items, len: all items, aux: room and kept items
  absent,      ///< only in the memo: nothing was put here
};

/// How a text's or a byte string's bytes are written in the source.
inline constexpr std::uint8_t kEscaped = 1;    ///< STRING: Python string escapes
inline constexpr std::uint8_t kRawUnicode = 2; ///< UNICODE: raw-unicode-escape
inline constexpr std::uint8_t kHuge = 4;       ///< longer than `len` can say
inline constexpr std::uint8_t kDunder = 8;     ///< text: starts and ends with "__"
inline constexpr std::uint8_t kMutable = 16;   ///< bytes: a bytearray
inline constexpr std::uint8_t kEightBit = 64;     ///< text: a Python 2 string, which may as well be bytes
inline constexpr std::uint8_t kNameValues = 2;    ///< header of a dict: a value is an imported name
inline constexpr std::uint8_t kSpecialKeys = 32;  ///< header of a dict: a key looks like "__this__" or is no constant

struct Value {
  Tag tag = Tag::unknown;
  std::uint8_t flags = 0;
  std::uint16_t aux = 0;
  std::uint32_t len = 0;
  std::uint64_t at = 0;
};
static_assert(sizeof(Value) == 16, "16 bytes per memo slot is a promise");

/// An array of Values that grows without a copy and without a second block beside the first: the memo and the ring
/// would otherwise need twice their memory while they grow. Throws bad_alloc, as a vector does.
class Slots {
 public:
  Slots() = default;
  Slots(const Slots& other) { append(other.all()); }
  Slots(Slots&&) = delete;
  Slots& operator=(const Slots&) = delete;

  std::size_t size() const { return size_; }
  std::span<const Value> all() const { return {data_.get(), size_}; }
  Value& operator[](std::size_t i) {
    ASSAY_ASSERT(i < size_);
    return data_.get()[i];
  }
  const Value& operator[](std::size_t i) const {
    ASSAY_ASSERT(i < size_);
    return data_.get()[i];
  }
  bool empty() const { return size_ == 0; }
  Value* data() { return data_.get(); }
  const Value* data() const { return data_.get(); }
  const Value& back() const {
    ASSAY_ASSERT(size_ > 0);
    return data_.get()[size_ - 1];
  }
  void pop_back() {
    ASSAY_ASSERT(size_ > 0);
    --size_;
  }
  [[gnu::always_inline]] void push_back(const Value& v) {
    if (size_ == room_) [[unlikely]] make_room(size_ + 1);
    data_.get()[size_++] = v;
  }
  void resize(std::size_t n, const Value& v = {}) {
    if (n > room_) make_room(n);
    for (; size_ < n; ++size_) data_.get()[size_] = v;
    size_ = n;
  }

 private:
  struct Free {
    void operator()(Value* p) const noexcept { std::free(p); }
  };
  static_assert(std::is_trivially_copyable_v<Value>, "realloc moves bytes");

  void append(std::span<const Value> values) {
    if (values.empty()) return;
    make_room(values.size());
    std::memcpy(data_.get(), values.data(), values.size_bytes());
    size_ = values.size();
  }
  [[gnu::noinline]] void make_room(std::size_t least) {
    const auto room = least > room_ * 2 ? least : room_ * 2;
    auto* grown = static_cast<Value*>(std::realloc(static_cast<void*>(data_.get()), room * sizeof(Value)));
    if (grown == nullptr) throw std::bad_alloc{};
    (void)data_.release();
    data_.reset(grown);
    room_ = room;
  }

  std::unique_ptr<Value, Free> data_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

/// The cells of composite values. Only the newest kCells are kept: what a pickle builds is consumed
/// soon after it is built, and memory must not grow with the number of items in a file. A value whose
/// cells are gone becomes unknown, which judges it more severely, never less.
class Ring {
 public:
  static constexpr std::uint64_t kCells = 1 << 20;

  /// Room for `n` cells (n <= kCells); returns the first one's place.
  std::uint64_t allocate(std::uint64_t n) {
    const auto first = head_;
    head_ += n;
    if (head_ > cells_.size() && cells_.size() < kCells) grow();
    return first;
  }
  bool holds(std::uint64_t place, std::uint64_t n) const { return place + n <= head_ && head_ - place <= kCells; }
  /// Only for places that holds() confirmed, or that were just allocated.
  Value& operator[](std::uint64_t place) { return cells_[place & (kCells - 1)]; }
  const Value& operator[](std::uint64_t place) const { return cells_[place & (kCells - 1)]; }

 private:
  void grow() {
    auto wanted = cells_.empty() ? std::uint64_t{64} : cells_.size() * 4;
    while (wanted < head_ && wanted < kCells) wanted *= 2;
    cells_.resize(wanted < kCells ? wanted : kCells);
  }

  Slots cells_;
  std::uint64_t head_ = 0;
};

}  // namespace assay::format::pickle
