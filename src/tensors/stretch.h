// Bytes that a reader looks at, and where whoever copies them will find them: in the file, or decompressed in the
// spool.
#pragma once
#include <memory>

#include "bytes/budget.h"
#include "bytes/source.h"
#include "bytes/spool.h"
#include "container/contents.h"
#include "tensors/tensors.h"

namespace assay::tensors {

struct Stretch {
  std::shared_ptr<bytes::Source> source;
  Where where = Where::file;
  std::uint64_t begin = 0;  ///< of the source's first byte, in the file or the spool
  std::uint64_t behind{};   ///< bytes of the file behind the compressed stream, which is shorter than it was given
};

/// Hands out stretches of one file. Outlived by nothing that it handed out.
class Stretches {
 public:
  Stretches(const bytes::Source& file, bytes::SpoolFile& spool, bytes::Budget& budget)
      : file_{file}, spool_{spool}, budget_{budget} {}

  Stretch whole() const { return window(0, file_.size()); }
  Stretch window(std::uint64_t begin, std::uint64_t length) const;
  /// `packed` of the file, decompressed. Damage and limits are errors: what a loader would not get is no tensor.
  Result<Stretch> unpacked(container::Method method, bytes::Extent packed, std::optional<std::uint64_t> declared_size);
  /// Bytes that stand nowhere as they are. Charged like decompressed ones: a few references to one long text would
  /// otherwise fill the disk.
  Result<Stretch> decoded(bytes::View bytes);

 private:
  const bytes::Source& file_;
  bytes::SpoolFile& spool_;
  bytes::Budget& budget_;
};

}  // namespace assay::tensors
