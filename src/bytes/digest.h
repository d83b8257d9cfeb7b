// SHA-256, and SHA-1 where git counts by it, by OpenSSL.
#pragma once
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
  /// Lower-case hex; the object starts anew.
  std::string finish();

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
Result<std::string> sha256(const Source& source);

}  // namespace assay::bytes
