#include "tensors/numpy.h"

#include <algorithm>
#include <array>

#include "format/numpy/npy.h"
#include "format/pickle/joblib.h"
#include "format/torch/layout.h"
#include "tensors/dtypes.h"

namespace assay::tensors {
namespace {

using format::pickle::Tag;
using Value = Objects::Value;

constexpr std::uint64_t kMostDecoded = 256 << 20;  ///< bytes of an array that is written as a text: held three times

/// A data type by NumPy's word for it.
struct Type {
  std::string word{};  ///< "f4", "O", "structured"
  bool big_endian = false;
  std::optional<Dtype> dtype{};
  std::string doubt{};  ///< why nobody can tell; empty where it is certain
};

Type doubtful(std::string why) { return {"unknown", false, {}, std::move(why)}; }

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

bool is_true(const std::optional<Value>& v) {
  return v && (v->tag == Tag::boolean || v->tag == Tag::integer) && v->at != 0;
}
bool is_none(const std::optional<Value>& v) { return v && v->tag == Tag::none; }

/// BUILD with (3, '<', None, None, None, -1, -1, 0). NumPy believes what stands there, unless the type is one of its
/// own that nobody copied: then it looks at nothing.
Type with_state(Type type, const Objects& objects, const Value& dtype, const Value& state) {
  const auto& m = objects.machine();
  const bool is_own = objects.argument(dtype, 0)->tag == Tag::text;
  const auto order = m.item(state, 1), size = m.item(state, 5);
  const auto word = order && order->tag == Tag::text ? objects.text(*order) : std::string{};
  const bool is_plain = is_none(m.item(state, 2)) && is_none(m.item(state, 3)) && is_none(m.item(state, 4));
  const bool is_sized = is_own ? !format::pickle::dtype_lies(m, dtype, state)
                               : size && size->tag == Tag::integer &&
                                     (static_cast<std::int64_t>(size->at) < 0 || size->at == swap_unit(*type.dtype));
  if (!is_true(objects.argument(dtype, 2)) || word.size() != 1 || std::string_view{"<>|="}.find(word) == word.npos ||
      !is_plain || !is_sized)
    return doubtful("its data type contradicts itself");
  type.big_endian = word == ">";
  return type;
}

/// numpy.dtype('f4', False, True), then BUILD.
Type type_of(const Objects& objects, const std::optional<Value>& v) {
  const auto name = v && objects.maker(*v) == "numpy.dtype" ? objects.argument(*v, 0) : std::nullopt;
  if (!name) return {"unknown"};
  if (objects.change(*v) || objects.built_late(*v)) return doubtful("its data type is changed after it was made");
  Type type{"unknown"};
  if (name->tag == Tag::symbol) {  // ml_dtypes gives NumPy types that it has no letters for
    const auto& symbol = objects.machine().symbol(static_cast<std::uint32_t>(name->at));
    type.word = symbol.dotted();
    if (symbol.module == "ml_dtypes") type.dtype = dtype_of_torch(symbol.name);
  } else if (name->tag == Tag::text) {
    type = type_from(objects.text(*name));
  }
  const auto state = objects.state(*v);
  return state && type.dtype ? with_state(std::move(type), objects, *v, *state) : type;
}

/// What an array of such a type is; nothing where its bytes decide.
std::optional<Found> without_bytes(const Type& type, const std::vector<std::uint64_t>& shape) {
  if (!type.doubt.empty()) return Found::unclear("an array: " + type.doubt);
  if (type.dtype) return std::nullopt;
  return Found::unfit(type.word + " array " + in_brackets(shape), "safetensors has no such data type");
}

/// `type` has a dtype.
Found array_over(const Type& type, const std::vector<std::uint64_t>& shape, bool fortran, Where where,
                 bytes::Extent bytes) {
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
  if (!size || *size != bytes.end - bytes.begin)
    return Found::broken("an array has more or fewer bytes than its shape");
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

/// Latin-1 has several names in Python, and a pickler writes one of two.
bool is_latin1_word(const Objects& objects, const std::optional<Value>& v) {
  const auto word = v && v->tag == Tag::text ? objects.text(*v) : std::string{};
  return word == "latin1" || word == "latin-1";
}

tl::unexpected<std::string> no_bytes() { return tl::unexpected<std::string>{"an array whose data is no byte string"}; }

tl::expected<Stretch, std::string> of_text(const Objects& objects, const Value& text, Stretches& stretches) {
  if (text.len > kMostDecoded) return tl::unexpected<std::string>{"an array that is written as an endless text"};
  const auto written = objects.machine().text_of(text, text.len);
  const auto view = bytes::view(written);
  const bool is_raw = (text.flags & format::pickle::kEightBit) != 0;
  const auto bytes = is_raw ? std::optional{std::vector<std::byte>{view.begin(), view.end()}} : latin1(written);
  if (!bytes) return no_bytes();
  const auto decoded = stretches.decoded(*bytes);
  if (!decoded) return tl::unexpected<std::string>{"an array cannot be decoded: " + std::string{decoded.error().what}};
  return *decoded;
}

bool is_array_class(const Objects& objects, const std::optional<Value>& v) {
  if (!v || v->tag != Tag::symbol) return false;
  const auto name = objects.machine().symbol(static_cast<std::uint32_t>(v->at)).dotted();
  return name == "numpy.ndarray" || name == "numpy.matrix" || name == "numpy.memmap" ||
         name == "numpy.matrixlib.defmatrix.matrix";
}

bool is_fortran(const Objects& objects, const std::optional<Value>& order) {
  return order && order->tag == Tag::text && objects.text(*order) == "F";
}

Found of_strange_class() { return Found::unfit("array", "a class of its own may mean something else by its bytes"); }

Found array_in(const Objects& objects, const Type& type, const std::vector<std::uint64_t>& shape, bool fortran,
               const Value& data, Stretches& stretches) {
  if (auto other = without_bytes(type, shape)) return std::move(*other);
  const auto bytes = byte_string(objects, data, stretches);
  if (!bytes) return Found::broken(bytes.error());
  return array_over(type, shape, fortran, bytes->where, {bytes->begin, bytes->begin + bytes->source->size()});
}

/// _reconstruct(class, (0,), b'b'), then BUILD with (1, shape, dtype, is_fortran, data).
Found reconstructed(const Objects& objects, const Value& v, Stretches& stretches) {
  const auto& m = objects.machine();
  const auto state = objects.state(v);
  if (!is_array_class(objects, objects.argument(v, 0))) return of_strange_class();
  const auto n = state && state->tag == Tag::tuple ? state->len : 0;
  if (n != 4 && n != 5) return Found::broken("an array without its data");
  const std::size_t first = n - 4;  // before NumPy 1.0 there was no version
  const auto shape = format::torch::sizes_of(m, m.item(*state, first));
  const auto data = m.item(*state, first + 3);
  if (!shape || !data) return Found::broken("an array without a shape");
  return array_in(objects, type_of(objects, m.item(*state, first + 1)), *shape, is_true(m.item(*state, first + 2)),
                  *data, stretches);
}

/// _frombuffer(buffer, dtype, shape, "C" or "F").
Found from_buffer(const Objects& objects, const Value& v, Stretches& stretches) {
  const auto shape = format::torch::sizes_of(objects.machine(), objects.argument(v, 2));
  const auto buffer = objects.argument(v, 0);
  if (!shape || !buffer) return Found::broken("an array without a shape");
  return array_in(objects, type_of(objects, objects.argument(v, 1)), *shape,
                  is_fortran(objects, objects.argument(v, 3)), *buffer, stretches);
}

/// An array that stands behind its NumpyArrayWrapper.
Found inline_array(const Objects& objects, const Value& v) {
  const auto begin = format::torch::size_of(objects.argument(v, 0)),
             end = format::torch::size_of(objects.argument(v, 1));
  const auto state = objects.state(v);
  if (!begin || !end || !state || state->tag != Tag::dict) return Found::broken("an array without its wrapper");
  if (objects.grew(*state)) return Found::unclear("an array whose wrapper is changed after it was read");
  if (!is_array_class(objects, objects.lookup(*state, "subclass"))) return of_strange_class();
  const auto shape = format::torch::sizes_of(objects.machine(), objects.lookup(*state, "shape"));
  if (!shape) return Found::broken("an array without a shape");
  const auto type = type_of(objects, objects.lookup(*state, "dtype"));
  if (auto other = without_bytes(type, *shape)) return std::move(*other);
  const auto base = objects.stretch().begin;
  return array_over(type, *shape, is_fortran(objects, objects.lookup(*state, "order")), objects.stretch().where,
                    {base + *begin, base + *end});
}

Found made_array(const Objects& objects, const Value& v, Stretches& stretches) {
  if (v.tag == Tag::instance && (v.flags & format::pickle::kInlineData) != 0) return inline_array(objects, v);
  const auto maker = objects.maker(v);
  if (maker == "numpy.core.multiarray._reconstruct" || maker == "numpy._core.multiarray._reconstruct")
    return reconstructed(objects, v, stretches);
  if (maker == "numpy.core.numeric._frombuffer" || maker == "numpy._core.numeric._frombuffer")
    return from_buffer(objects, v, stretches);
  if (maker == "numpy.ma.core._mareconstruct") return Found::unfit("masked array", "safetensors has no masks");
  return {};
}

}  // namespace

std::string in_brackets(const std::vector<std::uint64_t>& shape) {
  std::string out;
  for (const auto n : shape) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return "[" + out + "]";
}

tl::expected<Stretch, std::string> byte_string(const Objects& objects, const Value& v, Stretches& stretches) {
  const auto& s = objects.stretch();
  if (objects.change(v)) return tl::unexpected<std::string>{"an array whose data is changed after it was made"};
  if (const auto raw = objects.bytes_of(v))
    return Stretch{std::make_shared<bytes::WindowSource>(*s.source, raw->begin, raw->end - raw->begin), s.where,
                   s.begin + raw->begin};
  if (v.tag == Tag::text) return of_text(objects, v, stretches);
  const auto maker = objects.maker(v);
  const auto inner = objects.argument(v, 0), encoding = objects.argument(v, 1);
  const bool is_copy = maker == "builtins.bytes" || maker == "builtins.bytearray";
  if (is_copy && !inner) return Stretch{std::make_shared<bytes::WindowSource>(*s.source, 0, 0), s.where, s.begin};
  if (!inner || (!is_copy && maker != "_codecs.encode")) return no_bytes();
  if (inner->tag == Tag::text)
    return is_latin1_word(objects, encoding) ? of_text(objects, *inner, stretches) : no_bytes();
  const bool is_deeper = format::pickle::is_node(inner->tag) && objects.maker(*inner) != "_codecs.encode";
  return is_copy && !is_deeper ? byte_string(objects, *inner, stretches) : no_bytes();
}

Found find_array(const Objects& objects, const Value& v, Stretches& stretches) {
  auto out = made_array(objects, v, stretches);
  if (out.kind != Found::Kind::other && (objects.change(v) || objects.built_late(v)))
    return Found::unclear("an array that is changed after it was made");
  return out;
}

Found read_npy(const Stretch& stretch) {
  const auto array = format::numpy::parse(*stretch.source);
  if (!array) return Found::broken(std::string{array.error().what});
  if (array->shape.size() > kMostDimensions) return Found::broken("an array of more dimensions than NumPy has");
  const auto type = type_from(array->descr);
  if (array->dtype.has_object)
    return Found::unfit(type.word + " array " + in_brackets(array->shape), "its items are Python objects");
  if (auto other = without_bytes(type, array->shape)) return std::move(*other);
  const auto size = stretch.source->size();
  if (array->data_offset > size || array->data_bytes > size - array->data_offset)
    return Found::broken("the array's data ends early");
  const auto begin = stretch.begin + array->data_offset;
  return array_over(type, array->shape, array->fortran_order, stretch.where, {begin, begin + array->data_bytes});
}

}  // namespace assay::tensors
