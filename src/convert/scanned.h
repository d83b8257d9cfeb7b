// What the scan says of a file, or of all files of a folder; and what they were when it looked.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "convert/convert.h"
#include "convert/ticker.h"
#include "scan/descriptor.h"

namespace assay::convert {

struct Scanned {
  std::vector<format::Document> documents;  ///< their paths are relative to `base`
  std::string base;                         ///< "", or a folder and '/'
  std::vector<scan::Identity> identities;   ///< of each document's file, from before it was scanned

  static tl::expected<Scanned, scan::Refusal> of(const std::string& path, const Options& options, Ticker& ticker);
};

}  // namespace assay::convert
