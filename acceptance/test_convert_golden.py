"""What assay convert writes, byte for byte: the products in acceptance/golden are those of the sources made here.

    ASSAY_REGOLD=1 python3 -m pytest acceptance/test_convert_golden.py     writes them anew; look at the difference

The sources are made by the assembler of the corpus, so that data types which no installed torch knows are among them.
"""

from __future__ import annotations

import json
import os
import struct

import pytest

from archives import Tensor, npy, plain_zip, state_dict, torch_legacy, torch_zip
from assembler import Pickle
from conftest import ROOT, assay

GOLDEN = ROOT / "acceptance" / "golden"


def counting(count: int) -> bytes:
    """Bytes that show where they came from."""
    return bytes(i % 251 for i in range(count))


def every_dtype_of_new_torch():
    """float8, float4 and unsigned integers over UntypedStorage, as torch writes them since 2.1."""
    new = {"float8_e5m2": 1, "float8_e4m3fn": 1, "float8_e5m2fnuz": 1, "float8_e4m3fnuz": 1, "float8_e8m0fnu": 1,
           "float4_e2m1fn_x2": 1, "uint16": 2, "uint32": 4, "uint64": 8}
    weights = {name: Tensor(storage="UntypedStorage", key=str(i), numel=6 * size, shape=(2, 3), stride=(3, 1), dtype=name)
               for i, (name, size) in enumerate(new.items())}
    return torch_zip(state_dict(weights), {str(i): counting(6 * size) for i, size in enumerate(new.values())})


def views_and_tied_names():
    whole = dict(key="0", numel=24)
    weights = {"a": Tensor(**whole, shape=(4, 6), stride=(6, 1)), "tied": Tensor(**whole, shape=(4, 6), stride=(6, 1)),
               "transposed": Tensor(**whole, shape=(6, 4), stride=(1, 6)),
               "row": Tensor(**whole, shape=(6,), stride=(1,), offset=12),
               "expanded": Tensor(**whole, shape=(3, 2), stride=(0, 1), offset=1)}
    return torch_zip(state_dict(weights), {"0": counting(96)})


def big_endian():
    weights = {"f": Tensor(numel=2, shape=(2,)), "c": Tensor(storage="ComplexFloatStorage", key="1", numel=1, shape=(1,)),
               "h": Tensor(storage="HalfStorage", key="2", numel=2, shape=(2,), stride=(1,))}
    data = {"0": struct.pack(">2f", 1.5, -2.25), "1": struct.pack(">2f", 3.0, -4.0), "2": struct.pack(">2e", 0.5, -8.0)}
    return plain_zip({"archive/data.pkl": state_dict(weights), "archive/byteorder": b"big", "archive/version": b"3\n",
                      **{f"archive/data/{key}": raw for key, raw in data.items()}})


def legacy():
    weights = {"w": Tensor(numel=4, shape=(2, 2), stride=(1, 2), legacy=True)}
    return torch_legacy(state_dict(weights), {"0": (4, counting(16))})


def arrays():
    return plain_zip({"plain.npy": npy("'<f4'", "(2,)", struct.pack("<2f", 1, 2)),
                      "big.npy": npy("'>i2'", "(3,)", struct.pack(">3h", 1, -2, 3)),
                      "flag.npy": npy("'|b1'", "()", b"\1")}, method=8)


def harmful():
    """The tensors come over, what would have been called does not."""
    return torch_zip(state_dict({"w": Tensor()}, Pickle().value("note").call("posix", "system", "echo carried over")),
                     {"0": counting(16)})


CASES = {
    "new-dtypes.pt": every_dtype_of_new_torch,
    "views.pt": views_and_tied_names,
    "big-endian.pt": big_endian,
    "legacy.pt": legacy,
    "arrays.npz": arrays,
    "harmful.pt": harmful,
}


@pytest.mark.parametrize("name", CASES)
def test_the_product_is_the_golden_one(name, tmp_path):
    (tmp_path / name).write_bytes(CASES[name]())
    product = (tmp_path / name).with_suffix(".safetensors")
    answer = assay("convert", tmp_path / name, "--format", "json")
    assert answer.code == 0, answer
    golden = GOLDEN / product.name
    if os.environ.get("ASSAY_REGOLD"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_bytes(product.read_bytes())
    assert product.read_bytes() == golden.read_bytes()


def test_nothing_of_a_payload_is_carried_over(tmp_path):
    (tmp_path / "harmful.pt").write_bytes(harmful())
    assert assay("convert", tmp_path / "harmful.pt").code == 0
    product = (tmp_path / "harmful.safetensors").read_bytes()
    assert b"echo carried over" not in product and b"posix" not in product
    (source,) = json.loads(json.loads(product[8:8 + struct.unpack("<Q", product[:8])[0]])["__metadata__"]["assay.sources"])
    assert source["status"] == "unsafe" and "pickle.call.os-system" in source["findings"]
