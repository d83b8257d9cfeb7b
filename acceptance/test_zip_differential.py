"""Whatever bytes a loader takes for a zip's data.pkl are among what Assay examines.

Each candidate for data.pkl imports a name of its own. The archive is bent in every way that a header allows; then
zipfile and, where torch is installed, PyTorch's own reader open it, and the name they would import must be told.
"""

from __future__ import annotations

import io
import os
import random
import re
import struct
import zipfile
import zlib

import pytest

from archives import Member, deflate, end_record, zip_file
from assembler import pickle
from conftest import facts, shown

try:
    import torch
except ImportError:
    torch = None

SEED = int(os.environ.get("ASSAY_SEED", 1))
ARCHIVES = int(os.environ.get("ASSAY_ARCHIVES", 3000))
AT_ONCE = 500


def candidate(number: int) -> bytes:
    return bytes(pickle(2).glob("candidate", f"name{number}").stop())


NUMBER_BYTES = len(candidate(10))


def honest(*numbers, method=0, **fields):
    return [Member("archive/data.pkl", candidate(n), method, **fields) for n in numbers]


VERSION = Member("archive/version", b"3\n")


def two_archives() -> bytes:
    first, second = zip_file([*honest(10), VERSION]), zip_file([*honest(11), VERSION])
    return first + second


def archive_in_comment() -> bytes:
    return zip_file([*honest(10), VERSION], comment=zip_file([*honest(11), VERSION]))


def archive_in_extra() -> bytes:
    inner = zip_file([*honest(11), VERSION])
    return zip_file([Member("archive/data.pkl", candidate(10), extra=struct.pack("<HH", 0x4242, len(inner)) + inner), VERSION])


def end_record_twice() -> bytes:
    """Two directories over the same members, one for each end record."""
    members = [*honest(10, 11)]
    first = zip_file([members[0], VERSION])
    both = zip_file([*members, VERSION])
    return both[:-22] + both[-22:] + first[first.rindex(b"PK\5\6"):]


def end_record_in_comment() -> bytes:
    """The comment of the last end record is an end record that points at another directory."""
    hidden = zip_file([*honest(11), VERSION])
    shown_one = zip_file([*honest(10), VERSION], prefix=hidden)
    at = hidden.index(b"PK\1\2")
    return shown_one[:-2] + struct.pack("<H", 22) + end_record(2, hidden.rindex(b"PK\5\6") - at, at)


def swapped_offsets() -> bytes:
    """Each of two directory records points at the other's local header."""
    length = 30 + len("archive/data.pkl") + NUMBER_BYTES
    return zip_file([Member("archive/data.pkl", candidate(10), offset=length), Member("archive/other", candidate(11), offset=0),
                     VERSION])


def hidden_in_stored() -> bytes:
    """A whole local member inside the data of another, and a directory record that points there."""
    inner = zip_file([Member("archive/data.pkl", candidate(11))])
    local = inner[:inner.index(b"PK\1\2")]
    head = 30 + len("archive/blob")
    return zip_file([Member("archive/blob", local), Member("archive/data.pkl", candidate(11), local=False, offset=head), VERSION])


def local_name_differs() -> bytes:
    return zip_file([Member("archive/readme", candidate(10), central_name="archive/data.pkl"),
                     Member("archive/data.pkl", candidate(11), central_name="archive/readme"), VERSION])


def method_differs() -> bytes:
    """Stored by its local header, deflated by the directory."""
    packed = deflate(candidate(11))
    return zip_file([Member("archive/data.pkl", candidate(11), 0, packed=packed, central_method=8), VERSION])


def sizes_differ() -> bytes:
    """The directory's member is longer than the local one, and the other way round."""
    tail = candidate(11)
    return zip_file([Member("archive/data.pkl", candidate(10) + tail, local_size=NUMBER_BYTES), VERSION])


def junk_before(offsets_from_start: bool) -> bytes:
    junk = zip_file([*honest(12)])[:-4] + b"junk" * 50
    return zip_file([*honest(10), VERSION], prefix=junk, offsets_from=0 if offsets_from_start else len(junk))


def unicode_path() -> bytes:
    name = b"archive/readme"
    extra = struct.pack("<HHBI", 0x7075, 5 + len(b"archive/data.pkl"), 1, zlib.crc32(name)) + b"archive/data.pkl"
    return zip_file([Member("archive/readme", candidate(10), extra=extra, central_extra=extra), *honest(11), VERSION])


SHAPES = {
    "honest": lambda: zip_file([*honest(10), VERSION]),
    "deflated": lambda: zip_file([*honest(10, method=8), VERSION]),
    "twice": lambda: zip_file([*honest(10, 11), VERSION]),
    "twice-mixed": lambda: zip_file([*honest(10), *honest(11, method=8), VERSION]),
    "second-unlisted": lambda: zip_file([*honest(10), *honest(11, listed=False), VERSION]),
    "first-unlisted": lambda: zip_file([*honest(10, listed=False), *honest(11), VERSION]),
    "case": lambda: zip_file([Member("archive/DATA.PKL", candidate(10)), *honest(11), VERSION]),
    "backslash": lambda: zip_file([Member("archive\\data.pkl", candidate(10)), *honest(11), VERSION]),
    "nul-in-name": lambda: zip_file([Member(b"archive/data.pkl\0.txt", candidate(10)), VERSION]),
    "two-tops": lambda: zip_file([Member("a/data.pkl", candidate(10)), Member("b/data.pkl", candidate(11)), Member("a/version", b"3"), VERSION]),
    "descriptor": lambda: zip_file([*honest(10, descriptor=True), VERSION]),
    "descriptor-deflated": lambda: zip_file([*honest(10, method=8, descriptor=True), VERSION]),
    "zip64": lambda: zip_file([*honest(10, zip64=True), VERSION], zip64_end=True),
    "zip64-end": lambda: zip_file([*honest(10, 11), VERSION], zip64_end=True),
    "flag-encrypted": lambda: zip_file([*honest(10, flags=1), VERSION]),
    "flag-local-only": lambda: zip_file([*honest(10, flags=1, central_flags=0), VERSION]),
    "flag-patched": lambda: zip_file([*honest(10, flags=0x20), VERSION]),
    "crc-wrong": lambda: zip_file([*honest(10, crc=7), VERSION]),
    "crc-zero": lambda: zip_file([*honest(10, central_crc=0), VERSION]),
    "count-low": lambda: zip_file([*honest(10, 11), VERSION], count=1),
    "count-high": lambda: zip_file([*honest(10, 11), VERSION], count=9),
    "count-zero": lambda: zip_file([*honest(10), VERSION], count=0),
    "count-zero-behind-junk": lambda: zip_file([*honest(10), VERSION], prefix=b"junk", offsets_from=4, count=0),
    "directory-size-zero": lambda: zip_file([*honest(10, 11), VERSION], directory_size=0),
    "comment": lambda: zip_file([*honest(10), VERSION], comment=b"c" * 1000),
    "suffix": lambda: zip_file([*honest(10), VERSION], suffix=b"s" * 1000),
    "suffix-long": lambda: zip_file([*honest(10), VERSION], suffix=bytes(70_000)),
    "gap": lambda: zip_file([*honest(10, gap_before=b"PK\3\4 nothing"), VERSION], before_directory=candidate(11)),
    "two-archives": two_archives, "archive-in-comment": archive_in_comment, "archive-in-extra": archive_in_extra,
    "end-record-twice": end_record_twice, "end-record-in-comment": end_record_in_comment, "swapped-offsets": swapped_offsets,
    "hidden-in-stored": hidden_in_stored, "local-name-differs": local_name_differs, "method-differs": method_differs,
    "sizes-differ": sizes_differ, "junk-counted": lambda: junk_before(True), "junk-not-counted": lambda: junk_before(False),
    "unicode-path": unicode_path,
}


# What loaders get -----------------------------------------------------------------------------------------------------

def by_zipfile(data: bytes):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in {n for n in archive.namelist() if n.endswith("data.pkl")} | {"archive/data.pkl", "data.pkl"}:
            try:
                yield archive.read(name)
            except Exception:  # this name is not to be had; another may be
                continue


def by_zipfile_entries(data: bytes):
    """By entry, as extractall does: of two with one name, both."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            try:
                yield archive.read(entry)
            except Exception:
                continue


def by_torch(data: bytes):
    reader = torch._C.PyTorchFileReader(io.BytesIO(data))
    if reader.has_record("data.pkl"):
        yield reader.get_record("data.pkl")


READERS = {"zipfile": by_zipfile, "zipfile-entries": by_zipfile_entries, **({"torch": by_torch} if torch else {})}


def loaded(data: bytes) -> dict:
    """What each reader hands to the unpickler, as far as it would import a candidate."""
    out = {}
    for name, read in READERS.items():
        try:
            got = list(read(data))
        except Exception:  # the reader refuses the archive
            got = []
        for raw in got:
            out.setdefault(name, set()).update(names_in(raw))
    return out


def names_in(raw: bytes) -> set:
    """A candidate is looked up where it stands at the start, whatever follows it."""
    start = re.match(rb"\x80\x02ccandidate\n(name\d+)\n", raw)
    return {start[1].decode()} if start else set()


def check(archives: list[bytes], folder) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(archives):
        (folder / f"{i:05}.pt").write_bytes(data)
    documents = facts(folder, patience=300)
    wrong = []
    for i, data in enumerate(archives):
        told = {shown(imported["name"]) for imported in documents[f"{i:05}.pt"]["imports"]}
        for reader, names in loaded(data).items():
            if names - told:
                wrong.append(f"{reader} loads {names}, Assay tells {told}: {data.hex()}")
        (folder / f"{i:05}.pt").unlink()
    return wrong


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(shape, tmp_path):
    wrong = check([SHAPES[shape]()], tmp_path / "z")
    assert not wrong, "\n".join(wrong)


def test_readers_get_something():
    """Most shapes load somewhere; else this file would test nothing."""
    assert sum(bool(loaded(make())) for make in SHAPES.values()) > 25


def test_a_candidate_that_is_not_told_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setitem(READERS, "another", lambda data: [candidate(99)])
    assert check([zip_file([*honest(10), VERSION])], tmp_path / "z")


def bent(data: bytes, dice: random.Random) -> bytes:
    """Changes a header field here and there, or copies, moves and cuts pieces."""
    data = bytearray(data)
    for _ in range(dice.randrange(1, 4)):
        way = dice.randrange(8)
        marks = [i for magic in (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7") for i in places(data, magic)]
        at = dice.choice(marks) if marks else 0
        if way <= 3:  # one field of one header
            field = at + 4 + dice.randrange(42)
            if field < len(data):
                data[field] = dice.choice([0, 1, 8, 255, data[field] ^ 1 << dice.randrange(8), dice.randrange(256)])
        elif way == 4:
            data[at:at] = bytes(dice.randrange(40))
        elif way == 5:
            end = min(len(data), at + dice.randrange(1, 120))
            data[dice.choice(marks or [0]):0] = data[at:end]
        elif way == 6:
            del data[at:at + dice.randrange(1, 60)]
        else:
            data += data[at:]
    return bytes(data)


def places(data, magic):
    at = data.find(magic)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


@pytest.mark.parametrize("part", range((ARCHIVES + AT_ONCE - 1) // AT_ONCE))
def test_bent_archives(part, tmp_path):
    dice = random.Random(SEED * 1000 + part)
    made = [make() for make in SHAPES.values() if len(make()) < 5000]
    wrong = check([bent(dice.choice(made), dice) for _ in range(AT_ONCE)], tmp_path / "z")
    assert not wrong, f"{len(wrong)} archives\n" + "\n".join(w[:1500] for w in wrong[:5])
