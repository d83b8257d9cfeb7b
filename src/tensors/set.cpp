#include <algorithm>

#include "base/text.h"
#include "format/codec.h"
#include "format/describe.h"
#include "tensors/dtypes.h"
#include "tensors/found.h"

namespace assay::tensors {

template <class Codec>
void describe(Codec& c, Tensor& v) {
  c("name", v.name);
  c("dtype", v.dtype);
  c("shape", v.shape);
  c("strides", v.strides);
  c("where", v.where);
  c("begin", v.begin);
  c("storage", v.storage);
  c("swap", v.swap);
}
template <class Codec>
void describe(Codec& c, Leftover& v) {
  c("name", v.name);
  c("what", v.what);
  c("reason", v.reason);
}
template <class Codec>
void describe(Codec& c, Scalar& v) {
  c("name", v.name);
  c("text", v.text);
}
template <class Codec>
void describe(Codec& c, Set& v) {
  c("outcome", v.outcome);
  c("why", v.why);
  c("format", v.format);
  c("framework", v.framework);
  c("key", v.key);
  c("tensors", v.tensors);
  c("leftovers", v.leftovers);
  c("more_leftovers", v.more_leftovers);
  c("scalars", v.scalars);
  c("notices", v.notices);
  c("metadata", v.metadata);
}

namespace {

using format::safetensors::bits_of;

/// Whether no hostile cell gains anything by this tensor: it lies inside the bytes that there are.
bool is_sound(const Tensor& t, std::uint64_t file_bytes, std::uint64_t spool_bytes) {
  if (t.dtype > Dtype::u64 || t.where > Where::spool || !is_utf8(t.name)) return false;
  if (t.shape.size() > kMostDimensions || t.strides.size() != t.shape.size()) return false;
  if (t.swap != 1 && t.swap != swap_unit(t.dtype)) return false;
  const auto bytes = format::safetensors::bytes_of(t.dtype, t.shape);
  const auto reach = reach_of(t);
  const auto there = t.where == Where::file ? file_bytes : spool_bytes;
  return bytes && *bytes % t.swap == 0 && reach && *reach <= there && t.storage.begin <= t.storage.end &&
         t.storage.end <= there && t.begin >= t.storage.begin && (*bytes == 0 || *reach <= t.storage.end) &&
         (bits_of(t.dtype) % 8 == 0 || is_contiguous(t));
}

/// Whether everything that goes into reports and headers is UTF-8.
bool is_text(const Set& set) {
  const auto is_scalar = [](const Scalar& s) { return is_utf8(s.name) && is_utf8(s.text); };
  const auto is_leftover = [](const Leftover& l) { return is_utf8(l.name) && is_utf8(l.what) && is_utf8(l.reason); };
  return is_utf8(set.why) && is_utf8(set.format) && is_utf8(set.framework) && is_utf8(set.key) &&
         std::all_of(set.leftovers.begin(), set.leftovers.end(), is_leftover) &&
         std::all_of(set.scalars.begin(), set.scalars.end(), is_scalar) &&
         std::all_of(set.metadata.begin(), set.metadata.end(), is_scalar) &&
         std::all_of(set.notices.begin(), set.notices.end(), [](const std::string& s) { return is_utf8(s); });
}

}  // namespace

std::vector<std::uint64_t> c_strides(const std::vector<std::uint64_t>& shape) {
  std::vector<std::uint64_t> out(shape.size(), 1);
  for (auto i = shape.size(); i-- > 1;)
    if (__builtin_mul_overflow(out[i], shape[i], &out[i - 1])) out[i - 1] = UINT64_MAX;
  return out;
}

std::string in_words(const Tensor& t) { return std::string{to_string(t.dtype)} + " " + in_brackets(t.shape); }

std::uint64_t bytes_of(const Tensor& t) { return format::safetensors::bytes_of(t.dtype, t.shape).value_or(0); }

std::optional<std::uint64_t> reach_of(const Tensor& t) {
  if (std::find(t.shape.begin(), t.shape.end(), 0u) != t.shape.end()) return t.begin;
  std::uint64_t last = 0;  // element
  for (std::size_t i = 0; i < t.shape.size(); ++i) {
    std::uint64_t step;
    if (__builtin_mul_overflow(t.shape[i] - 1, t.strides[i], &step) || __builtin_add_overflow(last, step, &last))
      return std::nullopt;
  }
  std::uint64_t bits, end;
  if (__builtin_add_overflow(last, 1, &end) || __builtin_mul_overflow(end, bits_of(t.dtype), &bits) ||
      __builtin_add_overflow(t.begin, (bits + 7) / 8, &end))
    return std::nullopt;
  return end;
}

bool is_contiguous(const Tensor& t) {
  if (std::find(t.shape.begin(), t.shape.end(), 0u) != t.shape.end()) return true;
  std::uint64_t expected = 1;
  for (auto i = t.shape.size(); i-- > 0;) {
    if (t.shape[i] != 1 && t.strides[i] != expected) return false;
    if (__builtin_mul_overflow(expected, t.shape[i], &expected)) return false;
  }
  return true;
}

std::string encode(const Set& set) { return format::encoded(set); }

Result<Set> decode(bytes::View raw, std::uint64_t file_bytes, std::uint64_t spool_bytes) {
  auto out = TRY(format::decoded<Set>(raw));
  if (out.outcome > Set::Outcome::damaged || out.tensors.size() > kMostTensors || out.leftovers.size() > kMostLeftovers)
    return fail(Errc::malformed, 0, "a set that no reader makes");
  for (const auto& t : out.tensors)
    if (!is_sound(t, file_bytes, spool_bytes)) return fail(Errc::malformed, 0, "a tensor outside the file");
  if (!is_text(out)) return fail(Errc::malformed, 0, "a name or a text that is no UTF-8");
  return out;
}

}  // namespace assay::tensors
