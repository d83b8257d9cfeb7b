// What a value of a pickle stands for: following getattr, partial and their kind without running them.
#pragma once
#include <optional>
#include <string>

#include "detect/detect.h"
#include "format/document.h"

namespace assay::detect {

/// How bad it is to call something.
enum class Weight : std::uint8_t {
  harmless,  ///< makes plain data
  library,   ///< runs a known library's own code
  own,       ///< a class of __main__: needs the user's own code
  unknown,   ///< no rule knows it
  sink,      ///< does harm
};

struct Verdict {
  Weight weight = Weight::unknown;
  const Rule* rule = nullptr;
  std::string name;               ///< dotted, as far as it is known
  bool condition_failed = false;  ///< harmless but for its arguments
};

/// A name as a value, with re-exports and the owner's list taken into account.
Verdict judge_name(std::string_view module, std::string_view name, const Listed& listed);

/// What calling `callee` with `args` does, resolvers followed.
Verdict judge_call(const format::Expr& callee, std::span<const format::Expr> args, const Listed& listed,
                   unsigned depth = 0);

/// A class that NEWOBJ, copyreg._reconstructor and their kind instantiate.
Verdict judge_class(const format::Expr& value, const Listed& listed);

/// Whether calling it binds a function to arguments, or calls one: its condition looks at that function.
bool binds_function(const Rule& rule);

/// What a value is, when it is used as a callable or an attribute: symbols, and results of resolvers with
/// constant arguments. Nothing where that is not known.
std::optional<format::Expr> resolve(const format::Expr& value, unsigned depth = 0);

/// The first name of a sink, or module full of sinks, that the text constants of code objects mention.
std::optional<std::string> sink_named_in(const format::Expr& value, unsigned depth = 0);

/// The first symbol inside `value` that is a sink; its dotted name.
std::optional<Verdict> sink_inside(const format::Expr& value, const Listed& listed, unsigned depth = 0);

}  // namespace assay::detect
