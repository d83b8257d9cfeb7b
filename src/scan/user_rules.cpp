#include "scan/user_rules.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.h"
#include "bytes/digest.h"
#include "bytes/source.h"
#include "format/codec.h"
#include "malware/yara/scanner.h"
#include "sandbox/pool.h"
#include "scan/descriptor.h"

namespace assay::malware::yara {

template <class Codec>
void describe(Codec& c, RuleText& v) {
  c("name", v.name);
  c("text", v.text);
}
template <class Codec>
void describe(Codec& c, Problem& v) {
  c("name", v.name);
  c("line", v.line);
  c("message", v.message);
}
template <class Codec>
void describe(Codec& c, Rules& v) {
  c("compiled", v.compiled);
  c("count", v.count);
  c("problems", v.problems);
}

}  // namespace assay::malware::yara

namespace assay::scan {
namespace {

namespace fs = std::filesystem;
using malware::yara::Rules;
using malware::yara::RuleText;

struct Texts {
  std::vector<RuleText> all;
};
template <class Codec>
void describe(Codec& c, Texts& v) {
  c("all", v.all);
}

tl::unexpected<Complaints> complain(std::string what) {
  return tl::unexpected<Complaints>{Complaints{std::move(what)}};
}

bool is_rule_file(const fs::path& path) { return path.extension() == ".yar" || path.extension() == ".yara"; }

/// In an order that does not depend on the file system.
tl::expected<std::vector<fs::path>, Complaints> rule_files(const std::string& path, std::size_t most) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<fs::path>{path};
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator at{path, error}, end; !error && at != end; at.increment(error)) {
    if (!is_rule_file(at->path()) || at->is_directory(error)) continue;
    if (files.size() == most) return complain(printable(path) + ": more than " + std::to_string(most) + " rule files");
    files.push_back(at->path());
  }
  if (error) return complain(printable(path) + ": " + error.message());
  if (files.empty()) return complain(printable(path) + ": no file here ends in .yar or .yara");
  std::sort(files.begin(), files.end());
  return files;
}

/// A regular file as one text. Opened so that a pipe that nobody writes to does not keep anybody waiting.
tl::expected<std::string, Complaints> text_of(const fs::path& path, std::uint64_t most) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat s {};
  if (!file || ::fstat(file.get(), &s) != 0) return complain(printable(path.native()) + ": " + std::strerror(errno));
  if (!S_ISREG(s.st_mode)) return complain(printable(path.native()) + ": not a regular file");
  const auto size = static_cast<std::uint64_t>(s.st_size);
  if (size > most) return complain(printable(path.native()) + ": these rules are larger than " + human_bytes(most));
  const auto all = bytes::read_exactly(bytes::FileSource{file.get(), size}, 0, size);
  if (!all) return complain(printable(path.native()) + ": " + std::string{all.error().what});
  return std::string{bytes::text(*all)};
}

tl::expected<std::vector<RuleText>, Complaints> texts_below(const std::string& path, const CompileLimits& limits) {
  auto files = rule_files(path, limits.files);
  if (!files) return tl::unexpected<Complaints>{std::move(files.error())};
  std::vector<RuleText> texts;
  auto left = limits.text_bytes;
  for (const auto& file : *files) {
    auto text = text_of(file, left);
    if (!text) return tl::unexpected<Complaints>{std::move(text.error())};
    left -= text->size();
    texts.push_back({file.native(), std::move(*text)});
  }
  return texts;
}

/// Runs in the cell.
std::string compile_sent(int descriptor, std::uint64_t size) {
  const auto sent = bytes::read_exactly(bytes::FileSource{descriptor, size}, 0, size);
  if (!sent) return {};
  const auto texts = format::decoded<Texts>(*sent);
  return texts ? format::encoded(malware::yara::compile(texts->all)) : std::string{};
}

/// A file without a name that holds `all`.
Descriptor holding(std::string_view all) {
  Descriptor file{::memfd_create("rules", MFD_CLOEXEC)};
  for (std::size_t at = 0; file && at < all.size();) {
    const auto n = ::pwrite(file.get(), all.data() + at, all.size() - at, static_cast<off_t>(at));
    if (n <= 0) return Descriptor{};
    at += static_cast<std::size_t>(n);
  }
  return file;
}

std::string why(sandbox::Outcome outcome, const CompileLimits& limits) {
  using sandbox::Outcome;
  switch (outcome) {
    case Outcome::timed_out:
      return "compiling these rules takes more than " + std::to_string(limits.time.count() / 1000) + " seconds";
    case Outcome::memory_limit: return "compiling these rules takes more than " + human_bytes(limits.memory_bytes);
    default: return "these rules make the YARA compiler break down";
  }
}

tl::expected<UserRules, Complaints> taken(const sandbox::Reply& reply, const CompileLimits& limits) {
  if (reply.outcome != sandbox::Outcome::done) return complain(why(reply.outcome, limits));
  auto rules = format::decoded<Rules>(bytes::view(reply.result));
  if (!rules) return complain(why(sandbox::Outcome::crashed, limits));
  if (rules->problems.empty()) return UserRules{std::move(rules->compiled), rules->count, {}};
  Complaints lines;
  for (const auto& p : rules->problems) {
    auto line = p.name.empty() ? std::string{"rules"} : printable(p.name);
    if (p.line > 0) line += ":" + std::to_string(p.line);
    lines.push_back(line + ": " + printable(p.message));
  }
  return tl::unexpected<Complaints>{std::move(lines)};
}

std::string version_of(const std::vector<RuleText>& texts) {
  bytes::Sha256 hash;
  for (const auto& t : texts) {
    const auto name = fs::path{t.name}.filename().native() + '\0';
    hash.update(bytes::view(name));
    hash.update(bytes::view(t.text));
    hash.update(bytes::view(std::string_view{"\0", 1}));
  }
  return hash.finish().substr(0, 16);
}

}  // namespace

tl::expected<UserRules, Complaints> compile_in_cell(const std::vector<RuleText>& texts, sandbox::Tier tier,
                                                    const CompileLimits& limits) {
  const auto sent = format::encoded(Texts{texts});
  const auto work = [size = sent.size()](int descriptor, int, std::string_view, const sandbox::Beat&) {
    return compile_sent(descriptor, size);
  };
  sandbox::Limits cell;
  cell.memory_bytes = limits.memory_bytes;
  cell.silence = cell.wall = limits.time;
  if (!malware::yara::prepare()) return complain("no memory for YARA rules");
  auto pool = sandbox::Pool::open(1, work, work, cell, tier);
  if (!pool) return complain("no confined process could be started: " + std::string{pool.error().what});
  auto file = holding(sent);
  if (!file) return complain("no memory for the rules");
  pool->submit({0, file.release(), -1, sent.size(), {}}, sandbox::Kind::pooled);
  std::vector<sandbox::Reply> replies;
  while (replies.empty() && pool->in_flight() > 0) pool->wait(std::chrono::seconds{1}, replies);
  if (replies.empty()) return complain(why(sandbox::Outcome::crashed, limits));
  return taken(replies.front(), limits);
}

tl::expected<UserRules, Complaints> compile_user_rules(const std::string& path, bool allow_unconfined,
                                                       const CompileLimits& limits) {
  const auto texts = texts_below(path, limits);
  if (!texts) return tl::unexpected<Complaints>{texts.error()};
  const auto tier = allow_unconfined && !sandbox::probe().holds() ? sandbox::Tier::unconfined : sandbox::Tier::confined;
  auto rules = compile_in_cell(*texts, sandbox::attainable(tier), limits);
  if (!rules) return rules;
  if (rules->count == 0) return complain(printable(path) + ": there is no rule here");
  rules->version = version_of(*texts);
  return rules;
}

}  // namespace assay::scan
