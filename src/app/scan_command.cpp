// assay scan, facts, judge: `scan X` is `facts X | judge -`.
#include <fstream>
#include <iostream>

#include "app/commands.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json_document.h"
#include "report/json_repository.h"

namespace assay::app {
namespace {

constexpr int kRefused = 2;  ///< nothing could be examined: an error, not a finding

int finish(Outcome given, const Common& common) {
  // Not given back: the process ends soon, and freeing a million strings one by one takes longer than the report.
  const auto& outcome = *new Outcome{std::move(given)};
  const int code = scan::exit_code(outcome);
  if (!write_reports(outcome, common, code)) return kRefused;
  return code;
}

}  // namespace

int run_scan(const Common& common) {
  const auto policy = load_policy(common);
  if (!policy) return kUsage;
  auto outcome = with_progress<Outcome>(common, [&](const Options& options) {
    return scan_repository(common.paths, *policy, SystemClock{}.today(), options);
  });
  if (!outcome) return kRefused;
  if (outcome->excluded > 0)
    std::fprintf(stderr, "assay: left out by --include or --exclude: %llu\n",
                 static_cast<unsigned long long>(outcome->excluded));
  const bool interrupted = outcome->interrupted;
  const int code = finish(std::move(*outcome), common);
  return interrupted ? kInterrupted : code;
}

int run_facts(const Common& common) {
  const auto policy = load_policy(common);
  if (!policy) return kUsage;
  const auto extraction = with_progress<Extraction>(common, [&](Options options) {
    options.limits = policy->limits;
    options.digest |= !policy->waivers.empty();
    return scan::extract(common.paths, options);
  });
  if (!extraction) return kRefused;
  std::string text = report::to_json(scan::repository_of(extraction->listing)) + "\n";
  for (const auto& document : extraction->documents) text += report::to_json(document) + "\n";
  if (!write_output(common.outputs.front().path, text)) return kRefused;
  return extraction->interrupted ? kInterrupted : 0;
}

int run_judge(const Common& common) {
  const auto policy = load_policy(common);
  if (!policy) return kUsage;
  std::ifstream file;
  const auto& path = common.paths.front();
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "assay: %s: cannot be read\n", printable(path).c_str());
      return kRefused;
    }
  }
  auto& in = path == "-" ? std::cin : static_cast<std::istream&>(file);
  Repository repository;
  std::vector<format::Document> documents;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    if (number == 1)
      if (auto first = report::repository_from_json(line)) {
        repository = std::move(*first);
        continue;
      }
    auto document = report::document_from_json(line);
    if (!document) {
      std::fprintf(stderr, "assay: %s, line %zu: %s\n", printable(path).c_str(), number,
                   std::string{document.error().what}.c_str());
      return kRefused;
    }
    documents.push_back(std::move(*document));
  }
  if (in.bad()) {
    std::fprintf(stderr, "assay: %s: cannot be read\n", printable(path).c_str());
    return kRefused;
  }
  return finish(scan::judge(std::move(documents), repository, *policy, SystemClock{}.today()), common);
}

}  // namespace assay::app
