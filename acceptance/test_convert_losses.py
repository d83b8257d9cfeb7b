"""What a conversion must not lose, hide or claim: each of these once went through without a word."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import time
import zlib

import pytest

from archives import Tensor, npy, plain_zip, state_dict, tensor_pickle, torch_zip
from assembler import Pickle, pickle
from conftest import ERROR, FOUND, INTERRUPTED, PROGRAM, assay, clean_environment
from conversions import UNSAFE, convert, floats, one, read_safetensors, simple


COMPLEX = Tensor(storage="ComplexDoubleStorage", key="1", numel=1, shape=(1,))


def lists_everything(answer, *names):
    assert {entry["name"] for entry in one(answer)["not_converted"]} == set(names), answer


# A clean name for a dirty source ---------------------------------------------------------------------------------------

def test_a_product_of_another_file_is_not_up_to_date(tmp_path):
    source = tmp_path / "q.bin"
    source.write_bytes(simple("w"))
    convert(source)
    product = (tmp_path / "q.safetensors").read_bytes()
    source.write_bytes(simple("w", extra=UNSAFE))
    answer = convert(source, "--remove-source")
    assert answer.code == FOUND and "made from another file" in one(answer)["why"]
    assert source.exists() and (tmp_path / "q.safetensors").read_bytes() == product
    convert(source, "--force")
    (told,) = json.loads(read_safetensors(tmp_path / "q.safetensors")[1]["assay.sources"])
    assert told["status"] == "unsafe"
    assert one(convert(source))["status"] == "there"


def test_a_product_without_what_was_asked_for_is_not_up_to_date(tmp_path):
    source = tmp_path / "k.bin"
    source.write_bytes(simple("w", extra=Pickle().value("epoch").value(7)))
    convert(source)
    answer = convert(source, "--keep-metadata", "--remove-source")
    assert answer.code == FOUND and source.exists()


def test_a_product_of_somebody_else_keeps_the_source(tmp_path):
    source = tmp_path / "k.bin"
    source.write_bytes(simple("w"))
    convert(source)
    product = tmp_path / "k.safetensors"
    tensors, _ = read_safetensors(product)
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
    header += b" " * (-len(header) % 8)
    product.write_bytes(struct.pack("<Q", len(header)) + header + tensors["w"][2])
    answer = convert(source, "--remove-source")
    assert answer.code == 0 and one(answer)["status"] == "there" and one(answer)["removed"] == [] and source.exists()
    assert any("does not say where" in n for n in one(answer)["notices"])


# What would be lost ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, data", [
    ("two.npy", npy("'<f4'", "(4,)", floats(4)) * 2),
    ("behind.npy", zlib.compress(npy("'<f4'", "(4,)", floats(4))) + b"behind the stream"),
    ("two.pkl", bytes(pickle(4).value({"a": 1}).stop()) * 2),
])
def test_what_follows_the_first_object_is_told(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    answer = convert(tmp_path / name, "--strict", "--remove-source")
    assert answer.code == FOUND and (tmp_path / name).exists()


def test_a_number_does_not_hide_a_tensor_of_its_name(tmp_path):
    inner = Pickle().value("a").value({"b": 5})
    (tmp_path / "a.bin").write_bytes(torch_zip(state_dict({"w": Tensor(), "a.b": COMPLEX}, inner), {"0": floats(4), "1": bytes(16)}))
    answer = convert(tmp_path / "a.bin", "--keep-metadata", "--strict")
    assert answer.code == FOUND and not (tmp_path / "a.safetensors").exists()


def test_numbers_of_two_shards_are_not_one(tmp_path):
    for i in (1, 2):
        (tmp_path / f"pytorch_model-0000{i}-of-00002.bin").write_bytes(simple(f"w{i}", extra=Pickle().value("epoch").value(i)))
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(
        {"weight_map": {f"w{i}": f"pytorch_model-0000{i}-of-00002.bin" for i in (1, 2)}}))
    assert convert(tmp_path, "--keep-metadata", "--strict").code == FOUND
    answer = convert(tmp_path, "--keep-metadata", "--remove-source")
    assert answer.code == 0 and one(answer)["removed"] == []
    lists_everything(answer, "epoch")


def test_an_index_that_names_a_tensor_no_shard_has_is_refused(tmp_path):
    (tmp_path / "pytorch_model-00001-of-00001.bin").write_bytes(simple("w"))
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": dict.fromkeys(("w", "v"), "pytorch_model-00001-of-00001.bin")}))
    answer = convert(tmp_path)
    assert answer.code == FOUND and "'v'" in one(answer)["why"]
    assert "name the folder" in one(convert(index))["why"]


def test_an_index_may_name_what_safetensors_cannot_hold(tmp_path):
    shard = "pytorch_model-00001-of-00001.bin"
    (tmp_path / shard).write_bytes(torch_zip(state_dict({"w": Tensor(), "c": COMPLEX}), {"0": floats(4), "1": bytes(16)}))
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"w": shard, "c": shard}}))
    lists_everything(convert(tmp_path, "-n"), "c")
    index.write_text(json.dumps({"weight_map": {"c": shard}}))
    assert any("1 are missing in it" in n for n in one(convert(tmp_path, "-n"))["notices"])


def test_files_that_may_not_be_read_are_told(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody who may not read a file")
    (tmp_path / "a.bin").write_bytes(simple("w"))
    (tmp_path / "b.bin").write_bytes(simple("w"))
    (tmp_path / "b.bin").chmod(0o600)
    for folder in [tmp_path, *tmp_path.parents][:4]:
        folder.chmod(0o777)
    for words in (["convert", "-n"], ["convert", "--check", tmp_path]):
        done = subprocess.run([PROGRAM, *words, tmp_path], capture_output=True, env=clean_environment(), user=65534, check=False)
        assert done.returncode == ERROR and b"b.bin" in done.stdout + done.stderr, done


def test_more_tensors_than_facts_of_a_scan(tmp_path):
    count = 210_000
    raw = bytes(tensor_pickle(Tensor(numel=1, shape=(1,))))
    data = bytearray(bytes(pickle(2).empty_dict().mark()))
    for i in range(count):
        name = f"t{i}".encode()
        data += b"X" + struct.pack("<I", len(name)) + name + raw
    data += b"u."
    (tmp_path / "many.bin").write_bytes(torch_zip(bytes(data), {"0": floats(1)}))
    answer = convert(tmp_path / "many.bin", "--copy-tied")
    assert answer.code == 0 and one(answer)["products"][0]["tensors"] == count


def test_a_checksum_that_numpy_refuses_is_refused(tmp_path):
    data = bytearray(plain_zip({"x.npy": npy("'<f4'", "(4,)", floats(4))}))
    data[data.index(floats(4))] ^= 1
    (tmp_path / "bad.npz").write_bytes(data)
    answer = convert(tmp_path / "bad.npz")
    assert answer.code == ERROR and "checksum" in one(answer)["why"]


# What --check must not call the same -------------------------------------------------------------------------------------

def test_check_tells_what_it_could_not_compare(tmp_path):
    (tmp_path / "a.bin").write_bytes(torch_zip(state_dict({"w": Tensor(), "c": COMPLEX}), {"0": floats(4), "1": bytes(16)}))
    (tmp_path / "b.bin").write_bytes(torch_zip(state_dict({"w": Tensor()}), {"0": floats(4)}))
    for pair in (("a.bin", "b.bin"), ("b.bin", "a.bin"), ("a.bin", "a.bin")):
        answer = convert("--check", *pair, cwd=tmp_path)
        assert answer.code == FOUND and not answer.report["same"]
        assert {d["name"] for d in answer.report["not_compared"]} == {"c"}


def test_check_of_folders_tells_of_checkpoints_without_tensors_to_compare(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.bin").write_bytes(simple("w"))
    convert(source, "-o", tmp_path / "result" / "")
    optimizer = Pickle().value({"state": {}, "param_groups": []})
    (source / "optimizer.pt").write_bytes(torch_zip(bytes(pickle(2).value(optimizer).stop())))
    answer = convert("--check", source, tmp_path / "result")
    assert answer.code == 0 and [d["name"] for d in answer.report["not_compared"]] == [str(source / "optimizer.pt")]


def test_check_of_folders_in_folders_is_refused(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "a.bin").write_bytes(simple("w"))
        (tmp_path / name / "sub" / "b.bin").write_bytes(simple(name))
    answer = assay("convert", "--check", tmp_path / "x", tmp_path / "y")
    assert answer.code == ERROR and b"one model's folder at a time" in answer.err


def test_check_that_is_interrupted_says_so(tmp_path):
    with open(tmp_path / "a.npy", "wb") as out:
        out.write(npy("'|u1'", f"({8 << 30},)", b""))
        out.truncate((8 << 30) + 128)
    running = subprocess.Popen([PROGRAM, "convert", "--check", "a.npy", "a.npy"], cwd=tmp_path, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=clean_environment())
    time.sleep(0.4)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == INTERRUPTED
