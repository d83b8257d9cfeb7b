// A whole program that scans a folder and decides, with Assay as a library.
#include <cstdio>

#include "assay/assay.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: scan_model FOLDER\n");
    return 64;
  }
  assay::Policy policy;  // the built-in middle ground; parse_policy() reads one from TOML
  policy.fail_on = assay::Status::unsafe;

  assay::Options options;
  options.allow_unconfined = true;  // an example must run everywhere; a service should insist on confinement

  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const auto outcome = assay::scan_repository({argv[1]}, policy, today, options);
  if (!outcome) {
    std::fprintf(stderr, "refused: %s\n", outcome.error().what.c_str());
    return 2;
  }
  for (const auto& artifact : outcome->report.artifacts) {
    std::printf("%-10s %s\n", std::string{to_string(artifact.status)}.c_str(), artifact.path.c_str());
    for (const auto& finding : artifact.findings) std::printf("           %s\n", finding.message.c_str());
  }
  std::printf("the repository is %s\n", std::string{to_string(outcome->report.status)}.c_str());
  return outcome->report.artifacts.empty() ? 2 : 0;
}
