#include <cstdlib>
#include <string>

#include "bytes/digest.h"
#include "container/sevenzip/sevenzip.h"

// Oracle: never more bytes or members than the budget allows, errors inside the file, no data for what
// is encrypted, and the same answer twice.
namespace {

using namespace assay;

constexpr std::uint64_t kMost = 4 << 20;
constexpr std::uint64_t kMembers = 1000;

std::string read(bytes::View file) {
  const bytes::MemorySource source{file};
  bytes::Limits limits;
  limits.inflated_bytes = kMost;
  limits.members = kMembers;
  bytes::Budget budget{limits, file.size()};
  bytes::SpoolFile memory{-1};
  std::vector<container::Oddity> oddities;
  bytes::Sha256 answer;
  std::uint64_t made = 0, members = 0;
  const auto deliver = [&](container::Entry entry, std::unique_ptr<bytes::Source> data) -> Result<void> {
    if (entry.encrypted && data) std::abort();
    made += data ? data->size() : 0;
    ++members;
    answer.update(bytes::view(entry.name));
    if (data) answer.update(data->in_memory());
    return {};
  };
  const auto done = container::sevenzip::read(source, budget, memory, deliver, oddities);
  if (made > kMost || members > kMembers) std::abort();
  if (!done && done.error().offset > file.size()) std::abort();
  return answer.finish() + (done ? "" : std::string{done.error().what});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = std::as_bytes(std::span{data, size});
  container::sevenzip::looks_like(file);
  container::sevenzip::declared_length(file);
  if (read(file) != read(file)) std::abort();
  return 0;
}
