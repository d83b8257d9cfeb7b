// An array of Values that grows in place: stack, memo and heap of a reading.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/result.h"
#include "format/pickle/value.h"

namespace assay::format::pickle {

/// Grows without a copy and without a second block beside the first: a memo would otherwise need twice its memory
/// while it grows. From 2 MiB on it asks for huge pages, because a large pickle spends a quarter of its time on page
/// faults otherwise. Throws bad_alloc, as a vector does.
class Slots {
 public:
  Slots() = default;
  Slots(const Slots& other);
  Slots(Slots&&) = delete;
  Slots& operator=(const Slots&) = delete;
  ~Slots();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const Value> all() const { return {data_, size_}; }
  Value* data() { return data_; }
  Value& operator[](std::size_t i) {
    ASSAY_ASSERT(i < size_);
    return data_[i];
  }
  const Value& operator[](std::size_t i) const {
    ASSAY_ASSERT(i < size_);
    return data_[i];
  }
  const Value& back() const {
    ASSAY_ASSERT(size_ > 0);
    return data_[size_ - 1];
  }
  void pop_back() {
    ASSAY_ASSERT(size_ > 0);
    --size_;
  }
  [[gnu::always_inline]] void push_back(const Value& v) {
    if (size_ == room_) [[unlikely]]
      make_room(size_ + 1);
    data_[size_++] = v;
  }
  /// The same for a value that was written a moment ago, in two halves as it was written: a processor waits some
  /// twenty cycles before it joins two stores for one load, and most values go to the memo right after they are pushed.
  [[gnu::always_inline]] void push_back_fresh(const Value& v) {
    std::uint64_t halves[2];
    std::memcpy(halves, &v, sizeof halves);
    asm("" : "+r"(halves[0]), "+r"(halves[1]));
    if (size_ == room_) [[unlikely]]
      make_room(size_ + 1);
    std::memcpy(data_ + size_++, halves, sizeof halves);
  }
  void resize(std::size_t n, const Value& v = {}) {
    if (n > room_) make_room(n);
    for (; size_ < n; ++size_) data_[size_] = v;
    size_ = n;
  }
  /// Grows without giving the new ones a value: for who writes each before reading it.
  void lengthen(std::size_t n) {
    if (n > room_) make_room(n);
    size_ = n;
  }
  void shorten(std::size_t n) {
    ASSAY_ASSERT(n <= size_);
    size_ = n;
  }

 private:
  static_assert(std::is_trivially_copyable_v<Value>, "growing moves bytes");
  [[gnu::noinline]] void make_room(std::size_t least);

  Value* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

}  // namespace assay::format::pickle
