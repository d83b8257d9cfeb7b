// Of hits that share bytes, one stays.
#pragma once
#include <vector>

#include "secrets/matching.h"

namespace assay::secrets {

/// By place, none sharing a byte with another. A hit whose rule another one names in `over` gives way to it; then stays
/// whose issuer is known by format, then by context, then not; then whose name stands nearer; then the longer secret;
/// then the earlier one; then the first by id.
std::vector<Hit> resolve(std::vector<Found> found);

}  // namespace assay::secrets
