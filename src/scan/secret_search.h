// Looks for secrets in the bytes that the examiner shows, and writes what it finds as observations. Runs in a cell.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "scan/examine.h"
#include "secrets/secrets.h"

namespace assay::scan {

class Lines;

class SecretSearch {
 public:
  /// `key`: of the fingerprints. `keep`: whether the secrets themselves go to the parent.
  SecretSearch(std::string key, bool keep);

  void look_at(const OwnBytes& bytes);
  void pass_over(const std::vector<bytes::Extent>& tensors) { run_.passed_over += bytes_in(tensors); }
  /// Puts the observations of all that was looked at, and how the engine ran, into the document of the artifact. The
  /// search starts anew.
  void finish(format::Document& document);
  void forget();

 private:
  bool look_at(const OwnBytes& bytes, const bytes::Extent& extent, Lines& lines);
  bool note(const OwnBytes& bytes, const secrets::Hit& hit, Lines& lines);
  void leave_out(std::string_view what);

  std::string key_;
  bool keep_;
  std::optional<secrets::Scanner> scanner_;  ///< none where this processor cannot run it
  std::vector<std::byte> block_;
  std::vector<format::Observation> found_;
  format::EngineRun run_;
};

}  // namespace assay::scan
