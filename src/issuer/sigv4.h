// The signature under a request to AWS. https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace assay::issuer::sigv4 {

struct Login {
  std::string id, key, token;  ///< the token is empty where the key lasts
};

/// What is signed: no body, and a query whose parts are sorted and percent-encoded already.
struct Signed {
  std::string_view method, host, path, query, region, service;
};

/// The headers to send beside Host: "X-Amz-Date: ...", perhaps the token's, "Authorization: ...".
std::vector<std::string> headers(const Signed& request, const Login& login, std::chrono::sys_seconds now);

}  // namespace assay::issuer::sigv4
