// Keys between -----BEGIN and -----END.
#pragma once
#include <string>
#include <string_view>

namespace assay::secrets {

/// The body decodes, whether its lines end in newlines or in the two bytes of \n as JSON writes them; it is at least 32
/// bytes long, not all of one kind, and begins as `start` says: "der" (most of a SEQUENCE), "openssh", or ""
/// (anything); cipher text, which DEK-Info announces, begins as it likes.
bool is_armour(std::string_view secret, std::string_view start);

/// Without "Proc-Type: ..." and the other headers of old armours, each through the end of its line. Linear time.
std::string without_headers(std::string_view body);

}  // namespace assay::secrets
