// A pickle's objects, all of them, as the machine left them: what a loader would hold in its hands.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bytes/cached.h"
#include "format/pickle/machine.h"
#include "tensors/stretch.h"

namespace assay::tensors {

/// One pickle, followed to its end. `stretch` and the budget must outlive it.
class Objects {
 public:
  using Machine = format::pickle::Machine;
  using Tag = format::pickle::Tag;
  using Value = format::pickle::Value;
  using Pairs = std::vector<std::pair<Value, Value>>;

  /// Reads the pickle at `offset` as all of `profiles` do. Where they differ, no object comes out: nobody knows who
  /// will load the file. Behind arrays of joblib's nobody but joblib counts.
  Objects(const Stretch& stretch, std::uint64_t offset, format::Profiles profiles, bytes::Budget& budget);

  /// Why no object came out; nothing where one did.
  const std::optional<Error>& stopped() const { return stopped_; }
  const Value& root() const { return root_; }
  std::uint64_t end() const { return end_; }  ///< in the stretch
  const Machine& machine() const { return machine_; }
  /// What persistent_load was asked for, in order.
  const std::vector<Value>& persistent_ids() const;
  const Stretch& stretch() const { return stretch_; }

  /// "torch._utils._rebuild_tensor_v2": what a call or an instance was made by; "" where that is no plain name.
  std::string maker(const Value& v) const;
  std::optional<Value> argument(const Value& made, std::size_t i) const;
  std::optional<Value> state(const Value& made) const;  ///< by BUILD

  /// What opcodes did to objects after they were made, beyond what is followed: a second BUILD, SETITEM on a list or a
  /// tensor, anything done to a class. The opcode, or nothing.
  std::optional<std::string_view> change(const Value& v) const;
  const std::vector<Value>& changed() const;
  /// Whether more was put into a list or dict after a call had taken what was in it.
  bool grew(const Value& container) const;
  /// Calls of functions that are not followed, to which objects were given: the function and its arguments.
  const Pairs& foreign_calls() const;
  /// A number of which the machine keeps no value: written as a text, or longer than eight bytes. Or 0.0.
  static bool is_unread_number(const Value& v);
  /// Whether BUILD came after a call or another object's state had taken the object as it was.
  bool built_late(const Value& v) const;

  /// Whether `v` is a dict, or an object that is one: an OrderedDict, whose items were put in afterwards.
  bool is_dict(const Value& v) const;
  /// Keys and values of one, in order. Of equal keys (texts and numbers) the last value counts, at the first one's
  /// place. True and 1.0 are 1, as to Python.
  Pairs pairs(const Value& dict) const;
  std::optional<Value> lookup(const Value& dict, std::string_view key) const;
  /// Items of a tuple, list, set or frozenset.
  std::vector<Value> items(const Value& v) const;

  std::string text(const Value& v) const { return machine_.text_of(v, kMostText); }
  static constexpr std::size_t kMostText = 64 << 10;  ///< bytes
  /// Where the bytes of a byte string lie in the stretch, however long it is; nothing where they are not there as such.
  std::optional<bytes::Extent> bytes_of(const Value& v) const;

 private:
  class Watcher;
  void add_pairs(const Value& container, Pairs& out) const;
  void add_given(const Value& made, Pairs& out) const;
  std::optional<Value> last_of(const Value& dict, std::string_view key) const;
  bool is(const Value& v, std::string_view word) const;

  Stretch stretch_;
  std::unique_ptr<bytes::CachedSource> cached_;  ///< keys, names and shapes are looked up one by one
  std::unique_ptr<Watcher> watcher_;
  Machine machine_;
  std::optional<Error> stopped_;
  Value root_{};
  std::uint64_t end_ = 0;

 public:
  ~Objects();
};

}  // namespace assay::tensors
