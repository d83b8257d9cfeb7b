// What a product says of itself: where its tensors came from, which names were tied, what else was kept.
#pragma once
#include "convert/plan.h"

namespace assay::convert {

/// The metadata of one product, by key. `kept` are numbers and texts that go with it.
format::safetensors::Metadata metadata_of(const Output& output, const std::vector<Input>& inputs,
                                          const std::vector<Source>& sources, const std::vector<Tied>& tied,
                                          const std::vector<tensors::Scalar>& kept);

/// Where the sources stand in it.
inline constexpr std::string_view kSourcesKey = "assay.sources";
/// Whether two products say the same of themselves, whichever version wrote them.
bool is_same_metadata(const std::vector<tensors::Scalar>& there, const format::safetensors::Metadata& wanted);

/// The text of the index file that says which tensor is in which product.
std::string index_of(const std::vector<Output>& outputs);

}  // namespace assay::convert
