#include <cstring>

#include "base/text.h"
#include "bytes/crc32.h"
#include "container/member_name.h"
#include "container/zip/zip.h"
#include "format/pickle/pickle.h"
#include "identify/identify.h"
#include "scan/examiner.h"

namespace assay::scan {

using bytes::Cover;
using bytes::Source;
using container::Method;
using format::MemberFacts;

namespace {

constexpr std::uint64_t kMostChecked = 256ull << 20;  ///< bytes of a stored member whose CRC is computed

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

}  // namespace

void Examiner::read_zip(Reading& r) {
  auto read = container::zip::read(r.source, budget_);
  if (stands_inside(r, read.facts)) return;
  r.recognised("zip", true);
  auto archive = archive_of(std::move(read.facts), container::zip::kDuplicate);
  r.facts.coverage.add(archive.contents.coverage);
  if (read.stopped) r.facts.stop("zip", *read.stopped);
  note_programs(r, archive.contents);
  const auto storages = read_torch_zip(r, archive);
  for (const auto& entry : archive.contents.entries) {
    if (needs_own_cell_ || out_of_budget(r)) return;
    if (entry.kind == Entry::Kind::directory || torch_objects_.contains({r.index, entry.header_offset})) continue;
    examine_entry(r, archive, entry, storages);
  }
  note_zip(r, archive, read.stopped.has_value());
}

/// What makes a zip a program: a jar's classes, an Android package's byte code, an Office document's macros.
void Examiner::note_programs(Reading& r, const container::Contents& zip) {
  bool manifest = false, classes = false, dex = false, android = false;
  for (const auto& entry : zip.entries) {
    const std::string_view name = entry.name;
    manifest |= name == "META-INF/MANIFEST.MF";
    classes |= name.ends_with(".class");
    dex |= name == "classes.dex";
    android |= name == "AndroidManifest.xml";
    if (name.substr(name.rfind('/') + 1) == "vbaProject.bin") note_macros(r, entry.header_offset, name);
  }
  if (manifest && classes) r.recognised("jar", false);
  if (android && dex) r.recognised("apk", false);
}

/// A zip that ends a tar or a constant of a pickle is found from the end as well; it is examined there.
bool Examiner::stands_inside(const Reading& r, const container::Contents& zip) {
  if (r.loadable == 0 || zip.entries.empty()) return false;
  const auto gaps = r.facts.coverage.gaps(r.source.size());
  return std::all_of(
      zip.entries.begin(), zip.entries.end(), [&](const Entry& e) {  // gaps are sorted, and do not overlap
        const auto next = std::upper_bound(gaps.begin(), gaps.end(), e.header_offset,
                                           [](std::uint64_t at, const bytes::Extent& gap) { return at < gap.begin; });
        return next == gaps.begin() || std::prev(next)->end <= e.header_offset;
      });
}

void Examiner::note_zip(Reading& r, const Archive& archive, bool damaged) {
  for (const auto& o : archive.contents.oddities) {
    if (o.id == container::zip::kDuplicate) continue;  // judged by content, in compare_doubles
    // A flag that loaders ignore is a trick; data that nobody can read without a password is not.
    const bool believed = o.id == container::zip::kFlagEncrypted && archive.really_encrypted &&
                          !archive.flagged_encrypted.contains(o.offset);
    // Without its directory every member is one that no directory lists, and the last one ends early: damage, no trick.
    const bool orphaned = damaged && (o.id == container::zip::kLocalOnly || o.id == container::zip::kDirectoryOrphan ||
                                      o.id == container::zip::kDataOutside);
    const bool nul = o.id == container::zip::kNameEscapes && o.detail.find('\0') != o.detail.npos &&
                     o.detail.find("..") == o.detail.npos;
    if (!believed && !orphaned) r.facts.quirk(nul ? "zip.name-nul" : o.id, o.offset, o.detail);
  }
}

/// Reads the object pickles of a torch checkpoint and finds the records that their storages own.
Examiner::Owned Examiner::read_torch_zip(Reading& r, Archive& archive) {
  Owned owned;
  std::set<std::string> roots;
  ByName by_name;
  for (const auto& e : archive.contents.entries) by_name[e.name].push_back(&e);
  const auto has_records = [&](const std::string& root) {
    const auto first = by_name.lower_bound(root + "data/");
    return first != by_name.end() && first->first.starts_with(root + "data/");
  };
  for (const auto& e : archive.contents.entries) {
    constexpr std::string_view kObject = "data.pkl";
    const bool at_root =
        e.name == kObject || (e.name.ends_with(kObject) && e.name[e.name.size() - kObject.size() - 1] == '/');
    if (!at_root || needs_own_cell_) continue;
    const auto root = e.name.substr(0, e.name.size() - kObject.size());
    if (roots.insert(root).second && roots.size() == 2) r.facts.quirk("torch.several-objects", e.header_offset, e.name);
    if (!by_name.contains(root + "version") && !by_name.contains(root + "byteorder") && !has_records(root)) continue;
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

void Examiner::own(std::uint32_t object, const ByName& by_name, const std::string& record,
                   const format::torch::Storage& storage, Owned& owned) {
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
std::shared_ptr<Source> Examiner::open(Reading& r, Archive& archive, const Entry& entry, std::uint64_t& packed_left) {
  const auto length = entry.packed.end - entry.packed.begin;
  if (entry.method == Method::stored)
    return std::make_shared<bytes::WindowSource>(r.source, entry.packed.begin, length);
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
  const auto decoded =
      container::stream::decode(entry.method, r.source, entry.packed, out, budget_, entry.declared_size);
  packed_left = length - std::min(length, decoded.consumed);
  const bool unreadable = entry.encrypted && decoded.stopped && decoded.produced == 0;
  if (unreadable) {
    archive.really_encrypted = true;
    r.facts.stop("zip", {Errc::encrypted, entry.header_offset, "encrypted: it can be read only with its password"});
    return nullptr;
  }
  if (decoded.stopped)
    r.facts.stop(name_of(entry.method), {decoded.stopped->code, entry.packed.begin, decoded.stopped->what});
  else if (entry.declared_crc32 && decoded.crc32 != *entry.declared_crc32)
    r.facts.quirk("zip.crc-mismatch", entry.header_offset, entry.name);
  if (!decoded.stopped && entry.declared_size && decoded.produced != *entry.declared_size)
    r.facts.quirk("zip.size-differs", entry.header_offset, entry.name);
  return out.finish();
}

std::optional<std::uint32_t> Examiner::examine_entry(Reading& r, Archive& archive, const Entry& entry,
                                                     const Owned& owned, const Wanted& wanted) {
  std::uint64_t packed_left = 0;
  const auto source = open(r, archive, entry, packed_left);
  if (!source) return std::nullopt;
  if (packed_left > 0)  // behind the end of the compressed stream: nobody's bytes
    search(r, entry.packed.end - packed_left, entry.packed.end);
  if (is_deceptive(entry.name)) r.facts.quirk("zip.name-deceptive", entry.header_offset, entry.name);
  if (entry.kind == Entry::Kind::symlink && container::symlink_escapes(entry.name, entry.target))
    r.facts.quirk("zip.link-escapes", entry.header_offset, entry.name + " -> " + entry.target);
  examine_extra(r, entry);
  const auto index = add_member(r.index, entry.name, "zip member", entry.packed.begin, source->size());
  r.elsewhere.push_back({entry.packed.begin, entry.packed.end - packed_left});
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
void Examiner::examine_extra(Reading& r, const Entry& entry) {
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
void Examiner::examine_storage(std::uint32_t index, const Source& source, std::uint64_t owned, std::uint64_t depth) {
  auto& member = document_.members[index];
  member.role = "tensor storage";
  member.formats = {"tensor"};
  Reading r{index, source, depth, Certainty::member, MemberFacts{document_, index, budget_, how_.care}};
  r.facts.coverage.claim_tensor(0, std::min(owned, source.size()));
  r.formats = {"tensor"};
  examine_tensor(r, source, 0);
  if (owned < source.size()) read_unowned(r);
  finish(r);
}

void Examiner::check_stored(Reading& r, Archive& archive, const Entry& entry, const Source& source,
                            std::uint32_t index) {
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

}  // namespace assay::scan
