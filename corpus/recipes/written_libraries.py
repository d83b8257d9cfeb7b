"""What torch, numpy, scipy, pandas, scikit-learn, joblib, dill and cloudpickle write. Committed, since the bytes
follow the versions: Debian 12's torch 1.13, numpy 1.24, scipy 1.10, pandas 1.5, scikit-learn 1.2, joblib 1.2."""

import collections
import io
import pickle
import tempfile
import pathlib
import warnings

import cloudpickle
import dill
import joblib
import numpy as np
import pandas as pd
import scipy.sparse
import torch
from registry import add

warnings.simplefilter("ignore")
torch.manual_seed(0)
RNG = np.random.RandomState(0)
SOURCE = ["written by the library itself, Debian 12"]


def keep(name, make, status, story, loader, file="input", **more):
    add(name, make, story, status=status, loader=loader, file=file, benign=True, references=SOURCE, **more)


# torch
def saved(value, **how):
    def make():
        out = io.BytesIO()
        torch.save(value, out, **how)
        return out.getvalue()
    return make


net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
tied = collections.OrderedDict(a=net[0].weight.data, b=net[0].weight.data)
base = torch.arange(12, dtype=torch.float32)
views = {"all": base, "half": base[6:], "grid": base.view(3, 4).t(), "step": base[::2]}
adam = torch.optim.Adam(net.parameters(), lr=0.5)
net(torch.ones(1, 3)).sum().backward()
adam.step()
batch_norm = torch.nn.BatchNorm1d(2)
DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
          "complex128"]
STATE = [
    ("state-dict", net.state_dict(), "safe", "The state dict of two linear layers", True),
    ("state-dict-of-batch-norm", batch_norm.state_dict(), "safe", "Buffers, and the version metadata BUILD puts on an "
     "OrderedDict", True),
    ("tied-weights", tied, "safe", "Two names for one tensor", True),
    ("views", views, "safe", "Views of one storage: offset, transposed, with steps", True),
    ("nested", {"epoch": 3, "model": net.state_dict(), "best": [0.5, None], "name": "tiny"}, "safe",
     "A checkpoint: weights in a dictionary with plain values", True),
    ("optimizer", adam.state_dict(), "safe", "The state of Adam", True),
    ("parameter", torch.nn.Parameter(torch.ones(2)), "safe", "A Parameter", True),
    ("all-dtypes", {d: torch.zeros(2, dtype=getattr(torch, d)) for d in DTYPES}, "safe", "A tensor of every dtype", True),
    ("scalars-and-empty", [torch.tensor(1.5), torch.zeros(0), torch.zeros(2, 0, 3)], "safe",
     "A scalar and tensors without elements", True),
    ("sparse", torch.sparse_coo_tensor([[0, 1], [1, 0]], [0.5, 0.25], (2, 2)), "safe", "A sparse tensor", True),
    ("quantised", torch.quantize_per_tensor(torch.ones(4), 0.5, 0, torch.quint8), "safe", "A quantised tensor", True),
    ("size-device-dtype", {"size": torch.Size([2, 3]), "device": torch.device("cpu"), "dtype": torch.float16}, "safe",
     "A Size, a device and a dtype as values", True),
    ("rng", torch.get_rng_state()[:64].clone(), "safe", "A piece of the random state", True),
    ("whole-module", net, "caution", "The whole nn.Sequential, not its weights", False),
]
for name, value, status, story, weights_only in STATE:
    keep(f"torch-written/{name}", saved(value), status, story + ", as torch.save writes it.", "torch", "input.pt",
         threats=["D1"], weights_only=weights_only)
for name, value, status, story, weights_only in STATE[:6] + STATE[13:]:
    keep(f"torch-written/{name}-legacy", saved(value, _use_new_zipfile_serialization=False), status,
         story + ", in the stacked layout.", "torch", "input.pt", threats=["D2"], weights_only=weights_only)
keep("torch-written/state-dict-protocol-4", saved(net.state_dict(), pickle_protocol=4), "safe",
     "A state dict at protocol 4, which weights-only loaders refuse.", "torch", "input.pt", weights_only=False)
keep("torch-written/pickled-tensor", lambda: pickle.dumps(torch.ones(2)), "safe",
     "A tensor by pickle.dumps: torch.storage._load_from_bytes with a whole torch file in a byte string.", "pickle",
     threats=["A12"], unsure="the outer pickle calls a loader; its argument is constant bytes that are harmless")
keep("torch-written/torchscript", lambda: _scripted(), "unscanned",
     "A TorchScript module: its code runs in torch's own interpreter.", "torch", "input.pt", threats=["D7"])


def _scripted():
    out = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 1), torch.ones(1, 2)), out)
    return out.getvalue()


# numpy
def npy(value):
    def make():
        out = io.BytesIO()
        np.save(out, value)
        return out.getvalue()
    return make


records = np.zeros(3, dtype=[("x", "f4"), ("name", "U4"), ("when", "M8[s]")])
ARRAYS = [
    ("doubles", np.arange(6.0).reshape(2, 3), "Doubles"), ("fortran", np.asfortranarray(np.eye(3)), "Fortran order"),
    ("strings", np.array(["a", "bcd"]), "Fixed-width strings"), ("bytes", np.array([b"a", b"bc"]), "Fixed-width bytes"),
    ("structured", records, "A structured array"), ("datetime", np.array(["2024-01-02"], dtype="M8[D]"), "Dates"),
    ("objects", np.array(["a", None, {"b": 1}], dtype=object), "An object array of plain values"),
    ("big-endian", np.arange(3, dtype=">i4"), "Big-endian numbers"), ("empty", np.zeros((0, 2)), "No elements"),
    ("complex-bool", np.array([1 + 2j]), "Complex numbers"), ("half", np.zeros(2, dtype="f2"), "Half precision"),
    ("zero-dim", np.array(5), "An array without dimensions"),
]
for name, value, story in ARRAYS:
    keep(f"numpy-written/npy-{name}", npy(value), "safe", f"{story}, by np.save.", "numpy", "input.npy", threats=["F12"])
for name, value, story in ARRAYS[:7]:
    keep(f"numpy-written/pickle-{name}", lambda v=value: pickle.dumps(v, 4), "safe", f"{story}, by pickle.dumps.",
         "pickle", threats=["F12"])
for protocol in (0, 2, 5):
    keep(f"numpy-written/pickle-doubles-protocol-{protocol}", lambda p=protocol: pickle.dumps(np.arange(4.0), p), "safe",
         f"Doubles by pickle.dumps at protocol {protocol}.", "pickle")
keep("numpy-written/scalars", lambda: pickle.dumps([np.float64(0.5), np.int8(3), np.datetime64("2024-01-02")], 4), "safe",
     "numpy scalars.", "pickle")
keep("numpy-written/masked", lambda: pickle.dumps(np.ma.array([1, 2], mask=[0, 1]), 4), "safe",
     "A masked array.", "pickle", unsure="numpy.ma._mareconstruct is numpy's own; not every list has it")
keep("numpy-written/random-state", lambda: pickle.dumps(np.random.RandomState(1), 4), "safe",
     "The state of a random generator.", "pickle", unsure="numpy.random's constructors are harmless and could be safe")
for name, save in (("npz", np.savez), ("npz-compressed", np.savez_compressed)):
    def make(save=save):
        out = io.BytesIO()
        save(out, a=np.arange(3), b=np.array(["x"]), c=np.array([None, "y"], dtype=object))
        return out.getvalue()
    keep(f"numpy-written/{name}", make, "safe", f"Three arrays, one of objects, by np.{save.__name__}.", "numpy",
         "input.npz", threats=["C14"])


# scipy, pandas
LIBRARY = "its state is plain, and its class is a library's own"
for kind in ("csr", "csc", "coo", "dok", "lil"):
    keep(f"scipy-written/{kind}", lambda k=kind: pickle.dumps(getattr(scipy.sparse, f"{k}_matrix")(np.eye(3)), 4),
         "caution", f"A sparse matrix of kind {kind}.", "pickle", unsure=LIBRARY)
frame = pd.DataFrame({"n": [1, 2], "s": ["a", None], "d": pd.to_datetime(["2024-01-02", "2024-01-03"])})
PANDAS = [
    ("frame", frame, "A data frame of numbers, texts and dates"), ("series", frame["n"], "A series"),
    ("index", pd.Index(["a", "b"]), "An index"), ("range-index", pd.RangeIndex(5), "A range index"),
    ("multi-index", pd.MultiIndex.from_tuples([(1, "a"), (2, "b")]), "A multi-index"),
    ("categorical", pd.Categorical(["a", "b", "a"]), "A categorical"),
    ("timestamp", [pd.Timestamp("2024-01-02"), pd.Timedelta("1d")], "A timestamp and a time delta"),
    ("interval", pd.interval_range(0, 3), "Intervals"), ("period", pd.period_range("2024-01", periods=2), "Periods"),
]
for name, value, story in PANDAS:
    keep(f"pandas-written/{name}", lambda v=value: pickle.dumps(v, 4), "caution", f"{story} of pandas.", "pickle",
         unsure=LIBRARY)


# scikit-learn
def estimators():
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier
    x, y = RNG.rand(12, 2), np.array([0, 1] * 6)
    words = ["a small text", "another text"]
    yield "linear-regression", LinearRegression().fit(x, y)
    yield "logistic-regression", LogisticRegression().fit(x, y)
    yield "decision-tree", DecisionTreeClassifier(max_depth=2).fit(x, y)
    yield "random-forest", RandomForestClassifier(2, max_depth=2).fit(x, y)
    yield "gradient-boosting", GradientBoostingClassifier(n_estimators=2, max_depth=1).fit(x, y)
    yield "svc", SVC().fit(x, y)
    yield "neighbours", KNeighborsClassifier(2).fit(x, y)
    yield "k-means", KMeans(2, n_init=1).fit(x)
    yield "naive-bayes", GaussianNB().fit(x, y)
    yield "perceptron", MLPClassifier((2,), max_iter=2).fit(x, y)
    yield "pca", PCA(1).fit(x)
    yield "one-hot", OneHotEncoder().fit([["a"], ["b"]])
    yield "label-encoder", LabelEncoder().fit(["a", "b"])
    yield "count-vectorizer", CountVectorizer().fit(words)
    yield "tfidf", TfidfVectorizer().fit(words)
    yield "pipeline", make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)


def dumped(value, **how):
    def make():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m"
            joblib.dump(value, path, **how)
            return path.read_bytes()
    return make


for name, model in estimators():
    keep(f"sklearn-written/{name}", lambda m=model: pickle.dumps(m, 4), "caution", f"A fitted estimator: {name}.",
         "pickle")
    if name in ("random-forest", "pipeline", "linear-regression"):
        keep(f"sklearn-written/{name}-joblib", dumped(model), "caution", f"A fitted estimator by joblib: {name}.",
             "joblib", "input.joblib", threats=["F10"])

# joblib
MIXED = {"a": np.arange(20.0), "b": np.array(["x", None], dtype=object), "c": "text", "d": np.eye(2, dtype="f4")}
keep("joblib-written/plain", dumped(MIXED), "safe", "Arrays and plain values, uncompressed.", "joblib", "input.joblib",
     threats=["F10"])
for packer in ("zlib", "gzip", "bz2", "lzma", "xz"):
    keep(f"joblib-written/{packer}", dumped(MIXED, compress=(packer, 3)), "safe",
         f"Arrays and plain values, packed with {packer}.", "joblib", "input.joblib", threats=["F10"])
keep("joblib-written/lz4", dumped(MIXED, compress=("lz4", 3)), "safe", "Arrays and plain values, packed with lz4.",
     "joblib", "input.joblib", threats=["F10"])
for protocol in (2, 5):
    keep(f"joblib-written/protocol-{protocol}", dumped(MIXED, protocol=protocol), "safe",
         f"Arrays and plain values at protocol {protocol}.", "joblib", "input.joblib", threats=["F10"])


# dill and cloudpickle
# Compiled from text, so that the files name no path of the machine that made them.
_FUNCTIONS = """
def double(x):
    return 2 * x


def shell(command):
    import os
    return os.system(command)


def adder(n):
    return lambda x: x + n
"""
_made = {"__name__": "__main__"}
exec(compile(_FUNCTIONS, "recipe.py", "exec"), _made)  # our own constant text
double, shell, adder = _made["double"], _made["shell"], _made["adder"]


for of in (double, shell, adder):
    of.__module__ = "__main__"
PLAIN = {"a": [1, 2.5, "x"], "b": {"c": (None, True)}}
for writer in (dill, cloudpickle):
    w = writer.__name__
    keep(f"functions/{w}-plain-data", lambda m=writer: m.dumps(PLAIN), "safe", f"Plain data by {w}.", "pickle",
         threats=["F11"])
    keep(f"functions/{w}-function", lambda m=writer: _by_value(m, double), "caution",
         f"A harmless function by value, by {w}: its byte code is in the file, and nothing calls it.", "pickle",
         threats=["F11", "A8"], weights_only=False)
    keep(f"functions/{w}-closure", lambda m=writer: _by_value(m, adder(3)), "caution",
         f"A closure by value, by {w}.", "pickle", threats=["F11", "A8"], weights_only=False,
         unsure="dill fills the cell by builtins.setattr, a resolver in any other shape" if writer is dill else "")
    keep(f"functions/{w}-function-names-os-system", lambda m=writer: _by_value(m, shell), "suspicious",
         f"A function by value, by {w}, whose body imports os and names system; nothing calls it while loading.",
         "pickle", threats=["F11", "A8"], weights_only=False,
         unsure="the threat catalogue A8 says M where the body is bad; loading alone does no harm")


def _by_value(writer, function):
    return writer.dumps(function, recurse=True) if writer is dill else writer.dumps(function)
