#include "format/torch/layout.h"

#include "format/torch/storage.h"

namespace assay::format::torch {
namespace {

using pickle::Machine;
using pickle::Tag;
using pickle::Value;

constexpr std::size_t kMostDimensions = 64;
constexpr std::size_t kMostWord = 16;  ///< bytes

bool is_text(const std::optional<Value>& v) { return v && v->tag == Tag::text; }

/// torch takes the typed classes by their last name alone, whoever they are said to be of; the untyped one it imports.
bool is_storage_class(const pickle::Symbol& s) {
  return s.name != "UntypedStorage" || s.module == "torch" || s.module == "torch.storage";
}

/// Nothing for None and what is no view; an id with a strange view is no id that torch wrote.
bool read_view(const Machine& m, const std::optional<Value>& v, StorageId& out) {
  if (!v || v->tag == Tag::none) return true;
  const auto key = m.item(*v, 0);
  const auto offset = size_of(m.item(*v, 1)), elements = size_of(m.item(*v, 2));
  if (v->tag != Tag::tuple || !is_text(key) || !offset || !elements) return false;
  out.view = StorageId::View{m.text_of(*key), *offset, *elements};
  return true;
}

}  // namespace

std::optional<std::uint64_t> size_of(const std::optional<Value>& v) {
  if (!v || v->tag != Tag::integer || static_cast<std::int64_t>(v->at) < 0) return std::nullopt;
  return v->at;
}

std::optional<std::vector<std::uint64_t>> sizes_of(const Machine& m, const std::optional<Value>& v) {
  auto tuple = v;
  const auto maker =
      tuple && (tuple->tag == Tag::call || tuple->tag == Tag::instance) ? m.symbol_of(*tuple) : std::nullopt;
  if (maker && m.symbol(*maker).dotted() == "torch.Size") {  // torch.Size((2, 3))
    const auto args = m.node(*tuple, 1);
    tuple = args ? m.item(*args, 0) : std::nullopt;
  }
  if (!tuple || (tuple->tag != Tag::tuple && tuple->tag != Tag::list)) return std::nullopt;
  const auto n = m.length(*tuple);
  if (!n || *n > kMostDimensions) return std::nullopt;
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < *n; ++i) {
    const auto one = size_of(m.item(*tuple, i));
    if (!one) return std::nullopt;
    out.push_back(*one);
  }
  return out;
}

std::optional<StorageId> storage_id(const Machine& m, const Value& id) {
  const auto word = m.item(id, 0), type = m.item(id, 1), key = m.item(id, 2), location = m.item(id, 3);
  const auto elements = size_of(m.item(id, 4));
  if (!is_text(word) || m.text_of(*word, kMostWord) != "storage" || !type || type->tag != Tag::symbol ||
      !is_text(key) || !elements)
    return std::nullopt;
  const auto& type_symbol = m.symbol(static_cast<std::uint32_t>(type->at));
  const auto& class_name = type_symbol.name;
  const auto element_bytes = is_storage_class(type_symbol) ? storage_element_bytes(class_name).value_or(0) : 0;
  StorageId out;
  if (element_bytes == 0 || __builtin_mul_overflow(*elements, element_bytes, &out.bytes) ||
      !read_view(m, m.item(id, 5), out))
    return std::nullopt;
  out.key = m.text_of(*key);
  if (is_text(location)) out.location = m.text_of(*location);
  out.dtype = storage_dtype(class_name);
  out.elements = *elements;
  out.element_bytes = element_bytes;
  return out;
}

std::optional<std::uint64_t> Layout::reach() const {
  std::uint64_t last = offset;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    std::uint64_t step;
    if (__builtin_mul_overflow(shape[i] - 1, strides[i], &step) || __builtin_add_overflow(last, step, &last))
      return std::nullopt;
  }
  std::uint64_t end;
  if (__builtin_add_overflow(last, 1, &end) || __builtin_mul_overflow(end, element_bytes, &end)) return std::nullopt;
  return end;
}

bool lays_tensor(const pickle::Symbol& callee) {
  const auto name = callee.dotted();
  return name == "torch._utils._rebuild_tensor" || name == "torch._utils._rebuild_tensor_v2" ||
         name == "torch._utils._rebuild_tensor_v3" || name == "torch._utils._rebuild_qtensor";
}

std::optional<Laid> laid_tensor(const Machine& m, const pickle::Symbol& callee, const Value& args) {
  const auto storage = m.item(args, 0);
  const auto id = storage && storage->tag == Tag::persistent ? m.node(*storage, 0) : std::nullopt;
  auto of = id ? storage_id(m, *id) : std::nullopt;
  return of ? laid_over(m, callee, args, std::move(*of)) : std::nullopt;
}

std::optional<Laid> laid_over(const Machine& m, const pickle::Symbol& callee, const Value& args, StorageId storage) {
  Laid out;
  out.storage = std::move(storage);
  out.dtype = out.storage.dtype;
  std::optional<std::uint64_t> element_bytes = out.storage.element_bytes;
  if (callee.name.ends_with("_rebuild_tensor_v3")) {  // over an UntypedStorage
    const auto dtype = m.item(args, 6);
    if (!dtype || dtype->tag != Tag::symbol) return std::nullopt;
    const auto& symbol = m.symbol(static_cast<std::uint32_t>(dtype->at));
    if (symbol.module != "torch") return std::nullopt;
    out.dtype = symbol.name;
    element_bytes = dtype_bytes(out.dtype);
  }
  const auto offset = size_of(m.item(args, 1));
  auto shape = sizes_of(m, m.item(args, 2)), strides = sizes_of(m, m.item(args, 3));
  if (!element_bytes || !offset || !shape || !strides || shape->size() != strides->size()) return std::nullopt;
  out.layout = {*element_bytes, *offset, std::move(*shape), std::move(*strides)};
  return out;
}

}  // namespace assay::format::torch
