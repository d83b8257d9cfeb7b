// The table that tools/compile_tied_weights.py writes. Only tied.cpp looks at it.
#pragma once
#include <span>
#include <string_view>

namespace assay::tensors::table {

struct Architecture {
  std::string_view name;                    ///< of the class
  std::span<const std::string_view> names;  ///< names and patterns, never none
};

extern const std::span<const Architecture> architectures;  ///< by name

}  // namespace assay::tensors::table
