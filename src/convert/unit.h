// What a path means: which files of it are one model, and what their products are called.
#pragma once
#include <string>
#include <vector>

#include "format/document.h"
#include "scan/descriptor.h"

namespace assay::convert {

/// Files that are converted together.
struct Unit {
  std::vector<std::string> sources;       ///< raw paths, in order
  std::vector<std::size_t> documents;     ///< of the sources, where the scan has them
  std::vector<scan::Identity> scanned{};  ///< what each source was when the scan looked at it
  std::vector<std::string> products;      ///< one for each source
  std::string whole;                      ///< the product, where all of them become one; the stem of its parts
  std::string index;                      ///< the index file that names the sources; empty for a single file
  std::string base;                       ///< the folder that was converted, with '/'; empty for a file
  std::string trouble{};                  ///< why it cannot be converted: a shard is missing
  bool is_unreadable = false;             ///< the system did not let it be read; `trouble` says why

  bool is_named() const { return base.empty(); }  ///< by the user; not found in a folder
};

/// What can be converted among `documents`, whose paths are relative to `base` ("" or a folder and '/'). Everything
/// else is left out: text, pictures, files that are safetensors already. `explicitly`: the user named these files, so
/// that each is a unit whatever it looks like.
std::vector<Unit> units(const std::vector<format::Document>& documents, const std::string& base, bool explicitly);

/// Why the system did not let a file be read: it may be a checkpoint, and must not go unsaid. nullptr where it was
/// read.
const std::string* why_unread(const format::Document& document);

/// Whether the scan found a format that tensors may be read from, safetensors included.
bool may_hold_tensors(const format::Document& document);

/// Whether --output names a folder for `unit`: it is one, it ends with '/', or a folder was converted and it does not
/// look like a file.
bool names_folder(const std::string& output, const Unit& unit);

/// "model.safetensors" for "pytorch_model.bin", "unet.safetensors" for "unet.ckpt".
std::string product_name(const std::string& source);

}  // namespace assay::convert
