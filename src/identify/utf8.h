// UTF-8 that arrives in pieces.
#pragma once
#include <cstdint>

namespace assay::identify {

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

}  // namespace assay::identify
