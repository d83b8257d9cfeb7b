// What may be said of a secret without giving it away.
#pragma once
#include <string>
#include <string_view>

#include "bytes/view.h"

namespace assay::secrets {

/// The first and the last four characters, and how many there are: "hf_A…wxyz (37 characters)". Of a short secret
/// fewer, so that three fifths stay hidden. Raw bytes: who prints it escapes it.
std::string shown(std::string_view secret);

/// 16 hex digits of HMAC-SHA-256: the same wherever the same secret stands, so that it can be recognised without being
/// kept. Under a key that others know, a short password can be found by trying; an owner's own key prevents that.
std::string fingerprint(std::string_view key, std::string_view secret);

/// The key where the owner has named none.
inline constexpr std::string_view kPublicKey = "assay secret fingerprint 1";

}  // namespace assay::secrets
