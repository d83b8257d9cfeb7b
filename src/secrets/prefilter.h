// The places where keywords stand: all of them at once, by Vectorscan, at the speed of memory rather than of patterns.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::secrets {

struct Place {
  std::uint64_t end = 0;      ///< of the keyword, bytes from the start of the stream
  std::uint32_t keyword = 0;  ///< index into table::keywords

  auto operator<=>(const Place&) const = default;
};

/// One stream. The database behind it is shared by all streams of the process and lives as long; 300 KiB. A stream has
/// some 30 KiB of its own.
class Prefilter {
 public:
  /// Errc::unsupported where this processor cannot run the database.
  static Result<Prefilter> open();
  Prefilter(Prefilter&&) noexcept;
  Prefilter& operator=(Prefilter&&) noexcept;
  ~Prefilter();

  /// Appends the places whose keywords end in `block`, in order.
  void scan(bytes::View block, std::vector<Place>& places);
  void restart();

 private:
  struct Handles;
  explicit Prefilter(std::unique_ptr<Handles> handles) noexcept;
  std::unique_ptr<Handles> handles_;
};

}  // namespace assay::secrets
