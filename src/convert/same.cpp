#include "convert/same.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>

#include "convert/copy.h"

namespace assay::convert {
namespace {

using tensors::Tensor;

constexpr std::size_t kBlock = 1 << 20;  ///< bytes
constexpr std::uint64_t kPage = 4096;    ///< bytes
constexpr std::size_t kPages = 1 << 10;  ///< of each side
constexpr unsigned kMostThreads = 4;
constexpr std::uint64_t kTile = 256;  ///< elements, along each of two dimensions

tl::unexpected<Error> stopped() { return fail(Errc::limit_reached, 0, "interrupted"); }

bool lies_plainly(const Tensor& t) { return is_contiguous(t) && t.swap == 1; }

/// A file through a few thousand of its pages: elements that are far apart share them with their neighbours.
class Pages {
 public:
  /// Bytes of `tensor`, and no more slots than it has pages: most of those that are not in order are small.
  Pages(int descriptor, const Tensor& tensor)
      : descriptor_{descriptor},
        end_{reach_of(tensor).value_or(0)},
        slots_(std::min<std::uint64_t>(kPages, end_ / kPage - tensor.begin / kPage + 1)),
        data_(slots_.size() * kPage) {}

  Result<void> read(std::uint64_t at, std::span<std::byte> out) {
    while (!out.empty()) {
      const auto page = at / kPage, within = at % kPage;
      const auto bytes = TRY(page_at(page));
      const auto n = std::min<std::uint64_t>(out.size(), kPage - within);
      std::memcpy(out.data(), bytes + within, n);
      out = out.subspan(n);
      at += n;
    }
    return {};
  }

 private:
  Result<const std::byte*> page_at(std::uint64_t page) {
    // Rows of a power of two bytes would all want the same few slots.
    const auto slot = static_cast<std::size_t>((page * 0x9e3779b97f4a7c15u) >> 54) % slots_.size();
    auto* bytes = data_.data() + slot * kPage;
    if (slots_[slot] != page + 1) {
      slots_[slot] = 0;
      const auto begin = page * kPage;
      TRY(read_fully(descriptor_, begin, {bytes, std::min(kPage, end_ - begin)}));
      slots_[slot] = page + 1;
    }
    return bytes;
  }

  int descriptor_;
  std::uint64_t end_;
  std::vector<std::uint64_t> slots_;  ///< number of the page + 1
  std::vector<std::byte> data_;
};

class Comparing {
 public:
  Comparing(const Side& left, const Side& right, Ticker& ticker)
      : left_{left},
        right_{right},
        ticker_{ticker},
        bytes_{tensors::bytes_of(right.tensor)},
        element_{std::max(1u, format::safetensors::bits_of(right.tensor.dtype) / 8)} {}

  Result<Sameness> run() {
    Sameness out;
    out.same = true;
    if (lies_plainly(left_.tensor) && lies_plainly(right_.tensor)) {
      TRY(compare_in_pieces(out));
    } else if (bytes_ > 0) {
      TRY(compare_by_element(out));
      if (out.same && lies_plainly(right_.tensor)) TRY(hash_right());
    }
    if (out.same && lies_plainly(right_.tensor)) out.sha256 = hash_.finish();
    return out;
  }

 private:
  Result<void> compare_in_pieces(Sameness& out) {
    std::vector<std::byte> a(std::min<std::uint64_t>(kBlock, bytes_)), b(a.size());
    for (std::uint64_t done = 0; done < bytes_;) {
      const auto n = std::min<std::uint64_t>(kBlock, bytes_ - done);
      const auto left = std::span{a}.first(n), right = std::span{b}.first(n);
      TRY(read_fully(left_.descriptor, left_.tensor.begin + done, left));
      TRY(read_fully(right_.descriptor, right_.tensor.begin + done, right));
      if (std::memcmp(left.data(), right.data(), n) != 0) {
        const auto first = std::mismatch(left.begin(), left.end(), right.begin()).first - left.begin();
        out.same = false;
        out.differs_at = (done + static_cast<std::uint64_t>(first)) / element_;
        return {};
      }
      hash_.update(right);
      done += n;
      if (!ticker_(n)) return stopped();
    }
    return {};
  }

  Result<void> hash_right() {
    std::vector<std::byte> block(std::min<std::uint64_t>(kBlock, bytes_));
    for (std::uint64_t done = 0; done < bytes_;) {
      const auto part = std::span{block}.first(std::min<std::uint64_t>(kBlock, bytes_ - done));
      TRY(read_fully(right_.descriptor, right_.tensor.begin + done, part));
      hash_.update(part);
      done += part.size();
      if (!ticker_(0)) return stopped();
    }
    return {};
  }

  /// In tiles along the last dimension and the one that lies closest on the left side, so that pages of both are used
  /// up before others are needed.
  Result<void> compare_by_element(Sameness& out) {
    Pages left{left_.descriptor, left_.tensor}, right{right_.descriptor, right_.tensor};
    const auto& shape = right_.tensor.shape;
    const auto n = shape.size();
    if (n == 0) return compare_tile(left, right, {}, {}, out);
    std::size_t close = n - 1;
    for (std::size_t i = 0; i < n; ++i) {
      const auto stride = left_.tensor.strides[i];
      if (shape[i] > 1 && stride > 0 && (shape[close] == 1 || stride < left_.tensor.strides[close])) close = i;
    }
    // The walk: tiles of the two dimensions, outermost, then every index inside.
    std::vector<std::uint64_t> from(n, 0), to = shape, tile = shape;
    tile[close] = std::min(tile[close], kTile);
    tile[n - 1] = std::min(tile[n - 1], kTile);
    for (std::uint64_t i = 0; i < shape[close] && out.same; i += tile[close]) {
      from[close] = i;
      to[close] = std::min(shape[close], i + tile[close]);
      for (std::uint64_t k = 0; k < (close == n - 1 ? 1 : shape[n - 1]) && out.same; k += tile[n - 1]) {
        if (close != n - 1) {
          from[n - 1] = k;
          to[n - 1] = std::min(shape[n - 1], k + tile[n - 1]);
        }
        TRY(compare_tile(left, right, from, to, out));
      }
    }
    return {};
  }

  Result<void> compare_tile(Pages& left, Pages& right, const std::vector<std::uint64_t>& from,
                            const std::vector<std::uint64_t>& to, Sameness& out) {
    std::vector<std::uint64_t> index = from;
    std::array<std::byte, 8> a, b;
    const std::span<std::byte> x{a.data(), element_}, y{b.data(), element_};
    std::uint64_t looked_at = 0;
    while (true) {
      TRY(left.read(place(left_.tensor, index), x));
      TRY(right.read(place(right_.tensor, index), y));
      if (!is_same_element(a, b)) {
        out.same = false;
        out.differs_at = 0;
        const auto steps = tensors::c_strides(right_.tensor.shape);
        for (std::size_t i = 0; i < index.size(); ++i) out.differs_at += index[i] * steps[i];
        return {};
      }
      if (++looked_at % (1 << 16) == 0 && !ticker_(element_ << 16)) return stopped();
      auto i = index.size();
      while (i > 0 && ++index[i - 1] == to[i - 1]) {
        --i;
        index[i] = from[i];
      }
      if (i == 0) break;
    }
    if (!ticker_(looked_at % (1 << 16) * element_)) return stopped();
    return {};
  }

  /// Byte by byte of the value, the least one first, wherever each side has it.
  bool is_same_element(const std::array<std::byte, 8>& a, const std::array<std::byte, 8>& b) const {
    const auto stands_at = [](unsigned byte, unsigned unit) { return byte - byte % unit + (unit - 1 - byte % unit); };
    for (unsigned i = 0; i < element_; ++i)
      if (a[stands_at(i, left_.tensor.swap)] != b[stands_at(i, right_.tensor.swap)]) return false;
    return true;
  }

  std::uint64_t place(const Tensor& t, const std::vector<std::uint64_t>& index) const {
    std::uint64_t element = 0;
    for (std::size_t i = 0; i < index.size(); ++i) element += index[i] * t.strides[i];
    return t.begin + element * element_;
  }

  const Side& left_;
  const Side& right_;
  Ticker& ticker_;
  std::uint64_t bytes_;
  unsigned element_;
  bytes::Sha256 hash_;
};

}  // namespace

Result<std::vector<Sameness>> compare_all(const std::vector<Pair>& pairs, Ticker& ticker) {
  std::vector<Sameness> out(pairs.size());
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> error;
  const auto work = [&] {
    for (auto i = next++; i < pairs.size(); i = next++) {
      auto one = Comparing{pairs[i].left, pairs[i].right, ticker}.run();
      if (one) {
        out[i] = std::move(*one);
        continue;
      }
      const std::lock_guard lock{mutex};
      error = one.error();
      next = pairs.size();
    }
  };
  std::vector<std::thread> threads(std::clamp(std::thread::hardware_concurrency(), 1u, kMostThreads) - 1);
  for (auto& t : threads) t = std::thread{work};
  work();
  for (auto& t : threads) t.join();
  if (error) return tl::unexpected<Error>{*error};
  return out;
}

}  // namespace assay::convert
