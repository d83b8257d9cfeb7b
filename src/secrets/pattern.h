// The patterns of the rules, by RE2.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::secrets {

struct Match {
  std::string_view all;
  std::string_view secret;  ///< group 1, or all of it
};

/// The leftmost match of rule number `rule` in `text`, if one begins in its first `starts` bytes.
/// A pattern is compiled when it is first needed and kept for the life of the process, at most 1 MiB each. Thread-safe.
/// Time is linear in `text`.
std::optional<Match> match(std::uint32_t rule, std::string_view text, std::size_t starts);

}  // namespace assay::secrets
