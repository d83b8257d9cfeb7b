// What readers ask of the rules, so that they need not keep everything.
#pragma once
#include <cstdint>
#include <string_view>

namespace assay::format {

/// What rules look at in the calls of a name. Where it is nothing, equal calls with different arguments are counted and
/// not kept, so that a million tensors cost one fact.
enum class Care : std::uint8_t {
  none,       ///< it makes plain data, or runs a known library's code, whatever it is given
  arguments,  ///< it is harmless with some arguments only
  result,     ///< what it returns may be called: it resolves names or binds arguments, or nobody knows it
};
using Caring = Care (*)(std::string_view module, std::string_view name);

}  // namespace assay::format
