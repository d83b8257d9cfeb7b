#!/usr/bin/env python3
"""Writes examples/model: a small model repository with one file for each answer that Assay gives.

    examples/make.py            writes it, the same bytes every time
    examples/make.py --check    compares what is on disk with this recipe

The bytes come from the assembler of the golden corpus. Nothing here does harm: what would be called is
os.system('true') or a module that does not exist.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))

from archives import Tensor, npy, state_dict, tensor_bytes, torch_zip  # noqa: E402
from assembler import Pickle, pickle  # noqa: E402

WEIGHTS = {"embed.weight": Tensor(numel=32, shape=(8, 4), stride=(4, 1)), "head.bias": Tensor(key="1", numel=4)}


def pytorch_model():
    """safe: tensors in the layout of torch.save, and nothing else."""
    return torch_zip(state_dict(WEIGHTS), {"0": tensor_bytes(128), "1": tensor_bytes(16)})


def training_arguments():
    """caution: an object of transformers, which runs that library's own code."""
    p = pickle().glob("transformers.training_args", "TrainingArguments").empty_tuple().newobj()
    return torch_zip(bytes(p.value({"output_dir": "out", "learning_rate": 5e-05, "num_train_epochs": 3.0}).build().stop()))


def scheduler():
    """suspicious: calls a function that no rule knows, of a package that does not exist."""
    return torch_zip(bytes(pickle().call("acme_schedules", "restore", "cosine").stop()))


def optimizer():
    """unsafe: one value of an otherwise honest state dict is what os.system returns."""
    slipped_in = Pickle().value("step").call("posix", "system", "true")
    return torch_zip(state_dict(WEIGHTS, slipped_in), {"0": tensor_bytes(128), "1": tensor_bytes(16)})


def broken_download():
    """error: an array of 256 bytes whose download ended after 72 of them."""
    return npy("'<f4'", "(64,)", tensor_bytes(256))[:-184]


def as_json(value):
    return (json.dumps(value, indent=2) + "\n").encode()


FILES = {
    "README.md": b"# A tiny model\n\nMade by examples/make.py, to show what a report looks like.\n",
    "config.json": as_json({"model_type": "tiny", "hidden_size": 4, "vocab_size": 8}),
    "pytorch_model.bin": pytorch_model(),
    "training_args.bin": training_arguments(),
    "scheduler.pt": scheduler(),
    "optimizer.pt": optimizer(),
    "tokenizer/vocab.json": as_json({"<pad>": 0, "hello": 1, "world": 2}),
    "tokenizer/embeddings.npy": broken_download(),
}


def main():
    folder = HERE / "model"
    if "--check" in sys.argv[1:]:
        wrong = [n for n, data in FILES.items() if not (folder / n).is_file() or (folder / n).read_bytes() != data]
        print("\n".join(f"examples/model/{name} is not what examples/make.py writes" for name in wrong)
              or f"examples: {len(FILES)} files as their recipe writes them")
        return 1 if wrong else 0
    for name, data in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
