// The tables that tools/compile_secrets.py writes.
#pragma once
#include <array>

#include "secrets/secrets.h"

namespace assay::secrets::table {

/// How the issuer is known, and so who wins where hits overlap.
enum class Kind : std::uint8_t { format, context, generic };

/// What may not stand around the secret.
enum class Border : std::uint8_t { word, base64, none };

enum class Check : std::uint8_t {
  entropy,
  length,
  classes,
  digits,
  not_hex,
  not_uuid,
  not_hash_name,
  secret_name,
  not_words,
  not_name,
  not_secret_word,
  password,
  crc32_base62,
  base64,
  base64_json,
  base64_text,
  jwt,
  bech32,
  base58check,
  armour,
};
inline constexpr std::size_t kChecks = 20;

struct Validator {
  Check check;
  std::string_view text;  ///< the argument where it is a text
  double least;           ///< the argument where it is a number or a range; 0 where there is none
  double most;
};

/// Where in a match the secret stands.
struct Place {
  enum class In : std::uint8_t {
    whole,  ///< it is the match
    fixed,  ///< `number` bytes, and `behind` bytes behind them
    run,    ///< the last bytes that are all of byte set `number`, as many as there are
    group,  ///< group 1 of the pattern
  } in;
  std::uint32_t number, behind;
};
using In = Place::In;

using ByteSet = std::array<std::uint64_t, 4>;  ///< 256 bits, the lowest byte's first
inline bool has(const ByteSet& set, char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (set[byte / 64] >> byte % 64 & 1) != 0;
}

/// What a detector looks for; the same number as in `detectors`.
struct Rule {
  Kind kind;
  Border border;
  Place place;
  std::uint32_t lead;                   ///< bytes that a match may begin before its keyword
  std::uint32_t width;                  ///< the most bytes that a match can have
  std::string_view regex;               ///< RE2, Latin-1
  std::span<const std::uint32_t> gate;  ///< the byte sets of the first bytes of a match; empty where there is a lead
  std::uint32_t run_set;                ///< a byte set of which a match holds ...
  std::uint32_t run_bytes;              ///< ... so many in a row; 0 where the pattern can be read in one way only
  std::string_view until;               ///< the secret goes on through this literal, if there is one
  std::span<const std::string_view> near;
  std::span<const Validator> validators;
  std::span<const std::uint32_t> over;  ///< rules that give way to this one
};

struct Keyword {
  std::string_view text;
  bool fold;            ///< compared without case, and in lower case here
  std::uint32_t reach;  ///< bytes from its beginning on that its rules may need to know where a secret ends
  std::uint32_t cost;   ///< of trying its rules
  std::span<const std::uint32_t> rules;
};

extern const std::span<const Detector> detectors;  ///< by id
extern const std::span<const Rule> rules;
extern const std::span<const ByteSet> byte_sets;
extern const std::span<const Keyword> keywords;            ///< by text
extern const std::span<const std::string_view> published;  ///< SHA-256, in hex, sorted
extern const std::span<const std::string_view> placeholder_words, firm_words, placeholder_marks;
extern const std::span<const std::string_view> hash_names, other_names, secret_words, bigrams, common_passwords;

extern const std::size_t longest_keyword, longest_lead;  ///< bytes
extern const std::size_t near_bytes, name_bytes, until_bytes;
extern const std::uint64_t stretch_bytes, cost_of_stretch, most_doubts;
extern const std::size_t most_hits, most_found, deepest_json, shortest_behind_word;
extern const std::string_view version;

}  // namespace assay::secrets::table
