#pragma once
#include <string_view>

namespace assay::format::safetensors {

/// Whether serde_json turns `number`, which is one by the grammar of JSON, into a double. It refuses what becomes
/// infinite, and its arithmetic rounds differently from strtod's: the edge is not where the largest double is.
bool fits_double(std::string_view number) noexcept;

}  // namespace assay::format::safetensors
