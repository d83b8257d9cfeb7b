"""What the Python package `safetensors` says, as a program of its own: the package is seldom where the tests run.

    safetensors_package.py read FOLDER       {"name": [[tensor, dtype, shape, data in hex], ...] or "why it refuses"}
    safetensors_package.py write < SPECS     files in hex, for a list of [{"name": [dtype, shape, data in hex]}, metadata]
"""

import ctypes
import json
import pathlib
import sys

from safetensors import SafetensorError, TensorSpec, deserialize, serialize


def opened(data: bytes):
    try:
        return sorted([name, t["dtype"], t["shape"], bytes(t["data"]).hex()] for name, t in deserialize(data))
    except SafetensorError as refusal:
        return str(refusal)


def written(tensors: dict, metadata) -> str:
    buffers = {name: ctypes.create_string_buffer(bytes.fromhex(data), max(1, len(data) // 2)) for name, (_, _, data) in tensors.items()}
    specs = {name: TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(buffers[name]), data_len=len(data) // 2)
             for name, (dtype, shape, data) in tensors.items()}
    return bytes(serialize(specs, metadata)).hex()


if sys.argv[1] == "read":
    json.dump({path.name: opened(path.read_bytes()) for path in pathlib.Path(sys.argv[2]).iterdir()}, sys.stdout)
else:
    json.dump([written(*spec) for spec in json.load(sys.stdin)], sys.stdout)
