// Colours on a terminal.
#pragma once
#include <string>
#include <string_view>

#include "finding/finding.h"

namespace assay::report {

enum class Ink { plain, strong, faint, red, yellow, magenta, blue, cyan, green };

std::string_view code_of(Ink ink);  ///< the ANSI sequence that begins it; "" for plain
Ink ink_of(finding::Status status);

}  // namespace assay::report
