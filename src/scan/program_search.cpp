#include "scan/program_search.h"

namespace assay::scan {

std::string described(const identify::Program& program) {
  return std::string{program.format} + ": " + std::string{program.says};
}

void ProgramSearch::look_at(const OwnBytes& bytes) {
  for (const auto& tensor : bytes.tensors) {
    const auto go_on = [&] { return bytes.budget.check_time(tensor.begin); };
    auto found = identify::find_programs(bytes.source, tensor.begin, tensor.end, go_on);
    for (const auto& program : found.facts) {
      if (!bytes.budget.charge(bytes::Line::facts, 1)) break;
      found_.push_back({{bytes.member, program.begin}, 0, "file.hidden-program", described(program)});
    }
    if (!found.stopped) continue;
    stops_.push_back(
        {{bytes.member, found.stopped->offset}, 0, "programs", found.stopped->code, std::string{found.stopped->what}});
    return;
  }
}

void ProgramSearch::finish(format::Document& document) {
  for (auto& quirk : found_) document.quirks.push_back(std::move(quirk));
  for (auto& stop : stops_) document.stops.push_back(std::move(stop));
  forget();
}

void ProgramSearch::forget() {
  found_.clear();
  stops_.clear();
}

}  // namespace assay::scan
