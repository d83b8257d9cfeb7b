#include "format/pickle/joblib.h"

#include <algorithm>

#include "format/numpy/dtype.h"

namespace assay::format::pickle {
namespace {

constexpr unsigned kDeepest = 6;  ///< values within values that are looked at
constexpr std::size_t kMostDimensions = 64;
constexpr std::uint64_t kNoSize = ~std::uint64_t{0};
constexpr std::uint64_t kRefCounted = 1;    ///< NPY_ITEM_REFCOUNT: items are objects
constexpr std::uint64_t kObjectFlags = 63;  ///< NPY_OBJECT_DTYPE_FLAGS

/// The items of numpy.dtype's state, versions 3 and 4.
enum StateItem : std::size_t { subarray = 2, fields = 4, elsize = 5, flags = 7, least_items = 8 };

bool names(const Symbol& s, std::string_view name) {
  const auto whole = s.dotted();
  return whole == name ||
         (whole.size() > name.size() && whole.ends_with(name) && whole[whole.size() - name.size() - 1] == '.');
}
bool is_array_wrapper(const Symbol& s) { return names(s, "joblib.numpy_pickle.NumpyArrayWrapper"); }
bool is_side_file_wrapper(const Symbol& s) {
  return names(s, "joblib.numpy_pickle_compat.NDArrayWrapper") ||
         names(s, "joblib.numpy_pickle_compat.ZNDArrayWrapper");
}

/// The class that an object was made of; nothing where that is not plain to see.
std::optional<std::uint32_t> class_of(const Machine& m, const Value& v) {
  const auto maker = v.tag == Tag::call || v.tag == Tag::instance ? m.symbol_of(v) : std::nullopt;
  if (!maker) return std::nullopt;
  const auto name = m.symbol(*maker).dotted();
  if (name != "copyreg._reconstructor" && name != "copyreg.__newobj__" && name != "copyreg.__newobj_ex__") return maker;
  const auto args = m.node(v, 1);
  const auto cls = args ? m.item(*args, 0) : std::nullopt;
  return cls && cls->tag == Tag::symbol ? std::optional{static_cast<std::uint32_t>(cls->at)} : std::nullopt;
}

/// Whether a wrapper class may have had a part in making `v`.
bool mentions_wrapper(const Machine& m, const Value& v, unsigned depth = 0) {
  if (v.tag == Tag::symbol) return is_joblib_wrapper(m.symbol(static_cast<std::uint32_t>(v.at)));
  if (v.tag == Tag::call || v.tag == Tag::instance) {
    if (const auto maker = m.symbol_of(v); maker && is_joblib_wrapper(m.symbol(*maker))) return true;
    const auto callee = m.node(v, 0), args = m.node(v, 1);
    if (!callee || !args || depth == kDeepest) return true;
    return (callee->tag != Tag::symbol && mentions_wrapper(m, *callee, depth + 1)) ||
           mentions_wrapper(m, *args, depth + 1);
  }
  const auto size = m.length(v);
  if (v.tag == Tag::text || v.tag == Tag::bytes || !is_plain(v.tag) || !size) return false;
  for (std::size_t i = 0;; ++i) {
    const auto item = m.item(v, i);
    if (!item) return i < *size;
    if (depth == kDeepest || mentions_wrapper(m, *item, depth + 1)) return true;
  }
}

std::optional<std::uint64_t> natural(const std::optional<Value>& v) {
  if (!v || v->tag != Tag::integer || static_cast<std::int64_t>(v->at) < 0) return std::nullopt;
  return v->at;
}

bool is_record(const Symbol& s) {
  const auto name = s.dotted();
  return name == "numpy.record" || name == "numpy.rec.record" || name == "numpy.core.records.record" ||
         name == "numpy._core.records.record";
}

/// The type that a dtype was asked for: numpy.dtype('f8', False, True). A record has no size until its state says one.
std::optional<numpy::Dtype> asked_for(const Machine& m, const Value& v) {
  const auto args = is_dtype(m, v) ? m.node(v, 1) : std::nullopt;
  const auto type = args ? m.item(*args, 0) : std::nullopt;
  if (type && type->tag == Tag::text) return numpy::from_typestr(m.text_of(*type, 64));
  const bool record = type && type->tag == Tag::symbol && is_record(m.symbol(static_cast<std::uint32_t>(type->at)));
  return record ? std::optional{numpy::Dtype{kNoSize, false}} : std::nullopt;
}

/// Whether the size in a state is not the one that was asked for. -1 leaves it as it is.
bool differs(const Value& size, const numpy::Dtype& asked) {
  return static_cast<std::int64_t>(size.at) >= 0 && asked.itemsize != kNoSize && size.at != asked.itemsize;
}

std::optional<bool> holds_objects(const Machine& m, const Value& dtype, unsigned depth);

/// Whether one of the fields {name: (dtype, offset)} holds objects.
std::optional<bool> fields_hold_objects(const Machine& m, const Value& all, unsigned depth) {
  const auto size = m.length(all);
  bool any = false;
  for (std::size_t i = 1; size && i < *size; i += 2) {
    const auto field = m.item(all, i);
    const auto dtype = field && field->tag == Tag::tuple ? m.item(*field, 0) : std::nullopt;
    const auto objects = dtype ? holds_objects(m, *dtype, depth + 1) : std::nullopt;
    if (!objects) return std::nullopt;
    any |= *objects;
  }
  return size ? std::optional{any} : std::nullopt;
}

/// What the type and its parts say, whatever its flags do. Nothing where they are not plain.
std::optional<bool> should_hold_objects(const Machine& m, const Value& dtype, const Value& state, unsigned depth) {
  const auto asked = asked_for(m, dtype);
  const auto base = m.item(state, subarray), parts = m.item(state, fields);
  if (!asked || !base || !parts || depth == kDeepest) return std::nullopt;
  if (base->tag == Tag::tuple) {
    const auto of = m.item(*base, 0);
    return of ? holds_objects(m, *of, depth + 1) : std::nullopt;
  }
  if (parts->tag == Tag::dict) return fields_hold_objects(m, *parts, depth);
  if (base->tag != Tag::none || parts->tag != Tag::none) return std::nullopt;
  return asked->has_object;
}

std::optional<bool> holds_objects(const Machine& m, const Value& dtype, unsigned depth) {
  const auto asked = asked_for(m, dtype);
  const auto state = m.node(dtype, 2);
  if (!asked || !state) return std::nullopt;
  if (state->tag == Tag::unknown) return asked->has_object;  // no BUILD yet
  return state->tag == Tag::tuple ? should_hold_objects(m, dtype, *state, depth) : std::nullopt;
}

/// The type as joblib finds it when it reads the array: flags and size are the state's.
std::optional<numpy::Dtype> effective(const Machine& m, const Value& v) {
  auto dtype = asked_for(m, v);
  const auto state = m.node(v, 2);
  if (!dtype || !state) return std::nullopt;
  if (state->tag == Tag::unknown) return dtype->itemsize == kNoSize ? std::nullopt : dtype;
  const auto size = m.item(*state, elsize);
  const auto says = natural(m.item(*state, flags));
  if (state->tag != Tag::tuple || !says || !size || size->tag != Tag::integer) return std::nullopt;
  if (differs(*size, *dtype)) return std::nullopt;
  if (dtype->itemsize == kNoSize) dtype->itemsize = size->at;
  dtype->has_object |= (*says & kRefCounted) != 0;
  return dtype;
}

/// A plain dict of attributes. Python takes the last value of a key.
class Attributes {
 public:
  static std::optional<Attributes> of(const Machine& m, const Value& state) {
    const auto size = m.length(state);
    if (state.tag != Tag::dict || !size) return std::nullopt;
    Attributes out{m, state, static_cast<std::size_t>(*size)};
    for (std::size_t i = 0; i < *size; i += 2) {
      const auto key = m.item(state, i);
      if (!key || key->tag != Tag::text) return std::nullopt;
    }
    return out;
  }
  std::optional<Value> operator[](std::string_view name) const {
    for (auto i = size_; i >= 2; i -= 2)
      if (m_.text_of(*m_.item(state_, i - 2), name.size() + 1) == name) return m_.item(state_, i - 1);
    return std::nullopt;
  }

 private:
  Attributes(const Machine& m, const Value& state, std::size_t size) : m_{m}, state_{state}, size_{size} {}
  const Machine& m_;
  Value state_;
  std::size_t size_;
};

InlineArray array_of(const Machine& m, const Value& state, std::uint64_t offset) {
  using Kind = InlineArray::Kind;
  const auto attributes = Attributes::of(m, state);
  const auto type = attributes ? (*attributes)["dtype"] : std::nullopt;
  const auto shape = attributes ? (*attributes)["shape"] : std::nullopt;
  const auto dtype = type ? effective(m, *type) : std::nullopt;
  if (!dtype || !shape || shape->tag != Tag::tuple || shape->len > kMostDimensions) return {Kind::unclear};
  if (dtype->has_object) return {Kind::objects, offset};
  std::uint64_t bytes = dtype->itemsize;
  for (std::size_t i = 0; i < shape->len; ++i) {
    const auto n = natural(m.item(*shape, i));
    if (!n || __builtin_mul_overflow(bytes, *n, &bytes)) return {Kind::unclear};
  }
  auto begin = offset;
  if (const auto alignment = (*attributes)["numpy_array_alignment_bytes"]; alignment && alignment->tag != Tag::none) {
    const auto padding = bytes::read_exactly(m.source(), begin, 1);  // one byte says how much follows
    if (!padding) return {Kind::too_short};
    begin += 1 + std::to_integer<std::uint64_t>((*padding)[0]);
  }
  const auto size = m.source().size();
  if (begin > size || bytes > size - begin) return {Kind::too_short};
  return {Kind::raw, begin, begin + bytes};
}

}  // namespace

bool is_joblib_wrapper(const Symbol& s) { return is_array_wrapper(s) || is_side_file_wrapper(s); }

bool is_dtype(const Machine& m, const Value& v) {
  const auto maker = v.tag == Tag::call ? m.symbol_of(v) : std::nullopt;
  return maker && m.symbol(*maker).dotted() == "numpy.dtype";
}

InlineArray inline_array(const Machine& m, const Value& target, const Value& state, std::uint64_t offset) {
  using Kind = InlineArray::Kind;
  const auto cls = class_of(m, target);
  if (cls && is_side_file_wrapper(m.symbol(*cls))) {
    const auto attributes = Attributes::of(m, state);
    const auto file = attributes ? (*attributes)["filename"] : std::nullopt;
    return {Kind::side_file, offset, offset, file && file->tag == Tag::text ? m.text_of(*file) : std::string{}};
  }
  if (cls && is_array_wrapper(m.symbol(*cls))) return array_of(m, state, offset);
  return {target.tag != Tag::symbol && mentions_wrapper(m, target) ? Kind::unclear : Kind::none};
}

bool dtype_lies(const Machine& m, const Value& dtype, const Value& state) {
  const auto asked = asked_for(m, dtype);
  const auto size = m.item(state, elsize);
  const auto says = natural(m.item(state, flags));
  const bool plain =
      asked && state.tag == Tag::tuple && state.len >= least_items && says && size && size->tag == Tag::integer;
  const auto objects = plain ? should_hold_objects(m, dtype, state, 0) : std::nullopt;
  if (!objects || *objects != ((*says & kRefCounted) != 0)) return true;
  return differs(*size, *asked) || (asked->has_object && (*says & kObjectFlags) != kObjectFlags);
}

}  // namespace assay::format::pickle
