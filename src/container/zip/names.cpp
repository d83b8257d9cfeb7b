#include "container/zip/names.h"

#include <algorithm>

#include "container/member_name.h"

namespace assay::container::zip {

bool escapes(std::string_view name) noexcept { return name.find('\0') != std::string_view::npos || name_escapes(name); }

bool same_folded(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return folded(x) == folded(y); });
}

std::uint64_t folded_hash(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<std::uint8_t>(folded(c))) * 0x100000001b3;
  return hash;
}

bool before_folded(std::string_view a, std::string_view b) noexcept {
  const auto less = [](char x, char y) { return folded(x) < folded(y); };
  if (std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), less)) return true;
  if (std::lexicographical_compare(b.begin(), b.end(), a.begin(), a.end(), less)) return false;
  return a < b;
}

}  // namespace assay::container::zip
