#include "git/lfs.h"

#include <algorithm>
#include <charconv>

namespace assay::git {
namespace {

constexpr std::string_view kVersions[] = {"version https://git-lfs.github.com/spec/v1",
                                          "version https://hawser.github.com/spec/v1"};  // before it was renamed

bool is_digest(std::string_view oid) {
  constexpr std::string_view kMethod = "sha256:";
  if (!oid.starts_with(kMethod)) return false;
  oid.remove_prefix(kMethod.size());
  return oid.size() == 64 && oid.find_first_not_of("0123456789abcdef") == oid.npos;
}

}  // namespace

std::optional<LfsPointer> parse_lfs_pointer(std::string_view content) {
  if (content.size() >= kMostPointerBytes) return std::nullopt;
  LfsPointer out;
  bool is_first = true, has_size = false;
  while (!content.empty()) {
    const auto end = content.find('\n');
    auto line = content.substr(0, end);
    content.remove_prefix(end == content.npos ? content.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (is_first && std::find(std::begin(kVersions), std::end(kVersions), line) == std::end(kVersions))
      return std::nullopt;
    is_first = false;
    if (line.starts_with("oid ") && is_digest(line.substr(4))) out.oid = line.substr(4);
    if (line.starts_with("size ")) {
      line.remove_prefix(5);
      const auto read = std::from_chars(line.data(), line.data() + line.size(), out.size);
      has_size = read.ec == std::errc{} && read.ptr == line.data() + line.size();
    }
  }
  if (out.oid.empty() || !has_size) return std::nullopt;
  return out;
}

}  // namespace assay::git
