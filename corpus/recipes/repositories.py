"""Whole repositories: what matters is the worst file, and how files point at each other."""

import json

from archives import Tensor, state_dict, tensor_bytes, torch_zip
from assembler import payload
from registry import case
from recipes.plain import LFS, safetensors

REPO = dict(loader="repository")
CONFIG = b'{"model_type": "tiny", "hidden_size": 8}\n'


def weights() -> bytes:
    return torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)})


@case("repositories/clean", status="safe", **REPO)
def clean():
    """A card, a configuration and a checkpoint of plain tensors."""
    return {"README.md": b"# Tiny\n", "config.json": CONFIG, "pytorch_model.bin": weights()}


@case("repositories/one-bad-file", status="unsafe", threats=["A1", "A25"], imports=[("os", "system")], **REPO)
def one_bad():
    """Everything is clean but a file deep in a folder that calls os.system."""
    return {"README.md": b"# Tiny\n", "config.json": CONFIG, "pytorch_model.bin": weights(),
            "onnx/old/backup.dat": payload()}


@case("repositories/remote-code", status="unscanned", threats=["G1"],
      unsure="the configuration alone is caution, the source it names is unscanned, which is worse in the order", **REPO)
def remote_code():
    """The configuration makes transformers import modeling_acme.py."""
    config = {"auto_map": {"AutoModel": "modeling_acme.AcmeModel"}}
    return {"config.json": json.dumps(config).encode(), "modeling_acme.py": b"class AcmeModel:\n    pass\n",
            "pytorch_model.bin": weights()}


@case("repositories/lfs-pointer", status="unscanned", threats=["G8"], **REPO)
def pointer():
    """The weights were not pulled: a pointer stands in their place."""
    return {"README.md": b"# Tiny\n", "pytorch_model.bin": LFS}


@case("repositories/safetensors-beside-payload", status="unsafe", threats=["G19"], imports=[("os", "system")], **REPO)
def beside():
    """A harmless safetensors file stands beside a checkpoint that calls os.system: loaders without it take the other."""
    return {"model.safetensors": safetensors(), "pytorch_model.bin": torch_zip(payload())}


@case("repositories/sharded-payload-in-second", status="unsafe", threats=["A1"], imports=[("os", "system")], **REPO)
def sharded():
    """An index names two shards, and the second calls os.system."""
    index = {"metadata": {"total_size": 32}, "weight_map": {"w": "pytorch_model-00001-of-00002.bin",
                                                            "v": "pytorch_model-00002-of-00002.bin"}}
    return {"pytorch_model.bin.index.json": json.dumps(index).encode(),
            "pytorch_model-00001-of-00002.bin": weights(), "pytorch_model-00002-of-00002.bin": torch_zip(payload())}


@case("repositories/index-climbs-out", status="unsafe", threats=["G19", "C6"],
      unsure="a path that leaves the repository is an escape where the loader follows it; hubs refuse it", **REPO)
def climbing_index():
    """The index of shards names a file outside the repository."""
    index = {"metadata": {"total_size": 16}, "weight_map": {"w": "../../absent.bin"}}
    return {"pytorch_model.bin.index.json": json.dumps(index).encode(), "config.json": CONFIG}


@case("repositories/target-to-sink", status="unsafe", threats=["G5"], references=["CVE-2025-23304"],
      unsure="no reader of YAML or JSON configuration exists yet; by G5 a dangerous _target_ is M", **REPO)
def target_sink():
    """A configuration's _target_ is os.system, which Hydra would call with its argument."""
    config = {"_target_": "os.system", "command": "true"}
    return {"config.json": json.dumps(config).encode(), "README.md": b"# Tiny\n"}
