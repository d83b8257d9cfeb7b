// Reads what engines look for literals in: each byte once, for all of them. Runs in a cell.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "literals/literals.h"
#include "scan/literal_engine.h"

namespace assay::scan {

class Sweep {
 public:
  /// `where`: extents of the member, in order and apart.
  void over(const OwnBytes& bytes, const std::vector<bytes::Extent>& where, std::span<LiteralEngine* const> engines);

 private:
  bool show(const OwnBytes& bytes, const bytes::Extent& extent);
  Result<void> search(const OwnBytes& bytes, const bytes::Extent& extent);

  std::optional<Result<literals::Search>> search_;
  std::vector<std::byte> block_;
  std::vector<LiteralEngine*> listening_;
};

}  // namespace assay::scan
