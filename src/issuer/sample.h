// What the tests of this room ask about. Nothing here is anybody's secret.
#pragma once
#include <algorithm>
#include <initializer_list>

#include "issuer/issuer.h"
#include "issuer/table.h"
#include "secrets/secrets.h"

namespace assay::issuer {

/// 2015-08-30 12:36:00 UTC, the moment of AWS's published examples.
inline constexpr std::chrono::sys_seconds kThen{std::chrono::seconds{1'440'938'160}};

inline std::uint32_t number_of(std::string_view id) {
  const auto all = secrets::detectors();
  return static_cast<std::uint32_t>(std::ranges::find(all, id, &secrets::Detector::id) - all.begin());
}

inline const table::Entry& entry_of(std::string_view id) {
  return *std::ranges::find(table::entries, id, &table::Entry::id);
}

inline Secret secret(std::string_view detector, std::string text) { return {number_of(detector), std::move(text)}; }

inline Question about(std::string_view detector, std::string text, std::vector<Secret> beside = {}) {
  return {secret(detector, std::move(text)), std::move(beside)};
}

}  // namespace assay::issuer
