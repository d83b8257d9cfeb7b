#include "scan/secret_search.h"

#include <algorithm>

#include "scan/lines.h"
#include "secrets/shown.h"

namespace assay::scan {

constexpr std::size_t kBlock = 256 << 10;  ///< bytes read at once

SecretSearch::SecretSearch(std::string key, bool keep) : key_{std::move(key)}, keep_{keep} { run_.engine = "secrets"; }

void SecretSearch::look_at(const OwnBytes& bytes) {
  if (!scanner_) {
    auto opened = secrets::Scanner::open();
    if (!opened) return leave_out("this processor cannot run the search for secrets");
    scanner_ = std::move(*opened);
  }
  Lines lines{bytes.source};
  for (const auto& extent : bytes.own)
    if (!look_at(bytes, extent, lines)) return;
}

bool SecretSearch::look_at(const OwnBytes& bytes, const bytes::Extent& extent, Lines& lines) {
  const auto give_up = [&](std::string_view what) {
    (void)scanner_->finish();
    leave_out(what);
    return false;
  };
  const auto memory = bytes.source.in_memory();
  for (auto at = extent.begin; at < extent.end;) {
    if (const auto go = bytes.budget.check_time(at); !go) return give_up(go.error().what);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, extent.end - at));
    if (!memory.empty()) {
      scanner_->feed(memory.subspan(static_cast<std::size_t>(at), wanted));
      at += wanted;
      continue;
    }
    block_.resize(kBlock);
    const auto n = bytes.source.read_at(at, std::span{block_}.first(wanted));
    if (!n || *n == 0) return give_up("some of the bytes could not be read");
    scanner_->feed(bytes::View{block_}.first(*n));
    at += *n;
  }
  auto hits = scanner_->finish();
  if (scanner_->cut()) leave_out("some stretches hold too much that looks like secrets to look at all of it");
  for (auto& hit : hits) {
    hit.begin += extent.begin;
    hit.end += extent.begin;
    if (!note(bytes, hit, lines)) return false;
  }
  return true;
}

bool SecretSearch::note(const OwnBytes& bytes, const secrets::Hit& hit, Lines& lines) {
  if (!bytes.budget.charge(bytes::Line::facts, 1)) {
    leave_out("more secrets than are kept");
    return false;
  }
  const auto raw = bytes::read_exactly(bytes.source, hit.begin, hit.end - hit.begin);
  if (!raw) {
    leave_out("some of the bytes could not be read");
    return false;
  }
  const auto secret = bytes::text(*raw);
  format::Observation o;
  o.engine = run_.engine;
  o.rule = secrets::detectors()[hit.detector].id;
  o.place = {bytes.member, hit.begin};
  o.length = hit.end - hit.begin;
  o.line = lines.of(hit.begin);
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
