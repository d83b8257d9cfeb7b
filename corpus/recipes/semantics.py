"""Where the loaders' own reading of a stream differs from a textbook's: numbers, frames, memo, stack, registry."""

from assembler import Pickle, framed, harmless, pickle
from registry import add, case

OS = [("os", "system")]
EVIL = bytes(Pickle().call("os", "system", "true"))


# Numbers (V1, V2)
@case("semantics/int-radix-payload", status="unsafe", threats=["A20"], imports=OS, references=["cpython 126992"])
def int_radix():
    """INT 0x10 is sixteen to the unpicklers and an error to linear readers, so the call after it goes unseen."""
    return bytes(Pickle().int_text(b"0x10").pop().call("os", "system", "true").stop())


@case("semantics/int-radix-harmless", status="suspicious", threats=["A20"], references=["cpython 126992"])
def int_radix_harmless():
    """INT 0x10 is sixteen on older Pythons and an error on newer ones: the readings differ."""
    return bytes(pickle(2).int_text(b"0x10").stop())


@case("semantics/long-radix-payload", status="unsafe", threats=["A20"], imports=OS, references=["cpython 126992"])
def long_radix():
    """LONG 0b11L parses base 0 as well."""
    return bytes(Pickle().long_text(b"0b11L").pop().call("os", "system", "true").stop())


@case("semantics/int-plus-zero", status="suspicious", threats=["A20"], references=["cpython 135241"])
def plus_zero():
    """INT +0 is False to the C unpickler and 0 to the Python one."""
    return bytes(pickle(2).int_text(b"+0").stop())


@case("semantics/int-plus-zero-payload", status="unsafe", threats=["A20"], imports=OS)
def plus_zero_payload():
    """INT +0 stands before a call of os.system."""
    return bytes(Pickle().int_text(b"+0").pop().call("os", "system", "true").stop())


@case("semantics/int-embedded-nul", status="suspicious", threats=["A20"])
def embedded_nul():
    """INT 1 NUL is True to the C unpickler and an error to all others."""
    return bytes(pickle(2).int_text(b"1\0").stop())


@case("semantics/int-embedded-nul-payload", status="unsafe", threats=["A20"], imports=OS)
def embedded_nul_payload():
    """INT 1 NUL stops every reader but the C unpickler, which goes on to os.system."""
    return bytes(Pickle().int_text(b"1\0").pop().call("os", "system", "true").stop())


@case("semantics/int-underscore", status="safe", threats=["A20"],
      unsure="C's strtol stops at the underscore and falls back to int(); every loader agrees on ten")
def underscore():
    """INT 1_0 is ten only by grace of the fallback parser."""
    return bytes(pickle(2).int_text(b"1_0").stop())


@case("semantics/bool-text", status="safe")
def bool_text():
    """I00 and I01 are the booleans of protocol 0."""
    return bytes(Pickle().mark().int_text(b"00").int_text(b"01").tuple().stop())


# Frames (V3)
def straddle(file_executes: bool, lead: int = 0) -> bytes:
    """A BINUNICODE whose argument begins inside the frame and ends behind it. A C unpickler that reads a file throws
    the part inside the frame away and reads the whole length behind it; everybody else joins the two. From there on
    the two readings stand `kept` bytes apart, and the bytes between swallow the payload in one of them."""
    length = 20
    kept = 5 if file_executes else 2
    front = bytes(Pickle().binbytes(b"a" * lead).pop()) if lead else b""
    inside = front + b"X" + length.to_bytes(4, "little") + b"x" * kept
    swallow = b"B" + len(EVIL).to_bytes(4, "little")
    turn = swallow if file_executes else b"C" + bytes([len(swallow)]) + swallow
    return framed(inside + b"y" * (length - kept) + turn + EVIL + b".", declared=len(inside))


@case("semantics/frame-straddle-file-executes", status="unsafe", threats=["A20", "A31"], imports=OS,
      references=["cpython 154848"])
def straddle_file():
    """Read from a file object the C unpickler calls os.system; read in one piece the call is inside a byte string.

    An argument crosses the end of its frame. `_pickle.c` before 3.13.15 and 3.14.7 drops what was left in the frame.
    torch.load reads data.pkl from such a file object.
    """
    return straddle(True)


@case("semantics/frame-straddle-memory-executes", bypass=["frame-too-short"],
      status="unsafe", threats=["A20", "A31"], imports=OS,
      references=["cpython 154848"])
def straddle_memory():
    """Read in one piece os.system is called; read from a file object the call is inside a byte string."""
    return straddle(False)


@case("semantics/frame-straddle-open-executes", status="unsafe", threats=["A20", "A31"], imports=OS,
      references=["cpython 154848"])
def straddle_open():
    """The frame is longer than a file buffer, so that pickle.load(open(...)) drops the rest of it and calls os.system."""
    return straddle(True, lead=9000)


@case("semantics/frame-too-short-harmless", status="suspicious", threats=["A20"])
def short_frame():
    """The frame ends inside an argument; whole-buffer readers do not care, pickle.py refuses."""
    return framed(Pickle().binbytes(b"0123456789").stop(), declared=8)


@case("semantics/frame-too-long", status="unsafe", threats=["A20"], imports=OS)
def long_frame():
    """The frame claims a hundred bytes more than there are: C refuses, pickle.py runs os.system."""
    body = bytes(Pickle().call4("os", "system", "true").stop())
    return framed(body, declared=len(body) + 100)


@case("semantics/frame-too-long-harmless", status="suspicious", threats=["A20"],
      unsure="a truncated upload looks the same and would be error")
def long_frame_harmless():
    """The frame claims more bytes than there are, and one of two unpicklers loads it anyway."""
    return framed(Pickle().value([1, 2]).stop(), declared=100)


@case("semantics/frame-huge", status="error", threats=["A27"])
def huge_frame():
    """FRAME declares 2^62 bytes: nobody loads it, and nobody may allocate it."""
    return framed(b"", declared=1 << 62)


@case("semantics/frame-in-frame", status="suspicious", threats=["A20"])
def nested_frame():
    """A frame opens inside another: C goes on, pickle.py refuses."""
    inner = Pickle().frame(2).raw(b"N.")
    return framed(inner)


@case("semantics/frame-empty", status="safe")
def empty_frame():
    """A frame of no bytes, then opcodes outside any frame."""
    return framed(Pickle().value([1]).stop(), declared=0)


@case("semantics/frames-honest-many", status="safe")
def many_frames():
    """Two honest frames with a large object between them."""
    p = pickle(4).frame(1).mark().binbytes(b"\0" * 300).frame(2).tuple().stop()
    return bytes(p)


# Memo (V4)
@case("semantics/memo-redefined-harmless", status="safe", threats=["A19"])
def redefined():
    """A memo slot is written twice, and holds data both times."""
    return bytes(pickle(2).value("a").binput(0).pop().value("b").binput(0).pop().binget(0).stop())


@case("semantics/memo-sparse", status="safe", threats=["A19"])
def sparse():
    """Memo slots far apart and out of order, as optimised pickles have them."""
    p = pickle(2).mark().value("a").long_binput(100).value("b").binput(3).long_binget(100).tuple()
    return bytes(p.stop())


@case("semantics/memo-huge-index", bypass=["memo-index-huge"],
      status="suspicious", threats=["A19", "A27"], references=["modelscan issue 86"])
def huge_index():
    """LONG_BINPUT 0x0fffffff makes the C unpickler's memo an array of four gigabytes."""
    return bytes(pickle(2).value("a").long_binput(0x0FFFFFFF).stop())


@case("semantics/memo-text-index-huge", status="suspicious", threats=["A19", "A27"])
def huge_text_index():
    """PUT with an index beyond 2^31 makes the memo an array of many gigabytes."""
    return bytes(pickle(2).unicode_text(b"a").put(2147483648).stop())


@case("semantics/memo-text-index-beyond-machine", status="suspicious", threats=["A19", "A20"])
def overflowing_index():
    """PUT with an index of thirty digits is refused by C, and pickle.py keeps it in a dictionary and loads."""
    return bytes(pickle(2).unicode_text(b"a").put("9" * 30).stop())


@case("semantics/memo-missing-key", bypass=["memo-crash"],
      status="error", threats=["A20"])
def missing_key():
    """GET of a slot nobody wrote ends every loader, with nothing done before it."""
    return bytes(pickle(2).binget(9).stop())


@case("semantics/memo-missing-key-after-payload", bypass=["memo-crash"],
      status="unsafe", threats=["A20"], imports=OS,
      references=["picklescan keyerror-exploit"])
def missing_key_late():
    """GET of a missing slot comes after os.system was called: the loader fails too late."""
    return bytes(pickle(2).call("os", "system", "true").binget(9).stop())


@case("semantics/memo-key-not-text", bypass=["memo-crash"],
      status="error", threats=["A20"], references=["picklescan type-confusion-exploit"])
def key_not_text():
    """STACK_GLOBAL finds a number where the name should be, and every loader refuses."""
    return framed(Pickle().short_binunicode("os").value(7).stack_global().value(("true",)).reduce().stop())


@case("semantics/memo-negative-text-index", status="error", threats=["A19"])
def negative_index():
    """PUT -1 is refused by every unpickler."""
    return bytes(pickle(2).unicode_text(b"a").put(-1).stop())


@case("semantics/memoize-after-put-counts", status="unsafe", threats=["A19"], imports=OS)
def memoize_counts():
    """MEMOIZE numbers by the memo's size, so a PUT to slot 5 moves the next slot to 1."""
    p = Pickle().short_binunicode("collections").binput(5).pop().short_binunicode("os").memoize().pop()
    return framed(p.binget(1).short_binunicode("system").stack_global().value(("true",)).reduce().stop())


# Stack (V5)
@case("semantics/leftover-stack", status="safe", threats=["A19"])
def leftovers():
    """STOP returns the top and leaves the rest: an error to a disassembler, nothing to a loader."""
    return bytes(pickle(2).value(1).value(2).value(3).stop())


@case("semantics/unmatched-mark", status="safe")
def unmatched_mark():
    """A MARK nobody closes stands below the result."""
    return bytes(pickle(2).mark().value({"a": 1}).stop())


@case("semantics/unmatched-mark-payload", status="unsafe", threats=["A20"], imports=OS)
def unmatched_mark_payload():
    """MARKs nobody closes surround a call of os.system."""
    return bytes(pickle(2).mark().mark().call("os", "system", "true").stop())


@case("semantics/pop-takes-mark", status="safe")
def pop_mark_with_pop():
    """POP on a bare MARK removes the mark."""
    return bytes(pickle(2).value(1).mark().pop().stop())


@case("semantics/stack-underflow", status="error", threats=["A20"])
def underflow():
    """REDUCE on an empty stack ends every loader."""
    return bytes(pickle(2).reduce().stop())


@case("semantics/stack-underflow-after-payload", status="unsafe", threats=["A21"], imports=OS)
def underflow_late():
    """The stack runs empty only after os.system was called."""
    return bytes(pickle(2).call("os", "system", "true").pop().pop().stop())


@case("semantics/dup-shares-list", status="safe")
def dup_list():
    """DUP gives one list twice, and an append through one name shows in the other."""
    return bytes(pickle(2).mark().value([]).dup().value(1).append().tuple().stop())


@case("semantics/reduce-args-not-tuple", status="unsafe", threats=["A20"], imports=OS,
      unsure="C refuses a list of arguments, pickle.py unpacks it and calls")
def args_list():
    """REDUCE gets a list: the C unpickler refuses it, pickle.py calls os.system."""
    return bytes(pickle(2).glob("os", "system").value(["true"]).reduce().stop())


# Extension registry (V6, A17)
for code, opcode in ((1, "ext1"), (300, "ext2"), (70000, "ext4")):
    add(f"semantics/{opcode}", lambda c=code, o=opcode: bytes(getattr(pickle(2), o)(c).stop()),
        f"""{opcode.upper()} takes an object from a registry this file does not hold.

        Benign picklers practically never write it.
        """, status="suspicious", threats=["A17"], references=["modelaudit issue 493"])


@case("semantics/ext1-called", bypass=["extension-code"],
      status="suspicious", threats=["A17"],
      unsure="the threat catalogue says M if called; by the statuses it is a call of an unknown callable")
def ext_called():
    """What EXT1 takes from the registry is called with an argument."""
    return bytes(pickle(2).ext1(7).value(("true",)).reduce().stop())


@case("semantics/ext4-negative", status="error", threats=["A17"], references=["cpython 127045"])
def ext_negative():
    """EXT4 with a negative code is refused by every unpickler."""
    return bytes(pickle(2).ext4(-5).stop())


@case("semantics/ext4-negative-after-payload", status="unsafe", threats=["A17", "A20"], imports=OS)
def ext_negative_late():
    """EXT4 with a negative code stands behind the call of os.system."""
    return bytes(pickle(2).call("os", "system", "true").ext4(-5).stop())


# PROTO (A24)
@case("semantics/proto-twice", status="safe", threats=["A24"])
def proto_twice():
    """PROTO stands twice, which picklers do not do and loaders do not mind."""
    return bytes(pickle(2).proto(2).value([1]).stop())


@case("semantics/proto-late", status="safe", threats=["A24"])
def proto_late():
    """PROTO 3 stands behind the first value."""
    return bytes(Pickle().none().pop().proto(3).value([1]).stop())


@case("semantics/proto-6", status="error", threats=["A24"])
def proto_six():
    """PROTO 6 is no protocol any Python knows."""
    return bytes(pickle(6).value([1]).stop())


@case("semantics/proto-6-after-payload", status="unsafe", threats=["A21", "A24"], imports=OS)
def proto_six_late():
    """PROTO 6 comes after os.system was called."""
    return bytes(pickle(2).call("os", "system", "true").proto(6).stop())


@case("semantics/proto-1-declared", status="safe", threats=["A24"])
def proto_one():
    """PROTO 1 is odd and valid."""
    return bytes(pickle(1).value([1]).stop())


# Buffers
@case("semantics/next-buffer", status="error",
      unsure="loads only where the caller hands buffers in, which a file alone cannot do")
def next_buffer():
    """NEXT_BUFFER wants out-of-band data that no file carries."""
    return framed(Pickle().next_buffer().readonly_buffer().stop(), 5)


@case("semantics/bytearray8", status="safe")
def bytearray8():
    """BYTEARRAY8 is protocol 5's mutable bytes."""
    return framed(Pickle().bytearray8(b"abc").stop(), 5)


@case("semantics/set-and-frozenset", status="safe")
def sets():
    """EMPTY_SET, ADDITEMS and FROZENSET build value types."""
    p = Pickle().mark().empty_set().mark().value(1).value(2).additems().mark().value(3).frozenset().tuple()
    return framed(p.stop())


@case("semantics/protocol-0-everything", status="safe")
def protocol0():
    """Plain data in nothing but text opcodes."""
    p = Pickle().mark().string(b"a").int_text(b"1").string(b"b").float_text(b"0.5").string(b"c").mark().long_text(b"7L")
    return bytes(p.none().list().unicode_text(b"\\u00e9").mark().tuple().dict().stop())


@case("semantics/plain-dict", status="safe")
def plain_dict():
    """A dictionary of plain data at protocol 2."""
    return harmless()


@case("semantics/bad-string-quotes", status="error", threats=["A20"])
def bad_quotes():
    """STRING without its quotes is refused by every unpickler."""
    return bytes(pickle(2).raw(b"Sabc\n").stop())


@case("semantics/string-double-quotes", status="safe")
def double_quotes():
    """STRING in double quotes is valid."""
    return bytes(Pickle().raw(b'S"abc"\n').stop())


@case("semantics/surrogate-text", status="safe")
def surrogate():
    """BINUNICODE with a lone surrogate, which Python encodes by surrogatepass."""
    return bytes(pickle(2).raw(b"X\x03\x00\x00\x00\xed\xa0\x80").stop())


@case("semantics/long1-not-minimal", status="safe")
def long1():
    """LONG1 with needless sign bytes is the same number."""
    return bytes(pickle(2).raw(b"\x8a\x04\x01\x00\x00\x00").stop())


@case("semantics/opcode-not-assigned", status="error", threats=["A20"])
def bad_opcode():
    """0xff is no opcode, and nothing ran before it."""
    return bytes(pickle(2).value([1]).raw(b"\xff").stop())


@case("semantics/stop-only", status="error", threats=["A20"])
def stop_only():
    """STOP on an empty stack."""
    return bytes(pickle(2).stop())
