// Which tensors the index of a sharded model names: model.safetensors.index.json, pytorch_model.bin.index.json.
#pragma once
#include <string>
#include <vector>

#include "bytes/source.h"

namespace assay::tensors {

/// The keys of "weight_map" at the top, each once, sorted; at most kMostTensors. Empty where it is no such index.
std::vector<std::string> names_in_index(const bytes::Source& index);

}  // namespace assay::tensors
