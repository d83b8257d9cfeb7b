// Where a member's name or a link's target would lead when an archive is unpacked. Pure functions of
// the text: whoever unpacks may be Python, libarchive, GNU tar or Explorer, so both slashes separate.
#pragma once
#include <cstddef>
#include <string_view>

namespace assay::container {

constexpr bool is_separator(char c) noexcept { return c == '/' || c == '\\'; }

/// Calls `visit(component)` for each part between separators until it returns false.
template <class Visit>
constexpr void each_component(std::string_view path, Visit visit) {
  while (!path.empty()) {
    std::size_t n = 0;
    while (n < path.size() && !is_separator(path[n])) ++n;
    if (!visit(path.substr(0, n))) return;
    path.remove_prefix(n < path.size() ? n + 1 : n);
  }
}

/// "/x", "\x", "C:x"
constexpr bool is_absolute(std::string_view path) noexcept {
  if (path.empty()) return false;
  const char letter = static_cast<char>(path[0] | 0x20);
  return is_separator(path[0]) || (path.size() > 1 && path[1] == ':' && letter >= 'a' && letter <= 'z');
}

/// Absolute, or with a ".." anywhere: "a/../b" stays inside only while "a" is no link.
constexpr bool name_escapes(std::string_view name) noexcept {
  bool escapes = is_absolute(name);
  each_component(name, [&](std::string_view part) { return !(escapes = escapes || part == ".."); });
  return escapes;
}

/// Whether `target`, seen from the folder of `name`, may leave the archive's root. A ".." behind a
/// named folder counts as leaving, because that folder may be another link.
constexpr bool symlink_escapes(std::string_view name, std::string_view target) noexcept {
  if (is_absolute(target) || name_escapes(name)) return true;
  std::size_t depth = 0;
  each_component(name, [&](std::string_view part) { return depth += !part.empty() && part != ".", true; });
  if (depth > 0) --depth;  // the link itself
  bool escapes = false, named = false;
  each_component(target, [&](std::string_view part) {
    if (part.empty() || part == ".") return true;
    if (part != "..") return named = true;
    escapes = named || depth == 0;
    if (!escapes) --depth;
    return !escapes;
  });
  return escapes;
}

}  // namespace assay::container
