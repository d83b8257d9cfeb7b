#include "git/oid.h"

#include <sys/random.h>

#include "base/result.h"

namespace assay::git {

std::array<std::uint64_t, 2> OidHash::random_seed() noexcept {
  std::array<std::uint64_t, 2> seed{};
  ASSAY_ASSERT(::getrandom(seed.data(), sizeof seed, 0) == sizeof seed);  // allowed in every cell
  return seed;
}

}  // namespace assay::git
