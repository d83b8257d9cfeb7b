// Oracle: the document validates and survives its codec, coverage adds up, reading twice (from memory and from
// a file) says the same, and what a shorter input showed of a single reading is part of what the whole shows.
#include <cstdlib>

#include "format/pickle/pickle.h"
#include "format/pickle/sample.h"
#include "format/wire.h"

namespace {

using namespace assay;
using namespace assay::format;
using format::pickle::sample::Facts;

bytes::Limits limits() {
  bytes::Limits few;
  few.opcodes = 1'000'000;
  few.memo_slots = 1'000'000;
  few.facts = 5000;
  few.seconds = 60;
  return few;
}

void check(bool holds) {
  if (!holds) std::abort();
}

Document read(const bytes::Source& source) {
  Facts f{source.size(), limits()};
  format::pickle::read_all(source, 0, f.facts, format::pickle::Trust::sure);
  return f.finish();
}

bool is_single_reading(const Document& d) {
  return d.pickles.size() == 1 && d.quirks.empty() && d.stops.size() <= 1 && d.pickles[0].profiles == kAllProfiles;
}

template <class T, class Same>
void is_part(const std::vector<T>& of_prefix, const std::vector<T>& of_whole, Same same) {
  for (const auto& p : of_prefix)
    check(std::any_of(of_whole.begin(), of_whole.end(), [&](const T& w) { return same(p, w); }));
}

void prefix_shows_no_more(std::string_view input, const Document& whole, std::size_t n) {
  const bytes::MemorySource source{bytes::view(input.substr(0, n))};
  const auto prefix = read(source);
  check(validate(prefix).has_value());
  if (prefix.pickles.empty() || !is_single_reading(prefix)) return;
  // Behind the first pickle's end other pickles may begin in one of the two only.
  is_part(prefix.imports, whole.imports, [](const Import& a, const Import& b) {
    return a.place == b.place && a.module == b.module && a.name == b.name;
  });
  is_part(prefix.calls, whole.calls,
          [](const Call& a, const Call& b) { return a.place == b.place && a.kind == b.kind; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const bytes::MemorySource source{bytes::view(input)};
  const auto document = read(source);
  check(validate(document).has_value());
  const auto again = decode(bytes::view(encode(document)));
  check(again.has_value() && *again == document);
  const format::pickle::sample::FarSource far{std::string{input}};
  check(read(far) == document);
  if (size > 1 && size < 4096 && is_single_reading(document))
    for (const auto n : {size / 4, size / 2, size - 1}) prefix_shows_no_more(input, document, n);
  return 0;
}
