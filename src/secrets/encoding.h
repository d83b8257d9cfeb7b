// How issuers write bytes and checksums as text.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::secrets {

/// Standard or URL alphabet, with or without padding; nothing where it is neither. Bits after the last byte are
/// ignored.
std::optional<std::string> from_base64(std::string_view text);

/// The last six bytes are the CRC-32 of what stands between the last underscore and them, in base 62: GitHub, npm.
bool has_crc32_in_base62(std::string_view secret);

/// The checksum of BIP-173 over a human-readable part, "1" and the data, all in one case.
bool is_bech32(std::string_view secret);

/// Bitcoin's base 58: the last four bytes are the head of a double SHA-256 over the others.
/// Time is quadratic in the length, which the rules bound.
bool is_base58check(std::string_view secret);

}  // namespace assay::secrets
