"""Text pickles in a row, and lines longer than any buffer: loaders read on, so must a scanner."""

import pickle as python_pickle

from archives import gzip_stream, plain_zip
from assembler import payload
from registry import add, case

OS = [("os", "system")]
LONG = 70_000  # bytes: more than readers like to keep at once
TEXT_PAYLOAD = payload(None)


def plain(value) -> bytes:
    return python_pickle.dumps(value, 0)


for name, first in {"dict": plain({"a": 1}), "list": plain([1, "two"]), "none": b"N.", "number": b"I1\n.", "float": plain(0.5)}.items():
    add(f"rows/payload-behind-text-{name}", lambda first=first: first + TEXT_PAYLOAD,
        f"A plain {name} in protocol 0 stands before a pickle that calls os.system: the second load runs it.",
        status="unsafe", threats=["A22", "A24"], imports=OS)


@case("rows/payload-behind-a-row-of-nones", status="unsafe", threats=["A22"], imports=OS)
def nones():
    """Fifty pickled Nones, two bytes each, and then a call of os.system."""
    return b"N." * 50 + TEXT_PAYLOAD


@case("rows/binary-payload-behind-text", status="unsafe", threats=["A22"], imports=OS)
def binary_behind_text():
    """A pickled None without PROTO, and then a pickle with PROTO that calls os.system."""
    return b"N." + payload()


@case("rows/text-between-binaries", status="unsafe", threats=["A22"], imports=OS)
def between():
    """Binary, text, text: each load reads the next one."""
    return b"\x80\x04N." + plain({"a": 1}) + TEXT_PAYLOAD


@case("rows/in-a-zip", status="unsafe", threats=["A22"], imports=OS, loader="zip")
def in_a_zip():
    """The row is a member of a zip."""
    return plain_zip({"log.pkl": plain({"a": 1}) + TEXT_PAYLOAD})


@case("rows/in-gzip", status="unsafe", threats=["A22"], imports=OS, loader="gzip")
def in_gzip():
    """The row is compressed."""
    return gzip_stream(plain({"a": 1}) + TEXT_PAYLOAD)


@case("rows/legacy-torch-magic-in-other-words", status="unsafe", threats=["A22"], imports=OS)
def legacy_magic():
    """The magic number of the legacy torch layout, memoised as no torch writes it, and os.system in the object."""
    return b"L119547037146038801333356L\np0\n." + b"I1001\n." + plain({"little_endian": True}) + TEXT_PAYLOAD


@case("rows/records", status="safe", threats=["A22"])
def records():
    """Records that were pickled one by one into a log, in protocol 0."""
    return b"".join(plain({"step": i, "loss": 1 / (i + 1)}) for i in range(20))


@case("rows/prose", status="safe")
def prose():
    """Prose may begin like a pickled None."""
    return b"N. was here before, and N. will be here again. " * 20


for name, line in {"unicode": b"V" + b"x" * LONG, "string": b"S'" + b"x" * LONG + b"'", "integer": b"I" + b"1" * LONG,
                   "long": b"L" + b"1" * LONG + b"L", "float": b"F0." + b"1" * LONG, "persid": b"P" + b"1" * LONG}.items():
    add(f"rows/long-line-{name}", lambda line=line: line + b"\n0" + TEXT_PAYLOAD,
        f"A line of {LONG:,} bytes, as a {name}, stands before the call of os.system.",
        status="unsafe", threats=["A24"], imports=OS)


@case("rows/long-line-of-prose", status="safe")
def long_prose():
    """A text whose only line is long and begins with the letter of an opcode."""
    return b"I have nothing to say, and I am saying it. " * 2000
