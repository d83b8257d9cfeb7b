// NumPy's data types as far as a reader must know them: how long an item is, and whether it is an object.
// Source: NumPy, "The array interface protocol" (typestr) and numpy/lib/format.py.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "format/document.h"

namespace assay::format::numpy {

struct Dtype {
  std::uint64_t itemsize = 0;  ///< bytes
  bool has_object = false;     ///< items are Python objects: the data is a pickle
};

/// "<f4", "f8", "|O", "|S10", "<U5", "<M8[ns]", "|V16". Nothing for what NumPy would refuse.
std::optional<Dtype> from_typestr(std::string_view typestr) noexcept;

/// The `descr` of an .npy header: a typestr, or a list of (name, descr[, shape]) fields, nested.
std::optional<Dtype> from_descr(const Expr& descr, unsigned depth = 0);

}  // namespace assay::format::numpy
