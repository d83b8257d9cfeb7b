// A whole program that converts a checkpoint, with Assay as a library, and reads the header of what was written.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "assay/convert.h"
#include "assay/safetensors.h"

namespace {

void print_tensors(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat s {};
  if (file < 0 || ::fstat(file, &s) != 0) return;
  const assay::safetensors::FileSource source{file, static_cast<std::uint64_t>(s.st_size)};
  assay::safetensors::Budget budget{assay::safetensors::Limits{}, source.size()};
  const auto parsed = assay::safetensors::parse(source, budget);
  ::close(file);
  if (parsed.stopped || parsed.facts.refused) std::printf("  not a valid file\n");
  for (const auto& t : parsed.facts.tensors)
    std::printf("  %-6s %10llu bytes  %s\n", std::string{to_string(t.dtype)}.c_str(),
                static_cast<unsigned long long>(t.end - t.begin), t.name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: convert_model CHECKPOINT RESULT\n");
    return 64;
  }
  assay::convert::Options options;
  options.output = argv[2];
  options.force = true;
  options.allow_unconfined = true;  // an example must run everywhere; a service should insist on confinement

  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const auto outcome = assay::convert::convert({argv[1]}, assay::verdict::Policy{}, today, options);
  if (!outcome) {
    std::fprintf(stderr, "refused: %s\n", outcome.error().what.c_str());
    return 2;
  }
  std::printf("%s", to_text(*outcome, {}).c_str());
  for (const auto& conversion : outcome->conversions)
    for (const auto& product : conversion.products) print_tensors(product.path);
  return assay::convert::exit_code(*outcome);
}
