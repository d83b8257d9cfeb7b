// From a pickle's objects to tensors with names: which dict is meant, and what stands in it.
#pragma once
#include <functional>
#include <unordered_map>

#include "tensors/found.h"
#include "tensors/objects.h"

namespace assay::tensors {

/// What a value is, as a tensor.
using Find = std::function<Found(const Objects::Value&)>;

/// Fills `out` from the root of `objects`: with the dict that `key` names, or one of the usual ones, or the root itself.
/// Nested dicts, lists and modules are flattened, their names joined by dots.
void collect(const Objects& objects, const Find& find, const std::optional<std::string>& key, Set& out);

}  // namespace assay::tensors
