// The program curl as a Transport: one process for each request (docs/decisions/0006).
#pragma once
#include <cstddef>
#include <string_view>

#include "issuer/transport.h"

namespace assay::issuer {

class Curl final : public Transport {
 public:
  Result<Response> send(const Request& request, std::chrono::milliseconds most,
                        const std::function<bool()>& stop) override;

  static constexpr std::size_t kMostBytes = 256 << 10;  ///< of an answer, headers included
};

/// What curl reads from its standard input. Errc::unsupported where a value holds a control character: a line break in
/// a secret would be the next option (output=/root/.ssh/authorized_keys), or the next header.
Result<std::string> configuration(const Request& request, std::chrono::milliseconds most);

/// The answer as curl prints it, headers first. Errc::malformed where it is none.
Result<Response> response_in(std::string_view printed);

}  // namespace assay::issuer
