// The two older layouts of torch.save: five pickles and raw storages, and a tar of three members.
// Source: torch/serialization.py, _legacy_load and legacy_load.
#pragma once
#include <map>
#include <memory>

#include "tensors/torch.h"

namespace assay::tensors {

/// Magic, protocol, system information, the object, the storages' keys; then each storage, behind its length. Storages
/// are little-endian whatever the system information says.
class LegacyFile {
 public:
  LegacyFile(const Stretch& stretch, bytes::Budget& budget);

  /// The pickle that holds the state; none where the file is damaged before it.
  const Objects* object() const { return object_.get(); }
  const std::string& damage() const { return damage_; }  ///< empty where there is none
  tl::expected<Piece, Found> storage(const format::torch::StorageId& id) const;
  /// One past the last storage, in the stretch, where there is no damage.
  std::uint64_t end() const { return end_; }

 private:
  void read(bytes::Budget& budget);
  void read_storages(const Objects& keys);

  Stretch stretch_;
  std::unique_ptr<Objects> object_;
  std::map<std::string, bytes::Extent> storages_;  ///< in the file or the spool
  std::uint64_t end_ = 0;
  std::string damage_;
};

/// The members of the oldest layout. Storages and tensors have numbers; pickles name them by those.
class TarFile {
 public:
  TarFile(const Stretch& storages, const Stretch& tensors, bytes::Budget& budget);

  const std::string& damage() const { return damage_; }  ///< empty where there is none
  /// What persistent_load makes of `id`; Found::other for a storage or an unknown number.
  Found find(const Objects& objects, const Objects::Value& id) const;

 private:
  struct Storage {
    format::torch::StorageId id;
    Piece piece;  ///< all of it, or of the storage that it is a view of
  };
  bool read_storages(const Stretch& stretch, bytes::Budget& budget);
  bool read_views(const Objects& views);
  bool read_tensors(const Stretch& stretch, bytes::Budget& budget);
  bool damaged(std::string why) {
    damage_ = std::move(why);
    return false;
  }

  std::map<std::string, Storage> storages_;
  std::map<std::string, Found> tensors_;
  std::string damage_;
};

}  // namespace assay::tensors
