#include "report/text.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <map>
#include <utility>

#include "base/text.h"
#include "report/ink.h"
#include "report/words.h"

namespace assay::report {
namespace {

using finding::Finding;
using finding::Safety;
using finding::Severity;
using finding::Status;

// A hostile file can hold millions of strings, and the reader has one screen: without -v, everything has an end.
constexpr std::size_t kFindingsPerRule = 5;
constexpr std::size_t kRulesPerFile = 8;
constexpr std::size_t kHolesPerFile = 3;
constexpr std::size_t kNamesPerReason = 3;
constexpr std::size_t kReasons = 8;
constexpr std::size_t kEvidenceLines = 3;

constexpr std::size_t kMargin = 12;  // "suspicious" and two spaces
constexpr unsigned kNarrowest = 40;

Ink ink_of(Safety safety) {
  switch (safety) {
    case Safety::innocuous: return Ink::plain;
    case Safety::suspicious: return Ink::yellow;
    case Safety::dangerous: return Ink::red;
  }
  return Ink::plain;
}

std::string_view gist_of(Status status) {
  switch (status) {
    case Status::safe: return "loading it runs no code";
    case Status::caution: return "runs code by design; no harm was found";
    case Status::queued: return "still to be scanned";
    case Status::unscanned: return "not examined";
    case Status::error: return "could not be read to the end";
    case Status::suspicious: return "may do harm; cannot be cleared";
    case Status::unsafe: return "would do harm when loaded";
  }
  return "";
}

/// What all of its worst findings speak of: loading it is not what does harm there.
enum class Cause { loading, secrets, malware, likeness };
Cause cause_of(const Artifact& artifact) {
  std::optional<Cause> out;
  for (const auto& f : artifact.findings) {
    if (f.waived || finding::status_of(f.severity) != artifact.status) continue;
    const auto cause = finding::is_secret(f)            ? Cause::secrets
                       : f.rule == "malware.yara"       ? Cause::likeness
                       : f.rule.starts_with("malware.") ? Cause::malware
                                                        : Cause::loading;
    if (out && *out != cause) return Cause::loading;
    out = cause;
  }
  return out.value_or(Cause::loading);
}

std::string_view advice_for(Status status) {
  switch (status) {
    case Status::safe: return "";
    case Status::queued: return "Wait for the answer before you load it.";
    case Status::caution: return "Load it only if you trust whoever made it.";
    case Status::unscanned: return "Read it yourself before you run or load it.";
    case Status::error: return "Fetch it again. If it stays unreadable, do not load it.";
    case Status::suspicious:
    case Status::unsafe: return "Do not load it.";
  }
  return "";
}

std::string hex(std::uint64_t offset) {
  char out[24];
  std::snprintf(out, sizeof out, "0x%llx", static_cast<unsigned long long>(offset));
  return out;
}

/// A line is where people look; an offset is all there is in bytes that are no text.
std::string place_in_words(const finding::Locator& where, bool names_member = true) {
  const auto place = where.line > 0 ? "line " + grouped(where.line) : "at offset " + hex(where.offset);
  return where.member.empty() || !names_member ? place : "in " + printable(where.member) + ", " + place;
}

std::string range_in_words(const Artifact::Hole& hole) {
  auto out = hex(hole.extent.begin) + " to " + hex(hole.extent.end);
  if (!hole.member.empty()) out += " of " + printable(hole.member);
  return out;
}

std::string ended(std::string sentence) {
  if (!sentence.empty() && std::string_view{".!?…"}.find(sentence.back()) == std::string_view::npos) sentence += '.';
  return sentence;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  const auto most = std::numeric_limits<std::uint64_t>::max();
  return a > most - b ? most : a + b;
}

std::string coverage_in_words(const bytes::Coverage& coverage) {
  using bytes::Cover;
  return human_bytes(coverage.of(Cover::parsed)) + " parsed, " + human_bytes(coverage.of(Cover::inert)) + " inert, " +
         human_bytes(coverage.of(Cover::padding)) + " padding, " + human_bytes(coverage.of(Cover::unexamined)) +
         " unexamined";
}

bool holds_pickle(const Artifact& artifact) {
  return std::find(artifact.formats.begin(), artifact.formats.end(), "pickle") != artifact.formats.end();
}

/// Its status is milder than what was found, by somebody's decision: words about what was found would be false.
bool is_waived(const Artifact& artifact) { return status_without_waivers(artifact) != artifact.status; }

using Group = std::vector<const Finding*>;  // of one rule, in the report's order

/// What the summary says of all artifacts: in one pass, because a million of them fit in no cache.
struct Totals {
  explicit Totals(const Report& report) : by_status(static_cast<std::size_t>(finding::kLastStatus) + 1) {
    const auto has_tensors = [](const format::Checkpoint& c) { return c.tensors > 0; };
    for (const auto& artifact : report.artifacts) {
      ++by_status[static_cast<std::size_t>(artifact.status)];
      waived_files += is_waived(artifact);
      for (const auto& f : artifact.findings) waived_findings += f.waived;
      checkpoints += std::ranges::any_of(artifact.checkpoints, has_tensors);
      for (std::size_t i = 0; i < bytes::kCovers; ++i)
        coverage.total[i] = sum(coverage.total[i], artifact.coverage.total[i]);
    }
  }

  std::vector<std::uint64_t> by_status;
  std::uint64_t waived_files = 0, waived_findings = 0;
  std::uint64_t checkpoints = 0;  ///< artifacts with tensors to convert
  bytes::Coverage coverage;
};

class Page {
 public:
  Page(const Report& report, const TextOptions& options)
      : report_{report}, options_{options}, totals_{report}, width_{std::max(options.width, kNarrowest)} {}

  std::string write() {
    for (const auto* artifact : shown_mildest_first()) file(*artifact);
    summary();
    return std::move(out_);
  }

 private:
  /// The worst stands right above the summary, where a terminal has scrolled to.
  std::vector<const Artifact*> shown_mildest_first() const {
    std::vector<const Artifact*> out;
    for (const auto& artifact : report_.artifacts)
      if (options_.verbose || status_without_waivers(artifact) != Status::safe) out.push_back(&artifact);
    std::stable_sort(out.begin(), out.end(),
                     [](const Artifact* a, const Artifact* b) { return a->status < b->status; });
    return out;
  }

  std::string inked(Ink ink, std::string_view text) const {
    if (!options_.colour || ink == Ink::plain) return std::string{text};
    return std::string{code_of(ink)}.append(text).append("\x1b[0m");
  }

  /// A paragraph `indent` columns in. The first line starts with `lead`, which the others leave room for.
  void paragraph(std::size_t indent, std::string_view lead, std::string_view text, Ink ink = Ink::plain,
                 Ink lead_ink = Ink::strong, std::size_t most_lines = 0) {
    const auto left = indent + columns(lead);
    auto lines = wrapped(text, width_ - std::min<std::size_t>(left, width_ - 20));
    if (most_lines > 0 && lines.size() > most_lines && !options_.verbose) {
      lines.resize(most_lines);
      lines.back() = keep_start(lines.back() + "……", width_ - left);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
      out_ += i == 0 ? std::string(indent, ' ') + inked(lead_ink, lead) : std::string(left, ' ');
      out_ += inked(ink, lines[i]);
      out_ += '\n';
    }
  }

  void labelled(std::string label, std::string_view text, Ink ink = Ink::plain) {
    constexpr std::size_t kLabel = 13;
    label.resize(std::max(label.size() + 1, kLabel), ' ');
    paragraph(label_indent_, label, text, ink, Ink::faint);
  }

  // --- one file ---

  void file(const Artifact& artifact) {
    // A file that nobody reads is one line, and so is one that is safe by a waiver; a file with something to say gets
    // air around it.
    const bool unread =
        artifact.findings.empty() && (artifact.status == Status::unscanned || artifact.status == Status::queued);
    const bool brief = !options_.verbose && (unread || artifact.status == Status::safe);
    if (!out_.empty() && !(brief && after_brief_)) out_ += '\n';
    after_brief_ = brief;
    headline(artifact);
    if (brief) return;
    findings(artifact);
    holes(artifact);
    unscanned(artifact);
    advice(artifact);
    if (options_.verbose) details(artifact);
  }

  void headline(const Artifact& artifact) {
    auto word = std::string{to_string(artifact.status)};
    const std::string gap(kMargin - std::min(kMargin - 1, word.size()), ' ');
    std::string gist{gist_of(artifact.status)};
    if (cause_of(artifact) == Cause::secrets) gist = "gives away what should be secret";
    if (cause_of(artifact) == Cause::malware) gist = "is known malware";
    if (cause_of(artifact) == Cause::likeness) gist = "looks like malware";
    if (is_waived(artifact))
      gist = "only because the policy waives what was found; it would be " +
             std::string{to_string(status_without_waivers(artifact))};
    else if (artifact.status == Status::unscanned && !artifact.unscanned.empty())
      gist += ": " + printable(artifact.unscanned.front(), kReasonBytes);
    out_ += inked(report::ink_of(artifact.status), word) + gap + inked(Ink::strong, printable(artifact.path)) + " — " +
            gist + "\n";
  }

  void findings(const Artifact& artifact) {
    origin_.clear();
    for (const auto& origin : artifact.origins) {
      if (const auto commit = commit_in_words(origin); !commit.empty()) origin_ = commit + ", ";
      origin_ += printable(artifact.path) + ", ";
      if (origin.other_paths > 0)
        paragraph(kMargin, "",
                  "The same content has " + counted(origin.other_paths, "other path") + " in this history.",
                  Ink::faint);
    }
    std::vector<Group> groups;
    std::map<std::string_view, std::size_t> group_of;
    for (const auto& f : artifact.findings) {
      if (!options_.verbose && (f.severity == Severity::note || f.waived)) continue;
      const auto [at, is_new] = group_of.try_emplace(f.rule, groups.size());
      if (is_new) groups.emplace_back();
      groups[at->second].push_back(&f);
    }
    const auto shown = options_.verbose ? groups.size() : std::min(groups.size(), kRulesPerFile);
    for (std::size_t i = 0; i < shown; ++i) group(groups[i]);
    if (shown < groups.size())
      paragraph(kMargin, "", "and " + counted(groups.size() - shown, "other kind") + " of finding; -v shows all",
                Ink::faint);
  }

  void group(const Group& group) {
    first(*group.front());
    const auto shown = options_.verbose ? group.size() : std::min(group.size(), kFindingsPerRule);
    for (std::size_t i = 1; i < shown; ++i) again(*group[i], group[i]->where.member == group.front()->where.member);
    if (shown < group.size())
      paragraph(kMargin + 2, "", "and " + grouped(group.size() - shown) + " more like it", Ink::faint);
  }

  void first(const Finding& f) {
    auto says = ended(printable(f.message));
    if (f.waived) says += " (waived by the policy)";
    if (f.severity == Severity::note) says = "Note: " + says;
    paragraph(kMargin, "", says);
    if (!f.evidence.empty()) paragraph(kMargin + 2, "", printable(f.evidence), Ink::plain, Ink::plain, kEvidenceLines);
    paragraph(kMargin + 2, "", origin_ + place_in_words(f.where) + " · " + printable(f.rule), Ink::faint);
    if (!options_.verbose) return;
    for (const auto& reference : f.references) paragraph(kMargin + 2, "", "see " + printable(reference), Ink::faint);
  }

  void again(const Finding& f, bool same_member) {
    auto line = "also " + place_in_words(f.where, !same_member);
    line += ": " + printable(f.evidence.empty() ? f.message : f.evidence);
    if (f.waived) line += " (waived by the policy)";
    paragraph(kMargin + 2, "", options_.verbose ? line : keep_start(line, width_ - kMargin - 2));
  }

  void holes(const Artifact& artifact) {
    const auto& all = artifact.unexamined;
    const auto shown = options_.verbose ? all.size() : std::min(all.size(), kHolesPerFile);
    for (std::size_t i = 0; i < shown; ++i)
      paragraph(kMargin, "Not examined: ", range_in_words(all[i]) + ": " + printable(all[i].reason), Ink::plain,
                Ink::plain);
    if (shown < all.size())
      paragraph(kMargin, "", "and " + counted(all.size() - shown, "other range") + " not examined", Ink::faint);
  }

  void unscanned(const Artifact& artifact) {
    // The headline of an unscanned file has said the first reason already.
    const std::size_t said = artifact.status == Status::unscanned ? 1 : 0;
    const auto& holes = artifact.unexamined;
    const auto last = holes.begin() + static_cast<std::ptrdiff_t>(std::min(holes.size(), kHolesPerFile));
    const auto is_told = [&](const std::string& reason) {  // by holes(), with its range
      return std::any_of(holes.begin(), last, [&](const auto& hole) { return hole.reason == reason; });
    };
    for (std::size_t i = said; i < artifact.unscanned.size(); ++i) {
      if (i >= said + kHolesPerFile && !options_.verbose) break;
      if (is_told(artifact.unscanned[i])) continue;
      paragraph(kMargin, "Not examined: ", printable(artifact.unscanned[i]), Ink::plain, Ink::plain);
    }
  }

  /// What the worst findings advise; lesser advice would only dilute "do not load it".
  void advice(const Artifact& artifact) {
    std::vector<std::string> said;
    for (const auto& f : artifact.findings) {
      if (f.waived || f.remediation.empty() || status_of(f.severity) != artifact.status) continue;
      const auto text = ended(printable(f.remediation));
      if (std::find(said.begin(), said.end(), text) == said.end()) said.push_back(text);
      if (said.size() == kHolesPerFile) break;
    }
    if (said.empty()) said.emplace_back(advice_for(artifact.status));
    for (const auto& text : said)
      if (!text.empty()) paragraph(kMargin, "Do now: ", text);
  }

  // --- -v ---

  void details(const Artifact& artifact) {
    label_indent_ = kMargin;
    labelled("size", human_bytes(artifact.size));
    // Not wrapped, so that it can be copied in one piece.
    if (!artifact.sha256.empty())
      out_ += std::string(kMargin, ' ') + inked(Ink::faint, "sha256       ") + printable(artifact.sha256) + "\n";
    std::vector<std::string> formats;
    for (const auto& format : artifact.formats) formats.push_back(printable(format));
    labelled("formats", formats.empty() ? "none recognised" : joined(formats));
    for (const auto& import : artifact.imports) {
      auto text =
          printable(import.module) + "." + printable(import.name) + ": " + std::string{to_string(import.safety)};
      if (!import.why.empty()) text += ", " + printable(import.why);
      labelled(&import == &artifact.imports.front() ? "imports" : "", text, ink_of(import.safety));
    }
    for (std::size_t i = 0; i < artifact.checkpoints.size(); ++i)
      labelled("checkpoint", checkpoint_in_words(artifact.checkpoints[i], i < artifact.checkpoint_members.size()
                                                                              ? artifact.checkpoint_members[i]
                                                                              : std::string{}));
    labelled("coverage", coverage_in_words(artifact.coverage));
    std::vector<std::string> engines;
    for (const auto& engine : artifact.engines) engines.push_back(engine_in_words(engine));
    if (!engines.empty()) labelled("engines", joined(engines));
    if (!artifact.tier.empty()) labelled("confinement", printable(artifact.tier));
    if (artifact.status == Status::safe && holds_pickle(artifact))
      labelled("better", "use safetensors: the same tensors in a format that cannot hold code", Ink::green);
  }

  static std::string engine_in_words(const Engine& engine) {
    auto out = printable(engine.name) + " " + std::string{to_string(engine.status)};
    if (!engine.message.empty()) out += ": " + printable(engine.message, kReasonBytes);
    if (engine.passed_over > 0) out += " (" + human_bytes(engine.passed_over) + " of tensors passed over)";
    return out;
  }

  static std::string checkpoint_in_words(const format::Checkpoint& c, const std::string& member) {
    auto out = printable(c.layout) + " layout";
    if (!member.empty()) out += " in " + printable(member);
    out += ", " + counted(c.tensors, "tensor") + ", " + human_bytes(c.tensor_bytes);
    if (c.weights_only) return out + "; torch.load(weights_only=True) takes it";
    out += "; torch.load(weights_only=True) refuses it";
    if (!c.reason.empty()) out += ": " + printable(c.reason) + ", at offset " + hex(c.reason_place.offset);
    return out;
  }

  // --- the summary ---

  void summary() {
    label_indent_ = 0;
    if (!out_.empty()) out_ += "\n" + inked(Ink::faint, repeated("─", width_)) + "\n";
    verdict();
    labelled("files", counts_in_words());
    if (report_.excluded > 0) labelled("left out", counted(report_.excluded, "file") + ", by --include or --exclude");
    labelled("coverage", coverage_in_words(totals_.coverage), totals_.coverage.complete() ? Ink::plain : Ink::blue);
    for (const auto& [reason, names] : unscanned_by_reason()) labelled("not examined", reason + ": " + names);
    better();
    if (totals_.waived_findings > 0)
      labelled("waived", counted(totals_.waived_findings, "finding") + ", by the policy or as known secrets");
    if (!report_.policy.name.empty()) labelled("policy", policy_in_words());
    labelled("time", duration(report_.seconds));
    if (!report_.tier.empty())
      labelled("confinement", printable(report_.tier), report_.tier == "unconfined" ? Ink::yellow : Ink::plain);
    const std::string_view means =
        totals_.waived_files > 0 ? "loading runs no code, or the policy waives what it runs" : "loading runs no code";
    out_ +=
        inked(Ink::faint, "safe means: " + std::string{means} + "; it says nothing about what the model does") + "\n";
  }

  /// What nobody has to wait for its author to do.
  void better() {
    if (totals_.checkpoints > 0)
      labelled("better",
               "assay convert writes the tensors of " + counted(totals_.checkpoints, "checkpoint") +
                   " as safetensors, without running anything",
               Ink::green);
  }

  void verdict() {
    const auto word = std::string{to_string(report_.status)} + ": ";
    auto text = verdict_in_words();
    std::vector<std::string> missing;
    for (const auto& engine : not_scanned_for(report_)) missing.push_back(printable(engine));
    if (!missing.empty()) text += " · not scanned for: " + joined(missing);
    paragraph(0, word, text, Ink::strong, report::ink_of(report_.status));
  }

  std::string verdict_in_words() const {
    const auto all = report_.artifacts.size();
    if (all == 0 && report_.excluded > 0)
      return "no file was examined; --include or --exclude left out " + grouped(report_.excluded);
    if (all == 0) return "there were no files to scan";
    const auto waived = totals_.waived_files;
    if (report_.status == Status::safe && waived > 0)
      return "only because the policy waives what was found in " +
             (all == 1 ? "this file" : grouped(waived) + " of " + counted(all, "file"));
    if (report_.status == Status::safe)
      return all == 1 ? "loading this file runs no code" : "loading these " + counted(all, "file") + " runs no code";
    const auto n = totals_.by_status[static_cast<std::size_t>(report_.status)];
    if (n == 0) return "the repository as a whole";
    const auto some = all == 1 ? "the file " : grouped(n) + " of " + counted(all, "file") + " ";
    const auto all_are = [&](Cause cause) {
      return std::ranges::all_of(report_.artifacts,
                                 [&](const Artifact& a) { return a.status != report_.status || cause_of(a) == cause; });
    };
    if (all_are(Cause::secrets)) return some + (n == 1 ? "gives" : "give") + " away what should be secret";
    if (all_are(Cause::malware)) return some + (n == 1 ? "is" : "are") + " known malware";
    if (all_are(Cause::likeness)) return some + (n == 1 ? "looks" : "look") + " like malware";
    switch (report_.status) {
      case Status::caution:
        return some + "would run code by design; no harm was found" + (waived > 0 ? " but what the policy waives" : "");
      case Status::queued: return some + "must wait for a scan";
      case Status::unscanned: return some + "could not be examined";
      case Status::error: return some + "could not be read to the end";
      case Status::suspicious: return some + "may do harm and cannot be cleared";
      case Status::safe:
      case Status::unsafe: break;
    }
    return some + "would do harm when loaded";
  }

  std::string counts_in_words() const {
    const auto& counts = totals_.by_status;
    std::vector<std::string> parts;
    for (std::size_t i = counts.size(); i-- > 0;) {
      if (counts[i] == 0) continue;
      const auto status = static_cast<Status>(i);
      parts.push_back(grouped(counts[i]) + " " + std::string{to_string(status)});
    }
    return parts.empty() ? "none" : joined(parts) + " (" + human_bytes(report_.bytes) + ")";
  }

  /// Reason and names, in the report's order; what is left out is counted.
  std::vector<std::pair<std::string, std::string>> unscanned_by_reason() const {
    std::vector<std::pair<std::string, std::vector<const Artifact*>>> reasons;
    std::map<std::string, std::size_t> index;
    const auto note = [&](const std::string& reason, const Artifact& artifact) {
      const auto [at, is_new] = index.try_emplace(reason, reasons.size());
      if (is_new) reasons.emplace_back(reason, std::vector<const Artifact*>{});
      auto& files = reasons[at->second].second;
      if (files.empty() || files.back() != &artifact) files.push_back(&artifact);
    };
    for (const auto& artifact : report_.artifacts) {
      for (const auto& reason : artifact.unscanned) note(printable(reason, kReasonBytes), artifact);
      if (artifact.unscanned.empty() && artifact.status == Status::unscanned) note("no reader for it", artifact);
    }

    const auto shown = options_.verbose ? reasons.size() : std::min(reasons.size(), kReasons);
    std::vector<std::pair<std::string, std::string>> out;
    for (std::size_t i = 0; i < shown; ++i) out.emplace_back(reasons[i].first, names_of(reasons[i].second));
    if (shown < reasons.size())
      out.emplace_back("and", counted(reasons.size() - shown, "other reason") + "; -v shows all");
    return out;
  }

  std::string names_of(const std::vector<const Artifact*>& files) const {
    const auto shown = options_.verbose ? files.size() : std::min(files.size(), kNamesPerReason);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < shown; ++i) names.push_back(printable(files[i]->path));
    auto out = joined(names);
    if (shown < files.size()) out += " and " + grouped(files.size() - shown) + " more";
    return out;
  }

  std::string policy_in_words() const {
    auto out = printable(report_.policy.name);
    if (!report_.policy.mode.empty() && report_.policy.mode != report_.policy.name)
      out += ", " + printable(report_.policy.mode) + " mode";
    return report_.policy.hash.empty() ? out : out + " (" + printable(report_.policy.hash) + ")";
  }

  static std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    while (times-- > 0) out += text;
    return out;
  }

  static constexpr std::size_t kReasonBytes = 200;

  const Report& report_;
  const TextOptions& options_;
  Totals totals_;
  std::size_t width_;
  std::size_t label_indent_ = 0;
  std::string origin_;  // of the file being told: before places in it
  bool after_brief_ = false;
  std::string out_;
};

}  // namespace

std::string to_text(const Report& report, const TextOptions& options) { return Page{report, options}.write(); }

}  // namespace assay::report
