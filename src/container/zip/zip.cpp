#include "container/zip/zip.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "bytes/reader.h"
#include "container/zip/directory.h"
#include "container/zip/joined.h"

namespace assay::container::zip {
namespace {

using bytes::Cover;
using bytes::Extent;
using bytes::View;

constexpr std::size_t kHeaderAhead = 4 << 10;     // bytes read at a time where headers may lie far apart
constexpr std::size_t kDirectoryAhead = 1 << 20;  // and where they follow each other
constexpr std::size_t kBlock = 64 << 10;          // of a gap, searched at a time
constexpr std::uint64_t kLargestGap = 64ull << 20;
constexpr std::uint64_t kGapEdge = 1ull << 20;       // searched at either end of a larger gap
constexpr std::uint64_t kMostSearched = 1ull << 30;  // bytes of gaps, all together
constexpr std::uint64_t kMostPadding = 64ull << 10;
constexpr std::uint64_t kMostTargetBytes = 4096;
constexpr std::uint64_t kMostDescriptorBytes = 24;
constexpr std::uint64_t kHeaderSlack = 8ull << 20;  // bytes; headers may amount to twice (archive + slack)
constexpr std::uint16_t kMethodAes = 99;

Entry::Kind kind_of(const Central& record) noexcept {
  switch (record.external >> 28) {  // the file type of a Unix mode
    case 1:
    case 2:
    case 6:
    case 12: return Entry::Kind::device;
    case 10: return Entry::Kind::symlink;
    default: return Entry::Kind::file;
  }
}

/// All readings of one archive, while they are collected.
class Survey {
 public:
  Survey(const bytes::Source& source, bytes::Budget& budget)
      : source_{source},
        budget_{budget},
        size_{source.size()},
        headers_{source, kHeaderAhead},
        records_{source, kDirectoryAhead} {}

  Parsed<Contents> run() {
    read_directories();
    walk_forward();
    claim_known();
    search_gaps();
    walk_forward();
    close_open_members();
    claim_known();
    join_readings(out_.entries, open_headers_, oddities_);
    claim_padding();
    out_.oddities = oddities_.finish();
    keep_failure_of(headers_);
    keep_failure_of(records_);
    return {std::move(out_), stopped_};
  }

 private:
  /// The number that a record gives, and where its bytes lie: one reading of one member.
  struct Reading {
    std::string_view name;
    std::uint64_t header_at = 0;
    std::uint64_t begin = 0;  // of the data
    std::uint64_t packed = 0;
    std::uint16_t method = 0;
    bool encrypted = false;
    Entry::Kind kind = Entry::Kind::file;
    std::optional<std::uint64_t> size;
    std::optional<std::uint32_t> crc32;
  };

  struct Walked {
    std::uint64_t begin, end, bias;
  };

  // --- the directories -------------------------------------------------------------------------

  void read_directories() {
    auto ends = find_ends(source_, records_);
    if (ends.empty()) return stop({Errc::truncated, size_, "no end of central directory"});
    if (ends.size() > kMostEnds) {
      stop({Errc::limit_reached, ends.back(), "too many end records"});
      ends.pop_back();
    }
    for (const auto at : ends) read_ending(follow_end(headers_, at), at == ends.front());
    if (walked_.empty() && !saw_empty_) stop({Errc::malformed, ends.front(), "no directory where the end record says"});
    report_directories();
  }

  void read_ending(const Ending& ending, bool last) {
    std::vector<Directory> mine;
    for (const auto& d : ending.directories)
      if (!lies_in_a_member(d, ending)) mine.push_back(d);
    // Four bytes that look like an end record are nothing by themselves, except where CPython takes the last ones.
    if (mine.empty() && !last) return;
    for (const auto& record : ending.records) parsed_.push_back(record);
    if (ending.zip64_odd) oddities_.note(kZip64Odd, ending.at, "end records");
    if (ending.end.many_disks) oddities_.note(kMultiDisk, ending.at, "");
    if (mine.empty()) oddities_.note(kDirectoryMissing, ending.at, "");
    for (const auto& d : mine) walk_directory(d, false);
  }

  /// A stored zip as last member has its end record in our tail. Whoever reads that member meets it
  /// again, so it is left out here, but only where all of it is that member's own.
  bool lies_in_a_member(const Directory& d, const Ending& ending) {
    if (size_ - ending.at - kEndBytes == ending.end.comment) return false;  // some loaders ask for just that
    if (owned_.size() != out_.entries.size()) {
      owned_.clear();
      for (const auto& e : out_.entries) owned_.push_back(e.packed);
      std::sort(owned_.begin(), owned_.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    }
    auto next = std::upper_bound(owned_.begin(), owned_.end(), d.begin,
                                 [](std::uint64_t at, const Extent& e) { return at < e.begin; });
    return next != owned_.begin() && (--next)->end >= ending.at + kEndBytes;
  }

  void walk_directory(const Directory& d, bool orphan) {
    if (d.declared_bytes == 0 && d.declared_count == 0 && !orphan) saw_empty_ = true;
    const bool known = std::any_of(walked_.begin(), walked_.end(),
                                   [&](const Walked& w) { return w.bias == d.bias && d.begin == w.begin; });
    if (known) return;
    auto at = d.begin;
    std::uint64_t count = 0;
    for (; !spent_; ++count) {
      const auto need = central_bytes(records_.at(at, kCentralBytes));
      if (need == 0) break;
      if (!charge_headers(need, at)) break;
      const auto record = parse_central(records_.at(at, need));
      if (!record) {
        stop({record.error().code, at, record.error().what});
        break;
      }
      add_listed(*record, at, d.bias, orphan);
      at += need;
    }
    if (count == 0) return;
    walked_.push_back({d.begin, at, d.bias});
    if (!orphan) compare_with_promise(d, at, count);
    parsed_.push_back({d.begin, at});
  }

  void compare_with_promise(const Directory& d, std::uint64_t end, std::uint64_t count) {
    const auto seen = d.classic ? count & 0xffff : count;
    if (seen != d.declared_count && !(d.classic && d.declared_count == 0xffff))
      oddities_.note(kCountDiffers, d.begin, numbers(d.declared_count, count));
    if (end - d.begin == d.declared_bytes) return;
    oddities_.note(kDirectorySize, d.begin, numbers(d.declared_bytes, end - d.begin));
    if (!spent_ && end - d.begin < d.declared_bytes) stop({Errc::malformed, end, "directory ends early"});
  }

  void report_directories() {
    if (saw_empty_ && !walked_.empty()) oddities_.note(kDirectoriesDiffer, walked_[0].begin, "none listed");
    for (std::size_t i = 1; i < walked_.size(); ++i)
      oddities_.note(kDirectoriesDiffer, walked_[i].begin, numbers(walked_[0].begin, walked_[i].begin));
  }

  // --- members ---------------------------------------------------------------------------------

  /// One directory record: the local header is where the directory says, counted from the archive's
  /// beginning or from the file's.
  void add_listed(const Central& record, std::uint64_t at, std::uint64_t bias, bool orphan) {
    if (!charge_member(at)) return;
    oddities_.check_name(record, at);
    if (record.disk != 0 && record.disk != 0xffff) oddities_.note(kMultiDisk, at, cut(record.name));
    const auto adjusted = record.header_offset + bias;  // modulo 2^64, as loaders do; then compared with the size
    // The record is borrowed from records_, and the local header is read through headers_.
    if (add_at(record, adjusted)) return;
    if (bias != 0 && add_at(record, record.header_offset))
      return oddities_.note(kOffsetOdd, record.header_offset, cut(record.name));
    if (orphan) return;
    oddities_.note(kLocalMissing, at, cut(record.name));
    stop({Errc::malformed, at, "no local header where the directory says"});
  }

  bool add_at(const Central& record, std::uint64_t header_at) {
    const auto local = local_at(header_at);
    if (!local) {
      if (local.error().code == Errc::truncated) stop({Errc::truncated, header_at, local.error().what});
      return false;
    }
    add_member(record, *local, header_at);
    return true;
  }

  Result<Local> local_at(std::uint64_t at) {
    const auto need = local_bytes(headers_.at(at, kLocalBytes));
    if (!charge_headers(need, at)) return fail(Errc::limit_reached, at, "headers overlap too often");
    return parse_local(headers_.at(at, std::max(need, kLocalBytes)));
  }

  void add_member(const Central& record, const Local& local, std::uint64_t header_at) {
    if (walked_from_start_) found_.insert(header_at);
    else locals_.push_back(header_at);
    parsed_.push_back({header_at, header_at + local.bytes});
    oddities_.compare(record, local, header_at);
    Reading reading;
    reading.name = record.name;
    reading.header_at = header_at;
    reading.begin = header_at + local.bytes;
    reading.packed = record.packed;
    reading.method = record.method;
    reading.encrypted = is_marked_encrypted(record) || is_marked_encrypted(local);
    reading.kind = kind_of(record);
    reading.size = record.size;
    reading.crc32 = record.crc32;
    push(reading);
    add_other_readings(reading, record, local);
    const auto stream_bytes = local.packed != 0 ? local.packed : record.packed;
    ends_.push_back(end_of_stream(local, reading.begin, stream_bytes, local.size != 0 ? local.size : record.size));
  }

  /// The bytes that a loader gets which believes another of the member's numbers.
  void add_other_readings(const Reading& first, const Central& record, const Local& local) {
    auto other = first;
    other.method = local.method;
    other.packed = local.packed != 0 ? local.packed : record.packed;
    if (local.size != 0) other.size = local.size;
    if (other.method != first.method || other.packed != first.packed) push(other);
    for (const auto& alt : {record.packed_alt, local.packed_alt}) {
      if (!alt || *alt == 0 || *alt == first.packed) continue;
      other = first;
      other.packed = *alt;
      push(other);
    }
    // miniz copies `size` bytes of a stored member, CPython `packed` bytes.
    const bool cipher_head = (record.flags & kFlagEncryptedBit) != 0 && record.packed - record.size == 12;
    if (record.method != 0 || record.size == record.packed || record.size == 0 || cipher_head) return;
    oddities_.note(kSizesDiffer, first.header_at, cut(record.name));
    other = first;
    other.packed = record.size;
    push(other);
  }

  static bool is_marked_encrypted(const Stated& stated) {
    return (stated.flags & kFlagEncryptedBit) != 0 || stated.method == kMethodAes;
  }

  /// False when a limit bit.
  bool push(const Reading& reading) {
    if (spent_) return false;
    Entry entry;
    entry.name = cut(reading.name);
    if (entry.name.size() > kMostNames - name_bytes_) {
      spent_ = true;
      stop({Errc::limit_reached, reading.header_at, "member names too long together"});
      return false;
    }
    name_bytes_ += entry.name.size();
    entry.method = to_method(reading.method);
    entry.encrypted = reading.encrypted;
    entry.header_offset = reading.header_at;
    entry.packed = clipped(reading);
    entry.declared_size = reading.size;
    entry.declared_crc32 = reading.crc32;
    settle_kind(entry, reading);
    out_.entries.push_back(std::move(entry));
    return true;
  }

  /// `begin` is inside the archive: the header before it was read.
  Extent clipped(const Reading& reading) {
    if (reading.packed <= size_ - reading.begin) return {reading.begin, reading.begin + reading.packed};
    oddities_.note(kDataOutside, reading.header_at, cut(reading.name));
    stop({Errc::truncated, size_, "member ends after the archive"});
    return {reading.begin, size_};
  }

  void settle_kind(Entry& entry, const Reading& reading) {
    entry.kind = reading.kind;
    if (entry.kind == Entry::Kind::device) oddities_.note(kDevice, entry.header_offset, entry.name);
    if (entry.kind == Entry::Kind::symlink) {
      entry.target = target_of(entry);
      oddities_.note(kLink, entry.header_offset, entry.name + " / " + entry.target);
    }
    if (entry.kind != Entry::Kind::file || !reading.name.ends_with('/')) return;
    // Data behind a directory's name would be skipped by every scanner that believes the name.
    if (entry.packed.begin == entry.packed.end) entry.kind = Entry::Kind::directory;
    else if (reading.packed != 2 || entry.method != Method::deflate)  // an empty deflate stream
      oddities_.note(kDirectoryData, entry.header_offset, entry.name);
  }

  std::string target_of(const Entry& entry) {
    const auto length = entry.packed.end - entry.packed.begin;
    if (entry.method != Method::stored || length > kMostTargetBytes) return {};
    // Not through headers_: the local header that we are in the middle of is borrowed from there.
    const auto target = bytes::read_up_to(source_, entry.packed.begin, length);
    return target ? std::string{bytes::text(*target)} : std::string{};
  }

  // --- local headers, as a reader of a stream meets them ---------------------------------------

  /// Where the next header would be. Claims the data descriptor on the way.
  std::uint64_t end_of_stream(const Local& local, std::uint64_t begin, std::uint64_t packed, std::uint64_t size) {
    if (packed >= size_ - begin) return size_;
    const auto end = begin + packed;
    if ((local.flags & kFlagDescriptorBit) == 0) return end;
    const auto descriptor = headers_.at(end, kMostDescriptorBytes);  // `local.name` dangles from here on
    const auto length = descriptor_bytes(descriptor, packed, size);
    if (length != 0) parsed_.push_back({end, end + length});
    else oddities_.note(kDescriptorDiffers, begin - local.bytes, "");
    return end + length;
  }

  /// From offset 0 and from every member's end on, as far as header follows header.
  void walk_forward() {
    std::sort(locals_.begin(), locals_.end());
    if (!walked_from_start_) ends_.push_back(0);
    walked_from_start_ = true;
    while (!ends_.empty() && !spent_) {
      const auto at = ends_.back();
      ends_.pop_back();
      if (!is_known(at)) add_unlisted(at, false);
    }
    ends_.clear();
  }

  bool is_known(std::uint64_t local) const {
    return std::binary_search(locals_.begin(), locals_.end(), local) || found_.contains(local);
  }

  /// A member that only its local header knows; false where there is none. A guess must look like
  /// the work of a real writer, or data that merely holds the signature would become members.
  bool add_unlisted(std::uint64_t at, bool guess) {
    if (at >= size_) return false;
    const auto local = local_at(at);
    if (!local || (guess && !plausible(*local)) || !charge_member(at)) return false;
    found_.insert(at);
    parsed_.push_back({at, at + local->bytes});
    oddities_.check_name(*local, at);
    oddities_.check(*local, at);
    oddities_.note(kLocalOnly, at, cut(local->name));
    Reading reading;
    reading.name = local->name;
    reading.header_at = at;
    reading.begin = at + local->bytes;
    reading.packed = local->packed;
    reading.method = local->method;
    reading.encrypted = is_marked_encrypted(*local);
    const bool open = (local->flags & kFlagDescriptorBit) != 0 && local->packed == 0;
    if (!open) {
      reading.size = local->size;
      reading.crc32 = local->crc32;
    }
    if (!push(reading)) return false;
    if (open) open_.emplace(reading.begin, out_.entries.size() - 1);
    else ends_.push_back(end_of_stream(*local, reading.begin, local->packed, local->size));
    return true;
  }

  // --- bytes that nobody owns ------------------------------------------------------------------

  /// The coverage of everything found so far. Neighbours come in order, so that claims merge.
  void claim_known() {
    std::sort(parsed_.begin(), parsed_.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (const auto& e : parsed_) out_.coverage.claim(Cover::parsed, e.begin, e.end);
    parsed_.clear();
    std::vector<Extent> data;
    for (auto i = claimed_; i < out_.entries.size(); ++i) data.push_back(out_.entries[i].packed);
    claimed_ = out_.entries.size();
    std::sort(data.begin(), data.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (const auto& e : data) out_.coverage.claim(Cover::delegated, e.begin, e.end);
  }

  void search_gaps() {
    for (const auto& gap : out_.coverage.gaps(size_)) {
      const auto length = gap.end - gap.begin;
      if (length <= kLargestGap && length <= kMostSearched - searched_) {
        search(gap.begin, gap.end);
        continue;
      }
      const auto edge = searched_ < kMostSearched ? std::min(kGapEdge, length / 2) : 0;
      search(gap.begin, gap.begin + edge);
      search(gap.end - edge, gap.end);
      out_.coverage.miss(gap.begin + edge, gap.end - edge, "gap too large to search");
    }
  }

  void search(std::uint64_t begin, std::uint64_t end) {
    std::vector<std::byte> block(kBlock);
    while (begin < end && !spent_) {
      if (!in_time(begin)) return;
      const auto want = std::min<std::uint64_t>(kBlock, end - begin);
      const auto got = source_.read_at(begin, std::span{block}.first(static_cast<std::size_t>(want)));
      if (!got) return stop(got.error());
      if (*got < 4) return;
      searched_ = std::min(kMostSearched, searched_ + *got);
      begin = search_block(View{block}.first(*got), begin, end);
    }
  }

  /// Returns where to go on: behind a member that was found, else so that a signature across the
  /// block's end is seen again.
  std::uint64_t search_block(View block, std::uint64_t at, std::uint64_t end) {
    std::size_t i = 0;
    while (i + 4 <= block.size()) {
      const auto* hit = std::memchr(block.data() + i, 'P', block.size() - 3 - i);
      if (hit == nullptr) break;
      i = static_cast<std::size_t>(static_cast<const std::byte*>(hit) - block.data());
      const auto next = try_signature(signature(block.subspan(i)), at + i, end);
      if (next > at + i) return next;
      ++i;
    }
    return at + block.size() == end ? end : at + block.size() - 3;
  }

  /// Returns where the search goes on after what stands at `at`; `at` itself where that is nothing.
  std::uint64_t try_signature(std::uint32_t sign, std::uint64_t at, std::uint64_t end) {
    if (sign == kDescriptorSignature) return close_at(at);
    if (sign == kLocalSignature && !is_known(at) && add_unlisted(at, true)) {
      close_before(at);
      const auto& packed = out_.entries.back().packed;
      return std::max(at + 1, std::min(packed.end, end));
    }
    if (sign != kCentralSignature) return at;
    const auto known = walked_.size();
    walk_directory({at, 0, 1, 1, 0, true}, true);
    if (walked_.size() == known) return at;
    close_before(at);
    oddities_.note(kDirectoryOrphan, at, "");
    return walked_.back().end;
  }

  // --- members whose size stands behind them ---------------------------------------------------

  /// `at` is a descriptor's signature; it ends an open member when its size is the distance to it. That
  /// can be forged inside a member's data, so something that a stream reader expects must follow.
  std::uint64_t close_at(std::uint64_t at) {
    const auto descriptor = headers_.at(at, kMostDescriptorBytes);
    for (const std::size_t width : {8u, 4u}) {
      const auto length = 8 + 2 * width;
      if (descriptor.size() < length) continue;
      if (!close_member(descriptor.subspan(8), width, at, at + length)) continue;
      parsed_.push_back({at, at + length});
      return at + length;
    }
    return at;
  }

  /// `at` is a header; a descriptor without a signature may stand before it.
  void close_before(std::uint64_t at) {
    for (const std::size_t width : {8u, 4u}) {
      const auto length = 4 + 2 * width;
      if (at < length) continue;
      const auto descriptor = headers_.at(at - length, length);
      if (descriptor.size() < length || !close_member(descriptor.subspan(4), width, at - length, at)) continue;
      parsed_.push_back({at - length, at});
      return;
    }
  }

  bool close_member(View sizes, std::size_t width, std::uint64_t data_end, std::uint64_t next) {
    const auto number = [&](std::size_t i) {
      return width == 8 ? bytes::le_at<std::uint64_t>(sizes, i * 8) : bytes::le_at<std::uint32_t>(sizes, i * 4);
    };
    const auto packed = number(0);
    const auto size = number(1);
    if (packed > data_end) return false;
    const auto open = open_.find(data_end - packed);
    if (open == open_.end()) return false;
    const auto follows = signature(headers_.at(next, 4));
    if (next < size_ && follows != kLocalSignature && follows != kCentralSignature) return false;
    auto& entry = out_.entries[open->second];
    entry.packed.end = data_end;
    entry.declared_size = size;
    out_.coverage.claim(Cover::delegated, entry.packed.begin, data_end);
    open_.erase(open);
    return true;
  }

  void close_open_members() {
    std::vector<std::uint64_t> walls = locals_;
    for (const auto& w : walked_) walls.push_back(w.begin);
    walls.push_back(size_);
    std::sort(walls.begin(), walls.end());
    for (const auto& [begin, index] : open_) {
      auto& entry = out_.entries[index];
      entry.packed.end = *std::lower_bound(walls.begin(), walls.end(), begin);  // begin <= size_, the last wall
      out_.coverage.claim(Cover::delegated, begin, entry.packed.end);
      open_headers_.insert(entry.header_offset);
    }
  }

  void claim_padding() {
    for (const auto& gap : out_.coverage.gaps(size_)) {
      const auto length = gap.end - gap.begin;
      if (length > kMostPadding || length > kMostSearched - padding_read_ || !in_time(gap.begin)) continue;
      padding_read_ += length;
      const auto read = bytes::read_exactly(source_, gap.begin, length);
      if (!read) return stop(read.error());
      if (std::all_of(read->begin(), read->end(), [](std::byte b) { return b == std::byte{0}; }))
        out_.coverage.claim(Cover::padding, gap.begin, gap.end);
    }
  }

  // --- bookkeeping -----------------------------------------------------------------------------

  bool charge_member(std::uint64_t at) {
    if (spent_) return false;
    if (auto charged = budget_.charge(bytes::Line::members, 1, at); !charged) {
      spent_ = true;
      stop(charged.error());
      return false;
    }
    return (++members_ % 1024) != 0 || in_time(at);
  }

  /// A byte of a header is read once in an honest archive. A million records that point into the same
  /// long names must not cost a million times 128 KiB.
  bool charge_headers(std::uint64_t bytes, std::uint64_t at) {
    header_bytes_ += bytes;
    if (header_bytes_ / 2 <= size_ + kHeaderSlack) return true;
    spent_ = true;
    stop({Errc::limit_reached, at, "headers overlap too often"});
    return false;
  }

  bool in_time(std::uint64_t at) {
    const auto left = budget_.check_time(at);
    if (left) return true;
    spent_ = true;
    stop(left.error());
    return false;
  }

  void stop(const Error& error) {
    if (!stopped_) stopped_ = error;
  }

  /// A disk that failed explains what damage does not: it is the reason that counts.
  void keep_failure_of(const Window& window) {
    if (window.failed()) stopped_ = window.failed();
  }

  const bytes::Source& source_;
  bytes::Budget& budget_;
  const std::uint64_t size_;
  Window headers_;
  Window records_;

  Contents out_;
  Oddities oddities_;
  std::optional<Error> stopped_;
  bool spent_ = false;      // a limit bit: nothing more is looked for
  bool saw_empty_ = false;  // an end record says, credibly, that there are no members
  bool walked_from_start_ = false;

  std::vector<Walked> walked_;                           // directories, the first one that of the last end record
  std::vector<Extent> parsed_;                           // headers and records not yet claimed
  std::vector<Extent> owned_;                            // members' data by offset, for lies_in_a_member
  std::vector<std::uint64_t> locals_;                    // offsets of local headers that a directory lists
  std::unordered_set<std::uint64_t> found_;              // offsets of those that none lists
  std::vector<std::uint64_t> ends_;                      // where a stream reader would look for a header next
  std::unordered_map<std::uint64_t, std::size_t> open_;  // data offset -> entry without a size yet
  std::unordered_set<std::uint64_t> open_headers_;
  std::size_t claimed_ = 0;  // entries whose data is in the coverage
  std::uint64_t members_ = 0;
  std::uint64_t name_bytes_ = 0;
  std::uint64_t header_bytes_ = 0;  // parsed, each time counted
  std::uint64_t searched_ = 0;      // bytes of gaps
  std::uint64_t padding_read_ = 0;
};

}  // namespace

bool looks_like(const bytes::Source& source) {
  Window in{source, kHeaderAhead};
  if (signature(in.at(0, 4)) == kLocalSignature) return true;
  auto ends = find_ends(source, in);
  ends.resize(std::min(ends.size(), kMostEnds));
  return std::any_of(ends.begin(), ends.end(), [&](std::uint64_t at) {
    const auto ending = follow_end(in, at);
    return std::any_of(ending.directories.begin(), ending.directories.end(), [&](const Directory& d) {
      return d.declared_bytes > 0 || source.size() - at - kEndBytes == ending.end.comment;
    });
  });
}

Parsed<Contents> read(const bytes::Source& source, bytes::Budget& budget) { return Survey{source, budget}.run(); }

}  // namespace assay::container::zip
