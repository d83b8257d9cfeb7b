"""numpy and joblib: headers that are not literals, objects behind arrays, bytes inside streams."""

import bz2
import lzma
import struct
import zlib

from archives import (dtype_pickle, gzip_stream, joblib_array, lz4_stream, npy, plain_zip)
from assembler import Pickle, harmless, payload, pickle
from registry import add, case

OS = [("os", "system")]
NPY = dict(loader="numpy", file="input.npy")
NPZ = dict(loader="numpy", file="input.npz")
WRAPPER = [("joblib.numpy_pickle", "NumpyArrayWrapper")]
JOBLIB = dict(loader="joblib", file="input.joblib")
TWO = struct.pack("<dd", 0.5, 0.25)


def array_pickle(*items) -> bytes:
    """An object array as numpy pickles it: _reconstruct, then BUILD with the list of objects."""
    p = pickle(3).glob("numpy.core.multiarray", "_reconstruct").glob("numpy", "ndarray").value((0,)).value(b"b")
    p.tuple3().reduce().mark().value(1).value((len(items),)).value(dtype_pickle("O8")).false().value(list(items))
    return bytes(p.tuple().build().stop())


@case("numpy/npy", status="safe", threats=["F12"], **NPY)
def plain():
    """Two doubles."""
    return npy("'<f8'", "(2,)", TWO)


for version in ((2, 0), (3, 0)):
    add(f"numpy/npy-version-{version[0]}", lambda v=version: npy("'<f8'", "(2,)", TWO, v),
        f"Two doubles under header version {version[0]}.0.", status="safe", threats=["F12"], **NPY)


@case("numpy/npy-structured", status="safe", threats=["F12"], **NPY)
def structured():
    """A structured dtype with a nested field."""
    return npy("[('x', '<f4'), ('p', [('q', '<i2')])]", "(2,)", bytes(12))


@case("numpy/npy-object-payload", bypass=["other-formats"],
      status="unsafe", threats=["F12"], imports=OS, references=["CVE-2019-6446"], **NPY)
def object_payload():
    """An object array is a pickle, and this one calls os.system."""
    return npy("'|O'", "(1,)", payload())


@case("numpy/npy-object-payload-inside", status="unsafe", threats=["F12"], imports=OS,
      references=["CVE-2019-6446"], **NPY)
def object_inside():
    """One item of an honest object array is what os.system returns."""
    return npy("'|O'", "(1,)", array_pickle(Pickle().call("os", "system", "true")))


@case("numpy/npy-object-strings", status="safe", threats=["F12"], **NPY)
def object_strings():
    """An object array of strings, as datasets have it."""
    return npy("'|O'", "(2,)", array_pickle("a", "b"))


@case("numpy/npy-object-field", status="unsafe", threats=["F12"], imports=OS, **NPY)
def object_field():
    """Only one field of a structured dtype is an object, which makes the whole body a pickle."""
    return npy("[('x', '<f8'), ('o', '|O')]", "(1,)", payload())


@case("numpy/npy-declared-empty-holds-pickle", status="suspicious", threats=["F12"], imports=OS,
      unsure="no loader starts behind an array without elements by itself", **NPY)
def declared_float():
    """The header says no elements at all, and the body is a pickle that would call os.system."""
    return npy("'<f8'", "(0,)", payload())


@case("numpy/npy-header-call", status="suspicious", threats=["F12"], **NPY)
def header_call():
    """The header is not a literal: it calls something, which an evaluating reader would run."""
    return npy("", "", TWO, header=b"{'descr': str('<f8'), 'fortran_order': False, 'shape': (2,), }")


@case("numpy/npy-header-huge", status="suspicious", threats=["F12"], **NPY)
def header_huge():
    """A header of twelve thousand bytes: newer numpy refuses it, older numpy reads it."""
    return npy("'<f8'", "(2,)", TWO, (2, 0), pad_to=12288)


@case("numpy/npy-header-past-end", status="error", threats=["F12"], **NPY)
def header_past():
    """The header length passes the end of the file."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFF0) + b"{'descr'"


@case("numpy/npy-body-short", status="error", threats=["A20"], **NPY)
def body_short():
    """The shape promises a thousand doubles and the body holds two."""
    return npy("'<f8'", "(1000,)", TWO)


@case("numpy/npy-shape-overflows", status="error", threats=["F12"], **NPY)
def shape_overflow():
    """The product of the shape passes 2^64."""
    return npy("'<f8'", "(4294967296, 4294967296, 4)", TWO)


@case("numpy/npy-trailing-payload", status="suspicious", threats=["F12", "A22"], imports=OS,
      unsure="a second np.load from the same handle would run it", **NPY)
def trailing():
    """Behind a complete array stands a pickle that would call os.system."""
    return npy("'<f8'", "(2,)", TWO) + payload()


@case("numpy/npy-two-arrays", status="safe", threats=["F12"], **NPY)
def two_arrays():
    """Two arrays saved to one handle, one after the other."""
    return npy("'<f8'", "(2,)", TWO) * 2


@case("numpy/npy-named-txt", status="unsafe", threats=["A25", "F12"], imports=OS, loader="numpy", file="input.txt")
def named_txt():
    """An object array that calls os.system is called .txt."""
    return npy("'|O'", "(1,)", payload())


@case("numpy/npz", status="safe", threats=["C14"], **NPZ)
def npz():
    """Two arrays in a zip."""
    return plain_zip({"a.npy": npy("'<f8'", "(2,)", TWO), "b.npy": npy("'<i4'", "(1,)", bytes(4))})


@case("numpy/npz-object-payload", status="unsafe", threats=["C14", "F12"], imports=OS, **NPZ)
def npz_payload():
    """One member of an npz is an object array that calls os.system."""
    return plain_zip({"a.npy": npy("'<f8'", "(2,)", TWO), "b.npy": npy("'|O'", "(1,)", payload())}, method=8)


@case("numpy/npz-member-without-extension", status="unsafe", threats=["C14", "C10"], imports=OS, **NPZ)
def npz_no_extension():
    """The object array's member has no extension."""
    return plain_zip({"a.npy": npy("'<f8'", "(2,)", TWO), "b": npy("'|O'", "(1,)", payload())})


@case("numpy/npz-member-is-pickle", status="unsafe", threats=["C14"], imports=OS, **NPZ)
def npz_pickle():
    """A member called a.npy is a bare pickle that calls os.system.

    np.load hands such a member back as bytes, and programs that expect a pickle there load it.
    """
    return plain_zip({"a.npy": payload()})


@case("numpy/npz-int-radix", status="unsafe", threats=["C14", "A20"], imports=OS, **NPZ)
def npz_radix():
    """The object array's pickle begins with a number linear readers cannot parse."""
    body = bytes(Pickle().int_text(b"0x10").pop().call("os", "system", "true").stop())
    return plain_zip({"a.npy": npy("'|O'", "(1,)", body)})


@case("numpy/pickled-array", status="safe", threats=["F12"], loader="pickle",
      imports=[("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")])
def pickled_array():
    """An object array as pickle.dumps writes it."""
    return array_pickle(1, "b", None)


# joblib (F10)
def joblib_file(*parts) -> bytes:
    """A protocol 3 stream: a list of values and arrays. An array is (count, raw, code)."""
    p = pickle(3).empty_list()
    for part in parts:
        if isinstance(part, tuple):
            count, raw, code = part
            p.raw(bytes(joblib_array(count, raw, code, stream_at=len(p))))
        else:
            p.value(part)
        p.append()
    return bytes(p.stop())


ARRAY = (2, TWO, "f8")


@case("joblib/array", status="safe", threats=["F10"], imports=WRAPPER, **JOBLIB)
def array():
    """One array, its bytes inline and aligned."""
    return joblib_file(ARRAY)


@case("joblib/payload-after-array", status="unsafe", threats=["F10"], imports=OS + WRAPPER,
      references=["modelscan issue 356"], **JOBLIB)
def after_array():
    """The call of os.system stands behind the raw bytes of an array, where linear readers have given up."""
    return joblib_file(ARRAY, Pickle().call("os", "system", "true"))


@case("joblib/payload-between-arrays", bypass=["bytes-between-segments"],
      status="unsafe", threats=["F10"], imports=OS + WRAPPER, **JOBLIB)
def between_arrays():
    """The call stands between two arrays."""
    return joblib_file(ARRAY, Pickle().call("os", "system", "true"), ARRAY)


@case("joblib/array-bytes-look-like-stop", status="unsafe", threats=["F10"], imports=OS + WRAPPER, **JOBLIB)
def looks_like_stop():
    """The array's bytes are full stops, which a reader that takes them for opcodes believes to be the end."""
    return joblib_file((2, b"." * 16, "f8"), Pickle().call("os", "system", "true"))


@case("joblib/array-bytes-look-like-payload", status="safe", threats=["F10"], imports=WRAPPER,
      unsure="the bytes of the array spell a call, and no loader reads them as opcodes", **JOBLIB)
def looks_like_payload():
    """The array's own bytes spell a call of os.system, and are numbers."""
    raw = payload(None) + bytes(7)
    return joblib_file((len(raw) // 8, raw[:len(raw) // 8 * 8], "f8"), 1)


@case("joblib/object-array-payload", status="unsafe", threats=["F10", "F12"], imports=OS, **JOBLIB)
def object_array():
    """The array's dtype is object, so a second pickle stands inline, and it calls os.system."""
    return joblib_file((1, payload(), "O8"))


@case("joblib/object-array-harmless", status="safe", threats=["F10"], imports=WRAPPER, **JOBLIB)
def object_array_harmless():
    """An inline object array of strings."""
    return joblib_file((2, array_pickle("a", "b"), "O8"), "tail")


@case("joblib/array-longer-than-file", status="error", threats=["F10", "A20"], **JOBLIB)
def too_long():
    """The shape promises more than the file holds."""
    return bytes(pickle(3).raw(bytes(joblib_array(1 << 40, TWO, stream_at=2))))


@case("joblib/shape-unknown", status="suspicious", threats=["F10"], imports=[("acme_vision.io", "shape")], **JOBLIB)
def unknown_shape():
    """The shape is what an unknown function returns, so nobody can say where the array ends."""
    p = pickle(3)
    shape = Pickle().call4("acme_vision.io", "shape")
    p.raw(bytes(joblib_array(2, TWO, shape=shape, stream_at=2)))
    return bytes(p.stop())


@case("joblib/old-wrapper-file-name", status="suspicious", threats=["F10", "C6"],
      imports=[("joblib.numpy_pickle_compat", "NDArrayWrapper")], references=["joblib before 0.10"], **JOBLIB)
def old_wrapper():
    """The old NDArrayWrapper names a side file, and the name climbs out of the folder."""
    p = pickle(2).glob("joblib.numpy_pickle_compat", "NDArrayWrapper").empty_tuple().newobj().empty_dict().mark()
    p.value("filename").value("../../absent.npy").value("allow_mmap").true()
    p.value("subclass").glob("numpy", "ndarray").setitems().build()
    return bytes(p.stop())


@case("joblib/sklearn-like", status="caution", threats=["F10"], imports=[("sklearn.linear_model._base", "LinearRegression")],
      **JOBLIB)
def estimator():
    """An estimator of scikit-learn with an array in its state."""
    p = pickle(3).glob("sklearn.linear_model._base", "LinearRegression").empty_tuple().newobj().empty_dict().mark()
    p.value("fit_intercept").true().value("coef_")
    p.raw(bytes(joblib_array(2, TWO, stream_at=len(p)))).setitems().build()
    return bytes(p.stop())


def zfile(data, width):
    """As joblib up to 0.9 wrote it. The size is filled up to `width`, which was one more with Python 2."""
    return b"ZF" + (b"%#x" % len(data)).ljust(width) + zlib.compress(data)


PACKERS = [("gzip", "gz", gzip_stream), ("zlib", "z", lambda d: zlib.compress(d, 9)), ("bzip2", "bz2", bz2.compress),
           ("xz", "xz", lambda d: lzma.compress(d, lzma.FORMAT_XZ, lzma.CHECK_CRC32, preset=6)),
           ("lzma", "lzma", lambda d: lzma.compress(d, lzma.FORMAT_ALONE, preset=6)), ("lz4", "lz4", lz4_stream)]
for name, extension, pack in PACKERS:
    add(f"joblib/{name}-payload-after-array", lambda k=pack: k(after_array()),
        f"A joblib file packed with {name}, whose call of os.system stands behind an array.", status="unsafe",
        threats=["F10", "C9"], imports=OS, loader="joblib", file=f"input.joblib.{extension}")


for label, width in ("python-3", 19), ("python-2", 20):
    add(f"joblib/zfile-{label}", lambda w=width: zfile(bytes(pickle(2).call("os", "system", "true").stop()), w),
        "The compression of joblib up to 0.9, which joblib still loads: a header of its own before a zlib stream.",
        status="unsafe", threats=["C9"], imports=OS, loader="joblib", file="input.joblib.z")
