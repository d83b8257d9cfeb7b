// CRC-32 as zip, gzip and PNG use it (ISO 3309, polynomial 0xedb88320). Our own, so that it may run in
// every cell.
#pragma once
#include <cstdint>

#include "bytes/view.h"

namespace assay::bytes {

/// Continues `crc` (0 to begin with) over `bytes`.
std::uint32_t crc32(View bytes, std::uint32_t crc = 0) noexcept;

}  // namespace assay::bytes
