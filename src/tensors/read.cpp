#include <algorithm>
#include <map>

#include "base/text.h"
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
constexpr unsigned kMostStreams = 2;  ///< compressed streams inside each other

class File {
 public:
  File(const bytes::Source& file, bytes::SpoolFile& spool, const How& how)
      : file_{file}, how_{how}, budget_{how.limits, file.size()}, stretches_{file, spool, budget_} {
    budget_.on_check(how.sign_of_life);
  }

  Set read() {
    read(stretches_.whole(), 0);
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

  void read(const Stretch& stretch, unsigned streams) {
    const auto head = bytes::read_up_to(*stretch.source, 0, kHead);
    if (!head) return damaged(std::string{head.error().what});
    if (head->empty()) return nothing("an empty file");
    if (format::torch::starts_legacy(*head)) return read_legacy(stretch);
    if (bytes::text(*head).starts_with("\x93NUMPY")) return read_array(stretch);
    if (stretch.where == Where::file) {
      if (container::zip::looks_like(*stretch.source)) return read_zip();
      if (container::tar::looks_like(*head)) return read_tar();
    }
    if (read_safetensors(stretch)) return;
    if (format::pickle::starts_binary(*head)) return read_pickle(stretch);
    if (streams < kMostStreams && read_stream(stretch, *head, streams)) return;
    read_pickle(stretch);
  }

  // --- Pickles ---

  void read_pickle(const Stretch& stretch) {
    const Objects objects{stretch, 0, format::Profile::joblib, budget_};
    out_.format = "pickle";
    if (objects.stopped()) {
      const auto head = bytes::read_up_to(*stretch.source, 0, 2);
      if (head && format::pickle::starts_binary(*head))
        return damaged("the pickle breaks off: " + std::string{objects.stopped()->what});
      return nothing("no format that tensors could be read from");
    }
    if (!imports_torch(objects.machine())) out_.framework = "np";
    collect_from(objects, [](const StorageId& id) -> tl::expected<Piece, std::string> {
      return tl::unexpected<std::string>{"the storage " + id.key + " is not in the file"};
    });
  }

  static bool imports_torch(const Objects::Machine& m) {
    for (std::uint32_t i = 0; i < m.symbols(); ++i)
      if (m.symbol(i).dotted().starts_with("torch.")) return true;
    return false;
  }

  void collect_from(const Objects& objects, const Storages& storages) {
    const TorchTensors torch{objects, storages, stretches_, budget_};
    collect(objects, [&](const Objects::Value& v) { return torch.find(v); }, how_.key, out_);
  }

  /// Compressed pickles, as joblib writes them.
  bool read_stream(const Stretch& stretch, bytes::View head, unsigned streams) {
    const auto begin = container::stream::zfile_header(head);
    const auto method = container::stream::recognise(head.subspan(begin));
    if (stretch.where != Where::file || !method || !container::stream::confirm(*method, head.subspan(begin)))
      return false;
    const auto inside = stretches_.unpacked(*method, {begin, file_.size()}, {});
    if (inside) read(*inside, streams + 1);
    else damaged("its compressed stream breaks off: " + std::string{inside.error().what});
    return true;
  }

  // --- torch ---

  void read_legacy(const Stretch& stretch) {
    out_.format = "torch-legacy";
    const LegacyFile file{stretch, budget_};
    if (!file.damage().empty()) return damaged(file.damage());
    collect_from(*file.object(), [&](const StorageId& id) { return file.storage(id); });
  }

  void read_tar() {
    const auto contents = container::tar::read(file_, budget_);
    const auto member = [&](std::string_view name) -> std::optional<Stretch> {
      const Entry* found = nullptr;
      for (const auto& e : contents.facts.entries)
        if (e.name == name || e.name == "./" + std::string{name}) found = &e;  // tarfile takes the last
      if (found == nullptr) return std::nullopt;
      return stretches_.window(found->packed.begin, found->packed.end - found->packed.begin);
    };
    const auto storages = member("storages"), tensors = member("tensors"), pickle = member("pickle");
    if (!storages || !tensors || !pickle) return nothing("a tar archive that is no checkpoint");
    out_.format = "torch-tar";
    const TarFile file{*storages, *tensors, budget_};
    if (!file.damage().empty()) return damaged(file.damage());
    const Objects objects{*pickle, 0, format::Profile::cpython_c_file, budget_};
    if (objects.stopped()) return damaged("its pickle breaks off: " + std::string{objects.stopped()->what});
    const Storages none = [](const StorageId&) -> tl::expected<Piece, std::string> {
      return tl::unexpected<std::string>{"a storage that the tar does not hold"};
    };
    const TorchTensors torch{objects, none, stretches_, budget_};
    const auto find = [&](const Objects::Value& v) {
      const auto id = v.tag == format::pickle::Tag::persistent ? objects.machine().node(v, 0) : std::nullopt;
      return id ? file.find(objects, *id) : torch.find(v);
    };
    collect(objects, find, how_.key, out_);
  }

  /// A member of the zip by its whole name. Loaders disagree on which of two they open, so two are refused.
  using Members = std::multimap<std::string, const Entry*>;

  tl::expected<Stretch, std::string> open(const Members& members, const std::string& name) {
    const auto [first, last] = members.equal_range(name);
    if (first == last) return tl::unexpected<std::string>{printable(name) + " is missing"};
    if (std::next(first) != last)
      return tl::unexpected<std::string>{"there are two members called " + printable(name) + ", and loaders disagree"};
    const auto& e = *first->second;
    if (e.method == container::Method::unknown)
      return tl::unexpected<std::string>{printable(name) + " is encrypted, or compressed in an unknown way"};
    auto stretch = stretches_.unpacked(e.method, e.packed, e.declared_size);
    if (stretch) return std::move(*stretch);
    return tl::unexpected<std::string>{printable(name) + " breaks off: " + std::string{stretch.error().what}};
  }

  void read_zip() {
    const auto contents = container::zip::read(file_, budget_);
    Members members;
    std::vector<std::string> roots;
    for (const auto& e : contents.facts.entries) {
      if (e.kind == Entry::Kind::directory) continue;
      members.emplace(e.name, &e);
      constexpr std::string_view kObject = "data.pkl";
      if (e.name == kObject || e.name.ends_with("/" + std::string{kObject}))
        roots.push_back(e.name.substr(0, e.name.size() - kObject.size()));
    }
    if (roots.size() > 1) return refused("there are several object pickles in the zip, and loaders disagree");
    if (roots.size() == 1) return read_torch_zip(members, roots.front());
    read_npz(contents.facts.entries, members);
  }

  void read_torch_zip(const Members& members, const std::string& root) {
    out_.format = "torch-zip";
    if (members.contains(root + "constants.pkl")) return refused("a TorchScript archive: its tensors belong to a program");
    const auto pickle = open(members, root + "data.pkl");
    if (!pickle) return damaged(pickle.error());
    bool big_endian = false;
    if (members.contains(root + "byteorder")) {
      const auto order = open(members, root + "byteorder");
      const auto word = order ? bytes::read_up_to(*order->source, 0, 8) : fail(Errc::io, 0, "");
      if (!word) return damaged("its byte order cannot be read");
      big_endian = bytes::text(*word) == "big";
      if (!big_endian && bytes::text(*word) != "little") return damaged("its byte order is neither little nor big");
    }
    const Objects objects{*pickle, 0, format::Profile::cpython_c_file, budget_};
    if (objects.stopped()) return damaged("its pickle breaks off: " + std::string{objects.stopped()->what});
    std::map<std::string, tl::expected<Piece, std::string>> opened;
    collect_from(objects, [&](const StorageId& id) {
      const auto known = opened.find(id.key);
      if (known != opened.end()) return known->second;
      const auto record = open(members, root + "data/" + id.key);
      auto piece = record ? tl::expected<Piece, std::string>{Piece{
                                record->where, {record->begin, record->begin + record->source->size()}, big_endian}}
                          : tl::unexpected<std::string>{record.error()};
      return opened.emplace(id.key, std::move(piece)).first->second;
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
      const auto name = e.name.substr(0, e.name.size() - (is_array(e) ? kArray.size() : 0));
      if (!is_array(e) || !is_utf8(name)) {
        out_.leftovers.push_back({to_utf8(name), "file", is_array(e) ? "its name is not UTF-8" : "not an array"});
        continue;
      }
      const auto member = open(members, e.name);
      if (!member) return damaged(member.error());
      if (!take(name, read_npy(*member))) return;
    }
    finish();
  }

  void read_array(const Stretch& stretch) {
    out_.format = "npy";
    out_.framework = "np";
    if (take("", read_npy(stretch))) finish();
  }

  bool take(const std::string& name, Found found) {
    if (found.kind == Found::Kind::broken) return damaged(found.reason + (name.empty() ? "" : " (" + name + ")")), false;
    if (found.kind == Found::Kind::unfit) {
      out_.leftovers.push_back({name, std::move(found.what), std::move(found.reason)});
      return true;
    }
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
};

}  // namespace

Set read(const bytes::Source& file, bytes::SpoolFile& spool, const How& how) { return File{file, spool, how}.read(); }

}  // namespace assay::tensors
