// From the places of keywords to hits: the second stage of the scanner.
#pragma once
#include <span>
#include <vector>

#include "literals/literals.h"
#include "secrets/budget.h"
#include "secrets/matching.h"
#include "secrets/secrets.h"
#include "secrets/table.h"
#include "secrets/window.h"

namespace assay::secrets {

/// For who searches for literals anyway; says of hits and cuts what Scanner does. Not thread-safe; several may exist.
class Matcher {
 public:
  /// The next bytes of the stream, best while they are in the processor's cache, and the keywords that end in them.
  void take(bytes::View piece, std::span<const literals::Place> keywords);
  std::vector<Hit> finish();
  bool cut() const noexcept { return was_cut_; }

 private:
  void settle(bool is_end);
  void try_rules(const literals::Place& place);
  bool is_worth_a_try(std::uint32_t rule, const literals::Place& place);
  void forget_what_is_settled();

  Window window_;
  Budget tries_{table::cost_of_stretch};
  Budget doubts_{table::most_doubts};
  Ends ends_;
  std::vector<literals::Place> waiting_;  ///< for the bytes that their rules need; by their ends
  std::size_t settled_ = 0;               ///< of those, from the front
  std::vector<Found> found_;
  bool is_cut_ = false;
  bool was_cut_ = false;  ///< what finish() last ended
};

}  // namespace assay::secrets
