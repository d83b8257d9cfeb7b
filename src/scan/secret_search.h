// Looks for secrets in the bytes that a sweep shows, and writes what it finds as observations. Runs in a cell.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "scan/lines.h"
#include "scan/sweep.h"
#include "secrets/matcher.h"

namespace assay::scan {

class SecretSearch final : public LiteralEngine {
 public:
  /// `key`: of the fingerprints. `keep`: whether the secrets themselves go to the parent.
  SecretSearch(std::string key, bool keep) : key_{std::move(key)}, keep_{keep} { forget(); }

  void enter(const OwnBytes& bytes) override;
  void begin(const bytes::Extent& extent) override { begin_ = extent.begin; }
  void take(bytes::View piece, const literals::Places& ending_in_it) override;
  bool end() override;
  void leave_out(std::string_view what) override;
  void see_nothing() override { leave_out("this processor cannot run the search for secrets"); }

  void pass_over(const std::vector<bytes::Extent>& tensors) { run_.passed_over += bytes_in(tensors); }
  /// Puts the observations of all that was looked at, and how the engine ran, into the document of the artifact. The
  /// search starts anew.
  void finish(format::Document& document);
  void forget();

 private:
  bool note(const secrets::Hit& hit);

  std::string key_;
  bool keep_;
  secrets::Matcher matcher_;
  const OwnBytes* bytes_ = nullptr;  ///< of the member that is shown
  std::optional<Lines> lines_;       ///< of the same
  std::uint64_t begin_ = 0;          ///< of the extent
  std::vector<format::Observation> found_;
  format::EngineRun run_;
};

}  // namespace assay::scan
