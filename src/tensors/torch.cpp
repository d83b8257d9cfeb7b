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
constexpr std::array<std::string_view, 4> kWrappers = {"torch._utils._rebuild_parameter",
                                                       "torch._utils._rebuild_parameter_with_state",
                                                       "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"};

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

/// Attributes that are the elements themselves; setting one of them changes the tensor.
constexpr std::array<std::string_view, 3> kElements = {"data", "real", "imag"};

/// Variable.__setstate__((requires_grad, volatile, hooks)) changes no element.
bool is_flags(const Value& state) { return state.tag == Tag::tuple && state.len == 3; }
/// ... and of five the first is the tensor itself.
bool is_old_variable(const Value& state) { return state.tag == Tag::tuple && state.len == 5; }

/// A storage, or the part of one that the legacy layout gives a name of its own.
struct Asked {
  std::string whole, dtype;
  std::uint64_t offset = 0, elements = 0;
  bool has_data = true;
  bool operator==(const Asked&) const = default;
};

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
  const bool is_turned_as_other =
      laid.storage.dtype != laid.dtype && std::max(layout.element_bytes, laid.storage.element_bytes) > 1;
  if (piece.big_endian && is_turned_as_other)
    return Found::unfit(what, "torch turns its big-endian bytes around by another type, or not at all");
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

std::optional<std::string> contradiction(const Objects& objects) {
  std::map<std::string, Asked> known;
  const auto agrees = [&](const std::string& key, Asked asked) {
    const auto [it, is_new] = known.try_emplace(key, asked);
    return is_new || it->second == asked;
  };
  for (const auto& value : objects.persistent_ids()) {
    const auto id = format::torch::storage_id(objects.machine(), value);
    if (!id) continue;
    const bool has_data = id->location != "meta";
    if (!agrees(id->key, {id->key, id->dtype, 0, id->elements, has_data}) ||
        (id->view && !agrees(id->view->key, {id->key, id->dtype, id->view->offset, id->view->elements, has_data})))
      return "the storage " + id->key + " is asked for twice, and not as the same";
  }
  return std::nullopt;
}

Found tensor_over(const Laid& laid, const Storages& storages) {
  if (laid.storage.location == "meta") return Found::unfit("meta tensor", "it has no data");
  const auto piece = storages(laid.storage);
  return piece ? over(laid, *piece) : piece.error();
}

Found TorchTensors::find(const Value& v, unsigned depth) const {
  if (auto array = find_array(objects_, v, stretches_); array.kind != Found::Kind::other) return array;
  if (v.tag == Tag::persistent) return kept_outside(v);
  if (v.tag != Tag::call && v.tag != Tag::instance) return {};
  const auto callee = objects_.machine().symbol_of(v);
  const auto args = objects_.machine().node(v, 1);
  if (!callee || !args || args->tag != Tag::tuple) return {};
  const auto state = objects_.state(v);
  const bool is_wrapper = is_one_of(kWrappers, objects_.maker(v));
  if (is_wrapper && state && is_old_variable(*state)) return depth == kDeepest ? Found{} : argument(*state, 0, depth);
  auto out = made(objects_.machine().symbol(*callee), *args, depth);
  if (out.kind == Found::Kind::other) return out;
  if (objects_.change(v) || (state && !is_flags(*state)))
    return Found::unclear("a tensor that is changed after it was made");
  return out;
}

Found TorchTensors::kept_outside(const Value& v) const {
  const auto id = kept_ ? objects_.machine().node(v, 0) : std::nullopt;
  auto out = id ? kept_(*id) : Found{};
  const auto state = objects_.state(v);
  if (out.kind == Found::Kind::tensor && state && !is_flags(*state))
    return Found::unclear("a tensor that is changed after it was made");
  return out;
}

Found TorchTensors::made(const Symbol& callee, const Value& args, unsigned depth) const {
  if (depth == kDeepest) return Found::unfit("tensor", "it is wrapped too often");
  const auto name = callee.dotted();
  for (const auto& u : kUnfit)
    if (name == u.function) return Found::unfit(std::string{u.what}, std::string{u.reason});
  if (format::torch::lays_tensor(callee)) return laid(callee, args);
  if (is_one_of(kWrappers, name)) {
    auto out = argument(args, 0, depth);
    return name.ends_with("_with_state") ? with_attributes(std::move(out), objects_.machine().item(args, 3)) : out;
  }
  if (name == "torch._tensor._rebuild_from_type_v2" || name == "torch._tensor._rebuild_from_type")
    return of_other_class(args, depth);
  if (name == "torch._utils._rebuild_device_tensor_from_numpy" ||
      name == "torch._utils._rebuild_device_tensor_from_cpu_tensor")
    return of_other_device(args, depth);
  return {};
}

Found TorchTensors::argument(const Value& args, std::size_t i, unsigned depth) const {
  const auto v = objects_.machine().item(args, i);
  return v ? find(*v, depth + 1) : Found{};
}

/// (data, dtype, device, requires_grad): torch converts the data to that type.
Found TorchTensors::of_other_device(const Value& args, unsigned depth) const {
  auto out = argument(args, 0, depth);
  const auto dtype = objects_.machine().item(args, 1);
  const auto* symbol =
      dtype && dtype->tag == Tag::symbol ? &objects_.machine().symbol(static_cast<std::uint32_t>(dtype->at)) : nullptr;
  const auto wanted = symbol != nullptr && symbol->module == "torch" ? dtype_of_torch(symbol->name) : std::nullopt;
  if (out.kind == Found::Kind::tensor && wanted != out.tensor.dtype)
    return Found::unfit("tensor of another device", "it is kept as an array of another data type");
  return out;
}

/// setattr(tensor, name, value) for each of them.
Found TorchTensors::with_attributes(Found found, const std::optional<Value>& attributes) const {
  const auto unclear = [] { return Found::unclear("a tensor whose elements are set as an attribute of it"); };
  if (found.kind != Found::Kind::tensor || !attributes || attributes->tag == Tag::none) return found;
  if (attributes->tag == Tag::tuple) {  // those of __dict__, those of __slots__
    for (const auto& part : objects_.items(*attributes)) {
      if (part.tag == Tag::tuple) return unclear();
      found = with_attributes(std::move(found), part);
    }
    return found;
  }
  if (attributes->tag != Tag::dict || objects_.grew(*attributes)) return unclear();
  for (const auto& [key, value] : objects_.pairs(*attributes)) {
    const auto name = key.tag == Tag::text ? objects_.text(key) : std::string{};
    if (name.empty() || is_one_of(kElements, name) || name.starts_with("__")) return unclear();
  }
  found.attributes.push_back(*attributes);
  return found;
}

/// _rebuild_from_type_v2(function, class, arguments, state): what the function makes, as another class.
Found TorchTensors::of_other_class(const Value& args, unsigned depth) const {
  const auto& m = objects_.machine();
  const auto function = m.item(args, 0), cls = m.item(args, 1), inner = m.item(args, 2);
  if (!function || function->tag != Tag::symbol || !inner || inner->tag != Tag::tuple) return {};
  auto out = made(m.symbol(static_cast<std::uint32_t>(function->at)), *inner, depth + 1);
  const auto name = cls && cls->tag == Tag::symbol ? m.symbol(static_cast<std::uint32_t>(cls->at)).dotted() : "unknown";
  if (out.kind == Found::Kind::tensor && !is_one_of(kPlainClasses, name)) out.own_class = cls.value_or(Value{});
  return with_attributes(std::move(out), m.item(args, 3));
}

std::optional<std::string> TorchTensors::doubt(const Value& args) const {
  const auto& m = objects_.machine();
  const auto storage = m.item(args, 0);
  if (storage && objects_.state(*storage)) return "a tensor over a storage that is changed after it was made";
  for (const std::size_t i : {2, 3}) {
    const auto sizes = m.item(args, i);
    const auto inner = sizes ? objects_.argument(*sizes, 0) : std::nullopt;
    if (sizes && (objects_.grew(*sizes) || (inner && objects_.grew(*inner))))
      return "a tensor whose shape is changed later";
  }
  return std::nullopt;
}

std::optional<Found> TorchTensors::turned(const Laid& laid, const std::optional<Value>& bits) const {
  if (!bits || bits->tag == Tag::none) return std::nullopt;
  if (!objects_.is_dict(*bits) || objects_.grew(*bits)) return Found::unclear("a tensor with metadata that is no dict");
  for (const auto& [key, value] : objects_.pairs(*bits)) {
    const bool is_off = value.tag == Tag::boolean && value.at == 0;
    const auto word = key.tag == Tag::text ? objects_.text(key) : std::string{};
    if (is_off || (word != "conj" && word != "neg")) continue;
    return Found::unfit(
        laid.dtype + " tensor " + in_brackets(laid.layout.shape),
        word == "conj" ? "it is the conjugate of what is stored" : "it is the negative of what is stored");
  }
  return std::nullopt;
}

Found TorchTensors::laid(const Symbol& callee, const Value& args) const {
  using format::torch::laid_over, format::torch::laid_tensor;
  const auto& m = objects_.machine();
  if (const auto why = doubt(args)) return Found::unclear(*why);
  const auto storage = m.item(args, 0);
  auto inside = storage ? storage_in_bytes(*storage) : std::nullopt;
  const auto laid = inside ? laid_over(m, callee, args, inside->first) : laid_tensor(m, callee, args);
  if (!laid) return Found::unclear("a tensor whose storage, size or type is no constant");
  if (callee.name.ends_with("_v2") || callee.name.ends_with("_v3"))
    if (auto other = turned(*laid, m.item(args, callee.name.ends_with("_v2") ? 6 : 7))) return std::move(*other);
  return inside ? over(*laid, inside->second) : tensor_over(*laid, storages_);
}

TorchTensors::Whole TorchTensors::storage_in_bytes(const Value& v) const {
  if (objects_.maker(v) != "torch.storage._load_from_bytes") return std::nullopt;
  const auto known = in_bytes_.find(v.at);
  return known != in_bytes_.end() ? known->second : in_bytes_.emplace(v.at, unpickled_storage(v)).first->second;
}

TorchTensors::Whole TorchTensors::unpickled_storage(const Value& v) const {
  const auto data = objects_.argument(v, 0);
  const auto inner = data ? byte_string(objects_, *data, stretches_) : tl::unexpected<std::string>{""};
  if (!inner) return std::nullopt;
  const LegacyFile file{*inner, budget_};
  if (!file.damage().empty() || contradiction(*file.object()) || !file.object()->changed().empty()) return std::nullopt;
  const auto& root = file.object()->root();
  const auto id = root.tag == Tag::persistent && !file.object()->state(root) ? file.object()->machine().node(root, 0)
                                                                             : std::nullopt;
  const auto storage = id ? format::torch::storage_id(file.object()->machine(), *id) : std::nullopt;
  const auto piece = storage ? file.storage(*storage) : tl::unexpected{Found{}};
  if (!piece) return std::nullopt;
  return std::pair{*storage, *piece};
}

}  // namespace assay::tensors
