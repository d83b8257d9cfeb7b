// Looks for secrets in the bytes that a sweep shows, and writes what it finds as observations. Runs in a cell.
#pragma once
#include <string>

#include "scan/literal_engine.h"
#include "secrets/matcher.h"

namespace assay::scan {

class SecretSearch final : public LiteralEngine {
 public:
  static constexpr std::string_view kEngine = "secrets";

  /// `key`: of the fingerprints. `keep`: whether the secrets themselves go to the parent.
  SecretSearch(std::string key, bool keep)
      : LiteralEngine{kEngine, "more secrets than are kept"}, key_{std::move(key)}, keeps_secrets_{keep} {}

  void begin(const bytes::Extent& extent) override;
  void take(bytes::View piece, const literals::Places& ending_in_it) override;
  void see_nothing(std::string_view why) override { leave_out(why); }
  bool end(bool came) override;

 private:
  bool note(const secrets::Hit& hit);

  std::string key_;
  bool keeps_secrets_;
  secrets::Matcher matcher_;
  std::uint64_t begin_ = 0;  ///< of the extent
  std::uint64_t came_ = 0;   ///< of its bytes
};

}  // namespace assay::scan
