// A pickle as a program for people: one line per opcode, with what it leaves on the stack.
#pragma once
#include <functional>
#include <string>

#include "bytes/budget.h"
#include "bytes/source.h"
#include "format/document.h"

namespace assay::format::pickle {

/// Array data that joblib keeps between opcodes.
struct ListedArray {
  bytes::Extent data;  ///< empty where the items are a pickle of their own
  Expr dtype;          ///< of the wrapper's state, as the pickle makes them
  Expr shape;
};

/// Where a listing goes. How values are written is the caller's business: `write` turns one into text.
struct Listener {
  std::function<std::string(const Expr&)> write;
  std::function<void(std::string)> line;
  std::function<void(ListedArray)> array;
};

/// Writes at most `most` lines; false where there were more. Arrays are told of wherever they are. `read_by`: the
/// profiles that reach the pickle's end: only joblib itself steps over its arrays.
bool list_program(const bytes::Source& source, std::uint64_t offset, Profiles read_by, bytes::Budget& budget,
                  std::uint64_t most, const Listener& to);

}  // namespace assay::format::pickle
