"""The files that are measured: made once, the same bytes on every machine, and nothing in them that runs code.

Each maker writes one file or folder below the data folder and returns its path. Something that is already there and
whole is not made again: makers write beside their target and rename it at the end.
"""

import contextlib
import pathlib
import pickle
import random
import shutil
import struct
import sys
import types
import zlib

BLOCK = 1 << 20  # bytes written at once


@contextlib.contextmanager
def _complete(path):
    """A path to write to, which becomes `path` only if everything went well."""
    part = path.with_name(path.name + ".part")
    if part.is_dir():
        shutil.rmtree(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    yield part
    part.rename(path)


def many_dicts(data, dicts=140_000):
    """A pickle of dicts as a table of records leaves it: about 20 MB and 3.8 million opcodes."""
    path = data / f"dicts-{dicts}.pkl"
    if path.exists():
        return path
    chance = random.Random(1)
    records = [
        {
            "id": i,
            "name": f"record number {i:06} of the scanner benchmark",
            "owner": f"owner-{chance.randrange(10**6):06}@department.example.org",
            "score": chance.random(),
            "weight": chance.random(),
            "count": chance.randrange(10**6),
            "tags": ("train", "text"),
            "size": [chance.randrange(1000), chance.randrange(1000)],
        }
        for i in range(dicts)
    ]
    with _complete(path) as part:
        part.write_bytes(pickle.dumps(records, protocol=4))
    return path


def small_pickles(data, files):
    """Pickles of about 500 bytes, a thousand to a folder."""
    root = data / f"small-{files}"
    if root.exists():
        return root
    chance = random.Random(2)
    with _complete(root) as part:
        for i in range(files):
            folder = part / f"{i // 1000:03}"
            folder.mkdir(parents=True, exist_ok=True)
            settings = {
                "name": f"experiment-{i:06}",
                "classes": [f"class {k}" for k in range(18)],
                "mean": [chance.random() for _ in range(16)],
                "shape": (3, chance.randrange(32, 512), chance.randrange(32, 512)),
                "trained": bool(i % 2),
                "steps": {"warmup": chance.randrange(1000), "total": chance.randrange(10**6), "note": "made for a benchmark"},
            }
            (folder / f"{i:06}.pkl").write_bytes(pickle.dumps(settings, protocol=4))
    return root


def long_list(data, items):
    """One list of small integers: many items, one memo slot."""
    path = data / f"list-{items}.pkl"
    if path.exists():
        return path
    with _complete(path) as part, part.open("wb") as out:
        out.write(b"\x80\x04]\x94")
        batch = b"(" + b"".join(b"K" + bytes([i % 256]) for i in range(1000)) + b"e"
        for _ in range(items // 1000):
            out.write(batch)
        out.write(b".")
    return path


def many_slots(data, slots):
    """Short texts, each remembered in the memo and dropped again: many memo slots, an empty stack."""
    path = data / f"memo-{slots}.pkl"
    if path.exists():
        return path
    with _complete(path) as part, part.open("wb") as out:
        out.write(b"\x80\x04")
        batch = b"".join(b"\x8c\x01" + bytes([97 + i % 26]) + b"\x940" for i in range(1000))
        for _ in range(slots // 1000):
            out.write(batch)
        out.write(b"N.")
    return path


def bombs(data):
    """What the acceptance tests hold to be small files that cost much, by name."""
    root = pathlib.Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(root / "acceptance"), str(root / "corpus")]
    from bombs import BOMBS
    folder = data / "bombs"
    if not folder.exists():
        with _complete(folder) as part:
            part.mkdir()
            for name, make in BOMBS.items():
                (part / name).write_bytes(make())
    return {path.name: path for path in sorted(folder.iterdir())}


# --- Torch checkpoints, without torch ---------------------------------------------------------------------------


class _StoragePickler(pickle.Pickler):
    """Writes storages as torch.save does: by name, with their bytes elsewhere in the zip."""

    def persistent_id(self, value):
        return value.id if isinstance(value, _Storage) else None


class _Storage:
    def __init__(self, kind, key, elements):
        self.id = ("storage", kind, key, "cpu", elements)


class _Tensor:
    def __init__(self, rebuild, storage, elements):
        self.rebuild, self.storage, self.elements = rebuild, storage, elements

    def __reduce__(self):
        from collections import OrderedDict
        return self.rebuild, (self.storage, 0, (self.elements,), (1,), False, OrderedDict())


def _torch_names():
    """Stand-ins that pickle as torch._utils._rebuild_tensor_v2 and torch.FloatStorage."""
    def _rebuild_tensor_v2(*_):
        raise NotImplementedError("only its name is written")
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    storage = type("FloatStorage", (), {"__module__": "torch"})
    torch, inner = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, torch._utils, inner._rebuild_tensor_v2 = storage, inner, _rebuild_tensor_v2
    return {"torch": torch, "torch._utils": inner}, _rebuild_tensor_v2, storage


def _state_dict(tensors, elements):
    from collections import OrderedDict
    from io import BytesIO
    modules, rebuild, kind = _torch_names()
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        out = BytesIO()
        weights = OrderedDict(
            (f"layers.{i}.weight", _Tensor(rebuild, _Storage(kind, str(i), elements), elements)) for i in range(tensors)
        )
        _StoragePickler(out, protocol=2).dump(weights)
        return out.getvalue()
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class _ZipWriter:
    """Stored entries, each beginning at a multiple of 64 bytes as torch.save lays them out; zip64 where it must be."""

    def __init__(self, out):
        self.out, self.directory, self.entries = out, b"", 0

    def add(self, name, size, crc, write):
        name, offset = name.encode(), self.out.tell()
        padding = -(offset + 30 + len(name) + 4) % 64
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        fixed = struct.pack("<HHHHIII", 0, 0, 0, 0x21, crc, size, size)
        self.out.write(b"PK\3\4" + struct.pack("<H", 45) + fixed + struct.pack("<HH", len(name), len(extra)) + name + extra)
        write(self.out)
        wide = struct.pack("<HHQ", 1, 8, offset) if offset > 0xFFFFFFFE else b""
        self.directory += (
            b"PK\1\2" + struct.pack("<HH", 45, 45) + fixed
            + struct.pack("<HHHHHII", len(name), len(wide), 0, 0, 0, 0, 0xFFFFFFFF if wide else offset) + name + wide
        )
        self.entries += 1

    def add_bytes(self, name, content):
        self.add(name, len(content), zlib.crc32(content), lambda out: out.write(content))

    def finish(self):
        at = self.out.tell()
        self.out.write(self.directory)
        end = self.out.tell()
        if at > 0xFFFFFFFE:
            self.out.write(b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, self.entries, self.entries, end - at, at))
            self.out.write(b"PK\6\7" + struct.pack("<IQI", 0, end, 1))
        self.out.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, self.entries, self.entries, end - at, min(at, 0xFFFFFFFF), 0))


def _torch_zip(path, tensors, tensor_bytes, crc, write):
    with _complete(path) as part, part.open("wb") as out:
        archive = _ZipWriter(out)
        archive.add_bytes("archive/data.pkl", _state_dict(tensors, tensor_bytes // 4))
        archive.add_bytes("archive/byteorder", b"little")
        for i in range(tensors):
            archive.add(f"archive/data/{i}", tensor_bytes, crc, write)
        archive.add_bytes("archive/version", b"3\n")
        archive.finish()


def torch_full(data, tensors=20, tensor_bytes=10 << 20):
    """A checkpoint of 200 MB of random weights."""
    path = data / "torch-200mb.pt"
    if not path.exists():
        block = random.Random(3).randbytes(tensor_bytes)
        _torch_zip(path, tensors, tensor_bytes, zlib.crc32(block), lambda out: out.write(block))
    return path


def torch_sparse(data, tensors=20, tensor_bytes=1 << 30):
    """The same checkpoint with 20 GB of zeros, which take no room on the disk."""
    path = data / "torch-20gb-sparse.pt"
    if not path.exists():
        crc = 0
        for _ in range(tensor_bytes // BLOCK):
            crc = zlib.crc32(bytes(BLOCK), crc)
        _torch_zip(path, tensors, tensor_bytes, crc, lambda out: out.seek(tensor_bytes, 1))
    return path
