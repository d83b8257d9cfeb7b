// Reads what engines look for literals in: each byte once, for all of them. Runs in a cell.
#pragma once
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "literals/literals.h"
#include "scan/examine.h"

namespace assay::scan {

/// An engine that judges what stands around literals.
class LiteralEngine {
 public:
  virtual ~LiteralEngine() = default;

  /// The bytes of a member come next, extent by extent. `bytes` lives until the last end().
  virtual void enter(const OwnBytes& bytes) = 0;
  virtual void begin(const bytes::Extent& extent) = 0;
  /// Places count from the beginning of the extent.
  virtual void take(bytes::View piece, const literals::Places& ending_in_it) = 0;
  /// No more of the extent comes. False where the engine wants to see no other.
  virtual bool end() = 0;

  /// Not everything could be shown.
  virtual void leave_out(std::string_view what) = 0;
  /// This processor cannot search for literals: between begin() and end() nothing comes.
  virtual void see_nothing() = 0;
};

class Sweep {
 public:
  /// `where`: extents of the member, in order and apart.
  void over(const OwnBytes& bytes, const std::vector<bytes::Extent>& where, std::span<LiteralEngine* const> engines);

 private:
  void show(const OwnBytes& bytes, const bytes::Extent& extent);
  Result<void> search(const OwnBytes& bytes, const bytes::Extent& extent);

  std::optional<Result<literals::Search>> search_;
  std::vector<std::byte> block_;
  std::vector<LiteralEngine*> listening_;
};

}  // namespace assay::scan
