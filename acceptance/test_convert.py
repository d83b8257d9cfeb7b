"""assay convert of single files, as scripts and people meet it: what it writes, leaves out, refuses and says.

Needs no torch: the checkpoints are written byte by byte. What torch itself reads is compared in test_convert_torch.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

import pytest

from assembler import Pickle, harmless, payload, pickle
from archives import Tensor, npy, plain_zip, state_dict, tensor_pickle, torch_zip
from conftest import ERROR, FOUND, PROGRAM, USAGE, Answer, assay, clean_environment, scan
from test_command_line import write_sparse_checkpoint
from conversions import (repository, UNSAFE, assert_index_is_true, checkpoint, convert, floats, one,
                       read_safetensors, sharded, simple, statuses, tensors_of, tree)

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


def test_the_time_of_everything_has_the_scan_in_it(tmp_path):
    (tmp_path / "model.bin").write_bytes(simple("weight"))
    report = convert(tmp_path / "model.bin").report
    assert report["seconds"] > sum(report["conversions"][0]["seconds"].values()) > 0


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
