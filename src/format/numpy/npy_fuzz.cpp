// Oracle: an accepted header lies inside the file, its sizes multiply to what it says, and its dtype is one that
// the same descr gives again.
#include <cstdlib>

#include "format/numpy/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const bytes::MemorySource source{std::as_bytes(std::span{data, size})};
  const auto array = format::numpy::parse(source);
  if (array) {
    if (array->data_offset > size || array->data_offset < 10) std::abort();
    std::uint64_t bytes = array->dtype.itemsize;
    for (const auto n : array->shape)
      if (__builtin_mul_overflow(bytes, n, &bytes)) std::abort();
    if (bytes != array->data_bytes) std::abort();
    if (array->descr != "structured") {
      const auto again = format::numpy::from_typestr(array->descr);
      if (!again || again->itemsize != array->dtype.itemsize || again->has_object != array->dtype.has_object)
        std::abort();
    }
  }
  const auto literal = format::numpy::parse_literal({reinterpret_cast<const char*>(data), size});
  if (literal && literal->kind == format::Expr::Kind::dict && literal->items.size() % 2 != 0) std::abort();
  return 0;
}
