"""Functions, classes and objects of __main__ as cloudpickle and dill store them. Committed, since the bytes follow the
versions: run once with cloudpickle 2.2 and dill 0.3.6, and once with cloudpickle 3.1 and dill 0.4.1."""

import sys
import types

import cloudpickle
import dill
from registry import add

# Compiled from text, so that the files name no path of the machine that made them.
SOURCE = """
import collections
import functools
import os
import re


def joins(name):
    return os.path.join("models", name)


def matches(text):
    return re.search("a+", text)


def scale(x, by):
    return x * by


class Model:
    factor = 3

    def __init__(self, n):
        self.n = n

    def predict(self, x):
        return self.n * x

    @property
    def double(self):
        return 2 * self.n


class Runner:
    def predict(self, command):
        return os.system(command)


Point = collections.namedtuple("Point", "x y")
"""
HOME = types.ModuleType("__main__")


def in_main(work):
    """Both libraries store by value what belongs to __main__, so the text is it while they work."""
    def make():
        ours = sys.modules["__main__"]
        sys.modules["__main__"] = HOME
        try:
            exec(compile(SOURCE, "recipe.py", "exec"), HOME.__dict__)  # our own constant text
            return work(HOME)
        finally:
            sys.modules["__main__"] = ours
    return make


STORED = [
    ("module-os-path", lambda m: m.joins, "caution", "a function that uses os.path.join"),
    ("module-re", lambda m: m.matches, "caution", "a function that uses re"),
    ("class", lambda m: m.Model, "caution", "a class of __main__"),
    ("instance", lambda m: m.Model(2), "caution", "an instance of a class of __main__"),
    ("namedtuple", lambda m: m.Point(1, 2), "caution", "a named tuple of __main__"),
    ("property", lambda m: m.Model.double, "caution", "a property"),
    ("partial", lambda m: m.functools.partial(m.scale, by=2), "caution", "a partial of a function of __main__"),
    ("instance-names-os-system", lambda m: m.Runner(), "suspicious",
     "an instance whose method names os.system; nothing calls it while loading"),
]

for writer, options in ((cloudpickle, {}), (dill, {"recurse": True})):
    version = ".".join(writer.__version__.split(".")[: 3 if writer is dill else 2])
    for name, get, status, story in STORED:
        add(f"functions/{writer.__name__}-{version}-{name}",
            in_main(lambda m, w=writer, o=options, g=get: w.dumps(g(m), **o)),
            f"{writer.__name__} {version} stores {story}.", status=status, threats=["F11", "A8"], loader="pickle",
            benign=True, references=[f"written by {writer.__name__} {version}"])
