#include "scan/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

namespace assay::scan {
namespace {

constexpr std::size_t kDeepest = 256;  ///< folders within folders

std::string join(std::string_view folder, std::string_view name) {
  std::string out;
  out.reserve(folder.size() + 1 + name.size());
  out.append(folder);
  if (!folder.empty() && !folder.ends_with('/')) out += '/';
  return out.append(name);
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> resolved{::realpath(path.c_str(), nullptr), &free};
  return resolved ? std::string{resolved.get()} : std::string{};
}

bool is_inside(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && (folder.ends_with('/') || path[folder.size()] == '/'));
}

/// Whether the Hugging Face cache names a repository's folder so: it holds blobs/<digest>, and
/// snapshots/<revision>/<the name that users know>, a link to its blob.
bool is_cached_repository(std::string_view real) {
  const auto name = real.substr(real.rfind('/') + 1);
  return name.starts_with("models--") || name.starts_with("datasets--") || name.starts_with("spaces--");
}

/// The folder of the cached repository that has `real` among its snapshots; empty where there is none.
std::string_view cached_repository_of(std::string_view real) {
  constexpr std::string_view kSnapshots = "/snapshots";
  for (auto at = real.find(kSnapshots); at != real.npos; at = real.find(kSnapshots, at + 1)) {
    const auto repository = real.substr(0, at);
    if (is_cached_repository(repository) && is_inside(real, real.substr(0, at + kSnapshots.size()))) return repository;
  }
  return {};
}

class Walk {
 public:
  Walk(const Selection& selection, Sizes sizes) : selection_{selection}, sizes_{sizes} {
    constexpr std::size_t kUsual = 1 << 15;  // address space is free, growing is not: nothing else runs meanwhile
    out_.found.reserve(kUsual);
  }

  Listing run(const std::vector<std::string>& paths) {
    for (const auto& path : paths) start(path, paths.size() == 1);
    const auto by_path = [](const auto& a, const auto& b) { return a.path < b.path; };
    // Folders come in order already, but for names like "a" and "a.txt".
    if (!std::is_sorted(out_.found.begin(), out_.found.end(), by_path))
      std::stable_sort(out_.found.begin(), out_.found.end(), by_path);
    std::stable_sort(out_.links.begin(), out_.links.end(),
                     [](const Link& a, const Link& b) { return a.from < b.from; });
    for (const auto& path : paths) out_.root += (out_.root.empty() ? "" : " ") + path;
    return std::move(out_);
  }

 private:
  void start(const std::string& path, bool alone) {
    if (path == "-") {
      out_.found.push_back({Found::Kind::standard_input, "(standard input)", "-", 0, {}});
      return;
    }
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0) return fail(path, path, std::strerror(errno));
    real_root_ = real_path(path);
    if (S_ISDIR(s.st_mode)) {
      if (alone) out_.base = path.ends_with('/') ? path : path + '/';
      return folder(path, alone ? "" : path, real_root_, 0);
    }
    take(path, alone ? path.substr(path.find_last_of('/') + 1) : path, s, true);
    out_.found.back().follow = true;
  }

  void fail(const std::string& open, const std::string& path, std::string what) {
    out_.found.push_back({Found::Kind::unreadable, path, open, 0, std::move(what)});
  }

  bool selected(const std::string& path) {
    if (is_selected(selection_, path)) return true;
    ++out_.excluded;
    return false;
  }

  void take(std::string open, std::string path, const struct stat& s, bool named_by_user) {
    if (!named_by_user && !selected(path)) return;
    if (S_ISREG(s.st_mode))
      out_.found.push_back(
          {Found::Kind::file, std::move(path), std::move(open), static_cast<std::uint64_t>(s.st_size), {}});
    else out_.found.push_back({Found::Kind::special, std::move(path), std::move(open), 0, "not a regular file"});
  }

  /// `real`: the folder without any link on the way to it.
  void folder(const std::string& open, const std::string& path, const std::string& real, std::size_t depth) {
    struct stat s {};
    const int fd = ::open(open.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || ::fstat(fd, &s) != 0) {
      fail(open, path.empty() ? open : path, std::strerror(errno));
      if (fd >= 0) ::close(fd);
      return;
    }
    // A bind mount may show a folder inside itself.
    if (depth > kDeepest || !seen_.insert({s.st_dev, s.st_ino}).second) {
      ::close(fd);
      if (depth > kDeepest) fail(open, path, "folders nested too deeply");
      return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> entries{::fdopendir(fd), &::closedir};
    struct Name {
      std::string text;
      unsigned char type;  ///< as the folder knows it: DT_REG, ...
    };
    std::vector<Name> names;
    errno = 0;
    while (const auto* entry = ::readdir(entries.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.push_back({std::string{name}, entry->d_type});
    }
    if (errno != 0) fail(open, path, std::strerror(errno));
    // Blobs come last, when it is known which of them snapshots have a name for.
    const bool blobs_last = is_cached_repository(real);
    std::sort(names.begin(), names.end(), [&](const Name& a, const Name& b) {
      return std::pair{blobs_last && a.text == "blobs", std::string_view{a.text}} <
             std::pair{blobs_last && b.text == "blobs", std::string_view{b.text}};
    });
    for (const auto& name : names) {
      struct stat entry {};
      auto child = join(path, name.text);
      if (name.type == DT_REG && sizes_ == Sizes::not_asked) entry.st_mode = S_IFREG;
      else if (::fstatat(fd, name.text.c_str(), &entry, AT_SYMLINK_NOFOLLOW) != 0) {
        fail({}, child, std::strerror(errno));
        continue;
      }
      if (S_ISLNK(entry.st_mode)) link(join(open, name.text), child, real);
      else if (S_ISDIR(entry.st_mode)) folder(join(open, name.text), child, join(real, name.text), depth + 1);
      else if (named_.empty() || !named_.contains(join(real, name.text))) take({}, std::move(child), entry, false);
    }
  }

  /// `folder`: the real path of the one that holds the link.
  void link(const std::string& open, const std::string& path, const std::string& folder) {
    std::string target(PATH_MAX, '\0');
    const auto n = ::readlink(open.c_str(), target.data(), target.size());
    target.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    out_.links.push_back({path, target});
    const auto real = real_path(open);
    struct stat s {};
    if (real.empty() || ::stat(real.c_str(), &s) != 0) return fail(open, path, "a symbolic link to nothing");
    const auto repository = cached_repository_of(folder);
    const bool is_cached = !repository.empty() && is_inside(real, repository);
    if (is_cached && S_ISREG(s.st_mode) && is_inside(real, join(repository, "blobs"))) {
      named_.insert(real);
      return take(real, path, s, false);
    }
    if (is_inside(real, real_root_)) return;  // it is listed by itself
    if (!is_cached) out_.found.push_back({Found::Kind::escaping, path, open, 0, target});
    else if (S_ISREG(s.st_mode)) take(real, path, s, false);  // only the link leads to it
  }

  const Selection& selection_;
  Sizes sizes_;
  Listing out_;
  std::string real_root_;
  std::set<std::string> named_;  ///< real paths of the blobs that are listed under their names
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

Listing list(const std::vector<std::string>& paths, const Selection& selection, Sizes sizes) {
  return Walk{selection, sizes}.run(paths);
}

bool is_selected(const Selection& selection, std::string_view path) {
  const auto matches = [&](const std::string& pattern) { return glob_matches(pattern, path); };
  return (selection.include.empty() || std::ranges::any_of(selection.include, matches)) &&
         std::ranges::none_of(selection.exclude, matches);
}

bool glob_matches(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == pattern.npos) path = path.substr(path.find_last_of('/') + 1);
  // Iterative matching with two points to go back to: the last '*', and the last "**" when that is used up.
  std::size_t p = 0, s = 0, star = pattern.npos, star_at = 0, deep = pattern.npos, deep_at = 0;
  bool whole_folders = false;
  while (s < path.size()) {
    if (pattern.substr(p).starts_with("**")) {
      p += 2;
      whole_folders = p < pattern.size() && pattern[p] == '/';  // "**/x" also matches "x", and never "yx"
      if (whole_folders) ++p;
      deep = p, deep_at = s, star = pattern.npos;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = ++p, star_at = s;
    } else if (p < pattern.size() && (pattern[p] == path[s] || (pattern[p] == '?' && path[s] != '/'))) {
      ++p, ++s;
    } else if (star != pattern.npos && path[star_at] != '/') {
      p = star, s = ++star_at;
    } else if (deep != pattern.npos) {
      ++deep_at;
      while (whole_folders && deep_at < path.size() && path[deep_at - 1] != '/') ++deep_at;
      p = deep, s = deep_at, star = pattern.npos;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace assay::scan
