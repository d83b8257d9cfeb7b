"""Torch's three layouts, honest and not."""

import struct

from archives import (ELEMENT_BYTES, MAGIC, Member, Tensor, plain_zip, state_dict, tar_file, tar_member, tensor_bytes,
                      tensor_pickle, torch_legacy, torch_tar, torch_zip, zip_file)
from assembler import Pickle, harmless, payload, pickle
from registry import add, case

OS = [("os", "system")]
CORE = [("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch", "FloatStorage")]
PT = dict(loader="torch", file="input.pt")


def one(storage="FloatStorage", numel=4, **facts) -> bytes:
    tensor = Tensor(storage=storage, numel=numel, **facts)
    return torch_zip(state_dict({"weight": tensor}), {"0": bytes(tensor.bytes_held())})


for storage in ELEMENT_BYTES:
    if storage in ("UntypedStorage", "FloatStorage"):
        continue
    quantised = storage.startswith("Q")
    add(f"torch/dtype-{storage.lower()}", lambda s=storage: one(s),
        f"A state dict with one tensor in torch.{storage}.", status="safe", threats=["D1"],
        imports=[("torch", storage)], weights_only=True, **PT,
        **({"unsure": "a quantised storage under a plain rebuild is unusual"} if quantised else {}))

NEWER = {"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
         "uint16": 2, "uint32": 4, "uint64": 8, "complex32": 4, "bits8": 1}
for dtype, size in NEWER.items():
    add(f"torch/dtype-{dtype.replace('_', '-')}",
        lambda d=dtype, n=size: one("UntypedStorage", 4 * n, dtype=d),
        f"A newer dtype, torch.{dtype}: an untyped storage of bytes and _rebuild_tensor_v3.", status="safe",
        threats=["D1"], imports=[("torch.storage", "UntypedStorage"), ("torch._utils", "_rebuild_tensor_v3")],
        weights_only=True, **PT)


@case("torch/zip-state-dict", status="safe", threats=["D1"], imports=CORE, weights_only=True, **PT)
def zip_state():
    """A state dict of two float tensors, as torch.save writes it."""
    tensors = {"fc.weight": Tensor(numel=6, shape=(2, 3), stride=(3, 1)), "fc.bias": Tensor(key="1", numel=2, shape=(2,))}
    return torch_zip(state_dict(tensors), {"0": tensor_bytes(24), "1": tensor_bytes(8)})


@case("torch/zip-newest-layout", status="safe", threats=["D1"], imports=CORE, weights_only=True, **PT)
def zip_newest():
    """The members torch 2.7 adds: .format_version and .storage_alignment."""
    return torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)}, newest=True)


@case("torch/zip-top-folder-named-otherwise", status="safe", threats=["D1"], weights_only=True, **PT)
def zip_other_top():
    """The folder is called after the file, not archive."""
    return torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)}, top="resnet")


@case("torch/zip-shared-storage", status="safe", threats=["D1"], weights_only=True, **PT)
def shared():
    """Two tensors view one storage at different offsets."""
    tensors = {"a": Tensor(numel=8), "b": Tensor(numel=8, offset=4)}
    return torch_zip(state_dict(tensors), {"0": tensor_bytes(32)})


@case("torch/zip-empty-tensor", status="safe", threats=["D1", "D5"], weights_only=True, **PT)
def empty_tensor():
    """A tensor without elements and a storage without bytes."""
    return torch_zip(state_dict({"w": Tensor(numel=0, shape=(0,))}), {"0": b""})


@case("torch/zip-payload", status="unsafe", threats=["D1", "A1"], imports=OS, weights_only=False, **PT)
def zip_payload():
    """data.pkl calls os.system."""
    return torch_zip(payload())


@case("torch/zip-payload-among-tensors", status="unsafe", threats=["D1", "A1"], imports=OS + CORE, weights_only=False,
      **PT)
def zip_among():
    """One value of an otherwise honest state dict is what os.system returns."""
    extra = Pickle().value("note").call("os", "system", "true")
    return torch_zip(state_dict({"w": Tensor()}, extra), {"0": tensor_bytes(16)})


@case("torch/zip-payload-in-second-pickle", status="unsafe", threats=["D1"], imports=OS, **PT)
def zip_second():
    """data.pkl is a state dict, and a member nobody asked for is a pickle that calls os.system."""
    return torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)}, extras={"extra/model.pkl": payload()})


@case("torch/zip-trainer-object", status="caution", threats=["D15", "D6"], weights_only=False,
      imports=[("transformers.training_args", "TrainingArguments")], loader="torch", file="input.bin")
def training_args():
    """training_args.bin holds an object of a well-known library, not weights."""
    p = pickle(2).glob("transformers.training_args", "TrainingArguments").empty_tuple().newobj()
    p.value({"learning_rate": 0.5}).build().stop()
    return torch_zip(bytes(p))


@case("torch/lightning-checkpoint", status="caution", threats=["D15", "D6"], weights_only=False,
      imports=CORE + [("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")], **PT)
def lightning():
    """A trainer's checkpoint: weights, hyper-parameters and a callback class used as a key."""
    extra = Pickle().value("callbacks").empty_dict()
    extra.glob("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint").value({"best": 0.5}).setitem()
    return torch_zip(state_dict({"w": Tensor()}, extra), {"0": tensor_bytes(16)})


@case("torch/optimizer-state", status="safe", threats=["D15"], weights_only=True, **PT)
def optimizer():
    """optimizer.pt: nested plain data with tensors in it."""
    state = Pickle().value("state").empty_dict().value(0).empty_dict().value("exp_avg").value(tensor_pickle(Tensor()))
    state.setitem().setitem()
    groups = Pickle().value("param_groups").value([{"lr": 0.5, "betas": (0.5, 0.25), "params": [0]}])
    p = pickle(2).empty_dict().mark().value(state).value(groups).setitems().stop()
    return torch_zip(bytes(p), {"0": tensor_bytes(16)})


@case("torch/rng-state", status="safe", threats=["D15"], weights_only=True, **PT)
def rng():
    """rng_state.pth: one byte tensor."""
    return torch_zip(bytes(pickle(2).value(tensor_pickle(Tensor("ByteStorage", numel=8, shape=(8,)))).stop()),
                     {"0": bytes(8)})


@case("torch/parameter-with-state", bypass=["other-formats"],
      status="suspicious", threats=["D5", "A15"], weights_only=True,
      imports=[("torch._utils", "_rebuild_parameter_with_state")],
      unsure="torch allows it, and it sets attributes of any name; here the name is a dunder", **PT)
def parameter_with_state():
    """_rebuild_parameter_with_state sets an attribute called __class__ on the parameter."""
    p = Pickle().glob("torch._utils", "_rebuild_parameter_with_state").mark().value(tensor_pickle(Tensor())).true()
    p.glob("collections", "OrderedDict").empty_tuple().reduce().value({"__class__": 1}).tuple().reduce()
    return torch_zip(bytes(pickle(2).value(p).stop()), {"0": tensor_bytes(16)})


@case("torch/rebuild-from-type-sink", status="unsafe", threats=["A6", "A16"], weights_only=False,
      imports=[("torch._tensor", "_rebuild_from_type_v2"), ("os", "system")], **PT)
def rebuild_from_type():
    """torch._tensor._rebuild_from_type_v2 calls the function it is handed, and that is os.system."""
    p = pickle(2).glob("torch._tensor", "_rebuild_from_type_v2").mark().glob("os", "system").glob("torch", "Tensor")
    return torch_zip(bytes(p.value(("true",)).empty_dict().tuple().reduce().stop()))


@case("torch/whole-module", status="caution", threats=["D6"], weights_only=False,
      imports=[("torch.nn.modules.linear", "Linear")], **PT)
def whole_module():
    """A whole nn.Linear, not its weights: an object of a class of torch with its state."""
    p = pickle(2).glob("torch.nn.modules.linear", "Linear").empty_tuple().newobj()
    p.value({"training": True, "in_features": 2, "out_features": 2}).build()
    return torch_zip(bytes(p.stop()))


@case("torch/storage-missing", status="error", threats=["A18", "D1"],
      unsure="the threat catalogue A18 calls a missing storage S; torch fails to load it and nothing else happens", **PT)
def missing_storage():
    """The pickle asks for storage 7, and the archive has none."""
    return torch_zip(state_dict({"w": Tensor(key="7")}), {"0": tensor_bytes(16)})


@case("torch/storage-too-small", status="suspicious", threats=["D5"], references=["CVE-2026-24747"], **PT)
def small_storage():
    """The tensor is larger than its storage, which older loaders read past."""
    return torch_zip(state_dict({"w": Tensor(numel=4, shape=(400,))}), {"0": tensor_bytes(16)})


@case("torch/numel-lies", status="suspicious", threats=["D5"], references=["CVE-2026-24747"], **PT)
def numel_lies():
    """The persistent id claims a thousand elements, the record has four."""
    return torch_zip(state_dict({"w": Tensor(numel=1000, shape=(4,))}), {"0": tensor_bytes(16)})


@case("torch/offset-negative", status="suspicious", threats=["D5"], references=["CVE-2026-24747"], **PT)
def negative_offset():
    """The tensor begins before its storage."""
    return torch_zip(state_dict({"w": Tensor(offset=-8)}), {"0": tensor_bytes(16)})


@case("torch/stride-overflows", status="suspicious", threats=["D5"], references=["CVE-2026-24747"], **PT)
def stride_overflow():
    """Shape times stride passes 2^63, which a careless check wraps round."""
    return torch_zip(state_dict({"w": Tensor(shape=(1 << 40, 2), stride=(1 << 40, 1))}), {"0": tensor_bytes(16)})


@case("torch/storage-key-path", status="suspicious", threats=["A18", "C6"], **PT)
def key_path():
    """The storage's key is a path that climbs out."""
    return torch_zip(state_dict({"w": Tensor(key="../../absent")}), {"0": tensor_bytes(16)})


@case("torch/storage-looks-like-opcodes", status="safe", threats=["D2"], weights_only=True, **PT)
def looks_like():
    """The tensor's bytes begin like a pickle and are numbers."""
    return torch_zip(state_dict({"w": Tensor()}), {"0": b"\x80\x02]q\x00(K\x01K\x02e" + bytes(5)})


@case("torch/weights-only-refuses-stack-global", status="safe", threats=["D6"], weights_only=False, **PT)
def protocol4():
    """A state dict saved at protocol 4: harmless, and refused by weights-only loaders."""
    return torch_zip(bytes(pickle(4).glob4("collections", "OrderedDict").empty_tuple().reduce().stop()))


@case("torch/fallback-trigger", status="suspicious", threats=["D6"], weights_only=False,
      imports=[("acme_vision.heads", "revive")], references=["Stanza 1.12.0 retries without weights_only"], **PT)
def fallback():
    """One unlisted global makes weights-only refuse, and careless programs then load everything."""
    extra = Pickle().value("meta").call("acme_vision.heads", "revive", 1)
    return torch_zip(state_dict({"w": Tensor()}, extra), {"0": tensor_bytes(16)})


# Legacy: five pickles
def legacy_dict() -> bytes:
    return state_dict({"w": Tensor(legacy=True)})


STORAGE = {"0": (4, tensor_bytes(16))}


@case("torch/legacy", status="safe", threats=["D2"], imports=CORE, weights_only=True, **PT)
def legacy():
    """The stacked layout before torch 1.6."""
    return torch_legacy(legacy_dict(), STORAGE)


@case("torch/legacy-payload-in-object", bypass=["later-legacy-pickle"],
      status="unsafe", threats=["D2"], imports=OS, weights_only=False, **PT)
def legacy_object():
    """The fourth pickle, the model, calls os.system."""
    return torch_legacy(payload())


@case("torch/legacy-payload-in-protocol", status="unsafe", threats=["D2"], imports=OS, weights_only=False, **PT)
def legacy_protocol():
    """The second pickle, the protocol number, calls os.system before it is the number."""
    number = bytes(pickle(2).call("os", "system", "true").pop().value(1001).stop())
    return torch_legacy(legacy_dict(), STORAGE, protocol=number)


@case("torch/legacy-payload-in-sys-info", status="unsafe", threats=["D2"], imports=OS, weights_only=False, **PT)
def legacy_info():
    """The third pickle, the system description, calls os.system."""
    return torch_legacy(legacy_dict(), STORAGE, sys_info=payload())


@case("torch/legacy-payload-in-keys", status="unsafe", threats=["D2"], imports=OS, weights_only=False, **PT)
def legacy_keys():
    """The fifth pickle, the list of storages, calls os.system."""
    keys = bytes(pickle(2).call("os", "system", "true").pop().value(["0"]).stop())
    return torch_legacy(legacy_dict(), STORAGE, keys=keys)


@case("torch/legacy-payload-after-storages", status="suspicious", threats=["D2", "A22"], imports=OS,
      unsure="torch stops reading there; a program that loads again from the same handle runs it", **PT)
def legacy_after():
    """A pickle that would call os.system follows the last storage."""
    return torch_legacy(legacy_dict(), STORAGE, after=payload())


@case("torch/legacy-magic-computed", bypass=["magic-computed"],
      status="unsafe", threats=["A23", "D2"], imports=[("builtins", "eval")],
      weights_only=False, references=["GHSA-97f8-7cmv-76j2"], **PT)
def legacy_magic():
    """The magic number is the result of builtins.eval, so a reader that compares bytes thinks this is no torch file."""
    return torch_legacy(legacy_dict(), STORAGE, magic=bytes(pickle(2).call("builtins", "eval", hex(MAGIC)).stop()))


@case("torch/legacy-magic-after-payload", status="unsafe", threats=["A23", "D2"], imports=OS, weights_only=False, **PT)
def legacy_magic_late():
    """The first pickle calls os.system, drops the result and leaves the right magic number."""
    return torch_legacy(legacy_dict(), STORAGE,
                        magic=bytes(pickle(2).call("os", "system", "true").pop().long1(MAGIC).stop()))


@case("torch/legacy-magic-text", status="safe", threats=["A23", "D2"],
      unsure="torch compares the value, so a text spelling loads; no torch writes it", **PT)
def legacy_magic_text():
    """The magic number is spelled as a LONG line."""
    return torch_legacy(legacy_dict(), STORAGE, magic=bytes(Pickle().long_text(str(MAGIC).encode() + b"L").stop()))


@case("torch/legacy-storage-short", status="error", threats=["D2", "A20"],
      unsure="a truncated download", **PT)
def legacy_short():
    """The file ends inside the raw storage."""
    return torch_legacy(legacy_dict(), {"0": (4, tensor_bytes(7))})


@case("torch/legacy-numel-lies", status="error", threats=["D2", "D5"],
      unsure="torch refuses it because the pickle said four elements", **PT)
def legacy_numel():
    """The raw storage declares 2^50 elements."""
    return torch_legacy(legacy_dict(), {"0": (1 << 50, tensor_bytes(16))})


@case("torch/legacy-module-id", status="caution", threats=["D2", "D6"], imports=[("__main__", "Net")],
      unsure="torch keeps the source text only to warn about changes", **PT)
def legacy_module():
    """A persistent id of the kind 'module' carries a class and its source, which torch only compares."""
    p = pickle(2).mark().value("module").glob("__main__", "Net").value("net.py").value("class Net: pass\n").tuple()
    return torch_legacy(bytes(p.binpersid().empty_tuple().newobj().value({"training": True}).build().stop()))


# Tar, the oldest
@case("torch/tar", status="safe", threats=["D3", "D4"], weights_only=False,
      unsure="D4 wants old tar checkpoints flagged as not loadable with weights_only; that is a note beside safe",
      loader="torch", file="input.pt")
def tar():
    """The tar layout before torch 0.1.10."""
    return torch_tar()


@case("torch/tar-payload-in-pickle", status="unsafe", threats=["D3", "D4"], imports=OS, weights_only=False, **PT)
def tar_payload():
    """The member `pickle` of a tar checkpoint calls os.system."""
    return torch_tar(pickle_member=payload())


@case("torch/tar-payload-in-storages", status="unsafe", threats=["D3", "D4"], imports=OS, weights_only=False, **PT,
      references=["CVE-2025-32434"])
def tar_storages():
    """The member `storages` begins with a pickle that calls os.system and returns the count."""
    return torch_tar(storages=bytes(pickle(2).call("os", "system", "true").pop().value(0).stop())
                     + bytes(pickle(2).value([]).stop()))


@case("torch/tar-payload-in-tensors", status="unsafe", threats=["D3"], imports=OS, weights_only=False, **PT)
def tar_tensors():
    """The second pickle of the member `tensors` calls os.system."""
    body = bytes(pickle(2).value(1).stop()) + payload()
    return torch_tar(tensors=body)


@case("torch/tar-link-member", status="suspicious", threats=["D3", "C6"], **PT)
def tar_link():
    """A tar checkpoint carries a symbolic link under the name torch extracts."""
    return tar_file(tar_member("sys_info", harmless()), tar_member("pickle", harmless()),
                    tar_member("storages", kind=b"2", link="weights.bin"), tar_member("tensors", harmless()))


# The rest of D
@case("torch/torchscript", status="unscanned", threats=["D7", "D4"], weights_only=False, **PT)
def torchscript():
    """A TorchScript archive holds code that runs in torch's own interpreter, which no reader here examines."""
    code = b"class Net(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return x\n"
    return torch_zip(bytes(pickle(2).glob("__torch__", "Net").empty_tuple().newobj().value({"training": True}).build()
                           .stop()),
                     extras={"constants.pkl": bytes(pickle(2).empty_tuple().stop()), "code/__torch__.py": code})


@case("torch/mobile-bytecode-out-of-range", status="unscanned", threats=["D12", "D7"], weights_only=False, loader="torch",
      file="input.ptl",
      unsure="the threat catalogue says S where an index is out of range; no reader here examines the bytecode")
def mobile():
    """A PyTorch Mobile program, whose bytecode refers to a constant far beyond the last."""
    function = ("__torch__.Net.forward", (("instructions", (("LOADC", 2**31 - 1, 0), ("RET", 0, 0))), ("operators", ()),
                                          ("constants", ()), ("types", ()), ("register_size", 1)))
    model = pickle(2).glob("__torch__", "Net").empty_tuple().newobj().value({"training": True}).build().stop()
    code = b"class Net(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return x\n"
    return torch_zip(bytes(model), extras={"constants.pkl": bytes(pickle(2).empty_tuple().stop()),
                                           "code/__torch__.py": code,
                                           "bytecode.pkl": bytes(pickle(2).value((4, function)).stop())})


@case("torch/torchscript-payload-in-constants", status="unsafe", threats=["D7", "A25"], imports=OS, **PT)
def torchscript_payload():
    """constants.pkl of a TorchScript archive calls os.system."""
    return torch_zip(harmless(), extras={"constants.pkl": payload(), "code/__torch__.py": b"x = 1\n"})


@case("torch/package", status="unscanned", threats=["D8"], loader="torch", file="input.ptpkg")
def package():
    """A torch.package archive carries Python source beside its pickle."""
    return plain_zip({"pkg/model/model.pkl": harmless(), "pkg/acme/__init__.py": b"import math\nWIDTH = 8\n",
                      "pkg/.data/extern_modules": b"torch\n", "pkg/.data/version": b"6\n"})


@case("torch/package-payload", status="unsafe", threats=["D8"], imports=OS, loader="torch", file="input.ptpkg")
def package_payload():
    """The pickle of a torch.package archive calls os.system."""
    return plain_zip({"pkg/model/model.pkl": payload(), "pkg/acme/__init__.py": b"import math\nWIDTH = 8\n",
                      "pkg/.data/version": b"6\n"})


@case("torch/export-nested-payload", status="unsafe", threats=["D9", "C8"], imports=OS, loader="torch", file="input.pt2")
def export_nested():
    """A .pt2 holds its sample inputs as a torch zip of its own, which calls os.system."""
    return plain_zip({"archive/archive_format": b"pt2", "archive/models/model.json": b'{"graph_module": {}}',
                      "archive/data/sample_inputs/model.pt": torch_zip(payload())})


@case("torch/export-expression", status="caution", threats=["D9"], loader="torch", file="input.pt2",
      unsure="expr_str reaches sympify, which evaluates; this one is arithmetic, and the JSON may count as unread")
def export_expression():
    """A .pt2 has a symbolic size written as text, which torch.export hands to sympy."""
    graph = b'{"graph_module": {"symbol": {"as_expr": {"expr_str": "2*s0 + 1"}}}}'
    return plain_zip({"archive/archive_format": b"pt2", "archive/models/model.json": graph})


@case("torch/aoti-library", status="unscanned", threats=["D10"], loader="torch", file="input.pt2")
def aoti():
    """An ahead-of-time package holds a shared library that loading opens."""
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00\x01\x00\x00\x00" + bytes(40)
    return plain_zip({"archive/archive_format": b"pt2", "archive/data/aotinductor/model/model.so": elf})


@case("torch/executorch", status="unscanned", threats=["D11"], loader="none", file="input.pte")
def executorch():
    """The head of an ExecuTorch program."""
    return struct.pack("<I", 8) + b"ET12" + bytes(24)


@case("torch/zip-member-named-as-torch-only", status="unsafe", threats=["D1", "C10"], imports=OS, **PT)
def only_member():
    """A zip with nothing but data.pkl at its root still loads in programs that open it themselves."""
    return zip_file([Member("data.pkl", payload())])
