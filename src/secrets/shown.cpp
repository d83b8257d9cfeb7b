#include "secrets/shown.h"

#include <algorithm>

#include "base/text.h"
#include "bytes/digest.h"

namespace assay::secrets {

std::string shown(std::string_view secret) {
  constexpr std::size_t kMost = 4;  // characters on each side
  const auto side = secret.size() >= 20 ? kMost : secret.size() / 6;
  return std::string{secret.substr(0, side)} + "…" + std::string{secret.substr(secret.size() - side)} + " (" +
         std::to_string(secret.size()) + " characters)";
}

std::string fingerprint(std::string_view key, std::string_view secret) {
  const auto mac = bytes::hmac_sha256(bytes::view(key), bytes::view(secret));
  constexpr std::size_t kKept = 8;  // bytes
  return to_hex(bytes::text(mac).substr(0, kKept));
}

}  // namespace assay::secrets
