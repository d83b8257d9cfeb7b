// Programs among bytes that are something else: in a tensor, behind a picture, in a gap that nobody owns.
//
// Magic numbers are short and numbers are random, so a magic alone is nothing: a program counts where its headers are
// sane and what they point at lies inside. Formats: System V gABI (ELF), PE/COFF, Mach-O, JVMS 4 (class), DEX,
// MS-SHLLINK, MS-CFB, APPNOTE 4.3.7 (jar), execve(2) (scripts).
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/source.h"

namespace assay::identify {

struct Program {
  std::string_view
      format;  ///< "elf", "pe", "mach-o", "ape", "script", "java-class", "dex", "lnk", "ole", "jar"; a literal
  std::string_view says;    ///< for people: "a Linux program or library"; a literal
  std::uint64_t begin = 0;  ///< bytes from the source's start
  std::uint64_t end = 0;    ///< one past the last byte that its headers reach; begin < end, within what was searched
  bool operator==(const Program&) const = default;
};

inline constexpr std::size_t kMostPrograms = 100;  ///< found in one search; then it stops as limit_reached

/// The program that begins at the first byte of `source`; format "" where there is none.
Program program_at_start(const bytes::Source& source);

/// All programs in [begin, end), by place; what stands inside another one is not told. About 1.5 GB/s; holds 1 MiB
/// where the source is not in memory. `go_on` is asked once per MiB and may stop the search; it may be empty.
Parsed<std::vector<Program>> find_programs(const bytes::Source& source, std::uint64_t begin, std::uint64_t end,
                                           const std::function<Result<void>()>& go_on = {});

/// Whether an Office document (OLE, MS-CFB) has a macro project. Reads all of it, at the speed of memory.
bool has_macros(const bytes::Source& source);

}  // namespace assay::identify
