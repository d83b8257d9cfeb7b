// Files for the tests: zips and gzips built byte by byte, pickles that call `true`.
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "bytes/crc32.h"
#include "bytes/view.h"

namespace assay::scan::sample {

template <class T>
std::string le(T n) {
  std::string out(sizeof n, '\0');
  std::memcpy(out.data(), &n, sizeof n);
  return out;
}
inline std::string le16(std::size_t n) { return le(static_cast<std::uint16_t>(n)); }
inline std::string le32(std::size_t n) { return le(static_cast<std::uint32_t>(n)); }

inline const std::string kPayload =
    "\x80\x04"
    "cos\nsystem\n\x8c\x04"
    "true\x85R.";
inline const std::string kHarmless =
    "\x80\x04"
    "](K\x01K\x02"
    "e.";

struct Part {
  std::string name, content;
};

/// A zip of stored members.
inline std::string zip(const std::vector<Part>& parts, const std::string& before = {}) {
  std::string out = before, directory;
  for (const auto& p : parts) {
    const auto crc = le(bytes::crc32(bytes::view(p.content)));
    const auto sizes = le32(p.content.size()) + le32(p.content.size());
    const auto fields = le16(20) + le16(0) + le16(0) + le32(0x00210000) + crc + sizes + le16(p.name.size()) + le16(0);
    directory += "PK\1\2" + le16(20) + fields + le16(0) + le16(0) + le16(0) + le32(0) + le32(out.size()) + p.name;
    out += "PK\3\4" + fields + p.name + p.content;
  }
  const auto at = out.size();
  return out + directory + "PK\5\6" + le32(0) + le16(parts.size()) + le16(parts.size()) + le32(directory.size()) +
         le32(at) + le16(0);
}

/// A gzip stream that stores its content.
inline std::string gzip(const std::string& content) {
  std::string blocks;
  for (std::size_t at = 0;;) {
    const auto n = std::min<std::size_t>(content.size() - at, 0xffff);
    const bool last = at + n == content.size();
    blocks += std::string(1, last ? '\1' : '\0') + le16(n) + le16(~n & 0xffff) + content.substr(at, n);
    at += n;
    if (last) break;
  }
  const std::string head("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  return head + blocks + le(bytes::crc32(bytes::view(content))) + le32(content.size());
}

}  // namespace assay::scan::sample
