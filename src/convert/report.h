// Conversions as text for people and as JSON for machines. docs/convert.md describes the JSON.
#pragma once
#include <string>

#include "convert/result.h"
#include "report/text.h"

namespace assay::convert {

inline constexpr std::string_view kSchema = "assay-conversion/1";

std::string to_text(const Outcome& outcome, const report::TextOptions& options);
std::string to_json(const Outcome& outcome);

std::string to_text(const Comparison& comparison, const report::TextOptions& options);
std::string to_json(const Comparison& comparison);

}  // namespace assay::convert
