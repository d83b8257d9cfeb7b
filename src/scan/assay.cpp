#include "assay/assay.h"

namespace assay {

tl::expected<Outcome, Refusal> scan_repository(const std::vector<std::string>& paths, const Policy& policy,
                                               std::chrono::sys_days today, Options options) {
  options.limits = policy.limits;
  options.digest |= !policy.waivers.empty();  // a waiver binds a digest
  scan::Judging judging{policy, today};
  options.on_listing = [&](std::size_t documents) { judging.expect(documents); };
  const auto extraction =
      scan::extract(paths, options, [&](std::size_t i, Document&& document) { judging.add(i, std::move(document)); });
  if (!extraction) return tl::unexpected<Refusal>{extraction.error()};
  auto out = judging.finish(scan::repository_of(extraction->listing));
  out.report.seconds = extraction->seconds;
  out.report.tier = extraction->tier;
  out.interrupted = extraction->interrupted;
  return out;
}

}  // namespace assay
