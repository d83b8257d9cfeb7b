#include "container/stream/decoder.h"

#include <algorithm>
#include <cstring>

namespace assay::container::stream {

Result<bytes::View> Input::ahead(std::size_t least) {
  if (end_ - begin_ < std::min<std::uint64_t>(least, left())) {
    // Once per block, so that a range of a million empty streams cannot outlast the artifact's time.
    TRY(budget_.check_time(at_));
    if (block_ == nullptr) {
      room_ = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, packed_.size()));
      block_ = std::make_unique_for_overwrite<std::byte[]>(room_);
    }
    std::memmove(block_.get(), block_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    end_ += TRY(packed_.read_at(at_ + end_, std::span{block_.get(), room_}.subspan(end_)));
    if (end_ < std::min<std::uint64_t>(least, left()))
      return fail(Errc::changed, at_, "the file shrank while it was read");
  }
  return bytes::View{block_.get(), end_}.subspan(begin_);
}

void Input::advance(std::uint64_t n) noexcept {
  n = std::min(n, left());
  at_ += n;
  if (n < end_ - begin_) begin_ += static_cast<std::size_t>(n);
  else begin_ = end_ = 0;
}

Result<std::uint8_t> Input::byte() {
  const auto head = TRY(ahead());
  if (head.empty()) return fail(Errc::truncated, at_, "the compressed stream ends in its header");
  const auto value = static_cast<std::uint8_t>(head[0]);
  advance(1);
  return value;
}

Result<std::uint32_t> Input::le16() {
  const std::uint32_t low = TRY(byte());
  const std::uint32_t high = TRY(byte());
  return low | high << 8;
}

Result<std::uint32_t> Input::le32() {
  const auto low = TRY(le16());
  const auto high = TRY(le16());
  return low | high << 16;
}

Result<void> Input::skip(std::uint64_t n) {
  const bool enough = n <= left();
  advance(n);
  if (!enough) return fail(Errc::truncated, at_, "the compressed stream ends in its header");
  return {};
}

Result<void> Output::deliver(std::size_t n, std::uint64_t at) {
  if (n == 0) return {};
  const auto bytes = bytes::View{block_.get(), n};
  TRY(budget_.charge(bytes::Line::inflated_bytes, n, at));
  TRY(budget_.check_time(at));
  TRY(spool_.append(bytes));
  stream_crc32_ = crc32_of(stream_crc32_, bytes);
  stream_bytes_ += n;
  produced_ += n;
  return {};
}

void Output::begin_stream() noexcept {
  earlier_crc32_ = crc32();
  stream_crc32_ = 0;
  stream_bytes_ = 0;
}

std::uint32_t Output::crc32() const noexcept {
  return produced_ == stream_bytes_ ? stream_crc32_ : crc32_joined(earlier_crc32_, stream_crc32_, stream_bytes_);
}

void Skipped::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end || end - begin < kLeastSkipped) return;
  if (extents_.size() < kMostSkipped) extents_.push_back({begin, end});
  else extents_.back().end = end;
}

}  // namespace assay::container::stream
