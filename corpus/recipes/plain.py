"""What is not a pickle at all: text, pictures, code, other model formats. Most false alarms start here."""

import json
import struct
import zlib

from archives import gzip_stream, plain_zip
from assembler import harmless, payload
from registry import add, case

OS = [("os", "system")]


def png() -> bytes:
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0", 9)) + chunk(b"IEND", b""))


def jpeg() -> bytes:
    """The frame of a JPEG: start, JFIF header, a quantisation table, end."""
    return (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
            + b"\xff\xdb\x00\x43\x00" + bytes([16] * 64) + b"\xff\xd9")


def wav() -> bytes:
    samples = bytes(64)
    return (b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + struct.pack("<I", len(samples)) + samples)


def safetensors() -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    return struct.pack("<Q", len(header)) + header + struct.pack("<ff", 0.5, 0.25)


def gguf() -> bytes:
    def text(s):
        return struct.pack("<Q", len(s)) + s
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")


def onnx() -> bytes:
    """ModelProto with ir_version 8, a producer name and an empty graph."""
    graph = b"\x12\x01g"
    return b"\x08\x08\x12\x07example" + b"\x3a" + bytes([len(graph)]) + graph + b"\x42\x02\x10\x0d"


def hdf5() -> bytes:
    """Signature and superblock version 0; enough to be recognised."""
    return (b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
            + struct.pack("<QQQQ", 0, (1 << 64) - 1, 96, (1 << 64) - 1) + bytes(40))


def noise(count: int) -> bytes:
    """Bytes with no structure, the same every time: a small linear congruence."""
    state, out = 12345, bytearray()
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(state >> 16 & 0xFF)
    return b"\xfe" + bytes(out)


VOCABULARY = "\n".join(["cos", "cat", "call", "car", "(S", "tR.", "the", "of", "and", "##ing"]) + "\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1024\n"

PLAIN = [
    ("empty", "input", b"", "safe", "An empty file holds nothing to load.", []),
    ("vocabulary", "input.txt", VOCABULARY.encode(), "safe",
     "A vocabulary begins with the letter c and a newline, like GLOBAL, and is only text.", ["A25"]),
    ("merges", "input.txt", b"#version: 0.2\nt h\ni n\nc o\n", "safe", "A merges file of a tokenizer is only text.", []),
    ("readme-mentions", "input.md", b"# Model\n\nNever run `os.system('x')` or eval() on it.\n", "safe",
     "A model card mentions os.system and eval, and is only text.", ["A1"]),
    ("text-of-dots", "input.txt", b".....\n", "safe",
     "A line of full stops is STOP five times to a machine and text to everybody else.", []),
    ("text-starting-i", "input.txt", b"I was trained\non text.\n", "safe",
     "A sentence begins with the opcode letter I, and the number after it is no number.", []),
    ("utf8-text", "input.txt", "Gr\u00fc\u00dfe, \u4e16\u754c\n".encode(), "safe", "Text beyond ASCII is text.", []),
    ("utf16-text", "input.txt", "weights\n".encode("utf-16"), "safe", "Text in UTF-16 with its mark is text.", []),
    ("json", "input.json", b'{"hidden_size": 64, "layers": [1, 2], "name": "tiny"}\n', "safe", "Plain JSON.", []),
    ("json-array-of-config", "input.json", b'[{"a": null}, true, 1.5e3]\n', "safe", "A JSON array of plain values.", []),
    ("csv", "input.csv", b"epoch,loss\n1,0.5\n2,0.25\n", "safe", "A table of numbers in text.", []),
    ("yaml", "input.yaml", b"lr: 0.1\nlayers:\n  - 64\n  - 32\n", "safe", "Plain YAML.", []),
    ("png", "input.png", png(), "safe", "A picture of one pixel.", []),
    ("jpeg", "input.jpg", jpeg(), "safe", "The frame of a JPEG picture.", []),
    ("wav", "input.wav", wav(), "safe", "Sixty-four samples of silence.", []),
    ("pdf", "input.pdf", b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0"
     b"/Kids[]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n", "unscanned", "A document without a page; documents can carry scripts, and no reader here looks.", []),
    ("python-source", "input.py", b"import torch\n\n\ndef build():\n    return torch.nn.Linear(2, 2)\n", "unscanned",
     "Python source is executable, and no reader here examines it.", []),
    ("shell-script", "input.sh", b"#!/bin/sh\necho done\n", "unscanned", "A shell script is executable.", []),
    ("shebang-without-name", "input", b"#!/usr/bin/env python3\nprint('done')\n", "unscanned",
     "A script without an extension is known by its first line.", ["A25"]),
    ("batch", "input.bat", b"@echo off\r\necho done\r\n", "unscanned", "A batch file is executable on Windows.", []),
    ("elf", "input", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00\x01\x00\x00\x00" + bytes(40), "unscanned",
     "The header of a native shared library.", ["D10"]),
    ("pe", "input.dll", b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\x86" + bytes(18), "unscanned",
     "The header of a Windows library.", []),
    ("notebook", "input.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": ["print(1)"], "outputs": [],
     "metadata": {}, "execution_count": None}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(),
     "unscanned", "A notebook holds code cells.", []),
    ("safetensors", "input.safetensors", safetensors(), "safe", "A safetensors file with one tensor.", []),
    ("gguf", "input.gguf", gguf(), "unscanned", "A GGUF file with one key, which no reader here examines yet.", []),
    ("onnx", "input.onnx", onnx(), "unscanned", "An ONNX model with an empty graph.", []),
    ("hdf5", "input.h5", hdf5(), "unscanned", "The superblock of an HDF5 file.", []),
    ("random-bytes", "input.bin", noise(600), "unscanned", "Bytes that no format claims.", []),
    ("lfs-pointer", "input.bin", LFS, "unscanned", "A git-lfs pointer stands where the model should be.", []),
    ("java-serialized", "input.ser", b"\xac\xed\x00\x05t\x00\x05hello", "unscanned",
     "A serialised Java object, which runs code by design in its own world.", []),
    ("wasm", "input.wasm", b"\0asm\x01\0\0\0", "unscanned", "An empty WebAssembly module.", []),
    ("pyc", "input", b"\xa7\x0d\x0d\x0a" + bytes(12) + b"N", "unscanned", "Compiled Python.", []),
]

for name, file, data, status, story, threats in PLAIN:
    add(f"plain/{name}", lambda d=data: d, story, status=status, threats=threats, file=file, loader="none")

CONFIGS = [
    ("json-auto-map", {"auto_map": {"AutoModel": "modeling_acme.AcmeModel"}, "hidden_size": 8},
     "auto_map makes transformers import modeling_acme.py when remote code is trusted."),
    ("json-target", {"model": {"_target_": "acme.models.Net", "width": 8}},
     "_target_ names a callable that Hydra imports and calls."),
    ("json-custom-pipeline", {"_class_name": "AcmePipeline", "_diffusers_version": "0.30.0",
                              "unet": ["pipeline_acme", "AcmeUNet"]},
     "A component of a pipeline is taken from a Python file of the repository."),
]
for name, config, story in CONFIGS:
    add(f"plain/{name}", lambda c=config: (json.dumps(c) + "\n").encode(), story, status="caution", threats=[],
        file="input.json", loader="none")

# Routing: the same payload under names that scanners skip (A25).
ROUTES = [
    ("bin-plain-pickle", "input.bin", payload(), "A plain pickle is called .bin, as torch files are.", "torch"),
    ("pt-plain-pickle", "input.pt", payload(None), "A protocol 0 pickle is called .pt.", "torch"),
    ("uppercase", "input.PICKLE", payload(), "The extension is in capitals.", "pickle"),
    ("json-extension", "input.json", payload(4), "A pickle is called .json.", "pickle"),
    ("txt-protocol-0", "input.txt", payload(None), "A protocol 0 pickle, readable as text, is called .txt.", "pickle"),
    ("safetensors-extension", "input.safetensors", payload(), "A pickle is called .safetensors.", "pickle"),
    ("no-extension", "input", payload(1), "A pickle of protocol 1 has no extension.", "pickle"),
    ("png-extension", "input.png", payload(), "A pickle is called .png.", "pickle"),
    ("pt2-extension", "input.pt2", plain_zip({"archive/data/weights/model.pt": payload()}),
     "A zip called .pt2 holds a pickle under weights.", "torch"),
    ("ptpkg-extension", "input.ptpkg", plain_zip({"pkg/model.pkl": payload()}), "A zip called .ptpkg holds a pickle.",
     "torch"),
    ("gz-without-name", "input.dat", gzip_stream(payload()), "A gzipped pickle is called .dat.", "joblib"),
]
for name, file, data, story, loader in ROUTES:
    add(f"routing/{name}", lambda d=data: d, story + "\n\nWhat it does does not depend on what it is called.",
        status="unsafe", threats=["A25"], bypass=["odd-extension"], imports=OS, file=file, loader=loader,
        references=["CVE-2025-1889", "CVE-2025-10155"])


@case("routing/txt-harmless-protocol-0", status="safe", threats=["A25"], file="input.txt",
      unsure="it reads as a pickle and as text, and does nothing in either")
def harmless_text_pickle():
    """A harmless protocol 0 pickle is called .txt."""
    return b"(dp0\nVa\np1\nI1\ns."


@case("routing/pickle-called-gz", status="safe", threats=["A25"], file="input.gz", loader="pickle",
      unsure="the extension lies, the content is plain data")
def not_gz():
    """A harmless pickle is called .gz."""
    return harmless()
