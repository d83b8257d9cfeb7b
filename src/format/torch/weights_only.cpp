#include "format/torch/weights_only.h"

#include <algorithm>
#include <array>

#include "format/torch/storage.h"

namespace assay::format::torch {
namespace {

using pickle::Op;

bool has_opcode(Op op) noexcept {
  constexpr std::array kOps = {Op::proto,       Op::stop,        Op::mark,       Op::global,          Op::newobj,
                               Op::reduce,      Op::build,       Op::append,     Op::appends,         Op::setitem,
                               Op::setitems,    Op::tuple,       Op::tuple1,     Op::tuple2,          Op::tuple3,
                               Op::empty_tuple, Op::empty_list,  Op::empty_dict, Op::empty_set,       Op::none,
                               Op::newtrue,     Op::newfalse,    Op::binint,     Op::binint1,         Op::binint2,
                               Op::binfloat,    Op::long1,       Op::binunicode, Op::short_binstring, Op::binpersid,
                               Op::binget,      Op::long_binget, Op::binput,     Op::long_binput};
  return std::find(kOps.begin(), kOps.end(), op) != kOps.end();
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_small_int(std::string_view name) {  // torch.uint1 .. uint7, torch.int1 .. int7
  if (name.starts_with("u")) name.remove_prefix(1);
  return name.size() == 4 && name.starts_with("int") && name[3] >= '1' && name[3] <= '7';
}

bool is_tensor_class(std::string_view name) {
  return name.ends_with("Tensor") &&
         one_of(name.substr(0, name.size() - 6),
                {"", "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"});
}

bool is_allowed_global(std::string_view module, std::string_view name) {
  if (module == "torch._utils")
    return one_of(name, {"_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_qtensor", "_rebuild_tensor",
                         "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_sparse_tensor",
                         "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass",
                         "_rebuild_device_tensor_from_numpy", "_rebuild_device_tensor_from_cpu_tensor"});
  if (module == "torch._tensor") return name == "_rebuild_from_type_v2";
  if (module == "collections") return one_of(name, {"OrderedDict", "Counter"});
  if (module == "torch.nn.parameter") return name == "Parameter";
  if (module == "torch.serialization") return name == "_get_layout";
  if (module == "_codecs") return name == "encode";
  if (module == "builtins") return one_of(name, {"bytearray", "set", "complex"});
  if (module == "torch" || module == "torch.cuda" || module == "torch.sparse" || module == "torch.cuda.sparse" ||
      module == "torch.storage") {
    if (storage_element_bytes(name) || (module == "torch.storage" && name == "TypedStorage")) return true;
    if (module == "torch.storage") return false;
    if (is_tensor_class(name)) return true;
    if (module != "torch") return false;
    return one_of(name, {"Size", "device", "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine",
                         "per_channel_symmetric", "per_channel_affine_float_qparams"}) ||
           dtype_bytes(name) || is_small_int(name);
  }
  return false;
}

std::string dotted(const pickle::Symbol& s) { return s.module + "." + s.name; }

}  // namespace

void WeightsOnly::refuse(std::uint64_t offset, std::string reason) {
  if (!reason_.empty()) return;
  reason_ = std::move(reason);
  offset_ = offset;
}

void WeightsOnly::on_opcode(Op op, std::uint64_t offset) {
  if (reason_.empty() && !has_opcode(op) && !pickle::name_of(op).empty())
    refuse(offset, "the weights-only loader has no opcode " + std::string{pickle::name_of(op)});
}

void WeightsOnly::on_import(const pickle::Symbol& symbol, std::uint64_t offset) {
  if (!reason_.empty() || (symbol.resolved && is_allowed_global(symbol.module, symbol.name))) return;
  refuse(offset, "the weights-only loader does not allow " + dotted(symbol));
}

void WeightsOnly::on_call(pickle::Machine& m, const pickle::CallSite& site) {
  if (!reason_.empty()) return;
  const auto number = m.symbol_of(site.callee);
  const auto name = number ? m.symbol(*number).name : std::string{};
  const bool is_symbol = site.callee.tag == pickle::Tag::symbol;
  switch (site.kind) {
    case Call::Kind::reduce:
    case Call::Kind::newobj:
      if (!is_symbol) refuse(site.offset, "the weights-only loader does not call the result of another call");
      return;  // an imported name was allowed or refused when it was looked up
    case Call::Kind::build:
      if (!is_symbol && (name.starts_with("_rebuild_") || one_of(name, {"OrderedDict", "Parameter", "Tensor"}))) return;
      refuse(site.offset,
             "the weights-only loader does not BUILD " + (number ? dotted(m.symbol(*number)) : "this object"));
      return;
    case Call::Kind::setitem:
      if (!is_symbol && one_of(name, {"OrderedDict", "Counter"})) return;
      refuse(site.offset, "the weights-only loader sets items of dicts only");
      return;
    case Call::Kind::append:
    case Call::Kind::add: refuse(site.offset, "the weights-only loader appends to lists only"); return;
    case Call::Kind::persistent: {
      const auto first = m.item(site.args, 0);
      const bool is_storage = site.args.tag == pickle::Tag::tuple && first && first->tag == pickle::Tag::text &&
                              m.text_of(*first, 16) == "storage";
      if (!is_storage && site.args.tag != pickle::Tag::integer)
        refuse(site.offset, "a persistent id that is no storage");
      return;
    }
    case Call::Kind::inst:
    case Call::Kind::obj:
    case Call::Kind::newobj_ex: return;  // refused as opcodes
  }
}

void WeightsOnly::on_stop(const Error& error) { refuse(error.offset, "the pickle breaks: " + std::string{error.what}); }

}  // namespace assay::format::torch
