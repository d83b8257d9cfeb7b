// Small reads of a Source with some read-ahead, so that 200,000 headers do not cost 200,000 system calls
// where they stand close together, and hardly more than their own bytes where they do not.
#pragma once
#include <algorithm>
#include <optional>
#include <vector>

#include "bytes/source.h"

namespace assay::container::zip {

class Window {
 public:
  /// `source` must outlive the window. At least `ahead` bytes are fetched at a time.
  Window(const bytes::Source& source, std::size_t ahead) : source_{source}, whole_{source.in_memory()}, ahead_{ahead} {}

  /// The bytes from `offset`, at most `n`; fewer at the end of the source or when reading failed.
  /// Valid until the next call.
  bytes::View at(std::uint64_t offset, std::uint64_t n) {
    if (offset >= source_.size()) return {};
    n = std::min(n, source_.size() - offset);
    if (!whole_.empty()) return whole_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(n));
    if (offset < begin_ || offset - begin_ > held_.size() || held_.size() - (offset - begin_) < n) fetch(offset, n);
    const auto from = static_cast<std::size_t>(offset - begin_);
    return bytes::View{held_}.subspan(from, std::min(static_cast<std::size_t>(n), held_.size() - from));
  }

  /// The first failure of the source, if any.
  const std::optional<Error>& failed() const noexcept { return failed_; }

 private:
  void fetch(std::uint64_t offset, std::uint64_t n) {
    begin_ = offset;
    held_.resize(std::max(static_cast<std::size_t>(n), ahead_));
    const auto got = source_.read_at(offset, held_);
    if (!got && !failed_) failed_ = got.error();
    held_.resize(got ? *got : 0);
  }

  const bytes::Source& source_;
  bytes::View whole_;
  std::size_t ahead_;
  std::vector<std::byte> held_;
  std::uint64_t begin_ = 0;
  std::optional<Error> failed_;
};

}  // namespace assay::container::zip
