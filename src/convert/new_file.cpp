#include "convert/new_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "convert/path.h"

namespace assay::convert {
namespace {

tl::unexpected<std::string> refused() { return tl::unexpected<std::string>{std::strerror(errno)}; }

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

/// A device or a pipe that somebody wants to write to is no name to be taken over.
bool is_free_or_file(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) != 0 || S_ISREG(s.st_mode);
}

/// Folders of some file systems cannot be synchronised, and need not be.
bool synchronise(int folder) { return ::fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP; }

bool rename_in(int folder, const std::string& from, const std::string& to, unsigned flags) {
  return ::renameat2(folder, from.c_str(), folder, to.c_str(), flags) == 0;
}

}  // namespace

tl::expected<NewFile, std::string> NewFile::create(const std::string& path) {
  if (!is_free_or_file(path)) return tl::unexpected<std::string>{"it is no regular file"};
  NewFile out;
  out.path_ = path;
  out.name_ = name_in(path);
  const auto folder = folder_of(path);
  out.folder_ = scan::Descriptor{::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!out.folder_) return refused();
  out.file_ = scan::Descriptor{::openat(out.folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666)};
  if (out.file_) return out;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT) return refused();
  auto name = folder + hidden_name(out.name_) + "-XXXXXX";
  out.file_ = scan::Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
  if (!out.file_) return refused();
  out.hidden_ = name_in(name);
  if (::fchmod(out.file_.get(), usual_mode()) != 0) return refused();
  return out;
}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(name_, other.name_);
  std::swap(hidden_, other.hidden_);
  std::swap(replaced_for_good_, other.replaced_for_good_);
  std::swap(folder_, other.folder_);
  std::swap(file_, other.file_);
  return *this;
}

NewFile::~NewFile() {
  if (folder_ && !hidden_.empty()) ::unlinkat(folder_.get(), hidden_.c_str(), 0);
}

NewFile::Done NewFile::sync() const {
  if (::fsync(file_.get()) != 0) return refused();
  return {};
}

NewFile::Done NewFile::link_as(const std::string& name) {
  const auto self = "/proc/self/fd/" + std::to_string(file_.get());
  if (::linkat(AT_FDCWD, self.c_str(), folder_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) return refused();
  return {};
}

NewFile::Done NewFile::commit(Existing existing) {
  if (auto done = existing == Existing::stays ? take_free_place() : take_place(existing); !done) return done;
  if (synchronise(folder_.get())) return {};
  auto why = refused();
  (void)undo();
  return why;
}

NewFile::Done NewFile::take_place(Existing existing) {
  const int folder = folder_.get();
  if (hidden_.empty()) {  // a link replaces nothing, a rename does
    const auto hidden = hidden_name(name_) + "-" + std::to_string(file_.get());
    ::unlinkat(folder, hidden.c_str(), 0);  // of a run that was killed just here, under the same number
    if (auto linked = link_as(hidden); !linked) return linked;
    hidden_ = hidden;
  }
  if (existing == Existing::can_come_back && rename_in(folder, hidden_, name_, RENAME_EXCHANGE)) return {};
  struct stat s {};  // nothing was there, or the file system knows no exchange
  replaced_for_good_ = ::fstatat(folder, name_.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0;
  if (!rename_in(folder, hidden_, name_, 0)) return refused();
  hidden_.clear();
  return {};
}

NewFile::Done NewFile::take_free_place() {
  if (hidden_.empty()) return link_as(name_);
  const int folder = folder_.get();
  const bool renamed = rename_in(folder, hidden_, name_, RENAME_NOREPLACE) ||
                       (errno == EINVAL && ::linkat(folder, hidden_.c_str(), folder, name_.c_str(), 0) == 0 &&
                        ::unlinkat(folder, hidden_.c_str(), 0) == 0);  // file systems that know no flags
  if (!renamed) return refused();
  hidden_.clear();
  return {};
}

NewFile::Done NewFile::undo() {
  if (replaced_for_good_) return tl::unexpected<std::string>{"what it replaced is gone"};
  const bool undone =
      hidden_.empty() ? ::unlinkat(folder_.get(), name_.c_str(), 0) == 0 : rename_in(folder_.get(), hidden_, name_, 0);
  if (!undone) return refused();
  hidden_.clear();
  (void)synchronise(folder_.get());
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

NewFolders::~NewFolders() {
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) ::rmdir(folder->c_str());
}

void NewFolders::make_for(const std::string& path) {
  for (auto slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1)) {
    auto folder = path.substr(0, slash);
    if (::mkdir(folder.c_str(), 0777) == 0) made_.push_back(std::move(folder));
  }
}

}  // namespace assay::convert
