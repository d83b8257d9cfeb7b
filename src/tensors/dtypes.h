// How safetensors calls the data types of torch and NumPy.
// Source: safetensors/bindings/python/py_src/safetensors/torch.py, numpy.py; c10/core/ScalarType.h.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "format/safetensors/safetensors.h"

namespace assay::tensors {

/// "float32", "bfloat16", "float8_e4m3fn", "float4_e2m1fn_x2". Nothing for what safetensors has no word for.
std::optional<format::safetensors::Dtype> dtype_of_torch(std::string_view dtype) noexcept;

/// The typestr without its byte order: "f4", "i8", "b1", "c8".
std::optional<format::safetensors::Dtype> dtype_of_numpy(std::string_view typestr) noexcept;

/// Bytes that turn around together where the order is big-endian: of a complex number each half by itself.
std::uint8_t swap_unit(format::safetensors::Dtype dtype) noexcept;

}  // namespace assay::tensors
