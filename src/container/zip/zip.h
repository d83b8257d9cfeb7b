// Zip archives, read the way every loader reads them. APPNOTE.TXT 6.3.10; the loaders' own habits are
// in README.md.
//
// A zip says everything twice (local headers, central directory) and where the directory is can be
// found in several ways. Loaders choose differently, and an attacker lives in the difference: the
// scanner opens the harmless copy, torch.load the other one. So nobody's choice is made here: all
// readings are returned, and where they differ there is an Oddity.
#pragma once
#include <string_view>

#include "bytes/budget.h"
#include "bytes/source.h"
#include "container/contents.h"

namespace assay::container::zip {

// Oddity ids. `offset` is that of the local header or of the record that shows it.
// `detail` holds the member's name unless it is told otherwise here; names are raw.
inline constexpr std::string_view kNameDiffers = "zip.name-differs";  ///< "central / local", or the Unicode path field
inline constexpr std::string_view kMethodDiffers = "zip.method-differs";  ///< a second Entry has the local method
inline constexpr std::string_view kSizesDiffer = "zip.sizes-differ";  ///< a second Entry where that changes the bytes
inline constexpr std::string_view kCrcDiffers = "zip.crc-differs";    ///< central and local; the data is not read here
inline constexpr std::string_view kFlagsDiffer = "zip.flags-differ";  ///< in a bit that makes some loader refuse
inline constexpr std::string_view kFlagEncrypted = "zip.flag-encrypted-ignored";  ///< bit 0; see read()
inline constexpr std::string_view kFlagOdd = "zip.flag-odd";  ///< patched, strong encryption, undefined bits
inline constexpr std::string_view kMethodUnknown = "zip.method-unknown";  ///< detail: "number name"
inline constexpr std::string_view kZip64Odd = "zip.zip64-odd";            ///< missing, doubled or contradicting
inline constexpr std::string_view kExtraOdd = "zip.extra-odd";            ///< extra fields do not fill their space
inline constexpr std::string_view kDescriptorDiffers = "zip.descriptor-differs";  ///< data descriptor against directory
inline constexpr std::string_view kDuplicate = "zip.duplicate";                   ///< same name, other data: see read()
inline constexpr std::string_view kDuplicateFolded = "zip.duplicate-folded";  ///< same but for case or slashes; a note
inline constexpr std::string_view kNameEscapes = "zip.name-escapes";  ///< .., absolute, drive, UNC, backslash, NUL
inline constexpr std::string_view kNameNotUtf8 = "zip.name-not-utf8";
inline constexpr std::string_view kNameLong = "zip.name-long";                 ///< cut after kMostNameBytes
inline constexpr std::string_view kLink = "zip.link";                          ///< symbolic link
inline constexpr std::string_view kDevice = "zip.device";                      ///< device, pipe or socket
inline constexpr std::string_view kDirectoryData = "zip.directory-with-data";  ///< name ends in '/', kept as a file
inline constexpr std::string_view kOverlap = "zip.overlap";                    ///< once; detail: "count first / second"
inline constexpr std::string_view kLocalMissing = "zip.local-missing";  ///< the directory points at no local header
inline constexpr std::string_view kLocalOnly = "zip.local-only";        ///< a local header that no directory lists
inline constexpr std::string_view kOffsetOdd = "zip.offset-odd";  ///< header found only when the prefix is not added
inline constexpr std::string_view kDataOutside = "zip.data-outside";      ///< data ends after the archive; clipped
inline constexpr std::string_view kCountDiffers = "zip.directory-count";  ///< detail: "declared found"
inline constexpr std::string_view kDirectorySize = "zip.directory-size";  ///< detail: "declared found"
inline constexpr std::string_view kDirectoriesDiffer =
    "zip.directories-differ";  ///< loaders open different directories
inline constexpr std::string_view kDirectoryMissing =
    "zip.directory-missing";                                                  ///< an end record points at no directory
inline constexpr std::string_view kDirectoryOrphan = "zip.directory-orphan";  ///< records that no end record names
inline constexpr std::string_view kMultiDisk = "zip.multi-disk";

inline constexpr std::size_t kMostNameBytes = 1024;        ///< of a name are kept; miniz keeps 511
inline constexpr std::uint64_t kMostNames = 128ull << 20;  ///< bytes of all names together
inline constexpr std::uint64_t kMostOfOneId = 256;         ///< oddities of one id; one more says "N more"

/// True where some loader would open `source` as a zip: a local header at offset 0, or an end record
/// in the tail that leads to a directory. Reads at most the tail (69 KiB) and a few records.
bool looks_like(const bytes::Source& source);

/// Every member that any loader can reach: by the directory of each end record (with and without
/// adjustment for a prefix, with and without zip64), by local headers from offset 0 forward, and by
/// local headers and directory records in bytes that nobody owns.
///
/// Entries are in the order of `packed.begin`. Entries of equal (packed, method) are one, under the
/// name that came first (last end record first; local names last); every name is checked. Two entries
/// with one `header_offset` are two readings of one member.
///
/// `Entry::encrypted` here means only that flag bit 0 is set or that the method is 99 (AES): CPython
/// asks for a password then, PyTorch's miniz ignores the bit and reads the data plainly. The caller
/// therefore reads such a member plainly, and believes the flag only when that fails. With method 99
/// `method` is `unknown` and nothing can be read.
/// `Entry::kind` is `directory` only for a name that ends in '/' without data.
/// `Entry::target` is filled for a stored symbolic link of at most 4096 bytes; else its data is the target.
/// A deflated member whose size stands only in its data descriptor extends up to the next known
/// header (`declared_size` is empty); bytes after the end of its stream are nobody's, and the
/// caller's to identify. `zip.duplicate` cannot say whether the data is the same: the caller compares digests.
///
/// Coverage: headers, directories and end records are parsed; members' data delegated; gaps of zeros up
/// to 64 KiB padding. Prefix, other gaps, comments and trailing bytes stay unclaimed for the caller; of a
/// gap over 64 MiB only both ends are searched for headers, and the rest is a miss.
///
/// Damage ends one reading, never the others; the first one is kept in `stopped`. Never throws but for
/// bad_alloc. Members' data is not read, but for descriptors and link targets. Memory: about 200 bytes
/// and the name per member, plus 1 MiB; each member is charged to Line::members, and the clock is checked.
Parsed<Contents> read(const bytes::Source& source, bytes::Budget& budget);

}  // namespace assay::container::zip
