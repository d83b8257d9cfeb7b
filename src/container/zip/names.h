// What a member's name would do on disk, and when two names are one file.
#pragma once
#include <cstdint>
#include <string_view>

namespace assay::container::zip {

/// True where some extractor would write outside its folder: "..", an absolute path, a drive letter,
/// UNC, any of these with backslashes, or a NUL that hides the rest.
bool escapes(std::string_view name) noexcept;

/// The character as file systems that ignore case and slash direction see it (ASCII only).
constexpr char folded(char c) noexcept {
  if (c == '\\') return '/';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_folded(std::string_view a, std::string_view b) noexcept;
std::uint64_t folded_hash(std::string_view name) noexcept;  ///< FNV-1a of the folded name

/// Any order that puts names equal under folding together, and equal names next to each other there.
bool before_folded(std::string_view a, std::string_view b) noexcept;

}  // namespace assay::container::zip
