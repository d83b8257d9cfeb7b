// One HTTP request and its answer, whoever carries them: curl in the program, a script of answers in tests.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay::issuer {

struct Request {
  std::string method;
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"
  std::string body;
  bool is_direct = false;  ///< past any proxy, and without TLS where the url says so: for a gateway that the user named
};

struct Response {
  unsigned status = 0;
  std::string body;
  bool cut = false;  ///< there was more than is kept
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Within `most`; `stop` is asked meanwhile, and may be empty. An error's `what` is for people: Errc::unsupported
  /// where the request cannot be sent by anybody, anything else where nobody answered. Any thread may call.
  virtual Result<Response> send(const Request& request, std::chrono::milliseconds most,
                                const std::function<bool()>& stop) = 0;
};

}  // namespace assay::issuer
