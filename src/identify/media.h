// Pictures, sound, film and fonts: plain data, as far as their structure holds.
#pragma once
#include <cstdint>
#include <string_view>

#include "identify/look.h"

namespace assay::identify {

struct Medium {
  std::string_view format;  ///< "" where the bytes are none of these
  std::string_view says;
  std::uint64_t end = 0;  ///< one past the last byte that the structure reaches
};

/// `head` is the first 4 KiB and must not be borrowed from `in`.
Medium medium(bytes::View head, Look& in);

}  // namespace assay::identify
