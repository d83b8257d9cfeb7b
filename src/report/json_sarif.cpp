// SARIF 2.1.0 (OASIS), within what GitHub code scanning takes:
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.h"
#include "report/json.h"
#include "report/json_value.h"
#include "report/words.h"

namespace assay::report {
namespace {

using finding::Finding;
using finding::Severity;
using finding::Status;

// Code scanning refuses a whole upload beyond these.
constexpr std::size_t kMostResults = 25'000;
constexpr std::size_t kMostDescription = 1'000;  // of 1,024 characters
constexpr std::size_t kMostMessage = 4'000;
constexpr std::size_t kMostNotifications = 200;
constexpr std::size_t kMostReasons = 400;  // bytes, in one notification
// Uploads beyond 10 MB after gzip are refused. Strings that do not compress must not get the log refused
// that names them; what surrounds them compresses well.
constexpr std::size_t kMostText = 5'000'000;
constexpr std::string_view kUnread = "assay.unread";
constexpr std::string_view kEngineIdle = "assay.engine-did-not-run";
constexpr std::string_view kCut = "assay.results-cut";
constexpr std::string_view kLeftOut = "assay.files-left-out";

/// What a notification means, whatever the scan. Code scanning wants all three texts of a descriptor.
struct NotificationText {
  std::string_view id, says, means, help;
};
constexpr NotificationText kNotifications[] = {
    {kUnread, "A file was not read, or not to its end.",
     "Bytes that nobody read may hold anything, so the file is not safe, and no result speaks of them.",
     "Download a damaged file again; read yourself what no reader here examines."},
    {kEngineIdle, "An engine did not run.", "What that engine looks for was not looked for in any file.",
     "Use another tool for it, or take the answer for what it says: loading."},
    {kCut, "There were more results than a log may hold.", "Code scanning refuses larger logs; the worst were kept.",
     "See the JSON report, which has all of them."},
    {kLeftOut, "Files were left out.", "The globs of --include and --exclude left out files that nobody examined.",
     "Scan without the globs to have them examined."}};

/// A finding with the artifact it is in.
struct Hit {
  const Artifact* artifact;
  const Finding* finding;
};

std::string_view level_of(Severity severity) {
  switch (severity) {
    case Severity::unsafe: return "error";
    case Severity::suspicious:
    case Severity::error: return "warning";
    case Severity::unscanned:
    case Severity::caution:
    case Severity::note: break;
  }
  return "note";
}

/// Code scanning's scale: critical above 9, high from 7, medium from 4.
std::string_view security_severity_of(Severity severity) {
  switch (severity) {
    case Severity::unsafe: return "9.5";
    case Severity::suspicious: return "7.5";
    case Severity::error: return "5.0";
    case Severity::unscanned:
    case Severity::caution: return "3.0";
    case Severity::note: break;
  }
  return "0.1";
}

/// Plain text for viewers that turn "[text](target)" into a link: evidence must not draw one.
std::string plain(std::string_view raw, std::size_t most) {
  auto out = printable(raw, most);
  for (auto at = out.find("]("); at != std::string::npos; at = out.find("](", at)) out.insert(at + 1, " ");
  return out;
}

/// A relative URI reference. Everything but unreserved characters and "/" is escaped, byte by byte, so
/// that neither a colon nor a leading slash can make it absolute.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '.' || c == '_' || c == '~' || (c == '/' && !out.empty());
    if (kept) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

/// "pickle.call.os-system" as "PickleCallOsSystem".
std::string name_of(std::string_view rule) {
  std::string out;
  bool upper = true;
  for (const char c : rule) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit) out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = !letter && !digit;
  }
  return out;
}

/// All findings, the worst first; equal ones as the report has them.
std::vector<Hit> hits_of(const Report& report) {
  std::vector<Hit> hits;
  for (const auto& artifact : report.artifacts)
    for (const auto& f : artifact.findings) hits.push_back({&artifact, &f});
  std::stable_sort(hits.begin(), hits.end(),
                   [](const Hit& a, const Hit& b) { return a.finding->severity > b.finding->severity; });
  return hits;
}

class Log {
 public:
  explicit Log(const Report& report) : report_{report}, hits_{hits_of(report)} {
    const auto kept = affordable();
    cut_ = hits_.size() - kept;
    hits_.resize(kept);
    for (const auto& text : report.rules) texts_.emplace(text.id, &text);
    any_waived_ = std::any_of(hits_.begin(), hits_.end(), [](const Hit& h) { return h.finding->waived; });
  }

  Json write(std::optional<int> exit_code) {
    auto results = Json::array();
    for (const auto& hit : hits_) results.push_back(result(hit));  // numbers rules and artifacts as they come
    Json run;
    run["tool"]["driver"] = driver();
    run["automationDetails"]["id"] = "assay/";
    run["invocations"] = Json::array({invocation(exit_code)});
    run["artifacts"] = std::move(artifacts_);
    run["results"] = std::move(results);
    run["properties"] = {{"status", std::string{to_string(report_.status)}},
                         {"policy", to_utf8(report_.policy.name)},
                         {"policyHash", to_utf8(report_.policy.hash)},
                         {"ruleSet", to_utf8(report_.rule_set)}};
    return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
            {"version", "2.1.0"},
            {"runs", Json::array({std::move(run)})}};
  }

 private:
  /// How many of the worst results a log may hold.
  std::size_t affordable() const {
    std::size_t text = 0;
    for (std::size_t i = 0; i < hits_.size(); ++i) {
      const auto& f = *hits_[i].finding;
      for (const auto* part : {&hits_[i].artifact->path, &f.message, &f.evidence, &f.where.member, &f.where.member})
        text += std::min(part->size(), kMostMessage);
      for (const auto& origin : hits_[i].artifact->origins)
        text += std::min(origin.author.size() + origin.email.size(), kMostMessage);
      if (i == kMostResults || text > kMostText) return i;
    }
    return hits_.size();
  }

  Json driver() {
    Json out{{"name", "Assay"}, {"version", to_utf8(report_.tool_version)}, {"rules", std::move(rules_)}};
    out["notifications"] = Json::array();
    for (const auto& n : kNotifications)
      out["notifications"].push_back({{"id", n.id},
                                      {"name", name_of(n.id)},
                                      {"shortDescription", {{"text", n.says}}},
                                      {"fullDescription", {{"text", n.means}}},
                                      {"help", {{"text", n.help}}}});
    return out;
  }

  Json rule(const Finding& f) const {
    const auto known = texts_.find(f.rule);
    const RuleText* text = known == texts_.end() ? nullptr : known->second;
    const auto& says = text != nullptr && !text->says.empty() ? text->says : f.message;
    const auto& remedy = text != nullptr && !text->remedy.empty() ? text->remedy : f.remediation;
    const auto& references = text != nullptr && !text->references.empty() ? text->references : f.references;

    const auto description = says.empty() ? to_utf8(f.rule) : plain(says, kMostDescription);
    auto help = description;
    if (!remedy.empty()) help += "\n\nDo now: " + plain(remedy, kMostDescription);
    for (const auto& reference : references) help += "\n" + plain(reference, kMostDescription);

    Json out{{"id", to_utf8(f.rule)},
             {"name", name_of(f.rule)},
             {"shortDescription", {{"text", description}}},
             {"fullDescription", {{"text", description}}},
             {"help", {{"text", help}}}};
    if (!references.empty() && references.front().starts_with("https://") &&
        printable(references.front()) == references.front())
      out["helpUri"] = references.front();
    out["defaultConfiguration"] = {{"level", level_of(f.severity)}};
    auto tags = Json::array({"security", "machine-learning"});
    if (f.rule.starts_with("pickle.")) tags.push_back("external/cwe/cwe-502");
    out["properties"] = {{"tags", std::move(tags)},
                         {"precision", f.severity == Severity::unsafe ? "very-high" : "high"},
                         {"security-severity", security_severity_of(f.severity)}};
    return out;
  }

  /// Results come worst first, so a rule is described by its worst finding.
  std::size_t rule_index(const Finding& f) {
    const auto [at, is_new] = rule_index_.try_emplace(f.rule, rules_.size());
    if (is_new) rules_.push_back(rule(f));
    return at->second;
  }

  /// By content: the same document may have been handed in twice, and SARIF lists no artifact twice.
  std::size_t artifact_index(const Artifact& artifact) {
    const auto [at, is_new] =
        artifact_index_.try_emplace({artifact.path, artifact.size, artifact.sha256}, artifacts_.size());
    if (!is_new) return at->second;
    Json out{{"location", {{"uri", uri_of(artifact.path)}}}, {"length", artifact.size}};
    if (!artifact.sha256.empty()) out["hashes"] = {{"sha-256", to_utf8(artifact.sha256)}};
    artifacts_.push_back(std::move(out));
    return at->second;
  }

  Json location(const Hit& hit) {
    const auto& where = hit.finding->where;
    // Viewers need a line, and files of models have none: line 1 stands for the file.
    const auto line = where.member.empty() && where.line > 0 ? where.line : 1;
    Json region{{"startLine", line}, {"startColumn", 1}, {"endLine", line}, {"endColumn", 1}};
    // A byte offset counts from the artifact's start, so one inside a member would point at other bytes.
    if (where.member.empty() && where.offset < hit.artifact->size) region["byteOffset"] = where.offset;
    Json out{{"physicalLocation",
              {{"artifactLocation", {{"uri", uri_of(hit.artifact->path)}, {"index", artifact_index(*hit.artifact)}}},
               {"region", std::move(region)}}}};
    if (!where.member.empty())
      out["logicalLocations"] =
          Json::array({{{"fullyQualifiedName", plain(where.member, kMostMessage)}, {"kind", "member"}}});
    return out;
  }

  /// The same fingerprint may occur again in the same file; the number keeps the two apart.
  std::string line_hash(const Hit& hit) {
    const auto n = ++occurrences_[{hit.artifact, hit.finding->fingerprint}];
    return to_utf8(hit.finding->fingerprint) + ":" + std::to_string(n);
  }

  Json result(const Hit& hit) {
    const auto& f = *hit.finding;
    auto message = plain(f.message.empty() ? f.rule : f.message, kMostMessage);
    if (!f.evidence.empty()) message += "\n" + plain(f.evidence, kMostMessage);
    for (const auto& origin : hit.artifact->origins)
      if (!origin.commit.empty()) message += "\nIn " + plain(commit_in_words(origin), kMostMessage) + ".";
    Json out{{"ruleId", to_utf8(f.rule)},
             {"ruleIndex", rule_index(f)},
             {"level", level_of(f.severity)},
             {"message", {{"text", std::move(message)}}},
             {"locations", Json::array({location(hit)})},
             {"partialFingerprints", {{"primaryLocationLineHash", line_hash(hit)}}}};
    // Either every result of a run says whether it is suppressed, or none does (SARIF 2.1.0, 3.27.23).
    if (any_waived_) out["suppressions"] = Json::array();
    if (f.waived)
      out["suppressions"].push_back({{"kind", "external"},
                                     {"status", "accepted"},
                                     {"justification", "waived by policy " + plain(report_.policy.name, 200)}});
    out["properties"] = {{"severity", std::string{to_string(f.severity)}},
                         {"member", plain(f.where.member, kMostMessage)},
                         {"offset", f.where.offset}};
    for (const auto& origin : hit.artifact->origins)
      out["properties"]["origin"] = {{"object", to_utf8(origin.object)},
                                     {"commit", to_utf8(origin.commit)},
                                     {"author", plain(origin.author, kMostMessage)},
                                     {"email", plain(origin.email, kMostMessage)},
                                     {"date", to_utf8(origin.date)}};
    if (!f.verification.empty()) out["properties"]["verification"] = to_utf8(f.verification);
    return out;
  }

  static Json notification(std::string_view id, std::string_view level, std::string text) {
    return {{"descriptor", {{"id", id}}}, {"level", level}, {"message", {{"text", std::move(text)}}}};
  }

  Json notifications() const {
    auto out = Json::array();
    if (cut_ > 0)
      out.push_back(notification(kCut, "warning",
                                 std::to_string(cut_) + " results were left out; those kept are the worst. "
                                                        "The JSON report has all of them."));
    if (report_.excluded > 0)
      out.push_back(notification(kLeftOut, "note",
                                 "files left out by --include or --exclude: " + std::to_string(report_.excluded)));
    for (const auto& engine : not_scanned_for(report_))
      out.push_back(notification(kEngineIdle, "note", "not scanned for: " + plain(engine, 200)));
    std::size_t left_out = 0;
    for (const auto& artifact : report_.artifacts) {
      if (artifact.status != Status::error && artifact.status != Status::unscanned && artifact.unscanned.empty())
        continue;
      if (out.size() < kMostNotifications) out.push_back(unread(artifact));
      else ++left_out;
    }
    if (left_out > 0)
      out.push_back(
          notification(kUnread, "warning", std::to_string(left_out) + " more files were not read to their end."));
    return out;
  }

  static Json unread(const Artifact& artifact) {
    const bool broken = artifact.status == Status::error;
    std::string text = broken ? "could not be read to the end" : "not examined";
    for (const auto& reason : artifact.unscanned) {
      if (text.size() > kMostReasons) break;
      text += "; " + plain(reason, 200);
    }
    auto out = notification(kUnread, broken ? "error" : "warning", std::move(text));
    out["locations"] = Json::array({{{"physicalLocation", {{"artifactLocation", {{"uri", uri_of(artifact.path)}}}}}}});
    return out;
  }

  Json invocation(std::optional<int> exit_code) const {
    const bool read = std::none_of(report_.artifacts.begin(), report_.artifacts.end(),
                                   [](const Artifact& a) { return a.status == Status::error; });
    Json out{{"executionSuccessful", read}};
    if (exit_code) out["exitCode"] = *exit_code;
    out["toolExecutionNotifications"] = notifications();
    out["properties"] = {{"confinement", to_utf8(report_.tier)}};
    return out;
  }

  const Report& report_;
  std::vector<Hit> hits_;
  std::size_t cut_ = 0;
  bool any_waived_ = false;
  std::map<std::string_view, const RuleText*> texts_;
  std::map<std::string_view, std::size_t> rule_index_;
  std::map<std::tuple<std::string_view, std::uint64_t, std::string_view>, std::size_t> artifact_index_;
  std::map<std::pair<const Artifact*, std::string_view>, std::uint64_t> occurrences_;
  Json rules_ = Json::array();
  Json artifacts_ = Json::array();
};

}  // namespace

std::string to_sarif(const Report& report, std::optional<int> exit_code) {
  return dumped(Log{report}.write(exit_code), 2) + "\n";
}

}  // namespace assay::report
