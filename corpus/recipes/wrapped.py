"""joblib's arrays between opcodes: every way to make a wrapper, and every way to lie about how many bytes follow."""

import struct

from archives import dtype_pickle, joblib_array, npy, torch_zip
from assembler import Pickle, payload, pickle
from registry import add, case

OS = [("os", "system")]
JOBLIB = dict(loader="joblib", file="input.joblib")
WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
EIGHT = struct.pack("<d", 0.5)


def attributes(dtype: Pickle, shape, *more) -> Pickle:
    p = Pickle().empty_dict().mark().value("dtype").value(dtype).value("shape").value(shape)
    for item in more:
        p.value(item)
    return p.setitems()


def behind(wrapper: Pickle, state: Pickle, data: bytes) -> bytes:
    """The call stands where joblib reads on: behind `data`."""
    hidden = b"0" + payload(None)  # POP, then the call
    return bytes(pickle(4).value(wrapper).value(state).build().raw(data).raw(hidden))


def covered(length: int) -> bytes:
    """Data that is itself opcodes, so that who takes it for opcodes comes through: one byte string and a POP."""
    return b"C" + bytes([length - 3]) + b"N" * (length - 3) + b"0"


MADE = {
    "newobj": Pickle().glob4(*WRAPPER).empty_tuple().newobj(),
    "dotted-name": Pickle().glob4("joblib", "numpy_pickle.NumpyArrayWrapper").empty_tuple().newobj(),
    "reconstructor": Pickle().call4("copyreg", "_reconstructor", Pickle().glob4(*WRAPPER), Pickle().glob4("builtins", "object"), None),
    "newobj-function": Pickle().call4("copyreg", "__newobj__", Pickle().glob4(*WRAPPER)),
}
for label, wrapper in MADE.items():
    add(f"wrapped/made-by-{label}", lambda w=wrapper: behind(w, attributes(dtype_pickle("f8"), (4,)), b"C\x40" + b"N" * 30),
        "An array's bytes begin like a byte string that would swallow the call behind them.",
        status="unsafe", threats=["F8"], imports=OS, **JOBLIB)


@case("wrapped/shape-twice", status="unsafe", imports=OS, **JOBLIB)
def shape_twice():
    """The state has two shapes: Python takes the last, which is larger."""
    return behind(MADE["newobj"], attributes(dtype_pickle("f8"), (1,), "shape", (4,)), b"C\x40" + b"N" * 30)


@case("wrapped/alignment-that-is-true", status="unsafe", imports=OS, **JOBLIB)
def alignment_true():
    """joblib asks whether the alignment is None; True is not, so a byte of padding follows."""
    return behind(MADE["newobj"], attributes(dtype_pickle("f8"), (1,), "numpy_array_alignment_bytes", True), b"\x00" + EIGHT)


FAKE_DTYPES = {
    "made-by-another-class": Pickle().call4("string", "Template", "f8"),
    "with-a-computed-state": Pickle().call4("numpy", "dtype", "f8", False, True).call4("builtins", "tuple", [3, "<", None, None, None, -1, -1, 1]).build(),
    "with-another-size": Pickle().call4("numpy", "dtype", "S8", False, True).value((3, "|", None, None, None, 24, 1, 0)).build(),
}
for label, dtype in FAKE_DTYPES.items():
    add(f"wrapped/dtype-{label}", lambda d=dtype: bytes(pickle(4).value(MADE["newobj"]).value(attributes(d, (1,))).build().raw(EIGHT).stop()),
        "Nobody can tell from such a type how many bytes of the array follow.", status="suspicious", **JOBLIB)


@case("wrapped/side-file-by-path-object", status="suspicious", **JOBLIB)
def side_file():
    """The array lies in a file that is named by a path object instead of a text."""
    wrapper = Pickle().glob4("joblib.numpy_pickle_compat", "NDArrayWrapper").empty_tuple().newobj()
    return bytes(pickle(4).value(wrapper).value({"filename": Pickle().call4("pathlib", "PurePosixPath", "/elsewhere/side.npy")}).build().stop())


@case("wrapped/object-array", status="safe", **JOBLIB)
def object_array():
    """An array of objects: a pickle of its own follows its wrapper, as joblib writes it."""
    p = pickle(4).raw(bytes(joblib_array(2, b"", "O8", pad=0)))
    inner = Pickle().proto(4).call4("numpy.core.multiarray", "_reconstruct", Pickle().glob4("numpy", "ndarray"), (0,), b"b")
    inner.value((1, (2,), dtype_pickle("O8"), False, ["a", 1])).build().stop()
    return bytes(p.raw(bytes(inner)).stop())


@case("wrapped/wrappers-in-wrappers", status="unsafe", imports=OS, **JOBLIB)
def nested():
    """Forty object arrays, each inside the one before: two to the power of forty readings for who follows each twice."""
    p = pickle(4)
    for _ in range(40):
        p.raw(bytes(joblib_array(1, b"", "O8", pad=0))).proto(4)
    return bytes(p.raw(payload(None)))


LIES = {
    "object-without-its-flags": ("O8", (3, "|", None, None, None, -1, -1, 0)),
    "object-in-a-field": ("V8", (3, "|", None, ("f",), {"f": (dtype_pickle("O8"), 0)}, 8, 1, 0)),
    "longer-than-it-says": ("S8", (3, "|", None, None, None, 800, 1, 0)),
}
for label, (code, state) in LIES.items():
    add(f"wrapped/dtype-lies-{label}", lambda c=code, s=state: bytes(pickle(4).call4("numpy", "dtype", c, False, True).value(s).build().stop()),
        "NumPy believes the flags and the size in the state of a dtype, and takes bytes for addresses of objects.",
        status="suspicious", rules=["numpy.dtype-lies"])


@case("wrapped/dtype-structured", status="safe")
def structured():
    """A structured type as numpy pickles it."""
    state = (3, "|", None, ("a", "b"), {"a": (dtype_pickle("i8"), 0), "b": (dtype_pickle("f8"), 8)}, 16, 1, 16)
    return bytes(pickle(4).call4("numpy", "dtype", "V16", False, True).value(state).build().stop())


def checkpoint(key: str, record: bytes) -> bytes:
    """A checkpoint whose one tensor lies over `record`."""
    record += bytes(-len(record) % 4)
    n = len(record) // 4
    storage = Pickle().value(("storage", Pickle().glob("torch", "FloatStorage"), key, "cpu", n)).binpersid()
    tensor = Pickle().call("torch._utils", "_rebuild_tensor_v2", storage, 0, (n,), (1,), False, Pickle().call("collections", "OrderedDict"))
    return torch_zip(bytes(pickle(2).value({"w": tensor}).stop()), {key: record})


OBJECTS = npy("'|O'", "(1,)", payload())


@case("wrapped/tensor-that-is-an-array-of-objects", status="suspicious", loader="torch", file="input.pt")
def tensor_npy():
    """A tensor's bytes are an .npy file of objects: numpy.load opens a checkpoint as an .npz and would unpickle it."""
    return checkpoint("0", OBJECTS)


@case("wrapped/tensor-that-is-a-pickle", status="suspicious", loader="torch", file="input.pt")
def tensor_pickle():
    """A tensor's bytes are a pickle that calls os.system; loading the checkpoint does not reach it."""
    return checkpoint("evil.pkl", payload())
