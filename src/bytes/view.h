#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace assay::bytes {

/// Bytes that somebody else owns. The owner is named where a View is stored.
using View = std::span<const std::byte>;

inline View view(std::string_view s) noexcept { return std::as_bytes(std::span{s.data(), s.size()}); }
inline std::string_view text(View v) noexcept { return {reinterpret_cast<const char*>(v.data()), v.size()}; }

}  // namespace assay::bytes
