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

/// What is known of bytes before they are read as pickles.
enum class Trust : std::uint8_t {
  none,   ///< they may be anything: arrays begin with PROTO by chance, too
  magic,  ///< PROTO at the start of a file or member means a pickle; without it, prose may begin like one
  sure,   ///< their container says that they begin with a pickle
};

/// Reads the pickle at `offset` and those that follow it directly, as a loader that loads again finds them. Returns the
/// end of the last. What is not known to be a pickle (protocols 0 and 1 have no magic) is one if it does something: a
/// call is made, a name that Python could import is looked up; or if nothing follows it, or only more of its kind.
/// Otherwise nothing is returned, and nothing is kept.
std::optional<std::uint64_t> read_all(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts,
                                      Trust trust);

/// PROTO and a protocol that exists.
bool starts_binary(bytes::View head) noexcept;

/// Text-protocol beginnings that look up a name: "c" or "(...c", a module, a newline, a name, a newline.
bool starts_with_name(bytes::View head) noexcept;

/// The next offset at or after `from` where a pickle that gets somewhere could start; for bytes nobody owns.
/// Charges Line::probes for each place that is tried.
Result<std::optional<std::uint64_t>> find_start(const bytes::Source& source, std::uint64_t from, std::uint64_t to,
                                                MemberFacts& facts);

}  // namespace assay::format::pickle
