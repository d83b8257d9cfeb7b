// Reading pickles where they stand: one, a trial, or all that follow each other.
#pragma once
#include "format/member_facts.h"
#include "format/pickle/facts.h"

namespace assay::format::pickle {

/// What became of one pickle.
struct Outcome {
  bool stopped = false;   ///< some loader reaches STOP
  std::uint64_t end = 0;  ///< one past the last byte that any loader's reading needed
  std::uint64_t calls = 0;
  std::uint64_t imports = 0;
  std::uint8_t protocol = 0;
};

/// Reads the pickle at `offset` through `sink`, which writes into `facts`; claims its bytes and records
/// where it broke, if no loader comes through. The sink must be fresh.
Outcome read_one(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts, FactSink& sink, bool weak);

/// Reads what may be a pickle without saying so (protocols 0 and 1 have no magic, prose may begin like
/// them). Keeps its facts only when a loader would get somewhere: it reaches STOP and nothing follows, a call
/// is made, or a name that Python could import is looked up. Nothing otherwise.
std::optional<Outcome> try_one(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts);

/// Reads the pickle at `offset` and those that follow it directly, as a loader that loads again finds them. Returns the
/// end of the last. `sure`: the bytes at `offset` are known to be a pickle. Nothing is returned when nothing was read.
std::optional<std::uint64_t> read_all(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts, bool sure);

/// PROTO and a protocol that exists.
bool starts_binary(bytes::View head) noexcept;

/// Text-protocol beginnings that look up a name: "c" or "(...c", a module, a newline, a name, a newline.
bool starts_with_name(bytes::View head) noexcept;

/// The next offset at or after `from` where a pickle that gets somewhere could start; for bytes nobody owns.
/// Charges Line::probes for each place that is tried.
Result<std::optional<std::uint64_t>> find_start(const bytes::Source& source, std::uint64_t from, std::uint64_t to,
                                                MemberFacts& facts);

}  // namespace assay::format::pickle
