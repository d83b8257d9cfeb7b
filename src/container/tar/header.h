// Inside container/tar: one header block, and the extended headers that change it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::container::tar {

struct Header {
  std::string name;        ///< raw; with the prefix where Python would use it
  std::string short_name;  ///< without it, where others would not
  std::string target;      ///< of a link
  char type = '0';
  std::uint64_t size = 0;  ///< bytes, as declared
  bool checksum_right = false;
  bool extended_sparse = false;  ///< old GNU sparse: blocks of more map follow
};

/// Errc::malformed where a numeric field is no number.
Result<Header> parse_header(bytes::View block, std::uint64_t at);

/// Octal digits among spaces, cut at NUL; or base 256 when the first byte says so. Nothing: not a number.
std::optional<std::uint64_t> parse_number(bytes::View field);

/// What pax and GNU headers say about the member that follows.
struct Overrides {
  std::optional<std::string> name;
  std::optional<std::string> target;
  std::optional<std::uint64_t> size;
  bool sparse = false;
};

/// "<length> <key>=<value>\n", repeated. `at` is where `data` stands, for errors.
Result<Overrides> parse_pax(bytes::View data, std::uint64_t at);

}  // namespace assay::container::tar
