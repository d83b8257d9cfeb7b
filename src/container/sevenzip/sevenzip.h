// 7z (and rar, which comes with it), by libarchive: third-party C code on hostile bytes, so only in a
// one-shot cell. No other format and no filter of the library is enabled; a filter may start a program.
//
// Oddities:
//   sevenzip.name-escapes  absolute, with a drive, or with ".." (detail: name)
//   sevenzip.link          a link that stays inside (detail: name -> target)
//   sevenzip.link-escapes  a link that may lead outside
//   sevenzip.device        device, fifo or socket
//   sevenzip.duplicate     an earlier member has the same name (detail: name)
//   sevenzip.checksum      the member's bytes contradict their checksum; they were delivered all the same
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/source.h"
#include "bytes/spool.h"
#include "container/contents.h"

namespace assay::container::sevenzip {

/// Offsets of an Entry mean nothing here: the library does not tell where a member's bytes stand, so
/// `packed` and `header_offset` are zero. The source is null for encrypted members and for what has no data.
using Deliver = std::function<Result<void>(Entry, std::unique_ptr<bytes::Source>)>;

/// Loads what names need (the C.UTF-8 locale and converters from UTF-16) from the file system. Call it
/// before the cell closes; without it, names beyond ASCII come back with "?" in them.
void prepare();

/// The 7z or rar signature at the start; our own code. `read` takes nothing else, though the library
/// would also search for an archive behind an executable's stub.
bool looks_like(bytes::View head);

/// How many bytes from the start belong to a 7z archive, as its first 32 bytes declare; what follows
/// belongs to nobody. Nothing for rar, and where the numbers contradict each other. Our own code.
std::optional<std::uint64_t> declared_length(bytes::View head);

/// Decompresses one member after the other. Charges Line::members per member and Line::inflated_bytes
/// per block, before it is kept. A member that breaks is delivered as far as it could be read, and the
/// first error is returned after the readable rest. Errc::encrypted where the list of names is encrypted;
/// an encrypted member alone is not an error. A rar that lost its end may read as complete: never take a
/// rar's bytes for accounted. Keeps the names of all members in memory, at most 64 MiB.
Result<void> read(const bytes::Source& source, bytes::Budget& budget, bytes::SpoolFile& spool_file,
                  const Deliver& deliver, std::vector<Oddity>& oddities);

}  // namespace assay::container::sevenzip
