#include "format/pickle/slots.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace assay::format::pickle {
namespace {

constexpr std::size_t kFirstRoom = 64;      ///< values: most pickles of a few hundred bytes need no more
constexpr std::size_t kHugePage = 2 << 20;  ///< bytes

std::size_t bytes_of(std::size_t slots) { return slots * sizeof(Value); }
bool is_mapped(std::size_t room) { return bytes_of(room) >= kHugePage; }

/// `bytes` of address space that begin at a huge page, without memory behind them yet.
std::byte* map(std::size_t bytes) {
  const auto more = bytes + kHugePage;
  auto* all = ::mmap(nullptr, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc{};
  auto* begin = static_cast<std::byte*>(all);
  const auto before = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + bytes, more - before - bytes);
  ::madvise(begin + before, bytes, MADV_HUGEPAGE);  // a wish: without huge pages it is only slower
  return begin + before;
}

void release(Value* data, std::size_t room) {
  if (is_mapped(room)) ::munmap(data, bytes_of(room));
  else std::free(data);
}

}  // namespace

Slots::Slots(const Slots& other) {
  if (other.empty()) return;
  make_room(other.size_);
  std::memcpy(data_, other.data_, bytes_of(other.size_));
  size_ = other.size_;
}

Slots::~Slots() { release(data_, room_); }

void Slots::make_room(std::size_t least) {
  auto room = std::max({least, room_ * 2, kFirstRoom});
  void* grown = nullptr;
  if (is_mapped(room)) {
    constexpr auto kStep = kHugePage / sizeof(Value);
    room = (room + kStep - 1) / kStep * kStep;
    auto* begin = map(bytes_of(room));
    if (is_mapped(room_)) {  // the pages move, not the bytes
      grown = ::mremap(data_, bytes_of(room_), bytes_of(room_), MREMAP_MAYMOVE | MREMAP_FIXED, begin);
      if (grown == MAP_FAILED) throw std::bad_alloc{};
    } else {
      if (size_ > 0) std::memcpy(begin, data_, bytes_of(size_));
      std::free(data_);
      grown = begin;
    }
  } else {
    grown = std::realloc(static_cast<void*>(data_), bytes_of(room));
    if (grown == nullptr) throw std::bad_alloc{};
  }
  data_ = static_cast<Value*>(grown);
  room_ = room;
}

}  // namespace assay::format::pickle
