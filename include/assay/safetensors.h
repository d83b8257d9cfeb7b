// The safetensors format by itself: read a header, know whether the file is valid, write a canonical one.
//
//   assay::safetensors::parse(source, budget)   header -> tensors, metadata, why it is refused, what is odd
//   assay::safetensors::sort_for_writing(...)   the order of the reference implementation
//   assay::safetensors::header(tensors, meta)   the first 8 + N bytes, and each tensor's place behind them
//
// Nothing here touches the bytes of tensors: they are yours to read and write, at begin and end behind the header.
// docs/formats/safetensors.md describes the format, and examples/api/convert_model.cpp shows a whole program.
#pragma once
#include "bytes/budget.h"
#include "bytes/source.h"
#include "format/safetensors/safetensors.h"

namespace assay::safetensors {

using namespace format::safetensors;

using bytes::Budget;      ///< what reading may cost; Budget{Limits{}, source.size()} is ample
using bytes::FileSource;  ///< an open descriptor and its size
using bytes::Limits;
using bytes::MemorySource;  ///< bytes that you have already

}  // namespace assay::safetensors
