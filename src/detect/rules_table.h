// The tables that tools/compile_rules.py writes. Only rules.cpp looks at them.
#pragma once
#include "detect/rules.h"

namespace assay::detect::table {

/// One dotted text and what is listed under it. Each number is 1 + an index into `rules`, or 0.
struct Pattern {
  std::string_view text;  ///< "os", without ".*"
  std::uint16_t exact;    ///< the name itself
  std::uint16_t prefix;   ///< everything below it, and itself
  std::uint16_t classes;  ///< the classes below it
};

extern const std::span<const Rule> rules;                ///< by id
extern const std::span<const StructureRule> structures;  ///< by id
extern const std::span<const Pattern> patterns;          ///< by text
/// Open addressing by FNV-1a of the text, linear probing; 1 + an index into `patterns`, or 0.
/// The size is a power of two and at most a quarter of the slots is taken.
extern const std::span<const std::uint16_t> slots;
extern const std::size_t longest_pattern;  ///< bytes
extern const std::string_view version;

}  // namespace assay::detect::table
