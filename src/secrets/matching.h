// From a keyword to a hit.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "secrets/secrets.h"

namespace assay::secrets {

/// The bytes around a keyword that are in memory: all that the rule may look at, and at either end of the stream
/// nothing beyond it.
struct Surroundings {
  std::string_view text;
  std::uint64_t begin = 0;  ///< of `text`, bytes from the start of the stream
};

struct Found {
  Hit hit;
  std::uint64_t match_begin = 0;  ///< at or before the secret
};

/// Where the literals of `until` stand. Remembers for each rule what was looked through, so that a thousand beginnings
/// before one end cost one look.
class Ends {
 public:
  Ends();
  /// The first byte behind the literal that ends what begins at `begin`; nothing where it is not in reach.
  std::optional<std::uint64_t> end_after(std::uint32_t rule, const Surroundings& around, std::uint64_t begin);
  void forget();

 private:
  /// From `from` on, the literal stands first at `first`; where `is_there` is false, it does not begin before `first`.
  struct Looked {
    std::uint64_t from = 0, first = 0;
    bool is_there = false;
  };
  std::vector<Looked> looked_;
  bool was_asked_ = false;  ///< most bytes hold no armour, and small files are many
};

/// Whether the pattern can be read in many ways, so that trying it is dear.
bool is_doubtful(std::uint32_t rule) noexcept;

/// Whether what a match must hold stands behind the keyword at `at`: without it there is no hit. Always, of a rule that
/// is not doubtful.
bool may_match(std::uint32_t rule, const Surroundings& around, std::uint64_t at) noexcept;

/// The hit of `rule` to which the keyword [`at`, `end`) leads, if it leads to one. One try: a match that a later step
/// refuses is not looked for elsewhere.
std::optional<Found> hit_at(std::uint32_t rule, const Surroundings& around, std::uint64_t at, std::uint64_t end,
                            Ends& ends);

}  // namespace assay::secrets
