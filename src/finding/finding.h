// The vocabulary of what we say.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::finding {

/// The Hub's own words, from best to worst, so that std::max gives the worse.
enum class Status : std::uint8_t { safe, caution, queued, unscanned, error, suspicious, unsafe };
inline constexpr Status kLastStatus = Status::unsafe;
std::string_view to_string(Status status) noexcept;
std::optional<Status> status_from(std::string_view word) noexcept;

/// How a finding weighs. `note` changes no status; the others force at least the status of the same name.
enum class Severity : std::uint8_t { note, caution, unscanned, error, suspicious, unsafe };
std::string_view to_string(Severity severity) noexcept;
Status status_of(Severity severity) noexcept;

struct Locator {
  std::string member;        ///< names from the root down, raw, joined with "/"; "" for the file itself
  std::uint64_t offset = 0;  ///< bytes from the member's start
  std::uint64_t line = 0;    ///< counted from 1; 0 where nobody counted
  bool operator==(const Locator&) const = default;
};

struct Finding {
  std::string rule;  ///< stable id: "pickle.call.os-system"
  Severity severity = Severity::note;
  std::string fingerprint;  ///< 16 hex digits over rule, member and evidence: outlives rewording and moved bytes
  std::string message;      ///< one sentence for people: what it would do
  Locator where;
  std::string evidence;                 ///< the call as text, decoded, already printable
  std::vector<std::string> references;  ///< advisories, papers
  std::string remediation;              ///< what to do now
  bool waived = false;                  ///< a policy's waiver covers it
  std::string verification{};           ///< of a secret: "verified", "refused", "unreachable"; "" where nobody asked
  bool operator==(const Finding&) const = default;
};

/// Whether it speaks of a token, key or password.
inline bool is_secret(const Finding& f) { return f.rule.starts_with("secret."); }

/// A secret that somebody has looked at: its fingerprint is the same wherever it stands.
struct KnownSecret {
  std::string rule;
  std::string fingerprint;
  auto operator<=>(const KnownSecret&) const = default;
};

/// Stable under rewording and under bytes that move: over rule, member path and evidence only.
std::string fingerprint(std::string_view rule, std::string_view member, std::string_view evidence);

/// How far an import may be trusted, in picklescan's and the Hub's words.
enum class Safety : std::uint8_t { innocuous, suspicious, dangerous };
std::string_view to_string(Safety safety) noexcept;

struct ImportLabel {
  std::string module;
  std::string name;
  Safety safety = Safety::suspicious;
  std::string why;  ///< one sentence from the rule that decided
  bool operator==(const ImportLabel&) const = default;
};

}  // namespace assay::finding
