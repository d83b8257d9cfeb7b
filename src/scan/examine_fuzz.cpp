// Oracle: the document is valid and survives its codec, the same bytes give the same document, judging it does
// not crash, and a report that says "safe" covers every byte.
#include <cstdlib>

#include "detect/detect.h"
#include "format/wire.h"
#include "scan/examine.h"
#include "scan/judge.h"

namespace {

using namespace assay;

format::Document examined(bytes::View input) {
  const bytes::MemorySource source{input};
  bytes::SpoolFile spool{-1};
  scan::Examination how;
  auto& few = how.limits;
  few.inflated_floor = 1 << 20;
  few.inflated_ratio = 10;
  few.members = 200;
  few.depth = 6;
  few.opcodes = 300'000;
  few.memo_slots = 300'000;
  few.facts = 2000;
  few.probes = 2000;
  few.seconds = 600;  // time decides nothing here: two runs must agree
  how.third_party = true;
  how.care = detect::care;
  return *scan::examine(source, spool, how);
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span{data, size});
  const auto document = examined(input);
  check(format::validate(document).has_value());
  const auto again = format::decode(bytes::view(format::encode(document)));
  check(again.has_value() && *again == document);
  check(examined(input) == document);
  bool fails = false;
  const auto artifact = scan::judge(document, {}, std::chrono::sys_days{}, fails);
  if (artifact.status == finding::Status::safe) {
    check(document.stops.empty() && artifact.unexamined.empty());
    check(document.members[0].coverage.complete());
  }
  return 0;
}
