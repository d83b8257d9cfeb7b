// One file for somebody who wants to see for himself: its pickles as programs, its tensors, its tree.
#pragma once
#include <string>
#include <vector>

#include "format/document.h"
#include "scan/scan.h"

namespace assay::scan {

/// A pickle as a readable program. Lines come from a cell: hostile until they are printable().
struct Program {
  format::Place place;
  std::vector<std::string> lines;
  bool cut = false;  ///< there are more opcodes than were asked for
};

/// A tensor of a checkpoint or a safetensors file by its name; an array of NumPy or joblib by its place, as "at 0x80".
struct TensorLine {
  std::string name, dtype, shape;
  std::uint64_t bytes = 0;
};

/// What a safetensors file says about itself, cut short. Hostile until it is printable().
struct MetadataLine {
  std::string key, value;
};

struct Inspection {
  format::Document document;
  std::vector<Program> programs;
  std::vector<TensorLine> tensors;
  std::vector<MetadataLine> metadata;
};

/// Examines one file like extract() and writes down, besides, at most `most_opcodes` opcodes of each pickle.
tl::expected<Inspection, Refusal> inspect(const std::string& path, const Options& options, std::uint64_t most_opcodes);

}  // namespace assay::scan
