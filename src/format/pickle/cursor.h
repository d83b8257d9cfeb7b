// Reads a pickle's bytes forwards through a fixed buffer, inside the walls of the current frame.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/source.h"

namespace assay::format::pickle {

/// Copyable, so that a reading can be forked; the copy shares the source and owns its own buffer.
class Cursor {
 public:
  static constexpr std::size_t kBuffer = 256 << 10;  ///< bytes
  static constexpr std::size_t kFirstBlock = 4 << 10;
  static constexpr std::size_t kMostContiguous = 64 << 10;
  enum class Got : std::uint8_t { yes, end_of_source, end_of_frame, broken };

  Cursor(const bytes::Source& source, std::uint64_t offset) : source_{&source}, size_{source.size()} { seek(offset); }
  Cursor(const Cursor& other)
      : source_{other.source_},
        size_{other.size_},
        frame_end_{other.frame_end_},
        cut_from_{other.cut_from_},
        cut_to_{other.cut_to_} {
    seek(other.offset());
  }
  Cursor& operator=(const Cursor&) = delete;

  std::uint64_t offset() const { return offset_of(here_); }
  std::uint64_t size() const { return size_; }
  const Error& error() const { return error_; }

  /// Whether `n` bytes stand at here() already.
  bool has(std::size_t n) const { return static_cast<std::size_t>(wall_ - here_) >= n; }
  /// Makes the next `n` <= kMostContiguous bytes readable at here().
  Got need(std::size_t n) {
    if (has(n)) [[likely]]
      return Got::yes;
    return need_slowly(n);
  }
  const std::uint8_t* here() const { return here_; }
  void advance(std::size_t n) { here_ += n; }
  /// For a loop that keeps here() in a register: where the bytes end that it may read, ...
  const std::uint8_t* wall() const { return wall_; }
  /// ... the offset of a place between here() and there, ...
  std::uint64_t offset_of(const std::uint8_t* p) const { return base_ + static_cast<std::uint64_t>(p - begin_); }
  /// ... and the place at which it stopped.
  void move_to(const std::uint8_t* p) { here_ = p; }

  /// Whether `n` more bytes exist inside the source and the frame; crosses the end of a finished frame.
  Got reach(std::uint64_t n);
  /// Passes over `n` bytes that reach() has confirmed.
  void skip(std::uint64_t n) {
    if (n <= static_cast<std::uint64_t>(wall_ - here_)) here_ += n;
    else seek(offset() + n);
  }

  /// The bytes up to the next newline, which is passed over. Got::broken without an error() where the line is longer
  /// than kMostContiguous; pass_line() reads such a one.
  Got line(std::string_view& out);
  /// Passes over a line of any length and its newline; its length without that. Where there is none, stays where it is.
  Got pass_line(std::uint64_t& bytes);

  void seek(std::uint64_t offset);

  /// From here on [offset(), end) is the frame.
  void enter_frame(std::uint64_t end) {
    frame_end_ = end;
    raise_wall();
  }
  bool in_frame() const { return frame_end_ != 0 && offset() < frame_end_; }
  std::uint64_t frame_end() const { return frame_end_; }
  void leave_frame() {
    frame_end_ = 0;
    raise_wall();
  }

  /// The file loader's reading: on reaching `from`, reading goes on at `to`.
  void cut(std::uint64_t from, std::uint64_t to) {
    cut_from_ = from;
    cut_to_ = to;
    frame_end_ = 0;
    raise_wall();
  }

 private:
  Got need_slowly(std::size_t n);
  bool fill(std::size_t least);
  void raise_wall();
  void pass_frame_end();

  const bytes::Source* source_;
  std::uint64_t size_;
  std::vector<std::uint8_t> buffer_;
  std::size_t block_ = kFirstBlock;  ///< bytes that the next fill() asks for
  const std::uint8_t* begin_ = nullptr;
  const std::uint8_t* here_ = nullptr;
  const std::uint8_t* end_ = nullptr;   ///< of the buffered bytes
  const std::uint8_t* wall_ = nullptr;  ///< end_, or where the frame or the cut stands, if that is nearer
  std::uint64_t base_ = 0;              ///< offset of begin_
  std::uint64_t frame_end_ = 0;         ///< 0: no frame
  std::uint64_t cut_from_ = ~std::uint64_t{0};
  std::uint64_t cut_to_ = 0;
  Error error_{};
};

}  // namespace assay::format::pickle
