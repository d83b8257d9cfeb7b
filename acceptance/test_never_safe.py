"""No damaged copy of a harmful file is called safe while a loader still gets somewhere with it."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import lzma
import os
import random
import shutil
import tarfile
import zipfile
import zlib

import pytest

from conftest import CORPUS, scan
from pickles import readings_of, without_cut_line

AT_ONCE = 4000
ARCHIVE_MUTANTS = int(os.environ.get("ASSAY_ARCHIVE_MUTANTS", 100))
SMALLEST_CUT = 3
MAGICS = (*(bytes([0x80, protocol]) for protocol in range(6)), b"PK\3\4", b"\x1f\x8b\x08", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0",
          b"BZh91AY&SY", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x93NUMPY")

# What a stream may look up and call without harm; nothing else may be reached in a file called safe.
BENIGN = {("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch", "FloatStorage"),
          ("numpy", "dtype"), ("numpy", "ndarray"), ("numpy.core.multiarray", "_reconstruct"),
          ("numpy._core.multiarray", "_reconstruct"), ("builtins", "set"), ("builtins", "frozenset"),
          ("__builtin__", "set"), ("datetime", "date"), ("decimal", "Decimal"), ("_codecs", "encode"),
          ("argparse", "Namespace"), ("operator", "attrgetter"), ("_operator", "attrgetter"), ("operator", "methodcaller"),
          ("pkgutil", "resolve_name"), ("torch.storage", "_load_from_bytes")}
# What may be looked up, and never called, without harm.
BENIGN_TO_NAME = BENIGN | {("operator", "getitem"), ("_operator", "methodcaller")}


@functools.cache
def unsafe_samples() -> dict:
    out = {}
    for path in sorted((CORPUS / "cases").glob("*/*/expect.json")):
        facts = json.loads(path.read_text())
        (sample, *_), name = [p for p in path.parent.iterdir() if p.name.startswith("input")], "/".join(path.parts[-3:-1])
        if facts["status"] == "unsafe" and sample.is_file():
            out[name] = (facts["loader"], sample.name, sample.read_bytes())
    return out


def raw_pickles():
    return {n: d for n, (loader, _, d) in unsafe_samples().items() if loader == "pickle" and len(d) < 2500}


def archives():
    return {n: (f, d) for n, (loader, f, d) in unsafe_samples().items() if loader != "pickle" and len(d) < 40_000}


def judged(files: dict, folder) -> dict:
    """Status by name; the folder is emptied afterwards."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    out = {path: a["status"] for path, a in scan(folder, patience=300).artifacts.items()}
    shutil.rmtree(folder)
    assert len(out) == len(files)
    return out


def harm(data: bytes) -> str | None:
    """What a loader reaches that is not benign."""
    for loader, reading in readings_of([data])[0].items():
        for event in without_cut_line(reading) if loader == "python" else reading.events:
            name = (event[1], event[2].replace("()", "")) if event[0] != "persid" else None
            if name and name not in (BENIGN_TO_NAME if event[0] == "global" else BENIGN):
                return f"{loader}: {event}"
    return None


def is_read(data: bytes) -> bool:
    """A loader gets to the end of a first pickle: what was cut off came after it."""
    return readings_of([data], ("c-memory",))[0]["c-memory"].streams > 0


def check(variants, folder, harm_of, is_whole):
    """`variants`: (name, kind, data). Truncations that keep the magic are damage, unless a reader finds them whole."""
    wrong = []
    batch = {}

    def flush():
        for path, status in judged({n: v[1] for n, v in batch.items()}, folder).items():
            if status != "safe":
                continue
            kind, data = batch[path]
            keeps_magic = kind == "cut" and data.startswith(MAGICS)
            reached = harm_of(data)
            if reached or keeps_magic and not is_whole(data):
                wrong.append(f"{path} {kind}: {reached or 'cut short'}\n    {data.hex()[:600]}")
        batch.clear()
    for name, kind, data in variants:
        batch[f"{len(batch):06}-{name}"] = (kind, data)
        if len(batch) >= AT_ONCE:
            flush()
    if batch:
        flush()
    assert not wrong, f"{len(wrong)} called safe\n" + "\n".join(wrong[:10])


def cuts_of(samples):
    for name, data in samples.items():
        for n in range(1, len(data)):
            yield name.replace("/", "_"), "cut", data[:n]


def changes_of(samples):
    for name, data in samples.items():
        dice = random.Random(name)
        for at in range(len(data)):
            for value in (data[at] ^ 1 << dice.randrange(8), dice.choice(b"\x00.0N(\n\xff\x80"), dice.randrange(256)):
                if value != data[at]:
                    yield name.replace("/", "_"), f"byte {at}", data[:at] + bytes([value]) + data[at + 1:]


def test_pickles_cut_short(tmp_path):
    check(cuts_of(raw_pickles()), tmp_path / "cuts", harm, is_read)


def test_pickles_with_one_byte_changed(tmp_path):
    check(changes_of(raw_pickles()), tmp_path / "changes", harm, is_read)


# Archives ------------------------------------------------------------------------------------------------------------

def unpacked(data: bytes, depth=0) -> list[bytes]:
    """Every stream that a common reader takes out of `data`, and what is inside those."""
    out = [data]
    if depth == 4:
        return out
    for reader in (from_zip, from_torch, from_tar, from_gzip, from_others):
        try:
            parts = reader(data)
        except Exception:  # whatever a reader raises on damage
            continue
        for part in parts:
            out += unpacked(part, depth + 1)
    return out


def from_zip(data):
    archive, out = zipfile.ZipFile(io.BytesIO(data)), []
    for name in archive.namelist():
        try:
            out.append(archive.read(name))
        except Exception:
            continue
    return out


def from_torch(data):
    torch = pytest.importorskip("torch")
    reader, out = torch._C.PyTorchFileReader(io.BytesIO(data)), []
    for name in ("data.pkl", "constants.pkl", ".data/serialization_id"):
        if reader.has_record(name):
            out.append(reader.get_record(name))
    return out


def from_tar(data):
    archive, out = tarfile.open(fileobj=io.BytesIO(data), mode="r:"), []
    for member in archive:
        if member.isfile():
            out.append(archive.extractfile(member).read())
    return out


def from_gzip(data):
    try:
        return [gzip.decompress(data)]
    except Exception:
        return [zlib.decompressobj(31).decompress(data)]  # what there is of the first member


def from_others(data):
    for reader in (bz2.decompress, lzma.decompress, zlib.decompress):
        try:
            return [reader(data)]
        except Exception:
            continue
    return []


def harm_in_archive(data: bytes) -> str | None:
    return next(filter(None, map(harm, unpacked(data))), None)


def test_archives_cut_short(tmp_path):
    def cuts():
        for name, (file, data) in archives().items():
            dice = random.Random(name)
            for n in sorted(dice.sample(range(SMALLEST_CUT, len(data)), min(ARCHIVE_MUTANTS // 2, len(data) - 4))):
                yield f"{name.replace('/', '_')}-{file}", "cut", data[:n]
    check(cuts(), tmp_path / "cuts", harm_in_archive, lambda data: len(unpacked(data)) > 1)


def test_archives_with_one_byte_changed(tmp_path):
    def changes():
        for name, (file, data) in archives().items():
            dice = random.Random(name)
            for at in (dice.randrange(len(data)) for _ in range(ARCHIVE_MUTANTS)):
                yield f"{name.replace('/', '_')}-{file}", f"byte {at}", data[:at] + bytes([dice.randrange(256)]) + data[at + 1:]
    check(changes(), tmp_path / "changes", harm_in_archive, lambda data: len(unpacked(data)) > 1)
