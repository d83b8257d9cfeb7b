// What an object of a pickle is, seen as a tensor.
#pragma once
#include <string>
#include <vector>

#include "format/pickle/value.h"
#include "tensors/tensors.h"

namespace assay::tensors {

struct Found {
  enum class Kind : std::uint8_t {
    other,    ///< no tensor
    tensor,   ///< one, without its name
    unfit,    ///< one that safetensors cannot hold: `what` and `reason`
    broken,   ///< one whose bytes are not there: `reason`
    unclear,  ///< one that cannot be told for certain without running the file: `reason`
  };
  Kind kind = Kind::other;
  Tensor tensor{};
  std::string what{};
  std::string reason{};
  format::pickle::Value own_class{format::pickle::Tag::none};  ///< which is not kept; None for torch's own
  std::vector<format::pickle::Value> attributes{};             ///< dicts of them, none of which is an element

  static Found unfit(std::string what, std::string reason) {
    return {Kind::unfit, {}, std::move(what), std::move(reason)};
  }
  static Found broken(std::string reason) { return {Kind::broken, {}, {}, std::move(reason)}; }
  static Found unclear(std::string reason) { return {Kind::unclear, {}, {}, std::move(reason)}; }
};

/// "[2, 3]".
std::string in_brackets(const std::vector<std::uint64_t>& shape);

}  // namespace assay::tensors
