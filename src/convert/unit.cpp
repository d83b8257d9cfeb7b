#include "convert/unit.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "convert/path.h"

namespace assay::convert {
namespace {

using format::Document;

/// Formats whose files may hold tensors.
constexpr std::array<std::string_view, 14> kCandidates = {
    "torch-zip", "torch-legacy", "torch-tar", "tar", "zip",  "npy", "pickle",
    "gzip",      "zlib",         "bzip2",     "xz",  "lzma", "lz4", "joblib-zfile"};

constexpr std::array<std::string_view, 9> kSuffixes = {".bin", ".pt",  ".pth",    ".ckpt",  ".pkl",
                                                       ".npz", ".npy", ".joblib", ".pickle"};
constexpr std::string_view kIndexSuffix = ".index.json";
constexpr std::string_view kProductIndexSuffix = ".safetensors.index.json";

bool has_format(const Document& d, std::string_view format) {
  const auto& formats = d.members.front().formats;
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

bool is_candidate(const Document& d) {
  return std::any_of(kCandidates.begin(), kCandidates.end(), [&](std::string_view f) { return has_format(d, f); });
}

class Finder {
 public:
  Finder(const std::vector<Document>& documents, const std::string& base, bool explicitly)
      : documents_{documents}, base_{base}, explicitly_{explicitly} {
    for (std::size_t i = 0; i < documents.size(); ++i) by_path_.emplace(documents[i].path, i);
  }

  std::vector<Unit> run() {
    for (const auto& d : documents_) add_model(d);
    for (std::size_t i = 0; i < documents_.size(); ++i) {
      const auto& d = documents_[i];
      const auto* unread = why_unread(d);
      if (taken_.contains(i) || (!explicitly_ && !is_candidate(d) && unread == nullptr)) continue;
      const auto path = base_ + d.path;
      const auto product = product_name(path);
      out_.push_back({{path}, {i}, {}, {product}, product, "", explicitly_ ? "" : base_});
      if (unread == nullptr) continue;
      out_.back().trouble = *unread;
      out_.back().is_unreadable = true;
    }
    return std::move(out_);
  }

 private:
  /// The shards that an index names, unless they are safetensors already.
  void add_model(const Document& index) {
    if (!index.path.ends_with(kIndexSuffix) || index.path.ends_with(kProductIndexSuffix)) return;
    Unit unit;
    unit.index = base_ + index.path;
    unit.whole = product_name(unit.index.substr(0, unit.index.size() - kIndexSuffix.size()));
    unit.base = base_;
    std::set<std::size_t> taken;
    for (const auto& reference : index.references) {
      if (reference.kind != "shard") continue;
      const auto found = by_path_.find(folder_of(index.path) + reference.target);
      const bool plain = reference.target.find('/') == reference.target.npos;
      if (plain && found != by_path_.end() && has_format(documents_[found->second], "safetensors")) return;
      if (!plain || found == by_path_.end())
        unit.trouble = "the shard " + reference.target + (plain ? " is missing" : " is in another folder");
      else taken.insert(found->second);
    }
    for (const auto i : taken) {
      unit.sources.push_back(base_ + documents_[i].path);
      unit.documents.push_back(i);
      unit.products.push_back(product_name(base_ + documents_[i].path));
    }
    if (unit.sources.empty()) return;  // of an index alone nothing can be said; it may belong to files left out
    taken_.insert(taken.begin(), taken.end());
    out_.push_back(std::move(unit));
  }

  const std::vector<Document>& documents_;
  const std::string& base_;
  bool explicitly_;
  std::map<std::string, std::size_t> by_path_;
  std::set<std::size_t> taken_;
  std::vector<Unit> out_;
};

}  // namespace

const std::string* why_unread(const Document& d) {
  if (!d.members.front().formats.empty()) return nullptr;
  const auto stop =
      std::find_if(d.stops.begin(), d.stops.end(), [](const format::Stop& s) { return s.code == Errc::io; });
  return stop == d.stops.end() ? nullptr : &stop->what;
}

bool may_hold_tensors(const Document& document) {
  return has_format(document, "safetensors") || is_candidate(document);
}

bool names_folder(const std::string& output, const Unit& unit) {
  const bool looks_like_a_file = output.ends_with(".safetensors");
  return output.ends_with('/') || is_folder(output) || (!unit.base.empty() && !looks_like_a_file);
}

std::string product_name(const std::string& source) {
  constexpr std::string_view kTorchName = "pytorch_model";
  auto name = name_in(source);
  for (const auto suffix : kSuffixes)
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      name.resize(name.size() - suffix.size());
      break;
    }
  if (name.starts_with(kTorchName)) name.replace(0, kTorchName.size(), "model");
  return folder_of(source) + name + ".safetensors";
}

std::vector<Unit> units(const std::vector<Document>& documents, const std::string& base, bool explicitly) {
  return Finder{documents, base, explicitly}.run();
}

}  // namespace assay::convert
