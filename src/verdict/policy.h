// What the owner permits. A value: it has a hash that every verdict carries.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "detect/detect.h"
#include "finding/finding.h"

namespace assay::verdict {

enum class Mode : std::uint8_t {
  observe,  ///< report everything, fail nothing
  middle,   ///< pickles are allowed; what they do decides
  ban,      ///< every pickle breaks the policy
};
std::string_view to_string(Mode mode) noexcept;

/// Somebody's decision to live with one finding in one file, until a day.
struct Waiver {
  std::string sha256;  ///< lower-case hex of the file's bytes
  std::string rule;
  std::string fingerprint;  ///< of the finding
  std::string owner;
  std::string reason;
  std::chrono::sys_days expires{};  ///< the last day on which it counts
};

struct Policy {
  std::string name = "middle";
  Mode mode = Mode::middle;
  std::optional<std::chrono::sys_days> sunset;  ///< from this day on pickles are banned
  finding::Status fail_on = finding::Status::suspicious;
  std::vector<std::string> required_engines;  ///< an artifact that one of them did not scan is at least unscanned
  bytes::Limits limits;
  detect::Listed listed;
  std::vector<Waiver> waivers;
  std::vector<finding::KnownSecret> known_secrets;  ///< sorted: of a baseline, waived wherever they stand

  /// 16 hex digits over everything above but the name.
  std::string hash() const;
};

/// What is wrong with a policy's text, for the person who wrote it.
struct PolicyError {
  std::string message;  ///< "line 3: unknown key 'mod'"
};

/// Parses TOML (docs/policy.md). Unknown keys are refused: a misspelt rule must not be a missing one.
tl::expected<Policy, PolicyError> parse_policy(std::string_view toml);

}  // namespace assay::verdict
