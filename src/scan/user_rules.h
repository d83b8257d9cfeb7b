// YARA rules that the user brought: read, and compiled in a cell of their own, because the compiler may abort, hang or
// take all memory there is.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "malware/yara/compile.h"
#include "sandbox/cell.h"

namespace assay::scan {

struct UserRules {
  std::string compiled;   ///< for malware::yara::Scanner, and only inside of cells: it comes from a stranger's text
  std::size_t count = 0;  ///< of rules
  std::string version;    ///< 16 hex digits over names and texts
};

/// What the compiler may cost, and what is read for it.
struct CompileLimits {
  std::uint64_t memory_bytes = 1ull << 30;
  std::chrono::milliseconds time{60'000};
  std::uint64_t text_bytes = 64ull << 20;  ///< of all rules together
  std::size_t files = 10'000;
};

/// Lines for people: what is wrong with the rules, "file:line: message" where it is the rules' own fault; printable.
using Complaints = std::vector<std::string>;

/// All *.yar and *.yara below `path`, or the one file that it is. Folders that are links are not followed.
tl::expected<UserRules, Complaints> compile_user_rules(const std::string& path, bool allow_unconfined,
                                                       const CompileLimits& limits = {});

/// The compiling alone.
tl::expected<UserRules, Complaints> compile_in_cell(const std::vector<malware::yara::RuleText>& texts,
                                                    sandbox::Tier tier, const CompileLimits& limits = {});

}  // namespace assay::scan
