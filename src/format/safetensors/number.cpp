#include "format/safetensors/number.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace assay::format::safetensors {
namespace {

constexpr std::int64_t kLargestPower = 308;

double power_of_ten(std::int64_t exponent) noexcept {
  const auto text = "1e" + std::to_string(exponent);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// The digits that fit into 64 bits, and the power of ten that they are to be multiplied by.
struct Scaled {
  std::uint64_t significand = 0;
  std::int64_t exponent = 0;
  bool full = false;  ///< a digit did not fit: it and all that follow are dropped

  void add(char digit, bool fraction) noexcept {
    std::uint64_t next = 0;
    full = full || __builtin_mul_overflow(significand, 10u, &next) ||
           __builtin_add_overflow(next, static_cast<std::uint64_t>(digit - '0'), &next);
    if (!full) significand = next;
    // A dropped digit of the whole part still counts as a place, one of the fraction does not.
    if (full != fraction) exponent += fraction ? -1 : 1;
  }
};

/// What stands behind the "e". Exponents beyond 32 bits are all the same to serde_json.
std::int64_t exponent_of(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t out = 0;
  for (const char c : text)
    if (out <= std::numeric_limits<std::int32_t>::max()) out = out * 10 + (c - '0');
  return negative ? -out : out;
}

}  // namespace

bool fits_double(std::string_view number) noexcept {
  if (number.starts_with('-')) number.remove_prefix(1);
  const auto e = std::min(number.find_first_of("eE"), number.size());
  Scaled n;
  bool fraction = false;
  for (const char c : number.substr(0, e)) {
    if (c == '.') fraction = true;
    else n.add(c, fraction);
  }
  if (e < number.size()) n.exponent += exponent_of(number.substr(e + 1));
  if (n.significand == 0 || n.exponent <= 0) return true;
  if (n.exponent > kLargestPower) return false;
  return std::isfinite(static_cast<double>(n.significand) * power_of_ten(n.exponent));
}

}  // namespace assay::format::safetensors
