// Issuers, asked whether a secret still works. The only room that reaches the network, and only because the user asked:
// a question gives the secret to whoever is asked, so it goes to the host that rules/secrets/verification.toml names
// for its detector and nowhere else; no byte of a scanned file chooses where.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "issuer/transport.h"

namespace assay::issuer {

enum class Status : std::uint8_t {
  unreachable,  ///< nobody said anything that counts
  refused,
  verified,
};
std::string_view to_string(Status status) noexcept;

struct Secret {
  std::uint32_t detector = 0;  ///< index into secrets::detectors()
  std::string text;
  auto operator<=>(const Secret&) const = default;
};

struct Question {
  Secret secret;
  std::vector<Secret> beside;  ///< found near it, of detectors in partners(): the nearest first
  auto operator<=>(const Question&) const = default;
};

struct Answer {
  Status status = Status::unreachable;
  std::string words;  ///< for people, without the secret: whose it is, or why nothing is known; not yet escaped
};

/// Whether anybody can be asked about what this detector finds.
bool can_ask(std::uint32_t detector) noexcept;

/// Detectors whose secrets work together with what this one finds, as the parts of one login.
std::span<const std::uint32_t> partners(std::uint32_t detector) noexcept;

/// A server that is asked instead of the issuers: http or https, a host, perhaps a port and a path; nothing else.
bool is_gateway(std::string_view url) noexcept;

/// What asking may cost the user, and the issuers.
struct Bounds {
  std::size_t questions = 100;
  std::size_t at_once = 4;                ///< issuers; each gets one question after another
  std::chrono::milliseconds pause{100};   ///< between two questions to the same issuer
  std::chrono::milliseconds one{10'000};  ///< for an answer
  std::chrono::milliseconds all{120'000};
  unsigned silences = 2;  ///< without an answer one after another, before an issuer is left alone
};

struct Manner {
  std::string gateway;           ///< asked instead of every issuer; empty: the issuers themselves
  std::chrono::sys_seconds now;  ///< for signatures
  std::function<bool()> stop;    ///< may be empty
  Bounds bounds;
};

/// An answer to each question, in order. `transport` and `how.stop` are called from a few threads.
std::vector<Answer> ask(const std::vector<Question>& questions, Transport& transport, const Manner& how);

}  // namespace assay::issuer
