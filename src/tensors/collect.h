// From a pickle's objects to tensors with names: which dict is meant, and what stands in it.
#pragma once
#include "tensors/holders.h"

namespace assay::tensors {

/// Fills `out` from the root of `objects`: with the dict that `key` names, or one of the usual ones, or the root
/// itself. Nested dicts, lists and modules are flattened, their names joined by dots. Nothing is kept of tensors where
/// the outcome is not Outcome::read.
void collect(const Objects& objects, const Find& find, const std::optional<std::string>& key, Set& out);

}  // namespace assay::tensors
