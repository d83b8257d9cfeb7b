#include <cstring>

#include "container/sevenzip/sevenzip.h"
#include "container/tar/tar.h"
#include "scan/examiner.h"

namespace assay::scan {

using bytes::Cover;
using bytes::Source;
using container::Method;

namespace {

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

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::stored: return "stored";
    case Method::deflate: return "deflate";
    case Method::gzip: return "gzip";
    case Method::zlib: return "zlib";
    case Method::bzip2: return "bzip2";
    case Method::xz: return "xz";
    case Method::lzma:
    case Method::zip_lzma: return "lzma";
    case Method::zstd: return "zstd";
    case Method::lz4: return "lz4";
    case Method::unknown: return "unknown compression";
  }
  return "";
}

void Examiner::note(Reading& r, const std::vector<container::Oddity>& oddities) {
  for (const auto& o : oddities) r.facts.quirk(o.id, o.offset, o.detail);
}

Examiner::Archive Examiner::archive_of(container::Contents contents, std::string_view duplicate) {
  Archive a{std::move(contents), {}, {}, {}};
  for (const auto& o : a.contents.oddities)
    if (o.id == duplicate) a.doubled.insert(o.detail);
  return a;
}

bool Examiner::out_of_budget(Reading& r) {
  const auto go = budget_.check_time();
  if (go && !r.facts.overflowed()) return false;
  if (!go) r.facts.stop("archive", go.error());
  r.facts.coverage.spoil("a limit was reached before this member was examined");
  return true;
}

void Examiner::compare_doubles(Reading& r, Archive& archive, const Entry& entry,
                               const std::shared_ptr<Source>& source) {
  const auto [first, is_first] = archive.first_of.try_emplace(entry.name, source);
  if (is_first) return;
  const std::string container = r.is("tar") ? "tar" : "zip";
  r.facts.quirk(same_bytes(*first->second, *source) ? container + ".duplicate-same" : container + ".duplicate-differs",
                entry.header_offset, entry.name);
}

void Examiner::read_tar(Reading& r) {
  r.recognised("tar", true);
  auto read = container::tar::read(r.source, budget_);
  auto archive = archive_of(std::move(read.facts), "tar.duplicate");
  r.facts.coverage.add(archive.contents.coverage);
  if (read.stopped) r.facts.stop("tar", *read.stopped);
  std::set<std::string_view> names;
  for (const auto& e : archive.contents.entries) names.insert(e.name);
  const bool torch = names.contains("storages") && names.contains("tensors") && names.contains("pickle");
  format::Checkpoint checkpoint{r.index, "tar", 0, 0, false, std::string{format::torch::kTarRefusal}, {r.index, 0}};
  if (torch) r.facts.quirk("torch.legacy-tar", 0);
  for (const auto& e : archive.contents.entries) {
    const bool unpacked = e.name == "storages" || e.name == "tensors" || e.name == "pickle";
    if (torch && unpacked && e.kind != Entry::Kind::file)
      r.facts.quirk("torch.legacy-tar-link", e.header_offset, e.name);
  }
  for (const auto& entry : archive.contents.entries) {
    if (needs_own_cell_ || out_of_budget(r)) return;
    if (entry.kind != Entry::Kind::file) continue;
    Wanted wanted;
    wanted.checkpoint = &checkpoint;
    if (torch && entry.name == "storages") wanted.part = Wanted::Part::tar_storages;
    if (torch && entry.name == "tensors") wanted.part = Wanted::Part::tar_tensors;
    const auto source =
        std::make_shared<bytes::WindowSource>(r.source, entry.packed.begin, entry.packed.end - entry.packed.begin);
    r.elsewhere.push_back(entry.packed);
    const auto index = add_member(r.index, entry.name, "tar member", entry.packed.begin, source->size());
    examine(index, *source, r.depth + 1, Certainty::member, wanted);
    if (archive.doubled.contains(entry.name)) compare_doubles(r, archive, entry, source);
  }
  if (torch) r.facts.add(std::move(checkpoint));
  for (const auto& o : archive.contents.oddities) {
    const bool only_absolute =
        o.id == "tar.name-escapes" && o.detail.starts_with('/') && o.detail.find("..") == o.detail.npos;
    if (o.id != "tar.duplicate") r.facts.quirk(only_absolute ? "tar.name-absolute" : o.id, o.offset, o.detail);
  }
}

void Examiner::read_sevenzip(Reading& r) {
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
  if (!read) return r.facts.stop("7z", read.error());
  const auto length = container::sevenzip::declared_length(r.head).value_or(r.source.size());
  r.facts.coverage.claim(Cover::delegated, 0, length);
  r.elsewhere.push_back({0, length});
}

void Examiner::read_compressed(Reading& r) {
  const auto begin = container::stream::zfile_header(r.head);
  const auto head = bytes::View{r.head}.subspan(begin);
  const auto method = container::stream::recognise(head);
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
  if (!container::stream::confirm(*method, head)) return;
  const auto name = begin > 0 ? std::string_view{"joblib-zfile"} : name_of(*method);
  r.recognised(name, true);
  bytes::Spool out{spool_};
  auto decoded = container::stream::decode(*method, r.source, {begin, r.source.size()}, out, budget_);
  r.facts.coverage.claim(Cover::parsed, 0, begin);
  r.facts.coverage.claim(Cover::delegated, begin, begin + decoded.consumed);
  r.elsewhere.push_back({begin, begin + decoded.consumed});
  if (auto& stopped = decoded.stopped) {
    stopped->offset += begin;
    r.facts.stop(name, *stopped);
  }
  if (decoded.checksum_failed) r.facts.quirk("stream.checksum", begin, std::string{name});
  if (decoded.streams > 1) r.facts.quirk("stream.concatenated", begin, std::to_string(decoded.streams));
  for (const auto& skipped : decoded.skipped) search(r, begin + skipped.begin, begin + skipped.end);
  const auto inside = out.finish();
  const auto index =
      add_member(r.index, std::string{name_of(*method)}, std::string{name} + " stream", begin, inside->size());
  examine(index, *inside, r.depth + 1, Certainty::member, {});
}

}  // namespace assay::scan
