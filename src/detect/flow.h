// Callables that a pickle hands to others: what is harmless to call may call what it is given.
#pragma once
#include <optional>
#include <span>

#include "detect/expression.h"

namespace assay::detect {

/// The first callable inside `value` that is not plainly harmless to call: what does harm, resolves names, is harmless
/// with some arguments only, or is unknown. Classes of libraries and of __main__ are said by their import. A key like
/// "__array_interface__" counts as well, because it makes an object something else to who is given it.
std::optional<Verdict> handed_over(const format::Expr& value, const Listed& listed, unsigned depth = 0);

/// The same for the arguments of a call of `callee`, which is harmless by itself: without those that its rule looks at.
std::optional<Verdict> handed_over(const Rule* callee, std::span<const format::Expr> args, const Listed& listed);

/// Whether BUILD of a functools.partial with `state` leaves it the function that it was made with, as picklers do.
bool keeps_its_function(const format::Expr& partial, const format::Expr& state);

/// Whether APPENDS and ADDITEMS of what `maker` makes add to a list or a set, and call nothing else.
bool makes_collection(const format::Expr& maker);

}  // namespace assay::detect
