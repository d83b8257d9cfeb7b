// What engines that begin at literals have in common: they are shown bytes by a sweep, and write observations. In a
// cell.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "literals/literals.h"
#include "scan/examine.h"
#include "scan/lines.h"

namespace assay::scan {

class LiteralEngine {
 public:
  /// `name` and `too_many` ("more secrets than are kept") are literals.
  LiteralEngine(std::string_view name, std::string_view too_many) : name_{name}, too_many_{too_many} { forget(); }
  LiteralEngine(const LiteralEngine&) = delete;
  LiteralEngine& operator=(const LiteralEngine&) = delete;
  virtual ~LiteralEngine() = default;

  /// The bytes of a member come next, extent by extent. `bytes` lives until the last end().
  void enter(const OwnBytes& bytes);
  virtual void begin(const bytes::Extent& extent) = 0;
  /// Places count from the beginning of the extent.
  virtual void take(bytes::View piece, const literals::Places& ending_in_it) = 0;
  /// Nobody can search for literals, and why: until end() nothing comes.
  virtual void see_nothing(std::string_view why) = 0;
  /// The extent is over: all of it `came`, or it broke off behind the last piece. False where the engine wants no
  /// other.
  virtual bool end(bool came) = 0;

  /// Not everything was looked at.
  void leave_out(std::string_view what);
  void pass_over(const std::vector<bytes::Extent>& tensors) { run_.passed_over += bytes_in(tensors); }
  /// Puts the observations of all that was looked at, and how the engine ran, into the document of the artifact. The
  /// engine starts anew.
  void finish(format::Document& document);
  void forget();

 protected:
  const OwnBytes& bytes() const noexcept { return *bytes_; }
  /// Keeps what was found at an offset of the member, in ascending order, as long as there is room.
  bool keep(format::Observation found, std::uint64_t offset);

 private:
  std::string_view name_, too_many_;
  const OwnBytes* bytes_ = nullptr;
  std::optional<Lines> lines_;
  std::vector<format::Observation> found_;
  format::EngineRun run_;
};

}  // namespace assay::scan
