// UTF-8 that arrives in pieces, and one character of it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay {

/// Strict (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
class Utf8 {
 public:
  /// False once the bytes so far cannot be the beginning of valid UTF-8.
  bool add(unsigned char c) noexcept {
    if (left_ > 0) {
      if (c < low_ || c > high_) return false;
      low_ = 0x80, high_ = 0xbf;
      --left_;
      return true;
    }
    if (c < 0x80) return true;
    if (c < 0xc2 || c > 0xf4) return false;
    left_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    low_ = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    high_ = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return true;
  }
  /// Between characters.
  bool whole() const noexcept { return left_ == 0; }

 private:
  unsigned char left_ = 0;
  unsigned char low_ = 0x80;
  unsigned char high_ = 0xbf;
};

/// One code point in UTF-8. Surrogates are written like any other, because pickles and JSON may hold lone ones.
class Utf8Character {
 public:
  explicit Utf8Character(std::uint32_t c) noexcept {
    const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
    if (c < 0x80) bytes_ = {static_cast<char>(c)}, size_ = 1;
    else if (c < 0x800) bytes_ = {static_cast<char>(0xc0 | c >> 6), tail(0)}, size_ = 2;
    else if (c < 0x10000) bytes_ = {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)}, size_ = 3;
    else bytes_ = {static_cast<char>(0xf0 | (c >> 18 & 7)), tail(12), tail(6), tail(0)}, size_ = 4;
  }
  std::string_view text() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 4> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace assay
