#include "format/torch/storage.h"

#include <algorithm>
#include <array>

namespace assay::format::torch {
namespace {

struct Class {
  std::string_view name, dtype;
  std::uint64_t bytes;
};
constexpr std::array kClasses = {
    Class{"DoubleStorage", "float64", 8},
    Class{"FloatStorage", "float32", 4},
    Class{"HalfStorage", "float16", 2},
    Class{"BFloat16Storage", "bfloat16", 2},
    Class{"LongStorage", "int64", 8},
    Class{"IntStorage", "int32", 4},
    Class{"ShortStorage", "int16", 2},
    Class{"CharStorage", "int8", 1},
    Class{"ByteStorage", "uint8", 1},
    Class{"BoolStorage", "bool", 1},
    Class{"ComplexDoubleStorage", "complex128", 16},
    Class{"ComplexFloatStorage", "complex64", 8},
    Class{"QInt8Storage", "qint8", 1},
    Class{"QUInt8Storage", "quint8", 1},
    Class{"QInt32Storage", "qint32", 4},
    Class{"QUInt4x2Storage", "quint4x2", 1},
    Class{"QUInt2x4Storage", "quint2x4", 1},
    Class{"UntypedStorage", "", 1},
};

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array kDtypes = {
    Dtype{"float64", 8},
    Dtype{"double", 8},
    Dtype{"float32", 4},
    Dtype{"float", 4},
    Dtype{"float16", 2},
    Dtype{"half", 2},
    Dtype{"bfloat16", 2},
    Dtype{"int64", 8},
    Dtype{"long", 8},
    Dtype{"int32", 4},
    Dtype{"int", 4},
    Dtype{"int16", 2},
    Dtype{"short", 2},
    Dtype{"int8", 1},
    Dtype{"uint8", 1},
    Dtype{"uint16", 2},
    Dtype{"uint32", 4},
    Dtype{"uint64", 8},
    Dtype{"bool", 1},
    Dtype{"complex32", 4},
    Dtype{"complex64", 8},
    Dtype{"complex128", 16},
    Dtype{"qint8", 1},
    Dtype{"quint8", 1},
    Dtype{"qint32", 4},
    Dtype{"quint4x2", 1},
    Dtype{"quint2x4", 1},
    Dtype{"float8_e5m2", 1},
    Dtype{"float8_e4m3fn", 1},
    Dtype{"float8_e5m2fnuz", 1},
    Dtype{"float8_e4m3fnuz", 1},
    Dtype{"float8_e8m0fnu", 1},
    Dtype{"float4_e2m1fn_x2", 1},
    Dtype{"bits8", 1},
    Dtype{"bits16", 2},
    Dtype{"bits1x8", 1},
    Dtype{"bits2x4", 1},
    Dtype{"bits4x2", 1},
};

const Class* find(std::string_view class_name) noexcept {
  const auto* it = std::find_if(kClasses.begin(), kClasses.end(), [&](const Class& c) { return c.name == class_name; });
  return it == kClasses.end() ? nullptr : it;
}

}  // namespace

std::optional<std::uint64_t> storage_element_bytes(std::string_view class_name) noexcept {
  const auto* c = find(class_name);
  return c == nullptr ? std::nullopt : std::optional{c->bytes};
}

std::string_view storage_dtype(std::string_view class_name) noexcept {
  const auto* c = find(class_name);
  return c == nullptr ? std::string_view{} : c->dtype;
}

std::optional<std::uint64_t> dtype_bytes(std::string_view dtype) noexcept {
  const auto* it = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return d.name == dtype; });
  return it == kDtypes.end() ? std::nullopt : std::optional{it->bytes};
}

}  // namespace assay::format::torch
