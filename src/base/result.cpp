#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace assay {

std::string_view to_string(Errc code) noexcept {
  switch (code) {
    case Errc::truncated: return "truncated";
    case Errc::malformed: return "malformed";
    case Errc::unsupported: return "unsupported";
    case Errc::encrypted: return "encrypted";
    case Errc::limit_reached: return "limit-reached";
    case Errc::io: return "io";
    case Errc::changed: return "changed";
    case Errc::crashed: return "crashed";
  }
  return "unknown";
}

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "assay: internal error: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace assay
