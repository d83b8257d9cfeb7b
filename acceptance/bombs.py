"""Small files that would cost much to who reads them carelessly; each of at most a megabyte. None of them runs anything."""

from __future__ import annotations

from archives import Member, deflate, gzip_stream, npy, plain_zip, tar_member, zip_file
from assembler import Pickle, payload, pickle


def nested(depth: int, wrap) -> bytes:
    data = payload()
    for _ in range(depth):
        data = wrap(data)
    return data


def quine_like_zip() -> bytes:
    """Members that all share one deflated body: the archive is small, their sum is not."""
    body = deflate(bytes(50_000_000))
    shared = Member("0", packed=body, method=8, crc=0, central_size=50_000_000, local_size=50_000_000)
    rest = [Member(str(i), packed=body, method=8, crc=0, central_size=50_000_000, local=False, offset=0) for i in range(1, 500)]
    return zip_file([shared, *rest])


def memo_expansion(rounds: int) -> bytes:
    """Each list holds the one before ten times: ten to the power of `rounds` leaves."""
    p = pickle(2).value("lol").binput(0)
    for i in range(rounds):
        p.empty_list().mark()
        for _ in range(10):
            p.binget(i)
        p.appends().binput(i + 1)
    return bytes(p.stop())


def hashed_expansion(rounds: int) -> bytes:
    """The same with tuples as the key of a dict, which a loader would hash to its last leaf."""
    p = pickle(2).empty_dict().value(1)
    for _ in range(rounds):
        p.dup().tuple2()
    return bytes(p.none().setitem().stop())


def cyclic() -> bytes:
    return bytes(pickle(2).empty_list().binput(0).binget(0).append().glob("builtins", "print").binget(0).tuple1().reduce().stop())


def cyclic_calls() -> bytes:
    """A list that holds the call that it is an argument of."""
    p = pickle(2).empty_list().binput(0)
    for _ in range(2000):
        p.glob("nobody", "knows").binget(0).tuple1().reduce().append()
    return bytes(p.stop())


def deep_call(depth: int) -> bytes:
    p = Pickle(b"\x80\x02")
    for _ in range(depth):
        p.glob("a", "b")
    p.empty_tuple().reduce()
    for _ in range(depth - 1):
        p.tuple1().reduce()
    return bytes(p.stop())


def base64_towers(depth: int) -> bytes:
    import base64
    data = payload()
    for _ in range(depth):
        data = bytes(pickle(2).value(base64.b64encode(data).decode()).stop())
    return data


BOMBS = {
    "gzip": lambda: gzip_stream(bytes(900_000_000)),
    "zip": lambda: zip_file([Member("data.pkl", bytes(900_000_000), 8)]),
    "zip-shared": quine_like_zip,
    "zip-forty-deep": lambda: nested(40, lambda d: zip_file([Member("a", d, 8)])),
    "gzip-forty-deep": lambda: nested(40, gzip_stream),
    "zip-wide-and-deep": lambda: nested(6, lambda d: zip_file([Member(str(i), d, 8) for i in range(6)])),
    "zip-many-roots": lambda: plain_zip({f"{i}/data.pkl": b"" for i in range(8000)}),
    "zip-many-doubles": lambda: zip_file([Member("same", str(i).encode()) for i in range(9000)]),
    "zip-many-encrypted": lambda: zip_file([Member(str(i), b"x", flags=1) for i in range(8000)]),
    "zip-many-names": lambda: plain_zip({f"{i}": b"" for i in range(9000)}),
    "zip-says-billions": lambda: zip_file([Member("a", b"x", central_size=2**32 - 2)], count=65535, directory_size=2**32 - 2),
    "tar-many-doubles": lambda: b"".join(tar_member("same", str(i).encode()) for i in range(900)) + bytes(1024),
    "many-quirks": lambda: bytes(pickle(2).raw(b"".join(b"r" + (i * 70_000).to_bytes(4, "little") + b"I0x1\n0N" for i in range(50_000))).stop()),
    "many-weak": lambda: b"".join(b"ca%d\nb\n." % i for i in range(80_000)),
    "many-pickles": lambda: b"\x80\x02N." * 250_000,
    "many-literals": lambda: bytes(pickle(3).raw(b"C\x09\x80\x02ca\nb\n.0" * 70_000).none().stop()),
    "memo-expansion": lambda: memo_expansion(100),
    "hash-expansion": lambda: hashed_expansion(100_000),
    "dup": lambda: bytes(pickle(2).value("x" * 200).raw(b"2" * 900_000).stop()),
    "dup-lists": lambda: bytes(pickle(2).raw(b"]2a" * 300_000).stop()),
    "long4-lies": lambda: bytes(pickle(2).raw(b"\x8b\xff\xff\xff\x7f\x01").stop()),
    "binbytes8-lies": lambda: bytes(pickle(4).binbytes8(b"x", declared=2**62).stop()),
    "binunicode8-lies": lambda: bytes(pickle(4).binunicode8("x", declared=2**63 + 5).stop()),
    "bytearray8-lies": lambda: bytes(pickle(5).bytearray8(b"x", declared=2**40).stop()),
    "frame-lies": lambda: bytes(pickle(4).frame(2**62).none().stop()),
    "memo-index": lambda: bytes(pickle(2).none().long_binput(2**31).long_binget(2**31).long_binput(2**32 - 1).stop()),
    "memo-index-text": lambda: bytes(pickle(2).none().put(2**62).stop()),
    "memo-steps": lambda: bytes(pickle(2).none().raw(b"".join(b"r" + (i * 60_000).to_bytes(4, "little") for i in range(70_000))).stop()),
    "memo-many": lambda: bytes(pickle(4).none().raw(b"\x94" * 999_000).stop()),
    "marks": lambda: bytes(pickle(2).raw(b"(" * 999_000).none().stop()),
    "deep-lists": lambda: bytes(pickle(2).raw(b"]" * 400_000 + b"a" * 399_999).stop()),
    "deep-tuples": lambda: bytes(pickle(2).none().raw(b"\x85" * 900_000).stop()),
    "deep-calls": lambda: deep_call(100_000),
    "deep-build": lambda: bytes(pickle(2).glob("a", "b").raw(b")R" * 200_000 + b"}b" * 200_000).stop()),
    "cyclic": cyclic,
    "cyclic-calls": cyclic_calls,
    "big-number": lambda: bytes(Pickle().int_text(b"9" * 900_000).stop()),
    "many-numbers": lambda: bytes(Pickle().raw(b"L%sL\n0" % (b"9" * 4000) * 200).none().stop()),
    "many-imports": lambda: bytes(pickle(2).raw(b"".join(b"ca\nb%d\n0" % i for i in range(90_000))).none().stop()),
    "many-calls": lambda: bytes(pickle(2).raw(b"".join(b"ca\nb%d\n)R0" % i for i in range(80_000))).none().stop()),
    "many-starts": lambda: b"\x01" + b"\x80\x02ca\nb\n" * 100_000,
    "name-of-dots": lambda: bytes(pickle(4).glob4("os", "." * 250).value(()).reduce().pop().binunicode("a").binunicode("." * 900_000).stack_global().value(()).reduce().stop()),
    "base64-towers": lambda: base64_towers(12),
    "text-of-backslashes": lambda: bytes(Pickle().string(b"\\" * 60_000).stop()),
    "json-deep": lambda: b"[" * 900_000,
    "json-wide": lambda: b"[" + b"1," * 450_000 + b"1]",
    "json-keys": lambda: b"{" + b",".join(b'"%d":{"auto_map":{}}' % i for i in range(30_000)) + b"}",
    "tar-many": lambda: b"".join(tar_member(str(i), b"") for i in range(1900)) + bytes(1024),
    "npy-huge-shape": lambda: npy("'<f8'", "(99999999999, 99999999999)", b""),
    "zeros": lambda: bytes(1_000_000),
    "local-headers": lambda: b"PK\3\4" * 250_000,
    "end-records": lambda: b"PK\5\6" * 250_000,
    "gzip-headers": lambda: b"\x1f\x8b\x08\0" * 250_000,
}
