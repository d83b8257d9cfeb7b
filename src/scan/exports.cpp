#include "scan/exports.h"

#include <algorithm>

namespace assay::scan {

void Exporter::add(const MemberBytes& bytes) {
  Export out;
  out.member = bytes.member;
  out.length = bytes.source.size();
  out.tensors = bytes.tensors;
  if (!lies_somewhere(bytes.source, out)) {
    needs_spool_ |= spool_.descriptor() < 0;
    if (needs_spool_) return;
    if (!copy(bytes.source, out)) {
      cut_ = true;
      return;
    }
  }
  exports_.push_back(std::move(out));
}

bool Exporter::lies_somewhere(const bytes::Source& source, Export& out) const {
  if (const auto origin = source.origin()) {
    out.offset = origin->offset;
    out.spooled = origin->descriptor == spool_.descriptor();
    return true;
  }
  // A small file was sent as bytes: its members are stretches of them.
  const auto root = root_.in_memory(), member = source.in_memory();
  const std::less_equal<> comes_before;
  if (member.empty() || root.empty() || !comes_before(root.data(), member.data())) return false;
  const auto offset = static_cast<std::size_t>(member.data() - root.data());
  if (offset > root.size() || member.size() > root.size() - offset) return false;
  out.offset = offset;
  return true;
}

Result<void> Exporter::copy(const bytes::Source& source, Export& out) {
  bytes::Spool spool{spool_, 0};
  std::vector<std::byte> block(256 << 10);
  for (std::uint64_t at = 0; at < source.size();) {
    const auto n = TRY(source.read_at(at, block));
    if (n == 0) return fail(Errc::truncated, at, "fewer bytes than there were");
    TRY(spool.append(bytes::View{block}.first(n)));
    at += n;
  }
  out.spooled = true;
  out.offset = spool.begin();
  return {};
}

bool are_inside(const std::vector<Export>& exports, std::size_t members, std::uint64_t file_bytes,
                std::uint64_t spool_bytes) {
  if (exports.size() > members) return false;  // each has one place
  return std::all_of(exports.begin(), exports.end(), [&](const Export& e) {
    const auto all = e.spooled ? spool_bytes : file_bytes;
    return e.member < members && e.offset <= all && e.length <= all - e.offset;
  });
}

}  // namespace assay::scan
