// Tied weights: tensors that share another's bytes under a second name, as transformers lists them per class.
// The lists are rules/tied_weights.toml, compiled in.
#pragma once
#include <span>
#include <string_view>

namespace assay::tensors {

/// What transformers leaves out of a saved model of the class `architecture` (config.json: `architectures[0]`), because
/// it shares another tensor's bytes. Exact names, and patterns: in those "#" is a number, "+" a number that does not
/// begin with 0. Empty for a class that is not listed. Valid for the life of the program.
std::span<const std::string_view> tied_names(std::string_view architecture) noexcept;

/// Whether a tensor's name is listed there: equal to a name, or with a pattern anywhere in it, as transformers
/// searches. A listed module (`lm_head.decoder`) is a name like any other and does not stand for the tensors below it.
/// Time is at most the length of the name times that of the lists, which are short.
bool is_tied_name(std::string_view architecture, std::string_view name) noexcept;

}  // namespace assay::tensors
