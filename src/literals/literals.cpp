#include "literals/literals.h"

#include <hs/hs_common.h>
#include <hs/hs_runtime.h>

#include <algorithm>

#include "base/masked.h"
#include "literals/table.h"

namespace assay::literals {
namespace {

struct Freed {
  void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
  void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
  void operator()(hs_stream_t* stream) const noexcept { hs_close_stream(stream, nullptr, nullptr, nullptr); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Freed>;

/// The library asks the processor, and refuses where it cannot run; then this is null.
Owned<hs_database_t> unpacked() {
  const auto raw = unmasked(table::database);
  hs_database_t* database = nullptr;
  hs_deserialize_database(raw.data(), raw.size(), &database);
  return Owned<hs_database_t>{database};
}

/// Read-only, and so the same for all threads.
const hs_database_t* database() {
  static const Owned<hs_database_t> shared = unpacked();
  return shared.get();
}

int note(unsigned literal, unsigned long long, unsigned long long end, unsigned, void* into) {
  auto& places = *static_cast<Places*>(into);
  if (literal < table::keywords) places.keywords.push_back({end, literal});
  else places.anchors.push_back({end, literal - table::keywords});
  return 0;
}

}  // namespace

struct Search::State {
  Owned<hs_scratch_t> scratch;
  Owned<hs_stream_t> stream;
  Places places;
};

Search::Search(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Search::Search(Search&&) noexcept = default;
Search& Search::operator=(Search&&) noexcept = default;
Search::~Search() = default;

Result<Search> Search::open() {
  if (database() == nullptr) return fail(Errc::unsupported, 0, "this processor cannot search for literals");
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database(), &scratch) != HS_SUCCESS)
    return fail(Errc::io, 0, "no memory to search for literals");
  auto state = std::make_unique<State>();
  state->scratch.reset(scratch);
  hs_stream_t* stream = nullptr;
  if (hs_open_stream(database(), 0, &stream) != HS_SUCCESS)
    return fail(Errc::io, 0, "no memory to search for literals");
  state->stream.reset(stream);
  return Search{std::move(state)};
}

void Search::scan(bytes::View block, const Show& show) {
  auto& [scratch, stream, places] = *state_;
  while (!block.empty()) {
    const auto piece = block.first(std::min(block.size(), kPiece));
    block = block.subspan(piece.size());
    places.keywords.clear();
    places.anchors.clear();
    const auto* raw = reinterpret_cast<const char*>(piece.data());
    ASSAY_ASSERT(hs_scan_stream(stream.get(), raw, static_cast<unsigned>(piece.size()), 0, scratch.get(), note,
                                &places) == HS_SUCCESS);
    std::ranges::sort(places.keywords);  // those that end at one place come in any order
    std::ranges::sort(places.anchors);
    show(piece, places);
  }
}

void Search::restart() {
  ASSAY_ASSERT(hs_reset_stream(state_->stream.get(), 0, nullptr, nullptr, nullptr) == HS_SUCCESS);
}

}  // namespace assay::literals
