"""Compressed streams and 7z around a pickle."""

import bz2
import lzma
import zlib

from archives import gzip_stream, lz4_stream, plain_zip, seven_zip, tar_file, tar_member, torch_zip, zstd_stream
from assembler import harmless, payload
from registry import add, case

OS = [("os", "system")]

STREAMS = [
    ("gzip", "gz", gzip_stream), ("zlib", "z", lambda d: zlib.compress(d, 9)), ("bzip2", "bz2", bz2.compress),
    ("xz", "xz", lambda d: lzma.compress(d, lzma.FORMAT_XZ, lzma.CHECK_CRC32, preset=6)),
    ("lzma", "lzma", lambda d: lzma.compress(d, lzma.FORMAT_ALONE, preset=6)),
    ("zstd", "zst", zstd_stream), ("lz4", "lz4", lz4_stream), ("7z", "7z", lambda d: seven_zip({"model.pkl": d})),
]
for name, extension, pack in STREAMS:
    add(f"wrappers/{name}-payload", lambda p=pack: p(payload()),
        f"A pickle that calls os.system is packed with {name}.", status="unsafe", threats=["C9"], imports=OS,
        loader=name if name in ("7z", "zstd") else "joblib", file=f"input.pkl.{extension}")
    add(f"wrappers/{name}-harmless", lambda p=pack: p(harmless()), f"A plain pickle is packed with {name}.",
        status="safe", threats=["C9"], loader=name if name in ("7z", "zstd") else "joblib", file=f"input.pkl.{extension}")


@case("wrappers/gzip-two-members", status="unsafe", threats=["C9"], imports=OS, loader="gzip", file="input.pkl.gz")
def two_members():
    """Two gzip members stand one after another; together they are one stream, whose second pickle calls os.system."""
    return gzip_stream(harmless()) + gzip_stream(payload())


@case("wrappers/gzip-split-pickle", status="unsafe", threats=["C9"], imports=OS, loader="gzip", file="input.pkl.gz")
def split():
    """One pickle is cut across two gzip members, and no member alone holds the call."""
    whole = payload()
    return gzip_stream(whole[:7]) + gzip_stream(whole[7:])


@case("wrappers/gzip-trailing-payload", status="suspicious", threats=["C9", "A22"], imports=OS, loader="gzip",
      file="input.pkl.gz", unsure="behind a gzip stream no loader starts by itself")
def trailing():
    """A bare pickle that calls os.system follows a gzip of plain data."""
    return gzip_stream(harmless()) + payload()


@case("wrappers/gzip-truncated", status="error", threats=["A20"], loader="gzip", file="input.pkl.gz")
def truncated():
    """A gzip of plain data is cut off."""
    return gzip_stream(harmless())[:-12]


@case("wrappers/gzip-truncated-payload", status="unsafe", threats=["A20", "A21"], imports=OS, loader="gzip",
      file="input.pkl.gz")
def truncated_payload():
    """A gzip stream loses its checksum, after all of the pickle was readable."""
    return gzip_stream(payload())[:-8]


@case("wrappers/gzip-crc-wrong-payload", status="unsafe", threats=["A20"], imports=OS, loader="gzip",
      file="input.pkl.gz")
def wrong_crc():
    """The checksum of the gzip is wrong, and Python notices only at the end."""
    data = bytearray(gzip_stream(payload()))
    data[-8] ^= 0xFF
    return bytes(data)


@case("wrappers/gzip-of-tar-of-zip", status="unsafe", threats=["C8", "C9"], imports=OS, loader="tar",
      file="input.tar.gz")
def matryoshka():
    """A gzip holds a tar, the tar a zip, the zip a pickle that calls os.system."""
    return gzip_stream(tar_file(tar_member("model.pt", plain_zip({"archive/data.pkl": payload()}))))


@case("wrappers/7z-of-torch-zip", bypass=["packed"],
      status="unsafe", threats=["C9", "A21"], imports=OS, loader="7z", file="input.pt",
      references=["nullifAI, ReversingLabs 2025"])
def seven_torch():
    """A torch zip is wrapped in 7z and still called .pt."""
    return seven_zip({"model.pt": torch_zip(payload())})


@case("wrappers/7z-odd-name", status="unsafe", threats=["C9", "C10"], imports=OS, loader="7z", file="input.7z")
def seven_odd():
    """The pickle inside a 7z has an extension nobody expects."""
    return seven_zip({"readme.txt": b"weights\n", "notes.md": payload()})


@case("wrappers/7z-truncated", status="error", threats=["A20"], loader="7z", file="input.7z")
def seven_truncated():
    """A 7z lost its header, which stands at the end."""
    return seven_zip({"model.pkl": harmless()})[:50]


@case("wrappers/zlib-of-text", status="safe", threats=["C9"], loader="none", file="input.z")
def zlib_text():
    """A zlib stream of plain words."""
    return zlib.compress(b"only words, and more words\n" * 4, 9)
