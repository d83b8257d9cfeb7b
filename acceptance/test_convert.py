"""assay convert, as scripts and people meet it: what it writes, what it leaves alone, and what is left when it dies.

Needs no torch: the checkpoints are written byte by byte. What torch itself reads is compared in test_convert_torch.py.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import pathlib
import pty
import random
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

from assembler import Pickle, harmless, payload, pickle
from archives import Tensor, npy, plain_zip, state_dict, tensor_pickle, torch_zip
from conftest import ERROR, FOUND, INTERRUPTED, PROGRAM, USAGE, Answer, assay, clean_environment, scan, validator
from test_command_line import write_sparse_checkpoint

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


# One file ------------------------------------------------------------------------------------------------------------

def test_a_file_is_converted_beside_itself(tmp_path):
    source = tmp_path / "pytorch_model.bin"
    source.write_bytes(simple("a", "b"))
    answer = convert(source)
    assert answer.code == 0 and answer.err == b""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.safetensors", "pytorch_model.bin"]
    tensors, metadata = read_safetensors(tmp_path / "model.safetensors")
    assert tensors == {"a": ("F32", (4,), floats(4)), "b": ("F32", (4,), floats(4, 1000))}
    conversion = one(answer)
    assert conversion["status"] == "converted" and conversion["removed"] == []
    assert {t["name"]: t["sha256"] for t in conversion["tensors"]} == {
        name: hashlib.sha256(raw).hexdigest() for name, (_, _, raw) in tensors.items()}
    assert conversion["products"] == [{"path": str(tmp_path / "model.safetensors"), "tensors": 2, "replaces": False,
                                       "size": (tmp_path / "model.safetensors").stat().st_size}]
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert conversion["sources"][0]["sha256"] == digest
    assert metadata.pop("format") == "pt" and re.fullmatch(r"\d+\.\d+\.\d+", metadata.pop("assay.version"))
    (told,) = json.loads(metadata.pop("assay.sources"))
    assert (told["name"], told["sha256"], told["status"]) == ("pytorch_model.bin", digest, "safe")
    assert set(told["findings"]) == {f["rule"] for f in conversion["sources"][0]["findings"]}
    assert metadata == {}


VIEWS = {
    "whole": (Tensor(shape=(16, 16), stride=(16, 1)), lambda i, j: 16 * i + j),
    "transposed": (Tensor(shape=(16, 16), stride=(1, 16)), lambda i, j: 16 * j + i),
    "expanded": (Tensor(shape=(5, 7), stride=(0, 1)), lambda i, j: j),
    "expanded_inside": (Tensor(shape=(5, 7), stride=(2, 0), offset=3), lambda i, j: 3 + 2 * i),
    "offset": (Tensor(shape=(2, 3), stride=(3, 1), offset=100), lambda i, j: 100 + 3 * i + j),
    "columns": (Tensor(shape=(16, 2), stride=(16, 1), offset=5), lambda i, j: 5 + 16 * i + j),
    "every_third": (Tensor(shape=(1, 50), stride=(999, 3)), lambda i, j: 3 * j),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_laid_out_contiguously(tmp_path, name):
    view, place = VIEWS[name]
    view = Tensor(**{**vars(view), "numel": 256})
    (tmp_path / "a.pt").write_bytes(checkpoint({name: view}))
    conversion = one(convert(tmp_path / "a.pt"))
    rows, columns = view.shape
    expected = struct.pack(f"<{rows * columns}f", *(place(i, j) for i in range(rows) for j in range(columns)))
    assert tensors_of(tmp_path / "a.safetensors") == {name: ("F32", view.shape, expected)}
    assert conversion["tensors"][0]["laid_out_anew"] is (name not in ("whole", "offset"))


def test_scalars_and_empty_tensors(tmp_path):
    (tmp_path / "a.pt").write_bytes(checkpoint({
        "scalar": Tensor(shape=(), stride=(), offset=7, numel=256), "none": Tensor(key="1", shape=(0, 3), stride=(3, 1))}))
    convert(tmp_path / "a.pt")
    assert tensors_of(tmp_path / "a.safetensors") == {"scalar": ("F32", (), struct.pack("<f", 7)), "none": ("F32", (0, 3), b"")}


def test_tensors_that_overlap_are_copied_and_told(tmp_path):
    (tmp_path / "a.pt").write_bytes(checkpoint({
        "all": Tensor(shape=(10,), numel=256), "part": Tensor(shape=(4,), offset=8, numel=256),
        "apart": Tensor(shape=(4,), offset=100, numel=256)}))
    conversion = one(convert(tmp_path / "a.pt"))
    assert tensors_of(tmp_path / "a.safetensors")["part"][2] == floats(4, 8)
    (notice,) = conversion["notices"]
    assert "'all' and 'part'" in notice


# Tied tensors --------------------------------------------------------------------------------------------------------

TIED = {"lm_head.weight": Tensor(key="0"), "transformer.wte.weight": Tensor(key="0"), "own": Tensor(key="1")}


@pytest.mark.parametrize("config, kept", [
    (None, "lm_head.weight"), ('{"architectures": ["GPT2LMHeadModel"]}', "transformer.wte.weight"),
    ('{"architectures": ["NobodyKnowsThis"]}', "lm_head.weight"), ('{"architectures": "GPT2LMHeadModel', "lm_head.weight"),
    ("[" * 100_000, "lm_head.weight")], ids=lambda v: str(v)[:40])
def test_one_name_of_tied_tensors_is_kept(tmp_path, config, kept):
    (tmp_path / "pytorch_model.bin").write_bytes(checkpoint(TIED))
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    answer = convert(tmp_path / "pytorch_model.bin")
    (other,) = {"lm_head.weight", "transformer.wte.weight"} - {kept}
    digest = hashlib.sha256(floats(256)[:16]).hexdigest()
    assert one(answer)["tied"] == [{"name": other, "kept": kept, "sha256": digest}]
    tensors, metadata = read_safetensors(tmp_path / "model.safetensors")
    assert set(tensors) == {kept, "own"} and metadata[other] == kept
    assert convert("--check", tmp_path / "pytorch_model.bin", tmp_path / "model.safetensors").code == 0


def test_tied_tensors_are_written_twice_where_it_is_asked(tmp_path):
    (tmp_path / "a.bin").write_bytes(checkpoint(TIED))
    assert one(convert("--copy-tied", tmp_path / "a.bin"))["tied"] == []
    tensors, metadata = read_safetensors(tmp_path / "a.safetensors")
    assert len(tensors) == 3 and tensors["lm_head.weight"] == tensors["transformer.wte.weight"]
    assert set(metadata) == {"format", "assay.version", "assay.sources"}


# What is left out ----------------------------------------------------------------------------------------------------

TRAINING = Pickle().value("epoch").value(3).value("name").value("tiny \U0001F600\n").value("args").value([1, 2])


def test_what_is_left_out_is_told_and_strict_refuses(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w", extra=TRAINING))
    before = tree(tmp_path)
    answer = convert("--strict", tmp_path / "a.bin")
    assert answer.code == FOUND and "--strict" in one(answer)["why"]
    assert one(answer)["products"] == [] and tree(tmp_path) == before
    answer = convert(tmp_path / "a.bin")
    assert answer.code == 0
    assert {l["name"]: l["what"] for l in one(answer)["not_converted"]} == {"epoch": "int", "name": "str", "args": "list of 2"}


def test_strict_takes_what_is_whole(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    assert convert("--strict", tmp_path / "a.bin").code == 0


def test_numbers_and_texts_can_be_kept_as_metadata(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w", extra=TRAINING))
    answer = convert("--keep-metadata", tmp_path / "a.bin")
    assert {l["name"] for l in one(answer)["not_converted"]} == {"args"}
    assert {s["name"]: s["text"] for s in one(answer)["kept_metadata"]} == {"epoch": "3", "name": "tiny \U0001F600\n"}
    metadata = read_safetensors(tmp_path / "a.safetensors")[1]
    assert (metadata["epoch"], metadata["name"]) == ("3", "tiny \U0001F600\n")


def test_a_file_cannot_forge_where_it_comes_from(tmp_path):
    forged = Pickle().value("format").value("tf").value("assay.sources").value("[]").value("assay.version").value("9")
    (tmp_path / "a.bin").write_bytes(simple("w", extra=forged))
    convert("--keep-metadata", tmp_path / "a.bin")
    metadata = read_safetensors(tmp_path / "a.safetensors")[1]
    assert metadata["format"] == "pt" and metadata["assay.version"] != "9" and json.loads(metadata["assay.sources"])


def test_the_dict_can_be_named(tmp_path):
    def inner(*names):
        body = Pickle().empty_dict()
        for i, name in enumerate(names):
            body.value(name).value(tensor_pickle(Tensor(key=name))).setitem()
        return body
    both = pickle(2).empty_dict().value("state_dict").value(inner("w")).setitem().value("ema").value(inner("v")).setitem()
    (tmp_path / "a.ckpt").write_bytes(torch_zip(bytes(both.stop()), {"w": floats(4), "v": floats(4)}))
    assert set(tensors_of_conversion(tmp_path, "a.ckpt")) == {"w"}
    assert set(tensors_of_conversion(tmp_path, "a.ckpt", "--key", "ema")) == {"v"}
    assert set(tensors_of_conversion(tmp_path, "a.ckpt", "--key", "")) == {"state_dict.w", "ema.v"}
    answer = convert("--force", "--key", "nothing", tmp_path / "a.ckpt")
    assert answer.code != 0 and "nothing" in one(answer)["why"]


def tensors_of_conversion(folder, name, *words) -> dict:
    answer = convert("--force", *words, folder / name)
    assert answer.code == 0, answer
    return tensors_of(pathlib.Path(one(answer)["products"][0]["path"]))


# Unsafe sources ------------------------------------------------------------------------------------------------------

def test_an_unsafe_source_is_converted_and_its_payload_stays_behind(tmp_path):
    (tmp_path / "evil.bin").write_bytes(simple("w", extra=UNSAFE))
    answer = convert(tmp_path / "evil.bin")
    source = one(answer)["sources"][0]
    assert answer.code == 0 and source["status"] == "unsafe"
    assert "pickle.call.os-system" in {f["rule"] for f in source["findings"]}
    raw = (tmp_path / "evil.safetensors").read_bytes()
    assert b"\nsystem" not in raw and b"cos\n" not in raw and b"true" not in raw
    told = json.loads(read_safetensors(tmp_path / "evil.safetensors")[1]["assay.sources"])
    assert told[0]["status"] == "unsafe" and "pickle.call.os-system" in told[0]["findings"]
    assert scan(tmp_path / "evil.safetensors").code == 0
    assert b"os-system" in assay("convert", "--force", tmp_path / "evil.bin").out


def test_tensors_that_depend_on_a_call_are_refused_and_the_call_is_named(tmp_path):
    whole = pickle(2).call("nobody_knows", "make_model", "this").stop()
    (tmp_path / "a.bin").write_bytes(torch_zip(bytes(whole), {"0": floats(4)}))
    before = tree(tmp_path)
    answer = convert(tmp_path / "a.bin")
    assert answer.code == FOUND and "nobody_knows.make_model" in str(one(answer)["not_converted"])
    assert b"nobody_knows.make_model" in assay("convert", tmp_path / "a.bin").out
    assert tree(tmp_path) == before


@pytest.mark.parametrize("data", [b"", b"hello\n", harmless(), payload(), b"\x80\x02", bytes(1000)], ids=lambda d: repr(d[:12]))
def test_a_named_file_without_tensors_is_no_success(tmp_path, data):
    """A script that removes the source afterwards must not be told that all is well."""
    (tmp_path / "a.bin").write_bytes(data)
    answer = convert(tmp_path / "a.bin")
    assert answer.code in (FOUND, ERROR) and one(answer)["why"], answer
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_that_is_safetensors_already(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    convert(tmp_path / "a.bin")
    before = tree(tmp_path)
    answer = convert(tmp_path / "a.safetensors")
    assert answer.code == 0 and "already" in one(answer)["why"] and tree(tmp_path) == before


@pytest.mark.parametrize("cut", [1, 100, 300, 600])
def test_a_damaged_file_leaves_nothing(tmp_path, cut):
    whole = simple("a", "b")
    (tmp_path / "a.bin").write_bytes(whole[:-cut])
    answer = convert(tmp_path / "a.bin")
    if answer.code != 0:
        assert one(answer)["why"] and [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_tensor_that_repeats_a_few_bytes_without_end_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(checkpoint({"w": Tensor(shape=(1 << 40,), stride=(0,), numel=256)}))
    answer = convert(tmp_path / "a.bin")
    assert answer.code == FOUND and "repeat" in one(answer)["why"] and len(list(tmp_path.iterdir())) == 1


# Folders -------------------------------------------------------------------------------------------------------------

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


PRODUCTS = {"model.safetensors": "a", "unet/diffusion_pytorch_model.safetensors": "b", "unet/deep/x.safetensors": "c"}


def test_a_folder_is_converted_in_place(repository):
    before = tree(repository)
    answer = convert(repository)
    assert answer.code == 0
    assert statuses(answer) == {"pytorch_model.bin": "converted", "diffusion_pytorch_model.bin": "converted",
                                "x.ckpt": "converted", "tokenizer.pkl": "skipped"}
    after = tree(repository)
    assert set(after) - set(before) == set(PRODUCTS) and {k: after[k] for k in before} == before


@pytest.mark.parametrize("spelling", ["out", "out/", "there", "new/er"])
def test_an_output_folder_keeps_the_tree(repository, tmp_path, spelling):
    (tmp_path / "there").mkdir()
    before = tree(repository)
    answer = convert(repository, "-o", f"{tmp_path}/{spelling}")
    assert answer.code == 0, answer
    out = tmp_path / spelling
    assert {p for p in tree(out) if not p.endswith("/")} == set(PRODUCTS)
    assert all(set(tensors_of(out / path)) == {name} for path, name in PRODUCTS.items())
    assert tree(repository) == before


@pytest.mark.parametrize("where", [".", "./", "../repository"])
def test_a_folder_may_be_named_in_any_way(repository, where):
    assert convert(where, cwd=repository).code == 0
    assert set(PRODUCTS) <= set(tree(repository))


def test_several_files_do_not_fit_into_one(repository, tmp_path):
    target = tmp_path / "one.safetensors"
    answer = assay("convert", repository, "-o", target)
    assert answer.code == ERROR and answer.err.count(b"\n") == 1 and b"no folder" in answer.err and not target.exists()


def test_a_folder_of_one_checkpoint_goes_to_a_folder_too(tmp_path):
    """What -o means must not depend on how many files a folder happens to hold."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(simple("a"))
    assert convert(tmp_path / "in", "-o", tmp_path / "out").code == 0
    assert set(tree(tmp_path / "out")) == {"a.safetensors"}
    assert convert(tmp_path / "in", "-o", tmp_path / "named.safetensors").code == 0
    assert (tmp_path / "named.safetensors").is_file()


def test_two_sources_do_not_become_one_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("x"))
    (tmp_path / "a.pt").write_bytes(simple("y"))
    for words in ([], ["--force"], ["--dry-run", "-o", f"{tmp_path}/other/"]):
        answer = convert(tmp_path, *words)
        assert answer.code == FOUND
        (why,) = [c["why"] for c in answer.report["conversions"] if c["status"] == "refused"]
        assert "a.bin becomes" in why and "a.safetensors" in why
        assert set(tensors_of(tmp_path / "a.safetensors")) == {"x"}


def test_files_of_one_name_from_two_folders_do_not_become_one_file(tmp_path):
    for folder, name in (("1", "x"), ("2", "y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.bin").write_bytes(simple(name))
    answer = convert(tmp_path / "1/a.bin", tmp_path / "2/a.bin", "-o", f"{tmp_path}/out/")
    assert answer.code == FOUND and [c["status"] for c in answer.report["conversions"]] == ["converted", "refused"]
    assert set(tensors_of(tmp_path / "out/a.safetensors")) == {"x"}


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "outside.bin").write_bytes(simple("secret"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.bin").symlink_to("../outside.bin")
    answer = convert(tmp_path / "in")
    assert [p.name for p in (tmp_path / "in").iterdir()] == ["link.bin"], answer


def test_an_empty_folder(tmp_path):
    answer = assay("convert", tmp_path)
    assert (answer.code, answer.text) == (0, "there is no checkpoint here\n")


# Shards --------------------------------------------------------------------------------------------------------------

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


def test_a_sharded_model_keeps_its_shards(sharded):
    answer = convert(sharded)
    assert answer.code == 0 and one(answer)["index"].endswith("model.safetensors.index.json")
    assert_index_is_true(sharded)
    assert set(index_in(sharded)["weight_map"].values()) == {f"model-0000{i}-of-00002.safetensors" for i in (1, 2)}
    first = json.loads(read_safetensors(sharded / "model-00001-of-00002.safetensors")[1]["assay.sources"])
    assert [s["name"] for s in first] == ["pytorch_model-00001-of-00002.bin"]
    again = convert(sharded)
    assert again.code == 0 and one(again)["status"] == "there"


def test_a_sharded_model_goes_to_a_folder(sharded, tmp_path):
    assert convert(sharded, "-o", tmp_path / "out").code == 0
    assert_index_is_true(tmp_path / "out")
    assert convert("--check", sharded, tmp_path / "out").code == 0


def test_an_index_keeps_the_name_of_its_model(sharded):
    for path in list(sharded.iterdir()):
        path.rename(sharded / f"diffusion_{path.name}")
    index = sharded / "diffusion_pytorch_model.bin.index.json"
    index.write_text(index.read_text().replace('"pytorch_model', '"diffusion_pytorch_model'))
    assert convert(sharded).code == 0
    assert {p.name for p in sharded.glob("*.safetensors*")} == {
        "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model-00001-of-00002.safetensors",
        "diffusion_pytorch_model-00002-of-00002.safetensors"}


def test_a_missing_shard_refuses_the_model(sharded):
    (sharded / "pytorch_model-00002-of-00002.bin").unlink()
    before = tree(sharded)
    answer = convert(sharded)
    assert answer.code == FOUND and "pytorch_model-00002-of-00002.bin is missing" in one(answer)["why"]
    assert tree(sharded) == before


def test_shards_can_become_one_file_and_more_files(sharded):
    assert convert(sharded, "--shard-size", "5MB").code == 0
    assert set(tensors_of(sharded / "model.safetensors")) == set("abcd")
    assert not (sharded / "model.safetensors.index.json").exists()
    assert convert(sharded, "--shard-size", "20").code == 0
    assert_index_is_true(sharded)
    assert len(set(index_in(sharded)["weight_map"].values())) == 4
    assert (sharded / "model-00003-of-00004.safetensors").is_file()


@pytest.mark.parametrize("size, files", [("16", 4), ("32B", 2), ("47", 2), ("48", 2), ("64", 1), ("1kB", 1), ("5 MB", 1), ("2GB", 1)])
def test_a_single_file_can_be_sharded(tmp_path, size, files):
    (tmp_path / "a.bin").write_bytes(simple(*"abcd"))
    answer = convert(tmp_path / "a.bin", "--shard-size", size)
    assert answer.code == 0 and len(one(answer)["products"]) == files
    found = {}
    for product in one(answer)["products"]:
        found |= tensors_of(pathlib.Path(product["path"]))
    assert set(found) == set("abcd")
    assert (tmp_path / "a.safetensors.index.json").is_file() is (files > 1)


@pytest.mark.parametrize("size", ["", "many", "-5MB", "5XB"])
def test_a_shard_size_without_sense(tmp_path, size):
    (tmp_path / "a.bin").write_bytes(simple("a"))
    answer = assay("convert", tmp_path / "a.bin", "--shard-size", size)
    assert answer.code == USAGE and answer.err.count(b"\n") == 1 and len(list(tmp_path.iterdir())) == 1


def test_an_index_that_says_something_else_is_not_left_standing(sharded):
    assert convert(sharded).code == 0
    index = sharded / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("00001-of", "00009-of"))
    before = tree(sharded)
    answer = convert(sharded)
    assert answer.code == FOUND and "index.json" in one(answer)["why"] and tree(sharded) == before
    assert convert(sharded, "--force").code == 0
    assert_index_is_true(sharded)


@pytest.mark.parametrize("missing", ["model-00001-of-00002.safetensors", "model.safetensors.index.json"])
def test_half_a_product_is_told(sharded, missing):
    convert(sharded)
    (sharded / missing).unlink()
    before = tree(sharded)
    answer = convert(sharded)
    assert answer.code == FOUND and missing in one(answer)["why"] and "--force" in one(answer)["why"]
    assert tree(sharded) == before
    assert convert(sharded, "--force").code == 0


@pytest.mark.parametrize("blocked", ["model-00002-of-00002.safetensors", "model.safetensors.index.json"])
def test_where_one_of_several_files_cannot_take_its_place_none_does(sharded, blocked):
    convert(sharded)
    (sharded / "model-00001-of-00002.safetensors").write_bytes(b"old")
    (sharded / blocked).unlink()
    (sharded / blocked).mkdir()
    (sharded / blocked / "inside").write_text("here")
    before = tree(sharded)
    answer = convert(sharded, "--force")
    assert answer.code == ERROR and "no regular file" in one(answer)["why"]
    assert tree(sharded) == before


def test_files_that_took_their_place_give_it_back(sharded):
    """The second of three may not be replaced, which only its renaming finds out."""
    convert(sharded)
    for name in ("model-00001-of-00002.safetensors", "model.safetensors.index.json"):
        (sharded / name).write_bytes(b"old")
    stubborn = sharded / "model-00002-of-00002.safetensors"
    if subprocess.run(["chattr", "+i", stubborn], capture_output=True, check=False).returncode != 0:
        pytest.skip("no file can be made immutable here")
    try:
        before = tree(sharded)
        answer = convert(sharded, "--force")
        assert answer.code == ERROR and "Operation not permitted" in one(answer)["why"] and one(answer)["notices"] == []
        assert tree(sharded) == before
    finally:
        subprocess.run(["chattr", "-i", stubborn], check=True)
    assert convert(sharded, "--force").code == 0
    assert_index_is_true(sharded)


# What is there already -----------------------------------------------------------------------------------------------

def stamps(folder):
    return {p.name: (p.stat().st_ino, p.stat().st_mtime_ns, p.stat().st_ctime_ns) for p in folder.iterdir()}


def test_a_second_run_touches_nothing(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    convert(tmp_path / "a.bin")
    before = stamps(tmp_path)
    answer = convert(tmp_path / "a.bin")
    assert answer.code == 0 and one(answer)["status"] == "there" and stamps(tmp_path) == before
    assert b"up to date" in assay("convert", tmp_path / "a.bin").out


def changed_value(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("other", [lambda raw: b"", lambda raw: b"something else", changed_value, lambda raw: raw[:-4],
                                   lambda raw: raw.replace(b'"w"', b'"v"')],
                         ids=["empty", "text", "one bit", "short", "another name"])
def test_another_file_is_never_overwritten_without_force(tmp_path, other):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    convert(tmp_path / "a.bin")
    good = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(other(good))
    before = stamps(tmp_path)
    answer = convert(tmp_path / "a.bin")
    assert answer.code == FOUND and "--force" in one(answer)["why"] and stamps(tmp_path) == before
    answer = convert("--force", tmp_path / "a.bin")
    assert answer.code == 0 and one(answer)["products"][0]["replaces"] is True
    assert (tmp_path / "a.safetensors").read_bytes() == good
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("words", [[], ["--force"], ["--force", "--remove-source"]], ids=" ".join)
def test_the_source_is_never_its_own_product(tmp_path, words):
    source = tmp_path / "a.bin"
    source.write_bytes(simple("w"))
    (tmp_path / "link").symlink_to("a.bin")
    os.link(source, tmp_path / "hard")
    before = tree(tmp_path)
    for target in ("a.bin", "link", "hard"):
        answer = convert(source, "-o", tmp_path / target, *words)
        assert answer.code == FOUND and "source itself" in one(answer)["why"] and tree(tmp_path) == before


def test_output_is_a_folder_a_link_a_pipe_or_a_device(tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(simple("w"))
    (tmp_path / "folder").mkdir()
    assert convert(source, "-o", tmp_path / "folder").code == 0 and (tmp_path / "folder" / "a.safetensors").is_file()
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "link").symlink_to("elsewhere")
    assert convert(source, "-o", tmp_path / "link").code == FOUND
    assert convert(source, "-o", tmp_path / "link", "--force").code == 0
    assert (tmp_path / "elsewhere").read_text() == "precious" and not (tmp_path / "link").is_symlink()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert convert(source, "-o", tmp_path / "dangling").code == FOUND and (tmp_path / "dangling").is_symlink()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (tmp_path / "pipe", tmp_path / "null", "/dev/null", "/dev/stdout"):
        assert convert(source, "-o", path, patience=20).code == FOUND
        answer = convert(source, "-o", path, "--force", patience=20)
        assert answer.code == ERROR and "no regular file" in one(answer)["why"]
    assert (tmp_path / "pipe").is_fifo() and pathlib.Path("/dev/null").is_char_device()


# Sources of all kinds ------------------------------------------------------------------------------------------------

def test_sources_that_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dead").symlink_to("nowhere")
    for path in (tmp_path / "pipe", tmp_path / "dead", "/dev/null", tmp_path / "nowhere"):
        answer = assay("convert", path, patience=20)
        assert answer.code in (FOUND, ERROR), answer
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dead", "pipe"]


def test_a_link_is_converted_under_its_own_name(tmp_path):
    (tmp_path / "blob").write_bytes(simple("w"))
    (tmp_path / "pytorch_model.bin").symlink_to("blob")
    assert convert(tmp_path / "pytorch_model.bin").code == 0
    assert set(tensors_of(tmp_path / "model.safetensors")) == {"w"}


def test_numpy_archives(tmp_path):
    (tmp_path / "a.npz").write_bytes(plain_zip({"x.npy": npy("'<f4'", "(4,)", floats(4)), "y.npy": npy("'>f4'", "(2,)", struct.pack(">2f", 1, 2))}))
    (tmp_path / "packed.npz").write_bytes(plain_zip({"x.npy": npy("'<f4'", "(4,)", floats(4)), "y.npy": npy("'>f4'", "(2,)", struct.pack(">2f", 1, 2))}, method=8))
    for name in ("a", "packed"):
        assert convert(tmp_path / f"{name}.npz").code == 0
        tensors, metadata = read_safetensors(tmp_path / f"{name}.safetensors")
        assert tensors == {"x": ("F32", (4,), floats(4)), "y": ("F32", (2,), floats(2, 1))} and metadata["format"] == "np"
    assert convert("--check", tmp_path / "a.npz", tmp_path / "packed.safetensors").code == 0
    (tmp_path / "single.npy").write_bytes(npy("'<f4'", "(4,)", floats(4)))
    assert convert(tmp_path / "single.npy").code == 0
    assert set(tensors_of(tmp_path / "single.safetensors")) == {"single"}
    assert convert("--check", tmp_path / "single.npy", tmp_path / "single.safetensors").code == 0


NAMES = ["new\nline", "\x1b[2J\x1b]0;owned\x07", "日本語", "\u202eevil", "quote\"'\\", " ", "a" * 4000, "nul\0", "../../etc/passwd"]


def test_hostile_tensor_names_come_back_whole_and_act_on_no_terminal(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple(*NAMES))
    answer = convert(tmp_path / "a.bin")
    assert answer.code == 0 and answer.out.isascii()
    assert set(tensors_of(tmp_path / "a.safetensors")) == set(NAMES) == {t["name"] for t in one(answer)["tensors"]}
    assert_harmless(assay("convert", "--force", "-v", tmp_path / "a.bin"))
    (tmp_path / "b.bin").write_bytes(checkpoint({name: Tensor() for name in NAMES}, extra=Pickle().value("\x1b[31m").value("\x9b")))
    assert_harmless(assay("convert", "-v", "--keep-metadata", tmp_path / "b.bin"))
    assert_harmless(assay("convert", "-v", "--strict", "--force", tmp_path / "b.bin"))
    assert_harmless(assay("convert", "--check", tmp_path / "a.bin", tmp_path / "b.bin"))


@pytest.mark.parametrize("name", [b"new\nline.bin", b"\xff\xfe.bin", b"\x1b[31mred\x1b[0m.bin", b"-dash.bin", b" space .bin",
                                  "日本語.bin".encode(), b"\xe2\x80\xaenib.exe", b"n" * 239 + b".bin"], ids=repr)
def test_odd_paths(tmp_path, name):
    source = os.path.join(os.fsencode(tmp_path), name)
    with open(source, "wb") as file:
        file.write(simple("w", extra=UNSAFE))
    answer = convert(tmp_path)
    assert answer.code == 0, answer
    product = name.removesuffix(b".bin") + b".safetensors"
    assert sorted(os.listdir(os.fsencode(tmp_path))) == sorted([name, product])
    assert_harmless(assay("convert", "-v", "--force", tmp_path))
    os.truncate(source, 100)
    assert_harmless(assay("convert", "-v", "--force", source))
    assert_harmless(assay("convert", "-v", source, source + b"-not-there"))
    try:
        name.decode()
    except UnicodeDecodeError:
        assert bytes.fromhex(one(answer)["products"][0]["path_bytes"]).endswith(product)


def test_a_name_that_grows_too_long_is_an_error(tmp_path):
    (tmp_path / ("n" * 250 + ".bin")).write_bytes(simple("w"))
    answer = convert(tmp_path)
    assert answer.code == ERROR and "File name too long" in one(answer)["why"] and len(list(tmp_path.iterdir())) == 1


def assert_harmless(answer: Answer):
    shown = answer.out + answer.err
    assert not set(shown) & (set(range(32)) - {10}) and b"\x7f" not in shown, answer
    assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069]", shown.decode()), answer


# Removing, trying ----------------------------------------------------------------------------------------------------

def test_the_source_is_removed_only_where_nothing_is_lost(tmp_path):
    (tmp_path / "whole.bin").write_bytes(simple("w"))
    (tmp_path / "more.bin").write_bytes(simple("w", extra=TRAINING))
    answer = convert("--remove-source", tmp_path)
    assert answer.code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["more.bin", "more.safetensors", "whole.safetensors"]
    told = {c["sources"][0]["path"].rsplit("/", 1)[-1]: c for c in answer.report["conversions"]}
    assert told["whole.bin"]["removed"] == [str(tmp_path / "whole.bin")]
    assert told["more.bin"]["removed"] == [] and any("was kept" in n for n in told["more.bin"]["notices"])


def test_the_source_of_what_is_there_already_is_removed_too(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    convert(tmp_path / "a.bin")
    answer = convert("--remove-source", "--dry-run", tmp_path / "a.bin")
    assert one(answer)["status"] == "there" and one(answer)["removed"] == [] and (tmp_path / "a.bin").exists()
    answer = convert("--remove-source", tmp_path / "a.bin")
    assert one(answer)["status"] == "there" and one(answer)["removed"] == [str(tmp_path / "a.bin")]
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_source_that_could_not_be_read_to_its_end_is_kept(tmp_path):
    """Its directory is gone, its tensors are not: they are saved, and whoever wants to look further still can."""
    (tmp_path / "a.bin").write_bytes(simple("w")[:-30])
    answer = convert("--remove-source", tmp_path / "a.bin")
    assert one(answer)["sources"][0]["status"] == "error" and one(answer)["removed"] == []
    assert (tmp_path / "a.bin").exists()


def test_shards_and_their_index_are_removed(sharded):
    assert convert("--remove-source", sharded).code == 0
    assert {p.name for p in sharded.iterdir()} == {
        "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
    assert_index_is_true(sharded)


def test_nothing_is_removed_where_it_was_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    (tmp_path / "a.safetensors").write_text("precious")
    before = tree(tmp_path)
    assert convert("--remove-source", tmp_path / "a.bin").code == FOUND and tree(tmp_path) == before


def test_of_a_link_only_the_link_is_removed(tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "aaaa").write_bytes(simple("w"))
    (tmp_path / "pytorch_model.bin").symlink_to("blobs/aaaa")
    answer = convert("--remove-source", tmp_path / "pytorch_model.bin")
    assert answer.code == 0 and any("link" in n for n in one(answer)["notices"])
    assert (tmp_path / "blobs" / "aaaa").exists() and not (tmp_path / "pytorch_model.bin").is_symlink()


@pytest.mark.parametrize("words", [[], ["--force"], ["--remove-source"], ["--shard-size", "16"]], ids=" ".join)
def test_a_dry_run_writes_nothing(repository, tmp_path, words):
    before = tree(tmp_path)
    answer = convert("--dry-run", *words, repository, "-o", tmp_path / "out")
    assert answer.code == 0 and tree(tmp_path) == before
    assert set(statuses(answer).values()) == {"planned", "skipped"}
    planned = [c for c in answer.report["conversions"] if c["status"] == "planned"]
    assert all(c["tensors"] and c["products"] for c in planned)


# Comparing -----------------------------------------------------------------------------------------------------------

def test_check_says_the_same_or_what_differs(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w", "v"))
    convert(tmp_path / "a.bin")
    good = tmp_path / "a.safetensors"
    answer = convert("--check", tmp_path / "a.bin", good)
    assert answer.code == 0 and answer.report["same"] and answer.report["equal"] == 2 and answer.report["bytes"] == 32
    (tmp_path / "bit.safetensors").write_bytes(changed_value(good.read_bytes()))
    (tmp_path / "fewer.bin").write_bytes(simple("w"))
    (tmp_path / "shape.bin").write_bytes(checkpoint({"w": Tensor(), "v": Tensor(key="1", shape=(2, 2), stride=(2, 1))}))
    for other, told in {"bit.safetensors": "element 3 differs", "fewer.bin": "only in ", "shape.bin": "F32 [4] and F32 [2, 2]"}.items():
        for pair in ((tmp_path / "a.bin", tmp_path / other), (tmp_path / other, tmp_path / "a.bin")):
            answer = convert("--check", *pair)
            assert answer.code == FOUND and not answer.report["same"]
            assert told in str(answer.report["differences"]) or other == "shape.bin"
    assert len(list(tmp_path.iterdir())) == 5


def test_check_reads_shards_on_both_sides(sharded, tmp_path):
    (tmp_path / "whole.bin").write_bytes(b"")
    convert(sharded, "-o", tmp_path / "same")
    convert(sharded, "-o", tmp_path / "one", "--shard-size", "1GB")
    for left, right in ((sharded, tmp_path / "same"), (tmp_path / "one", sharded), (sharded, tmp_path / "one/model.safetensors")):
        assert convert("--check", left, right).code == 0
    (tmp_path / "same" / "model-00002-of-00002.safetensors").unlink()
    answer = convert("--check", sharded, tmp_path / "same")
    assert answer.code == FOUND and {d["name"] for d in answer.report["differences"]} == {"c", "d"}


def test_check_takes_an_array_without_a_name_for_the_only_tensor_there_is(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy("'<f4'", "(4,)", floats(4)))
    convert(tmp_path / "a.npy", "-o", tmp_path / "named.safetensors")
    for pair in (("a.npy", "named.safetensors"), ("named.safetensors", "a.npy"), ("a.npy", "a.npy")):
        answer = convert("--check", *pair, cwd=tmp_path)
        assert answer.code == 0 and answer.report["equal"] == 1, answer


@pytest.mark.parametrize("words", [["--force"], ["-o", "c.safetensors"], ["--strict"], ["-n"], ["--shard-size", "1GB"]], ids=" ".join)
def test_check_takes_no_option_about_writing(tmp_path, words):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    answer = assay("convert", "--check", "a.bin", "a.bin", *words, cwd=tmp_path)
    assert answer.code == USAGE and answer.err.count(b"\n") == 1


@pytest.mark.parametrize("words", [["a.bin"], ["a.bin", "a.bin", "a.bin"]], ids=" ".join)
def test_check_compares_two(tmp_path, words):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    answer = assay("convert", "--check", *words, cwd=tmp_path)
    assert answer.code == USAGE and answer.err.count(b"\n") == 1


@pytest.mark.parametrize("other", ["nowhere", "empty", "text"])
def test_check_of_what_cannot_be_read(tmp_path, other):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("hello")
    for pair in (("a.bin", other), (other, "a.bin")):
        answer = assay("convert", "--check", *pair, cwd=tmp_path)
        assert answer.code == ERROR and answer.out == b"" and answer.err.count(b"\n") == 1 and other in answer.err.decode()


# The command line ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words", [["convert"], ["convert", "--no-such", "x"], ["convert", "--format", "sarif", "x"],
                                   ["convert", "--format", "xml", "x"]], ids=" ".join)
def test_a_command_line_without_sense(tmp_path, words):
    answer = assay(*words, cwd=tmp_path)
    assert answer.code == USAGE and answer.out == b"" and answer.err.count(b"\n") == 1


def test_the_report_can_go_to_a_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    answer = assay("convert", "--format", "json", "--report", tmp_path / "report.json", tmp_path / "a.bin")
    assert answer.code == 0 and answer.out == b""
    assert json.loads((tmp_path / "report.json").read_text())["conversions"][0]["status"] == "converted"


def test_the_report_says_what_changed(tmp_path):
    (tmp_path / "a.bin").write_bytes(simple("w", extra=TRAINING))
    text = assay("convert", "-v", "a.bin", cwd=tmp_path).text
    for word in ("converted ", "-> a.safetensors", "every byte compared", "epoch: int", "F32 [4]", hashlib.sha256(floats(4)).hexdigest(),
                 "1 converted", "runs no code"):
        assert word in text, text


def test_worst_code_of_several(tmp_path):
    (tmp_path / "good.bin").write_bytes(simple("w"))
    (tmp_path / "bad.bin").write_bytes(simple("w")[:-1700])
    (tmp_path / "taken.bin").write_bytes(simple("w"))
    (tmp_path / "taken.safetensors").write_text("precious")
    assert convert(tmp_path / "good.bin", tmp_path / "bad.bin").code == ERROR
    assert convert(tmp_path / "good.bin", tmp_path / "bad.bin", tmp_path / "taken.bin").code == FOUND


def test_results_are_the_same_from_run_to_run(repository, tmp_path):
    for name in ("1", "2"):
        convert(repository, "-o", tmp_path / name, "--shard-size", "1MB")
    assert tree(tmp_path / "1") == tree(tmp_path / "2")


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@pytest.mark.parametrize("words", [[], ["--force"]], ids=["new", "force"])
def test_umask_is_honoured(tmp_path, mask, mode, words):
    (tmp_path / "a.bin").write_bytes(simple("w"))
    if words:
        (tmp_path / "a.safetensors").touch(mode=0o777)
    subprocess.run([PROGRAM, "convert", *words, tmp_path / "a.bin"], umask=mask, check=True, capture_output=True, env=clean_environment())
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o7777 == mode


def test_memory_does_not_follow_the_size(tmp_path):
    """A gigabyte, of which nothing is there: time is short and memory is bounded all the same."""
    numel = 1 << 28
    write_sparse_checkpoint(tmp_path / "huge.pt", state_dict({
        "w": Tensor(numel=numel, shape=(numel,)), "t": Tensor(numel=numel, shape=(3000, 3000), stride=(1, 3000))}), 4 * numel)
    # Asked of a small process: what is started begins with the size of who starts it.
    ask = ("import os, subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL); "
           "_, status, usage = os.wait4(p.pid, 0); print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)")
    asked = subprocess.run([sys.executable, "-I", "-c", ask, PROGRAM, "convert", tmp_path / "huge.pt"], capture_output=True,
                           env=clean_environment(), check=True)
    code, kibibytes = asked.stdout.split()
    assert int(code) == 0 and int(kibibytes) <= 64 << 10
    product = (tmp_path / "huge.safetensors").stat()
    assert product.st_size > 1 << 30 and product.st_blocks * 512 < 100 << 20


# What is left when it goes wrong -------------------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(folder: pathlib.Path, megabytes: int):
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("words", [[], ["--force"], ["--shard-size", "3MB"]], ids=" ".join)
def test_a_full_disk_leaves_the_old_state(tmp_path, words):
    source = large(tmp_path / "a.bin", 8)
    with small_disk(tmp_path / "disk", 5) as disk:
        (disk / "a.safetensors").write_text("old")
        before = tree(disk)
        target = disk if "--shard-size" in words else disk / "a.safetensors"
        answer = convert(source, "-o", disk / "new" / "a.safetensors" if not words else target, *words)
        assert answer.code == ERROR and "room" in one(answer)["why"] and tree(disk) == before, answer


def test_a_product_may_stand_on_another_file_system(tmp_path):
    source = large(tmp_path / "a.bin", 8)
    with small_disk(tmp_path / "disk", 30) as disk:
        for words in ([], ["--force"]):
            assert convert(source, "-o", disk / "new" / "a.safetensors", *words).code == 0
        assert convert("--check", source, disk / "new" / "a.safetensors").code == 0
        assert set(tree(disk)) == {"new/", "new/a.safetensors"}


def test_a_disk_that_fills_up_meanwhile_leaves_the_old_state(tmp_path):
    """A source with a hole takes less room than it says, so the disk is not asked before."""
    numel = 2 << 20
    source = tmp_path / "a.bin"
    write_sparse_checkpoint(source, state_dict({"w": Tensor(numel=numel, shape=(2, numel // 2), stride=(1, 2))}), 4 * numel)
    with small_disk(tmp_path / "disk", 5) as disk:
        (disk / "a.safetensors").write_text("old")
        before = tree(disk)
        answer = convert(source, "-o", disk / "a.safetensors", "--force")
        assert answer.code == ERROR and "No space left on device" in one(answer)["why"] and tree(disk) == before, answer


def test_a_limit_on_files_is_an_error_and_no_sudden_death(tmp_path):
    source = large(tmp_path / "a.bin", 8)
    done = subprocess.run([PROGRAM, "convert", "--format", "json", source], capture_output=True, env=clean_environment(), check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert answer.code == ERROR and "File too large" in one(answer)["why"], answer
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(0o755)
    (tmp_path / "a.bin").write_bytes(simple("w"))
    before = tree(tmp_path)
    done = subprocess.run([PROGRAM, "convert", "--format", "json", tmp_path / "a.bin"], capture_output=True, env=clean_environment(),
                          user=65534, group=65534, check=False)
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert answer.code == ERROR and "Permission denied" in one(answer)["why"] and tree(tmp_path) == before


def started(*words, **more) -> subprocess.Popen:
    return subprocess.Popen([PROGRAM, "convert", "--format", "json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=clean_environment(), **more)


def test_kill_leaves_the_old_state(tmp_path):
    """Wherever it is hit: under the product's name is what was there, or all of what is new."""
    source = large(tmp_path / "a.bin", 24)
    product = tmp_path / "a.safetensors"
    assert convert(source, "-o", tmp_path / "whole").code == 0
    whole = (tmp_path / "whole").read_bytes()
    began = time.monotonic()
    convert(source, "-o", tmp_path / "timed")
    duration = time.monotonic() - began
    rest = random.Random(3)
    outcomes = set()
    for old in [None, b"old"] * 15:
        product.unlink(missing_ok=True)
        if old is not None:
            product.write_bytes(old)
        running = started(source, "--force", "-o", product)
        time.sleep(rest.uniform(0, 1.2 * duration))
        running.kill()
        running.communicate()
        now = product.read_bytes() if product.exists() else None
        outcomes.add("old" if now == old else "new")
        assert now in (old, whole)
        assert not [p.name for p in tmp_path.iterdir() if p.name not in ("a.bin", "a.safetensors", "whole", "timed")
                    and p.read_bytes() not in (b"old", whole)]
    assert "old" in outcomes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(tmp_path, number):
    source = large(tmp_path / "a.bin", 64)
    rest = random.Random(4)
    codes = []
    for _ in range(12):
        running = started(source, "-o", tmp_path / "new" / "a.safetensors")
        time.sleep(rest.uniform(0.02, 0.25))
        running.send_signal(number)
        out, _ = running.communicate(timeout=60)
        codes.append(running.returncode)
        if running.returncode == 0:
            (tmp_path / "new" / "a.safetensors").unlink()
            (tmp_path / "new").rmdir()
        elif running.returncode == INTERRUPTED:
            assert not out or json.loads(out)["interrupted"] is True
        assert [p.name for p in tmp_path.iterdir()] == ["a.bin"], codes
    assert INTERRUPTED in codes and set(codes) <= {0, INTERRUPTED, -number}


def test_a_source_that_changes_meanwhile_is_told(tmp_path):
    source = large(tmp_path / "a.bin", 32)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            with open(source, "r+b") as handle:
                handle.seek(20 << 20)
                handle.write(b"other")
            time.sleep(0.001)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        answer = convert(source)
    finally:
        stop.set()
        writer.join()
    assert answer.code == ERROR and "changed" in one(answer)["why"] and [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_source_that_shrinks_meanwhile(tmp_path):
    for delay in (0.02, 0.05, 0.1, 0.2):
        source = large(tmp_path / "a.bin", 48)
        running = started(source)
        time.sleep(delay)
        os.truncate(source, 5000)
        out, _ = running.communicate(timeout=60)
        product = tmp_path / "a.safetensors"
        if running.returncode == 0:
            assert product.stat().st_size > 48 << 20
            product.unlink()
        else:
            assert running.returncode == ERROR and json.loads(out)["conversions"][0]["why"]
        assert not product.exists()


def test_two_conversions_at_once(tmp_path):
    source = large(tmp_path / "a.bin", 16)
    for words in ([], ["--force"]):
        for _ in range(3):
            (tmp_path / "a.safetensors").unlink(missing_ok=True)
            both = [started(source, *words) for _ in range(2)]
            for running in both:
                running.communicate(timeout=60)
            assert 0 in [r.returncode for r in both] and {r.returncode for r in both} <= {0, FOUND, ERROR}
            assert convert("--check", source, tmp_path / "a.safetensors").code == 0
            assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bin", "a.safetensors"]


# Terminals -----------------------------------------------------------------------------------------------------------

def on_a_terminal(*words) -> bytes:
    """What a person would see, on standard error."""
    leader, follower = pty.openpty()
    running = subprocess.Popen([PROGRAM, "convert", *words], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                               env=clean_environment(TERM="xterm-256color"))
    os.close(follower)
    out = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            block = os.read(leader, 65536)
        except OSError as error:
            assert error.errno == errno.EIO
            break
        out += block
    os.close(leader)
    assert running.wait(60) == 0
    return out


def test_progress_is_drawn_on_a_terminal_and_wiped(tmp_path):
    """Long enough to be told about: each element is moved by itself."""
    side = 6000
    for name in ("a.pt", "b.pt"):
        write_sparse_checkpoint(tmp_path / name, state_dict({"w": Tensor(numel=side**2, shape=(side, side), stride=(1, side))}), 4 * side**2)
    shown = on_a_terminal(tmp_path).decode()
    frames = shown.split("\r\x1b[K")
    assert any(re.match(r"(writing|verifying|hashing) [01]/2 files · [\d.]+ (\w+ )?of [\d.]+ MB · .*[ab]\.(pt|safetensors)", f) for f in frames), shown[:2000]
    assert all(len(f) < 80 for f in frames[1:-1])
    assert frames[-1].lstrip().startswith(("converted", "\x1b[32mconverted"))


def test_names_do_not_act_on_a_terminal(tmp_path):
    (tmp_path / "\x1b]0;owned\x07\x1b[2J.bin").write_bytes(simple("\x1b[2J"))
    shown = on_a_terminal("-v", tmp_path)
    assert b"\x1b]" not in shown and b"\x1b[2J" not in shown and b"\x07" not in shown
    assert b"\x1b[" in shown and b"\x1b" not in on_a_terminal("--force", "--no-colour", tmp_path)
