#include "bytes/budget.h"

#include <algorithm>
#include <limits>

namespace assay::bytes {
namespace {

constexpr std::array<std::string_view, kLines> kNames = {"inflated-bytes", "members", "opcodes", "memo-slots",
                                                         "facts",          "probes",  "seconds"};
constexpr std::array<std::string_view, kLines> kReached = {
    "limit reached: inflated-bytes", "limit reached: members", "limit reached: opcodes", "limit reached: memo-slots",
    "limit reached: facts",          "limit reached: probes",  "limit reached: seconds"};

std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) noexcept {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  return a != 0 && b > most / a ? most : a * b;
}

}  // namespace

std::string_view to_string(Line line) noexcept { return kNames[static_cast<std::size_t>(line)]; }

Budget::Budget(const Limits& limits, std::uint64_t artifact_bytes) noexcept
    : limits_{limits}, started_{CoarseClock::now()} {
  const auto by_ratio = saturating_product(limits.inflated_ratio, artifact_bytes);
  const auto inflatable = limits.inflated_floor + std::min(by_ratio, std::numeric_limits<std::uint64_t>::max() / 2);
  // Probing is bounded by the artifact's size as well, so that a small file cannot cost seconds.
  constexpr std::uint64_t kProbesFloor = 50'000, kBytesPerProbe = 4;
  allowed_ = {std::min(limits.inflated_bytes, inflatable),
              limits.members,
              limits.opcodes,
              limits.memo_slots,
              limits.facts,
              std::min(limits.probes, kProbesFloor + artifact_bytes / kBytesPerProbe),
              limits.seconds};
  left_ = allowed_;
}

Result<void> Budget::charge(Line line, std::uint64_t n, std::uint64_t at) noexcept {
  auto& left = left_[static_cast<std::size_t>(line)];
  if (n > left) {
    left = 0;
    return fail(Errc::limit_reached, at, kReached[static_cast<std::size_t>(line)]);
  }
  left -= n;
  return {};
}

void Budget::restore(Line line, std::uint64_t before) noexcept { left_[static_cast<std::size_t>(line)] = before; }

Result<void> Budget::check_time(std::uint64_t at) {
  if (on_check_) on_check_();
  // Compared in seconds: a limit of years would overflow as nanoseconds.
  const auto used = std::chrono::floor<std::chrono::seconds>(CoarseClock::now() - started_);
  if (static_cast<std::uint64_t>(used.count()) < limits_.seconds) return {};
  return fail(Errc::limit_reached, at, kReached[static_cast<std::size_t>(Line::seconds)]);
}

std::uint64_t Budget::spent(Line line) const noexcept {
  const auto i = static_cast<std::size_t>(line);
  return allowed_[i] - left_[i];
}

}  // namespace assay::bytes
