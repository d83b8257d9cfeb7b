// PyTorch's storage classes and data types: how long an element is.
// Source: torch/storage.py, torch/_utils.py, c10/core/ScalarType.h.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::format::torch {

/// Bytes per element of a storage class ("FloatStorage", "UntypedStorage"); nothing for an unknown one.
std::optional<std::uint64_t> storage_element_bytes(std::string_view class_name) noexcept;

/// The data type that a storage class implies ("float32"); empty for UntypedStorage and unknown ones.
std::string_view storage_dtype(std::string_view class_name) noexcept;

/// Bytes per element of a dtype as torch spells it ("bfloat16", "float8_e4m3fn").
std::optional<std::uint64_t> dtype_bytes(std::string_view dtype) noexcept;

}  // namespace assay::format::torch
