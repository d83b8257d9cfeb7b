// What engines that read bytes reported, as findings.
#pragma once
#include <string_view>

#include "finding/finding.h"
#include "format/document.h"

namespace assay::detect {

/// `where`: of the observation's place. A rule that is not known any more still weighs.
finding::Finding observed(const format::Observation& observation, finding::Locator where);

/// The rule set of an engine as this program has it, to compare stamps with; "" where it has none of its own. What a
/// stamp has behind a '+' is the user's.
std::string_view current_rule_set(std::string_view engine) noexcept;

}  // namespace assay::detect
