// Would torch.load(weights_only=True) accept this pickle?
//
// The rules of torch/_weights_only_unpickler.py of torch 2.x (read at pytorch commit 00f730b6), without any
// name that a user allowed by hand. The first reason against is kept.
#pragma once
#include <optional>
#include <string>

#include "format/pickle/machine.h"

namespace assay::format::torch {

class WeightsOnly {
 public:
  void on_opcode(pickle::Op op, std::uint64_t offset);
  void on_import(const pickle::Symbol& symbol, std::uint64_t offset);
  void on_call(pickle::Machine& m, const pickle::CallSite& site);
  void on_stop(const Error& error);
  void refuse(std::uint64_t offset, std::string reason);

  bool accepted() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }
  std::uint64_t offset() const { return offset_; }

 private:
  std::string reason_;
  std::uint64_t offset_ = 0;
};

}  // namespace assay::format::torch
