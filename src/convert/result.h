// What a conversion answers. Writers turn it into text and JSON (convert/report.h).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "finding/finding.h"
#include "tensors/tensors.h"

namespace assay::convert {

/// A file that tensors come from.
struct Source {
  std::string path;  ///< raw
  std::uint64_t size = 0;
  std::string sha256;                                   ///< lower-case hex; empty where nothing was written
  std::string format;                                   ///< "torch-zip", ...; empty where it could not be told
  std::string key;                                      ///< where in it the tensors stand
  finding::Status status = finding::Status::unscanned;  ///< what the scan says of it
  std::vector<finding::Finding> findings;
};

/// A file that was written.
struct Product {
  std::string path;        ///< raw
  std::uint64_t size = 0;  ///< bytes; of the tensors alone, where nothing is written
  std::uint64_t tensors = 0;
  bool replaces = false;  ///< a file that was there
};

/// A tensor of a product.
struct Converted {
  std::string name;   ///< UTF-8
  std::string dtype;  ///< "BF16"
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0;
  std::string sha256;       ///< of its bytes in the product; compared with the source's, byte for byte
  std::size_t source = 0;   ///< index into sources
  std::size_t product = 0;  ///< index into products
  bool laid_out = false;    ///< its bytes lay in another order, or in big-endian, in the source
};

/// A name that shares another tensor's bytes and is not written a second time.
struct Tied {
  std::string name;
  std::string kept;      ///< the name under which the bytes are written
  std::string sha256{};  ///< of those bytes; empty where they were not compared
};

/// How long each step took.
struct Seconds {
  double read = 0;    ///< scanning, and finding the tensors
  double digest = 0;  ///< waiting for the SHA-256 of the sources, which is computed beside the writing
  double write = 0;   ///< up to and with fsync
  double verify = 0;  ///< reading both sides again, comparing, SHA-256 of each tensor
};

struct Conversion {
  enum class Status : std::uint8_t {
    converted,  ///< written, verified, moved into place
    planned,    ///< --dry-run: it would be
    there,      ///< the product existed already and holds the same tensors
    skipped,    ///< nothing in it that could be converted
    refused,    ///< not without losing or guessing something, or overwriting another file; `why`
    failed,     ///< could not be read, written or verified; `why`
  };
  Status status = Status::skipped;
  std::string why;  ///< for people; hostile text inside
  std::vector<Source> sources;
  std::vector<Product> products;  ///< tensor files, in order
  std::string index;              ///< path of the index file that was written; empty for a single file
  std::vector<Converted> tensors;
  std::vector<Tied> tied;
  std::vector<tensors::Leftover> leftovers;
  std::uint64_t more_leftovers = 0;
  std::vector<tensors::Scalar> kept_metadata;
  std::vector<std::string> notices;
  std::vector<std::string> removed;  ///< sources
  Seconds seconds;
};

std::string_view to_string(Conversion::Status status) noexcept;

struct Outcome {
  std::vector<Conversion> conversions;
  std::string tier;  ///< how readers were confined
  bool interrupted = false;
  double seconds = 0;  ///< of everything, the scan included
};

/// What convert --check answers.
struct Comparison {
  struct Difference {
    std::string name;
    std::string what;  ///< "only in a.bin", "F32 [2] and F16 [2]", "byte 17 differs"
  };
  std::string left, right;  ///< raw paths
  std::uint64_t equal = 0;  ///< tensors
  std::uint64_t bytes = 0;  ///< compared
  std::vector<Difference> differences;
  std::vector<Difference> not_compared;  ///< what holds tensors and is no tensor that could be compared
  std::vector<Tied> tied;                ///< names that the other side has under another name only
  double seconds = 0;
  /// No difference; and nothing in what was asked for that could not be compared.
  bool same = false;
};

}  // namespace assay::convert
