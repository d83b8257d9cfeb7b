#include "format/numpy/dtype.h"

#include <charconv>

namespace assay::format::numpy {
namespace {

constexpr unsigned kDeepest = 16;

std::optional<std::uint64_t> count_of(const Expr& shape) {
  const auto extent = [](const Expr& e) -> std::optional<std::uint64_t> {
    std::uint64_t v = 0;
    const auto [end, bad] = std::from_chars(e.text.data(), e.text.data() + e.text.size(), v);
    if (e.kind != Expr::Kind::integer || bad != std::errc{} || end != e.text.data() + e.text.size())
      return std::nullopt;
    return v;
  };
  if (shape.kind == Expr::Kind::integer) return extent(shape);
  if (shape.kind != Expr::Kind::tuple) return std::nullopt;
  std::uint64_t product = 1;
  for (const auto& item : shape.items) {
    const auto n = extent(item);
    if (!n || __builtin_mul_overflow(product, *n, &product)) return std::nullopt;
  }
  return product;
}

}  // namespace

std::optional<Dtype> from_typestr(std::string_view s) noexcept {
  if (!s.empty() && std::string_view{"<>|="}.find(s[0]) != s.npos) s.remove_prefix(1);
  if (s.empty()) return std::nullopt;
  const char kind = s[0];
  s.remove_prefix(1);
  if (kind == 'O') return Dtype{8, true};
  if (kind == '?' && s.empty()) return Dtype{1, false};
  if (kind == 'm' || kind == 'M') {  // the unit in brackets does not change the size
    if (const auto bracket = s.find('['); bracket != s.npos) s = s.substr(0, bracket);
  }
  std::uint64_t n = 0;
  const auto [end, bad] = std::from_chars(s.data(), s.data() + s.size(), n);
  if (bad != std::errc{} || end != s.data() + s.size()) return std::nullopt;
  switch (kind) {
    case 'b':
    case 'i':
    case 'u':
    case 'f':
    case 'c':
    case 'm':
    case 'M':
      if (n == 0 || n > 64) return std::nullopt;
      return Dtype{n, false};
    case 'S':
    case 'a':
    case 'V': return Dtype{n, false};
    case 'U':
      if (n > UINT64_MAX / 4) return std::nullopt;
      return Dtype{4 * n, false};
    default: return std::nullopt;
  }
}

std::optional<Dtype> from_descr(const Expr& descr, unsigned depth) {
  if (depth > kDeepest) return std::nullopt;
  if (descr.kind == Expr::Kind::text) return from_typestr(descr.text);
  if (descr.kind == Expr::Kind::tuple && descr.items.size() == 2) {  // (descr, shape): a subarray
    auto base = from_descr(descr.items[0], depth + 1);
    const auto n = count_of(descr.items[1]);
    if (!base || !n || __builtin_mul_overflow(base->itemsize, *n, &base->itemsize)) return std::nullopt;
    return base;
  }
  if (descr.kind != Expr::Kind::list) return std::nullopt;
  Dtype all;
  for (const auto& field : descr.items) {
    if (field.kind != Expr::Kind::tuple || field.items.size() < 2 || field.items.size() > 3) return std::nullopt;
    auto one = from_descr(field.items[1], depth + 1);
    if (!one) return std::nullopt;
    if (field.items.size() == 3) {
      const auto n = count_of(field.items[2]);
      if (!n || __builtin_mul_overflow(one->itemsize, *n, &one->itemsize)) return std::nullopt;
    }
    if (__builtin_add_overflow(all.itemsize, one->itemsize, &all.itemsize)) return std::nullopt;
    all.has_object |= one->has_object;
  }
  return all;
}

}  // namespace assay::format::numpy
