// Compressed streams, decompressed into a spool under a budget.
//
// `recognise` is our own code and looks at bytes only. `decode` and `confirm` run third-party C
// decompressors on hostile bytes, so they belong in a one-shot cell.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/coverage.h"
#include "bytes/source.h"
#include "bytes/spool.h"
#include "container/contents.h"

namespace assay::container::stream {

/// All offsets and counts are bytes; offsets count from the start of the packed range.
struct Decoded {
  std::uint64_t consumed = 0;    ///< belongs to streams or to padding that loaders skip; what follows belongs to nobody
  std::uint64_t produced = 0;    ///< appended to the spool
  std::uint32_t streams = 0;     ///< concatenated ones that were begun; skippable frames are not counted
  std::optional<Error> stopped;  ///< damage or a limit: what was produced before it is kept
  bool checksum_failed = false;  ///< the bytes contradict their checksum; they were kept, as some loaders keep them
  std::uint32_t crc32 = 0;       ///< of everything produced, for zip
  std::vector<bytes::Extent> skipped;  ///< inside `consumed`, and read by no decompressor; at most kMostSkipped
};

/// Beyond it the last extent grows over the rest: too much is called unread, never too little.
inline constexpr std::size_t kMostSkipped = 1024;

/// Skipped stretches shorter than this are header fields with a purpose (a gzip file name), not a hiding place.
inline constexpr std::uint64_t kLeastSkipped = 64;  // bytes

/// No stream may ask for more working memory than this; `xz -9` and `zstd --ultra -22` stay below.
inline constexpr std::uint64_t kMostDecoderMemory = 128ull << 20;  // bytes
inline constexpr int kMostWindowLog = 27;                          // zstd: 128 MiB

/// Decompresses `packed` of `source` (clipped to it) and appends the bytes to `out`. Every block of at
/// most 128 KiB is charged to Line::inflated_bytes before it is delivered.
///
/// Reads on where Python's classes read on: gzip members, bzip2 streams, xz and lzma streams (also
/// mixed), zstd and lz4 frames (also mixed), with the padding that they skip. deflate, zlib and
/// zip_lzma end with the first stream. `stored` and `unknown` are Errc::unsupported.
///
/// `declared_size` matters to zip_lzma alone: where the stream has no end marker, it ends there.
Decoded decode(Method method, const bytes::Source& source, bytes::Extent packed, bytes::Spool& out,
               bytes::Budget& budget, std::optional<std::uint64_t> declared_size = {});

/// The compression that `head` begins with; pure byte checks. 64 bytes are enough, and fewer make it
/// more doubtful. Method::unknown: a compression that is known and not read (legacy lz4).
/// zlib and lzma have next to no magic; ask `confirm` before you believe those two.
std::optional<Method> recognise(bytes::View head);

/// Bytes before the zlib stream in a file that joblib up to 0.9 compressed and every joblib still loads: "ZF", the
/// plain size in 19 characters, and one space more where Python 2 wrote it. 0: `head` begins nothing of the kind.
/// Source: joblib/numpy_pickle_compat.py, read_zfile.
std::uint64_t zfile_header(bytes::View head);

/// True where the first bytes really decompress: no damage within `head` (of which at most 4 KiB are used).
bool confirm(Method method, bytes::View head);

}  // namespace assay::container::stream
