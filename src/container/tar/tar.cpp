#include "container/tar/tar.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "container/member_name.h"
#include "container/tar/header.h"

namespace assay::container::tar {
namespace {

using bytes::Cover;

constexpr std::size_t kZeroChunk = 64 << 10;
constexpr std::size_t kMostPath =
    4096;  // bytes that an operating system takes; a name of a million slashes leads nowhere

bool all_zero(bytes::View v) {
  return std::all_of(v.begin(), v.end(), [](std::byte b) { return b == std::byte{0}; });
}

/// Types whose data Python steps over: files, and every type that it does not know.
bool owns_data(char type) { return std::string_view{"123456"}.find(type) == std::string_view::npos; }

Entry::Kind kind_of(const Header& header) {
  switch (header.type) {
    case '1': return Entry::Kind::hardlink;
    case '2': return Entry::Kind::symlink;
    case '3':
    case '4':
    case '6': return Entry::Kind::device;
    case '5': return Entry::Kind::directory;
    case '\0':
      return header.name.ends_with('/') ? Entry::Kind::directory : Entry::Kind::file;  // v7 has no type for folders
    default: return Entry::Kind::file;
  }
}

std::string_view without_dot_slash(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  while (name.ends_with('/')) name.remove_suffix(1);
  return name;
}

class Archive {
 public:
  Archive(const bytes::Source& source, bytes::Budget& budget) : source_{source}, budget_{budget} {}

  Parsed<Contents> read() {
    Parsed<Contents> out;
    if (auto done = read_blocks(); !done) out.stopped = done.error();
    note_duplicates();
    out.facts = std::move(contents_);
    return out;
  }

 private:
  Result<void> read_blocks() {
    while (at_ < source_.size()) {
      TRY(budget_.charge(bytes::Line::members, 1, at_));
      TRY(budget_.check_time(at_));
      const auto got = TRY(source_.read_at(at_, block_));
      const auto block = bytes::View{block_}.first(got);
      if (all_zero(block)) {
        TRY(skip_zeros());
        ended_ = true;
        continue;
      }
      if (ended_ && !looks_like(block)) return {};  // trailing bytes of somebody else's; they stay unclaimed
      if (got < kBlock) return fail(Errc::truncated, at_, "the archive ends inside a header");
      TRY(read_member(block));
    }
    return {};
  }

  Result<void> read_member(bytes::View block) {
    auto header = TRY(parse_header(block, at_));
    if (!header.checksum_right) {
      odd("tar.checksum", at_, {});
      return fail(Errc::malformed, at_, "wrong header checksum");
    }
    if (ended_ && !concatenated_) {
      concatenated_ = true;
      odd("tar.concatenated", at_, {});
    }
    const auto header_at = at_;
    claim(Cover::parsed, kBlock);
    switch (header.type) {
      case 'L': return read_long(header, pending_.name);
      case 'K': return read_long(header, pending_.target);
      case 'x':
      case 'X':
      case 'g': return read_pax(header);
      default: return add_entry(std::move(header), header_at);
    }
  }

  /// GNU: the whole data is the name of the next member.
  Result<void> read_long(const Header& header, std::optional<std::string>& into) {
    const auto begin = at_;
    const auto data = TRY(read_extended(header));
    const auto text = bytes::text(data);
    return override(into, std::string{text.substr(0, text.find('\0'))}, begin);
  }

  Result<void> read_pax(const Header& header) {
    const auto begin = at_;
    auto said = TRY(parse_pax(TRY(read_extended(header)), begin));
    auto& into = header.type == 'g' ? global_ : pending_;
    if (header.type == 'g') {  // the last one counts
      if (said.name) into.name.reset();
      if (said.target) into.target.reset();
      if (said.size) into.size.reset();
    }
    if (said.name) TRY(override(into.name, std::move(*said.name), begin));
    if (said.target) TRY(override(into.target, std::move(*said.target), begin));
    if (said.size && !into.size) into.size = said.size;
    into.sparse = into.sparse || said.sparse;
    return {};
  }

  /// Python works from the member outwards, so the first of several headers has the last word; GNU tar
  /// works forwards.
  Result<void> override(std::optional<std::string>& into, std::string value, std::uint64_t at) {
    TRY(charge_name(value.size(), at));
    if (!into) into = std::move(value);
    else if (*into != value) odd("tar.name-differs", at, std::move(value));
    return {};
  }

  Result<std::vector<std::byte>> read_extended(const Header& header) {
    if (header.size > kMostExtended) return fail(Errc::limit_reached, at_, "extended tar header longer than 1 MiB");
    auto data = TRY(bytes::read_exactly(source_, at_, header.size));
    claim(Cover::parsed, header.size);
    TRY(skip_padding(header.size));
    return data;
  }

  Result<void> add_entry(Header header, std::uint64_t header_at) {
    const auto said = std::exchange(pending_, {});
    Entry entry;
    entry.kind = kind_of(header);
    entry.header_offset = header_at;
    entry.name = said.name ? *said.name : global_.name ? *global_.name : std::move(header.name);
    if (entry.kind == Entry::Kind::hardlink || entry.kind == Entry::Kind::symlink)
      entry.target = said.target ? *said.target : global_.target ? *global_.target : std::move(header.target);
    const bool owns = owns_data(header.type) && entry.kind != Entry::Kind::directory;
    const auto size = said.size ? *said.size : global_.size.value_or(header.size);
    // Old readers know no pax header. A size that the octal field could hold, and does not, is two archives in one.
    constexpr std::uint64_t kMostOctal = (1ull << 33) - 1;
    if (size != header.size && size <= kMostOctal) odd("tar.size-differs", header_at, entry.name);
    TRY(charge_name(entry.name.size() + entry.target.size(), header_at));

    if (!header.short_name.empty() && !said.name) odd("tar.name-differs", header_at, header.short_name);
    if (said.sparse || global_.sparse || header.type == 'S') odd("tar.sparse", header_at, entry.name);
    if (header.extended_sparse) TRY(skip_sparse_map());
    if (!owns) {
      if (size != 0) odd("tar.size-ignored", header_at, entry.name);
      entry.packed = {at_, at_};
    } else {
      entry.declared_size = size;
      entry.packed = {at_, at_ + std::min(size, source_.size() - at_)};
    }
    note_name(entry);
    const auto packed = entry.packed;
    contents_.entries.push_back(std::move(entry));

    claim(Cover::delegated, packed.end - packed.begin);
    if (owns && packed.end - packed.begin < size) return fail(Errc::truncated, at_, "the archive ends inside a member");
    return skip_padding(packed.end - packed.begin);
  }

  void note_name(const Entry& entry) {
    const auto at = entry.header_offset;
    if (name_escapes(entry.name)) odd("tar.name-escapes", at, entry.name);
    if (leads_through_link(entry.name)) odd("tar.through-link", at, entry.name);
    if (entry.kind == Entry::Kind::device) odd("tar.device", at, entry.name);
    if (entry.kind == Entry::Kind::symlink) {
      odd(symlink_escapes(entry.name, entry.target) ? "tar.link-escapes" : "tar.link", at,
          entry.name + " -> " + entry.target);
      if (entry.name.size() <= kMostPath) links_.emplace(without_dot_slash(entry.name));
    }
    if (entry.kind == Entry::Kind::hardlink)  // counted from the root, not from the member's folder
      odd(name_escapes(entry.target) || leads_through_link(entry.target) ? "tar.link-escapes" : "tar.link", at,
          entry.name + " -> " + entry.target);
  }

  /// A link "a" and a member "a/b": each harmless alone, and together a way out.
  bool leads_through_link(std::string_view name) const {
    if (links_.empty()) return false;
    name = without_dot_slash(name.substr(0, kMostPath));
    for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1))
      if (links_.contains(name.substr(0, slash))) return true;
    return false;
  }

  /// 512-byte blocks of 21 pairs each; the last but seven bytes say whether another follows.
  Result<void> skip_sparse_map() {
    for (bool more = true; more;) {
      TRY(budget_.check_time(at_));
      const auto block = TRY(bytes::read_exactly(source_, at_, kBlock));
      claim(Cover::parsed, kBlock);
      more = block[504] != std::byte{0};
    }
    return {};
  }

  Result<void> skip_padding(std::uint64_t data_bytes) {
    const auto n = std::min((kBlock - data_bytes % kBlock) % kBlock, source_.size() - at_);
    if (n == 0) return {};
    const auto padding = TRY(bytes::read_exactly(source_, at_, n));
    if (all_zero(padding)) claim(Cover::padding, n);
    else at_ += n;  // somebody put bytes there: they stay unclaimed
    return {};
  }

  /// The end marker and the fill to the record size, block by block.
  Result<void> skip_zeros() {
    std::vector<std::byte> chunk(kZeroChunk);
    while (at_ < source_.size()) {
      TRY(budget_.check_time(at_));
      const auto got = bytes::View{chunk}.first(TRY(source_.read_at(at_, chunk)));
      const auto data = std::find_if(got.begin(), got.end(), [](std::byte b) { return b != std::byte{0}; });
      const auto zeros = static_cast<std::uint64_t>(data - got.begin());
      claim(Cover::padding, data == got.end() ? zeros : zeros / kBlock * kBlock);
      if (data != got.end() || got.empty()) return {};
    }
    return {};
  }

  /// Two members of one name: Python's getmember and extract take the last, others the first.
  void note_duplicates() {
    const auto& entries = contents_.entries;
    std::vector<std::uint32_t> order(entries.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto name = [&](std::uint32_t i) { return without_dot_slash(entries[i].name); };
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return name(a) < name(b); });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const auto& entry = entries[order[i]];
      const bool both_folders =
          entry.kind == Entry::Kind::directory && entries[order[i - 1]].kind == Entry::Kind::directory;
      if (name(order[i]) == name(order[i - 1]) && !both_folders) odd("tar.duplicate", entry.header_offset, entry.name);
    }
  }

  Result<void> charge_name(std::uint64_t n, std::uint64_t at) {
    if (n > name_bytes_left_) return fail(Errc::limit_reached, at, "more than 64 MiB of tar member names");
    name_bytes_left_ -= n;
    return {};
  }

  void claim(Cover cover, std::uint64_t n) {
    contents_.coverage.claim(cover, at_, at_ + n);
    at_ += n;
  }

  /// Copies of names cost as much as names. Where they no longer fit, the next member stops the reading.
  void odd(std::string_view id, std::uint64_t at, std::string detail) {
    if (!charge_name(detail.size(), at)) name_bytes_left_ = 0, detail.clear();
    contents_.oddities.push_back({id, at, std::move(detail)});
  }

  const bytes::Source& source_;
  bytes::Budget& budget_;
  Contents contents_;
  std::array<std::byte, kBlock> block_{};
  std::uint64_t at_ = 0;
  std::uint64_t name_bytes_left_ = kMostNameBytes;
  Overrides pending_, global_;
  std::set<std::string, std::less<>> links_;  // names of symbolic links so far
  bool ended_ = false;                        // the end marker was seen
  bool concatenated_ = false;
};

}  // namespace

bool looks_like(bytes::View head) {
  if (head.size() < kBlock) return false;
  head = head.first(kBlock);
  if (bytes::text(head.subspan(257, 5)) == "ustar") return true;
  if (all_zero(head)) return false;
  const auto header = parse_header(head, 0);
  return header && header->checksum_right;
}

Parsed<Contents> read(const bytes::Source& source, bytes::Budget& budget) { return Archive{source, budget}.read(); }

}  // namespace assay::container::tar
