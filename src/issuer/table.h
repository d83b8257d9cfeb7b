// The tables that tools/compile_issuers.py writes from rules/secrets/verification.toml.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace assay::issuer::table {

enum class Kind : std::uint8_t {
  http,       ///< the secret stands in the request
  aws_sigv4,  ///< the request is signed with it
};

struct Header {
  std::string_view name, form;
};

/// Detectors that find the parts of one login, by their place in secrets::detectors().
struct Parts {
  std::uint32_t id, temporary_id, key, token;
};

/// How one issuer is asked. Forms are texts with {secret} and {base64:...} in them.
struct Entry {
  std::string_view id;
  Kind kind;
  std::string_view method, url, body;
  std::span<const Header> headers;
  std::span<const std::uint16_t> verified, refused;  ///< status codes
  std::string_view refused_text, unsure_text, identity;
  std::string_view region, service;
  Parts parts;  ///< where kind is aws_sigv4
};

/// What one detector's secrets are asked with.
struct Asked {
  std::int32_t entry;                     ///< -1 where nobody can be asked
  std::span<const std::uint32_t> beside;  ///< detectors whose secrets work together with this one's
};

extern const std::span<const Entry> entries;
extern const std::span<const Asked> asked;  ///< one for each of secrets::detectors()

}  // namespace assay::issuer::table
