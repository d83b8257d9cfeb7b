// The name that git gives an object: the SHA-1 of its kind, size and bytes.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"

namespace assay::git {

struct Oid {
  std::array<unsigned char, 20> bytes{};

  std::string_view raw() const noexcept { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  std::string hex() const { return to_hex(raw()); }
  bool is_null() const noexcept { return *this == Oid{}; }  ///< what hooks write for "none"
  bool operator==(const Oid&) const = default;

  /// Exactly 20 bytes.
  static Oid from_raw(std::string_view raw) noexcept {
    Oid out;
    std::memcpy(out.bytes.data(), raw.data(), std::min(raw.size(), out.bytes.size()));
    return out;
  }

  /// 40 hex digits and nothing else.
  static std::optional<Oid> from_hex(std::string_view hex) noexcept {
    Oid out;
    if (hex.size() != 2 * out.bytes.size()) return std::nullopt;
    for (std::size_t i = 0; i < hex.size(); ++i) {
      const char c = hex[i];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      out.bytes[i / 2] = static_cast<unsigned char>(out.bytes[i / 2] << 4 | digit);
    }
    return out;
  }
};

/// A tree may name any ids it likes, whether or not such objects exist: a table keyed by them mixes in a number that
/// nobody outside this process knows, or it could be made as slow as a list.
struct OidHash {
  std::size_t operator()(const Oid& id) const noexcept {
    static const auto seed = random_seed();
    std::array<std::uint64_t, 3> part{};
    std::memcpy(part.data(), id.bytes.data(), id.bytes.size());
    std::uint64_t hash = seed[0];
    for (const auto p : part) {
      hash = (hash ^ p ^ seed[1]) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    return static_cast<std::size_t>(hash);
  }
  static std::array<std::uint64_t, 2> random_seed() noexcept;
};

}  // namespace assay::git
