// JSON (RFC 8259), read once from front to back: is it valid, and does it name code?
//
// Accepts what Python's json.loads accepts, with its NaN, Infinity and -Infinity, and a UTF-8 byte order
// mark, which json.loads takes in bytes; and refuses what it refuses, but for two limits of its own that
// depend on its version (nesting beyond about 1,000, integers beyond 4,300 digits). UTF-16 is refused.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/source.h"

namespace assay::format::json {

inline constexpr std::size_t kMostKeyBytes = 256;   ///< kept of a key or value; a longer one names no code
inline constexpr std::size_t kMostDepth = 100'000;  ///< objects and arrays inside each other; 16 bytes each
inline constexpr std::size_t kMostPathBytes =
    64 << 10;  ///< of all the keys that lead to one place; longer ones are left out of paths
inline constexpr std::size_t kMostCodeKeys = 1'000;  ///< further ones only set `cut`
inline constexpr std::size_t kMostFiles = 10'000;    ///< of a weight_map
inline constexpr std::size_t kMostTopKeys = 65'536;  ///< beyond, duplicates at the top are not noticed

/// A key whose value names or holds code that some loader imports or runs.
struct CodeKey {
  std::string path;          ///< "auto_map", "model.layers[2]._target_"; keys decoded, raw; about 1 KiB at most
  std::uint64_t offset = 0;  ///< of the key's opening quote, in bytes
  std::string value{};  ///< the text that names the code, at most kMostKeyBytes of it; empty for anything but a text
};

struct Json {
  bool valid = false;                         ///< read to the end, and all of it is JSON
  bool lines = false;                         ///< several objects or arrays, each on lines of its own
  bool notebook = false;                      ///< an object with "cells" and "nbformat"
  std::vector<CodeKey> code_keys;             ///< in order, one per path (array indices aside) and value
  bool chat_template = false;                 ///< a key chat_template with a text or a list: Jinja, which runs
  bool duplicate_keys_at_top = false;         ///< readers disagree on which one counts
  bool non_finite = false;                    ///< NaN or Infinity: Python's readers take them, others do not
  bool byte_order_mark = false;               ///< json.loads refuses it in text and takes it in bytes
  std::vector<std::string> weight_map_files;  ///< distinct texts under the top-level weight_map, in order
  bool cut = false;                           ///< more code keys or files than are kept
  /// Why it is not valid: malformed, truncated, limit_reached (then it may well be JSON), or as the source
  /// fails. What was found before it is kept.
  std::optional<Error> stopped;
};

/// Reads blocks of 64 KiB and recurses into nothing. Memory: 8 MiB at most, with what is returned.
Json read(const bytes::Source& source, bytes::Budget& budget);

}  // namespace assay::format::json
