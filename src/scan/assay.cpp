#include "assay/assay.h"

namespace assay {

tl::expected<Outcome, Refusal> scan_repository(const std::vector<std::string>& paths, const Policy& policy, std::chrono::sys_days today,
                                               Options options) {
  options.limits = policy.limits;
  options.digest |= !policy.waivers.empty();  // a waiver binds a digest
  const auto extraction = scan::extract(paths, options);
  if (!extraction) return tl::unexpected<Refusal>{extraction.error()};
  auto out = scan::judge(extraction->documents, scan::repository_of(extraction->listing), policy, today);
  out.report.seconds = extraction->seconds;
  out.report.tier = extraction->tier;
  out.interrupted = extraction->interrupted;
  out.excluded = extraction->listing.excluded;
  return out;
}

}  // namespace assay
