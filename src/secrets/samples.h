// The samples that tools/expand_secrets.py writes, with what the model finds in them. For tests only.
#pragma once
#include "secrets/secrets.h"

namespace assay::secrets::samples {

struct Sample {
  int detector;  ///< of whose `match` it is an expansion; -1 where it is one of a `no_match`
  std::string_view text;
  std::span<const Hit> hits;
};

extern const std::span<const Sample> each;
extern const std::span<const Hit> in_all;  ///< in all of them one after another, a newline behind each

}  // namespace assay::secrets::samples
