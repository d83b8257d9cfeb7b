#!/usr/bin/python3
"""What Python's own unpicklers do with a stream, without letting them do it.

The real C and Python unpicklers run over the bytes in a forked child with limits. `find_class` and `persistent_load`
are replaced: whatever name the stream asks for, it gets a recorder, a class that logs each call and does nothing. So
nothing is imported and nothing is called, and the order of events is the unpickler's own.

    readings(data) -> {"c-memory": Reading, "c-file": Reading, "c-open": Reading, "python": Reading}

c-memory  as pickle.loads: every byte in one buffer
c-file    as pickle.load from an object without `peek`, such as BytesIO: torch.load reads data.pkl so
c-open    as pickle.load(open(path, "rb")): a buffered file with `peek`
python    pickle.py's _Unpickler, which joblib and dill build on

Events, in order: ("global", module, name) exactly as passed to find_class, so before Python 2 names are mapped and
before dots are walked; ("call" | "new" | "build" | "append" | "extend" | "setitem" | "add", module, name, count) on
what such a name gave, where `name` gains "()" for each call that lies between; ("persid", text).

Two things a recorder cannot do: return a string (names computed by a call end the reading with an error), and stand
for an entry of the extension registry (EXT opcodes fail unless the code is registered).
"""

from __future__ import annotations

import io
import json
import os
import pickle
import resource
import signal
import sys
from dataclasses import dataclass, field

SECONDS = 10
MEMORY_BYTES = 1 << 30
MAX_EVENTS = 100_000


@dataclass
class Reading:
    events: list = field(default_factory=list)
    error: str | None = None      # the exception that ended the last stream, or how the child died
    streams: int = 0              # pickles read to their STOP


def readings(data: bytes, streams: int = 1) -> dict[str, Reading]:
    """Reads up to `streams` pickles that follow each other, in four ways."""
    return {name: _in_child(opener, data, streams) for name, opener in LOADERS.items()}


def read(data: bytes, loader: str = "c-memory", streams: int = 1) -> Reading:
    return _in_child(LOADERS[loader], data, streams)


class _Peekable(io.BytesIO):
    """A file that shows everything at the first peek, which makes the C unpickler read as `loads` does."""

    def peek(self, _size=0):
        return self.getvalue()[self.tell():]


def _opened(data: bytes):
    handle = os.fdopen(os.memfd_create("stream"), "w+b", buffering=0)
    handle.write(data)
    handle.seek(0)
    return io.BufferedReader(handle)


LOADERS = {
    "c-memory": lambda data: (_unpickler(pickle.Unpickler), _Peekable(data)),
    "c-file": lambda data: (_unpickler(pickle.Unpickler), io.BytesIO(data)),
    "c-open": lambda data: (_unpickler(pickle.Unpickler), _opened(data)),
    "python": lambda data: (_unpickler(pickle._Unpickler), io.BytesIO(data)),
}

_log: list = []


def _record(*event) -> None:
    if len(_log) >= MAX_EVENTS:
        raise MemoryError("too many events")
    _log.append(event)


class _Logged:
    """A method that answers on the class as well as on an instance: BUILD and APPEND reach classes too."""

    def __init__(self, kind, count):
        self.kind, self.count = kind, count

    def __get__(self, instance, owner):
        target = owner if instance is None else instance

        def run(*args):
            _record(self.kind, target._module, target._name, self.count(args))
        return run


def _one(_args):
    return 1


def _how_many(args):
    try:
        return len(args[0])
    except TypeError:
        return 1


class _Meta(type):
    def __call__(cls, *args, **named):
        _record("call", cls._module, cls._name, len(args) + len(named))
        return _result(cls)

    def __setitem__(cls, _key, _value):
        _record("setitem", cls._module, cls._name, 1)


class _Recorder(metaclass=_Meta):
    _module = _name = ""

    def __new__(cls, *args, **named):
        _record("new", cls._module, cls._name, len(args) + len(named))
        return _result(cls)

    def __call__(self, *args, **named):
        _record("call", self._module, self._name, len(args) + len(named))
        return _result(self)

    def __setitem__(self, _key, _value):
        _record("setitem", self._module, self._name, 1)

    __setstate__ = _Logged("build", _one)
    append = _Logged("append", _one)
    extend = _Logged("extend", _how_many)
    add = _Logged("add", _one)


def _result(of):
    made = object.__new__(_Recorder)
    made._module, made._name = of._module, of._name + "()"
    return made


def _unpickler(base):
    class Watching(base):
        def find_class(self, module, name):
            _record("global", str(module), str(name))
            return _Meta("Recorder", (_Recorder,), {"_module": str(module), "_name": str(name)})

        def persistent_load(self, pid):
            _record("persid", type(pid).__name__)
            made = object.__new__(_Recorder)
            made._module, made._name = "", "persistent"
            return made
    return Watching


def _read_here(opener, data, streams) -> Reading:
    out = Reading(events=_log)
    watching, handle = opener(data)
    for _ in range(streams):
        if out.streams and handle.tell() >= len(data):
            break
        try:
            watching(handle).load()
            out.streams += 1
        except BaseException as trouble:  # SystemExit too: whatever a stream can raise is its result
            out.error = f"{type(trouble).__name__}: {trouble}"[:200]
            break
    return out


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)


def _in_child(opener, data, streams) -> Reading:
    back, forth = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(back)
            _log.clear()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the interpreter's last words on a broken stream
            _limit()
            done = _read_here(opener, data, streams)
            with os.fdopen(forth, "wb") as out:
                out.write(json.dumps([done.events, done.error, done.streams]).encode("ascii"))
            status = 0
        finally:
            os._exit(status)
    os.close(forth)
    with os.fdopen(back, "rb") as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Reading(error=f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
    if not text:
        return Reading(error="died without a word")
    events, error, count = json.loads(text)
    return Reading([tuple(e) for e in events], error, count)


def main() -> int:
    """oracle.py FILE...: one JSON line per file and reading."""
    for path in sys.argv[1:]:
        with open(path, "rb") as handle:
            data = handle.read()
        for name, reading in readings(data, streams=8).items():
            print(json.dumps({"file": path, "loader": name, "events": reading.events, "error": reading.error,
                              "streams": reading.streams}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
