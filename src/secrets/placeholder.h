// Texts that stand where a secret would: examples, masks, references to variables.
#pragma once
#include <string_view>

#include "secrets/table.h"

namespace assay::secrets {

/// The stronger the evidence of `kind`, the fewer words are asked.
bool is_placeholder(std::string_view secret, table::Kind kind);

}  // namespace assay::secrets
