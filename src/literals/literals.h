// The places where literals stand: keywords of secrets and anchors of YARA rules. All of them at once, by Vectorscan,
// at the speed of memory rather than of patterns; what stands around them is for their engines to judge.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::literals {

struct Place {
  std::uint64_t end = 0;      ///< of the literal, bytes from the start of the stream
  std::uint32_t literal = 0;  ///< index into its engine's list

  auto operator<=>(const Place&) const = default;
};

/// In order.
struct Places {
  std::vector<Place> keywords;  ///< of secrets::table::keywords
  std::vector<Place> anchors;   ///< of malware::yara::own_anchors()
};

/// One stream. The database behind it is unpacked by the first, shared by all of the process and lives as long; 170
/// KiB. A stream has some 30 KiB of its own. Not thread-safe; several may exist.
class Search {
 public:
  /// What is searched and then shown at once, while it is in the processor's cache.
  static constexpr std::size_t kPiece = 16 << 10;  ///< bytes

  using Show = std::function<void(bytes::View piece, const Places& ending_in_it)>;

  /// Errc::unsupported where this processor cannot run the database.
  static Result<Search> open();
  Search(Search&&) noexcept;
  Search& operator=(Search&&) noexcept;
  ~Search();

  /// The next bytes of the stream, piece by piece.
  void scan(bytes::View block, const Show& show);
  void restart();

 private:
  struct State;
  explicit Search(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace assay::literals
