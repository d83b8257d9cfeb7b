// One artifact from its bytes to its document: which formats, which members, which facts. Runs in a cell.
#pragma once
#include <functional>
#include <optional>

#include "bytes/budget.h"
#include "bytes/source.h"
#include "bytes/spool.h"
#include "format/document.h"
#include "format/member_facts.h"
#include "format/torch/checkpoint.h"

namespace assay::scan {

/// What engines that read bytes see of one member: all that is its own. Members of archives, decompressed streams and
/// decoded texts are seen by themselves; what merely stands inside (a byte string, unowned bytes) is part of this one.
struct OwnBytes {
  std::uint32_t member;
  const bytes::Source& source;
  const std::vector<bytes::Extent>& own;      ///< in order and apart: neither other members' nor tensors'
  const std::vector<bytes::Extent>& tensors;  ///< in order and apart
  const format::Document& document;           ///< so far; the member's formats are known
  bytes::Budget& budget;
};

/// A member with all of its bytes, also those that stand in its container: what an engine outside of the cell is to
/// see.
struct MemberBytes {
  std::uint32_t member;
  const bytes::Source& source;
  const std::vector<bytes::Extent>& tensors;  ///< in order and apart
};

struct Examination {
  bytes::Limits limits;
  /// Whether third-party decompressors may run in this process: only where it reads nothing else.
  bool third_party = false;
  format::Caring care = nullptr;
  std::function<void()> sign_of_life;                           ///< may be empty
  std::function<void(const format::torch::Tensor&)> on_tensor;  ///< may be empty
  std::function<void(const OwnBytes&)> on_bytes;                ///< may be empty
  std::function<void(const MemberBytes&)> on_member_bytes;      ///< may be empty
  /// Called when a member was read and its bytes are still at hand; may be empty.
  std::function<void(std::uint32_t member, const bytes::Source&, const format::Document&)> on_member;
};

/// The facts of the artifact behind `source`. Nothing where a third-party decompressor is needed and not
/// allowed: the caller then examines the artifact again in a cell of its own. `path`, `sha256` and `tier`
/// are left for the parent to fill.
std::optional<format::Document> examine(const bytes::Source& source, bytes::SpoolFile& spool, const Examination& how);

}  // namespace assay::scan
