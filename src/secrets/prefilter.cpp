#include "secrets/prefilter.h"

#include <hs/hs_common.h>
#include <hs/hs_runtime.h>

#include <algorithm>

#include "secrets/table.h"

namespace assay::secrets {
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
  hs_database_t* database = nullptr;
  const auto* raw = reinterpret_cast<const char*>(table::database.data());
  hs_deserialize_database(raw, table::database.size(), &database);
  return Owned<hs_database_t>{database};
}

/// Read-only, and so the same for all threads.
const hs_database_t* database() {
  static const Owned<hs_database_t> shared = unpacked();
  return shared.get();
}

int note(unsigned keyword, unsigned long long, unsigned long long end, unsigned, void* places) {
  static_cast<std::vector<Place>*>(places)->push_back({end, keyword});
  return 0;
}

}  // namespace

struct Prefilter::Handles {
  Owned<hs_scratch_t> scratch;
  Owned<hs_stream_t> stream;
};

Prefilter::Prefilter(std::unique_ptr<Handles> handles) noexcept : handles_{std::move(handles)} {}
Prefilter::Prefilter(Prefilter&&) noexcept = default;
Prefilter& Prefilter::operator=(Prefilter&&) noexcept = default;
Prefilter::~Prefilter() = default;

Result<Prefilter> Prefilter::open() {
  if (database() == nullptr) return fail(Errc::unsupported, 0, "this processor lacks SSE 4.2");
  hs_scratch_t* scratch = nullptr;
  if (hs_alloc_scratch(database(), &scratch) != HS_SUCCESS)
    return fail(Errc::io, 0, "no memory for a scan for secrets");
  auto handles = std::make_unique<Handles>();
  handles->scratch.reset(scratch);
  hs_stream_t* stream = nullptr;
  if (hs_open_stream(database(), 0, &stream) != HS_SUCCESS)
    return fail(Errc::io, 0, "no memory for a scan for secrets");
  handles->stream.reset(stream);
  return Prefilter{std::move(handles)};
}

void Prefilter::scan(bytes::View block, std::vector<Place>& places) {
  const auto before = static_cast<std::ptrdiff_t>(places.size());
  const auto* raw = reinterpret_cast<const char*>(block.data());
  const auto bytes = static_cast<unsigned>(block.size());
  ASSAY_ASSERT(hs_scan_stream(handles_->stream.get(), raw, bytes, 0, handles_->scratch.get(), note, &places) ==
               HS_SUCCESS);
  std::sort(places.begin() + before, places.end());  // keywords that end at one place come in any order
}

void Prefilter::restart() {
  ASSAY_ASSERT(hs_reset_stream(handles_->stream.get(), 0, nullptr, nullptr, nullptr) == HS_SUCCESS);
}

}  // namespace assay::secrets
