// NumPy's arrays: as .npy writes them, as pickles rebuild them, as joblib keeps them between the opcodes.
// Source: numpy/core/multiarray (_reconstruct, ndarray.__setstate__), numpy/core/numeric.py (_frombuffer),
// joblib/numpy_pickle.py.
#pragma once
#include "tensors/found.h"
#include "tensors/objects.h"

namespace assay::tensors {

/// The bytes that `v` is, whatever a pickler wrote for them: a byte string, a bytearray, Python 2's text, a text and
/// its encoding. Decoded into the spool where they do not stand in the file. The error is for people.
tl::expected<Stretch, std::string> byte_string(const Objects& objects, const Objects::Value& v, Stretches& stretches);

/// What `v` is.
Found find_array(const Objects& objects, const Objects::Value& v, Stretches& stretches);

/// The array that an .npy file at the beginning of `stretch` holds; Found::other where it is none.
Found read_npy(const Stretch& stretch);

}  // namespace assay::tensors
