"""Values of the standard library as pickle.dumps writes them, at every protocol. Written by CPython 3.11."""

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import pickle
import re
import sys
import types
import uuid

from registry import add

MAIN = sys.modules["__main__"]


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Flag(enum.IntFlag):
    A = 1
    B = 2


Point = collections.namedtuple("Point", "x y")
for kind in (Color, Flag, Point):
    kind.__module__, kind.__qualname__ = "__main__", kind.__name__
    setattr(MAIN, kind.__name__, kind)


def namespace():
    return argparse.Namespace(lr=0.5, layers=[1, 2], out=pathlib.PurePosixPath("runs/1"))


def cyclic():
    a = {"name": "loop"}
    a["self"] = a
    return a


VALUES = [
    ("dict", {"a": 1, "b": [1.5, None, True], "c": ("x", b"y")}, "safe", "A dictionary of plain values"),
    ("ordered-dict", collections.OrderedDict(a=1, b=2), "safe", "An OrderedDict"),
    ("counter", collections.Counter("hello"), "safe", "A Counter"),
    ("defaultdict-list", collections.defaultdict(list, {"a": [1]}), "safe", "A defaultdict whose factory is list"),
    ("deque", collections.deque([1, 2, 3], maxlen=5), "safe", "A deque with a bound"),
    ("chain-map", collections.ChainMap({"a": 1}, {"b": 2}), "safe", "A ChainMap of two dictionaries"),
    ("datetimes", [datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.date(2024, 1, 2), datetime.time(1, 2),
                   datetime.timedelta(days=1), datetime.timezone.utc], "safe", "Dates, times and a time zone"),
    ("decimal", decimal.Decimal("1.50"), "safe", "A Decimal"),
    ("fraction", fractions.Fraction(3, 4), "safe", "A Fraction"),
    ("uuid", uuid.UUID(int=5), "safe", "A UUID"),
    ("paths", [pathlib.PosixPath("data/a.txt"), pathlib.PurePosixPath("b")], "safe", "Paths, which open nothing"),
    ("complex-range-slice", [complex(1, 2), range(1, 9, 2), slice(1, 2)], "safe", "A complex number, a range and a slice"),
    ("sets", [{1, 2}, frozenset({3})], "safe", "A set and a frozenset"),
    ("bytes-bytearray", [b"abc", bytearray(b"def")], "safe", "Bytes and a bytearray"),
    ("regex", re.compile(r"a+b", re.I), "safe", "A compiled pattern: re._compile is called with text and flags"),
    ("big-numbers", [2**100, -(2**70), 1e300, float("inf")], "safe", "Numbers of every size"),
    ("text", ["", "a", "\u00e9\u4e16", "x" * 300], "safe", "Texts, short and long"),
    ("simple-namespace", types.SimpleNamespace(a=1), "safe", "A SimpleNamespace"),
    ("argparse-namespace", namespace(), "safe", "The arguments of a training run"),
    ("exceptions", [ValueError("no"), KeyError("k"), OSError(2, "absent")], "safe", "Exceptions as values"),
    ("types", [int, str, dict, list], "safe", "Builtin types as values"),
    ("partial", functools.partial(int, base=2), "safe", "partial(int, base=2)"),
    ("ellipsis", [..., NotImplemented], "safe", "Ellipsis and NotImplemented"),
    ("cyclic", cyclic(), "safe", "A dictionary that holds itself"),
    ("shared", [[1]] * 3, "safe", "One list three times"),
    ("enum-of-main", Color.RED, "caution", "A member of an enum of __main__"),
    ("flag-of-main", Flag.A | Flag.B, "caution", "A flag of an enum of __main__"),
    ("namedtuple-of-main", Point(1, 2), "caution", "A named tuple of __main__"),
    ("function-of-main-library", pathlib.Path.joinpath, "caution",
     "A method of a library by name, imported and never called"),
]
MANY = {"dict", "ordered-dict", "datetimes", "sets", "argparse-namespace"}

for name, value, status, story in VALUES:
    for protocol in (range(6) if name in MANY else (2, 4)):
        if name == "types" and protocol != 4:
            continue
        add(f"values/{name}-protocol-{protocol}", lambda v=value, p=protocol: pickle.dumps(v, p),
            f"{story}, at protocol {protocol}.", status=status, benign=True,
            unsure="an attribute of a listed class that does nothing until called" if name.startswith("function") else "",
            references=["CPython 3.11 pickle.dumps"])
