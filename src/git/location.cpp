#include "git/location.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace assay::git {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;  ///< of a config or a list of alternates; the rest is not looked at

std::string variable(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> resolved{::realpath(path.c_str(), nullptr), &free};
  return resolved ? std::string{resolved.get()} : std::string{};
}

bool is_folder(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

/// The beginning of a regular file; empty where there is none. A pipe put in its place must not make anybody wait.
std::string read_text(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return {};
  struct stat s {};
  std::string text;
  if (::fstat(file, &s) == 0 && S_ISREG(s.st_mode)) {
    text.resize(std::min<std::size_t>(static_cast<std::size_t>(s.st_size), kMostBytes));
    const auto got = ::pread(file, text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  ::close(file);
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string joined(const std::string& folder, std::string_view path) {
  return path.starts_with('/') ? std::string{path} : folder + '/' + std::string{path};
}

/// What git itself calls a repository: its HEAD may be a link to nothing.
bool is_git_dir(const std::string& path) {
  struct stat s {};
  if (::lstat((path + "/HEAD").c_str(), &s) != 0) return false;
  if (::access((path + "/commondir").c_str(), F_OK) == 0) return true;  // a worktree: the rest is elsewhere
  return is_folder(path + "/objects") && is_folder(path + "/refs");
}

/// The folder that a ".git" file names, or `path` itself.
std::string follow_file(const std::string& path) {
  if (is_folder(path)) return path;
  constexpr std::string_view kWord = "gitdir:";
  const auto text = read_text(path);
  if (!text.starts_with(kWord)) return {};
  return joined(path.substr(0, path.rfind('/')), trimmed(std::string_view{text}.substr(kWord.size())));
}

std::string git_dir_of(const std::string& path) {
  if (is_git_dir(path)) return path;
  for (const auto& candidate : {path + "/.git", path}) {
    const auto folder = follow_file(candidate);
    if (!folder.empty() && is_git_dir(folder)) return real_path(folder);
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return out;
}

/// The value of one variable of the section [extensions]. The rest of a configuration decides nothing here, and so is
/// not read: it can name programs and other files.
std::string extension(std::string_view config, std::string_view name) {
  bool inside = false;
  std::string value;
  while (!config.empty()) {
    const auto end = config.find('\n');
    auto line = trimmed(config.substr(0, end));
    config.remove_prefix(end == config.npos ? config.size() : end + 1);
    if (line.starts_with('[')) {
      const auto close = line.find(']');
      inside = close != line.npos && lower(trimmed(line.substr(1, close - 1))) == "extensions";
      line = close == line.npos ? std::string_view{} : trimmed(line.substr(close + 1));
    }
    const auto equals = line.find('=');
    if (!inside || equals == line.npos || lower(trimmed(line.substr(0, equals))) != name) continue;
    value = lower(trimmed(line.substr(equals + 1)));
    std::erase(value, '"');
  }
  return value;
}

class ObjectFolders {
 public:
  /// What the caller's environment names is taken as it is; what the repository names must look like objects, so that a
  /// hostile one cannot have its cell shown just any folder.
  void add_given(const std::string& path) { add(real_path(path), 0); }

  std::vector<std::string> take() { return std::move(folders_); }

 private:
  void add(const std::string& path, std::size_t depth) {
    if (path.empty() || !is_folder(path) || folders_.size() == kMostObjectFolders) return;
    if (std::find(folders_.begin(), folders_.end(), path) != folders_.end()) return;
    folders_.push_back(path);
    if (depth == kDeepestAlternate) return;
    const auto text = read_text(path + "/info/alternates");
    for (std::string_view rest = text; !rest.empty();) {
      const auto end = rest.find('\n');
      const auto line = trimmed(rest.substr(0, end));
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
      if (line.empty() || line.starts_with('#')) continue;
      const auto other = real_path(joined(path, line));
      if (is_folder(other + "/pack") && is_folder(other + "/info")) add(other, depth + 1);
    }
  }

  std::vector<std::string> folders_;
};

}  // namespace

Environment Environment::of_this_process() {
  return {variable("GIT_DIR"), variable("GIT_OBJECT_DIRECTORY"), variable("GIT_ALTERNATE_OBJECT_DIRECTORIES"),
          variable("GIT_INDEX_FILE")};
}

std::vector<std::string> Location::readable() const {
  auto out = objects;
  for (const auto& path : {git_dir, common_dir, index})
    if (::access(path.c_str(), F_OK) == 0 && std::find(out.begin(), out.end(), path) == out.end()) out.push_back(path);
  return out;
}

Result<Location> locate(const std::string& path, const Environment& environment) {
  Location out;
  out.git_dir = git_dir_of(real_path(environment.git_dir.empty() ? path : environment.git_dir));
  if (out.git_dir.empty()) return fail(Errc::unsupported, 0, "not a git repository");
  const auto common = read_text(out.git_dir + "/commondir");
  out.common_dir = common.empty() ? out.git_dir : real_path(joined(out.git_dir, trimmed(common)));
  if (!is_folder(out.common_dir + "/refs")) return fail(Errc::unsupported, 0, "the worktree's repository is not there");

  const auto config = read_text(out.common_dir + "/config");
  const auto format = extension(config, "objectformat");
  if (!format.empty() && format != "sha1")
    return fail(Errc::unsupported, 0, "the repository names its objects by SHA-256, which is not read yet");
  const auto refs = extension(config, "refstorage");
  if (!refs.empty() && refs != "files")
    return fail(Errc::unsupported, 0, "the repository keeps its references in a form that is not read yet (reftable)");

  ObjectFolders objects;
  if (!environment.objects.empty()) objects.add_given(environment.objects);
  objects.add_given(out.common_dir + "/objects");
  for (std::string_view rest = environment.alternate_objects; !rest.empty();) {
    const auto end = rest.find(':');
    objects.add_given(std::string{rest.substr(0, end)});
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  out.objects = objects.take();
  if (out.objects.empty()) return fail(Errc::unsupported, 0, "the repository has no folder of objects");

  out.index = out.git_dir + "/index";
  if (!environment.index.empty())
    if (const auto given = real_path(environment.index); !given.empty()) out.index = given;
  return out;
}

}  // namespace assay::git
