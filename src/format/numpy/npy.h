// .npy: "\x93NUMPY" | u8 major | u8 minor | u16 or u32 length | a Python dict literal | data.
// The header is parsed as a literal and never evaluated. Source: NEP 1, numpy/lib/format.py.
#pragma once
#include <vector>

#include "base/result.h"
#include "bytes/source.h"
#include "format/document.h"
#include "format/numpy/dtype.h"

namespace assay::format::numpy {

struct Array {
  std::vector<std::uint64_t> shape;  ///< elements per dimension
  bool fortran_order = false;
  Dtype dtype;
  std::string descr;  ///< of the dtype, as in the file; for people
  std::uint64_t data_offset = 0;
  std::uint64_t data_bytes = 0;  ///< items * itemsize; 0 and meaningless where has_object
  bool odd_header = false;       ///< unknown keys, not padded, longer than NumPy writes
};

inline constexpr std::uint32_t kMostHeader = 1 << 20;  ///< bytes; NumPy refuses 10,000 without allow_pickle

Result<Array> parse(const bytes::Source& file);

/// One Python literal (text, bytes, number, True, False, None, tuple, list, dict): at most 1,000 items, 16 deep.
/// `text` must hold nothing else but white space.
Result<Expr> parse_literal(std::string_view text);

}  // namespace assay::format::numpy
