// Numbers and lines as people read them.
//
// Texts given here are valid UTF-8 without control characters, as printable() makes them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/document.h"

namespace assay::report {

std::string grouped(std::uint64_t number);                             ///< "2,000"
std::string counted(std::uint64_t number, std::string_view singular);  ///< "1 file", "2,000 files"
std::string duration(double seconds);                                  ///< "0.04 s", "2 min 5 s"
std::string joined(const std::vector<std::string>& parts, std::string_view between = ", ");

/// An upper bound of the terminal columns that `text` takes: two for whatever may be wide.
std::size_t columns(std::string_view text) noexcept;

/// `text`, or as much of its start (its end) as fits beside an ellipsis into `most` columns.
std::string keep_start(std::string_view text, std::size_t most);
std::string keep_end(std::string_view text, std::size_t most);

/// Lines of at most `most` columns, broken at spaces, and inside a word only where it is longer than a
/// line. Nothing but the space at a break is lost. `most` of 0 counts as 1.
std::vector<std::string> wrapped(std::string_view text, std::size_t most);

/// "commit 1a2b3c4 by A U Thor on 2023-11-14", printable; what is staged or named by a tag has no commit: "".
std::string commit_in_words(const format::Origin& origin);

}  // namespace assay::report
