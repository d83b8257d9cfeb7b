// Conversion as a library: what `assay convert` does, and nothing else.
//
//   assay::convert::convert(paths, policy, today, options) -> Outcome     writes safetensors
//   assay::convert::compare(left, right, options)          -> Comparison  do two files hold the same tensors?
//   assay::convert::to_text, to_json                                      what they answered
//
// convert/convert.h says what holds afterwards; docs/convert.md describes the values.
#pragma once
#include "convert/convert.h"
#include "convert/report.h"
#include "convert/result.h"
