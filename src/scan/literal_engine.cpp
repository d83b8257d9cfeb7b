#include "scan/literal_engine.h"

namespace assay::scan {

void LiteralEngine::enter(const OwnBytes& bytes) {
  bytes_ = &bytes;
  lines_.emplace(bytes.source);
}

void LiteralEngine::leave_out(std::string_view what) {
  run_.complete = false;
  if (run_.what.empty()) run_.what = what;
}

bool LiteralEngine::keep(format::Observation found, std::uint64_t offset) {
  if (!bytes_->budget.charge(bytes::Line::facts, 1)) return leave_out(too_many_), false;
  found.engine = name_;
  found.place = {bytes_->member, offset};
  found.line = lines_->of(offset);
  found_.push_back(std::move(found));
  return true;
}

void LiteralEngine::finish(format::Document& document) {
  for (auto& o : found_) document.observations.push_back(std::move(o));
  document.engines.push_back(std::move(run_));
  forget();
}

void LiteralEngine::forget() {
  found_.clear();
  run_ = {};
  run_.engine = name_;
}

}  // namespace assay::scan
