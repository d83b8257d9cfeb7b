// Which tensors go into which file, under which names. Nothing here opens a file.
#pragma once
#include <string>
#include <vector>

#include "convert/input.h"

namespace assay::convert {

/// One tensor of one input, and the name that it gets.
struct Item {
  std::size_t input = 0;   ///< index
  std::size_t tensor = 0;  ///< index into that input's set
  std::string name;
};

/// One file to be written.
struct Output {
  std::string path;
  std::vector<Item> items;                            ///< in the order of `placed`
  std::vector<format::safetensors::Tensor> placed{};  ///< with their places behind the header
  std::uint64_t bytes = 0;                            ///< of all tensors
};

struct Plan {
  std::vector<Output> outputs;
  std::vector<Tied> tied;
  std::vector<std::string> notices;
  std::string refusal;  ///< why none of it can be written; empty where it can
};

/// What is to become of a group of inputs, which are one model.
struct Request {
  std::vector<Input>& inputs;
  std::vector<std::string> names;  ///< of the products: one for each input; or one, which --shard-size may multiply
  std::string architecture;        ///< of config.json; may be empty
  std::uint64_t shard_bytes = 0;
  bool copy_tied = false;
};

/// Finds shared tensors, gives each product its tensors, sorted as the reference writes them.
Plan plan(const Request& request);

/// "model-00002-of-00005.safetensors" for the second of five parts of "model.safetensors".
std::string part_name(const std::string& path, std::size_t number, std::size_t of);

/// Names of the index of a model of several files: "model.safetensors.index.json".
std::string index_name(const std::string& path);

/// Keys of metadata that say where a file came from.
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kSourceKeys = "assay.";
/// Whether a tied name may stand in the metadata, as the reference tool writes it.
bool may_be_metadata(std::string_view name);

}  // namespace assay::convert
