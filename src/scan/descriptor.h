// Open files, owned; and what must not change while one is read.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace assay::scan {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{other.release()} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }
  Descriptor duplicate() const noexcept { return Descriptor{::fcntl(fd_, F_DUPFD_CLOEXEC, 0)}; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd_;
};

/// Bytes of an open file; 0 where it is none.
inline std::uint64_t size_of(const Descriptor& file) noexcept {
  struct stat s {};
  return ::fstat(file.get(), &s) == 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
}

/// An empty file in `folder` that nobody else sees, for reading and writing; none where there cannot be one.
Descriptor temporary_file(const std::string& folder);

/// A file as fstat saw it when it was opened.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{}, changed{};

  static Identity of(const struct stat& s) noexcept { return {s.st_dev, s.st_ino, s.st_size, s.st_mtim, s.st_ctim}; }
  bool is_still(int fd) const noexcept {
    struct stat s {};
    return ::fstat(fd, &s) == 0 && of(s) == *this;
  }
  bool operator==(const Identity& o) const noexcept {
    const auto same = [](const timespec& a, const timespec& b) {
      return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return device == o.device && inode == o.inode && size == o.size && same(modified, o.modified) &&
           same(changed, o.changed);
  }
};

}  // namespace assay::scan
