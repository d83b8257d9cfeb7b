// What travels between the parent and the cell that reads a repository, inside the sandbox's frames. Requests come from
// us; answers are read as hostile.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"
#include "git/history.h"

namespace assay::git {

/// Which part of history. All in `include` and `exclude` are revisions as people write them.
struct Range {
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  bool all = false;          ///< every reference and HEAD is included
  bool beyond_refs = false;  ///< what any reference reaches is excluded: for pushes, which have moved none yet
  bool staged = false;       ///< what the index holds; nothing else matters then
  bool operator==(const Range&) const = default;
};

std::string encode(const Range& range);
Result<Range> decode_range(bytes::View raw);

/// Why a cell has no history to tell.
enum class Refusal : std::uint8_t {
  not_a_repository,
  no_such_revision,
  references,
  index,
  too_many_references,
};
inline constexpr Refusal kLastRefusal = Refusal::too_many_references;
Error to_error(Refusal refusal) noexcept;
std::string encode(Refusal refusal);

/// What a cell says to a Range: a history, or why there is none.
std::string encode(const History& history);

/// Refuses whatever encode() cannot have written: an index out of range, two new entries of one id, times and texts
/// beyond their bounds, an unknown kind. A Refusal becomes its error. Allocates at most a small multiple of the input.
Result<History> decode_history(bytes::View raw);

/// What a cell says to a request for a blob: its state, its size, and its bytes unless they went into a file.
struct Content {
  State state = State::missing;
  std::uint64_t size = 0;
  std::string bytes;  ///< empty where a file was lent
  bool operator==(const Content&) const = default;
};
std::string encode(const Content& content);
Result<Content> decode_content(bytes::View raw);

}  // namespace assay::git
