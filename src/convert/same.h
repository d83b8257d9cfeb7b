// Whether two tensors hold the same elements, bit for bit: asked of the files, by other code than the one
// that copied them. Elements are looked up one by one, by index times stride; only where both sides lie in one
// piece are they compared in pieces.
#pragma once
#include <string>
#include <vector>

#include "bytes/digest.h"
#include "convert/ticker.h"
#include "tensors/tensors.h"

namespace assay::convert {

/// A tensor, and the file that holds its bytes.
struct Side {
  const tensors::Tensor& tensor;
  int descriptor;
};

struct Sameness {
  bool same = false;
  std::uint64_t differs_at = 0;  ///< index of the first element that does, in C order; where there is one
  std::string sha256;            ///< of the right side's bytes; only where they lie in one piece, and are the same
};

struct Pair {
  Side left, right;
};

/// Both sides of a pair must have the same dtype and shape. The answers are in the order of the pairs. Works on as many
/// threads as there are cores, at most four; buffers of 8 MiB at most for each. Errors as Copier's.
Result<std::vector<Sameness>> compare_all(const std::vector<Pair>& pairs, Ticker& ticker);

}  // namespace assay::convert
