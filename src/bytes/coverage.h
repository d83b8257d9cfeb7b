// Which bytes were looked at, and which were not. "Unknown is not safe" is computed here.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::bytes {

/// What became of a byte. Where readers disagree the strongest claim wins: the order is that of strength.
enum class Cover : std::uint8_t {
  delegated,   ///< handed on to a nested member, which accounts for it
  parsed,      ///< a reader understood it
  inert,       ///< owned by a validated tensor, or plain data that no loader acts on
  padding,     ///< zeros or alignment
  unexamined,  ///< nobody looked; `safe` is impossible
};
inline constexpr std::size_t kCovers = 5;

/// Half-open byte range [begin, end) of one member.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool operator==(const Extent&) const = default;
};

struct Unexamined {
  Extent extent;
  std::string reason;  ///< "compressed with a method that Assay does not read"
  bool operator==(const Unexamined&) const = default;
};

/// The finished account of one member. The five totals add up to the member's size.
struct Coverage {
  std::array<std::uint64_t, kCovers> total{};  ///< bytes per Cover
  std::vector<Unexamined> unexamined;          ///< at most kMostUnexamined ranges; the rest is folded into the last

  std::uint64_t of(Cover cover) const noexcept { return total[static_cast<std::size_t>(cover)]; }
  bool complete() const noexcept { return of(Cover::unexamined) == 0; }
  bool operator==(const Coverage&) const = default;
};
inline constexpr std::size_t kMostUnexamined = 64;

/// Sorted and merged, clipped to [0, size).
std::vector<Extent> normalised(std::vector<Extent> extents, std::uint64_t size);
/// The parts of [0, size) outside `taken`, in order. `taken` may overlap and reach beyond.
std::vector<Extent> remainder(std::uint64_t size, std::vector<Extent> taken);
/// Sum of the lengths of extents that do not overlap.
std::uint64_t bytes_in(const std::vector<Extent>& extents);

/// Collects claims while a member is read. Neighbouring claims are merged as they come, so a
/// reader that works forwards costs one entry however large the file is.
class CoverageMap {
 public:
  void claim(Cover cover, std::uint64_t begin, std::uint64_t end);
  /// An unexamined range with its own reason. Still yields to any stronger claim on the same bytes.
  void miss(std::uint64_t begin, std::uint64_t end, std::string_view reason);

  /// Inert bytes that are numbers of a model: engines that read bytes pass them over.
  void claim_tensor(std::uint64_t begin, std::uint64_t end);
  /// What was claimed as tensors, in order and clipped to [0, size).
  std::vector<Extent> tensors(std::uint64_t size) const;

  /// Takes over all claims of another map of the same bytes.
  void add(const CoverageMap& other);
  /// What was delegated so far was not examined after all: it counts as unexamined, for this reason.
  void spoil(std::string_view reason);

  /// True where [begin, end) is claimed in whole by something stronger than `unexamined`.
  bool covers(std::uint64_t begin, std::uint64_t end) const;

  /// True where a reader gave a reason for not examining some of [begin, end).
  bool missed(std::uint64_t begin, std::uint64_t end) const;

  /// Ranges of [0, size) that nobody has claimed (misses count as unclaimed), in order.
  std::vector<Extent> gaps(std::uint64_t size) const;

  /// Bytes of [0, size) that nobody claimed become unexamined, "no reader claimed these bytes".
  Coverage finish(std::uint64_t size) const;

 private:
  std::array<std::vector<Extent>, kCovers> claims_;
  std::vector<Extent> tensors_;  ///< of the inert claims
  std::vector<Unexamined> misses_;
};

}  // namespace assay::bytes
