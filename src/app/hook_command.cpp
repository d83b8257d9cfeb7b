// assay hook: what a git server or a committer runs before anything gets in. Whatever goes wrong, nothing gets in.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "app/commands.h"
#include "base/clock.h"
#include "base/text.h"
#include "report/text.h"
#include "report/words.h"

namespace assay::app {
namespace {

constexpr int kLetIn = 0, kRefusedByPolicy = 1, kUnread = 2;
constexpr std::size_t kMostTold = 20;        ///< findings; the first few are enough to act on
constexpr std::size_t kMostLines = 1 << 20;  ///< references in one push
constexpr std::size_t kIdDigits = 40;
constexpr std::string_view kMissing = "repo.object-missing";

using finding::Finding;
using finding::Status;
using report::Artifact;

/// A push or a commit, in the words of messages.
struct Occasion {
  std::string_view what;    ///< "push"
  std::string_view again;   ///< how it is tried again
  bool is_history = false;  ///< taking something out of it needs history to be rewritten
};
constexpr Occasion kPush{"push", "push again", true};
constexpr Occasion kCommit{"commit", "stage the file, and commit again", false};

void say(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

/// A finding that keeps its artifact out.
struct Blocking {
  const Artifact* artifact;
  const Finding* finding;
};

std::vector<Blocking> blocking(const report::Report& report, Status level) {
  std::vector<Blocking> out;
  for (const auto& artifact : report.artifacts)
    for (const auto& f : artifact.findings)
      if (!f.waived && f.severity != finding::Severity::note && finding::status_of(f.severity) >= level)
        out.push_back({&artifact, &f});
  std::stable_sort(out.begin(), out.end(),
                   [](const Blocking& a, const Blocking& b) { return a.finding->severity > b.finding->severity; });
  return out;
}

/// What an old message of the same rule has said already is not said again.
using Said = std::map<std::string, std::size_t>;

std::string place_of(const Blocking& b) {
  auto out = printable(b.artifact->path);
  if (!b.finding->where.member.empty()) out += ", in " + printable(b.finding->where.member);
  if (b.finding->where.line > 0) out += ", line " + std::to_string(b.finding->where.line);
  return out;
}

std::string commit_of(const Artifact& artifact) {
  return artifact.origins.empty() ? std::string{} : report::commit_in_words(artifact.origins.front());
}

void tell(std::size_t number, const Blocking& b, Said& said) {
  const auto& f = *b.finding;
  say("");
  say(std::to_string(number) + ". " + place_of(b));
  if (const auto commit = commit_of(*b.artifact); !commit.empty()) say("   " + commit);
  say("   " + printable(f.message));
  if (!f.evidence.empty()) say("     " + printable(f.evidence, 300));
  if (f.remediation.empty()) return;
  const auto [place, is_new] = said.try_emplace(f.rule, number);
  say(is_new ? "   Do now: " + printable(f.remediation) : "   Do now: as in " + std::to_string(place->second) + ".");
}

/// The parent of the oldest commit that has to change.
void tell_how_to_go_on(const std::vector<Blocking>& all, const Occasion& occasion) {
  say("");
  if (!occasion.is_history) {
    say("Take it out of the files named above, then " + std::string{occasion.again} + ".");
    return;
  }
  say("Removing it in a new commit is not enough: the push would still carry the old one.");
  say("  the last commit:  correct the files, then  git commit --amend");
  const auto old = std::ranges::find_if(all, [](const Blocking& b) {
    return !b.artifact->origins.empty() && !b.artifact->origins.front().commit.empty();
  });
  const auto commit = old == all.end() ? std::string{"COMMIT"} : old->artifact->origins.front().commit.substr(0, 7);
  say("  an earlier one:   git rebase -i " + printable(commit) + "^   and mark it as 'edit'; or git filter-repo");
  say("Then " + std::string{occasion.again} + ". A secret that has left your machine must be revoked in any case.");
}

std::string reason_of(const Artifact& artifact) {
  if (!artifact.unscanned.empty()) return artifact.unscanned.front();
  if (!artifact.findings.empty()) return artifact.findings.front().message;
  return "no reader here examines it";
}

/// In one line, because it comes with every push.
void tell_what_was_not_examined(const report::Report& report) {
  auto parts = report::not_scanned_for(report);
  std::map<std::string, std::size_t> reasons;
  for (const auto& artifact : report.artifacts)
    if (artifact.status == Status::unscanned) ++reasons[reason_of(artifact)];
  for (const auto& [reason, count] : reasons) parts.push_back(report::counted(count, "file") + " (" + reason + ")");
  constexpr std::size_t kMostParts = 6;
  if (parts.size() > kMostParts) {
    const auto more = parts.size() - kMostParts;
    parts.resize(kMostParts);
    parts.push_back(std::to_string(more) + " more reasons");
  }
  if (report.excluded > 0)
    parts.push_back(report::counted(report.excluded, "file") + " left out by --include or --exclude");
  if (!parts.empty()) say("assay: not examined: " + printable(report::joined(parts, "; "), 2000));
}

bool is_unread(const Artifact& artifact) {
  return artifact.status == Status::error ||
         std::ranges::any_of(artifact.findings, [](const Finding& f) { return f.rule == kMissing && !f.waived; });
}

int refuse_unread(const report::Report& report, const Occasion& occasion) {
  std::size_t count = 0;
  for (const auto& artifact : report.artifacts) {
    if (!is_unread(artifact)) continue;
    if (++count == 1)
      say("assay: this " + std::string{occasion.what} + " was refused, because it could not be examined to the end:");
    if (count > kMostTold) continue;
    const auto why = !artifact.unexamined.empty() ? artifact.unexamined.front().reason
                     : !artifact.findings.empty() ? artifact.findings.front().message
                                                  : "it could not be read";
    const auto commit = commit_of(artifact);
    say("  " + printable(artifact.path) + (commit.empty() ? "" : " (" + commit + ")") + ": " + printable(why, 300));
  }
  if (count > kMostTold) say("  and " + std::to_string(count - kMostTold) + " more");
  if (count == 0) return kLetIn;
  say("Repair or remove what is named, then " + std::string{occasion.again} +
      ". Whoever runs this hook may let such files in with --let-unread-in.");
  return kUnread;
}

int refuse_found(const report::Report& report, Status level, const Occasion& occasion) {
  const auto all = blocking(report, level);
  say("assay: this " + std::string{occasion.what} + " was refused. " +
      (all.size() == 1 ? "One thing in it must not get in:"
                       : report::grouped(all.size()) + " things in it must not get in:"));
  Said said;
  for (std::size_t i = 0; i < std::min(all.size(), kMostTold); ++i) tell(i + 1, all[i], said);
  if (all.size() > kMostTold) {
    say("");
    say("and " + report::grouped(all.size() - kMostTold) + " more.");
  }
  tell_how_to_go_on(all, occasion);
  return kRefusedByPolicy;
}

/// No push writes one.
bool has_its_baseline(const Common& common) {
  if (common.baseline_path.empty() || ::access(common.baseline_path.c_str(), R_OK) == 0) return true;
  usage_error("--baseline " + common.baseline_path + ": it cannot be read; assay scan writes one");
  return false;
}

int run_hook(Common common, GitSource source, const Occasion& occasion, bool lets_unread_in) {
  const auto not_examined = "assay: the " + std::string{occasion.what} + " was not examined, and so is refused.";
  auto policy = load_policy(common);
  if (!policy || !has_its_baseline(common) || !prepare_secrets(common, *policy)) return say(not_examined), kUsage;
  auto wanted = common.scan;
  wanted.git = std::move(source);
  const auto outcome = with_progress<Outcome, Options>(
      wanted, [&](const Options& options) { return scan_repository({"."}, *policy, SystemClock{}.today(), options); });
  if (!outcome) return say(not_examined), kUnread;
  if (outcome->interrupted) return say(not_examined), kInterrupted;
  int code = kLetIn;
  if (outcome->fails) code = refuse_found(outcome->report, policy->fail_on, occasion);
  else if (!lets_unread_in) code = refuse_unread(outcome->report, occasion);
  tell_what_was_not_examined(outcome->report);
  return code;
}

/// The new tips of "OLD NEW REFERENCE" lines; nothing where a line is none. Deleted references have no tip.
std::optional<std::vector<std::string>> tips_in(std::istream& in) {
  std::vector<std::string> out;
  std::string line;
  for (std::size_t lines = 0; std::getline(in, line); ++lines) {
    const auto is_id = [](std::string_view word) {
      return word.size() == kIdDigits && word.find_first_not_of("0123456789abcdef") == word.npos;
    };
    const std::string_view text = line;
    constexpr std::size_t kNew = kIdDigits + 1, kName = 2 * kNew;
    if (lines == kMostLines || text.size() <= kName || text[kNew - 1] != ' ' || text[kName - 1] != ' ' ||
        !is_id(text.substr(0, kIdDigits)) || !is_id(text.substr(kNew, kIdDigits)))
      return std::nullopt;
    const auto tip = text.substr(kNew, kIdDigits);
    if (tip.find_first_not_of('0') != tip.npos) out.emplace_back(tip);
  }
  if (in.bad()) return std::nullopt;
  return out;
}

}  // namespace

int run_pre_receive(const Common& common, bool lets_unread_in) {
  auto tips = tips_in(std::cin);
  if (!tips) {
    say("assay: the hook was not told what is pushed (lines of OLD NEW REFERENCE on standard input), and so refuses "
        "it.");
    return kUnread;
  }
  if (tips->empty()) return kLetIn;  // references are deleted: nothing comes in
  GitSource source;
  source.repository = ".";
  source.include = std::move(*tips);
  source.beyond_references = true;
  source.in_hook = true;
  return run_hook(common, std::move(source), kPush, lets_unread_in);
}

int run_pre_commit(const Common& common, bool lets_unread_in) {
  GitSource source;
  source.repository = ".";
  source.staged = true;
  source.in_hook = true;
  for (const auto& file : common.paths) source.files.push_back(file.starts_with("./") ? file.substr(2) : file);
  return run_hook(common, std::move(source), kCommit, lets_unread_in);
}

}  // namespace assay::app
