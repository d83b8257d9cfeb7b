// For tests: bytes that are not in memory, and that may turn out to be fewer.
#pragma once
#include <algorithm>
#include <string_view>

#include "bytes/source.h"

namespace assay::scan {

class FarSource final : public bytes::Source {
 public:
  /// From `readable` on nothing can be read.
  explicit FarSource(std::string_view all, std::uint64_t readable = ~0ull)
      : source_{bytes::view(all)}, readable_{readable} {}
  std::uint64_t size() const noexcept override { return source_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset >= readable_) return fail(Errc::changed, offset, "it shrank");
    return source_.read_at(offset, out.first(std::min<std::uint64_t>(out.size(), readable_ - offset)));
  }

 private:
  bytes::MemorySource source_;
  std::uint64_t readable_;
};

}  // namespace assay::scan
