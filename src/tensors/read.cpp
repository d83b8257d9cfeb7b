#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "bytes/crc32.h"
#include "container/stream/stream.h"
#include "container/tar/tar.h"
#include "container/zip/zip.h"
#include "format/pickle/pickle.h"
#include "format/torch/checkpoint.h"
#include "tensors/collect.h"
#include "tensors/legacy.h"
#include "tensors/numpy.h"
#include "tensors/stretch.h"
#include "tensors/torch.h"

namespace assay::tensors {
namespace {

using container::Entry;
using format::torch::StorageId;

constexpr std::size_t kHead = 4096;
constexpr std::uint64_t kBlock = 1 << 20;            ///< bytes that are read at once
constexpr std::uint64_t kMostChecked = 64ull << 30;  ///< bytes; members of a zip may overlap
constexpr auto kTorch = format::bits(format::Profile::cpython_c_file);
constexpr auto kPickle = format::bits(format::Profile::joblib, format::Profile::cpython_c_file);

/// What makes loaders open other members of an archive than the ones that are looked at here, or end before them.
constexpr std::array kZipDoubts = {container::zip::kNameDiffers,      container::zip::kMethodDiffers,
                                   container::zip::kSizesDiffer,      container::zip::kDirectoriesDiffer,
                                   container::zip::kDirectoryMissing, container::zip::kDirectoryOrphan,
                                   container::zip::kLocalOnly,        container::zip::kLocalMissing,
                                   container::zip::kDataOutside,      container::zip::kOffsetOdd};
constexpr std::array<std::string_view, 5> kTarDoubts = {"tar.checksum", "tar.concatenated", "tar.name-differs",
                                                        "tar.size-differs", "tar.size-ignored"};

template <std::size_t N>
std::optional<std::string> doubt(const container::Contents& contents, const std::array<std::string_view, N>& doubts) {
  for (const auto& oddity : contents.oddities)
    if (std::find(doubts.begin(), doubts.end(), oddity.id) != doubts.end())
      return "loaders disagree on what is in the archive (" + std::string{oddity.id} + ")";
  return std::nullopt;
}

/// PyTorch's zip reader looks names up without regard to case.
std::string folded(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; });
  return name;
}

bool is_zip(bytes::View head) {
  return bytes::text(head).starts_with("PK\3\4") || bytes::text(head).starts_with("PK\5\6");
}
bool is_npy(bytes::View head) { return bytes::text(head).starts_with("\x93NUMPY"); }

class File {
 public:
  File(const bytes::Source& file, bytes::SpoolFile& spool, const How& how)
      : file_{file}, how_{how}, budget_{how.limits, file.size()}, stretches_{file, spool, budget_} {
    budget_.on_check(how.sign_of_life);
  }

  Set read() {
    read(stretches_.whole(), false);
    out_.why = to_utf8(out_.why);
    return std::move(out_);
  }

 private:
  void end(Set::Outcome outcome, std::string why) {
    out_.outcome = outcome;
    out_.why = std::move(why);
    out_.tensors.clear();
  }
  void nothing(std::string why) { end(Set::Outcome::nothing, std::move(why)); }
  void refused(std::string why) { end(Set::Outcome::refused, std::move(why)); }
  void damaged(std::string why) { end(Set::Outcome::damaged, std::move(why)); }

  void read(const Stretch& stretch, bool is_unpacked) {
    const auto head = bytes::read_up_to(*stretch.source, 0, kHead);
    if (!head) return damaged(std::string{head.error().what});
    if (head->empty()) return nothing("an empty file");
    if (stretch.where == Where::file && is_ambiguous(*stretch.source, *head))
      return refused("it is an archive and something else at once, and loaders disagree on which");
    if (format::torch::starts_legacy(*head)) return read_legacy(stretch);
    if (is_npy(*head)) return read_array(stretch);
    if (stretch.where == Where::file && is_zip(*head)) return read_zip();
    if (stretch.where == Where::file && container::tar::looks_like(*head)) return read_tar();
    if (read_safetensors(stretch)) return;
    if (format::pickle::starts_binary(*head)) return read_pickle(stretch);
    if (!is_unpacked && read_stream(*head)) return;
    read_pickle(stretch);
  }

  /// A zip may stand behind anything, and a tar's first 100 bytes are a name. torch asks for a tar before it asks for a
  /// pickle, NumPy and joblib never do.
  static bool is_ambiguous(const bytes::Source& source, bytes::View head) {
    const bool is_other =
        format::torch::starts_legacy(head) || is_npy(head) || is_zip(head) || format::pickle::starts_binary(head);
    return (is_other && container::tar::looks_like(head)) || (!is_zip(head) && container::zip::looks_like(source));
  }

  // --- Pickles ---

  void read_pickle(const Stretch& stretch) {
    const Objects objects{stretch, 0, kPickle, budget_};
    out_.format = "pickle";
    if (objects.stopped()) {
      const auto head = bytes::read_up_to(*stretch.source, 0, 2);
      if (!head || !format::pickle::starts_binary(*head)) return nothing("no format that tensors could be read from");
      return breaks_off("the pickle", *objects.stopped());
    }
    if (!imports_torch(objects.machine())) out_.framework = "np";
    collect_from(objects, [](const StorageId& id) -> tl::expected<Piece, Found> {
      return tl::unexpected{Found::broken("the storage " + id.key + " is not in the file")};
    });
    leave_what_follows(stretch, objects.end());
  }

  /// Loaders end with the first object. Zeros fill up a block, and are nothing.
  void leave_what_follows(const Stretch& stretch, std::uint64_t end) {
    if (out_.outcome != Set::Outcome::read || is_zero_from(*stretch.source, end)) return;
    leave("", std::to_string(stretch.source->size() - end) + " bytes",
          "they follow the first object, and were not read");
  }

  bool is_zero_from(const bytes::Source& source, std::uint64_t at) {
    while (at < source.size()) {
      const auto block = bytes::read_up_to(source, at, kBlock);
      const auto is_zero = [](std::byte b) { return b == std::byte{0}; };
      if (!block || block->empty() || !std::all_of(block->begin(), block->end(), is_zero)) return false;
      if (!budget_.check_time(at)) return false;
      at += block->size();
    }
    return true;
  }

  /// What loaders read differently is not damaged.
  void breaks_off(const std::string& what, const Error& error) {
    if (error.code == Errc::unsupported) refused(what + " cannot be read: " + std::string{error.what});
    else damaged(what + " breaks off: " + std::string{error.what});
  }

  static bool imports_torch(const Objects::Machine& m) {
    for (std::uint32_t i = 0; i < m.symbols(); ++i)
      if (m.symbol(i).dotted().starts_with("torch.")) return true;
    return false;
  }

  void collect_from(const Objects& objects, const Storages& storages, TorchTensors::Kept kept = {}) {
    if (const auto why = contradiction(objects)) return refused(*why);
    const TorchTensors torch{objects, storages, stretches_, budget_, std::move(kept)};
    collect(
        objects, [&](const Objects::Value& v) { return torch.find(v); }, how_.key, out_);
  }

  /// Compressed pickles, as joblib writes them.
  bool read_stream(bytes::View head) {
    const auto begin = container::stream::zfile_header(head);
    const auto method = container::stream::recognise(head.subspan(begin));
    if (!method || !container::stream::confirm(*method, head.subspan(begin))) return false;
    const auto inside = stretches_.unpacked(*method, {begin, file_.size()}, {});
    if (!inside) return damaged("its compressed stream breaks off: " + std::string{inside.error().what}), true;
    read(*inside, true);
    if (inside->behind > 0) leave_what_follows(stretches_.whole(), file_.size() - inside->behind);
    return true;
  }

  // --- torch ---

  void read_legacy(const Stretch& stretch) {
    out_.format = "torch-legacy";
    const LegacyFile file{stretch, budget_};
    if (const auto why = file.object() != nullptr ? contradiction(*file.object()) : std::nullopt) return refused(*why);
    if (!file.damage().empty()) return damaged(file.damage());
    collect_from(*file.object(), [&](const StorageId& id) { return file.storage(id); });
    leave_what_follows(stretch, file.end());
  }

  void read_tar() {
    const auto contents = container::tar::read(file_, budget_);
    const auto member = [&](std::string_view name) -> std::optional<Stretch> {
      const Entry* found = nullptr;
      for (const auto& e : contents.facts.entries)
        if (e.name == name) found = &e;  // tarfile takes the last
      if (found == nullptr || found->kind != Entry::Kind::file) return std::nullopt;
      return stretches_.window(found->packed.begin, found->packed.end - found->packed.begin);
    };
    const auto storages = member("storages"), tensors = member("tensors"), pickle = member("pickle");
    if (!storages || !tensors || !pickle) return nothing("a tar archive that is no checkpoint");
    out_.format = "torch-tar";
    if (const auto why = doubt(contents.facts, kTarDoubts)) return refused(*why);
    const TarFile file{*storages, *tensors, budget_};
    if (!file.damage().empty()) return damaged(file.damage());
    const Objects objects{*pickle, 0, kTorch, budget_};
    if (objects.stopped()) return breaks_off("its pickle", *objects.stopped());
    const Storages none = [](const StorageId&) -> tl::expected<Piece, Found> {
      return tl::unexpected{Found::broken("a storage that the tar does not hold")};
    };
    collect_from(objects, none, [&](const Objects::Value& id) { return file.find(objects, id); });
  }

  /// Members of the zip by their whole names. Loaders disagree on which of two they open, so two are refused.
  using Members = std::multimap<std::string, const Entry*>;

  tl::expected<Stretch, Found> open(const Members& members, const std::string& name) {
    const auto [first, last] = members.equal_range(name);
    if (first == last) return tl::unexpected{Found::broken(printable(name) + " is missing")};
    if (std::next(first) != last)
      return tl::unexpected{
          Found::unclear("there are two members called " + printable(name) + ", and loaders disagree")};
    const auto& e = *first->second;
    if (e.method == container::Method::unknown)
      return tl::unexpected{Found::broken(printable(name) + " is encrypted, or compressed in an unknown way")};
    auto stretch = stretches_.unpacked(e.method, e.packed, e.declared_size);
    if (stretch) return std::move(*stretch);
    return tl::unexpected{Found::broken(printable(name) + " breaks off: " + std::string{stretch.error().what})};
  }

  void fail_with(const Found& found, const std::string& where = "") {
    if (found.kind == Found::Kind::unclear) refused(found.reason + where);
    else damaged(found.reason + where);
  }

  void read_zip() {
    const auto contents = container::zip::read(file_, budget_);
    if (contents.stopped) return damaged("its directory breaks off: " + std::string{contents.stopped->what});
    if (const auto why = doubt(contents.facts, kZipDoubts)) return refused(*why);
    const auto& entries = contents.facts.entries;
    std::set<std::string> roots;
    for (const auto& e : entries) {
      const auto name = folded(e.name);
      constexpr std::string_view kObject = "data.pkl";
      const bool is_object = name == kObject || name.ends_with("/" + std::string{kObject});
      if (is_object && e.kind != Entry::Kind::directory) roots.insert(name.substr(0, name.size() - kObject.size()));
    }
    if (roots.size() > 1) return refused("there are several object pickles in the zip, and loaders disagree");
    if (roots.size() == 1) return read_torch_zip(members_of(entries, folded), *roots.begin());
    read_npz(entries, members_of(entries, [](const std::string& name) { return name; }));
  }

  template <class NameOf>
  static Members members_of(const std::vector<Entry>& entries, const NameOf& name_of) {
    Members out;
    for (const auto& e : entries)
      if (e.kind != Entry::Kind::directory) out.emplace(name_of(e.name), &e);
    return out;
  }

  /// The word in the member "byteorder"; "little" where there is none.
  tl::expected<bool, Found> is_big_endian(const Members& members, const std::string& name) {
    if (!members.contains(name)) return false;
    const auto order = open(members, name);
    if (!order) return tl::unexpected{order.error()};
    const auto word = bytes::read_up_to(*order->source, 0, 8);
    const auto text = word ? bytes::text(*word) : std::string_view{};
    if (text != "big" && text != "little")
      return tl::unexpected{Found::broken("its byte order is neither little nor big")};
    return text == "big";
  }

  /// `members` and `root` in lower case.
  void read_torch_zip(const Members& members, const std::string& root) {
    out_.format = "torch-zip";
    if (members.contains(root + "constants.pkl"))
      return refused("a TorchScript archive: its tensors belong to a program");
    const auto pickle = open(members, root + "data.pkl");
    if (!pickle) return fail_with(pickle.error());
    const auto big_endian = is_big_endian(members, root + "byteorder");
    if (!big_endian) return fail_with(big_endian.error());
    const Objects objects{*pickle, 0, kTorch, budget_};
    if (objects.stopped()) return breaks_off("its pickle", *objects.stopped());
    std::map<std::string, Piece> opened;
    std::map<std::string, Found> failed;  // a bomb bursts once
    collect_from(objects, [&](const StorageId& id) -> tl::expected<Piece, Found> {
      const auto key = folded(id.key);
      if (const auto known = opened.find(key); known != opened.end()) return known->second;
      if (const auto known = failed.find(key); known != failed.end()) return tl::unexpected{known->second};
      const auto record = open(members, root + "data/" + key);
      if (!record) return tl::unexpected{failed.emplace(key, record.error()).first->second};
      const Piece piece{record->where, {record->begin, record->begin + record->source->size()}, *big_endian};
      return opened.emplace(key, piece).first->second;
    });
  }

  // --- NumPy ---

  void read_npz(const std::vector<Entry>& entries, const Members& members) {
    constexpr std::string_view kArray = ".npy";
    const auto is_array = [&](const Entry& e) { return e.name.ends_with(kArray); };
    if (std::none_of(entries.begin(), entries.end(), is_array)) return nothing("a zip archive that is no checkpoint");
    out_.format = "npz";
    out_.framework = "np";
    for (const auto& e : entries) {
      if (e.kind == Entry::Kind::directory) continue;
      if (!is_array(e)) {
        leave(to_utf8(e.name), "file", "its name does not end in .npy");
        continue;
      }
      const auto name = e.name.substr(0, e.name.size() - kArray.size());
      if (members.contains(name)) return refused("NumPy finds two members by the name " + printable(name));
      const auto member = open(members, e.name);
      if (!member) return fail_with(member.error());
      if (!is_utf8(name)) leave(to_utf8(name), "array", "its name is not UTF-8");
      else if (name == "__metadata__") leave(name, "array", "safetensors keeps this name for itself");
      else if (!take(name, intact(e, read_npy(*member), *member->source))) return;
    }
    finish();
  }

  /// Python's zipfile compares the checksum of what NumPy reads; torch's reader does not.
  Found intact(const Entry& e, Found found, const bytes::Source& data) {
    if (found.kind != Found::Kind::tensor || !e.declared_crc32) return found;
    checked_bytes_ += data.size();
    if (checked_bytes_ > kMostChecked) {
      if (!std::exchange(told_unchecked_, true))
        out_.notices.push_back("the checksums of some arrays were not checked");
      return found;
    }
    std::uint32_t sum = 0;
    for (std::uint64_t at = 0; at < data.size(); at += kBlock) {
      const auto block = bytes::read_exactly(data, at, std::min(kBlock, data.size() - at));
      if (!block) return Found::broken(std::string{block.error().what});
      if (const auto alive = budget_.check_time(at); !alive) return Found::broken(std::string{alive.error().what});
      sum = bytes::crc32(*block, sum);
    }
    return sum == *e.declared_crc32 ? std::move(found) : Found::broken("its checksum does not match");
  }

  void leave(std::string name, std::string what, std::string reason) {
    if (out_.leftovers.size() < kMostLeftovers)
      out_.leftovers.push_back({std::move(name), to_utf8(what), std::move(reason)});
    else ++out_.more_leftovers;
  }

  void read_array(const Stretch& stretch) {
    out_.format = "npy";
    out_.framework = "np";
    if (!take("", read_npy(stretch))) return;
    finish();
    if (!out_.tensors.empty()) leave_what_follows(stretch, out_.tensors[0].storage.end - stretch.begin);
  }

  bool take(const std::string& name, Found found) {
    if (found.kind == Found::Kind::unfit) return leave(name, std::move(found.what), std::move(found.reason)), true;
    if (found.kind != Found::Kind::tensor) return fail_with(found, name.empty() ? "" : " (" + name + ")"), false;
    if (out_.tensors.size() == kMostTensors) return refused("it has more than a million tensors"), false;
    found.tensor.name = name;
    out_.tensors.push_back(std::move(found.tensor));
    return true;
  }

  void finish() {
    if (out_.tensors.empty()) return nothing("there are no arrays in it that safetensors can hold");
    if (how_.key && !how_.key->empty()) return refused("--key names a dict of a pickle, and this file has none");
    out_.outcome = Set::Outcome::read;
  }

  // --- safetensors ---

  bool read_safetensors(const Stretch& stretch) {
    auto parsed = format::safetensors::parse(*stretch.source, budget_);
    auto& file = parsed.facts;
    if (parsed.stopped || file.refused) return false;
    out_.format = "safetensors";
    const auto is_deep = [](const auto& t) { return t.shape.size() > kMostDimensions; };
    if (file.tensors.size() > kMostTensors || std::any_of(file.tensors.begin(), file.tensors.end(), is_deep))
      return refused("a tensor of more dimensions than torch has, or more than a million tensors"), true;
    for (auto& [name, text] : file.metadata) out_.metadata.push_back({std::move(name), std::move(text)});
    for (auto& t : file.tensors) {
      Tensor one;
      one.name = std::move(t.name);
      one.dtype = t.dtype;
      one.strides = c_strides(t.shape);
      one.shape = std::move(t.shape);
      one.where = stretch.where;
      one.begin = stretch.begin + file.data_begin + t.begin;
      one.storage = {one.begin, stretch.begin + file.data_begin + t.end};
      out_.tensors.push_back(std::move(one));
    }
    out_.outcome = Set::Outcome::read;
    return true;
  }

  const bytes::Source& file_;
  const How& how_;
  bytes::Budget budget_;
  Stretches stretches_;
  Set out_;
  std::uint64_t checked_bytes_ = 0;  ///< of arrays in a zip
  bool told_unchecked_ = false;
};

}  // namespace

Set read(const bytes::Source& file, bytes::SpoolFile& spool, const How& how) { return File{file, spool, how}.read(); }

}  // namespace assay::tensors
