// The composite values of one reading: tuples, lists, dicts, sets, and what calls made.
//
// Who judges needs only the newest cells: what a pickle builds is consumed soon after it is built, and memory must not
// grow with the number of items in a file. A value whose cells are gone becomes unknown, which judges it more severely,
// never less. Who wants the objects themselves keeps all of them, up to a bound.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>

#include "format/pickle/slots.h"

namespace assay::format::pickle {

/// How large a value is to whoever walks it (repr, hash, copy): a few opcodes can share their way to 2^60 leaves.
struct Weight {
  std::uint64_t leaves = 0;  ///< saturated
  std::uint32_t depth = 1;
};

/// What items bring into the container they are put in.
struct Load {
  Weight weight;
  bool hashable = true;    ///< the keys are
  std::uint8_t marks = 0;  ///< kNameValues, kSpecialKeys, kHoldsObjects
};
enum class Keys : std::uint8_t {
  none,
  every_item,
  every_other_item
};  ///< which items are keys: of a list, a set, a dict

/// What a heap remembers.
enum class Keep : std::uint8_t {
  newest,      ///< kCells, and of each container the first few items
  everything,  ///< all items of all containers, also of objects that are filled like one; see is_full()
};

class Heap {
 public:
  static constexpr std::uint64_t kCells = 1 << 20;      ///< 16 MiB
  static constexpr std::uint64_t kAllCells = 64 << 20;  ///< 1 GiB: where a heap that keeps everything is full
  static constexpr std::size_t kNodeCells = 3;          ///< callee, arguments, state
  static constexpr std::size_t kKeptItems = 16;         ///< of a list or set
  static constexpr std::size_t kKeptPairs = 16;         ///< of a dict
  static constexpr std::size_t kKeptTuple = 512;        ///< of a tuple: code objects carry long ones

  explicit Heap(Keep keep = Keep::newest) : keeps_all_{keep == Keep::everything} {}
  bool keeps_all() const { return keeps_all_; }
  /// Nothing is lost then, but a reader that goes on needs more memory than it was meant to.
  bool is_full() const { return keeps_all_ && head_ > kAllCells; }

  // --- Making ---

  /// Looks at items before they are put anywhere.
  Load survey(std::span<const Value> items, Keys keys) const;

  /// A tuple or frozenset of `items`, whose load is `load`.
  Value make_items(Tag tag, std::span<const Value> items, const Load& load);
  /// An empty list, dict or set.
  Value make_container(Tag tag);
  /// What a call, NEWOBJ or persistent_load makes of `first` (callee or id) and `second` (the arguments).
  Value make_node(Tag tag, const Value& first, const Value& second);

  /// Keeps what fits of the items put into a list, dict or set, and counts the rest. Its weight afterwards; nothing
  /// where the container's cells are gone.
  std::optional<Weight> extend(const Value& container, std::span<const Value> items, const Load& load);
  void set_state(const Value& node, const Value& state);
  /// The same for an object that is filled like a dict or a list (an OrderedDict), where everything is kept.
  void fill(const Value& node, Tag like, std::span<const Value> items);

  // --- Looking ---

  /// {callee, arguments, state by BUILD} of a call or instance; {id} of a persistent value.
  std::optional<Value> node(const Value& v, std::size_t i) const;
  /// The dict or list that fill() made of what was put into an object.
  std::optional<Value> filled(const Value& node, Tag like) const;
  bool holds_node(const Value& v) const;
  /// What was kept of the items of a tuple, list, dict, set or frozenset; nothing where its cells are gone. The first
  /// is cell 0 of `at`.
  struct Kept {
    std::uint64_t first = 0;  ///< a place: cell(first + i), i < count
    std::size_t count = 0;
    std::uint64_t size = 0;  ///< items there were
    std::uint8_t marks = 0;
  };
  std::optional<Kept> kept(const Value& v) const;
  std::optional<Value> item(const Value& v, std::size_t i) const;
  /// Whether a tuple, list, dict, set or frozenset has anything inside, however deep, that is no plain value, or a key
  /// like "__this__". True where that is no longer known.
  bool holds_objects(const Value& v) const;
  const Value& cell(std::uint64_t place) const { return cells_[place & mask_]; }

 private:
  bool holds(std::uint64_t place, std::uint64_t n) const {
    return place + n <= head_ && (keeps_all_ || head_ - place <= kCells);
  }
  /// Room for `n` cells (n <= kCells, where not everything is kept); returns the first one's place. They are written
  /// before they are read.
  std::uint64_t allocate(std::uint64_t n) {
    const auto first = head_;
    head_ += n;
    if (head_ > cells_.size() && (cells_.size() < kCells || keeps_all_)) [[unlikely]]
      grow();
    return first;
  }
  Value& at(std::uint64_t place) { return cells_[place & mask_]; }
  void grow();
  void write(std::uint64_t place, std::span<const Value> values);
  Weight weight_of(const Value& v) const;
  void weigh(const Value& v, Weight& sum) const;
  bool hashable(const Value& v, int& left, int depth = 0) const;

  /// A header says how many of its items are kept, and for how many there is room.
  std::size_t kept_in(const Value& header) const { return keeps_all_ ? header.len : header.aux & 0xff; }
  std::size_t room_in(const Value& header) const {
    return !keeps_all_ ? header.aux >> 8 : header.len == 0 ? 0 : std::bit_ceil(header.len);
  }
  std::size_t kept_of_tuple(std::size_t items) const { return keeps_all_ ? items : std::min(items, kKeptTuple); }
  std::size_t node_cells() const { return keeps_all_ ? kNodeCells + 2 : kNodeCells; }

  bool keeps_all_;
  std::uint64_t mask_ = keeps_all_ ? ~std::uint64_t{0} : kCells - 1;
  Slots cells_;
  std::uint64_t head_ = 0;
};

inline bool is_node(Tag tag) { return tag == Tag::call || tag == Tag::instance || tag == Tag::persistent; }
inline bool is_container(Tag tag) { return tag == Tag::list || tag == Tag::dict || tag == Tag::set; }

}  // namespace assay::format::pickle
