#include "convert/copy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace assay::convert {
namespace {

using tensors::Tensor;

constexpr std::uint64_t kStep = 64 << 20;         ///< bytes between looks at the ticker, inside the kernel
constexpr std::size_t kBlock = 8 << 20;           ///< bytes of the product that are put together at once
constexpr std::size_t kSpan = 16 << 20;           ///< bytes of the source that are read for one block
constexpr std::size_t kPlainBlock = 1 << 20;      ///< bytes, where nothing has to be put together
constexpr std::uint64_t kWorthKernel = 64 << 10;  ///< bytes of a run that goes from file to file
constexpr std::uint64_t kPage = 4096;             ///< bytes: elements further apart are read one by one
static_assert(kBlock + kSpan <= kBuffers);

tl::unexpected<Error> stopped() { return fail(Errc::limit_reached, 0, "interrupted"); }

/// In the system's words, which are literals too.
tl::unexpected<Error> refused(std::uint64_t at) { return fail(Errc::io, at, ::strerrordesc_np(errno)); }

bool is_hopeless(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG || error == EIO; }

/// Calls `visit(source offset, product offset)`, in elements, for each combination of indices of `dimensions`.
template <class Dimension, class Visit>
Result<void> for_each_index(std::span<const Dimension> dimensions, Visit visit) {
  std::vector<std::uint64_t> index(dimensions.size(), 0);
  std::uint64_t source = 0, product = 0;
  while (true) {
    TRY(visit(source, product));
    auto i = dimensions.size();
    while (i > 0) {
      const auto& d = dimensions[--i];
      source += d.stride;
      product += d.step;
      if (++index[i] < d.count) break;
      source -= d.stride * d.count;
      product -= d.step * d.count;
      index[i] = 0;
      if (i == 0) return {};
    }
    if (dimensions.empty()) return {};
  }
}

/// Turns the bytes of each unit of `unit` bytes around.
void turn_around(std::span<std::byte> bytes, std::uint8_t unit) {
  if (unit == 1) return;
  for (std::size_t i = 0; i + unit <= bytes.size(); i += unit) {
    const auto part = bytes.subspan(i, unit);
    std::reverse(part.begin(), part.end());
  }
}

}  // namespace

Result<void> read_fully(int descriptor, std::uint64_t at, std::span<std::byte> out) {
  while (!out.empty()) {
    const auto n = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(at);
    if (n == 0) return fail(Errc::changed, at, "a file became shorter while it was read");
    out = out.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> write_fully(int descriptor, std::uint64_t at, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refused(at);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> set_size(int descriptor, std::uint64_t bytes) {
  if (::ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) return refused(bytes);
  return {};
}

Result<void> Copier::copy(const Tensor& t, int from, std::uint64_t offset) {
  const auto bytes = tensors::bytes_of(t);
  if (bytes == 0) return {};
  if (!is_contiguous(t)) return copy_strided(t, from, offset);
  if (t.swap == 1) return copy_range(from, t.begin, bytes, offset);
  block_.resize(kPlainBlock);
  for (std::uint64_t done = 0; done < bytes;) {
    const auto part = std::span{block_}.first(std::min<std::uint64_t>(kPlainBlock, bytes - done));
    TRY(read_fully(from, t.begin + done, part));
    turn_around(part, t.swap);
    TRY(write_fully(to_, offset + done, part));
    done += part.size();
    if (!ticker_(part.size())) return stopped();
  }
  return {};
}

/// The stretches of [at, at + length) that are no holes, one after the other.
Result<void> Copier::copy_range(int from, std::uint64_t at, std::uint64_t length, std::uint64_t to) {
  struct stat s {};
  const bool sparse = ::fstat(from, &s) == 0 && s.st_blocks * 512 < s.st_size;
  if (!sparse) return copy_data(from, at, length, to);
  const auto end = at + length;
  for (auto here = at; here < end;) {
    const auto data = ::lseek(from, static_cast<off_t>(here), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return copy_data(from, here, end - here, to + (here - at));
    const auto begin = data < 0 ? end : std::min(end, static_cast<std::uint64_t>(data));
    if (!ticker_(begin - here)) return stopped();
    if (begin == end) return {};
    const auto hole = ::lseek(from, static_cast<off_t>(begin), SEEK_HOLE);
    here = hole < 0 ? end : std::min(end, static_cast<std::uint64_t>(hole));
    TRY(copy_data(from, begin, here - begin, to + (begin - at)));
  }
  return {};
}

Result<void> Copier::copy_data(int from, std::uint64_t at, std::uint64_t length, std::uint64_t to) {
  while (length > 0 && in_kernel_) {
    auto in = static_cast<off_t>(at), out = static_cast<off_t>(to);
    const auto n = ::copy_file_range(from, &in, to_, &out, std::min(length, kStep), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && is_hopeless(errno)) return refused(at);
    if (n <= 0) {  // not between these two, or past the end: the other way finds out
      in_kernel_ = n == 0;
      break;
    }
    const auto done = static_cast<std::uint64_t>(n);
    at += done;
    to += done;
    length -= done;
    if (!ticker_(done)) return stopped();
  }
  return copy_through_buffer(from, at, length, to);
}

Result<void> Copier::copy_through_buffer(int from, std::uint64_t at, std::uint64_t length, std::uint64_t to) {
  if (length > 0) block_.resize(std::max(block_.size(), kPlainBlock));
  while (length > 0) {
    const auto part = std::span{block_}.first(std::min<std::uint64_t>(kPlainBlock, length));
    TRY(read_fully(from, at, part));
    TRY(write_fully(to_, to, part));
    at += part.size();
    to += part.size();
    length -= part.size();
    if (!ticker_(part.size())) return stopped();
  }
  return {};
}

Result<void> Copier::copy_strided(const Tensor& t, int from, std::uint64_t offset) {
  element_ = format::safetensors::bits_of(t.dtype) / 8;
  // Neighbours that follow each other in the source as they do in the product are one dimension.
  std::vector<Dimension> dimensions;
  const auto steps = tensors::c_strides(t.shape);
  for (std::size_t i = 0; i < t.shape.size(); ++i) {
    if (t.shape[i] == 1) continue;
    auto* outer = dimensions.empty() ? nullptr : &dimensions.back();
    if (outer != nullptr && outer->stride == t.strides[i] * t.shape[i]) {
      outer->count *= t.shape[i];
      outer->stride = t.strides[i];
      outer->step = steps[i];
    } else {
      dimensions.push_back({t.shape[i], t.strides[i], steps[i]});
    }
  }
  const std::span<const Dimension> all{dimensions};
  const auto& last = dimensions.back();
  if (last.stride == 1 && last.count * element_ >= kWorthKernel && t.swap == 1)
    return for_each_index(all.first(all.size() - 1), [&](std::uint64_t source, std::uint64_t product) {
      return copy_data(from, t.begin + source * element_, last.count * element_, offset + product * element_);
    });
  // As many inner dimensions as fit into a block, and a part of the next one.
  auto split = dimensions.size() - 1;
  while (split > 0 && dimensions[split].count * dimensions[split].step * element_ <= kBlock) --split;
  auto& cut = dimensions[split];
  const auto most = std::max<std::uint64_t>(1, kBlock / (cut.step * element_));
  return for_each_index(all.first(split), [&](std::uint64_t source, std::uint64_t product) -> Result<void> {
    for (std::uint64_t i = 0; i < cut.count; i += most) {
      std::vector<Dimension> box{dimensions.begin() + static_cast<std::ptrdiff_t>(split), dimensions.end()};
      box[0].count = std::min(most, cut.count - i);
      TRY(fill(box, t.begin + (source + i * cut.stride) * element_, from));
      turn_around(block_, t.swap);
      TRY(write_fully(to_, offset + (product + i * cut.step) * element_, block_));
      if (!ticker_(block_.size())) return stopped();
    }
    return {};
  });
}

Result<void> Copier::fill(std::span<const Dimension> box, std::uint64_t at, int from) {
  std::uint64_t last = 0;  // elements behind the first
  for (const auto& d : box) last += (d.count - 1) * d.stride;
  block_.resize(box[0].count * box[0].step * element_);
  const auto span = (last + 1) * element_;
  if (span <= kSpan && span / 4 <= block_.size()) return fill_from_span(box, at, span, from);
  return fill_by_runs(box, at, from);
}

Result<void> Copier::fill_from_span(std::span<const Dimension> box, std::uint64_t at, std::uint64_t span, int from) {
  span_.resize(span);
  TRY(read_fully(from, at, span_));
  return for_each_index(box, [&](std::uint64_t source, std::uint64_t product) -> Result<void> {
    std::memcpy(block_.data() + product * element_, span_.data() + source * element_, element_);
    return {};
  });
}

/// Along the dimension in which one read brings most elements.
Result<void> Copier::fill_by_runs(std::span<const Dimension> box, std::uint64_t at, int from) {
  const auto is_close = [&](const Dimension& d) { return d.stride * element_ <= kPage; };
  const auto brought = [&](const Dimension& d) { return is_close(d) ? d.count : 1; };
  std::vector<Dimension> others{box.begin(), box.end()};
  const auto best = std::max_element(others.begin(), others.end(), [&](const Dimension& a, const Dimension& b) {
    return brought(a) != brought(b) ? brought(a) < brought(b) : a.stride > b.stride;
  });
  const auto run = *best;
  others.erase(best);
  const auto stride = std::max<std::uint64_t>(1, run.stride) * element_;
  const auto apart = is_close(run) ? std::min(run.count, kSpan / stride) : 1;  // elements that one read brings
  span_.resize(std::max<std::uint64_t>(span_.size(), ((apart - 1) * run.stride + 1) * element_));
  const auto read_run = [&](std::uint64_t source, std::uint64_t product) -> Result<void> {
    for (std::uint64_t i = 0; i < run.count; i += apart) {
      const auto n = std::min(apart, run.count - i);
      const auto part = std::span{span_}.first(((n - 1) * run.stride + 1) * element_);
      TRY(read_fully(from, at + (source + i * run.stride) * element_, part));
      for (std::uint64_t k = 0; k < n; ++k)
        std::memcpy(block_.data() + (product + (i + k) * run.step) * element_, part.data() + k * run.stride * element_,
                    element_);
    }
    return {};
  };
  return for_each_index(std::span<const Dimension>{others}, read_run);
}

}  // namespace assay::convert
