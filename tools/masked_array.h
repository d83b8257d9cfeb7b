// Writes the arrays that the product carries masked (src/base/masked.h).
#pragma once
#include <ostream>
#include <string_view>

#include "base/masked.h"

inline void write_masked(std::ostream& out, std::string_view name, std::string_view bytes) {
  out << "constexpr unsigned char " << name << "[] = {";
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out << (i % 32 == 0 ? "\n" : "") << (static_cast<unsigned char>(bytes[i]) ^ assay::kMask) << ',';
  out << "\n};\n";
}
