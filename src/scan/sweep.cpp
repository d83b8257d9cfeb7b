#include "scan/sweep.h"

#include <algorithm>

namespace assay::scan {

constexpr std::size_t kBlock = 64 << 10;  ///< bytes read at once

void Sweep::over(const OwnBytes& bytes, const std::vector<bytes::Extent>& where,
                 std::span<LiteralEngine* const> engines) {
  listening_.assign(engines.begin(), engines.end());
  for (auto* engine : listening_) engine->enter(bytes);
  for (const auto& extent : where) {
    if (listening_.empty()) return;
    for (auto* engine : listening_) engine->begin(extent);
    const bool came = show(bytes, extent);
    std::erase_if(listening_, [&](LiteralEngine* engine) { return !engine->end(came); });
  }
}

/// Whether all of the extent came.
bool Sweep::show(const OwnBytes& bytes, const bytes::Extent& extent) {
  if (!search_) search_ = literals::Search::open();
  if (!*search_) {
    for (auto* engine : listening_) engine->see_nothing(search_->error().what);
    return true;
  }
  const auto shown = search(bytes, extent);
  if (!shown)
    for (auto* engine : listening_) engine->leave_out(shown.error().what);
  return shown.has_value();
}

Result<void> Sweep::search(const OwnBytes& bytes, const bytes::Extent& extent) {
  auto& search = **search_;
  search.restart();
  const auto show_piece = [this](bytes::View piece, const literals::Places& places) {
    for (auto* engine : listening_) engine->take(piece, places);
  };
  const auto memory = bytes.source.in_memory();
  for (auto at = extent.begin; at < extent.end;) {
    TRY(bytes.budget.check_time(at));
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, extent.end - at));
    if (!memory.empty()) {
      search.scan(memory.subspan(static_cast<std::size_t>(at), wanted), show_piece);
      at += wanted;
      continue;
    }
    block_.resize(kBlock);
    const auto n = bytes.source.read_at(at, std::span{block_}.first(wanted));
    if (!n || *n == 0) return fail(Errc::io, at, "some of the bytes could not be read");
    search.scan(bytes::View{block_}.first(*n), show_piece);
    at += *n;
  }
  return {};
}

}  // namespace assay::scan
