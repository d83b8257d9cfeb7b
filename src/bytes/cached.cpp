#include "bytes/cached.h"

#include <algorithm>
#include <cstring>

namespace assay::bytes {

Result<const CachedSource::Block*> CachedSource::block(std::uint64_t number) const {
  auto& slot = blocks_[number % kBlocks];
  if (slot.number == number) return &slot;
  slot.number = ~std::uint64_t{0};
  slot.bytes.resize(kBlock);
  slot.bytes.resize(TRY(whole_.read_at(number * kBlock, slot.bytes)));
  slot.number = number;
  return &slot;
}

Result<std::size_t> CachedSource::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (out.size() > kBlock || !whole_.in_memory().empty()) return whole_.read_at(offset, out);
  std::size_t done = 0;
  while (done < out.size() && offset + done < size()) {
    const auto at = offset + done;
    const auto* from = TRY(block(at / kBlock));
    const auto within = static_cast<std::size_t>(at % kBlock);
    if (within >= from->bytes.size()) break;
    const auto n = std::min(out.size() - done, from->bytes.size() - within);
    std::memcpy(out.data() + done, from->bytes.data() + within, n);
    done += n;
  }
  return done;
}

}  // namespace assay::bytes
