// What an issuer's response says about a secret.
#pragma once
#include "issuer/issuer.h"
#include "issuer/table.h"

namespace assay::issuer {

Answer answer_in(const Response& response, const table::Entry& entry);

}  // namespace assay::issuer
