// PyTorch checkpoints: the object pickle, the storages it names and the tensors laid over them.
// Source: torch/serialization.py, torch/_utils.py (facts in docs/formats/torch.md).
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "format/pickle/pickle.h"
#include "format/torch/weights_only.h"

namespace assay::format::torch {

struct Storage {
  std::string key;
  std::string dtype;           ///< "float32", or "" where the class says nothing
  std::uint64_t elements = 0;  ///< as the persistent id claims
  std::uint64_t bytes = 0;     ///< elements times element size
  std::uint64_t named_at = 0;  ///< offset of the persistent id in the object pickle
};

struct Tensor {
  std::string name;  ///< key under which it stands in its dict; "" where it stands elsewhere
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t bytes = 0;  ///< elements times element size
  std::string storage;      ///< key
};

/// Facts of a pickle, and what it says of storages and tensors.
class TensorSink : public pickle::FactSink {
 public:
  /// `on_tensor` is told of every named tensor, for people; costs time, so it may be empty.
  TensorSink(MemberFacts& facts, std::function<void(const Tensor&)> on_tensor = {})
      : FactSink{facts}, on_tensor_{std::move(on_tensor)} {}

  void on_import(pickle::Machine& m, std::uint32_t symbol, std::uint64_t offset, pickle::Op op) override;
  void on_call(pickle::Machine& m, const pickle::CallSite& site) override;
  void on_stop(pickle::Machine& m, Profiles profiles, const Error& error) override;
  void on_opcode(pickle::Machine& m, pickle::Op op, std::uint64_t offset) override;
  bool wants_opcodes() const override { return true; }

  const std::map<std::string, Storage>& storages() const { return storages_; }
  std::uint64_t tensors() const { return tensors_; }
  WeightsOnly& weights_only() { return weights_only_; }

 private:
  void take_storage(pickle::Machine& m, const pickle::Value& id, std::uint64_t offset);
  void check_tensor(pickle::Machine& m, const pickle::CallSite& site);
  void name_tensors(pickle::Machine& m, std::span<const pickle::Value> pairs);

  std::function<void(const Tensor&)> on_tensor_;
  std::map<std::string, Storage> storages_;
  std::uint64_t tensors_ = 0;
  WeightsOnly weights_only_;
};

/// Checkpoint fact of what the sink saw; `layout` is "zip", "legacy" or "tar".
Checkpoint summary(TensorSink& sink, std::uint32_t member, std::uint32_t pickle_member, std::string layout);

/// The legacy layout: magic, protocol, system info, object, storage keys, then the raw storages.
/// True where the file begins with the magic number as a literal. Reads all five pickles, checks the
/// storages and claims their bytes as inert; leaves what follows unclaimed.
bool starts_legacy(bytes::View head) noexcept;
void read_legacy(const bytes::Source& source, MemberFacts& facts,
                 const std::function<void(const Tensor&)>& on_tensor = {});

/// The oldest layout: members "storages" and "tensors" of a tar hold pickles with raw numbers between them. Returns the
/// bytes of the storages, the number of tensors, as far as they could be read.
std::uint64_t read_tar_storages(const bytes::Source& source, MemberFacts& facts);
std::uint64_t read_tar_tensors(const bytes::Source& source, MemberFacts& facts);
inline constexpr std::string_view kTarRefusal =
    "the oldest layout, a tar file: the weights-only loader does not open it";

}  // namespace assay::format::torch
