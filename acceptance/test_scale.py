"""What the limits must let through: large repositories, archives and pickles are no attacks."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import ROOT, assay, only, scan

sys.path.insert(0, str(ROOT / "bench"))
import inputs  # noqa: E402

SHARDS, TENSORS, TENSOR_BYTES = 200, 20, 100 << 20
MEMBERS = 200_000
SLOTS, OPCODES_PER_SLOT = 5_000_000, 10


def biggest_child() -> int:
    """Bytes, of all children so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def test_a_repository_of_400_gigabytes_in_200_shards(tmp_path):
    name = "pytorch_model-{:05}-of-00200.bin".format
    inputs.sparse_checkpoint(tmp_path / name(1), TENSORS, TENSOR_BYTES)
    if (tmp_path / name(1)).stat().st_blocks * 512 > TENSOR_BYTES:
        pytest.skip("this file system keeps no holes in files")
    for i in range(2, SHARDS + 1):
        subprocess.run(["cp", "--sparse=always", tmp_path / name(1), tmp_path / name(i)], check=True)
    weights = {f"layer{i}.{k}": name(i) for i in range(1, SHARDS + 1) for k in range(TENSORS)}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weights}))
    report = scan(tmp_path).report
    assert report["summary"]["bytes"] > 400 * 10**9
    assert report["status"] == "safe" and len(report["artifacts"]) == SHARDS + 1
    assert {r["to"] for r in report["repository"]["relations"]} == {name(i) for i in range(1, SHARDS + 1)}
    shutil.rmtree(tmp_path)


def test_a_zip_of_200_000_members(tmp_path, payload):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for i in range(MEMBERS):
            archive.writestr(f"d{i % 100}/{i}.txt", b"hello")
    artifact = only(scan(tmp_path / "many.zip"))
    assert artifact["status"] == "safe" and artifact["findings"] == []
    with zipfile.ZipFile(tmp_path / "many.zip", "a") as archive:
        archive.writestr("last.pkl", payload)
    artifact = only(scan(tmp_path / "many.zip"))
    assert artifact["status"] == "unsafe"
    assert [f["member"] for f in artifact["findings"] if f["severity"] == "unsafe"] == ["last.pkl"]


def test_a_pickle_of_50_million_opcodes_and_5_million_memo_slots(tmp_path, payload):
    batch = b"(" + b"".join(b"\x8c\x01" + bytes([97 + i % 26]) + b"\x94" + b"K\x01" * (OPCODES_PER_SLOT - 2) for i in range(1000)) + b"e"
    path = tmp_path / "large.pkl"
    with path.open("wb") as out:
        out.write(b"\x80\x04]\x94")
        for _ in range(SLOTS // 1000):
            out.write(batch)
        out.write(b".")
    before = biggest_child()
    (document,) = [d for d in assay("facts", path).lines if d["schema"].startswith("assay-document/")]
    assert document["pickles"][0]["opcodes"] > SLOTS * OPCODES_PER_SLOT and document["stops"] == []
    assert only(scan(path))["status"] == "safe"
    if before < 100 << 20:  # else another test's child was the biggest
        assert biggest_child() < 128 << 20
    path.unlink()
