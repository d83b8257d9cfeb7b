// How a tensor lies over its storage, as a checkpoint's pickle says it.
// Source: torch/serialization.py (persistent ids), torch/_utils.py (rebuild functions); docs/formats/torch.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "format/pickle/machine.h"

namespace assay::format::torch {

/// ('storage', class, key, location, elements[, view]): what persistent_load makes a storage of.
struct StorageId {
  std::string key;
  std::string location;  ///< "cpu", "cuda:0", "meta"; empty where it is no text
  std::string dtype;     ///< "float32"; "" for an UntypedStorage
  std::uint64_t elements = 0;
  std::uint64_t element_bytes = 0;
  std::uint64_t bytes = 0;  ///< elements times element size
  /// Only in the legacy layout: a stretch of the storage `key`, with a name of its own. In elements.
  struct View {
    std::string key;
    std::uint64_t offset = 0, elements = 0;
  };
  std::optional<View> view;
};

/// Nothing for an id of any other shape, or where a size overflows.
std::optional<StorageId> storage_id(const pickle::Machine& m, const pickle::Value& id);

struct Layout {
  std::uint64_t element_bytes = 0;
  std::uint64_t offset = 0;            ///< elements from the storage's start
  std::vector<std::uint64_t> shape;    ///< elements
  std::vector<std::uint64_t> strides;  ///< elements; as many as shape

  /// One past the last byte of the storage that the tensor touches; nothing on overflow.
  std::optional<std::uint64_t> reach() const;
};

/// _rebuild_tensor, _v2, _v3 or _rebuild_qtensor of torch._utils: functions that lay a tensor over a storage.
bool lays_tensor(const pickle::Symbol& callee);

/// A tensor that such a function makes of `args`; nothing where one of them is not a known constant.
struct Laid {
  StorageId storage;
  std::string dtype;
  Layout layout;
};
std::optional<Laid> laid_tensor(const pickle::Machine& m, const pickle::Symbol& callee, const pickle::Value& args);
/// The same over a storage that is known already, whatever stands in its place.
std::optional<Laid> laid_over(const pickle::Machine& m, const pickle::Symbol& callee, const pickle::Value& args,
                              StorageId storage);

/// The items of a tuple, list or torch.Size, if they are sizes: at most 64, none negative.
std::optional<std::vector<std::uint64_t>> sizes_of(const pickle::Machine& m, const std::optional<pickle::Value>& v);
std::optional<std::uint64_t> size_of(const std::optional<pickle::Value>& v);

}  // namespace assay::format::torch
