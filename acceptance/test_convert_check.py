"""assay convert --check: the same, or what differs."""

from __future__ import annotations

import pytest

from archives import Tensor, npy
from conftest import ERROR, FOUND, USAGE, assay
from conversions import changed_value, checkpoint, convert, floats, sharded, simple

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
