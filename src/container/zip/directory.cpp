#include "container/zip/directory.h"

#include <algorithm>
#include <cstring>

#include "bytes/reader.h"

namespace assay::container::zip {
namespace {

/// A record whose texts run over the file's end is one to CPython, which takes what there is of them.
bool begins_well(Window& in, const Directory& d) {
  if (d.declared_bytes == 0 && d.declared_count == 0) return d.begin == d.end;
  return central_bytes(in.at(d.begin, kCentralBytes)) != 0;
}

void add(Window& in, Ending& out, const Directory& d) {
  const bool known = std::any_of(out.directories.begin(), out.directories.end(), [&](const Directory& other) {
    return other.begin == d.begin && other.bias == d.bias;
  });
  if (!known && begins_well(in, d)) out.directories.push_back(d);
}

/// Both beliefs about one record: that the directory ends where the record begins (CPython, Java), and
/// that it begins where the record says (miniz).
void add_both(Window& in, Ending& out, std::uint64_t at, const End& end, bool classic) {
  if (end.size <= at) {
    const auto begin = at - end.size;
    add(in, out, {begin, at, end.size, end.count, begin - end.offset, classic});
  }
  add(in, out, {end.offset, at, end.size, end.count, 0, classic});
}

bool contradicts(std::uint64_t classic, std::uint64_t wide, std::uint64_t see_wide) {
  return classic != see_wide && classic != wide;
}

bool follow_end64(Window& in, Ending& out, std::uint64_t at) {
  const auto record = parse_end64(in.at(at, kEnd64Bytes));
  if (!record) return false;
  out.records.push_back({at, at + record->bytes});
  out.end.many_disks |= record->many_disks;
  out.zip64_odd |= contradicts(out.end.count, record->count, 0xffff) ||
                   contradicts(out.end.size, record->size, 0xffffffff) ||
                   contradicts(out.end.offset, record->offset, 0xffffffff);
  add_both(in, out, at, *record, false);
  return true;
}

/// The zip64 record stands where the locator says (miniz), or right before the locator (CPython).
void follow_locator(Window& in, Ending& out) {
  if (out.at < kLocatorBytes) return;
  const auto locator_at = out.at - kLocatorBytes;
  const auto locator = in.at(locator_at, kLocatorBytes);
  if (locator.size() < kLocatorBytes || signature(locator) != kLocatorSignature) return;
  const auto told = bytes::le_at<std::uint64_t>(locator, 8);
  out.records.push_back({locator_at, out.at});
  const auto before = locator_at - kEnd64Bytes;
  const bool as_told = follow_end64(in, out, told);
  const bool just_before = locator_at >= kEnd64Bytes && before != told && follow_end64(in, out, before);
  // A prefix makes the locator wrong and the other place right. Two records, or none, were made by hand.
  out.zip64_odd |= as_told == just_before;
}

}  // namespace

std::vector<std::uint64_t> find_ends(const bytes::Source& source, Window& in) {
  const auto begin = source.size() - std::min(source.size(), kTailBytes);
  const auto tail = in.at(begin, kTailBytes);
  std::vector<std::uint64_t> out;
  if (tail.size() < kEndBytes) return out;
  for (auto left = tail.first(tail.size() - kEndBytes + 1); out.size() <= kMostEnds;) {
    const auto* p = static_cast<const std::byte*>(::memrchr(left.data(), 'P', left.size()));
    if (p == nullptr) break;
    left = left.first(static_cast<std::size_t>(p - left.data()));
    if (signature(tail.subspan(left.size())) == kEndSignature) out.push_back(begin + left.size());
  }
  return out;
}

Ending follow_end(Window& in, std::uint64_t at) {
  Ending out;
  out.at = at;
  const auto end = parse_end(in.at(at, kEndBytes));
  if (!end) return out;
  out.end = *end;
  out.records.push_back({at, at + kEndBytes});
  follow_locator(in, out);
  add_both(in, out, at, out.end, true);
  return out;
}

}  // namespace assay::container::zip
