#include "scan/asking.h"

#include <algorithm>
#include <optional>
#include <set>

#include "issuer/curl.h"
#include "secrets/secrets.h"

namespace assay::scan {
namespace {

using format::Observation;

std::optional<std::uint32_t> detector_of(const Observation& o) {
  const auto all = secrets::detectors();
  const auto at = std::ranges::lower_bound(all, std::string_view{o.rule}, {}, &secrets::Detector::id);
  if (o.engine != "secrets" || o.secret.empty() || at == all.end() || at->id != o.rule) return std::nullopt;
  return static_cast<std::uint32_t>(at - all.begin());
}

bool can_ask(const Observation& o) {
  const auto detector = detector_of(o);
  return detector && issuer::can_ask(*detector);
}

/// The partners of a detector, and theirs: a temporary key's token belongs to its id, and that to its key.
std::set<std::uint32_t> family_of(std::uint32_t detector) {
  std::set<std::uint32_t> out;
  for (const auto partner : issuer::partners(detector)) {
    out.insert(partner);
    for (const auto other : issuer::partners(partner)) out.insert(other);
  }
  out.erase(detector);
  return out;
}

/// The questions that one document raises. A file may hold ten thousand secrets, each next to nine thousand others, so
/// neighbours are looked up and not searched for.
class Questions {
 public:
  explicit Questions(const format::Document& document) {
    for (const auto& o : document.observations)
      if (const auto detector = detector_of(o)) places_[{o.place.member, *detector}].emplace(o.place.offset, &o);
  }

  issuer::Question about(const Observation& o) const {
    const auto detector = detector_of(o).value_or(0);
    std::vector<std::pair<std::uint64_t, issuer::Secret>> near;
    for (const auto partner : family_of(detector))
      if (const auto* one = nearest(o, partner)) near.push_back({distance(o, *one), {partner, one->secret}});
    std::ranges::sort(near);
    issuer::Question question{{detector, o.secret}, {}};
    for (auto& [bytes, secret] : near) question.beside.push_back(std::move(secret));
    return question;
  }

 private:
  using ByOffset = std::map<std::uint64_t, const Observation*>;

  static std::uint64_t distance(const Observation& a, const Observation& b) noexcept {
    return std::max(a.place.offset, b.place.offset) - std::min(a.place.offset, b.place.offset);
  }

  /// In the same member: of a whole repository's key ids, this one's key may be anybody's.
  const Observation* nearest(const Observation& o, std::uint32_t detector) const {
    const auto at = places_.find({o.place.member, detector});
    if (at == places_.end()) return nullptr;
    const auto after = at->second.lower_bound(o.place.offset);
    if (after == at->second.begin()) return after->second;
    const auto before = std::prev(after);
    if (after == at->second.end()) return before->second;
    return distance(o, *before->second) <= distance(o, *after->second) ? before->second : after->second;
  }

  std::map<std::pair<std::uint32_t, std::uint32_t>, ByOffset> places_;
};

}  // namespace

void Asking::take(std::size_t index, format::Document document) {
  if (std::ranges::any_of(document.observations, can_ask)) waiting_.emplace(index, std::move(document));
  else hand_on(index, std::move(document));
}

void Asking::hand_on(std::size_t index, format::Document document) {
  if (!keep_)
    for (auto& o : document.observations) o.secret.clear();
  next_(index, std::move(document));
}

void Asking::finish(const issuer::Manner& how) {
  std::map<issuer::Question, std::size_t> numbers;
  std::vector<issuer::Question> questions;
  std::vector<std::pair<Observation*, std::size_t>> asked;
  for (auto& [index, document] : waiting_) {
    const Questions of_document{document};
    for (auto& o : document.observations) {
      if (!can_ask(o)) continue;
      auto question = of_document.about(o);
      const auto [at, is_new] = numbers.emplace(question, questions.size());
      if (is_new) questions.push_back(std::move(question));
      asked.emplace_back(&o, at->second);
    }
  }
  const auto answers = issuer::ask(questions, transport_, how);
  for (const auto& [observation, number] : asked) {
    observation->verification = to_string(answers[number].status);
    observation->detail = answers[number].words;
  }
  for (auto& [index, document] : waiting_) hand_on(index, std::move(document));
  waiting_.clear();
}

tl::expected<Extraction, Refusal> extract_and_ask(const std::vector<std::string>& paths, Options options,
                                                  const Take& take) {
  issuer::Curl curl;
  Asking asking{take, curl, options.keep_secrets};
  issuer::Manner how;
  how.gateway = options.verify_at;
  how.stop = options.stop;
  options.verify_secrets = false;
  options.keep_secrets = true;
  auto out = extract(paths, options,
                     [&](std::size_t index, format::Document document) { asking.take(index, std::move(document)); });
  if (!out) return out;
  how.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  asking.finish(how);
  return out;
}

}  // namespace assay::scan
