// Which class of transformers a model is saved for, as its config.json says.
#pragma once
#include <string>

#include "bytes/source.h"

namespace assay::tensors {

/// The first text under "architectures" at the top; "" where there is none, or where it is no JSON.
std::string architecture_of(const bytes::Source& config);

}  // namespace assay::tensors
