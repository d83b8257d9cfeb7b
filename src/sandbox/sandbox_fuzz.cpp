#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sandbox/wire.h"

namespace {

constexpr std::uint64_t kMost = 64;

/// Everything that an inbox makes of `bytes` when they come `step` at a time.
std::string read_in_steps(std::string_view bytes, std::size_t step) {
  assay::sandbox::Inbox inbox{kMost};
  std::string seen;
  while (!bytes.empty()) {
    inbox.push(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    for (;;) {
      const auto frame = inbox.next();
      if (!frame) return seen + "refused";
      if (!*frame) break;
      if ((*frame)->result.size() > kMost) std::abort();
      seen += std::to_string(static_cast<unsigned>((*frame)->kind)) + "," + std::to_string((*frame)->id) + ",";
      seen += std::to_string((*frame)->result.size()) + ":";
      seen += (*frame)->result;
    }
  }
  return seen;
}

}  // namespace

// Oracle: how a stream is cut into pieces never changes what it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto whole = read_in_steps(bytes, std::max<std::size_t>(size, 1));
  for (const std::size_t step : {1, 7, 17})
    if (read_in_steps(bytes, step) != whole) std::abort();
  return 0;
}
