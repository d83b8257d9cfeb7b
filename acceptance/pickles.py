"""Random pickle programs, mutations of pickles, and the comparison of what Assay says with what CPython does."""

from __future__ import annotations

import _compat_pickle
import collections
import json
import os
import random
import re
import signal

import oracle
from assembler import Pickle
from conftest import facts

# One bit per loader, as docs/document.md lists them.
BITS = {"c-memory": 1, "c-file": 2, "python": 8}

NAMES = [("os", "system"), ("builtins", "eval"), ("collections", "OrderedDict"), ("torch", "FloatStorage"),
         ("nobody", "knows"), ("a.b", "c.d"), ("__builtin__", "eval"), ("copy_reg", "_reconstructor"),
         ("__main__", "Own"), ("m\u00f6dul", "n\u00e4me"), ("numpy", "dtype"), ("x" * 300, "y")]
TEXTS = ["os", "system", "a", "__class__", "", "\u00e9", "nobody", "x" * 70, "__setstate__", "true"]


class Program:
    """Writes opcodes while keeping a rough idea of the stack, so that most of them make sense and some do not."""

    def __init__(self, dice: random.Random, protocol: int | None = None):
        self.dice = dice
        self.protocol = dice.randrange(6) if protocol is None else protocol
        self.body = Pickle()
        self.edges = [0]            # offsets at which an opcode begins
        self.frames = [[]]          # kinds of the values on the stack, one list per open mark
        self.memo = {}

    def write(self) -> bytes:
        for _ in range(self.dice.randrange(4, 60)):
            self.step()
            self.edges.append(len(self.body))
        while len(self.frames) > 1 and self.dice.random() < 0.9:
            self.gather("tuple")
            self.edges.append(len(self.body))
        if not self.frames[-1] and self.dice.random() < 0.95:
            self.body.none()
            self.edges.append(len(self.body))
        return self.finish()

    def finish(self) -> bytes:
        body = bytes(self.body.stop())
        out = Pickle().proto(self.protocol)
        style = self.dice.choice(["none", "none", "one", "several", "lie", "inside"]) if self.protocol >= 4 else "none"
        if style == "none":
            return bytes(out) + body
        if style == "one":
            return bytes(out.frame(len(body))) + body
        if style == "lie":
            return bytes(out.frame(self.dice.randrange(len(body) + 3))) + body
        edges = self.edges if style == "several" else range(len(body))
        cuts = sorted({0, len(body), *self.dice.choices(edges, k=self.dice.randrange(4))})
        for begin, end in zip(cuts, cuts[1:]):
            out.frame(end - begin).raw(body[begin:end])
        return bytes(out)

    # The stack as far as it is known

    @property
    def top(self):
        return self.frames[-1]

    def push(self, kind):
        self.top.append(kind)

    def pop(self, n=1):
        for _ in range(n):
            if self.top:
                self.top.pop()

    def has(self, *kinds) -> bool:
        """The kinds stand on top, the last one highest; `any` fits all."""
        if len(self.top) < len(kinds):
            return False
        return all(k in ("any", have) or (k == "thing" and have in ("name", "made"))
                   for k, have in zip(kinds, self.top[len(self.top) - len(kinds):]))

    def fits(self, *kinds) -> bool:
        """Mostly only what makes sense."""
        return self.has(*kinds) or self.dice.random() < 0.004

    # One opcode

    def step(self):
        dice = self.dice
        choice = dice.random()
        if choice < 0.25:
            return self.constant()
        if choice < 0.40:
            return self.name()
        if choice < 0.65:
            return self.call()
        if choice < 0.80:
            return self.container()
        if choice < 0.93:
            return self.remember()
        return self.oddity()

    def constant(self):
        dice, b = self.dice, self.body
        text, n = dice.choice(TEXTS), dice.choice([0, 1, 2, 255, 65535, 2**31 - 1])
        data = bytes(dice.randrange(256) for _ in range(dice.randrange(12)))
        plain = text.encode("ascii", "ignore")
        kind, write = dice.choice([
            ("none", b.none), ("int", b.true), ("int", b.false), ("int", lambda: b.binint(n)),
            ("int", lambda: b.binint1(n % 256)), ("int", lambda: b.binint2(n % 65536)), ("int", lambda: b.long1(n - 300)),
            ("int", lambda: b.long4(data)), ("int", lambda: b.int_text(dice.choice([b"01", b"00", b"1", b"-5", b"0x1f", b" 7", b"1_0", b"+3", b"007"]))),
            ("int", lambda: b.long_text(dice.choice([b"1L", b"12", b"-0L", b"0b1L", b"99999999999999999999L"]))),
            ("float", lambda: b.float_text(dice.choice([b"1.5", b"nan", b"1e5", b"-inf", b"7"]))),
            ("float", lambda: b.binfloat(0.5)),
            ("text", lambda: b.string(plain)), ("text", lambda: b.binstring(plain)), ("text", lambda: b.short_binstring(plain)),
            ("text", lambda: b.unicode_text(plain)), ("text", lambda: b.binunicode(text)),
            ("text", lambda: b.short_binunicode(text)), ("text", lambda: b.binunicode8(text)),
            ("bytes", lambda: b.short_binbytes(data)), ("bytes", lambda: b.binbytes(data)),
            ("bytes", lambda: b.binbytes8(data)), ("bytearray", lambda: b.bytearray8(data))])
        write()
        self.push(kind)

    def name(self):
        dice, b = self.dice, self.body
        module, name = dice.choice(NAMES)
        way = dice.random()
        if way < 0.4:
            b.glob(module, name)
        elif way < 0.5 and len(self.frames) > 1:
            b.inst(module, name)
            self.frames.pop()
            return self.push("made")
        elif len(module) < 256:
            b.glob4(module, name)
        else:
            b.binunicode(module).binunicode(name).stack_global()
        self.push("name")

    def call(self):
        dice, b = self.dice, self.body
        if dice.random() < 0.5 and not self.has("thing", "tuple"):
            if not self.has("thing"):
                self.name()
            self.arguments()
        if dice.random() < 0.4 and self.fits("thing", "tuple"):
            b.reduce()
            self.pop(2)
            self.push("made")
        elif dice.random() < 0.4 and self.fits("name", "tuple"):
            b.newobj()
            self.pop(2)
            self.push("made")
        elif dice.random() < 0.2 and self.fits("name", "tuple"):
            b.value({"k": 1} if dice.random() < 0.5 else {}).newobj_ex()
            self.pop(2)
            self.push("made")
        elif dice.random() < 0.3 and len(self.frames) > 1 and self.top[:1] in (["name"], ["made"]):
            b.obj()
            self.frames.pop()
            self.push("made")
        elif self.fits("thing", "any"):
            dice.choice([b.build, b.append])()
            self.pop()
        elif self.fits("thing", "any", "any"):
            b.setitem()
            self.pop(2)

    def arguments(self):
        dice, b = self.dice, self.body
        n = dice.randrange(4)
        for _ in range(n):
            b.value(dice.choice(["true", 1, None, 0.5, b"x", (), [], {}]))
        [b.empty_tuple, b.tuple1, b.tuple2, b.tuple3][n]()
        self.push("tuple")

    def container(self):
        dice, b = self.dice, self.body
        way = dice.random()
        if way < 0.35:
            kind = dice.choice(["list", "dict", "set", "tuple"])
            {"list": b.empty_list, "dict": b.empty_dict, "set": b.empty_set, "tuple": b.empty_tuple}[kind]()
            self.push(kind)
        elif way < 0.6:
            b.mark()
            self.frames.append([])
        elif len(self.frames) > 1:
            self.gather(dice.choice(["tuple", "list", "dict", "frozenset", "appends", "setitems", "additems", "pop_mark"]))
        elif self.fits("list", "any"):
            b.append()
            self.pop()
        elif self.fits("dict", "text", "any"):
            b.setitem()
            self.pop(2)
        else:
            n = dice.randrange(1, 4)
            if len(self.top) >= n:
                [b.tuple1, b.tuple2, b.tuple3][n - 1]()
                self.pop(n)
                self.push("tuple")

    def gather(self, way):
        """Closes a mark, if the values below and above it allow that."""
        b, items, below = self.body, self.top, self.frames[-2]
        target = below[-1] if below else ""
        hashable = all(k not in ("list", "dict", "set", "tuple", "bytearray") for k in items)
        sense = {"tuple": True, "list": True, "pop_mark": True, "frozenset": hashable,
                 "dict": len(items) % 2 == 0 and hashable, "appends": target in ("list", "made", "name"),
                 "setitems": target in ("dict", "made", "name") and len(items) % 2 == 0 and hashable,
                 "additems": target in ("set", "made", "name") and hashable}
        if not sense[way] and self.dice.random() > 0.01:
            way = "tuple"
        self.frames.pop()
        getattr(b, way)()
        if way in ("tuple", "list", "dict", "frozenset"):
            self.push(way)

    def remember(self):
        dice, b = self.dice, self.body
        if self.top and (not self.memo or dice.random() < 0.5):
            slot = dice.choice([len(self.memo), len(self.memo), dice.randrange(20), 70_000])
            way = dice.choice(["put", "binput", "long_binput", "memoize"])
            if way == "memoize":
                slot = len(self.memo)
                b.memoize()
            else:
                slot = min(slot, 255) if way == "binput" else slot
                getattr(b, way)(slot)
            self.memo[slot] = self.top[-1]
        elif self.memo:
            slot = dice.choice(list(self.memo)) if dice.random() < 0.99 else 199
            way = dice.choice(["get", "binget", "long_binget"] if slot < 256 else ["get", "long_binget"])
            getattr(b, way)(slot)
            self.push(self.memo.get(slot, "none"))
        if self.top and dice.random() < 0.15:
            b.dup()
            self.push(self.top[-1])
        elif self.top and dice.random() < 0.15:
            b.pop()
            self.pop()

    def oddity(self):
        dice, b = self.dice, self.body
        way = dice.random()
        if way < 0.35:
            b.persid(b"id7")
            self.push("made")
        elif way < 0.6 and self.top:
            b.binpersid()
            self.pop()
            self.push("made")
        elif way < 0.75:
            b.proto(dice.randrange(6))
        elif way < 0.76:
            dice.choice([lambda: b.ext1(7), lambda: b.ext2(300), lambda: b.ext4(70_000)])()
            self.push("extension")
        elif way < 0.85 and self.has("bytearray"):
            b.readonly_buffer()
        elif way < 0.87:
            b.frame(dice.randrange(30))
        elif way < 0.88:
            b.raw(bytes([dice.randrange(256)]))
        elif way < 0.89:
            b.next_buffer()
        else:
            b.raw(dice.choice([b"0", b"1", b"2", b"R", b"b", b"\x93", b"a", b"t"]) if dice.random() < 0.1 else b"N")
            self.push("none")


def random_program(seed: int) -> bytes:
    return Program(random.Random(seed)).write()


def mutations(data: bytes, dice: random.Random, count: int):
    """One byte changed, inserted, removed or doubled, or the end cut off."""
    for _ in range(count):
        at = dice.randrange(len(data))
        way = dice.randrange(6)
        if way <= 2:
            yield data[:at] + bytes([dice.randrange(256) if way else data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:]
        elif way == 3:
            yield data[:at]
        elif way == 4:
            yield data[:at] + bytes([dice.randrange(256)]) + data[at:]
        else:
            yield data[:at] + data[at + 1:]


# What Assay says ------------------------------------------------------------------------------------------------------

def facts_of(pickles: list[bytes], folder) -> list[dict]:
    """One document per pickle, from one run."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(pickles):
        (folder / f"{i:06}.bin").write_bytes(data)
    documents = facts(folder, patience=300)
    for i in range(len(pickles)):
        (folder / f"{i:06}.bin").unlink()
    return [documents[f"{i:06}.bin"] for i in range(len(pickles))]


def as_text(value) -> str:
    if isinstance(value, str):
        return value
    raw = bytes.fromhex(value["hex"])
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def modern(module: str, name: str) -> tuple[str, str]:
    """Python 2 names as Python 3 calls them."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[(module, name)]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


DEEPEST = 5  # calls of results of calls that are told apart


def target(module: str, name: str, calls: int) -> tuple[str, str, int]:
    return (*modern(module, name), min(calls, DEEPEST))


def callee_of(expr) -> tuple | None:
    """The oracle's way to name what is called; None where Assay does not know it."""
    calls = 0
    while expr["kind"] in ("call", "instance"):
        if not expr["items"]:
            return None
        expr, calls = expr["items"][0], calls + 1
    if expr["kind"] == "persistent":
        return "", "persistent", min(calls, DEEPEST)
    if expr["kind"] == "symbol":
        return target(as_text(expr["text"]), as_text(expr["name"]), calls)
    return None


MAKES = {"REDUCE": "call", "NEWOBJ": "new", "NEWOBJ_EX": "new", "OBJ": "make", "INST": "make"}
CHANGES = {"BUILD": "build", "APPEND": "append", "SETITEM": "setitem", "ADDITEMS": "add"}
PLAIN = {"none", "boolean", "integer", "real", "text", "bytes", "tuple", "list", "dict", "set"}


class Told:
    """The facts of one pickle at the start of one file, by loader."""

    def __init__(self, document: dict, bit: int):
        first = next((p for p in document["pickles"] if p["place"] == {"member": 0, "offset": 0}), None)
        self.is_pickle = first is not None
        # One loader may break behind the place where another one stops: all up to the next pickle is this one's.
        later = (p["place"]["offset"] for p in document["pickles"] if p["place"]["member"] == 0 and p is not first)
        self.end = min(later, default=2**64) if first else 0
        self.globals, self.calls = collections.Counter(), collections.Counter()
        self.unknown = set()     # kinds of calls whose callee Assay does not know
        self.unresolved = False  # a name that is no constant

        def counts(fact):
            place = fact["place"]
            return place["member"] == 0 and place["offset"] < self.end and fact["profiles"] & bit
        for i in filter(counts, document["imports"]):
            if i["resolved"]:
                self.globals[modern(as_text(i["module"]), as_text(i["name"]))] += i["count"]
            else:
                self.unresolved = True
        for c in filter(counts, document["calls"]):
            kind = c["kind"]
            if kind == "PERSID":
                self.calls["persid", None] += c["count"]
                continue
            short = MAKES.get(kind) or CHANGES[kind]
            callee = callee_of(c["callee"])
            if callee is not None:
                self.calls[short, callee] += c["count"]
            elif c["callee"]["kind"] not in PLAIN:
                self.unknown.add(short)


def without_cut_line(reading) -> list:
    """pickle.py takes the last line of a file for whole, less its last byte, though no newline ends it. That is one
    disagreement with a test of its own, and must not hide others."""
    events = list(reading.events)
    if (reading.error or "").startswith(("EOFError", "IndexError")) and events:
        if events[-1][0] in ("call", "new") and len(events) > 1 and events[-2][0] == "global":
            return events[:-2]
        if events[-1][0] in ("global", "persid"):
            return events[:-1]
    return events


class Seen:
    """What one real unpickler did."""

    def __init__(self, events):
        self.globals, self.calls = collections.Counter(), collections.Counter()
        for event in events:
            kind = event[0]
            if kind == "global":
                self.globals[modern(event[1], event[2])] += 1
            elif kind == "persid":
                self.calls["persid", None] += 1
            else:
                name = event[2]
                calls = 0
                while name.endswith("()"):
                    name, calls = name[:-2], calls + 1
                self.calls["append" if kind == "extend" else kind, target(event[1], name, calls)] += 1


# Where a recorder is not what the real object would be, the reading ends for a reason that no file controls.
OWN_FAULT = ("TypeError", "AttributeError", "unregistered extension", "MemoryError", "killed by", "died without",
             "STACK_GLOBAL requires str", "must be a type", "NEWOBJ", "codec can't decode", "RecursionError", "OverflowError", "IndexError",
             "Trailing \\ in string", "invalid \\x escape", "state is not a dictionary")
# Where loaders go separate ways, each fact says for whom it holds, but not how often for each.
PARTINGS = {"pickle.frame-straddles", "pickle.frame-overlong", "pickle.radix", "pickle.number-with-nul", "pickle.profiles-differ"}


def is_own_fault(reading) -> bool:
    return any(word in (reading.error or "") for word in OWN_FAULT)


def disagreement(document: dict, readings: dict, exact: bool) -> str | None:
    """None where Assay says what each unpickler does. `exact`: also how often, where all go the same way to their end."""
    parted = any(q["id"] in PARTINGS for q in document["quirks"]) or len({str(readings[name].events) for name in BITS}) > 1
    exact = exact and not parted and not any(is_own_fault(readings[name]) for name in BITS)
    for name, bit in BITS.items():
        reading, told = readings[name], Told(document, bit)
        most = Seen(reading.events)
        least = Seen(without_cut_line(reading)) if name == "python" else most
        if not told.is_pickle:
            if least.globals:
                return f"{name}: {dict(least.globals)}, and Assay sees no pickle"
            continue
        complete = not is_own_fault(reading)
        trouble = missing(told, least) or (complete and invented(told, most)) or (complete and exact and miscounted(told, most))
        if trouble:
            return f"{name} ({reading.error}): {trouble}"
    return None


MAKING = {"call", "new", "make"}


def missing(told: Told, seen: Seen) -> str | None:
    """What the unpickler does and Assay does not tell."""
    names = [g for g in seen.globals if g not in told.globals]
    if names and not told.unresolved:
        return f"names that Assay does not tell: {names}"
    for kind, callee in seen.calls:
        said = told.calls[kind, callee] + (told.calls["make", callee] if kind in MAKING else 0)
        unknown = told.unknown & MAKING if kind in MAKING else kind in told.unknown
        if said == 0 and not unknown:
            return f"{callee}: {kind} that Assay does not tell"
    return None


def invented(told: Told, seen: Seen) -> str | None:
    """What Assay tells and the unpickler does not do."""
    names = [g for g in told.globals if g not in seen.globals]
    if names:
        return f"names that nobody looks up: {names}"
    for kind, callee in told.calls:
        done = seen.calls[kind, callee] + (seen.calls["call", callee] + seen.calls["new", callee] if kind == "make" else 0)
        if done == 0 and not (kind in MAKING and told.unknown & MAKING):
            return f"{callee}: {kind} that nobody does"
    return None


def miscounted(told: Told, seen: Seen) -> str | None:
    if told.globals != seen.globals:
        return f"names counted {dict(told.globals)}, looked up {dict(seen.globals)}"
    if told.unknown:
        return None
    for callee in {c for kind, c in [*told.calls, *seen.calls] if kind in MAKING}:
        called, made = seen.calls["call", callee], seen.calls["new", callee]
        reduced, new, either = (told.calls[kind, callee] for kind in ("call", "new", "make"))
        if called + made != reduced + new + either or reduced > called or new > made:
            return f"{callee}: called {called}, made {made}; told REDUCE {reduced}, NEWOBJ {new}, OBJ or INST {either}"
    for kind, callee in {k for k in [*told.calls, *seen.calls] if k[0] in ("build", "append", "persid")}:
        if seen.calls[kind, callee] != told.calls[kind, callee]:
            return f"{callee}: {kind} done {seen.calls[kind, callee]} times, told {told.calls[kind, callee]} times"
    return None


def disagreements(pickles: list[bytes], folder, exact: bool) -> list[str]:
    """Each with its pickle in hexadecimal, to be tried again."""
    out = []
    for data, document, readings in zip(pickles, facts_of(pickles, folder), readings_of(pickles)):
        trouble = disagreement(document, readings, exact)
        if trouble:
            out.append(f"{data.hex()}\n    {trouble}")
    return out


# The oracle, in numbers -----------------------------------------------------------------------------------------------

CHILD_AT_ONCE = 50
CHILD_SECONDS = 5


def readings_of(pickles: list[bytes], loaders=tuple(oracle.LOADERS)) -> list[dict]:
    """oracle.readings of each, with one child for many: a fork costs more than a small pickle. Where the child dies,
    each has one of its own."""
    out = []
    for begin in range(0, len(pickles), CHILD_AT_ONCE):
        part = pickles[begin:begin + CHILD_AT_ONCE]
        out += in_one_child(part, loaders) or [{name: oracle.read(data, name) for name in loaders} for data in part]
    return out


def in_one_child(pickles: list[bytes], loaders) -> list[dict] | None:
    back, forth = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(back)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            oracle._limit()
            signal.alarm(CHILD_SECONDS)
            text = json.dumps([[read_here(data, name) for name in loaders] for data in pickles])
            with os.fdopen(forth, "wb") as answer:
                answer.write(text.encode("ascii"))
        finally:
            os._exit(0)
    os.close(forth)
    with os.fdopen(back, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    if not text:
        return None
    return [{name: oracle.Reading([tuple(e) for e in events], error, streams)
             for name, (events, error, streams) in zip(loaders, one)} for one in json.loads(text)]


def read_here(data: bytes, loader: str):
    oracle._log.clear()
    reading = oracle._read_here(oracle.LOADERS[loader], data, 1)
    return [list(reading.events), reading.error, reading.streams]


def kind_of(trouble: str | None) -> str:
    return re.sub(r"\(.*\)|\[.*\]|\{.*\}|\d+", "", trouble or "")


def shortened(data: bytes, folder, exact: bool) -> bytes:
    """A smaller pickle over which the two still disagree in the same way: pieces are taken out while that holds."""
    def troubles(candidates):
        rows = zip(candidates, facts_of(candidates, folder), readings_of(candidates))
        return ((c, kind_of(disagreement(document, readings, exact))) for c, document, readings in rows)
    wanted = next(kind for _, kind in troubles([data]))
    size = len(data) // 2
    while size > 0:
        shorter = [data[:at] + data[at + size:] for at in range(2, len(data) - size + 1, max(1, size // 2))]
        found = next((c for c, kind in troubles(shorter) if kind == wanted), None) if shorter else None
        data, size = (found, size) if found else (data, size // 2)
    return data
