#include "scan/yara_search.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "scan/lines.h"

namespace assay::scan {

using malware::yara::Match;

namespace {

constexpr std::size_t kMostShown = 120;  ///< bytes of a match, and of a rule's words

/// What nobody runs: prose and settings speak of attacks without being any.
bool is_only_read(const format::Member& member) {
  constexpr std::array<std::string_view, 6> kRead{"text", "json", "json-lines", "xml", "svg", "safetensors"};
  return !member.formats.empty() && std::ranges::all_of(member.formats, [&](const std::string& format) {
    return std::ranges::find(kRead, format) != kRead.end();
  });
}

format::Observation observation_of(const Match& match, format::Place place) {
  format::Observation o;
  o.engine = YaraSearch::kEngine;
  o.rule = match.rule;
  o.place = place;
  o.length = match.length;
  o.shown = match.bytes;
  o.detail = match.description;
  o.severity = match.severity;
  return o;
}

}  // namespace

void YaraSearch::look_at(const OwnBytes& bytes) {
  if (look_with_own(bytes) && !user_rules_.empty()) look_with_users(bytes);
}

bool YaraSearch::look_with_own(const OwnBytes& bytes) {
  if (!own_) {
    auto opened = malware::yara::OwnRules::open();
    if (!opened) return leave_out(opened.error().what), false;
    own_ = std::move(*opened);
  }
  auto where = bytes.own;
  if (tensors_) where.insert(where.end(), bytes.tensors.begin(), bytes.tensors.end());
  return look_at(bytes, where, *own_, true);
}

bool YaraSearch::look_with_users(const OwnBytes& bytes) {
  if (!user_) {
    auto opened = malware::yara::Scanner::open(bytes::view(user_rules_));
    if (!opened) return leave_out(opened.error().what), false;
    user_ = std::move(*opened);
  }
  const auto left_out = tensors_ ? std::vector<bytes::Extent>{} : bytes.tensors;
  return look_at(bytes, remainder(bytes.source.size(), left_out), *user_, false);
}

/// False where nothing more is looked at.
template <class Rules>
bool YaraSearch::look_at(const OwnBytes& bytes, const std::vector<bytes::Extent>& where, Rules& rules,
                         bool told_by_us) {
  for (const auto& extent : where) {
    if (const auto go = bytes.budget.check_time(extent.begin); !go) return leave_out(go.error().what), false;
    const bool is_all = extent.begin == 0 && extent.end == bytes.source.size();
    const bytes::WindowSource window{bytes.source, extent.begin, extent.end - extent.begin};
    auto found = rules.scan(is_all ? bytes.source : static_cast<const bytes::Source&>(window));
    if (found.stopped) leave_out(found.stopped->what);
    if (!note(bytes, std::move(found.facts), extent.begin, told_by_us)) return false;
  }
  return true;
}

bool YaraSearch::note(const OwnBytes& bytes, std::vector<Match> matches, std::uint64_t begin, bool told_by_us) {
  const bool is_told_about = told_by_us && is_only_read(bytes.document.members[bytes.member]);
  std::ranges::sort(matches, {}, &Match::offset);
  Lines lines{bytes.source};
  for (auto& match : matches) {
    if (!bytes.budget.charge(bytes::Line::facts, 1)) return leave_out("more matches than are kept"), false;
    match.offset += begin;
    auto o = observation_of(match, {bytes.member, match.offset});
    o.line = lines.of(match.offset);
    if (is_told_about) o.severity = "note";
    found_.push_back(std::move(o));
  }
  return true;
}

void YaraSearch::leave_out(std::string_view what) {
  run_.complete = false;
  if (run_.what.empty()) run_.what = what;
}

void YaraSearch::finish(format::Document& document) {
  for (auto& o : found_) document.observations.push_back(std::move(o));
  document.engines.push_back(std::move(run_));
  forget();
}

void YaraSearch::forget() {
  found_.clear();
  run_ = {};
  run_.engine = kEngine;
}

}  // namespace assay::scan
