// Hostile text on its way to people: UTF-8 checks and escapes, in one place.
#pragma once
#include <string>
#include <string_view>

namespace assay {

bool is_utf8(std::string_view raw) noexcept;

/// `raw` with control characters, bidirectional overrides, other invisible characters and bytes
/// that are not UTF-8 written as escapes (\n, \x1b, \u202e), so that a file name cannot draw on
/// a terminal or reorder a line. At most `max_bytes` of input are shown, then "…".
std::string printable(std::string_view raw, std::size_t max_bytes = 4096);

/// UTF-8 in any case: bytes that are not valid become U+FFFD. For JSON strings.
std::string to_utf8(std::string_view raw);

std::string to_hex(std::string_view raw);

/// "20.4 MB": decimal units, as disks and the Hub count.
std::string human_bytes(std::uint64_t bytes);

}  // namespace assay
