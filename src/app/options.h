// What the commands share: where reports go, which policy counts, how a scan is told to the user.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "assay/assay.h"
#include "convert/convert.h"

namespace assay::app {

enum class Format : std::uint8_t { text, json, jsonl, sarif, hub };
std::optional<Format> format_from(std::string_view word);

/// One wanted report. An empty path is standard output.
struct Output {
  Format format = Format::text;
  std::string path;
};

struct Common {
  std::vector<std::string> paths;
  std::vector<Output> outputs;
  std::string policy_path;    ///< empty: the user's own configuration, where there is one
  std::string fail_on;        ///< overrides the policy's
  std::string baseline_path;  ///< known secrets; empty: none
  bool update_baseline = false;
  std::string secrets_key_path;  ///< of the fingerprints' key; empty: the public one
  bool show_secrets = false;
  std::string yara_path;  ///< rules that the user brings; empty: none
  bool verbose = false;
  bool no_colour = false;
  scan::Options scan;
};

/// sysexits.h: the command line made no sense.
inline constexpr int kUsage = 64;
/// What scripts get after Ctrl-C.
inline constexpr int kInterrupted = 130;

/// One line on standard error, and the exit code to return.
int usage_error(const std::string& message);

/// The policy of --policy, else of the user's own configuration ($XDG_CONFIG_HOME/assay/policy.toml), else the
/// built-in one. None is looked for in what is scanned. Nothing, after a line on standard error, if it is bad.
std::optional<verdict::Policy> load_policy(const Common& common);

/// What a command about secrets starts from: the key of fingerprints, and the policy with the known secrets of
/// --baseline. False, after a line on standard error, where a file of these is bad.
bool prepare_secrets(Common& common, verdict::Policy& policy);
/// Writes --baseline where there is none yet, or where it is to be updated. False, after a line on standard error,
/// where it could not be written.
bool write_baseline(const scan::Outcome& outcome, const Common& common);
/// Compiles the rules of --yara for the scan. False, after lines on standard error, where they cannot be used: a scan
/// without them would look like one that they had cleared.
bool load_yara_rules(Common& common);

/// Writes every wanted report. False, after a line on standard error, where one could not be written.
bool write_reports(const scan::Outcome& outcome, const Common& common, int exit_code);

/// Writes `text` to a new file that replaces `path` only when it is complete; to standard output for "".
bool write_output(const std::string& path, std::string_view text);

/// How a report goes to people: colours and columns of the terminal, where it is one.
report::TextOptions text_options(const Output& output, const Common& common);

/// Runs `work` with `options`, a progress line on a terminal, and Ctrl-C turned into a request to stop. Nothing, after
/// a line on standard error, where all of it was refused.
template <class T, class O>
using Work = std::function<tl::expected<T, Refusal>(const O&)>;
template <class T, class O>
std::optional<T> with_progress(O options, const Work<T, O>& work);

/// Whether the user asked to stop.
bool was_interrupted();

}  // namespace assay::app
