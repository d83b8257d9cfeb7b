#include <algorithm>
#include <array>

#include "format/safetensors/safetensors.h"

namespace assay::format::safetensors {
namespace {

struct Known {
  std::string_view word;
  unsigned bits;
};

/// By Dtype.
constexpr std::array kKnown{
    Known{"BOOL", 8},        Known{"F4", 4},      Known{"F6_E2M3", 6}, Known{"F6_E3M2", 6}, Known{"U8", 8},
    Known{"I8", 8},          Known{"F8_E5M2", 8}, Known{"F8_E4M3", 8}, Known{"F8_E8M0", 8}, Known{"F8_E4M3FNUZ", 8},
    Known{"F8_E5M2FNUZ", 8}, Known{"I16", 16},    Known{"U16", 16},    Known{"F16", 16},    Known{"BF16", 16},
    Known{"I32", 32},        Known{"U32", 32},    Known{"F32", 32},    Known{"C64", 64},    Known{"F64", 64},
    Known{"I64", 64},        Known{"U64", 64},
};
static_assert(kKnown.size() == static_cast<std::size_t>(Dtype::u64) + 1);

}  // namespace

std::string_view to_string(Dtype dtype) noexcept { return kKnown[static_cast<std::size_t>(dtype)].word; }

std::optional<Dtype> dtype_from(std::string_view word) noexcept {
  const auto found = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return k.word == word; });
  if (found == kKnown.end()) return std::nullopt;
  return static_cast<Dtype>(found - kKnown.begin());
}

unsigned bits_of(Dtype dtype) noexcept { return kKnown[static_cast<std::size_t>(dtype)].bits; }

std::optional<std::uint64_t> bytes_of(Dtype dtype, const std::vector<std::uint64_t>& shape) noexcept {
  // From the left, and the type last: where a dimension is zero, the order decides what overflows.
  std::uint64_t bits = 1;
  for (const auto n : shape)
    if (__builtin_mul_overflow(bits, n, &bits)) return std::nullopt;
  if (__builtin_mul_overflow(bits, bits_of(dtype), &bits) || bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

}  // namespace assay::format::safetensors
