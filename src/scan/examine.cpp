#include "scan/examine.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "bytes/crc32.h"
#include "container/member_name.h"
#include "container/sevenzip/sevenzip.h"
#include "container/stream/stream.h"
#include "container/tar/tar.h"
#include "container/zip/zip.h"
#include "format/json/json.h"
#include "format/numpy/npy.h"
#include "format/pickle/pickle.h"
#include "identify/identify.h"

namespace assay::scan {
namespace {

using bytes::Cover;
using bytes::Source;
using container::Entry;
using container::Method;
using format::MemberFacts;

constexpr std::size_t kHead = 4096;                      ///< bytes looked at to recognise a format
constexpr std::uint64_t kMostSearched = 64ull << 20;     ///< bytes of one gap in which beginnings are searched
constexpr std::size_t kMostGaps = 4096;                  ///< gaps of one member that are searched
constexpr std::uint64_t kMostChecked = 256ull << 20;     ///< bytes of a stored member whose CRC is computed

/// How a member came to be examined.
enum class Certainty : std::uint8_t {
  member,  ///< its container says that it is one
  guess,   ///< bytes that may be something: kept only when some loader could really start there
};

/// What a container wants its member read as.
struct Wanted {
  enum class Part : std::uint8_t { anything, torch_object, tar_storages, tar_tensors } part = Part::anything;
  std::map<std::string, format::torch::Storage>* storages = nullptr;  ///< out: named by a torch object
  std::string layout;                                                 ///< of the checkpoint: "zip", "tar"
  std::string refusal;  ///< why the weights-only loader refuses the container as such; may be empty
};

std::string_view name_of(Method method) {
  switch (method) {
    case Method::stored: return "stored";
    case Method::deflate: return "deflate";
    case Method::gzip: return "gzip";
    case Method::zlib: return "zlib";
    case Method::bzip2: return "bzip2";
    case Method::xz: return "xz";
    case Method::lzma: case Method::zip_lzma: return "lzma";
    case Method::zstd: return "zstd";
    case Method::lz4: return "lz4";
    case Method::unknown: return "unknown compression";
  }
  return "";
}

bool same_bytes(const Source& a, const Source& b) {
  if (a.size() != b.size()) return false;
  std::vector<std::byte> left(64 << 10), right(64 << 10);
  for (std::uint64_t at = 0; at < a.size();) {
    const auto n = a.read_at(at, left), m = b.read_at(at, right);
    if (!n || !m || *n != *m || *n == 0 || std::memcmp(left.data(), right.data(), *n) != 0) return false;
    at += *n;
  }
  return true;
}

/// Invisible or turning characters, or Latin letters mixed with ones that look like them.
bool is_deceptive(std::string_view name) {
  if (!is_utf8(name)) return false;
  if (printable(name) != name) return true;
  bool latin = false, lookalike = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    latin |= (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    lookalike |= c >= 0xcd && c <= 0xd4;  // the UTF-8 lead bytes of Greek, Cyrillic and Armenian
  }
  return latin && lookalike;
}

/// Length of the run of zeros at `begin`, up to `end`.
std::uint64_t zeros_at(const Source& source, std::uint64_t begin, std::uint64_t end) {
  std::vector<std::byte> block(64 << 10);
  for (auto at = begin; at < end;) {
    const auto n = source.read_at(at, std::span{block}.first(static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), end - at))));
    if (!n || *n == 0) return at - begin;
    for (std::size_t i = 0; i < *n; ++i)
      if (block[i] != std::byte{0}) return at + i - begin;
    at += *n;
  }
  return end - begin;
}

class Examiner {
 public:
  Examiner(const Source& root, bytes::SpoolFile& spool, const Examination& how)
      : root_{root}, spool_{spool}, how_{how}, budget_{how.limits, root.size()} {
    budget_.on_check(how.sign_of_life);
  }

  std::optional<format::Document> run() {
    document_.schema = format::kDocumentSchema;
    document_.parser = format::parser_version();
    document_.size = root_.size();
    document_.members.push_back({0, "", "file", 0, root_.size(), {}, {}});
    examine(0, root_, 0, Certainty::member, {});
    if (needs_own_cell_) return std::nullopt;
    return std::move(document_);
  }

 private:
  /// Everything that is known while one member is read.
  struct Reading {
    std::uint32_t index;
    const Source& source;
    std::uint64_t depth;
    Certainty certainty;
    MemberFacts facts;
    std::vector<std::byte> head{};
    std::vector<std::string> formats{};
    unsigned loadable = 0;  ///< formats that some loader acts on
    void recognised(std::string_view format, bool acts) {
      if (std::find(formats.begin(), formats.end(), format) != formats.end()) return;
      formats.emplace_back(format);
      loadable += acts ? 1 : 0;
    }
  };

  std::uint32_t add_member(std::uint32_t parent, std::string name, std::string role, std::uint64_t offset, std::uint64_t size) {
    document_.members.push_back({parent, std::move(name), std::move(role), offset, size, {}, {}});
    return static_cast<std::uint32_t>(document_.members.size() - 1);
  }

  /// Recognises and reads one member and all that is inside it. False where a guess came to nothing.
  bool examine(std::uint32_t index, const Source& source, std::uint64_t depth, Certainty certainty, const Wanted& wanted) {
    Reading r{index, source, depth, certainty, MemberFacts{document_, index, budget_, how_.arguments_matter}};
    const bool readable = source.size() > 0 && may_go_on(r);
    if (readable) read(r, wanted);
    if (needs_own_cell_) return true;
    if (source.size() == 0) r.recognised("empty", false);
    if (r.formats.empty() && certainty == Certainty::guess) return false;
    if (readable && r.formats.empty()) r.facts.coverage.miss(0, source.size(), "not recognised as any format");
    if (readable) read_unowned(r);
    if (r.loadable > 1) r.facts.quirk("file.polyglot", 0, joined(r.formats));
    document_.members[index].formats = std::move(r.formats);
    document_.members[index].coverage = r.facts.coverage.finish(source.size());
    if (how_.on_member) how_.on_member(index, source, document_);
    return true;
  }

  static std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& w : words) out += (out.empty() ? "" : ", ") + w;
    return out;
  }

  bool may_go_on(Reading& r) {
    auto go = budget_.check_time();
    if (go && r.depth > how_.limits.depth) go = fail(Errc::limit_reached, 0, "limit reached: depth");
    if (go) {
      auto head = bytes::read_up_to(r.source, 0, kHead);
      if (head) {
        r.head = std::move(*head);
        return true;
      }
      go = tl::unexpected<Error>{head.error()};
    }
    r.facts.stop("file", go.error());
    r.facts.coverage.miss(0, r.source.size(), go.error().what);
    r.recognised("unread", false);
    return false;
  }

  void read(Reading& r, const Wanted& wanted) {
    read_by_magic(r, wanted);
    read_archives(r);
    read_compressed(r);
    try_text_pickle(r);
    if (r.certainty == Certainty::member && r.formats.empty()) read_text(r);
    examine_nested(r);
  }

  // --- Formats that say what they are -----------------------------------------------------------

  void read_by_magic(Reading& r, const Wanted& wanted) {
    using Part = Wanted::Part;
    if (wanted.part == Part::torch_object) return read_torch_object(r, wanted);
    if (wanted.part == Part::tar_storages || wanted.part == Part::tar_tensors) {
      r.recognised("torch-tar", true);
      if (wanted.part == Part::tar_storages) format::torch::read_tar_storages(r.source, r.facts);
      else format::torch::read_tar_tensors(r.source, r.facts);
      return;
    }
    if (format::torch::starts_legacy(r.head)) return read_pickle(r);
    for (const auto& claim : identify::identify(r.source)) {
      switch (claim.use) {
        case identify::Use::readable:
          if (claim.format == "pickle") read_pickle(r);
          if (claim.format == "npy") read_npy(r);
          break;
        case identify::Use::plain:
          r.recognised(claim.format, true);  // a picture is no danger, a picture that is an archive as well is a trick
          r.facts.coverage.claim(Cover::inert, 0, claim.end);
          break;
        case identify::Use::code: case identify::Use::executable: case identify::Use::model:
          r.recognised(claim.format, true);
          r.facts.coverage.miss(0, claim.end, claim.says);
          break;
      }
    }
  }

  void read_pickle(Reading& r) {
    if (format::torch::starts_legacy(r.head)) {
      r.recognised("torch-legacy", true);
      format::torch::read_legacy(r.source, r.facts, how_.on_tensor);
      return;
    }
    if (r.certainty == Certainty::guess) {  // arrays may begin with the two bytes of a pickle
      if (format::pickle::try_one(r.source, 0, r.facts)) r.recognised("pickle", true);
      return;
    }
    r.recognised("pickle", true);
    format::pickle::read_all(r.source, 0, r.facts, true);
  }

  void read_torch_object(Reading& r, const Wanted& wanted) {
    r.recognised("pickle", true);
    format::torch::TensorSink sink{r.facts, how_.on_tensor};
    if (!wanted.refusal.empty()) sink.weights_only().refuse(0, wanted.refusal);
    const auto read = read_one(r.source, 0, r.facts, sink, false);
    r.facts.add(format::torch::summary(sink, document_.members[r.index].parent, r.index, wanted.layout));
    if (wanted.storages != nullptr) *wanted.storages = sink.storages();
    if (read.stopped) format::pickle::read_all(r.source, read.end, r.facts, false);
  }

  void read_npy(Reading& r) {
    r.recognised("npy", true);
    std::uint64_t at = 0;
    while (const auto next = read_array(r, at)) {  // numpy.save writes several to one handle
      at = *next;
      const auto head = bytes::read_up_to(r.source, at, 6);
      if (!head || bytes::text(*head) != "\x93NUMPY") break;
    }
  }

  /// The array at `at`; where it ends, if something may follow it.
  std::optional<std::uint64_t> read_array(Reading& r, std::uint64_t at) {
    const bytes::WindowSource rest{r.source, at, r.source.size() - at};
    const auto array = format::numpy::parse(rest);
    if (!array) {
      // What an evaluating reader would run: a call where a literal belongs.
      const auto text = bytes::text(bytes::View{r.head}.first(std::min<std::size_t>(r.head.size(), 1024)));
      for (auto open = text.find('('); open != text.npos; open = text.find('(', open + 1))
        if (open > 0 && std::isalnum(static_cast<unsigned char>(text[open - 1])) != 0) {
          r.facts.quirk("npy.header-odd", at + open);
          break;
        }
      r.facts.stop("npy", {array.error().code, at + array.error().offset, array.error().what});
      return std::nullopt;
    }
    const auto data = at + array->data_offset;
    r.facts.coverage.claim(Cover::parsed, at, data);
    if (array->odd_header) r.facts.quirk("npy.header-odd", at);
    const auto there = r.source.size() - data;
    if (array->dtype.has_object) {
      r.facts.quirk("npy.object-array", data);
      return there > 0 ? format::pickle::read_all(r.source, data, r.facts, true) : std::nullopt;
    }
    r.facts.coverage.claim(Cover::inert, data, data + std::min(there, array->data_bytes));
    if (array->data_bytes <= there) return data + array->data_bytes;
    r.facts.stop("npy", {Errc::truncated, r.source.size(), "the array's data ends early"});
    return std::nullopt;
  }

  // --- Archives ---------------------------------------------------------------------------------

  void read_archives(Reading& r) {
    if (container::tar::looks_like(r.head)) read_tar(r);
    if (container::sevenzip::looks_like(r.head)) read_sevenzip(r);
    if (container::zip::looks_like(r.source)) read_zip(r);
  }

  void note(Reading& r, const std::vector<container::Oddity>& oddities) {
    for (const auto& o : oddities) r.facts.quirk(o.id, o.offset, o.detail);
  }

  /// Members of one archive, and what their container still has to find out about them.
  struct Archive {
    container::Contents contents;
    std::set<std::string> doubled;                                       ///< names that stand there twice
    std::map<std::string, std::shared_ptr<Source>> first_of;             ///< of those, the first one's bytes
    std::unordered_set<std::uint64_t> flagged_encrypted;                 ///< header offsets, read plainly after all
    bool really_encrypted = false;
  };

  static Archive archive_of(container::Contents contents, std::string_view duplicate) {
    Archive a{std::move(contents), {}, {}, {}};
    for (const auto& o : a.contents.oddities)
      if (o.id == duplicate) a.doubled.insert(o.detail);
    return a;
  }

  void read_zip(Reading& r) {
    auto read = container::zip::read(r.source, budget_);
    if (stands_inside(r, read.facts)) return;
    r.recognised("zip", true);
    auto archive = archive_of(std::move(read.facts), container::zip::kDuplicate);
    take_over(r, archive.contents.coverage);
    if (read.stopped) r.facts.stop("zip", *read.stopped);
    const auto storages = read_torch_zip(r, archive);
    for (const auto& entry : archive.contents.entries) {
      if (needs_own_cell_ || out_of_budget(r)) return;
      if (entry.kind == Entry::Kind::directory || torch_objects_.contains({r.index, entry.header_offset})) continue;
      examine_entry(r, archive, entry, storages);
    }
    note_zip(r, archive, read.stopped.has_value());
  }

  /// A zip that ends a tar or a constant of a pickle is found from the end as well; it is examined there.
  static bool stands_inside(const Reading& r, const container::Contents& zip) {
    if (r.loadable == 0 || zip.entries.empty()) return false;
    const auto gaps = r.facts.coverage.gaps(r.source.size());
    return std::all_of(zip.entries.begin(), zip.entries.end(), [&](const Entry& e) {  // gaps are sorted, and do not overlap
      const auto next = std::upper_bound(gaps.begin(), gaps.end(), e.header_offset, [](std::uint64_t at, const bytes::Extent& gap) { return at < gap.begin; });
      return next == gaps.begin() || std::prev(next)->end <= e.header_offset;
    });
  }

  void note_zip(Reading& r, const Archive& archive, bool damaged) {
    for (const auto& o : archive.contents.oddities) {
      if (o.id == container::zip::kDuplicate) continue;  // judged by content, in compare_doubles
      // A flag that loaders ignore is a trick; data that nobody can read without a password is not.
      const bool believed = o.id == container::zip::kFlagEncrypted && archive.really_encrypted &&
                            !archive.flagged_encrypted.contains(o.offset);
      // Without its directory every member is one that no directory lists, and the last one ends early: damage, no trick.
      const bool orphaned = damaged && (o.id == container::zip::kLocalOnly || o.id == container::zip::kDirectoryOrphan ||
                                        o.id == container::zip::kDataOutside);
      const bool nul = o.id == container::zip::kNameEscapes && o.detail.find('\0') != o.detail.npos && o.detail.find("..") == o.detail.npos;
      if (!believed && !orphaned) r.facts.quirk(nul ? "zip.name-nul" : o.id, o.offset, o.detail);
    }
  }

  static void take_over(Reading& r, const bytes::CoverageMap& from) { r.facts.coverage.add(from); }

  bool out_of_budget(Reading& r) {
    const auto go = budget_.check_time();
    if (go && !r.facts.overflowed()) return false;
    if (!go) r.facts.stop("archive", go.error());
    r.facts.coverage.spoil("a limit was reached before this member was examined");
    return true;
  }

  /// The members that are tensor bytes, by header offset: how many of their bytes a storage owns.
  using Owned = std::unordered_map<std::uint64_t, std::uint64_t>;

  /// Reads the object pickles of a torch checkpoint and finds the records that their storages own.
  Owned read_torch_zip(Reading& r, Archive& archive) {
    Owned owned;
    std::set<std::string> roots;
    std::unordered_map<std::string_view, std::vector<const Entry*>> by_name;
    for (const auto& e : archive.contents.entries) by_name[e.name].push_back(&e);
    for (const auto& e : archive.contents.entries) {
      constexpr std::string_view kObject = "data.pkl";
      const bool at_root = e.name == kObject || (e.name.ends_with(kObject) && e.name[e.name.size() - kObject.size() - 1] == '/');
      if (!at_root || needs_own_cell_) continue;
      const auto root = e.name.substr(0, e.name.size() - kObject.size());
      if (roots.insert(root).second && roots.size() == 2) r.facts.quirk("torch.several-objects", e.header_offset, e.name);
      if (!by_name.contains(root + "version") && !by_name.contains(root + "byteorder") && !has_records(archive, root)) continue;
      std::map<std::string, format::torch::Storage> storages;
      const bool script = by_name.contains(root + "constants.pkl");
      r.recognised(script ? "torchscript" : "torch-zip", false);
      const Wanted object{Wanted::Part::torch_object, &storages, "zip",
                          script ? "a TorchScript archive: the weights-only loader refuses it" : ""};
      const auto index = examine_entry(r, archive, e, {}, object);
      torch_objects_.insert({r.index, e.header_offset});
      if (!index) continue;
      for (const auto& [key, storage] : storages) own(*index, by_name, root + "data/" + key, storage, owned);
    }
    return owned;
  }

  static bool has_records(const Archive& archive, const std::string& root) {
    return std::any_of(archive.contents.entries.begin(), archive.contents.entries.end(),
                       [&](const Entry& e) { return e.name.starts_with(root + "data/"); });
  }

  void own(std::uint32_t object, const std::unordered_map<std::string_view, std::vector<const Entry*>>& by_name,
           const std::string& record, const format::torch::Storage& storage, Owned& owned) {
    const auto found = by_name.find(record);
    const auto say = [&](std::string_view id) {
      document_.quirks.push_back({{object, storage.named_at}, 0, std::string{id}, record});
    };
    if (found == by_name.end()) return say("torch.storage-missing");
    for (const auto* e : found->second) {
      const auto size = e->method == Method::stored ? e->packed.end - e->packed.begin : e->declared_size.value_or(0);
      if (size < storage.bytes) say("torch.storage-claims-more");
      else if (e->method == Method::stored) owned[e->header_offset] = storage.bytes;
    }
  }

  /// The bytes of an entry, decompressed if need be. Nothing where they cannot be had; the reason is told then.
  std::shared_ptr<Source> open(Reading& r, Archive& archive, const Entry& entry, std::uint64_t& packed_left) {
    const auto length = entry.packed.end - entry.packed.begin;
    if (entry.method == Method::stored) return std::make_shared<bytes::WindowSource>(r.source, entry.packed.begin, length);
    if (entry.method == Method::unknown) {
      r.facts.stop("zip", {entry.encrypted ? Errc::encrypted : Errc::unsupported, entry.header_offset,
                           entry.encrypted ? "encrypted: it can be read only with its password"
                                           : "compressed with a method that Assay does not read"});
      archive.really_encrypted |= entry.encrypted;
      return nullptr;
    }
    if (!how_.third_party) {
      needs_own_cell_ = true;
      return nullptr;
    }
    bytes::Spool out{spool_};
    const auto decoded = container::stream::decode(entry.method, r.source, entry.packed, out, budget_, entry.declared_size);
    packed_left = length - std::min(length, decoded.consumed);
    const bool unreadable = entry.encrypted && decoded.stopped && decoded.produced == 0;
    if (unreadable) {
      archive.really_encrypted = true;
      r.facts.stop("zip", {Errc::encrypted, entry.header_offset, "encrypted: it can be read only with its password"});
      return nullptr;
    }
    if (decoded.stopped) r.facts.stop(name_of(entry.method), {decoded.stopped->code, entry.packed.begin, decoded.stopped->what});
    else if (entry.declared_crc32 && decoded.crc32 != *entry.declared_crc32) r.facts.quirk("zip.crc-mismatch", entry.header_offset, entry.name);
    if (!decoded.stopped && entry.declared_size && decoded.produced != *entry.declared_size)
      r.facts.quirk("zip.size-differs", entry.header_offset, entry.name);
    return out.finish();
  }

  std::optional<std::uint32_t> examine_entry(Reading& r, Archive& archive, const Entry& entry, const Owned& owned,
                                             const Wanted& wanted = {}) {
    std::uint64_t packed_left = 0;
    const auto source = open(r, archive, entry, packed_left);
    if (!source) return std::nullopt;
    if (packed_left > 0)  // behind the end of the compressed stream: nobody's bytes
      examine_hidden(r, entry.packed.end - packed_left, packed_left);
    if (is_deceptive(entry.name)) r.facts.quirk("zip.name-deceptive", entry.header_offset, entry.name);
    if (entry.kind == Entry::Kind::symlink && container::symlink_escapes(entry.name, entry.target))
      r.facts.quirk("zip.link-escapes", entry.header_offset, entry.name + " -> " + entry.target);
    examine_extra(r, entry);
    const auto index = add_member(r.index, entry.name, "zip member", entry.packed.begin, source->size());
    const auto own_bytes = owned.find(entry.header_offset);
    if (own_bytes != owned.end()) {
      examine_storage(index, *source, own_bytes->second, r.depth + 1);
      return index;
    }
    examine(index, *source, r.depth + 1, Certainty::member, wanted);
    if (entry.method == Method::stored) check_stored(r, archive, entry, *source, index);
    if (archive.doubled.contains(entry.name)) compare_doubles(r, archive, entry, source);
    return index;
  }

  /// Extra fields are nobody's business but their writer's: a place to hide a pickle in.
  void examine_extra(Reading& r, const Entry& entry) {
    constexpr std::uint64_t kHeader = 30, kUsual = 64;  // bytes; torch pads with up to 63
    const auto begin = entry.header_offset + kHeader + entry.name.size();
    if (entry.packed.begin < begin + kUsual && entry.packed.begin < begin + kHeader / 2) return;
    if (entry.packed.begin <= begin || entry.packed.begin - begin > (64 << 10)) return;
    const auto start = format::pickle::find_start(r.source, begin, entry.packed.begin, r.facts);
    if (!start || !*start) return;
    const bytes::WindowSource window{r.source, **start, entry.packed.begin - **start};
    if (examine_guess(r, window, "extra@" + std::to_string(**start), "unowned bytes", **start))
      r.facts.quirk("file.unowned-loadable", **start, "pickle");
  }

  /// A record whose bytes a tensor owns is not read. What is longer than the storage is nobody's.
  void examine_storage(std::uint32_t index, const Source& source, std::uint64_t owned, std::uint64_t depth) {
    auto& member = document_.members[index];
    member.role = "tensor storage";
    member.formats = {"tensor"};
    Reading r{index, source, depth, Certainty::member, MemberFacts{document_, index, budget_, how_.arguments_matter}};
    r.facts.coverage.claim(Cover::inert, 0, std::min(owned, source.size()));
    r.formats = {"tensor"};
    if (owned < source.size()) read_unowned(r);
    document_.members[index].coverage = r.facts.coverage.finish(source.size());
  }

  void check_stored(Reading& r, Archive& archive, const Entry& entry, const Source& source, std::uint32_t index) {
    if (entry.encrypted) {
      // The flag says encrypted, PyTorch reads plainly: if something came of that, the flag was a trick.
      const auto& formats = document_.members[index].formats;
      const bool readable = !formats.empty() && formats != std::vector<std::string>{"unread"};
      if (readable) archive.flagged_encrypted.insert(entry.header_offset);
      else {
        archive.really_encrypted = true;
        r.facts.stop("zip", {Errc::encrypted, entry.header_offset, "encrypted: it can be read only with its password"});
      }
      return;
    }
    const bool clipped = entry.declared_size && *entry.declared_size > source.size();
    if (!entry.declared_crc32 || clipped || source.size() > kMostChecked) return;
    std::vector<std::byte> block(64 << 10);
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < source.size();) {
      const auto n = source.read_at(at, block);
      if (!n || *n == 0) return;
      crc = bytes::crc32(bytes::View{block}.first(*n), crc);
      at += *n;
    }
    if (crc != *entry.declared_crc32) r.facts.quirk("zip.crc-mismatch", entry.header_offset, entry.name);
  }

  void compare_doubles(Reading& r, Archive& archive, const Entry& entry, const std::shared_ptr<Source>& source) {
    const auto [first, is_first] = archive.first_of.try_emplace(entry.name, source);
    if (is_first) return;
    const std::string container = document_.members[r.index].formats.empty() && std::find(r.formats.begin(), r.formats.end(), "tar") != r.formats.end() ? "tar" : "zip";
    r.facts.quirk(same_bytes(*first->second, *source) ? container + ".duplicate-same" : container + ".duplicate-differs",
                  entry.header_offset, entry.name);
  }

  void read_tar(Reading& r) {
    r.recognised("tar", true);
    auto read = container::tar::read(r.source, budget_);
    auto archive = archive_of(std::move(read.facts), "tar.duplicate");
    take_over(r, archive.contents.coverage);
    if (read.stopped) r.facts.stop("tar", *read.stopped);
    std::set<std::string_view> names;
    for (const auto& e : archive.contents.entries) names.insert(e.name);
    const bool torch = names.contains("storages") && names.contains("tensors") && names.contains("pickle");
    if (torch) r.facts.quirk("torch.legacy-tar", 0);
    for (const auto& e : archive.contents.entries) {
      const bool unpacked = e.name == "storages" || e.name == "tensors" || e.name == "pickle";
      if (torch && unpacked && e.kind != Entry::Kind::file) r.facts.quirk("torch.legacy-tar-link", e.header_offset, e.name);
    }
    for (const auto& entry : archive.contents.entries) {
      if (needs_own_cell_ || out_of_budget(r)) return;
      if (entry.kind != Entry::Kind::file) continue;
      Wanted wanted;
      if (torch && entry.name == "storages") wanted.part = Wanted::Part::tar_storages;
      if (torch && entry.name == "tensors") wanted.part = Wanted::Part::tar_tensors;
      const auto source = std::make_shared<bytes::WindowSource>(r.source, entry.packed.begin, entry.packed.end - entry.packed.begin);
      const auto index = add_member(r.index, entry.name, "tar member", entry.packed.begin, source->size());
      examine(index, *source, r.depth + 1, Certainty::member, wanted);
      if (archive.doubled.contains(entry.name)) compare_doubles(r, archive, entry, source);
    }
    for (const auto& o : archive.contents.oddities) {
      const bool only_absolute = o.id == "tar.name-escapes" && o.detail.starts_with('/') && o.detail.find("..") == o.detail.npos;
      if (o.id != "tar.duplicate") r.facts.quirk(only_absolute ? "tar.name-absolute" : o.id, o.offset, o.detail);
    }
  }

  void read_sevenzip(Reading& r) {
    if (!how_.third_party) {
      needs_own_cell_ = true;
      return;
    }
    r.recognised("7z", true);
    std::vector<container::Oddity> oddities;
    const auto deliver = [&](Entry entry, std::unique_ptr<Source> source) -> Result<void> {
      if (entry.encrypted) r.facts.stop("7z", {Errc::encrypted, 0, "encrypted: it can be read only with its password"});
      if (!source) return {};
      const auto index = add_member(r.index, entry.name, "7z member", 0, source->size());
      examine(index, *source, r.depth + 1, Certainty::member, {});
      return {};
    };
    const auto read = container::sevenzip::read(r.source, budget_, spool_, deliver, oddities);
    note(r, oddities);
    if (!read) r.facts.stop("7z", read.error());
    else r.facts.coverage.claim(Cover::delegated, 0, container::sevenzip::declared_length(r.head).value_or(r.source.size()));
  }

  void read_compressed(Reading& r) {
    const auto method = container::stream::recognise(r.head);
    if (!method) return;
    if (*method == Method::unknown) {
      r.recognised("lz4-legacy", true);
      r.facts.stop("lz4", {Errc::unsupported, 0, "compressed with a method that Assay does not read"});
      return;
    }
    if (!how_.third_party) {
      needs_own_cell_ = true;
      return;
    }
    if (!container::stream::confirm(*method, r.head)) return;
    r.recognised(name_of(*method), true);
    bytes::Spool out{spool_};
    const auto decoded = container::stream::decode(*method, r.source, {0, r.source.size()}, out, budget_);
    r.facts.coverage.claim(Cover::delegated, 0, decoded.consumed);
    if (decoded.stopped) r.facts.stop(name_of(*method), *decoded.stopped);
    if (decoded.checksum_failed) r.facts.quirk("stream.checksum", 0, std::string{name_of(*method)});
    if (decoded.streams > 1) r.facts.quirk("stream.concatenated", 0, std::to_string(decoded.streams));
    for (const auto& skipped : decoded.skipped) examine_hidden(r, skipped.begin, skipped.end - skipped.begin);
    const auto inside = out.finish();
    const auto index = add_member(r.index, std::string{name_of(*method)}, std::string{name_of(*method)} + " stream", 0, inside->size());
    examine(index, *inside, r.depth + 1, Certainty::member, {});
  }

  // --- Formats without magic --------------------------------------------------------------------

  void try_text_pickle(Reading& r) {
    if (format::pickle::starts_binary(r.head) || format::torch::starts_legacy(r.head) || needs_own_cell_) return;
    // Only a reading that gets somewhere counts; prose, GIF and zip can all begin like a pickle.
    if (format::pickle::read_all(r.source, 0, r.facts, false)) r.recognised("pickle", true);
  }

  void read_text(Reading& r) {
    const auto text = identify::classify_text(r.source);
    if (!text || !text->is_text) return;
    const auto first = static_cast<char>(r.head[0]);
    // A byte order mark before the brace does not stop json.load of a binary file.
    if (first == '{' || first == '[' || first == '\xef' || std::isspace(static_cast<unsigned char>(first)) != 0) {
      if (read_json(r)) return;
    }
    r.recognised(text->format, text->use != identify::Use::plain);
    if (text->use == identify::Use::plain) r.facts.coverage.claim(Cover::inert, 0, r.source.size());
    else r.facts.coverage.miss(0, r.source.size(), text->says);
  }

  bool read_json(Reading& r) {
    const auto json = format::json::read(r.source, budget_);
    if (!json.valid && json.stopped && (json.stopped->code == Errc::limit_reached || json.stopped->code == Errc::io)) {
      r.recognised("json", false);
      r.facts.stop("json", *json.stopped);
      r.facts.coverage.miss(0, r.source.size(), json.stopped->what);
      return true;
    }
    if (!json.valid) return false;
    if (json.cut) r.facts.stop("json", {Errc::limit_reached, 0, "more keys that name code than are kept"});
    r.recognised(json.notebook ? "notebook" : json.lines ? "json-lines" : "json", false);
    if (json.notebook) {
      r.facts.coverage.miss(0, r.source.size(), "a notebook: its cells are code");
      return true;
    }
    r.facts.coverage.claim(Cover::parsed, 0, r.source.size());
    for (const auto& key : json.code_keys) r.facts.quirk("json.names-code", key.offset, key.value.empty() ? key.path : key.path + " = " + key.value);
    if (json.chat_template) r.facts.quirk("json.chat-template", 0);
    for (const auto& file : json.weight_map_files) {
      document_.references.push_back({"shard", file});
      if (container::name_escapes(file)) r.facts.quirk("repo.reference-escapes", 0, file);
    }
    return true;
  }

  // --- What is inside, and what nobody owns -----------------------------------------------------

  void examine_nested(Reading& r) {
    auto nested = std::move(r.facts.nested);
    r.facts.nested.clear();
    for (auto& n : nested) {
      if (needs_own_cell_) return;
      if (!budget_.charge(bytes::Line::members, 1)) return r.facts.stop("pickle", {Errc::limit_reached, n.offset, "limit reached: members"});
      const bytes::WindowSource window{r.source, n.offset, n.length};
      examine_guess(r, n.decoded ? *n.decoded : static_cast<const Source&>(window), std::move(n.name), std::move(n.role), n.offset);
    }
  }

  /// True where some loader could start at the first byte of `source`.
  bool examine_guess(Reading& r, const Source& source, std::string name, std::string role, std::uint64_t offset) {
    const auto index = add_member(r.index, std::move(name), std::move(role), offset, source.size());
    if (examine(index, source, r.depth + 1, Certainty::guess, {})) return true;
    if (document_.members.size() == index + 1) document_.members.pop_back();
    return false;
  }

  void examine_hidden(Reading& r, std::uint64_t offset, std::uint64_t length) { search(r, offset, offset + length); }

  /// Bytes that no reader of this member claimed: zeros are padding; what a loader could start at is
  /// examined like a member; the rest is data that nobody acts on, if the member as such is understood.
  void read_unowned(Reading& r) {
    const auto gaps = r.facts.coverage.gaps(r.source.size());
    for (std::size_t i = 0; i < gaps.size(); ++i) {
      if (needs_own_cell_) return;
      if (i == kMostGaps) {
        r.facts.coverage.miss(gaps[i].begin, r.source.size(), "too many gaps to search");
        return;
      }
      const auto zeros = zeros_at(r.source, gaps[i].begin, gaps[i].end);
      r.facts.coverage.claim(Cover::padding, gaps[i].begin, gaps[i].begin + zeros);
      if (gaps[i].begin + zeros < gaps[i].end) search(r, gaps[i].begin + zeros, gaps[i].end);
    }
  }

  void search(Reading& r, std::uint64_t begin, std::uint64_t end) {
    const bool explained = r.facts.coverage.missed(begin, end);
    const auto searched = std::min(end, begin + kMostSearched);
    for (auto at = begin; at < searched;) {
      // At the member's own start every format had its chance already.
      const auto start = next_start(r, std::max<std::uint64_t>(at, 1), searched, at == begin && at > 0);
      if (!start) {
        r.facts.stop("unowned bytes", start.error());
        return r.facts.coverage.miss(at, end, start.error().what);
      }
      if (!*start) break;
      const auto from = **start;
      const bytes::WindowSource window{r.source, from, end - from};
      const auto members_before = document_.members.size();
      if (examine_guess(r, window, "unowned@" + std::to_string(from), "unowned bytes", from)) {
        r.facts.quirk("file.unowned-loadable", from, joined(document_.members[members_before].formats));
        r.facts.coverage.claim(Cover::delegated, from, end);
        if (from > begin && !explained) r.facts.coverage.claim(Cover::inert, begin, from);
        return;  // the found member accounts for the rest of the gap
      }
      at = from + 1;
    }
    if (explained) return;
    if (searched < end) return r.facts.coverage.miss(searched, end, "a gap too large to search");
    r.facts.quirk("file.unowned-bytes", begin, std::to_string(end - begin));
    r.facts.coverage.claim(Cover::inert, begin, end);
  }

  Result<std::optional<std::uint64_t>> next_start(Reading& r, std::uint64_t at, std::uint64_t end, bool first) {
    if (first) {
      const auto head = TRY(bytes::read_up_to(r.source, at, 512));
      if (!identify::loadable_magic(head).empty() || format::pickle::starts_with_name(head)) return std::optional{at};
    }
    return format::pickle::find_start(r.source, at, end, r.facts);
  }

  const Source& root_;
  bytes::SpoolFile& spool_;
  const Examination& how_;
  bytes::Budget budget_;
  format::Document document_;
  bool needs_own_cell_ = false;
  std::set<std::pair<std::uint32_t, std::uint64_t>> torch_objects_;  ///< (zip member, header offset) already read
};

}  // namespace

std::optional<format::Document> examine(const Source& source, bytes::SpoolFile& spool, const Examination& how) {
  return Examiner{source, spool, how}.run();
}

}  // namespace assay::scan
