#include "format/pickle/cursor.h"

#include <cstring>

namespace assay::format::pickle {

void Cursor::seek(std::uint64_t offset) {
  offset = std::min(offset, size_);
  const auto all = source_->in_memory();
  if (!all.empty()) {
    begin_ = reinterpret_cast<const std::uint8_t*>(all.data());
    base_ = 0;
    end_ = begin_ + all.size();
    here_ = begin_ + offset;
  } else if (begin_ != nullptr && offset >= base_ && offset - base_ <= static_cast<std::uint64_t>(end_ - begin_)) {
    here_ = begin_ + (offset - base_);
  } else {
    base_ = offset;
    begin_ = here_ = end_ = buffer_.data();
  }
  raise_wall();
}

void Cursor::raise_wall() {
  wall_ = end_;
  const auto lower = [&](std::uint64_t at) {
    if (at < base_ + static_cast<std::uint64_t>(end_ - begin_))
      wall_ = std::min(wall_, begin_ + (at > base_ ? at - base_ : 0));
  };
  if (frame_end_ != 0) lower(frame_end_);
  if (cut_from_ != ~std::uint64_t{0}) lower(cut_from_);
  wall_ = std::max(wall_, here_);
}

bool Cursor::fill(std::size_t least) {
  if (!source_->in_memory().empty()) return false;  // everything is there already
  const auto at = offset();
  const auto kept = static_cast<std::size_t>(end_ - here_);
  // A little first, then more: a stream of a million tiny pickles must not be read a million times over.
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(block_, kept + least), size_));
  block_ = std::min(block_ * 8, kBuffer);
  if (kept > 0 && wanted <= buffer_.size()) std::memmove(buffer_.data(), here_, kept);
  else if (kept > 0) buffer_ = std::vector<std::uint8_t>(here_, end_);
  buffer_.resize(std::max(wanted, kept));
  auto got = source_->read_at(at + kept, std::as_writable_bytes(std::span{buffer_}.subspan(kept)));
  const auto n = got ? *got : 0;
  if (!got) error_ = got.error();
  buffer_.resize(kept + n);
  base_ = at;
  begin_ = here_ = buffer_.data();
  end_ = begin_ + buffer_.size();
  raise_wall();
  return n > 0;
}

void Cursor::pass_frame_end() {
  if (frame_end_ != 0 && offset() >= frame_end_) leave_frame();
  if (offset() == cut_from_) {
    cut_from_ = ~std::uint64_t{0};
    seek(cut_to_);
  }
}

Cursor::Got Cursor::need_slowly(std::size_t n) {
  pass_frame_end();
  if (static_cast<std::size_t>(wall_ - here_) >= n) return Got::yes;
  if (frame_end_ != 0 && frame_end_ - offset() < n) {
    return size_ - offset() < n ? Got::end_of_source : Got::end_of_frame;
  }
  while (static_cast<std::size_t>(wall_ - here_) < n)
    if (!fill(n)) return error_.what.empty() ? Got::end_of_source : Got::broken;
  return Got::yes;
}

Cursor::Got Cursor::reach(std::uint64_t n) {
  if (n <= static_cast<std::uint64_t>(wall_ - here_)) return Got::yes;
  pass_frame_end();
  if (n > size_ - offset()) return Got::end_of_source;
  if (frame_end_ != 0 && n > frame_end_ - offset()) return Got::end_of_frame;
  return Got::yes;
}

Cursor::Got Cursor::line(std::string_view& out) {
  if (wall_ == here_) pass_frame_end();
  std::size_t searched = 0;
  while (true) {
    const auto left = static_cast<std::size_t>(wall_ - here_);
    if (left > searched) {
      if (const auto* nl = static_cast<const std::uint8_t*>(std::memchr(here_ + searched, '\n', left - searched))) {
        out = {reinterpret_cast<const char*>(here_), static_cast<std::size_t>(nl - here_)};
        if (out.size() > kMostContiguous) return Got::broken;
        here_ = nl + 1;
        return Got::yes;
      }
    }
    searched = left;
    if (searched > kMostContiguous) return Got::broken;
    const auto got = need_slowly(searched + 1);
    if (got != Got::yes) return got;
  }
}

Cursor::Got Cursor::pass_line(std::uint64_t& bytes) {
  const auto start = offset();
  while (true) {
    if (wall_ == here_) {
      const bool at_frame_end = frame_end_ != 0 && offset() >= frame_end_;
      if (at_frame_end || !fill(1)) {
        seek(start);
        return at_frame_end && frame_end_ < size_ ? Got::end_of_frame
               : error_.what.empty()              ? Got::end_of_source
                                                  : Got::broken;
      }
    }
    const auto left = static_cast<std::size_t>(wall_ - here_);
    const auto* newline = static_cast<const std::uint8_t*>(std::memchr(here_, '\n', left));
    here_ = newline != nullptr ? newline + 1 : wall_;
    if (newline == nullptr) continue;
    bytes = offset() - start - 1;
    return Got::yes;
  }
}

}  // namespace assay::format::pickle
