#include "report/report.h"

#include <algorithm>

#include "report/words.h"

namespace assay::report {
namespace {

std::string engine_in_words(std::string_view name) {
  if (name == "avScan") return "malware";
  if (name == "pickleImportScan") return "pickle imports";
  if (name == "yara") return "YARA rules";
  return std::string{name};
}

}  // namespace

std::vector<std::uint64_t> count_by_status(const Report& report) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(finding::kLastStatus) + 1);
  for (const auto& artifact : report.artifacts) ++counts[static_cast<std::size_t>(artifact.status)];
  return counts;
}

finding::Status status_without_waivers(const Artifact& artifact) {
  auto out = artifact.status;
  for (const auto& f : artifact.findings)
    if (f.waived && !finding::is_secret(f)) out = std::max(out, finding::status_of(f.severity));
  return out;
}

std::vector<std::string> not_scanned_for(const Report& report) {
  std::vector<std::string> out;
  for (const auto& engine : report.engines) {
    if (engine.missed == 0 && !engine.version.empty()) continue;
    auto text = engine_in_words(engine.name);
    if (engine.missed > 0 && engine.missed < report.artifacts.size())
      text += " in " + counted(engine.missed, "file") + " of " + grouped(report.artifacts.size());
    if (!engine.message.empty()) text += " (" + std::string{engine.message} + ")";
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace assay::report
