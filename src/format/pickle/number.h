// How each loader reads the text numbers of protocol 0. They differ, and attackers use it.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "format/document.h"

namespace assay::format::pickle {

struct Number {
  std::optional<std::int64_t> value;  ///< saturated; nothing where a profile that goes on has no exact value
  Profiles refused_by = 0;            ///< profiles whose loader raises on this spelling
  bool canonical = true;              ///< spelled as a pickler spells it
  bool boolean = false;               ///< INT only: "00" or "01"
};

/// The line of INT or LONG without its newline. LONG: a trailing L is dropped first.
Number read_integer(std::string_view line, bool is_long) noexcept;

/// The line of FLOAT.
Number read_real(std::string_view line);

/// The line of GET or PUT: base 10 everywhere.
Number read_index(std::string_view line) noexcept;

}  // namespace assay::format::pickle
