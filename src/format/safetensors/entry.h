// What stands behind a tensor's name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}.
#pragma once
#include <cstdint>

#include "base/result.h"
#include "format/safetensors/cursor.h"
#include "format/safetensors/safetensors.h"

namespace assay::format::safetensors {

struct Entry {
  Tensor tensor;                       ///< without its name
  bool unknown_field = false;          ///< one that the reference ignores
  std::vector<std::string> ignored{};  ///< its texts, as File has them
  bool odd_form = false;               ///< an array in place of the object, or the dtype as an object: serde takes both
};

/// Reads what serde derives for the reference's TensorInfo. `value`: of a text whose grammar holds. Errc::limit_reached
/// where the shape has more than `most_dimensions`; otherwise Errc::malformed.
Result<Entry> read_entry(Cursor value, std::uint64_t most_dimensions);

}  // namespace assay::format::safetensors
