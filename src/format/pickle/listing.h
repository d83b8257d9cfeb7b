// A pickle as a program for people: one line per opcode, with what it leaves on the stack.
#pragma once
#include <functional>
#include <string>

#include "bytes/budget.h"
#include "bytes/source.h"
#include "format/document.h"

namespace assay::format::pickle {

/// Writes at most `most` lines through `line`; false where there were more. How values are written is the
/// caller's business: `write` turns one into text.
bool list_program(const bytes::Source& source, std::uint64_t offset, bytes::Budget& budget, std::uint64_t most,
                  const std::function<std::string(const Expr&)>& write, const std::function<void(std::string)>& line);

}  // namespace assay::format::pickle
