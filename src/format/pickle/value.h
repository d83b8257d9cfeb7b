// What stands on the machine's stack: 16 bytes that say what is known of a Python object.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

namespace assay::format::pickle {

enum class Tag : std::uint8_t {
  unknown,
  none,
  boolean,      ///< at: 0 or 1
  integer,      ///< at: the value as int64
  big_integer,  ///< at, len: its bytes in the source
  real,         ///< at: the bits of the double
  text,         ///< at, len: its bytes in the source, flags: how they are written
  bytes,        ///< at, len: its bytes in the source
  symbol,       ///< at: index into the machine's symbols
  tuple,        ///< at: first cell in the heap (its weight stands behind the last), len: number of items
  list,         ///< at: header cell in the heap, its weight in the next
  dict,         ///< at: header cell
  set,          ///< at: header cell
  frozenset,    ///< at: first cell, len: number of items
  call,         ///< at: node {callee, argument tuple}, len: callee's symbol + 1, or 0
  instance,     ///< at: node {class, argument tuple}, len: class's symbol + 1, or 0
  persistent,   ///< at: node {persistent id}
  extension,    ///< at: the code
  header,       ///< only inside the heap: at: first cell of the kept items, len: all items, aux: room and kept items
  absent,       ///< only in the memo: nothing was put here
};

/// How a text's or a byte string's bytes are written in the source.
inline constexpr std::uint8_t kEscaped = 1;     ///< STRING: Python string escapes
inline constexpr std::uint8_t kRawUnicode = 2;  ///< UNICODE: raw-unicode-escape
inline constexpr std::uint8_t kHuge = 4;        ///< longer than `len` can say
inline constexpr std::uint8_t kDunder = 8;      ///< text: starts and ends with "__"
inline constexpr std::uint8_t kMutable = 16;    ///< bytes: a bytearray
inline constexpr std::uint8_t kEightBit = 64;   ///< text: a Python 2 string, which may as well be bytes
inline constexpr std::uint8_t kNameValues = 2;  ///< header of a dict: a value is an imported name
inline constexpr std::uint8_t kHoldsObjects =
    16;  ///< header, and the weight of a tuple: something inside is no plain value, or a key is special
inline constexpr std::uint8_t kInlineData =
    1;  ///< instance: an array that joblib reads; its arguments say where it lies
inline constexpr std::uint8_t kSpecialKeys = 32;  ///< header of a dict: a key looks like "__this__" or is no constant

struct Value {
  Tag tag = Tag::unknown;
  std::uint8_t flags = 0;
  std::uint16_t aux = 0;
  std::uint32_t len = 0;
  std::uint64_t at = 0;
};
static_assert(sizeof(Value) == 16, "16 bytes per memo slot is a promise");

/// A text whose flags are known only now. Put together in a register: as five stores of one to four bytes it could not
/// be read again, as a whole, for some twenty cycles.
inline Value text_value(std::uint8_t flags, std::uint32_t len, std::uint64_t at) {
  static_assert(std::endian::native == std::endian::little);
  const auto head = static_cast<std::uint64_t>(Tag::text) | std::uint64_t{flags} << 8 | std::uint64_t{len} << 32;
  return std::bit_cast<Value>(std::array<std::uint64_t, 2>{head, at});
}

/// What Python's own literals make: nothing that a file chose is called on it.
inline bool is_plain(Tag tag) {
  return (tag >= Tag::none && tag <= Tag::bytes) || (tag >= Tag::tuple && tag <= Tag::frozenset);
}

}  // namespace assay::format::pickle
