// The only file that calls libarchive.
#include "container/sevenzip/sevenzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <iconv.h>
#include <locale.h>

#include <algorithm>
#include <exception>
#include <set>
#include <string>

#include "bytes/reader.h"
#include "container/member_name.h"

namespace assay::container::sevenzip {
namespace {

constexpr std::size_t kBlock = 256 << 10;  // bytes
constexpr std::uint64_t kMostNameBytes = 64ull << 20;
constexpr std::string_view kSevenZip{"7z\xbc\xaf\x27\x1c", 6};
constexpr std::string_view kRar{"Rar!\x1a\x07", 6};
constexpr std::uint64_t kStartHeader = 32;             // bytes
constexpr std::uint64_t kMostListBytes = 64ull << 20;  // of a 7z list of members; the library reads it in one piece

/// libarchive turns names into the thread's locale, and in the C locale it turns them into "?". Locale and
/// converters are files, which a cell may not open, so both are held from prepare() on.
struct NameConversion {
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  iconv_t from_sevenzip = iconv_open("UTF-8", "UTF-16LE");
  iconv_t from_rar = iconv_open("UTF-8", "UTF-16BE");
};

const NameConversion& name_conversion() {
  static const NameConversion held;
  return held;
}

class Utf8Names {
 public:
  Utf8Names() noexcept : before_{uselocale(name_conversion().utf8)} {}
  ~Utf8Names() { uselocale(before_); }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;

 private:
  locale_t before_;
};

/// Feeds the library from a Source; its C callbacks know nothing else.
class Feed {
 public:
  Feed(const bytes::Source& source, bytes::Budget& budget) : source_{source}, budget_{budget}, block_(kBlock) {}

  std::uint64_t at() const noexcept { return at_; }
  /// Why the last callback refused, where that was not the library's own opinion.
  const std::optional<Error>& error() const noexcept { return error_; }

  static la_ssize_t on_read(archive*, void* self, const void** block) noexcept {
    return static_cast<Feed*>(self)->next(block);
  }
  static la_int64_t on_skip(archive*, void* self, la_int64_t n) noexcept { return static_cast<Feed*>(self)->skip(n); }
  static la_int64_t on_seek(archive*, void* self, la_int64_t offset, int whence) noexcept {
    return static_cast<Feed*>(self)->seek(offset, whence);
  }

 private:
  la_ssize_t next(const void** block) noexcept {
    if (const auto time = budget_.check_time(at_); !time) return refuse(time.error());
    const auto got = source_.read_at(at_, block_);
    if (!got) return refuse(got.error());
    *block = block_.data();
    at_ += *got;
    return static_cast<la_ssize_t>(*got);
  }

  la_int64_t skip(la_int64_t n) noexcept {
    const auto possible = std::min(static_cast<std::uint64_t>(std::max<la_int64_t>(n, 0)), source_.size() - at_);
    at_ += possible;
    return static_cast<la_int64_t>(possible);
  }

  la_int64_t seek(la_int64_t offset, int whence) noexcept {
    const auto size = static_cast<la_int64_t>(source_.size());
    const auto base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? static_cast<la_int64_t>(at_) : size;
    if (offset > size - base || offset < -base) return ARCHIVE_FATAL;
    at_ = static_cast<std::uint64_t>(base + offset);
    return base + offset;
  }

  la_ssize_t refuse(const Error& error) noexcept {
    error_ = error;
    return ARCHIVE_FATAL;
  }

  const bytes::Source& source_;
  bytes::Budget& budget_;
  std::vector<std::byte> block_;
  std::uint64_t at_ = 0;
  std::optional<Error> error_;
};

/// The library reserves whatever size the first 32 bytes name, before it looks whether the file is that long.
Result<void> check_start(const bytes::Source& source) {
  const auto head = TRY(bytes::read_up_to(source, 0, kStartHeader));
  if (!looks_like(head)) return fail(Errc::malformed, 0, "neither 7z nor rar");
  if (bytes::text(head).starts_with(kRar)) return {};
  const auto length = declared_length(head);
  if (!length || *length > source.size())
    return fail(Errc::truncated, 0, "the list of members lies outside the 7z file");
  if (bytes::le_at<std::uint64_t>(head, 20) > kMostListBytes)
    return fail(Errc::limit_reached, 0, "the 7z list of members is longer than 64 MiB");
  return {};
}

struct Free {
  void operator()(archive* a) const noexcept { archive_read_free(a); }
};

std::string text_or_empty(const char* utf8, const char* raw) { return utf8 ? utf8 : raw ? raw : ""; }

Entry::Kind kind_of(archive_entry* e) {
  if (archive_entry_hardlink(e)) return Entry::Kind::hardlink;
  switch (archive_entry_filetype(e)) {
    case AE_IFDIR: return Entry::Kind::directory;
    case AE_IFLNK: return Entry::Kind::symlink;
    case AE_IFREG:
    case 0: return Entry::Kind::file;
    default: return Entry::Kind::device;
  }
}

Entry entry_of(archive_entry* e) {
  Entry out;
  out.name = text_or_empty(archive_entry_pathname_utf8(e), archive_entry_pathname(e));
  out.kind = kind_of(e);
  if (out.kind == Entry::Kind::symlink)
    out.target = text_or_empty(archive_entry_symlink_utf8(e), archive_entry_symlink(e));
  if (out.kind == Entry::Kind::hardlink)
    out.target = text_or_empty(archive_entry_hardlink_utf8(e), archive_entry_hardlink(e));
  if (archive_entry_size_is_set(e) && archive_entry_size(e) >= 0)
    out.declared_size = static_cast<std::uint64_t>(archive_entry_size(e));
  out.encrypted = archive_entry_is_encrypted(e) != 0;
  return out;
}

class Reading {
 public:
  Reading(const bytes::Source& source, bytes::Budget& budget, bytes::SpoolFile& spool_file, const Deliver& deliver,
          std::vector<Oddity>& oddities)
      : feed_{source, budget}, budget_{budget}, spool_file_{spool_file}, deliver_{deliver}, oddities_{oddities} {}

  Result<void> run() {
    TRY(open());
    while (TRY(next_member())) {
    }
    if (first_) return tl::unexpected<Error>{*first_};
    return {};
  }

 private:
  Result<void> open() {
    auto* const a = archive_.get();
    if (!a) return fail(Errc::limit_reached, 0, "no memory for an archive reader");
    archive_read_support_format_7zip(a);
    archive_read_support_format_rar(a);
    archive_read_support_format_rar5(a);
    archive_read_set_read_callback(a, Feed::on_read);
    archive_read_set_skip_callback(a, Feed::on_skip);
    archive_read_set_seek_callback(a, Feed::on_seek);
    archive_read_set_callback_data(a, &feed_);
    if (archive_read_open1(a) < ARCHIVE_WARN) return refuse("not an archive that is read");
    return {};
  }

  /// False behind the last member.
  Result<bool> next_member() {
    archive_entry* raw = nullptr;
    const int code = archive_read_next_header(archive_.get(), &raw);
    if (code == ARCHIVE_EOF) return false;
    if (code == ARCHIVE_RETRY || code < ARCHIVE_WARN) {
      // A damaged member is reported instead of end of file only once: the rest cannot be trusted.
      if (first_) return tl::unexpected<Error>{*first_};
      return refuse(archive_read_has_encrypted_entries(archive_.get()) > 0 ? "the list of members is encrypted"
                                                                           : "damaged archive");
    }
    TRY(budget_.charge(bytes::Line::members, 1, feed_.at()));
    auto entry = entry_of(raw);
    TRY(note_name(entry));
    const bool has_data = entry.kind == Entry::Kind::file && !entry.encrypted;
    std::unique_ptr<bytes::Source> data;
    bool more = true;
    if (has_data) data = TRY(read_data(entry, more));
    TRY(deliver_(std::move(entry), std::move(data)));
    if (!more) return tl::unexpected<Error>{*first_};
    return true;
  }

  /// What could be read; `more` is false where the archive is unreadable from here on.
  Result<std::unique_ptr<bytes::Source>> read_data(const Entry& entry, bool& more) {
    bytes::Spool spool{spool_file_};
    for (;;) {
      const void* block = nullptr;
      std::size_t n = 0;
      la_int64_t offset = 0;
      const int code = archive_read_data_block(archive_.get(), &block, &n, &offset);
      if (code == ARCHIVE_EOF) break;
      // A wrong checksum comes as a warning or a failure behind the last block, which was kept already.
      if (code == ARCHIVE_WARN && says("CRC")) {
        odd("sevenzip.checksum", entry.name);
        if (n == 0) break;
      } else if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
        if (code == ARCHIVE_RETRY) continue;
        more = code != ARCHIVE_FATAL;
        if (says("checksum") || says("CRC")) odd("sevenzip.checksum", entry.name);
        remember(error("damaged archive member"));
        break;
      }
      if (n > 0 && static_cast<std::uint64_t>(offset) != spool.size()) {
        remember(Error{Errc::malformed, feed_.at(), "archive member with holes"});
        break;
      }
      const auto kept = keep(spool, {static_cast<const std::byte*>(block), n});
      if (!kept) {
        remember(kept.error());
        more = false;
        break;
      }
    }
    return spool.finish();
  }

  Result<void> keep(bytes::Spool& spool, bytes::View block) {
    TRY(budget_.charge(bytes::Line::inflated_bytes, block.size(), feed_.at()));
    TRY(budget_.check_time(feed_.at()));
    return spool.append(block);
  }

  Result<void> note_name(const Entry& entry) {
    const auto cost = entry.name.size() + entry.target.size();
    if (cost > name_bytes_left_)
      return fail(Errc::limit_reached, feed_.at(), "more than 64 MiB of archive member names");
    name_bytes_left_ -= cost;
    if (name_escapes(entry.name)) odd("sevenzip.name-escapes", entry.name);
    if (entry.kind == Entry::Kind::device) odd("sevenzip.device", entry.name);
    if (entry.kind == Entry::Kind::symlink || entry.kind == Entry::Kind::hardlink) {
      const bool leaves =
          entry.kind == Entry::Kind::symlink ? symlink_escapes(entry.name, entry.target) : name_escapes(entry.target);
      odd(leaves ? "sevenzip.link-escapes" : "sevenzip.link", entry.name + " -> " + entry.target);
    }
    if (!names_.insert(entry.name).second && entry.kind != Entry::Kind::directory)
      odd("sevenzip.duplicate", entry.name);
    return {};
  }

  bool says(std::string_view word) const {
    const char* const message = archive_error_string(archive_.get());
    return message && std::string_view{message}.find(word) != std::string_view::npos;
  }

  Error error(std::string_view otherwise) const {
    if (feed_.error()) return *feed_.error();
    if (says("ncrypt") || says("Crypto")) return {Errc::encrypted, feed_.at(), "encrypted archive"};
    if (says("allocate") || says("memory"))
      return {Errc::limit_reached, feed_.at(), "no memory for the archive's dictionary"};
    if (says("nsupported") || says("not supported"))
      return {Errc::unsupported, feed_.at(), "archive with an unknown method"};
    if (says("runcated")) return {Errc::truncated, feed_.at(), "the archive ends early"};
    return {Errc::malformed, feed_.at(), otherwise};
  }

  tl::unexpected<Error> refuse(std::string_view otherwise) const { return tl::unexpected<Error>{error(otherwise)}; }

  void remember(const Error& e) {
    if (!first_) first_ = e;
  }

  void odd(std::string_view id, std::string detail) { oddities_.push_back({id, 0, std::move(detail)}); }

  Feed feed_;
  bytes::Budget& budget_;
  bytes::SpoolFile& spool_file_;
  const Deliver& deliver_;
  std::vector<Oddity>& oddities_;
  std::unique_ptr<archive, Free> archive_{archive_read_new()};
  std::set<std::string> names_;
  std::uint64_t name_bytes_left_ = kMostNameBytes;
  std::optional<Error> first_;
};

}  // namespace

void prepare() { name_conversion(); }

bool looks_like(bytes::View head) {
  const auto start = bytes::text(head.first(std::min(head.size(), kSevenZip.size())));
  return start == kSevenZip || start == kRar;
}

std::optional<std::uint64_t> declared_length(bytes::View head) {
  if (head.size() < kStartHeader || bytes::text(head.first(kSevenZip.size())) != kSevenZip) return std::nullopt;
  const auto offset = bytes::le_at<std::uint64_t>(head, 12), size = bytes::le_at<std::uint64_t>(head, 20);
  constexpr auto most = UINT64_MAX - kStartHeader;
  if (offset > most || size > most - offset) return std::nullopt;
  return kStartHeader + offset + size;
}

Result<void> read(const bytes::Source& source, bytes::Budget& budget, bytes::SpoolFile& spool_file,
                  const Deliver& deliver, std::vector<Oddity>& oddities) {
  TRY(check_start(source));
  const Utf8Names names;
  try {
    return Reading{source, budget, spool_file, deliver, oddities}.run();
  } catch (const std::exception&) {
    return fail(Errc::limit_reached, 0, "no memory for the archive's members");
  }
}

}  // namespace assay::container::sevenzip
