#include "bytes/spool.h"

#include <unistd.h>

#include <cerrno>

namespace assay::bytes {
namespace {

Result<void> write_all(int descriptor, View bytes, std::uint64_t at) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Errc::io, 0, "no room for decompressed bytes on disk");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

/// A stretch of the lent file.
class SpooledSource final : public Source {
 public:
  SpooledSource(int descriptor, std::uint64_t begin, std::uint64_t size) noexcept
      : file_{descriptor, begin + size}, window_{file_, begin, size} {}
  std::uint64_t size() const noexcept override { return window_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return window_.read_at(offset, out);
  }
  std::optional<Origin> origin() const noexcept override { return window_.origin(); }

 private:
  FileSource file_;
  WindowSource window_;
};

}  // namespace

Result<void> Spool::append(View bytes) {
  if (!spilled_ && file_.descriptor() >= 0 && size_ + bytes.size() > in_memory_) TRY(spill());
  if (spilled_) {
    TRY(write_all(file_.descriptor(), bytes, begin_ + size_));
    file_.used_ = begin_ + size_ + bytes.size();
  } else {
    memory_.insert(memory_.end(), bytes.begin(), bytes.end());
  }
  size_ += bytes.size();
  return {};
}

Result<void> Spool::spill() {
  begin_ = file_.used_;
  TRY(write_all(file_.descriptor(), memory_, begin_));
  file_.used_ = begin_ + memory_.size();
  memory_ = {};
  spilled_ = true;
  return {};
}

std::unique_ptr<Source> Spool::finish() {
  std::unique_ptr<Source> out;
  if (spilled_) out = std::make_unique<SpooledSource>(file_.descriptor(), begin_, size_);
  else out = std::make_unique<MemorySource>(std::move(memory_));
  memory_ = {};
  spilled_ = false;
  size_ = 0;
  return out;
}

}  // namespace assay::bytes
