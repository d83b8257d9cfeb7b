#include "convert/new_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace assay::convert {
namespace {

tl::unexpected<std::string> refused() { return tl::unexpected<std::string>{std::strerror(errno)}; }

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

mode_t usual_mode() {
  const auto mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

std::string hidden_name(const std::string& name) {
  // A name as long as it may be leaves no room for more.
  constexpr std::size_t kKept = 200;
  return "." + name.substr(0, kKept) + ".assay-" + std::to_string(::getpid());
}

}  // namespace

tl::expected<NewFile, std::string> NewFile::create(const std::string& path) {
  NewFile out;
  out.path_ = path;
  const auto folder = folder_of(path);
  out.folder_ = scan::Descriptor{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!out.folder_) return refused();
  out.file_ = scan::Descriptor{::openat(out.folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666)};
  if (out.file_) return out;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT) return refused();
  auto name = folder + "/" + hidden_name(name_in(path)) + "-XXXXXX";
  out.file_ = scan::Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
  if (!out.file_) return refused();
  out.hidden_ = name_in(name);
  if (::fchmod(out.file_.get(), usual_mode()) != 0) return refused();
  return out;
}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(hidden_, other.hidden_);
  std::swap(folder_, other.folder_);
  std::swap(file_, other.file_);
  return *this;
}

NewFile::~NewFile() {
  if (folder_ && !hidden_.empty()) ::unlinkat(folder_.get(), hidden_.c_str(), 0);
}

tl::expected<void, std::string> NewFile::sync() const {
  if (::fsync(file_.get()) != 0) return refused();
  return {};
}

tl::expected<void, std::string> NewFile::link_as(const std::string& name) {
  const auto self = "/proc/self/fd/" + std::to_string(file_.get());
  if (::linkat(AT_FDCWD, self.c_str(), folder_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) return refused();
  return {};
}

tl::expected<void, std::string> NewFile::commit(bool replace) {
  const auto name = name_in(path_);
  const int folder = folder_.get();
  if (hidden_.empty() && replace) {  // a link replaces nothing, a rename does
    const auto hidden = hidden_name(name);
    ::unlinkat(folder, hidden.c_str(), 0);  // of a run that was killed just here, under the same number
    if (auto linked = link_as(hidden); !linked) return linked;
    hidden_ = hidden;
  }
  if (hidden_.empty()) {
    if (auto linked = link_as(name); !linked) return linked;
  } else {
    const auto* from = hidden_.c_str();
    const bool renamed = ::renameat2(folder, from, folder, name.c_str(), replace ? 0 : RENAME_NOREPLACE) == 0 ||
                         (errno == EINVAL && !replace && ::linkat(folder, from, folder, name.c_str(), 0) == 0 &&
                          ::unlinkat(folder, from, 0) == 0);  // file systems that know no flags
    if (!renamed) return refused();
    hidden_.clear();
  }
  if (::fsync(folder) != 0) return refused();
  return {};
}

tl::expected<NewFile, std::string> written_file(const std::string& path, std::string_view text) {
  auto out = NewFile::create(path);
  if (!out) return out;
  while (!text.empty()) {
    const auto n = ::write(out->descriptor(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused();
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (auto done = out->sync(); !done) return tl::unexpected<std::string>{done.error()};
  return out;
}

}  // namespace assay::convert
