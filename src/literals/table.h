// What tools/compile_literals.cpp writes.
#pragma once
#include <cstdint>
#include <span>

namespace assay::literals::table {

/// A Vectorscan database, masked (base/masked.h). Its literals are numbered: first the keywords of secrets, in the
/// order of secrets::table::keywords, then the anchors of YARA rules, in the order of malware::yara::own::anchors.
extern const std::span<const unsigned char> database;
extern const std::uint32_t keywords;  ///< how many

}  // namespace assay::literals::table
