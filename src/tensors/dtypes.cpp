#include "tensors/dtypes.h"

#include <algorithm>
#include <array>

namespace assay::tensors {
namespace {

using format::safetensors::Dtype;

struct Word {
  std::string_view word;
  Dtype dtype;
};

constexpr std::array kTorch = {
    Word{"float64", Dtype::f64},
    Word{"double", Dtype::f64},
    Word{"float32", Dtype::f32},
    Word{"float", Dtype::f32},
    Word{"float16", Dtype::f16},
    Word{"half", Dtype::f16},
    Word{"bfloat16", Dtype::bf16},
    Word{"int64", Dtype::i64},
    Word{"long", Dtype::i64},
    Word{"int32", Dtype::i32},
    Word{"int", Dtype::i32},
    Word{"int16", Dtype::i16},
    Word{"short", Dtype::i16},
    Word{"int8", Dtype::i8},
    Word{"uint8", Dtype::u8},
    Word{"uint16", Dtype::u16},
    Word{"uint32", Dtype::u32},
    Word{"uint64", Dtype::u64},
    Word{"bool", Dtype::boolean},
    Word{"complex64", Dtype::c64},
    Word{"float8_e5m2", Dtype::f8_e5m2},
    Word{"float8_e4m3fn", Dtype::f8_e4m3},
    Word{"float8_e5m2fnuz", Dtype::f8_e5m2fnuz},
    Word{"float8_e4m3fnuz", Dtype::f8_e4m3fnuz},
    Word{"float8_e8m0fnu", Dtype::f8_e8m0},
    Word{"float4_e2m1fn_x2", Dtype::f4},
};

constexpr std::array kNumpy = {
    Word{"f8", Dtype::f64},    Word{"f4", Dtype::f32}, Word{"f2", Dtype::f16}, Word{"i8", Dtype::i64},
    Word{"i4", Dtype::i32},    Word{"i2", Dtype::i16}, Word{"i1", Dtype::i8},  Word{"u8", Dtype::u64},
    Word{"u4", Dtype::u32},    Word{"u2", Dtype::u16}, Word{"u1", Dtype::u8},  Word{"b1", Dtype::boolean},
    Word{"?", Dtype::boolean}, Word{"c8", Dtype::c64},
};

template <std::size_t N>
std::optional<Dtype> find(const std::array<Word, N>& words, std::string_view word) noexcept {
  const auto* it = std::find_if(words.begin(), words.end(), [&](const Word& w) { return w.word == word; });
  return it == words.end() ? std::nullopt : std::optional{it->dtype};
}

}  // namespace

std::optional<Dtype> dtype_of_torch(std::string_view dtype) noexcept { return find(kTorch, dtype); }

std::optional<Dtype> dtype_of_numpy(std::string_view typestr) noexcept { return find(kNumpy, typestr); }

std::uint8_t swap_unit(Dtype dtype) noexcept {
  if (dtype == Dtype::c64) return 4;
  return static_cast<std::uint8_t>(std::max(1u, format::safetensors::bits_of(dtype) / 8));
}

}  // namespace assay::tensors
