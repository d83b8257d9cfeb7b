#include "scan/secret_search.h"

#include "secrets/shown.h"

namespace assay::scan {

void SecretSearch::enter(const OwnBytes& bytes) {
  bytes_ = &bytes;
  lines_.emplace(bytes.source);
}

void SecretSearch::take(bytes::View piece, const literals::Places& ending_in_it) {
  matcher_.take(piece, ending_in_it.keywords);
}

bool SecretSearch::end() {
  auto hits = matcher_.finish();
  if (matcher_.cut()) leave_out("some stretches hold too much that looks like secrets to look at all of it");
  for (auto& hit : hits) {
    hit.begin += begin_;
    hit.end += begin_;
    if (!note(hit)) return false;
  }
  return true;
}

bool SecretSearch::note(const secrets::Hit& hit) {
  if (!bytes_->budget.charge(bytes::Line::facts, 1)) {
    leave_out("more secrets than are kept");
    return false;
  }
  const auto raw = bytes::read_exactly(bytes_->source, hit.begin, hit.end - hit.begin);
  if (!raw) {
    leave_out("some of the bytes could not be read");
    return false;
  }
  const auto secret = bytes::text(*raw);
  format::Observation o;
  o.engine = run_.engine;
  o.rule = secrets::detectors()[hit.detector].id;
  o.place = {bytes_->member, hit.begin};
  o.length = hit.end - hit.begin;
  o.line = lines_->of(hit.begin);
  o.shown = secrets::shown(secret);
  o.fingerprint = secrets::fingerprint(key_, secret);
  if (keep_) o.secret = secret;
  found_.push_back(std::move(o));
  return true;
}

void SecretSearch::leave_out(std::string_view what) {
  run_.complete = false;
  if (run_.what.empty()) run_.what = what;
}

void SecretSearch::finish(format::Document& document) {
  for (auto& o : found_) document.observations.push_back(std::move(o));
  document.engines.push_back(std::move(run_));
  forget();
}

void SecretSearch::forget() {
  found_.clear();
  run_ = {};
  run_.engine = "secrets";
}

}  // namespace assay::scan
