#include "bytes/source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace assay::bytes {

Result<std::vector<std::byte>> read_up_to(const Source& source, std::uint64_t offset, std::uint64_t n) {
  const auto left = offset < source.size() ? source.size() - offset : 0;
  std::vector<std::byte> out(static_cast<std::size_t>(std::min(n, left)));
  out.resize(TRY(source.read_at(offset, out)));
  return out;
}

Result<std::vector<std::byte>> read_exactly(const Source& source, std::uint64_t offset, std::uint64_t n) {
  if (offset > source.size() || n > source.size() - offset)
    return fail(Errc::truncated, offset, "fewer bytes than declared");
  auto out = TRY(read_up_to(source, offset, n));
  if (out.size() != n) return fail(Errc::changed, offset, "the file shrank while it was read");
  return out;
}

Result<std::size_t> MemorySource::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= all_.size()) return std::size_t{0};
  const auto n = std::min(out.size(), all_.size() - static_cast<std::size_t>(offset));
  if (n > 0) std::memcpy(out.data(), all_.data() + offset, n);
  return n;
}

Result<std::size_t> FileSource::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= size_) return std::size_t{0};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
  std::size_t done = 0;
  while (done < wanted) {
    const auto n = ::pread(descriptor_, out.data() + done, wanted - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, offset + done, "the file could not be read");
    if (n == 0) return fail(Errc::changed, offset + done, "the file shrank while it was read");
    done += static_cast<std::size_t>(n);
  }
  return done;
}

WindowSource::WindowSource(const Source& whole, std::uint64_t begin, std::uint64_t length) noexcept
    : whole_{whole}, begin_{std::min(begin, whole.size())}, length_{std::min(length, whole.size() - begin_)} {}

Result<std::size_t> WindowSource::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= length_) return std::size_t{0};
  const auto n = std::min<std::uint64_t>(out.size(), length_ - offset);
  auto got = whole_.read_at(begin_ + offset, out.first(static_cast<std::size_t>(n)));
  if (!got) {
    auto error = got.error();
    error.offset = error.offset >= begin_ ? error.offset - begin_ : 0;
    return tl::unexpected<Error>{error};
  }
  return *got;
}

std::optional<Origin> WindowSource::origin() const noexcept {
  auto whole = whole_.origin();
  if (whole) whole->offset += begin_;
  return whole;
}

View WindowSource::in_memory() const noexcept {
  const auto all = whole_.in_memory();
  if (all.empty()) return {};
  return all.subspan(static_cast<std::size_t>(begin_), static_cast<std::size_t>(length_));
}

}  // namespace assay::bytes
