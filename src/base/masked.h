// Bytes that our own program carries masked: in the clear, it would look like all that it looks for.
#pragma once
#include <span>
#include <string>

namespace assay {

inline constexpr unsigned char kMask = 0xa5;

inline std::string unmasked(std::span<const unsigned char> masked) {
  std::string out;
  out.reserve(masked.size());
  for (const auto c : masked) out += static_cast<char>(c ^ kMask);
  return out;
}

}  // namespace assay
