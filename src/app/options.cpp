#include "app/options.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "report/baseline.h"
#include "report/json.h"
#include "report/progress.h"
#include "report/text.h"
#include "scan/user_rules.h"
#include "secrets/shown.h"

namespace assay::app {
namespace {

volatile sig_atomic_t interrupted = 0;
void on_interrupt(int) { interrupted = 1; }

std::optional<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return std::nullopt;
  std::string out;
  std::array<char, 1 << 14> block;
  for (std::size_t n; (n = std::fread(block.data(), 1, block.size(), file)) > 0 && out.size() < (16u << 20);)
    out.append(block.data(), n);
  const bool fine = std::ferror(file) == 0;
  std::fclose(file);
  return fine ? std::optional{out} : std::nullopt;
}

std::string own_configuration() {
  if (const char* xdg = std::getenv("XDG_CONFIG_HOME"); xdg != nullptr && *xdg != '\0')
    return std::string{xdg} + "/assay/policy.toml";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::string{home} + "/.config/assay/policy.toml";
  return {};
}

unsigned terminal_width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string rendered(const scan::Outcome& outcome, const Output& output, const Common& common, int exit_code) {
  switch (output.format) {
    case Format::json: return report::to_json(outcome.report);
    case Format::jsonl: return report::to_json_lines(outcome.report);
    case Format::sarif: return report::to_sarif(outcome.report, exit_code);
    case Format::hub: return report::to_hub(outcome.report);
    case Format::text: break;
  }
  return report::to_text(outcome.report, text_options(output, common));
}

}  // namespace

report::TextOptions text_options(const Output& output, const Common& common) {
  const bool terminal = output.path.empty() && ::isatty(STDOUT_FILENO) != 0;
  report::TextOptions options;
  options.colour = terminal && !common.no_colour && std::getenv("NO_COLOR") == nullptr;
  options.verbose = common.verbose;
  options.width = terminal ? terminal_width(STDOUT_FILENO) : 100;
  return options;
}

std::optional<Format> format_from(std::string_view word) {
  if (word == "text") return Format::text;
  if (word == "json") return Format::json;
  if (word == "jsonl") return Format::jsonl;
  if (word == "sarif") return Format::sarif;
  if (word == "hub") return Format::hub;
  return std::nullopt;
}

int usage_error(const std::string& message) {
  std::fprintf(stderr, "assay: %s (see assay --help)\n", printable(message).c_str());
  return kUsage;
}

std::optional<verdict::Policy> load_policy(const Common& common) {
  const bool asked_for = !common.policy_path.empty();
  const auto path = asked_for ? common.policy_path : own_configuration();
  verdict::Policy policy;
  const auto text = path.empty() ? std::nullopt : read_file(path);
  if (!text && asked_for) {
    usage_error("policy " + path + ": " + std::strerror(errno));
    return std::nullopt;
  }
  if (text) {
    auto parsed = verdict::parse_policy(*text);
    if (!parsed) {
      usage_error("policy " + path + ": " + parsed.error().message);
      return std::nullopt;
    }
    policy = std::move(*parsed);
  }
  if (!common.fail_on.empty()) {
    const auto status = finding::status_from(common.fail_on);
    if (!status || *status == finding::Status::safe || *status == finding::Status::queued) {
      usage_error("--fail-on takes caution, unscanned, error, suspicious or unsafe");
      return std::nullopt;
    }
    policy.fail_on = *status;
  }
  return policy;
}

bool load_yara_rules(Common& common) {
  if (common.yara_path.empty()) return true;
  auto rules = scan::compile_user_rules(common.yara_path, common.scan.allow_unconfined);
  if (rules) {
    common.scan.yara = std::make_shared<const scan::UserRules>(std::move(*rules));
    return true;
  }
  for (const auto& line : rules.error()) std::fprintf(stderr, "%s\n", line.c_str());
  usage_error("--yara " + common.yara_path + ": these rules cannot be used, so nothing was scanned");
  return false;
}

bool write_output(const std::string& path, std::string_view text) {
  const auto complain = [&](const std::string& where) {
    std::fprintf(stderr, "assay: %s: %s\n", printable(where).c_str(), std::strerror(errno));
    return false;
  };
  if (path.empty()) return write_all(STDOUT_FILENO, text) || complain("standard output");
  struct stat s {};
  if (::stat(path.c_str(), &s) == 0 && !S_ISREG(s.st_mode)) {  // /dev/stdout, a pipe: written as it is
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const bool fine = fd >= 0 && write_all(fd, text);
    if (fd >= 0) ::close(fd);
    return fine || complain(path);
  }
  auto temporary = path + ".XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return complain(path);
  const auto mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd, 0666 & ~mask);
  const bool fine = write_all(fd, text) && ::fsync(fd) == 0;
  if ((::close(fd) == 0) && fine && ::rename(temporary.c_str(), path.c_str()) == 0) return true;
  const int error = errno;
  ::unlink(temporary.c_str());
  errno = error;
  return complain(path);
}

namespace {

/// Tells a key of fingerprints from others without giving it away.
std::string name_of_key(const Common& common) {
  const auto& own = common.scan.fingerprint_key;
  return secrets::fingerprint(own.empty() ? secrets::kPublicKey : std::string_view{own}, "assay baseline");
}

bool read_key(Common& common) {
  constexpr std::size_t kLeast = 16;  // bytes
  auto key = read_file(common.secrets_key_path);
  if (!key) return usage_error("--secrets-key " + common.secrets_key_path + ": " + std::strerror(errno)), false;
  while (!key->empty() && (key->back() == '\n' || key->back() == '\r')) key->pop_back();
  if (key->size() < kLeast)
    return usage_error("--secrets-key " + common.secrets_key_path + ": a key has 16 bytes or more"), false;
  common.scan.fingerprint_key = std::move(*key);
  return true;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool read_baseline(const Common& common, verdict::Policy& policy) {
  const auto complain = [&](const std::string& why) {
    usage_error("--baseline " + common.baseline_path + ": " + why);
    return false;
  };
  const auto text = read_file(common.baseline_path);
  if (!text) return complain(std::strerror(errno));
  auto baseline = report::parse_baseline(*text);
  if (!baseline) return complain(baseline.error());
  if (baseline->key != name_of_key(common))
    return complain("its fingerprints were made under another key; give the same --secrets-key, or write it anew");
  policy.known_secrets = std::move(baseline->secrets);
  return true;
}

}  // namespace

bool prepare_secrets(Common& common, verdict::Policy& policy) {
  if (!common.secrets_key_path.empty() && !read_key(common)) return false;
  const bool reads = !common.baseline_path.empty() && !common.update_baseline && exists(common.baseline_path);
  return !reads || read_baseline(common, policy);
}

bool write_baseline(const scan::Outcome& outcome, const Common& common) {
  const bool writes = !common.baseline_path.empty() && (common.update_baseline || !exists(common.baseline_path));
  if (!writes) return true;
  const auto text = report::to_baseline(outcome.report, name_of_key(common));
  if (!write_output(common.baseline_path, text)) return false;
  std::fprintf(stderr, "assay: wrote the secrets of this scan to %s; with it, they no longer count\n",
               printable(common.baseline_path).c_str());
  return true;
}

bool write_reports(const scan::Outcome& outcome, const Common& common, int exit_code) {
  bool fine = true;
  for (const auto& output : common.outputs)
    fine &= write_output(output.path, rendered(outcome, output, common, exit_code));
  return fine;
}

namespace {

report::Tally tally_of(const scan::Progress& p) { return {p.files_done, p.files, p.bytes_done, p.bytes, p.current}; }
report::Tally tally_of(const convert::Progress& p) {
  return {p.files_done, p.files, p.bytes_done, p.bytes, p.current, p.doing};
}

}  // namespace

bool was_interrupted() { return interrupted != 0; }

template <class T, class O>
std::optional<T> with_progress(O options, const Work<T, O>& work) {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  const SystemClock clock;
  report::Progress progress{clock, terminal_width(STDERR_FILENO),
                            [](std::string_view text) { (void)write_all(STDERR_FILENO, text); }};
  if (::isatty(STDERR_FILENO) != 0) options.on_progress = [&](const auto& p) { progress.show(tally_of(p)); };
  options.stop = was_interrupted;
  auto out = work(options);
  progress.finish();
  if (!out) {
    std::fprintf(stderr, "assay: %s\n", out.error().what.c_str());
    return std::nullopt;
  }
  return std::move(*out);
}
template std::optional<Extraction> with_progress(Options, const Work<Extraction, Options>&);
template std::optional<Outcome> with_progress(Options, const Work<Outcome, Options>&);
template std::optional<convert::Outcome> with_progress(convert::Options,
                                                       const Work<convert::Outcome, convert::Options>&);
template std::optional<convert::Comparison> with_progress(convert::Options,
                                                          const Work<convert::Comparison, convert::Options>&);

}  // namespace assay::app
