"""A pickle assembler: one method per opcode, and nothing between the author and the bytes.

The standard library's Pickler only ever writes well-behaved streams. An attacker does not use it, so neither does
this corpus. Every method appends its opcode exactly as asked, right or wrong, and returns self, so a sample reads
from left to right the way the unpickler will run it.
"""

from __future__ import annotations

import struct


class Pickle:
    """A growing pickle stream. `bytes(p)` is the stream so far."""

    def __init__(self, start: bytes = b""):
        self._out = bytearray(start)

    def __bytes__(self) -> bytes:
        return bytes(self._out)

    def __len__(self) -> int:
        return len(self._out)

    def raw(self, data: bytes) -> "Pickle":
        """Any bytes at all: broken opcodes, junk, a second stream."""
        self._out += data
        return self

    # Framing and end of stream
    def proto(self, version: int): return self.raw(b"\x80" + bytes([version]))
    def frame(self, length: int): return self.raw(b"\x95" + struct.pack("<Q", length))
    def stop(self): return self.raw(b".")

    # Stack
    def mark(self): return self.raw(b"(")
    def pop(self): return self.raw(b"0")
    def pop_mark(self): return self.raw(b"1")
    def dup(self): return self.raw(b"2")

    # Memo
    def put(self, slot): return self.raw(b"p%s\n" % str(slot).encode())
    def binput(self, slot: int): return self.raw(b"q" + bytes([slot]))
    def long_binput(self, slot: int): return self.raw(b"r" + struct.pack("<I", slot))
    def memoize(self): return self.raw(b"\x94")
    def get(self, slot): return self.raw(b"g%s\n" % str(slot).encode())
    def binget(self, slot: int): return self.raw(b"h" + bytes([slot]))
    def long_binget(self, slot: int): return self.raw(b"j" + struct.pack("<I", slot))

    # Constants
    def none(self): return self.raw(b"N")
    def true(self): return self.raw(b"\x88")
    def false(self): return self.raw(b"\x89")
    def int_text(self, text: bytes): return self.raw(b"I" + text + b"\n")
    def long_text(self, text: bytes): return self.raw(b"L" + text + b"\n")
    def binint(self, n: int): return self.raw(b"J" + struct.pack("<i", n))
    def binint1(self, n: int): return self.raw(b"K" + bytes([n]))
    def binint2(self, n: int): return self.raw(b"M" + struct.pack("<H", n))
    def float_text(self, text: bytes): return self.raw(b"F" + text + b"\n")
    def binfloat(self, x: float): return self.raw(b"G" + struct.pack(">d", x))

    def long1(self, n: int):
        data = n.to_bytes((n.bit_length() + 8) // 8, "little", signed=True) if n else b""
        return self.raw(b"\x8a" + bytes([len(data)]) + data)

    def long4(self, data: bytes, declared=None):
        return self.raw(b"\x8b" + struct.pack("<i", len(data) if declared is None else declared) + data)

    # Strings and bytes; `declared` is the length the stream claims, when it lies
    def string(self, text: bytes): return self.raw(b"S'" + text + b"'\n")
    def binstring(self, data: bytes): return self.raw(b"T" + struct.pack("<i", len(data)) + data)
    def short_binstring(self, data: bytes): return self.raw(b"U" + bytes([len(data)]) + data)
    def unicode_text(self, text: bytes): return self.raw(b"V" + text + b"\n")

    def binunicode(self, text: str):
        data = text.encode()
        return self.raw(b"X" + struct.pack("<I", len(data)) + data)

    def short_binunicode(self, text: str):
        data = text.encode()
        return self.raw(b"\x8c" + bytes([len(data)]) + data)

    def binunicode8(self, text: str, declared=None):
        data = text.encode()
        return self.raw(b"\x8d" + struct.pack("<Q", len(data) if declared is None else declared) + data)

    def short_binbytes(self, data: bytes): return self.raw(b"C" + bytes([len(data)]) + data)

    def binbytes(self, data: bytes, declared=None):
        return self.raw(b"B" + struct.pack("<I", len(data) if declared is None else declared) + data)

    def binbytes8(self, data: bytes, declared=None):
        return self.raw(b"\x8e" + struct.pack("<Q", len(data) if declared is None else declared) + data)

    def bytearray8(self, data: bytes, declared=None):
        return self.raw(b"\x96" + struct.pack("<Q", len(data) if declared is None else declared) + data)

    def next_buffer(self): return self.raw(b"\x97")
    def readonly_buffer(self): return self.raw(b"\x98")

    # Containers
    def empty_list(self): return self.raw(b"]")
    def empty_dict(self): return self.raw(b"}")
    def empty_tuple(self): return self.raw(b")")
    def empty_set(self): return self.raw(b"\x8f")
    def list(self): return self.raw(b"l")
    def dict(self): return self.raw(b"d")
    def tuple(self): return self.raw(b"t")
    def tuple1(self): return self.raw(b"\x85")
    def tuple2(self): return self.raw(b"\x86")
    def tuple3(self): return self.raw(b"\x87")
    def frozenset(self): return self.raw(b"\x91")
    def append(self): return self.raw(b"a")
    def appends(self): return self.raw(b"e")
    def setitem(self): return self.raw(b"s")
    def setitems(self): return self.raw(b"u")
    def additems(self): return self.raw(b"\x90")

    # Names and calls
    def glob(self, module, name):
        """GLOBAL: the text form. Accepts str or bytes, because names need not be valid text."""
        return self.raw(b"c" + _name(module) + b"\n" + _name(name) + b"\n")

    def inst(self, module, name): return self.raw(b"i" + _name(module) + b"\n" + _name(name) + b"\n")
    def stack_global(self): return self.raw(b"\x93")

    def glob4(self, module: str, name: str):
        """The two constants and STACK_GLOBAL, as protocol 4 writes them."""
        return self.short_binunicode(module).short_binunicode(name).stack_global()

    def reduce(self): return self.raw(b"R")
    def obj(self): return self.raw(b"o")
    def newobj(self): return self.raw(b"\x81")
    def newobj_ex(self): return self.raw(b"\x92")
    def build(self): return self.raw(b"b")
    def persid(self, text: bytes): return self.raw(b"P" + text + b"\n")
    def binpersid(self): return self.raw(b"Q")
    def ext1(self, code: int): return self.raw(b"\x82" + bytes([code]))
    def ext2(self, code: int): return self.raw(b"\x83" + struct.pack("<H", code))
    def ext4(self, code: int): return self.raw(b"\x84" + struct.pack("<i", code))

    # Phrases
    def value(self, v) -> "Pickle":
        """A plain Python value with protocol 2 and 3 opcodes; another Pickle is spliced in as it is."""
        if isinstance(v, Pickle):
            return self.raw(bytes(v))
        if v is None:
            return self.none()
        if v is True or v is False:
            return self.true() if v else self.false()
        if isinstance(v, int):
            return self._integer(v)
        if isinstance(v, float):
            return self.binfloat(v)
        if isinstance(v, str):
            return self.binunicode(v)
        if isinstance(v, bytes):
            return self.binbytes(v)
        if isinstance(v, tuple):
            return self._tuple(v)
        if isinstance(v, list):
            self.empty_list().mark()
            for item in v:
                self.value(item)
            return self.appends()
        if isinstance(v, dict):
            self.empty_dict().mark()
            for key, item in v.items():
                self.value(key).value(item)
            return self.setitems()
        raise TypeError(f"no opcode for {type(v).__name__}")

    def call(self, module, name, *args) -> "Pickle":
        """GLOBAL, the arguments as one tuple, REDUCE."""
        return self.glob(module, name).value(tuple(args)).reduce()

    def call4(self, module: str, name: str, *args) -> "Pickle":
        """The same with STACK_GLOBAL."""
        return self.glob4(module, name).value(tuple(args)).reduce()

    def _integer(self, n: int):
        if 0 <= n < 256:
            return self.binint1(n)
        if 0 <= n < 65536:
            return self.binint2(n)
        if -(2**31) <= n < 2**31:
            return self.binint(n)
        return self.long1(n)

    def _tuple(self, items):
        if not items:
            return self.empty_tuple()
        if len(items) > 3:
            self.mark()
        for item in items:
            self.value(item)
        return {1: self.tuple1, 2: self.tuple2, 3: self.tuple3}.get(len(items), self.tuple)()


def _name(name) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def pickle(version=2) -> Pickle:
    """An opened stream; `None` writes no PROTO, as protocols 0 and 1 do."""
    return Pickle() if version is None else Pickle().proto(version)


def payload(version=2) -> bytes:
    """The stream every container hides: it would call os.system('true')."""
    return bytes(pickle(version).call("os", "system", "true").stop())


def payload4() -> bytes:
    """The same, as protocol 4 with one honest frame."""
    return framed(Pickle().call4("os", "system", "true").stop())


def framed(body, version=4, declared=None) -> bytes:
    """PROTO, FRAME and a body. `declared` is the frame length to claim."""
    body = bytes(body)
    return bytes(pickle(version).frame(len(body) if declared is None else declared).raw(body))


def harmless(version=2) -> bytes:
    """A stream of plain data."""
    return bytes(pickle(version).value({"epochs": 3, "lr": 0.5, "name": "tiny"}).stop())
