// Values of a pickle as text for people.
#pragma once
#include <span>
#include <string>

#include "format/document.h"

namespace assay::detect {

/// So many values inside values are looked into.
inline constexpr unsigned kDeepest = 12;

/// "os.system": a symbol's module and name, as they are, not made printable.
std::string dotted(const format::Expr& symbol);

/// The value as Python would write it, cut to `most` bytes; printable.
std::string written(const format::Expr& value, std::size_t most = 240);
std::string written_call(const format::Expr& callee, std::span<const format::Expr> args, std::size_t most = 240);

}  // namespace assay::detect
