// Formats that are known by their first bytes: programs, models, and what else a loader may start at.
#pragma once
#include <cstdint>
#include <string_view>

#include "bytes/view.h"

namespace assay::identify {

struct Magic {
  std::string_view format;  ///< "" where nothing fits
  std::string_view says;
};

/// 0x80 and a protocol number, which loaders refuse only after they have read it.
bool starts_pickle(bytes::View head) noexcept;

/// Machine code and byte code. 64 bytes are enough; for a PE the header's offset must only be plausible,
/// because it may stand far behind them.
Magic program(bytes::View head, std::uint64_t size) noexcept;

/// Model and data formats that nobody here reads yet. `size`: of the whole source in bytes.
Magic model(bytes::View head, std::uint64_t size) noexcept;

/// Documents that can carry scripts or objects.
Magic document(bytes::View head) noexcept;

/// u64 length of a JSON header, blanks, '{', blanks, and '"' or '}', as far as `head` goes. The header fits into `size`
/// unless it begins at once with '{"': such a file was cut short.
bool is_safetensors(bytes::View head, std::uint64_t size) noexcept;

inline constexpr std::string_view kHdf5 = "\x89HDF\r\n\x1a\n";

}  // namespace assay::identify
