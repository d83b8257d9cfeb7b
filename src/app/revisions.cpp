#include "app/revisions.h"

namespace assay::app {
namespace {

constexpr std::string_view kHead = "HEAD";

std::string or_head(std::string_view revision) { return std::string{revision.empty() ? kHead : revision}; }

void add(std::string_view word, GitSource& source) {
  const auto dots = word.find("..");
  if (dots != word.npos) {
    source.exclude.push_back(or_head(word.substr(0, dots)));
    source.include.push_back(or_head(word.substr(dots + 2)));
  } else if (word.starts_with('^')) {
    source.exclude.emplace_back(word.substr(1));
  } else {
    source.include.emplace_back(word);
  }
}

}  // namespace

std::string settle_revisions(const GitOptions& git, Common& common) {
  if (git.repository.empty())
    return git.all || !git.since.empty() ? "--since and --all ask for a part of a history; they go with --git" : "";
  GitSource source;
  source.repository = git.repository;
  source.all = git.all;
  if (!git.since.empty()) source.exclude.push_back(git.since);
  for (const auto& word : common.paths) {
    if (word.find("...") != word.npos) return "'" + word + "': two dots, please; what only one side has is A..B";
    add(word, source);
  }
  if (source.include.empty() && !source.all) source.include.emplace_back(kHead);
  common.scan.git = std::move(source);
  common.paths.assign(1, git.repository);
  return {};
}

}  // namespace assay::app
