// Tensors as torch.save writes them: what the rebuild functions of torch._utils make of storages.
// Source: torch/_utils.py, torch/_tensor.py (_rebuild_from_type_v2), torch/storage.py (_load_from_bytes).
#pragma once
#include <functional>
#include <map>

#include "format/torch/layout.h"
#include "tensors/found.h"
#include "tensors/objects.h"

namespace assay::tensors {

/// The bytes of one storage.
struct Piece {
  Where where = Where::file;
  bytes::Extent bytes;
  bool big_endian = false;
};

/// Where a checkpoint keeps its storages. Why there is none: "data/3 is missing" (broken), or which of two (unclear).
using Storages = std::function<tl::expected<Piece, Found>(const format::torch::StorageId&)>;

/// How the ids of storages contradict each other: torch makes a storage by the first id that names it, and every other
/// gets that one, whatever it asks for. Nothing where they agree.
std::optional<std::string> contradiction(const Objects& objects);

/// A tensor laid over a storage as `laid` says.
Found tensor_over(const format::torch::Laid& laid, const Storages& storages);

/// What values of one pickle are, as tensors.
class TorchTensors {
 public:
  /// What a persistent id stands for; the oldest layout keeps whole tensors outside the pickle.
  using Kept = std::function<Found(const Objects::Value& id)>;

  /// All must outlive it.
  TorchTensors(const Objects& objects, const Storages& storages, Stretches& stretches, bytes::Budget& budget,
               Kept kept = {})
      : objects_{objects}, storages_{storages}, stretches_{stretches}, budget_{budget}, kept_{std::move(kept)} {}

  Found find(const Objects::Value& v, unsigned depth = 0) const;

 private:
  using Value = Objects::Value;

  Found kept_outside(const Value& v) const;
  /// What `callee` makes of `args`.
  Found made(const format::pickle::Symbol& callee, const Value& args, unsigned depth) const;
  Found laid(const format::pickle::Symbol& callee, const Value& args) const;
  Found of_other_class(const Value& args, unsigned depth) const;
  Found of_other_device(const Value& args, unsigned depth) const;
  Found with_attributes(Found found, const std::optional<Value>& attributes) const;
  /// Why nobody knows which elements a tensor of `args` has; nothing where it is certain.
  std::optional<std::string> doubt(const Value& args) const;
  /// Whether what is stored is the tensor, and not its conjugate or negative.
  std::optional<Found> turned(const format::torch::Laid& laid, const std::optional<Value>& bits) const;
  Found argument(const Value& args, std::size_t i, unsigned depth) const;
  /// A storage that was pickled as the bytes of a checkpoint of its own.
  using Whole = std::optional<std::pair<format::torch::StorageId, Piece>>;
  Whole storage_in_bytes(const Value& v) const;
  Whole unpickled_storage(const Value& v) const;

  const Objects& objects_;
  const Storages& storages_;
  Stretches& stretches_;
  bytes::Budget& budget_;
  Kept kept_;
  mutable std::map<std::uint64_t, Whole> in_bytes_;  ///< by place: many tensors share one
};

}  // namespace assay::tensors
