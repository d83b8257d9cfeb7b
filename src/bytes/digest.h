// SHA-256, and SHA-1 where git counts by it, by OpenSSL.
#pragma once
#include <array>
#include <memory>
#include <string>

#include "base/result.h"
#include "bytes/source.h"

namespace assay::bytes {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(View bytes);
  using Raw = std::array<std::byte, 32>;
  Raw finish_raw();      ///< The object starts anew, here and below.
  std::string finish();  ///< lower-case hex

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// What git names objects by. Two contents with one SHA-1 can be made: never the only name of anything.
class Sha1 {
 public:
  Sha1();
  ~Sha1();
  Sha1(Sha1&&) noexcept;
  Sha1& operator=(Sha1&&) noexcept;
  void update(View bytes);
  std::string finish();  ///< as Sha256's

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256(View bytes);
/// RFC 2104, with SHA-256.
Sha256::Raw hmac_sha256(View key, View message);
Result<std::string> sha256(const Source& source);

/// Where OpenSSL has not been started yet, it will be without the settings of this machine, which name files and
/// modules to load. For processes that can open nothing.
void leave_crypto_settings() noexcept;

}  // namespace assay::bytes
