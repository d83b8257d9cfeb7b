"""The files that are measured: made once, the same bytes on every machine, and nothing in them that runs code.

Each maker writes one file or folder below the data folder and returns its path. Something that is already there and
whole is not made again: makers write beside their target and rename it at the end.
"""

import base64
import contextlib
import functools
import io
import math
import pathlib
import pickle
import random
import shutil
import string
import struct
import sys
import types
import typing
import zlib
from collections import OrderedDict

import measure

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import secret_line_noise  # noqa: E402

BLOCK = 1 << 20  # bytes written at once
SPARE = 1 << 30  # bytes that are left to everybody else on the disk


def need_room(folder, size, what):
    """Filling somebody's disk is no measurement."""
    free = shutil.disk_usage(folder).free
    if free < size + SPARE:
        raise measure.Skipped(f"{what} needs {(size + SPARE) / 1e9:.1f} GB of disk, and {free / 1e9:.1f} GB are free")


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


class _Weight(typing.NamedTuple):
    name: str
    kind: str  #: of the storage: "HalfStorage"
    shape: tuple

    @property
    def elements(self):
        return math.prod(self.shape)

    @property
    def size(self):
        """Bytes."""
        return self.elements * (4 if self.kind == "FloatStorage" else 2)


class _StoragePickler(pickle.Pickler):
    """Writes storages as torch.save does: by name, with their bytes elsewhere in the zip."""

    def persistent_id(self, value):
        return value.id if isinstance(value, _Storage) else None


class _Storage:
    def __init__(self, kind, key, elements):
        self.id = ("storage", kind, key, "cpu", elements)


class _Tensor:
    def __init__(self, rebuild, storage, shape):
        self.rebuild, self.storage, self.shape = rebuild, storage, shape

    def __reduce__(self):
        stride = tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))
        return self.rebuild, (self.storage, 0, self.shape, stride, False, OrderedDict())


def _torch_names():
    """Stand-ins that pickle as torch._utils._rebuild_tensor_v2 and the storage classes of torch."""
    def _rebuild_tensor_v2(*_):
        raise NotImplementedError("only its name is written")
    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    torch, inner = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils, inner._rebuild_tensor_v2 = inner, _rebuild_tensor_v2
    for name in ("FloatStorage", "HalfStorage", "BFloat16Storage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    return {"torch": torch, "torch._utils": inner}


def _state_dict(weights):
    modules = _torch_names()
    torch, rebuild = modules["torch"], modules["torch._utils"]._rebuild_tensor_v2
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        out = io.BytesIO()
        tensors = OrderedDict(
            (w.name, _Tensor(rebuild, _Storage(getattr(torch, w.kind), str(i), w.elements), w.shape))
            for i, w in enumerate(weights)
        )
        _StoragePickler(out, protocol=2).dump(tensors)
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


def _torch_zip(path, weights, content):
    """`content(i, size)` is the CRC-32 of storage `i` and what writes its bytes."""
    with _complete(path) as part, part.open("wb") as out:
        archive = _ZipWriter(out)
        archive.add_bytes("archive/data.pkl", _state_dict(weights))
        archive.add_bytes("archive/byteorder", b"little")
        for i, weight in enumerate(weights):
            archive.add(f"archive/data/{i}", weight.size, *content(i, weight.size))
        archive.add_bytes("archive/version", b"3\n")
        archive.finish()


def _hole(_, size):
    """Zeros that take no room on the disk."""
    return _crc_of_zeros(size), lambda out: out.seek(size, 1)


@functools.cache
def _crc_of_zeros(size):
    crc = 0
    for at in range(0, size, BLOCK):
        crc = zlib.crc32(bytes(min(BLOCK, size - at)), crc)
    return crc


class _Noise:
    """Random bytes, made once and cut at another place for every storage, so that no two are alike."""

    def __init__(self):
        self.block = random.Random(4).randbytes(BLOCK)

    def __call__(self, i, size):
        crc = 0
        for piece in self._pieces(i, size):
            crc = zlib.crc32(piece, crc)
        return crc, lambda out: out.writelines(self._pieces(i, size))

    def _pieces(self, i, size):
        begin = i * 331 % BLOCK
        whole = memoryview(self.block[begin:] + self.block[:begin])
        for at in range(0, size, BLOCK):
            yield whole[: size - at]


def _equal_weights(tensors, tensor_bytes):
    return [_Weight(f"layers.{i}.weight", "FloatStorage", (tensor_bytes // 4,)) for i in range(tensors)]


def torch_full(data, tensors=20, tensor_bytes=10 << 20):
    """A checkpoint of 200 MB of random weights."""
    path = data / "torch-200mb.pt"
    if not path.exists():
        block = random.Random(3).randbytes(tensor_bytes)
        crc = zlib.crc32(block)
        _torch_zip(path, _equal_weights(tensors, tensor_bytes), lambda *_: (crc, lambda out: out.write(block)))
    return path


def torch_sparse(data, tensors=20, tensor_bytes=1 << 30):
    """The same checkpoint with 20 GB of zeros, which take no room on the disk."""
    path = data / "torch-20gb-sparse.pt"
    if not path.exists():
        sparse_checkpoint(path, tensors, tensor_bytes)
    return path


def sparse_checkpoint(path, tensors, tensor_bytes):
    """`tensors` of so many bytes each, all of them holes in the file."""
    _torch_zip(path, _equal_weights(tensors, tensor_bytes), _hole)


def _language_model(factor):
    """2,997 weights as a model of 187 layers holds them: three tables of 134 MB, 1,122 matrices of 0.5 to 2 MB, the rest
    vectors of a few KB. `factor` makes each of them so many times as tall."""
    weights = [
        _Weight("model.embed_tokens.weight", "HalfStorage", (65536 * factor, 1024)),
        _Weight("model.embed_positions.weight", "FloatStorage", (32768 * factor, 1024)),
    ]
    matrices = {"self_attn.q_proj": (1024, 1024), "self_attn.k_proj": (256, 1024), "self_attn.v_proj": (256, 1024),
                "self_attn.o_proj": (1024, 1024), "mlp.up_proj": (768, 1024), "mlp.down_proj": (1024, 768)}
    for layer in range(187):
        kind, prefix = ("BFloat16Storage", "HalfStorage")[layer % 2], f"model.layers.{layer}"
        for name, (rows, columns) in matrices.items():
            weights.append(_Weight(f"{prefix}.{name}.weight", kind, (rows * factor, columns)))
            weights.append(_Weight(f"{prefix}.{name}.bias", "FloatStorage", (rows * factor,)))
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights.append(_Weight(f"{prefix}.{name}.weight", "FloatStorage", (1024 * factor,)))
            weights.append(_Weight(f"{prefix}.{name}.bias", "FloatStorage", (1024 * factor,)))
    weights += [_Weight(f"model.norm.{part}", "FloatStorage", (1024 * factor,)) for part in ("weight", "bias")]
    return [*weights, _Weight("lm_head.weight", "HalfStorage", (65536 * factor, 1024))]


def mixed_full(data):
    """A checkpoint of 2 GB in about 3,000 tensors of three types, every byte of it on the disk."""
    path = data / "mixed-2gb.pt"
    if not path.exists():
        weights = _language_model(1)
        need_room(data, sum(weight.size for weight in weights), f"making {path.name}")
        _torch_zip(path, weights, _Noise())
    return path


def mixed_sparse(data):
    """The same checkpoint with tensors ten times as large, all zeros: 20 GB that take no room on the disk."""
    path = data / "mixed-20gb-sparse.pt"
    if not path.exists():
        _torch_zip(path, _language_model(10), _hole)
    return path


def mixed_text(data, size=10**9):
    """1 GB as the text of a hub is mixed: prose, code, configuration that nearly holds secrets, base64, some bytes of
    tensors. The same 16 MB again and again."""
    path = data / ("mixed-text.txt" if size == 10**9 else f"mixed-text-{size}.txt")
    if not path.exists():
        need_room(data, size, f"making {path.name}")
        piece = _mixed_piece(random.Random(4), 16 * BLOCK)
        with _complete(path) as part, open(part, "wb") as file:
            for at in range(0, size, len(piece)):
                file.write(piece[: size - at])
    return path


def _mixed_piece(chance, size):
    """A few KB of one kind after another. Half of the words are the commonest hundred, as in any language."""
    words = ["".join(chance.choices("etaoinshrdlucmfwypvbgk", k=chance.randint(2, 11))) for _ in range(4000)]
    kinds = {_prose: 8, _code: 6, _settings: 1, _base64_lines: 2, _tensor_bytes: 3}
    piece = bytearray()
    while len(piece) < size:
        (kind,) = chance.choices(list(kinds), kinds.values())
        piece += kind(chance, lambda: chance.choice(words[: chance.choice((100, 4000))]))
    return bytes(piece[:size])


def _prose(chance, word):
    return ". ".join(" ".join(word() for _ in range(chance.randint(4, 20))).capitalize() for _ in range(40)).encode() + b"\n"


def _code(chance, word):
    lines = (f"    self.{word()}_{word()} = {word()}({word()}[{chance.randrange(99)}], {word()}={chance.random():.3f})\n" for _ in range(60))
    return f"def {word()}_{word()}(self, {word()}, {word()}):\n{''.join(lines)}\n".encode()


def _settings(chance, word):
    """Lines in which a careless scanner finds secrets."""
    names = [f"{word()}_{end}".upper() for end in ("token", "secret", "api_key", "password")]
    return "\n".join(chance.choice(list(secret_line_noise.WRITERS.values()))(chance, names) for _ in range(40)).encode() + b"\n"


def _base64_lines(chance, _):
    return base64.encodebytes(chance.randbytes(4096))


def _tensor_bytes(chance, _):
    return chance.randbytes(4096)


def keyword_floods(data, size=10**6):
    """1 MB each of what makes a scanner for secrets try again and again."""
    chance = random.Random(5)
    letters = string.ascii_letters + string.digits
    floods = {
        "hf_": "hf_", "BEGIN": "-----BEGIN PRIVATE KEY-----", "quotes": '"', "eyJ": "eyJ", "password": "password=Ab1x",
        "issuers": "".join("auth0" + "".join(chance.choices(letters, k=chance.randint(1, 6))) for _ in range(10**5)),
    }
    folder = data / "keyword-floods"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in floods.items():
        (folder / name).write_text((text * (size // len(text) + 1))[:size])
    return {name: folder / name for name in floods}
