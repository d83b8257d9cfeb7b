// Looks for programs inside of tensors, where somebody asked for that. Runs in a cell.
#pragma once
#include <string>
#include <vector>

#include "identify/programs.h"
#include "scan/examine.h"

namespace assay::scan {

class ProgramSearch {
 public:
  /// Numbers can be anything, so only what parses as a program counts.
  void look_at(const OwnBytes& bytes);
  /// Puts what was found into the document of the artifact. The search starts anew.
  void finish(format::Document& document);
  void forget();

 private:
  std::vector<format::Quirk> found_;
  std::vector<format::Stop> stops_;
};

/// "elf: a Linux program or library"; for the quirk "file.hidden-program".
std::string described(const identify::Program& program);

}  // namespace assay::scan
