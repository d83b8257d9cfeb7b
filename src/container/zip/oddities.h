// Collects what is odd about an archive, and knows what is odd about one member's records.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "container/contents.h"
#include "container/zip/records.h"

namespace assay::container::zip {

/// What is kept of a name: its first kMostNameBytes.
std::string cut(std::string_view name);
std::string pair_of(std::string_view a, std::string_view b);  ///< "a / b"
std::string numbers(std::uint64_t a, std::uint64_t b);        ///< "1 2"

Method to_method(std::uint16_t number) noexcept;

/// Keeps kMostOfOneId of each id, so that a million bad names do not fill the memory.
class Oddities {
 public:
  void note(std::string_view id, std::uint64_t at, std::string detail);

  /// About the name by itself; `at` is where the record stands.
  void check_name(const Stated& stated, std::uint64_t at);
  /// About everything else that one record says by itself.
  void check(const Stated& stated, std::uint64_t at);
  /// About a member's two records together, and each by itself. `at` is the local header's offset.
  void compare(const Central& record, const Local& local, std::uint64_t at);

  /// Everything noted, then "N more" for each id that had too many.
  std::vector<Oddity> finish();

 private:
  std::vector<Oddity> kept_;
  std::map<std::string_view, std::uint64_t> noted_;
};

}  // namespace assay::container::zip
