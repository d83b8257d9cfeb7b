// What a scan answers: one Report per repository. Writers turn it into text, JSON, SARIF and the Hub's shape.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bytes/coverage.h"
#include "finding/finding.h"
#include "format/document.h"

namespace assay::report {

/// One engine's own answer, beside the artifact's status: "pickleImportScan" and "structure" judge facts, "avScan",
/// "secrets" and "yara" saw bytes. The texts are borrowed, and outlive the report.
struct Engine {
  std::string_view name = {};
  finding::Status status = finding::Status::unscanned;
  std::string_view version = {};   ///< of the engine; empty where it did not run
  std::string_view rule_set = {};  ///< its hash or its own name for it; empty where it has none
  std::string_view message = {};   ///< what it did not look at and why, for people; may be empty
  std::uint64_t passed_over = 0;   ///< bytes of tensors that it leaves out by intention
  std::uint64_t missed = 0;        ///< of a report: artifacts that it did not examine whole
};

struct Artifact {
  std::string path;        ///< raw bytes, relative to the repository's root
  std::uint64_t size = 0;  ///< bytes
  std::string sha256;      ///< lower-case hex, empty where not computed
  finding::Status status = finding::Status::unscanned;
  std::vector<std::string> formats;  ///< of the artifact and everything inside it, each once, outermost first
  std::vector<Engine> engines;
  std::vector<finding::ImportLabel> imports;
  std::vector<finding::Finding> findings;  ///< worst first, then by place
  bytes::Coverage coverage;                ///< over all members; `delegated` is 0 and not counted
  struct Hole {
    std::string member;  ///< raw path inside the artifact
    bytes::Extent extent;
    std::string reason;
  };
  std::vector<Hole> unexamined;
  std::vector<format::Checkpoint> checkpoints;
  std::vector<std::string> checkpoint_members;  ///< raw path of the member of checkpoints[i]; may be shorter
  std::vector<std::string> unscanned;           ///< sentences: what no reader here examines ("Python source code")
  std::string tier;                             ///< how its reader was confined
  std::vector<format::Origin> origins;          ///< where it stands in a history; at most one
};

struct Relation {
  std::string kind;  ///< "symlink", "shard", "code", ...
  std::string from;  ///< raw path
  std::string to;    ///< raw path
};

struct Policy {
  std::string name;  ///< "middle" or the file's own name for itself
  std::string hash;  ///< 16 hex digits over everything that can change a verdict
  std::string mode;  ///< observe, middle, ban
};

/// What a rule id means, whatever the file: SARIF lists rules apart from results.
struct RuleText {
  std::string id;
  std::string says;  ///< a sentence or the end of one; the first finding's message stands in where it is empty
  std::string remedy;
  std::vector<std::string> references;
};

struct Report {
  std::string tool_version;
  std::string rule_set;
  std::vector<RuleText> rules;  ///< of the findings below, in any order; may lack some
  Policy policy;
  finding::Status status = finding::Status::safe;  ///< the worst of all artifacts; see docs/report.md for none
  std::vector<Engine> engines;
  std::string root;  ///< as the user gave it; raw
  std::vector<Relation> relations;
  std::vector<Artifact> artifacts;  ///< by path
  std::uint64_t bytes = 0;          ///< of all artifacts
  std::uint64_t excluded = 0;       ///< files that the user's globs left out
  double seconds = 0;               ///< wall clock of the scan; 0 for judge
  std::string tier;                 ///< the weakest confinement used
};

/// How many artifacts have each status; index by Status.
std::vector<std::uint64_t> count_by_status(const Report& report);

/// What `artifact` would be if the policy waived nothing. Known secrets do no harm to who loads it, and do not count.
finding::Status status_without_waivers(const Artifact& artifact);

/// What was not looked for, or not everywhere, in people's words: "malware (no clamd at its usual places)", "secrets in
/// 2 of 10 files".
std::vector<std::string> not_scanned_for(const Report& report);

}  // namespace assay::report
