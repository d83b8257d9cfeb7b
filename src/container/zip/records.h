// The five records of a zip, from bytes to numbers. Nothing here looks at any other record.
// All integers are little-endian; offsets in records count from wherever their writer thought the archive began.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::container::zip {

inline constexpr std::uint32_t kLocalSignature = 0x04034b50;       // PK\3\4
inline constexpr std::uint32_t kCentralSignature = 0x02014b50;     // PK\1\2
inline constexpr std::uint32_t kEndSignature = 0x06054b50;         // PK\5\6
inline constexpr std::uint32_t kEnd64Signature = 0x06064b50;       // PK\6\6
inline constexpr std::uint32_t kLocatorSignature = 0x07064b50;     // PK\6\7
inline constexpr std::uint32_t kDescriptorSignature = 0x08074b50;  // PK\7\8

// Bytes of each record's fixed part.
inline constexpr std::uint64_t kLocalBytes = 30;
inline constexpr std::uint64_t kCentralBytes = 46;
inline constexpr std::uint64_t kEndBytes = 22;
inline constexpr std::uint64_t kEnd64Bytes = 56;
inline constexpr std::uint64_t kLocatorBytes = 20;
inline constexpr std::uint64_t kMostRecordBytes = kCentralBytes + 3 * 0xffff;

inline constexpr std::uint16_t kFlagEncryptedBit = 0x0001;
inline constexpr std::uint16_t kFlagDescriptorBit = 0x0008;
/// Patched data, strong encryption, masked headers, and what APPNOTE leaves undefined.
inline constexpr std::uint16_t kFlagOddBits = 0xf7f0;

/// What a local header and a directory record both say about a member.
struct Stated {
  std::uint16_t version = 0;  ///< needed to extract
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc32 = 0;
  std::uint64_t packed = 0;                 ///< bytes; zip64 resolved
  std::uint64_t size = 0;                   ///< bytes after decompression; zip64 resolved
  std::optional<std::uint64_t> packed_alt;  ///< a zip64 field that not every loader asks says this instead
  std::string_view name;                    ///< raw; borrowed from the bytes parsed
  std::string_view unicode_name;            ///< of extra field 0x7075, which some loaders prefer; else empty
  bool zip64_odd = false;
  bool extra_odd = false;
};

struct Local : Stated {
  std::uint64_t bytes = 0;  ///< of the whole header; the data begins there
};

struct Central : Stated {
  std::uint64_t bytes = 0;  ///< of the whole record
  std::uint64_t header_offset = 0;
  std::uint16_t disk = 0;
  std::uint32_t external = 0;  ///< attributes; the upper half is a Unix mode
};

/// The end record, classic or zip64.
struct End {
  std::uint64_t count = 0;    ///< records in the directory
  std::uint64_t size = 0;     ///< bytes of the directory
  std::uint64_t offset = 0;   ///< of the directory
  std::uint64_t bytes = 0;    ///< of the record itself, without the comment
  std::uint16_t comment = 0;  ///< bytes; classic only
  bool many_disks = false;
};

std::uint32_t signature(bytes::View at) noexcept;  ///< the first four bytes, 0 where there are fewer

/// `at` begins with the record and may hold more. Errc::malformed for another signature,
/// Errc::truncated where the record does not fit; the offset counts from `at`.
Result<Local> parse_local(bytes::View at);
Result<Central> parse_central(bytes::View at);
Result<End> parse_end(bytes::View at);
Result<End> parse_end64(bytes::View at);

/// Bytes that a record beginning with these fixed bytes occupies; 0 where `at` holds no such start.
std::uint64_t local_bytes(bytes::View at) noexcept;
std::uint64_t central_bytes(bytes::View at) noexcept;

/// Bytes of the data descriptor at `at` (12 to 24) that agrees with both sizes, else 0. It comes with
/// or without its signature, with 4- or 8-byte sizes, and nothing in the archive says which.
std::uint64_t descriptor_bytes(bytes::View at, std::uint64_t packed, std::uint64_t size) noexcept;

/// Would a real writer have made this header? For local headers that nothing points at.
bool plausible(const Local& local) noexcept;

}  // namespace assay::container::zip
