#include "tensors/torch.h"

#include <algorithm>
#include <array>

#include "tensors/dtypes.h"
#include "tensors/legacy.h"
#include "tensors/numpy.h"

namespace assay::tensors {
namespace {

using format::pickle::Symbol;
using format::pickle::Tag;
using format::torch::Laid;
using format::torch::StorageId;
using Value = Objects::Value;

constexpr unsigned kDeepest = 8;  ///< wrappers around one tensor

/// A function whose first argument is the tensor.
constexpr std::array<std::string_view, 5> kWrappers = {
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer", "torch._utils._rebuild_device_tensor_from_cpu_tensor"};

struct Unfit {
  std::string_view function, what, reason;
};
constexpr std::array kUnfit = {
    Unfit{"torch._utils._rebuild_qtensor", "quantised tensor", "safetensors has no quantised types"},
    Unfit{"torch._utils._rebuild_sparse_tensor", "sparse tensor", "safetensors has no sparse layouts"},
    Unfit{"torch._utils._rebuild_sparse_csr_tensor", "sparse tensor", "safetensors has no sparse layouts"},
    Unfit{"torch._utils._rebuild_nested_tensor", "nested tensor", "safetensors has no nested tensors"},
    Unfit{"torch._utils._rebuild_meta_tensor_no_storage", "meta tensor", "it has no data"},
    Unfit{"torch._utils._rebuild_wrapper_subclass", "tensor of a class of its own", "it has no data of its own"},
};

constexpr std::array<std::string_view, 4> kPlainClasses = {"torch.Tensor", "torch._tensor.Tensor",
                                                           "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The stretch of the storage that the tensor may lie in: a view of it, in the legacy layout.
std::optional<bytes::Extent> seen_by(const StorageId& id, const bytes::Extent& all) {
  const auto there = all.end - all.begin;
  if (!id.view) return id.bytes <= there ? std::optional{bytes::Extent{all.begin, all.begin + id.bytes}} : std::nullopt;
  std::uint64_t begin, length;
  if (__builtin_mul_overflow(id.view->offset, id.element_bytes, &begin) ||
      __builtin_mul_overflow(id.view->elements, id.element_bytes, &length) || begin > there || length > there - begin)
    return std::nullopt;
  return bytes::Extent{all.begin + begin, all.begin + begin + length};
}

/// Where elements are half a byte, torch counts bytes and safetensors counts elements.
Found as_halves(Found found) {
  auto& t = found.tensor;
  if (t.shape.empty() || !is_contiguous(t)) return Found::unfit("float4 tensor", "its bytes do not lie in order");
  if (__builtin_mul_overflow(t.shape.back(), 2, &t.shape.back())) return Found::broken("a shape that overflows");
  t.strides = c_strides(t.shape);
  return found;
}

Found over(const Laid& laid, const Piece& piece) {
  const auto& layout = laid.layout;
  const auto what = laid.dtype + " tensor " + in_brackets(layout.shape);
  const auto dtype = dtype_of_torch(laid.dtype);
  if (!dtype) return Found::unfit(what, "safetensors has no such data type");
  const bool untyped = laid.storage.dtype.empty() && layout.element_bytes > 1;
  if (piece.big_endian && untyped) return Found::unfit(what, "torch does not turn its big-endian bytes around");
  const auto seen = seen_by(laid.storage, piece.bytes);
  if (!seen) return Found::broken("the storage " + laid.storage.key + " is shorter than the pickle says");
  const auto reach = layout.reach();
  if (!reach || *reach > seen->end - seen->begin)
    return Found::broken("a tensor reaches outside its storage " + laid.storage.key);
  Found out{Found::Kind::tensor};
  auto& t = out.tensor;
  t.dtype = *dtype;
  t.shape = layout.shape;
  t.strides = layout.strides;
  t.where = piece.where;
  t.storage = piece.bytes;
  t.begin = *reach == 0 ? piece.bytes.begin : seen->begin + layout.offset * layout.element_bytes;
  t.swap = piece.big_endian ? swap_unit(t.dtype) : std::uint8_t{1};
  return t.dtype == Dtype::f4 ? as_halves(std::move(out)) : out;
}

}  // namespace

Found tensor_over(const Laid& laid, const Storages& storages) {
  if (laid.storage.location == "meta") return Found::unfit("meta tensor", "it has no data");
  const auto piece = storages(laid.storage);
  return piece ? over(laid, *piece) : Found::broken(piece.error());
}

Found TorchTensors::find(const Value& v, unsigned depth) const {
  if (auto array = find_array(objects_, v, stretches_); array.kind != Found::Kind::other) return array;
  if (v.tag != Tag::call && v.tag != Tag::instance) return {};
  const auto callee = objects_.machine().symbol_of(v);
  const auto args = objects_.machine().node(v, 1);
  return callee && args ? made(objects_.machine().symbol(*callee), *args, depth) : Found{};
}

Found TorchTensors::made(const Symbol& callee, const Value& args, unsigned depth) const {
  if (depth == kDeepest) return Found::unfit("tensor", "it is wrapped too often");
  const auto name = callee.dotted();
  for (const auto& u : kUnfit)
    if (name == u.function) return Found::unfit(std::string{u.what}, std::string{u.reason});
  if (format::torch::lays_tensor(callee)) return laid(callee, args);
  if (is_one_of(kWrappers, name)) {
    auto out = argument(args, 0, depth);
    if (name.ends_with("_with_state")) out.notice = "attributes that were set on the parameter are not kept";
    return out;
  }
  if (name == "torch._tensor._rebuild_from_type_v2" || name == "torch._tensor._rebuild_from_type")
    return of_other_class(args, depth);
  if (name == "torch._utils._rebuild_device_tensor_from_numpy") {
    auto out = argument(args, 0, depth);
    const auto dtype = objects_.machine().item(args, 1);
    const auto wanted = dtype && dtype->tag == Tag::symbol
                            ? dtype_of_torch(objects_.machine().symbol(static_cast<std::uint32_t>(dtype->at)).name)
                            : std::nullopt;
    if (out.kind == Found::Kind::tensor && wanted != out.tensor.dtype)
      return Found::unfit("tensor of another device", "it is kept as an array of another data type");
    return out;
  }
  return {};
}

Found TorchTensors::argument(const Value& args, std::size_t i, unsigned depth) const {
  const auto v = objects_.machine().item(args, i);
  return v ? find(*v, depth + 1) : Found{};
}

/// _rebuild_from_type_v2(function, class, arguments, state): what the function makes, as another class.
Found TorchTensors::of_other_class(const Value& args, unsigned depth) const {
  const auto& m = objects_.machine();
  const auto function = m.item(args, 0), cls = m.item(args, 1), inner = m.item(args, 2);
  if (!function || function->tag != Tag::symbol || !inner) return {};
  auto out = made(m.symbol(static_cast<std::uint32_t>(function->at)), *inner, depth + 1);
  const auto name = cls && cls->tag == Tag::symbol ? m.symbol(static_cast<std::uint32_t>(cls->at)).dotted() : "unknown";
  if (out.kind == Found::Kind::tensor && !is_one_of(kPlainClasses, name))
    out.notice = "it is a plain tensor now; it was of class " + name;
  return out;
}

Found TorchTensors::laid(const Symbol& callee, const Value& args) const {
  const auto& m = objects_.machine();
  const auto storage = m.item(args, 0);
  auto inside = storage ? storage_in_bytes(*storage) : std::nullopt;
  const auto laid = inside ? format::torch::laid_over(m, callee, args, inside->first) : format::torch::laid_tensor(m, callee, args);
  if (!laid) return {};
  if (callee.name.ends_with("_v2") || callee.name.ends_with("_v3")) {
    const auto bits = m.item(args, callee.name.ends_with("_v2") ? 6 : 7);
    for (const auto* bit : {"conj", "neg"}) {
      const auto set = bits && objects_.is_dict(*bits) ? objects_.lookup(*bits, bit) : std::nullopt;
      if (set && set->tag == Tag::boolean && set->at != 0)
        return Found::unfit(laid->dtype + " tensor " + in_brackets(laid->layout.shape),
                            std::string{bit} == "conj" ? "it is the conjugate of what is stored"
                                                       : "it is the negative of what is stored");
    }
  }
  return inside ? over(*laid, inside->second) : tensor_over(*laid, storages_);
}

std::optional<std::pair<StorageId, Piece>> TorchTensors::storage_in_bytes(const Value& v) const {
  if (objects_.maker(v) != "torch.storage._load_from_bytes") return std::nullopt;
  const auto data = objects_.argument(v, 0);
  const auto raw = data ? objects_.bytes_of(*data) : std::nullopt;
  if (!raw) return std::nullopt;
  const auto& outer = objects_.stretch();
  const Stretch inner{std::make_shared<bytes::WindowSource>(*outer.source, raw->begin, raw->end - raw->begin),
                      outer.where, outer.begin + raw->begin};
  const LegacyFile file{inner, budget_};
  const auto id = file.object() && file.object()->root().tag == Tag::persistent
                      ? file.object()->machine().node(file.object()->root(), 0)
                      : std::nullopt;
  const auto storage = id ? format::torch::storage_id(file.object()->machine(), *id) : std::nullopt;
  const auto piece = storage ? file.storage(*storage) : tl::unexpected<std::string>{""};
  if (!piece) return std::nullopt;
  return std::pair{*storage, *piece};
}

}  // namespace assay::tensors
