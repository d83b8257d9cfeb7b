"""What costs the reader: expansion, depth, width, and bombs."""

import bz2
import lzma
import zlib

from archives import Member, gzip_stream, plain_zip, zip_file, deflate
from assembler import Pickle, framed, pickle, payload
from registry import case


@case("limits/dup-billion-laughs", bypass=["expansion"],
      status="suspicious", threats=["A27"], references=["fickling issue 111"])
def dup_laughs():
    """Each level holds the level before it twice: sixty opcodes make a tree of 2^40 leaves to whoever walks it."""
    p = pickle(2).value("lol")
    for _ in range(40):
        p.dup().tuple2()
    return bytes(p.stop())


@case("limits/memo-billion-laughs", bypass=["expansion"],
      status="suspicious", threats=["A27"], references=["coldwaterq billionLaughs.pt"])
def memo_laughs():
    """Nested lists of ten references each: ten levels print as ten thousand million items."""
    p = pickle(2).value(["lol"]).binput(0)
    for level in range(10):
        p.pop().mark().raw(bytes(Pickle().binget(level)) * 10).list().binput(level + 1)
    return bytes(p.stop())


@case("limits/string-doubling", status="suspicious", threats=["A27"], imports=[("operator", "mul")])
def string_doubling():
    """operator.mul grows a string to gigabytes while loading."""
    return bytes(pickle(2).call("operator", "mul", "x" * 64, 1 << 28).stop())


@case("limits/hash-of-nested-tuples", status="suspicious", threats=["A27"],
      unsure="the doubling is the same as in dup-billion-laughs, and here the loader itself hangs on the hash")
def hash_bomb():
    """A tuple that doubles fifty times is used as a dictionary key, and hashing it never ends."""
    p = pickle(2).empty_dict().value("k")
    for _ in range(50):
        p.dup().tuple2()
    return bytes(p.none().setitem().stop())


@case("limits/deep-tuples", status="suspicious", threats=["A27"],
      unsure="it loads; freeing or printing it may overflow the stack of the process")
def deep_tuples():
    """A hundred thousand tuples inside each other: a recursive reader falls over."""
    return bytes(pickle(2).none().raw(b"\x85" * 100000).stop())


@case("limits/deep-marks", status="safe", threats=["A27"])
def deep_marks():
    """Ten thousand MARKs and ten thousand closings."""
    return bytes(pickle(2).raw(b"(" * 10000 + b"t" * 10000).stop())


@case("limits/cyclic-list", bypass=["endless-walk"],
      status="safe", threats=["A27"], references=["fickling issue 196"])
def cyclic():
    """A list holds itself, which every pickler can write."""
    return bytes(pickle(2).empty_list().binput(0).binget(0).append().stop())


@case("limits/cyclic-dict-and-tuple", status="safe", threats=["A27"])
def cyclic_pair():
    """A dictionary holds a tuple that holds the dictionary."""
    return bytes(pickle(2).empty_dict().binput(0).value("self").binget(0).tuple1().setitem().stop())


@case("limits/wide-list", status="safe", threats=["A27"])
def wide():
    """A list of six thousand numbers is only long."""
    return bytes(pickle(2).value(list(range(6000))).stop())


@case("limits/many-memo-slots", status="safe", threats=["A27"])
def many_slots():
    """Four thousand memo slots in order, as a big state dict has."""
    p = pickle(4).empty_list().mark()
    for n in range(4000):
        p.binint2(n).memoize()
    return bytes(p.appends().stop())


@case("limits/gzip-ten-megabytes-of-zeros", status="safe", threats=["C7", "C9"], loader="gzip", file="input.gz")
def gzip_zeros():
    """Ten megabytes of zeros in ten kilobytes: dense, and no trouble."""
    return gzip_stream(bytes(10 << 20))


@case("limits/bzip2-bomb", status="error", threats=["C7"], loader="bz2", file="input.bz2",
      unsure="at 1 GB it is over any default budget; a larger budget reads it as zeros")
def bzip2_bomb():
    """A gigabyte of zeros in less than a kilobyte."""
    return BZIP2_GIGABYTE


def _bzip2_of_zeros() -> bytes:
    """Compressing one gigabyte takes seconds, so 64 streams of 16 MB stand one after another, as bzip2 allows."""
    return bz2.compress(bytes(16 << 20)) * 64


BZIP2_GIGABYTE = _bzip2_of_zeros()


@case("limits/gzip-in-gzip-bomb", status="error", threats=["C7", "C8"], loader="gzip", file="input.gz",
      unsure="as limits/bzip2-bomb")
def gzip_in_gzip():
    """A gigabyte of zeros behind two layers of gzip."""
    member = gzip_stream(bytes(16 << 20))
    return gzip_stream(member * 64)


@case("limits/zip-in-zip-bomb", status="error", threats=["C7", "C8"], loader="zipfile", file="input.zip",
      unsure="as limits/bzip2-bomb")
def zip_bomb():
    """A zip in a zip: sixty-four members of sixteen megabytes of zeros each, in a few kilobytes."""
    packed, crc = deflate(bytes(16 << 20)), zlib.crc32(bytes(16 << 20))
    sizes = dict(method=8, packed=packed, crc=crc, local_size=16 << 20, central_size=16 << 20)
    inner = zip_file([Member(f"data/{n}", b"", **sizes) for n in range(64)])
    return plain_zip({"archive/data.zip": inner}, method=8)


@case("limits/overlapping-members", status="suspicious", threats=["C7", "C5"], loader="zipfile", file="input.zip")
def overlapping():
    """Sixteen directory entries point at one and the same data: the size of the parts exceeds the whole."""
    members = [Member("part-0", bytes(200), method=8)]
    members += [Member(f"part-{n}", bytes(200), method=8, local=False, offset=0) for n in range(1, 16)]
    return zip_file(members)


@case("limits/nested-zip-forty-deep", status="error", threats=["C8"], loader="zipfile", file="input.zip",
      unsure="a reader that follows all forty finds a harmless pickle")
def nested_zips():
    """Forty zips inside each other, past any sensible depth limit."""
    inner = bytes(pickle(2).value([1]).stop())
    for _ in range(40):
        inner = plain_zip({"a": inner})
    return inner


@case("limits/many-members", status="safe", threats=["C7"], loader="zipfile", file="input.zip")
def many_members():
    """Two hundred small text members."""
    return plain_zip({f"t/{n:03}.txt": b"text\n" for n in range(200)})


@case("limits/payload-behind-padding", bypass=["size-gate"],
      status="unsafe", threats=["A27"], imports=[("os", "system")])
def behind_padding():
    """Ten thousand harmless opcodes stand before the call of os.system."""
    return bytes(pickle(2).raw(b"N0" * 5000).call("os", "system", "true").stop())


@case("limits/xz-payload-behind-zeros", status="unsafe", threats=["C9", "C7"], loader="joblib", imports=[("os", "system")],
      file="input.pkl.xz")
def xz_padded():
    """Four megabytes of a byte string stand before the call, packed into a kilobyte of xz."""
    body = bytes(pickle(3).binbytes(bytes(4 << 20)).pop().call("os", "system", "true").stop())
    return lzma.compress(body, lzma.FORMAT_XZ, lzma.CHECK_CRC32, preset=6)
