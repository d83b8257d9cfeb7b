// The patterns of the rules, by RE2.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::secrets {

struct Match {
  std::string_view all;
  std::string_view secret;  ///< its group 1, or all of it
};

/// The leftmost match of rule number `rule` in `text`, if one begins in its first `starts` bytes.
/// A pattern is compiled when it is first needed and kept for the life of the process: at most 1 MiB, and 2 KiB for
/// each byte of its width; all that hostile bytes made them grow to in tests were 60 MB together. Thread-safe. Time is
/// linear in `text`: a nanosecond per byte, and a hundred where the pattern can be read in many ways at once.
std::optional<Match> match(std::uint32_t rule, std::string_view text, std::size_t starts);

}  // namespace assay::secrets
