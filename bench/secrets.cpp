// How fast bytes are looked through for secrets, for bench/secrets_speed.py.
//
//     bench_secrets FILE      prints the GB/s of one core: "sha256 F", "literals F", "scanner F", and how often it hit
//
// The file is read before; each is the fastest of a few turns, by the processor's time and not by the clock's: others
// may want the cores, too.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "bytes/digest.h"
#include "literals/literals.h"
#include "secrets/secrets.h"

namespace {

using assay::bytes::View;

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr int kTurns = 3;

double gigabytes_per_second(const std::string& text, const std::function<void(View)>& take) {
  const auto began = std::clock();
  for (auto rest = assay::bytes::view(text); !rest.empty();) {
    const auto block = rest.first(std::min(rest.size(), kBlockBytes));
    take(block);
    rest = rest.subspan(block.size());
  }
  const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  return static_cast<double>(text.size()) / seconds / 1e9;
}

struct Speeds {
  double sha256 = 0, literals = 0, scanner = 0;
};

void measure(const std::string& text, assay::literals::Search& search, assay::secrets::Scanner& scanner, Speeds& best) {
  assay::bytes::Sha256 hash;
  best.sha256 = std::max(best.sha256, gigabytes_per_second(text, [&](View block) { hash.update(block); }));
  best.literals =
      std::max(best.literals, gigabytes_per_second(text, [&](View block) { search.scan(block, [](auto&&...) {}); }));
  best.scanner = std::max(best.scanner, gigabytes_per_second(text, [&](View block) { scanner.feed(block); }));
}

}  // namespace

int main(int argc, char** argv) {
  auto search = assay::literals::Search::open();
  auto scanner = assay::secrets::Scanner::open();
  if (argc != 2 || !search || !scanner) {
    std::fprintf(stderr, "usage: bench_secrets FILE, on a processor with SSE 4.2\n");
    return 1;
  }
  std::ifstream in{argv[1], std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  Speeds best;
  std::size_t hits = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    measure(text, *search, *scanner, best);
    hits = scanner->finish().size();
  }
  std::printf("sha256 %.6f\nliterals %.6f\nscanner %.6f\nhits %zu%s\n", best.sha256, best.literals, best.scanner, hits,
              scanner->cut() ? " cut" : "");
}
