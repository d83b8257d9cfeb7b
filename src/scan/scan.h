// The pipeline: list, examine in cells, pin identities, compute digests, hand documents back.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bytes/budget.h"
#include "format/document.h"
#include "scan/walk.h"

namespace assay::scan {

struct Progress {
  std::uint64_t files_done = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes = 0;
  std::string_view current;  ///< raw path of one file that is being read
};

/// A git repository's history instead of files. Revisions as people write them for git.
struct GitSource {
  std::string repository;            ///< bare, or with a working tree
  std::vector<std::string> include;  ///< what these reach
  std::vector<std::string> exclude;  ///< and these do not
  bool all = false;                  ///< every reference and HEAD is included
  bool beyond_references = false;    ///< what any reference reaches is excluded
  bool staged = false;               ///< what the index holds instead; nothing of the above counts then
  std::vector<std::string> files;    ///< only these of the staged ones; none: all that differ from HEAD
  bool in_hook = false;              ///< the variables that git gives its hooks say where objects and index are
};

/// How far engines that look for malware go.
enum class Malware : std::uint8_t {
  off,
  on,    ///< but for tensors
  full,  ///< tensors too, which takes as long as reading them
};

struct UserRules;  // scan/user_rules.h

struct Options {
  std::optional<GitSource> git;   ///< then no paths are walked
  unsigned jobs = 0;              ///< cells; 0: one per core
  bool allow_unconfined = false;  ///< go on where the kernel cannot give the floor
  bool secrets = true;            ///< look for tokens, keys and passwords
  bool keep_secrets = false;      ///< give them whole to the caller, who asked for that (Observation::secret)
  bool verify_secrets = false;    ///< ask issuers whether secrets still work: they are told the secrets
  std::string verify_at;        ///< a server that is asked instead (issuer::is_gateway); empty: the issuers themselves
  std::string fingerprint_key;  ///< of secrets' fingerprints; empty: secrets::kPublicKey
  Malware malware = Malware::on;
  std::shared_ptr<const UserRules> yara;  ///< rules that the user brought; may be none
  std::string clamd;                      ///< where the daemon listens; empty: its usual places, if it is there
  std::uint64_t clamd_limit = 20 << 20;   ///< bytes of one request to it; less than its MaxFileSize
  bool digest = false;                    ///< SHA-256 of every artifact, also of those whose tensors are not read
  Selection selection;
  bytes::Limits limits;
  std::string spool_folder = "/var/tmp";             ///< where decompressed bytes go that do not fit in memory
  std::function<void(std::size_t)> on_listing;       ///< told once how many documents will come; may be empty
  std::function<void(const Progress&)> on_progress;  ///< called a few times a second; may be empty
  std::function<bool()> stop;                        ///< asked now and then; true ends the scan early
};

struct Extraction {
  std::vector<format::Document> documents;  ///< one per path found, by path; every path has one
  Listing listing;
  std::string tier;  ///< "cell" or "unconfined"
  double seconds = 0;
  bool interrupted = false;
};

/// Why nothing could be scanned at all; `what` is for people.
struct Refusal {
  std::string what;
};

/// Examines everything below `paths`. Files that cannot be read, crash their cell or change meanwhile have
/// a document that says so; only a missing floor or missing processes refuse the whole scan.
tl::expected<Extraction, Refusal> extract(const std::vector<std::string>& paths, const Options& options);

/// The same for who needs each document only once: `take` gets them as they come, each with its place in the listing,
/// and Extraction::documents stays empty.
using Take = std::function<void(std::size_t index, format::Document&& document)>;
tl::expected<Extraction, Refusal> extract(const std::vector<std::string>& paths, const Options& options,
                                          const Take& take);

}  // namespace assay::scan
