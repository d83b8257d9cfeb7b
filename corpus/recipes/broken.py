"""Damage, on purpose or not: what was done before a stream breaks stays done."""

from assembler import Pickle, framed, payload, payload4, pickle
from registry import add, case

OS = [("os", "system")]


for name, tail in (("bad-opcode", b"\xff"), ("invalid-utf8", b"X\x02\x00\x00\x00\xff\xfe."),
                   ("bad-length", b"X\xff\xff\xff\xff."), ("bad-int", b"Inothing\n."), ("no-stop", b""),
                   ("half-an-argument", b"X\x10\x00\x00\x00abc"), ("memo-miss", b"h\x63."),
                   ("frame-past-end", b"\x95" + b"\xff" * 8), ("unknown-global-line", b"cnothing")):
    add(f"broken/payload-then-{name}", lambda t=tail: payload()[:-1] + t,
        f"""os.system is called, and right after it the stream breaks ({name.replace('-', ' ')}).

        Loaders act opcode by opcode; a reader that gives up at the error and forgets what it saw calls this clean.
        """, status="unsafe", threats=["A20", "A21"], bypass=["broken-tail"], imports=OS,
        references=["nullifAI, ReversingLabs 2025"])


@case("broken/truncated-before-call", status="suspicious", threats=["A20"], imports=OS,
      unsure="the call itself is cut off, so loading it only imports os and fails")
def before_call():
    """The stream is cut after os.system was imported and before it is called."""
    return bytes(pickle(2).glob("os", "system").value("true"))


@case("broken/truncated-plain-data", status="error", threats=["A20"])
def truncated_plain():
    """A pickle of plain data is cut in half, as a broken upload is."""
    return bytes(pickle(2).value({"a": list(range(50))}).stop())[:60]


@case("broken/truncated-frame", status="error", threats=["A20"],
      unsure="pickle.py reads a short frame without complaint and then meets the end: nobody loads it")
def truncated_frame():
    """A framed pickle of plain data is cut inside the frame."""
    return framed(Pickle().value(list(range(50))).stop())[:40]


@case("broken/truncated-in-global", status="error", threats=["A20"])
def truncated_global():
    """The stream ends in the middle of a harmless name."""
    return b"\x80\x02ccollections\nOrde"


@case("broken/long4-lies", status="error", threats=["A27"])
def long4():
    """LONG4 declares two gigabytes of number and brings four bytes."""
    return bytes(pickle(2).long4(b"abcd", declared=0x7FFFFFF0))


@case("broken/long4-negative", status="error", threats=["A20"])
def long4_negative():
    """LONG4 declares a negative length, which every unpickler refuses."""
    return bytes(pickle(2).long4(b"", declared=-1).stop())


@case("broken/binbytes8-lies", status="error", threats=["A27"])
def binbytes8():
    """BINBYTES8 declares 2^60 bytes: nobody loads it, and nobody may allocate it."""
    return bytes(pickle(4).binbytes8(b"abc", declared=1 << 60).stop())


@case("broken/binunicode8-lies", status="error", threats=["A27"])
def binunicode8():
    """BINUNICODE8 declares more than fits a signed number."""
    return bytes(pickle(4).binunicode8("abc", declared=(1 << 64) - 1).stop())


@case("broken/bytearray8-lies", status="error", threats=["A27"])
def bytearray8():
    """BYTEARRAY8 declares four gigabytes and brings three bytes."""
    return bytes(pickle(5).bytearray8(b"abc", declared=1 << 32).stop())


@case("broken/binbytes8-lies-after-payload", status="unsafe", threats=["A27", "A21"], imports=OS)
def binbytes8_late():
    """The impossible length comes after os.system was called."""
    return bytes(pickle(4).call("os", "system", "true").binbytes8(b"abc", declared=1 << 60).stop())


@case("broken/binstring-negative", status="error", threats=["A20"], references=["cpython 135321"])
def binstring_negative():
    """BINSTRING declares a negative length."""
    return bytes(pickle(2).raw(b"T\xff\xff\xff\xffabc").stop())


@case("broken/payload4-cut-after-reduce", status="unsafe", threats=["A21"], imports=OS,
      unsure="C refuses the short frame at once, pickle.py runs the call")
def cut_after_reduce():
    """A framed payload loses its STOP: C refuses the frame, pickle.py has called os.system by then."""
    return payload4()[:-1]


@case("broken/git-autocrlf", status="error", threats=["A20"],
      unsure="a text-mode copy of a protocol 0 pickle; names end in carriage returns and resolve to nothing")
def autocrlf():
    """A protocol 2 pickle of plain data went through a line-ending conversion, which shifted its lengths."""
    return bytes(pickle(2).value({"text": "a\nb\nc\n" * 9}).stop()).replace(b"\n", b"\r\n")


@case("broken/nul-prefix", status="suspicious", threats=["A22"], imports=OS,
      unsure="no loader starts behind the zeros by itself")
def nul_prefix():
    """Sixteen zero bytes stand before a pickle that calls os.system: hidden from loaders, and from naive readers."""
    return bytes(16) + payload()


@case("broken/newline-prefix", status="suspicious", threats=["A22"], imports=OS, unsure="as broken/nul-prefix")
def newline_prefix():
    """A blank line stands before a pickle that calls os.system."""
    return b"\n" + payload()
