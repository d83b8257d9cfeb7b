// Arrays that joblib keeps between the opcodes of a pickle: whose BUILD is followed by raw bytes, and how many.
// Source: joblib/numpy_pickle.py, NumpyArrayWrapper.read_array; numpy_pickle_compat.py.
#pragma once
#include <cstdint>
#include <string>

#include "format/pickle/machine.h"

namespace assay::format::pickle {

struct InlineArray {
  enum class Kind : std::uint8_t {
    none,       ///< no wrapper of joblib's
    unclear,    ///< perhaps one, but not a plain one: nobody can tell where its bytes end
    raw,        ///< items as they lie, in [begin, end)
    objects,    ///< a pickle of its own begins at `begin`; plain pickle.load reads it
    too_short,  ///< more bytes than there are
    side_file,  ///< in another file, `file`
  };
  Kind kind = Kind::none;
  std::uint64_t begin = 0, end = 0;  ///< offsets in the machine's source
  std::string file{};                ///< raw; empty where it is no constant text
};

/// Whether objects of this name change how joblib reads on.
bool is_joblib_wrapper(const Symbol& symbol);

/// What joblib does after BUILD of `target` with `state`, whose array would begin at `offset`.
InlineArray inline_array(const Machine& machine, const Value& target, const Value& state, std::uint64_t offset);

/// Whether `state`, which BUILD gives to `dtype`, makes NumPy take bytes for objects, or other bytes than there are:
/// numpy.dtype.__setstate__ believes flags and sizes.
bool dtype_lies(const Machine& machine, const Value& dtype, const Value& state);

/// Whether `v` is what numpy.dtype returned.
bool is_dtype(const Machine& machine, const Value& v);

}  // namespace assay::format::pickle
