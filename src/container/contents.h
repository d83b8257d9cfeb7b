// What every archive reader returns: where the members are, and what is odd about the archive.
// Readers of archives never decompress; container/stream does that, one member at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bytes/coverage.h"

namespace assay::container {

/// How a member's bytes are packed.
enum class Method : std::uint8_t {
  stored,
  deflate,  ///< raw deflate, as in zip
  gzip,
  zlib,
  bzip2,
  xz,
  lzma,      ///< the .lzma file format ("lzma alone")
  zip_lzma,  ///< zip method 14: 4 bytes, properties, raw LZMA1 stream
  zstd,
  lz4,      ///< the frame format
  unknown,  ///< a method that Assay does not read
};

/// An observation about the archive's structure. `id` is a literal and a word of rules/structure.toml.
struct Oddity {
  std::string_view id;
  std::uint64_t offset = 0;  ///< in the archive
  std::string detail;        ///< raw bytes: a member name, two numbers
};

struct Entry {
  enum class Kind : std::uint8_t { file, directory, symlink, hardlink, device };
  std::string name;  ///< raw bytes
  Kind kind = Kind::file;
  std::string target;  ///< of a link, raw bytes
  Method method = Method::stored;
  bool encrypted = false;                       ///< the data is really encrypted, not merely flagged so
  std::uint64_t header_offset = 0;              ///< where its header stands in the archive
  bytes::Extent packed;                         ///< its bytes in the archive; always inside it
  std::optional<std::uint64_t> declared_size;   ///< bytes after decompression, as the archive claims
  std::optional<std::uint32_t> declared_crc32;  ///< where the format has one
};

struct Contents {
  std::vector<Entry> entries;  ///< in the order of `packed`; every reading's members, none twice
  std::vector<Oddity> oddities;
  bytes::CoverageMap coverage;  ///< headers as parsed, padding as padding, entries' bytes as delegated
};

}  // namespace assay::container
