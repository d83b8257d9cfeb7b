#include "scan/yara_search.h"

#include <algorithm>
#include <array>

namespace assay::scan {

using malware::yara::Match;

namespace {

format::Observation observation_of(const Match& match) {
  format::Observation o;
  o.rule = match.rule;
  o.length = match.length;
  o.shown = match.bytes;
  o.detail = match.description;
  o.severity = match.severity;
  return o;
}

}  // namespace

bool is_only_read(const format::Member& member) {
  constexpr std::array<std::string_view, 6> kRead{"text", "json", "json-lines", "xml", "svg", "safetensors"};
  return !member.formats.empty() && std::ranges::all_of(member.formats, [&](const std::string& format) {
    return std::ranges::find(kRead, format) != kRead.end();
  });
}

void YaraSearch::begin(const bytes::Extent& extent) {
  extent_ = extent;
  stretches_.emplace(extent.end - extent.begin);
}

void YaraSearch::take(bytes::View, const literals::Places& ending_in_it) {
  for (const auto& anchor : ending_in_it.anchors) stretches_->add(anchor);
}

bool YaraSearch::end(bool) {
  if (stretches_->empty()) return true;
  if (!own_) {
    auto opened = malware::yara::OwnRules::open();
    if (!opened) return leave_out(opened.error().what), false;
    own_ = std::move(*opened);
  }
  return look_at(
      extent_, [&](const bytes::Source& source) { return own_->scan(source, *stretches_); }, true);
}

void YaraSearch::look_with_users(const OwnBytes& bytes) {
  if (user_rules_.empty()) return;
  if (!user_) {
    auto opened = malware::yara::Scanner::open(bytes::view(user_rules_));
    if (!opened) return leave_out(opened.error().what);
    user_ = std::move(*opened);
  }
  enter(bytes);
  const auto left_out = tensors_ ? std::vector<bytes::Extent>{} : bytes.tensors;
  for (const auto& extent : remainder(bytes.source.size(), left_out))
    if (!look_at(
            extent, [&](const bytes::Source& source) { return user_->scan(source); }, false))
      return;
}

/// False where nothing more is looked at.
template <class Scan>
bool YaraSearch::look_at(const bytes::Extent& extent, const Scan& scan, bool told_by_us) {
  const auto& source = bytes().source;
  if (const auto go = bytes().budget.check_time(extent.begin); !go) return leave_out(go.error().what), false;
  const bool is_all = extent.begin == 0 && extent.end == source.size();
  const bytes::WindowSource window{source, extent.begin, extent.end - extent.begin};
  auto found = scan(is_all ? source : static_cast<const bytes::Source&>(window));
  if (found.stopped) leave_out(found.stopped->what);
  return note(std::move(found.facts), extent.begin, told_by_us);
}

bool YaraSearch::note(std::vector<Match> matches, std::uint64_t begin, bool told_by_us) {
  const bool is_told_about = told_by_us && is_only_read(bytes().document.members[bytes().member]);
  std::ranges::sort(matches, {}, &Match::offset);
  for (auto& match : matches) {
    auto o = observation_of(match);
    if (is_told_about) o.severity = "note";
    if (!keep(std::move(o), begin + match.offset)) return false;
  }
  return true;
}

}  // namespace assay::scan
