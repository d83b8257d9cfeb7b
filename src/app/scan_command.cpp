// assay scan, facts, judge: `scan X` is `facts X | judge -`.
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "app/commands.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/json_document.h"
#include "scan/antivirus.h"

namespace assay::app {
namespace {

constexpr int kRefused = 2;  ///< nothing could be examined: an error, not a finding

int finish(Outcome given, const Common& common) {
  // Not given back: the process ends soon, and freeing a million strings one by one takes longer than the report.
  const auto& outcome = *new Outcome{std::move(given)};
  const int code = scan::exit_code(outcome);
  const bool written = write_reports(outcome, common, code) && write_baseline(outcome, common);
  return written ? code : kRefused;
}

struct Facts {
  Repository repository;
  std::vector<Document> documents;
};

/// All of what `assay facts` wrote, or the rest of a sentence that begins with the file's name. Half a stream is
/// refused: the files that are missing from it could be anything.
tl::expected<Facts, std::string> read_facts(std::istream& in) {
  const auto refuse = [](std::string why) { return tl::unexpected<std::string>{std::move(why)}; };
  const auto at = [](std::size_t number) { return ", line " + std::to_string(number) + ": "; };
  std::string line;
  if (!in) return refuse(": cannot be read");
  if (!std::getline(in, line)) return refuse(": no facts are here, not even their first line");
  auto repository = report::repository_from_json(line);
  if (!repository)
    return refuse(at(1) + "facts begin with a line of " + std::string{report::kRepositorySchema} +
                  ", and this is none: " + std::string{repository.error().what});
  Facts out{std::move(*repository), {}};
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    auto document = report::document_from_json(line);
    if (!document && report::repository_from_json(line))
      return refuse(at(number) + "the facts of a second repository begin here; judge one repository at a time");
    if (!document) return refuse(at(number) + std::string{document.error().what});
    out.documents.push_back(std::move(*document));
  }
  if (in.bad()) return refuse(": cannot be read");
  if (out.documents.size() != out.repository.documents)
    return refuse(": the first line announces " + std::to_string(out.repository.documents) +
                  " documents, and there are " + std::to_string(out.documents.size()));
  return out;
}

}  // namespace

/// Whole secrets go to the eyes of whoever asked, and nowhere else: not into a file, a log or a pipe.
bool may_show_secrets(const Common& common) {
  const bool only_text =
      common.outputs.size() == 1 && common.outputs[0].format == Format::text && common.outputs[0].path.empty();
  return only_text && ::isatty(STDOUT_FILENO) != 0;
}

int run_scan(Common common) {
  auto policy = load_policy(common);
  if (!policy || !prepare_secrets(common, *policy) || !load_yara_rules(common)) return kUsage;
  if (common.show_secrets && !may_show_secrets(common))
    return usage_error("--show-secrets shows secrets whole on a terminal, as text, and nowhere else");
  common.scan.keep_secrets = common.show_secrets;
  auto outcome = with_progress<Outcome, Options>(common.scan, [&](const Options& options) {
    return scan_repository(common.paths, *policy, SystemClock{}.today(), options);
  });
  if (!outcome) return kRefused;
  if (outcome->report.excluded > 0)
    std::fprintf(stderr, "assay: left out by --include or --exclude: %llu\n",
                 static_cast<unsigned long long>(outcome->report.excluded));
  const bool interrupted = outcome->interrupted;
  const int code = finish(std::move(*outcome), common);
  return interrupted ? kInterrupted : code;
}

int run_facts(Common common) {
  auto policy = load_policy(common);
  if (!policy || !prepare_secrets(common, *policy) || !load_yara_rules(common)) return kUsage;
  const auto extraction = with_progress<Extraction, Options>(common.scan, [&](Options options) {
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

int run_judge(Common common) {
  auto policy = load_policy(common);
  if (!policy || !prepare_secrets(common, *policy)) return kUsage;
  const auto& path = common.paths.front();
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  auto facts = read_facts(path == "-" ? std::cin : file);
  if (!facts) {
    std::fprintf(stderr, "assay: %s%s\n", printable(path).c_str(), facts.error().c_str());
    return kRefused;
  }
  scan::RuleSets current;
  if (!common.scan.clamd.empty()) {
    const auto daemon = scan::find_daemon(common.scan.clamd);
    if (!daemon.missing.empty()) {
      std::fprintf(stderr, "assay: %s\n", printable(daemon.missing).c_str());
      return kRefused;
    }
    current.emplace(scan::kAntivirus, daemon.version.signatures);
  }
  const auto today = SystemClock{}.today();
  return finish(scan::judge(std::move(facts->documents), facts->repository, *policy, today, current), common);
}

}  // namespace assay::app
