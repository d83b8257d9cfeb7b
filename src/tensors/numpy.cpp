#include "tensors/numpy.h"

#include <algorithm>
#include <array>

#include "format/numpy/npy.h"
#include "format/torch/layout.h"
#include "tensors/dtypes.h"

namespace assay::tensors {
namespace {

using format::pickle::Tag;
using Value = Objects::Value;

constexpr std::uint64_t kMostDecoded = 512 << 20;  ///< bytes of an array that is written as a text

/// A data type by NumPy's word for it.
struct Type {
  std::string word;  ///< "f4", "O", "structured"
  bool big_endian = false;
  std::optional<Dtype> dtype;
};

Type type_from(std::string_view typestr) {
  Type out;
  if (!typestr.empty() && std::string_view{"<>|="}.find(typestr[0]) != typestr.npos) {
    out.big_endian = typestr[0] == '>';
    typestr.remove_prefix(1);
  }
  out.word = typestr;
  out.dtype = dtype_of_numpy(typestr);
  return out;
}

/// numpy.dtype('f4', False, True), then BUILD with (3, '<', None, None, None, -1, -1, 0).
Type type_of(const Objects& objects, const std::optional<Value>& v) {
  const auto name = v && objects.maker(*v) == "numpy.dtype" ? objects.argument(*v, 0) : std::nullopt;
  if (name && name->tag == Tag::symbol) {  // ml_dtypes gives NumPy types that it has no letters for
    const auto& symbol = objects.machine().symbol(static_cast<std::uint32_t>(name->at));
    return {symbol.dotted(), false, symbol.module == "ml_dtypes" ? dtype_of_torch(symbol.name) : std::nullopt};
  }
  if (!name || name->tag != Tag::text) return {"unknown", false, {}};
  auto out = type_from(objects.text(*name));
  const auto state = objects.state(*v);
  const auto order = state ? objects.machine().item(*state, 1) : std::nullopt;
  if (order && order->tag == Tag::text) out.big_endian = objects.text(*order) == ">";
  return out;
}

Found array_over(const Type& type, const std::vector<std::uint64_t>& shape, bool fortran, Where where,
                 bytes::Extent bytes) {
  const auto what = type.word + " array " + in_brackets(shape);
  if (!type.dtype) return Found::unfit(what, "safetensors has no such data type");
  Found out{Found::Kind::tensor};
  auto& t = out.tensor;
  t.dtype = *type.dtype;
  t.shape = shape;
  t.strides = c_strides(shape);
  if (fortran) {
    t.strides = c_strides({shape.rbegin(), shape.rend()});
    std::reverse(t.strides.begin(), t.strides.end());
  }
  t.where = where;
  t.begin = bytes.begin;
  t.storage = bytes;
  t.swap = type.big_endian ? swap_unit(t.dtype) : std::uint8_t{1};
  const auto size = format::safetensors::bytes_of(t.dtype, shape);
  if (!size || *size != bytes.end - bytes.begin) return Found::broken("an array has more or fewer bytes than its shape");
  return out;
}

/// Latin-1, as Python 3 writes bytes for Python 2: each character is a byte.
std::optional<std::vector<std::byte>> latin1(std::string_view utf8) {
  std::vector<std::byte> out;
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      out.push_back(std::byte{c});
      continue;
    }
    if ((c & 0xfc) != 0xc0 || i + 1 == utf8.size()) return std::nullopt;
    out.push_back(static_cast<std::byte>((c & 0x03) << 6 | (utf8[++i] & 0x3f)));
  }
  return out;
}

struct Data {
  Where where;
  bytes::Extent bytes;
};

/// The bytes of an array's buffer, decoded where they do not stand in the file as they are.
std::optional<Data> data_of(const Objects& objects, const Value& v, Stretches& stretches) {
  const auto& s = objects.stretch();
  if (const auto raw = objects.bytes_of(v)) return Data{s.where, {s.begin + raw->begin, s.begin + raw->end}};
  const auto maker = objects.maker(v);
  if (maker == "builtins.bytes" || maker == "builtins.bytearray") {
    const auto inner = objects.argument(v, 0);
    return inner ? data_of(objects, *inner, stretches) : Data{s.where, {s.begin, s.begin}};
  }
  const auto text = maker == "_codecs.encode" ? objects.argument(v, 0) : std::optional{v};
  if (!text || text->tag != Tag::text || text->len > kMostDecoded) return std::nullopt;
  const auto written = objects.machine().text_of(*text, text->len);
  const bool is_latin1 = maker == "_codecs.encode";
  const auto view = bytes::view(written);
  const auto bytes = is_latin1 ? latin1(written) : std::optional{std::vector<std::byte>{view.begin(), view.end()}};
  if (!bytes) return std::nullopt;
  const auto decoded = stretches.decoded(*bytes);
  if (!decoded) return std::nullopt;
  return Data{decoded->where, {decoded->begin, decoded->begin + decoded->source->size()}};
}

bool is_true(const std::optional<Value>& v) {
  return v && (v->tag == Tag::boolean || v->tag == Tag::integer) && v->at != 0;
}

bool is_array_class(const Objects& objects, const std::optional<Value>& v) {
  if (!v || v->tag != Tag::symbol) return false;
  const auto name = objects.machine().symbol(static_cast<std::uint32_t>(v->at)).dotted();
  return name == "numpy.ndarray" || name == "numpy.matrix" || name == "numpy.memmap" ||
         name == "numpy.matrixlib.defmatrix.matrix";
}

/// _reconstruct(class, (0,), b'b'), then BUILD with (1, shape, dtype, is_fortran, data).
Found reconstructed(const Objects& objects, const Value& v, Stretches& stretches) {
  const auto& m = objects.machine();
  const auto state = objects.state(v);
  if (!is_array_class(objects, objects.argument(v, 0)))
    return Found::unfit("array", "a class of its own may mean something else by its bytes");
  const auto n = state && state->tag == Tag::tuple ? state->len : 0;
  if (n != 4 && n != 5) return Found::broken("an array without its data");
  const std::size_t first = n - 4;  // before NumPy 1.0 there was no version
  const auto shape = format::torch::sizes_of(m, m.item(*state, first));
  const auto type = type_of(objects, m.item(*state, first + 1));
  const auto data = m.item(*state, first + 3);
  if (!shape || !data) return Found::broken("an array without a shape");
  if (!type.dtype) return array_over(type, *shape, false, Where::file, {});
  const auto bytes = data_of(objects, *data, stretches);
  if (!bytes) return Found::broken("an array whose data is no byte string");
  return array_over(type, *shape, is_true(m.item(*state, first + 2)), bytes->where, bytes->bytes);
}

/// _frombuffer(buffer, dtype, shape, "C" or "F").
Found from_buffer(const Objects& objects, const Value& v, Stretches& stretches) {
  const auto shape = format::torch::sizes_of(objects.machine(), objects.argument(v, 2));
  const auto type = type_of(objects, objects.argument(v, 1));
  const auto buffer = objects.argument(v, 0), order = objects.argument(v, 3);
  if (!shape || !buffer) return Found::broken("an array without a shape");
  if (!type.dtype) return array_over(type, *shape, false, Where::file, {});
  const auto bytes = data_of(objects, *buffer, stretches);
  if (!bytes) return Found::broken("an array whose data is no byte string");
  return array_over(type, *shape, order && order->tag == Tag::text && objects.text(*order) == "F", bytes->where,
                    bytes->bytes);
}

/// An array that stands behind its NumpyArrayWrapper.
Found inline_array(const Objects& objects, const Value& v) {
  const auto& m = objects.machine();
  const auto begin = format::torch::size_of(objects.argument(v, 0)), end = format::torch::size_of(objects.argument(v, 1));
  const auto state = objects.state(v);
  if (!begin || !end || !state || state->tag != Tag::dict) return Found::broken("an array without its wrapper");
  const auto shape = format::torch::sizes_of(m, objects.lookup(*state, "shape"));
  const auto type = type_of(objects, objects.lookup(*state, "dtype"));
  const auto order = objects.lookup(*state, "order");
  if (!shape) return Found::broken("an array without a shape");
  const auto base = objects.stretch().begin;
  return array_over(type, *shape, order && order->tag == Tag::text && objects.text(*order) == "F",
                    objects.stretch().where, {base + *begin, base + *end});
}

}  // namespace

std::string in_brackets(const std::vector<std::uint64_t>& shape) {
  std::string out;
  for (const auto n : shape) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return "[" + out + "]";
}

Found find_array(const Objects& objects, const Value& v, Stretches& stretches) {
  if (v.tag == Tag::instance && (v.flags & format::pickle::kInlineData) != 0) return inline_array(objects, v);
  const auto maker = objects.maker(v);
  if (maker == "numpy.core.multiarray._reconstruct" || maker == "numpy._core.multiarray._reconstruct")
    return reconstructed(objects, v, stretches);
  if (maker == "numpy.core.numeric._frombuffer" || maker == "numpy._core.numeric._frombuffer")
    return from_buffer(objects, v, stretches);
  if (maker == "numpy.ma.core._mareconstruct") return Found::unfit("masked array", "safetensors has no masks");
  return {};
}

Found read_npy(const Stretch& stretch) {
  const auto array = format::numpy::parse(*stretch.source);
  if (!array) return Found::broken(std::string{array.error().what});
  const auto type = type_from(array->descr);
  if (array->dtype.has_object || !type.dtype)
    return Found::unfit(type.word + " array " + in_brackets(array->shape),
                        array->dtype.has_object ? "its items are Python objects" : "safetensors has no such data type");
  const auto there = stretch.source->size() - array->data_offset;
  if (array->data_bytes > there) return Found::broken("the array's data ends early");
  const auto begin = stretch.begin + array->data_offset;
  return array_over(type, array->shape, array->fortran_order, stretch.where, {begin, begin + array->data_bytes});
}

}  // namespace assay::tensors
