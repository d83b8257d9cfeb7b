// Texts and byte strings that somebody might hand to a loader.
#pragma once
#include <string_view>

#include "bytes/view.h"

namespace assay::format::pickle {

/// Whether some loader could begin at the first byte of something that begins with `head`; 64 bytes are enough for all
/// but tar.
bool could_load(bytes::View head) noexcept;

/// Whether `head`, the first 64 bytes of a text or all of it, is base64 of something that could_load().
bool could_load_decoded(std::string_view head);

}  // namespace assay::format::pickle
