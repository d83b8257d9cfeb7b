// What a detector asks of a secret beyond its pattern. The list is closed: rules choose from it.
#pragma once
#include <string_view>

#include "secrets/table.h"

namespace assay::secrets {

/// `before` is the part of the match before the secret.
bool holds(const table::Validator& validator, std::string_view secret, std::string_view before);

}  // namespace assay::secrets
