#include "bytes/crc32.h"

#include <array>
#include <cstring>

namespace assay::bytes {
namespace {

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Table make_table() {
  Table t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
    t[0][i] = c;
  }
  for (std::size_t s = 1; s < 8; ++s)
    for (std::size_t i = 0; i < 256; ++i) t[s][i] = t[s - 1][i] >> 8 ^ t[0][t[s - 1][i] & 0xff];
  return t;
}
constexpr Table kTable = make_table();

}  // namespace

std::uint32_t crc32(View bytes, std::uint32_t crc) noexcept {
  crc = ~crc;
  const auto* p = reinterpret_cast<const std::uint8_t*>(bytes.data());
  auto n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) {  // eight bytes a step
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    v ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTable[7 - i][v >> (8 * i) & 0xff];
  }
  for (; n > 0; ++p, --n) crc = crc >> 8 ^ kTable[0][(crc ^ *p) & 0xff];
  return ~crc;
}

}  // namespace assay::bytes
