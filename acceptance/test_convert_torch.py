"""What assay convert makes of real checkpoints is what torch itself loads from them, tensor by tensor, bit by bit.

Skips where python3-torch is not installed. The files are written by torch.save in all three of its layouts, so nothing
here depends on how this project believes they look.
"""

import collections
import json
import pickle
import struct

import numpy
import pytest

from conftest import assay

torch = pytest.importorskip("torch", reason="python3-torch is not installed: apt-get install python3-torch")

WORDS = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
    torch.complex64: "C64",
}
LAYOUTS = ["zip", "legacy"]


def save(value, path, layout="zip"):
    torch.save(value, str(path), _use_new_zipfile_serialization=layout == "zip")
    return path


def read_safetensors(path):
    """Tensors by name as (dtype, shape, bytes), and the metadata; by hand, so that no library stands between."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["dtype"], tuple(entry["shape"]), raw[8 + length + begin:8 + length + end])
    return tensors, metadata


def bits_of(tensor):
    """(dtype, shape, bytes) of a tensor, through torch's own idea of contiguous."""
    plain = tensor.detach().contiguous().reshape(-1)
    if plain.is_complex():
        plain = torch.view_as_real(plain).reshape(-1)
    raw = plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return WORDS[tensor.dtype], tuple(tensor.shape), raw


def flattened(value, prefix=""):
    if isinstance(value, torch.Tensor):
        yield prefix, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from flattened(inner, f"{prefix}.{i}" if prefix else str(i))


def convert(path, *arguments, code=0):
    run = assay("convert", str(path), "--format", "json", *arguments)
    assert run.code == code, run
    return run.report["conversions"][0]


def check(path, expected, *arguments, all_compared=True):
    """Converts `path` and compares with `expected`, a dict of tensors; returns the report. `all_compared`: there are no
    others in it, which no file of safetensors could be compared with."""
    product = path.with_suffix(".safetensors")
    product.unlink(missing_ok=True)
    report = convert(path, "--output", str(product), *arguments)
    assert report["status"] == "converted"
    tensors, metadata = read_safetensors(product)
    names = {}
    for name in expected:
        names[name] = metadata.get(name, name) if name not in tensors else name
    assert set(names.values()) == set(tensors)
    for name, tensor in expected.items():
        assert tensors[names[name]] == bits_of(tensor), name
    run = assay("convert", "--check", str(path), str(product), *arguments)
    assert run.code == (0 if all_compared else 1), run
    return report


def random_bits(dtype, *shape):
    """Every bit pattern is as likely as any other: NaN payloads, negative zeros, subnormals."""
    generator = numpy.random.default_rng([*shape, len(str(dtype))])
    size = int(numpy.prod(shape, dtype=numpy.int64)) * torch.empty((), dtype=dtype).element_size()
    raw = generator.integers(0, 2 if dtype is torch.bool else 256, size).astype(numpy.uint8)
    return torch.frombuffer(bytearray(raw.tobytes()), dtype=dtype).reshape(shape)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_data_type_comes_over_bit_for_bit(tmp_path, layout):
    state = {str(dtype): random_bits(dtype, 3, 5, 7) for dtype in WORDS}
    state["scalar"] = random_bits(torch.float32, 1).reshape(())
    state["empty"] = torch.empty((0, 4), dtype=torch.float16)
    check(save(state, tmp_path / "all.pt", layout), state)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_special_values_keep_their_bits(tmp_path, layout):
    patterns = [0x7FC00001, 0xFFFFFFFF, 0x7F800001, 0x80000000, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000]
    state = {"f32": torch.frombuffer(bytearray(struct.pack("<8I", *patterns)), dtype=torch.float32),
             "bf16": torch.frombuffer(bytearray(struct.pack("<8H", *[p >> 16 for p in patterns])), dtype=torch.bfloat16)}
    check(save(state, tmp_path / "special.pt", layout), state)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_views_are_laid_out_contiguously(tmp_path, layout):
    base = random_bits(torch.float32, 40, 50)
    image = random_bits(torch.float16, 4, 3, 8, 8)
    state = {
        "transposed": base.t(),
        "rows": base[10:20],
        "columns": base[:, 5:17],
        "every other": base[::2, ::3],
        "expanded": random_bits(torch.float32, 7, 1).expand(7, 9),
        "expanded outside": random_bits(torch.int16, 5).expand(6, 5),
        "permuted": random_bits(torch.float64, 2, 3, 4, 5).permute(3, 1, 0, 2),
        "channels last": image.to(memory_format=torch.channels_last),
        "unfolded": random_bits(torch.float32, 10).unfold(0, 4, 2),
        "diagonal": torch.diagonal(random_bits(torch.float32, 6, 6)),
        "flipped": torch.flip(random_bits(torch.float32, 6), [0]),
        "one": base[3:4, 7:8],
        "complex": random_bits(torch.complex64, 3, 4).t(),
    }
    check(save(state, tmp_path / "views.pt", layout), state)


def test_large_views_are_laid_out_block_by_block(tmp_path):
    wide = random_bits(torch.float32, 3000, 2500)
    long = random_bits(torch.uint8, 9, 3_000_000)
    state = {
        "transposed": wide.t(),
        "transposed bytes": long.t(),
        "columns": random_bits(torch.float16, 4000, 3000)[:, 1000:1010],
        "swapped": random_bits(torch.bfloat16, 30, 50, 60, 70).permute(2, 0, 3, 1),
        "expanded": random_bits(torch.float32, 1, 3000).expand(2000, 3000),
    }
    check(save(state, tmp_path / "large.pt"), state)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tied_tensors_are_written_once(tmp_path, layout):
    weight = random_bits(torch.float32, 10, 4)
    state = {"lm_head.weight": weight, "wte.weight": weight, "view": weight[2:5], "other": random_bits(torch.float32, 3)}
    report = check(save(state, tmp_path / "tied.pt", layout), state)
    digest = next(t["sha256"] for t in report["tensors"] if t["name"] == "lm_head.weight")
    assert report["tied"] == [{"name": "wte.weight", "kept": "lm_head.weight", "sha256": digest}]
    assert any("share bytes" in n for n in report["notices"])


def test_the_model_decides_which_name_is_kept(tmp_path):
    weight = random_bits(torch.float32, 10, 4)
    state = {"lm_head.weight": weight, "transformer.wte.weight": weight}
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["GPT2LMHeadModel"]}))
    report = check(save(state, tmp_path / "gpt.pt"), state)
    (tied,) = report["tied"]
    assert (tied["name"], tied["kept"]) == ("lm_head.weight", "transformer.wte.weight")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_lightning_checkpoint_gives_its_state_dict(tmp_path, layout):
    state = collections.OrderedDict((f"model.layers.{i}.weight", random_bits(torch.float32, 4, 4)) for i in range(30))
    checkpoint = {"epoch": 3, "global_step": 1200, "pytorch-lightning_version": "1.9.0", "state_dict": state,
                  "optimizer_states": [{"state": {0: {"exp_avg": random_bits(torch.float32, 4, 4)}}}],
                  "hyper_parameters": {"lr": 0.001, "name": "tiny"}}
    report = check(save(checkpoint, tmp_path / "lightning.ckpt", layout), state)
    left = {entry["name"]: entry["reason"] for entry in report["not_converted"]}
    assert left["epoch"] == "not a tensor"
    assert "hyper_parameters.lr" in left and "optimizer_states" in left
    assert report["sources"][0]["key"] == "state_dict"


def test_everything_can_be_asked_for(tmp_path):
    checkpoint = {"state_dict": {"w": random_bits(torch.float32, 2)}, "ema": {"w": random_bits(torch.float32, 2)}}
    path = save(checkpoint, tmp_path / "both.pt")
    check(path, checkpoint["state_dict"])
    check(path, checkpoint["ema"], "--key", "ema")
    check(path, dict(flattened(checkpoint)), "--key", "")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_whole_module_gives_what_its_state_dict_gives(tmp_path, layout):
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Conv2d(2, 2, 3, bias=False))
    path = save(module, tmp_path / "module.pt", layout)
    report = check(path, dict(module.state_dict()))
    assert any("whole module" in n for n in report["notices"])


def test_parameters_nested_lists_and_numbers_as_keys(tmp_path):
    value = {"layers": [torch.nn.Parameter(random_bits(torch.float32, 2)), {"x": random_bits(torch.int8, 3)}],
             "table": {0: random_bits(torch.float32, 1), 12: random_bits(torch.float32, 1)},
             "none": None, "text": "hello", "number": 4}
    report = check(save(value, tmp_path / "nested.pt"), dict(flattened(value)))
    assert {entry["name"] for entry in report["not_converted"]} == {"none", "text", "number"}


def test_what_safetensors_cannot_hold_is_listed(tmp_path):
    fine = random_bits(torch.float32, 2)
    value = {"fine": fine,
             "complex": torch.zeros(2, dtype=torch.complex128),
             "sparse": torch.sparse_coo_tensor([[0]], [1.0], (3,)),
             "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}
    report = check(save(value, tmp_path / "odd.pt"), {"fine": fine}, all_compared=False)
    assert {entry["name"] for entry in report["not_converted"]} == {"complex", "sparse", "quantised"}
    convert(tmp_path / "odd.pt", "--output", str(tmp_path / "strict.safetensors"), "--strict", code=1)
    assert not (tmp_path / "strict.safetensors").exists()


def test_plainly_pickled_tensors(tmp_path):
    state = {"a": random_bits(torch.float32, 3, 2), "b": random_bits(torch.bfloat16, 5)}
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps(state))
    check(path, state)


def test_a_tensor_at_the_top_is_called_after_its_file(tmp_path):
    tensor = random_bits(torch.float32, 3)
    check(save(tensor, tmp_path / "embedding.pt"), {"embedding": tensor})


def test_a_sharded_repository_becomes_one_of_safetensors(tmp_path):
    shards = [{f"layer.{i}.{j}": random_bits(torch.float16, 8, 8) for j in range(4)} for i in range(3)]
    weight_map = {}
    for i, shard in enumerate(shards):
        name = f"pytorch_model-{i + 1:05}-of-00003.bin"
        save(shard, tmp_path / name)
        weight_map |= {key: name for key in shard}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    run = assay("convert", str(tmp_path), "--format", "json")
    assert run.code == 0, run
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == 12 * 128
    assert set(index["weight_map"]) == set(weight_map)
    for key, name in index["weight_map"].items():
        assert name == weight_map[key].replace("pytorch_model", "model").replace(".bin", ".safetensors")
    for i, shard in enumerate(shards):
        tensors, metadata = read_safetensors(tmp_path / f"model-{i + 1:05}-of-00003.safetensors")
        assert metadata["format"] == "pt"
        assert tensors == {key: bits_of(value) for key, value in shard.items()}


def test_the_reference_package_reads_what_was_written(tmp_path):
    from test_safetensors import package

    state = {f"{dtype} \n\"{i}\" ü": random_bits(dtype, i, 3) for i, dtype in enumerate(WORDS, 1)}
    folder = tmp_path / "results"
    folder.mkdir()
    convert(save(state, tmp_path / "all.pt"), "--output", str(folder / "all.safetensors"))
    read = package("read", folder)["all.safetensors"]
    assert {name: (dtype, tuple(shape), bytes.fromhex(data)) for name, dtype, shape, data in read} == {
        name: bits_of(tensor) for name, tensor in state.items()}
