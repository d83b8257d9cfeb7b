#include "scan/secret_search.h"

#include "secrets/shown.h"

namespace assay::scan {

void SecretSearch::begin(const bytes::Extent& extent) {
  begin_ = extent.begin;
  came_ = 0;
}

void SecretSearch::take(bytes::View piece, const literals::Places& ending_in_it) {
  matcher_.take(piece, ending_in_it.keywords);
  came_ += piece.size();
}

bool SecretSearch::end(bool came) {
  auto hits = matcher_.finish();
  if (matcher_.cut()) leave_out("some stretches hold too much that looks like secrets to look at all of it");
  for (auto& hit : hits) {
    if (!came && hit.end == came_) continue;  // who knows where it ends?
    hit.begin += begin_;
    hit.end += begin_;
    if (!note(hit)) return false;
  }
  return true;
}

bool SecretSearch::note(const secrets::Hit& hit) {
  const auto raw = bytes::read_exactly(bytes().source, hit.begin, hit.end - hit.begin);
  if (!raw) {
    leave_out("some of the bytes could not be read");
    return false;
  }
  const auto secret = bytes::text(*raw);
  format::Observation o;
  o.rule = secrets::detectors()[hit.detector].id;
  o.length = hit.end - hit.begin;
  o.shown = secrets::shown(secret);
  o.fingerprint = secrets::fingerprint(key_, secret);
  if (keeps_secrets_) o.secret = secret;
  return keep(std::move(o), hit.begin);
}

}  // namespace assay::scan
