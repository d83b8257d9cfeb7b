"""Safetensors: accepted and refused as the reference does, shown by `inspect`, and never safe once cut short.

The reference is the Python package, which holds the same Rust code. Where it is not installed for this Python, it is
fetched from PyPI into build/safetensors; where that cannot be done, what needs it skips and says so.
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys

import pytest

from conftest import CORPUS, ROOT, assay, facts, scan, shown
from recipes.safetensors import DTYPES, aligned, file_of, tensor, with_header

VERSION = "0.8.0"
SEED = int(os.environ.get("ASSAY_SEED", 1))
HEADERS = int(os.environ.get("ASSAY_HEADERS", 6000))
AT_ONCE = 2000
HERE = pathlib.Path(__file__).resolve().parent


# The reference ----------------------------------------------------------------------------------------------------------

@functools.cache
def python_with_package() -> str | None:
    """An interpreter that has the package in the version that was compared."""
    fetched = ROOT / "build" / "safetensors"
    for python in (sys.executable, str(fetched / "bin" / "python")):
        if has_package(python):
            return python
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", fetched], check=True, capture_output=True, timeout=120)
        subprocess.run([fetched / "bin" / "pip", "install", "-q", f"safetensors=={VERSION}"], check=True, capture_output=True,
                       timeout=180)
    except (OSError, subprocess.SubprocessError):
        return None
    return str(fetched / "bin" / "python") if has_package(fetched / "bin" / "python") else None


def has_package(python) -> bool:
    check = f"import safetensors; assert safetensors.__version__ == '{VERSION}'"
    try:
        return subprocess.run([python, "-c", check], capture_output=True, timeout=60, check=False).returncode == 0
    except OSError:
        return False


def package(*words, **more):
    python = python_with_package()
    if python is None:
        pytest.skip(f"safetensors {VERSION} is not installed, and PyPI cannot be reached")
    done = subprocess.run([python, "-I", HERE / "safetensors_package.py", *words], capture_output=True, check=True, timeout=300, **more)
    return json.loads(done.stdout)


def opened_by_assay(folder) -> dict:
    """By name, whether Assay takes a file for a safetensors file that the reference opens."""
    return {name: "safetensors" in [shown(f) for f in document["members"][0]["formats"]]
            and not any(shown(stop["reader"]) == "safetensors" for stop in document["stops"])
            for name, document in facts(folder, patience=300).items()}


def differences(files: list[bytes], folder) -> list[str]:
    folder.mkdir()
    for i, data in enumerate(files):
        (folder / f"{i:05}").write_bytes(data)
    theirs, ours = package("read", folder), opened_by_assay(folder)
    shutil.rmtree(folder)
    assert theirs.keys() == ours.keys()
    return [f"the package says {theirs[name]}, Assay {'opens' if ours[name] else 'refuses'} {files[int(name)]!r}"
            for name in theirs if isinstance(theirs[name], list) != ours[name]]


# Headers ----------------------------------------------------------------------------------------------------------------

PLAIN = with_header({"__metadata__": {"format": "pt"}, "w": tensor("F32", [2], 0, 8), "b": tensor("BF16", [], 8, 10)}, bytes(10))
ONE = with_header({"a": tensor()}, b"x")  # what is left where only something appended was cut off
SEEDS = [
    PLAIN, aligned("{}"), ONE, aligned('{"a":["U8",[1],[0,1]]}', b"x"),
    with_header({"a": tensor("F4", [2], 0, 1), "b": tensor("F6_E2M3", [4], 1, 4), "c": tensor("C64", [0, 3], 4, 4)}, b"xxxx"),
    with_header({"a": tensor(extra={"x": [1.5, None, True, "\u00e9", {"y": -1e300}]})}, b"x"),
    aligned('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]}}', b"x"),
    file_of(' \n{ "\\ud83d\\ude00\\u0000" : { "shape" : [ ] , "dtype" : "I8" , "data_offsets" : [ 0 , 1 ] } }\t', b"x"),
]
PIECES = [b'{', b'}', b'[', b']', b',', b':', b'"', b'\\', b' ', b'\n', b'null', b'true', b'NaN', b'0', b'1', b'2', b'-', b'-0', b'.5', b'e5',
          b'1e308', b'1e309', b'17976931348623158e292', b'179769313486231599e291', b'18446744073709551615', b'18446744073709551616',
          b'"a"', b'"a":', b'"dtype":"U8"', b'"dtype":', b'"shape":[1]', b'"data_offsets":[0,1]', b'"__metadata__":{}', b'"__metadata__":null',
          b'"U8"', b'"F4"', b'{"U8":null}', b'["U8",[1],[0,1]]', b'\\u0041', b'\\ud800', b'\\udc00', b'\\ud83d\\ude00', b'\xc3\xa9', b'\xff',
          b'\0', b'\x7f', b'\t', b'[' * 125 + b']' * 125, b'[' * 126 + b']' * 126, b'\xef\xbb\xbf']


def bent(whole: bytes, dice: random.Random) -> bytes:
    """A few changes to the JSON; the length in front is right again unless it is what is changed."""
    (length,) = struct.unpack("<Q", whole[:8])
    header, data = bytearray(whole[8:8 + length]), bytearray(whole[8 + length:])
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(header) + 1)
        end = min(len(header), at + dice.randrange(1, 12))
        way = dice.randrange(6)
        if way == 0:
            header[at:at] = dice.choice(PIECES)
        elif way == 1:
            header[at:end] = dice.choice(PIECES)
        elif way == 2:
            del header[at:end]
        elif way == 3:
            header[at:at] = header[at:end]
        elif way == 4 and at < len(header):
            header[at] = dice.choice((header[at] ^ 1 << dice.randrange(8), dice.randrange(256)))
        else:
            numbers = list(re.finditer(rb"\d+", header))
            if numbers:
                number = dice.choice(numbers)
                header[number.start():number.end()] = b"%d" % max(0, int(number[0]) + dice.choice((-1, 1, 7, 1 << 62)))
    if dice.randrange(8) == 0:
        data = data[:dice.randrange(len(data) + 1)] + bytes(dice.randrange(3))
    declared = len(header) + (dice.choice((-1, 1, 1 << 40)) if dice.randrange(40) == 0 else 0)
    return struct.pack("<Q", max(0, declared)) + header + data


@pytest.mark.parametrize("part", range((HEADERS + AT_ONCE - 1) // AT_ONCE))
def test_bent_headers_are_opened_by_both_or_by_neither(part, tmp_path):
    dice = random.Random(SEED * 1000 + part)
    wrong = differences([bent(dice.choice(SEEDS), dice) for _ in range(AT_ONCE)], tmp_path / "s")
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(w[:1500] for w in wrong[:5])


def test_seeds_corpus_and_numbers_are_opened_by_both_or_by_neither(tmp_path):
    cases = [p.read_bytes() for p in sorted(CORPUS.glob("cases/safetensors/*/input.safetensors"))]
    dice = random.Random(SEED)
    numbers = [f"{dice.randrange(10 ** dice.randrange(1, 25))}{dice.choice(['', f'.{dice.randrange(10 ** 9)}'])}e{dice.randrange(280, 312)}"
               for _ in range(500)]
    near = [f"{17976931348623157 + dice.randrange(-3, 3)}{dice.randrange(1000):0{dice.randrange(1, 4)}}e{dice.randrange(288, 293)}"
            for _ in range(500)]
    ignored = [aligned('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":' + n + "}}", b"x") for n in numbers + near]
    assert len(cases) > 40
    wrong = differences(SEEDS + cases + ignored, tmp_path / "s")
    assert not wrong, "\n".join(w[:1500] for w in wrong[:5])


def test_some_of_what_is_compared_is_opened(tmp_path):
    """Else the test would only compare refusals."""
    dice = random.Random(SEED)
    for i in range(1000):
        (tmp_path / str(i)).write_bytes(bent(dice.choice(SEEDS), dice))
    assert sum(isinstance(answer, list) for answer in package("read", tmp_path).values()) > 50


# Files of the package --------------------------------------------------------------------------------------------------

def test_what_the_package_writes_is_clean_and_shown(tmp_path):
    words = {"bool": "BOOL", "uint8": "U8", "float8_e4m3fn": "F8_E4M3", "bfloat16": "BF16", "int32": "I32", "complex64": "C64", "float64": "F64"}
    tensors = {f"{word}.\u00e9\n\"": [word, [3], bytes(3 * DTYPES[dtype] // 8).hex()] for word, dtype in words.items()}
    (data,) = package("write", input=json.dumps([[tensors, {"format": "np"}]]).encode())
    (tmp_path / "theirs").write_bytes(bytes.fromhex(data))
    (artifact,) = scan(tmp_path / "theirs").report["artifacts"]
    assert artifact["status"] == "safe" and not artifact["findings"], artifact
    text = assay("inspect", tmp_path / "theirs").text
    for word, dtype in words.items():
        assert re.search(rf'{word}\.\u00e9\\n" +{dtype} +\[3\] +{3 * DTYPES[dtype] // 8} B\n', text), text


# Without the package ----------------------------------------------------------------------------------------------------

def test_inspect_shows_tensors_and_metadata(tmp_path):
    header = {"__metadata__": {"format": "pt", "evil\x1b[2J": "a\u202eb", "long": "x" * 5000}, "layer.weight": tensor("F16", [2, 3], 0, 12),
              "scale": tensor("F64", [], 12, 20)}
    (tmp_path / "m.safetensors").write_bytes(with_header(header, bytes(20)))
    text = assay("inspect", tmp_path / "m.safetensors").text
    assert re.search(r"layer\.weight +F16 +\[2, 3\] +12 B\n", text) and re.search(r"scale +F64 +\[\] +8 B\n", text)
    assert re.search(r"\nMetadata\n", text) and re.search(r"format +pt\n", text)
    assert "\x1b" not in text and "\u202e" not in text and "x" * 1000 not in text


def test_the_cost_does_not_depend_on_the_tensors(tmp_path):
    """A terabyte of holes: it cannot be read in the time that a scan of a header takes."""
    size = 1 << 40
    header = json.dumps({"weight": tensor("U8", [size], 0, size)}, separators=(",", ":"))
    (tmp_path / "large.safetensors").write_bytes(aligned(header))
    os.truncate(tmp_path / "large.safetensors", len(aligned(header)) + size)
    (artifact,) = scan(tmp_path / "large.safetensors", patience=20).report["artifacts"]
    assert artifact["status"] == "safe", artifact


def test_no_file_that_was_cut_short_is_safe(tmp_path):
    whole = {p.parent.name: p.read_bytes() for p in CORPUS.glob("cases/safetensors/*/input.safetensors")}
    assert len(whole) > 40
    for name, data in whole.items():
        (tmp_path / name).mkdir()
        for n in range(8, len(data)):  # fewer bytes are no header: one may be a letter
            (tmp_path / name / str(n)).write_bytes(data[:n])
    artifacts = scan(tmp_path, patience=300).artifacts
    assert len(artifacts) == sum(len(data) - 8 for data in whole.values())
    called_safe = [path for path, artifact in artifacts.items()
                   if artifact["status"] == "safe" and (tmp_path / path).read_bytes() != ONE]
    assert not called_safe, called_safe[:10]
