// Which objects of a pickle have a tensor somewhere inside.
#pragma once
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tensors/found.h"
#include "tensors/objects.h"

namespace assay::tensors {

/// What a value is, as a tensor.
using Find = std::function<Found(const Objects::Value&)>;

/// Objects may contain each other, and themselves, in any number of ways: each is looked at once, its references are
/// noted, and from the tensors they are followed backwards. Memory: 16 bytes per reference, some 80 per object.
class Holders {
 public:
  static constexpr std::size_t kMostReferences = 16'000'000;

  /// Both must outlive it.
  Holders(const Objects& objects, const Find& find) : objects_{objects}, find_{find} {}

  /// Looks at everything that can be reached from `root`. False where that is more than kMostReferences, or where there
  /// are too many tensors.
  bool explore(const Objects::Value& root);

  /// What an object that was explored is. `find` is asked again, unless it had to decode something.
  Found found(const Objects::Value& v) const;
  /// Objects that are tensors, or something like it.
  std::size_t tensors() const { return tensors_; }
  /// Parts of all objects.
  std::size_t looked_at() const { return looked_at_; }
  /// Whether a tensor, or a storage, stands anywhere inside an object that was explored.
  bool holds(const Objects::Value& v) const;
  /// Whether one of `places` can be reached from `v`. What was passed on the way is not passed again by later
  /// questions, all of which must be about the same places.
  bool reaches(const Objects::Value& v, const std::unordered_set<std::uint64_t>& places);

 private:
  using Value = Objects::Value;
  bool look_at(const Value& v);
  std::vector<Value> parts_of(const Value& v) const;
  void follow_backwards();

  const Objects& objects_;
  const Find& find_;
  std::unordered_map<std::uint64_t, Found> found_;  ///< by place; only what must not be asked for again
  std::size_t tensors_ = 0;
  std::unordered_set<std::uint64_t> seen_;
  std::unordered_set<std::uint64_t> passed_;  ///< by reaches()
  std::unordered_set<std::uint64_t> holders_;
  std::vector<Value> waiting_;
  std::size_t looked_at_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> references_;  ///< what is referred to, and by what
};

}  // namespace assay::tensors
