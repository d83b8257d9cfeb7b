#pragma once
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace assay::format::pickle {

/// The bytes of standard or URL-safe base64, white space ignored, padding optional. Nothing for any other text.
std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace assay::format::pickle
