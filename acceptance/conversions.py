"""What the tests of assay convert share: checkpoints written byte by byte, and how products are read back."""

from __future__ import annotations

import json
import pathlib
import random
import struct

import pytest

from assembler import Pickle, harmless
from archives import Tensor, state_dict, torch_zip
from conftest import ERROR, FOUND, INTERRUPTED, Answer, assay, validator

UNSAFE = Pickle().value("hook").call("os", "system", "true")


# Making checkpoints, and reading what became of them ------------------------------------------------------------------

def floats(count: int, start: int = 0) -> bytes:
    return struct.pack(f"<{count}f", *range(start, start + count))


def checkpoint(tensors: dict, extra: Pickle | None = None, size: int = 256) -> bytes:
    """Each storage that `tensors` name holds `size` floats, other ones each."""
    keys = sorted({t.key for t in tensors.values()})
    return torch_zip(state_dict(tensors, extra), {key: floats(size, 1000 * i) for i, key in enumerate(keys)})


def simple(*names: str, extra: Pickle | None = None) -> bytes:
    """Four floats of its own under each name."""
    return checkpoint({name: Tensor(key=str(i)) for i, name in enumerate(names)}, extra)


def large(path: pathlib.Path, megabytes: int) -> pathlib.Path:
    """Four tensors of random bytes, so that nothing about them is a hole."""
    count = megabytes * (1 << 20) // 16
    tensors = {f"t{i}": Tensor(key=str(i), numel=count, shape=(count,)) for i in range(4)}
    block = random.Random(1).randbytes(4 * count)
    path.write_bytes(torch_zip(state_dict(tensors), {str(i): block for i in range(4)}))
    return path


def read_safetensors(path: pathlib.Path):
    """Tensors by name as (dtype, shape, bytes), and the metadata; by hand, so that no library stands between."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__", {})
    data = raw[8 + length:]
    assert (8 + length) % 8 == 0
    assert sorted(at for e in header.values() for at in e["data_offsets"])[-1:] in ([len(data)], [])
    return {name: (e["dtype"], tuple(e["shape"]), data[slice(*e["data_offsets"])]) for name, e in header.items()}, metadata


def tensors_of(path: pathlib.Path) -> dict:
    return read_safetensors(path)[0]


def tree(folder: pathlib.Path) -> dict:
    """Everything below, hidden or not, with its bytes; folders end with a slash."""
    return {str(p.relative_to(folder)) + ("/" if p.is_dir() else ""): p.read_bytes() if p.is_file() else None
            for p in folder.rglob("*")}


def convert(*words, **more) -> Answer:
    """With a JSON report, which must be of the documented shape."""
    answer = assay("convert", "--format", "json", *words, **more)
    assert answer.code in (0, FOUND, ERROR, INTERRUPTED), answer
    if answer.out:
        part = "comparison" if "--check" in words else None
        assert not [e.message for e in validator("convert.schema.json", part).iter_errors(answer.report)], answer
    return answer


def one(answer: Answer) -> dict:
    (conversion,) = answer.report["conversions"]
    return conversion


def statuses(answer: Answer) -> dict:
    return {c["sources"][0]["path"].rsplit("/", 1)[-1]: c["status"] for c in answer.report["conversions"]}


SHARDS = {"pytorch_model-00001-of-00002.bin": ("a", "b"), "pytorch_model-00002-of-00002.bin": ("c", "d")}


@pytest.fixture
def sharded(tmp_path):
    folder = tmp_path / "sharded"
    folder.mkdir()
    weight_map = {}
    for file, names in SHARDS.items():
        (folder / file).write_bytes(simple(*names))
        weight_map |= dict.fromkeys(names, file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {"total_size": 64}, "weight_map": weight_map}))
    return folder


def index_in(folder: pathlib.Path) -> dict:
    return json.loads((folder / "model.safetensors.index.json").read_text())


def assert_index_is_true(folder: pathlib.Path, names="abcd"):
    index = index_in(folder)
    assert set(index["weight_map"]) == set(names) and index["metadata"]["total_size"] == 16 * len(names)
    for name, file in index["weight_map"].items():
        assert name in tensors_of(folder / file)


def changed_value(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.fixture
def repository(tmp_path):
    """Checkpoints in nested folders, and what else lies about."""
    root = tmp_path / "repository"
    (root / "unet" / "deep").mkdir(parents=True)
    (root / "pytorch_model.bin").write_bytes(simple("a"))
    (root / "unet" / "diffusion_pytorch_model.bin").write_bytes(simple("b"))
    (root / "unet" / "deep" / "x.ckpt").write_bytes(simple("c"))
    (root / "README.md").write_text("hello")
    (root / "tokenizer.pkl").write_bytes(harmless())
    return root
