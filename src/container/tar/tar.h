// tar: v7, ustar, GNU and pax. Our own reader, headers only: member data are neither read nor copied.
//
//   512-byte header | data, padded to 512 | next header ... | two blocks of zeros
//
// Read as Python's tarfile reads (a wrong checksum ends the archive, only files own data, the first of
// several extended names counts), except that we do not stop where it stops: headers behind the end
// marker are read as well. Spec: POSIX pax(1), GNU tar manual "Tar Internals".
//
// Oddities:
//   tar.checksum       the header's sum is wrong; Python ends here, GNU tar looks for the next header
//   tar.concatenated   headers follow the end marker (offset: of the first)
//   tar.name-escapes   absolute, with a drive, or with ".." (detail: name)
//   tar.link           a link that stays inside (detail: name -> target)
//   tar.link-escapes   a link that may lead outside
//   tar.through-link   the member's path leads through a symbolic link of the same archive
//   tar.device         device or fifo
//   tar.duplicate      an earlier member has the same name; Python takes the last (detail: name)
//   tar.name-differs   readers disagree on the name (detail: the name that is not used)
//   tar.size-ignored   a link, folder or device declares data; Python reads headers there, others skip
//   tar.size-differs   a pax header gives another size than the block, though the block could say it
//   tar.sparse         the unpacked file is not the bytes as they stand here
#pragma once
#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/source.h"
#include "container/contents.h"

namespace assay::container::tar {

inline constexpr std::size_t kBlock = 512;                    // bytes
inline constexpr std::uint64_t kMostExtended = 1 << 20;       // bytes of one pax header or GNU long name
inline constexpr std::uint64_t kMostNameBytes = 64ull << 20;  // bytes of all names and link targets together

/// True where a loader would take `head` for a tar: the "ustar" magic, or (v7) a correct checksum and
/// numbers in every numeric field. Needs the first 512 bytes.
bool looks_like(bytes::View head);

/// Lists the members. On damage keeps those before it; bytes behind are left unclaimed. Costs two reads
/// per member and one Line::members per header, however large the members are. Allocates about 200
/// bytes per member and kMostNameBytes of names.
Parsed<Contents> read(const bytes::Source& source, bytes::Budget& budget);

}  // namespace assay::container::tar
