#include "verdict/policy.h"

#include "base/text.h"

namespace assay::verdict {
namespace {

std::string day_of(std::chrono::sys_days day) { return std::to_string(day.time_since_epoch().count()); }

}  // namespace

std::string_view to_string(Mode mode) noexcept {
  switch (mode) {
    case Mode::observe: return "observe";
    case Mode::middle: return "middle";
    case Mode::ban: return "ban";
  }
  return "middle";
}

std::string Policy::hash() const {
  std::string all{to_string(mode)};
  // Each part with its length, so that no two policies join to the same text.
  const auto add = [&](std::string_view part) { all.append(std::to_string(part.size())).append(":").append(part); };
  add(sunset ? day_of(*sunset) : "never");
  add(finding::to_string(fail_on));
  for (const auto& engine : required_engines) add(engine);
  const auto& l = limits;
  for (const auto n : {l.inflated_bytes, l.inflated_floor, l.inflated_ratio, l.members, l.depth, l.opcodes,
                       l.memo_slots, l.facts, l.probes, l.seconds})
    add(std::to_string(n));
  for (const auto& [import, effect] : listed.names) add(import), add(detect::to_string(effect));
  for (const auto& w : waivers)
    add(w.sha256), add(w.rule), add(w.fingerprint), add(w.owner), add(w.reason), add(day_of(w.expires));
  for (const auto& known : known_secrets) add(known.rule), add(known.fingerprint);
  return finding::fingerprint("policy", "", all);
}

}  // namespace assay::verdict
