#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "git/wire.h"

namespace {

using namespace assay;

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Oracle: what is accepted is exactly what encode() writes of it, or a refusal that says something.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw{reinterpret_cast<const char*>(data), size};
  if (const auto history = git::decode_history(bytes::view(raw))) {
    expect(git::encode(*history) == raw);
    for (const auto& entry : history->entries)
      expect(entry.commit == git::Entry::kNoCommit || entry.commit < history->commits.size());
  } else {
    expect(!history.error().what.empty());
  }
  if (const auto content = git::decode_content(bytes::view(raw))) expect(git::encode(*content) == raw);
  if (const auto range = git::decode_range(bytes::view(raw))) expect(git::encode(*range) == raw);
  return 0;
}
