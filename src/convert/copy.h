// Moves the bytes of one tensor from where they lie to where they belong, in C order and little-endian.
//
// What lies in one piece goes from file to file inside the kernel; everything else through buffers of at most kBuffers
// bytes, whatever the tensor's size. Holes of sparse files stay holes.
#pragma once
#include <cstdint>

#include "convert/ticker.h"
#include "tensors/tensors.h"

namespace assay::convert {

inline constexpr std::size_t kBuffers = 24 << 20;  ///< bytes

/// Thrown away and begun anew for each thread; keeps its buffers from one tensor to the next.
class Copier {
 public:
  /// `to` must be empty where bytes are written: what the source has as a hole is not written at all.
  Copier(int to, Ticker& ticker) : to_{to}, ticker_{ticker} {}

  /// Errc::io where the system refuses (in its words), Errc::changed where `from` became shorter, Errc::limit_reached
  /// where the ticker says stop.
  Result<void> copy(const tensors::Tensor& tensor, int from, std::uint64_t offset);

 private:
  struct Dimension {
    std::uint64_t count;
    std::uint64_t stride;  ///< elements, in the source
    std::uint64_t step;    ///< elements, in the product
  };

  Result<void> copy_range(int from, std::uint64_t at, std::uint64_t length, std::uint64_t to);
  Result<void> copy_data(int from, std::uint64_t at, std::uint64_t length, std::uint64_t to);
  Result<void> copy_through_buffer(int from, std::uint64_t at, std::uint64_t length, std::uint64_t to);
  Result<void> copy_strided(const tensors::Tensor& tensor, int from, std::uint64_t offset);
  /// One stretch of the product, filled from wherever its elements lie.
  Result<void> fill(std::span<const Dimension> box, std::uint64_t at, int from);
  Result<void> fill_from_span(std::span<const Dimension> box, std::uint64_t at, std::uint64_t span, int from);
  Result<void> fill_by_runs(std::span<const Dimension> box, std::uint64_t at, int from);

  int to_;
  Ticker& ticker_;
  std::uint64_t element_ = 1;  ///< bytes
  std::vector<std::byte> block_, span_;
  bool in_kernel_ = true;  ///< copy_file_range() works between these files
};

/// Reads exactly out.size() bytes.
Result<void> read_fully(int descriptor, std::uint64_t at, std::span<std::byte> out);
Result<void> write_fully(int descriptor, std::uint64_t at, std::span<const std::byte> bytes);
Result<void> set_size(int descriptor, std::uint64_t bytes);

}  // namespace assay::convert
