"""Safetensors: what the reference takes, what it refuses, what only its README forbids, and what hides in the rest."""

import base64
import json
import struct

from archives import plain_zip
from assembler import payload
from registry import add, case

OS = [("os", "system")]
FORMAT = dict(loader="safetensors", file="input.safetensors")

DTYPES = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
          "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
          "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}


def file_of(header: bytes | str, data: bytes = b"", length: int | None = None) -> bytes:
    """The header as it is given, or with another length than it has."""
    raw = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def aligned(header: str, data: bytes = b"") -> bytes:
    """With spaces behind the header, as the library writes them."""
    return file_of(header + " " * (-len(header.encode()) % 8), data)


def tensor(dtype="U8", shape=(1,), begin=0, end=1, **more) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def with_header(header: dict, data: bytes = b"") -> bytes:
    return aligned(json.dumps(header, separators=(",", ":")), data)


def one(text: str) -> bytes:
    """A single tensor, its entry as text, and a byte of data."""
    return aligned('{"a":' + text + "}", b"x")


def every_dtype() -> bytes:
    header, at = {}, 0
    for dtype, bits in DTYPES.items():
        header[dtype.lower()] = tensor(dtype, [2, 4], at, at + bits)
        at += bits
    return with_header(header, bytes(i % 250 + 1 for i in range(at)))


CLEAN = [
    ("every-dtype", every_dtype(), "One tensor of each of the twenty-two types."),
    ("zero-size", with_header({"a": tensor(shape=[0], end=0), "b": tensor("F32", [3, 0], 0, 0), "c": tensor()}, b"x"),
     "Tensors without elements lie between others and have no bytes."),
    ("rank-0", with_header({"loss": tensor("F64", [], 0, 8)}, struct.pack("<d", 0.5)), "A scalar has no dimensions."),
    ("no-tensors", aligned("{}"), "A header without tensors, and nothing behind it."),
    ("metadata", with_header({"__metadata__": {"format": "pt", "lm_head.weight": "model.embed.weight"}, "a": tensor()}, b"x"),
     "What frameworks write into the metadata."),
    ("name-of-a-pickle", with_header({"cos\nsystem": tensor(), "../../etc/passwd": tensor(begin=1, end=2)}, b"xx"),
     "Names may be any text; these begin like an opcode and like a path."),
    ("length-of-a-pickle", with_header({"a" * 583: tensor()}, b"x"),
     "The header has 640 bytes, which are written like the beginning of a pickle."),
]
for name, data, story in CLEAN:
    add(f"safetensors/{name}", lambda d=data: d, story, status="safe", threats=["F8"], **FORMAT)

A = json.dumps(tensor(), separators=(",", ":"))
REFUSED = [
    ("header-too-large", file_of('{"a":1}', length=100_000_001), "unscanned", "The header claims to be longer than 100 MB."),
    ("header-not-utf8", file_of(b'{"\xff":1}      '), "error", "A name is not UTF-8."),
    ("header-cut-short", file_of('{"a":{"dtype"', length=4000), "error", "The file ends inside its header."),
    ("json-trailing", file_of("{}}     "), "error", "Something stands behind the header's JSON."),
    ("json-nan", one('{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":NaN}'), "error", "NaN is no JSON."),
    ("json-out-of-range", one('{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1e999}'), "error",
     "A field that is ignored holds a number that no double can be."),
    ("lone-surrogate", aligned('{"\\ud800":' + A + "}", b"x"), "error", "A name holds half a surrogate pair."),
    ("nested-deeply", one('{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":' + "[" * 126 + "]" * 126 + "}"), "error",
     "A field that is ignored is nested beyond what the reference follows."),
    ("unknown-dtype", one('{"dtype":"C128","shape":[1],"data_offsets":[0,1]}'), "error", "There is no such type."),
    ("missing-field", one('{"dtype":"U8","shape":[1]}'), "error", "A tensor does not say where its bytes are."),
    ("field-twice", one('{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}'), "error",
     "A field of a tensor stands twice, which the reference refuses in a field and not in a name."),
    ("negative-size", one('{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}'), "error", "A dimension is negative."),
    ("metadata-number", aligned('{"__metadata__":{"step":1}}'), "error", "Metadata holds a number; it may hold texts only."),
    ("metadata-twice", aligned('{"__metadata__":{},"__metadata__":{}}'), "error", "The metadata stands twice."),
    ("hole", with_header({"a": tensor(), "b": tensor(begin=2, end=3)}, b"x\1y"), "error", "A byte between two tensors is nobody's."),
    ("overlap", with_header({"a": tensor(shape=[2], end=2), "b": tensor(shape=[2], begin=1, end=3)}, b"xyz"), "error",
     "Two tensors share a byte."),
    ("starts-late", with_header({"a": tensor(begin=1, end=2)}, b"\1x"), "error", "The first tensor does not begin with the data."),
    ("end-before-begin", with_header({"a": tensor(), "b": tensor(shape=[0], begin=1, end=0)}, b"x"), "error",
     "A tensor ends before it begins."),
    ("shape-mismatch", with_header({"a": tensor(shape=[2])}, b"x"), "error", "A shape has more elements than bytes."),
    ("shape-overflow", with_header({"a": tensor(shape=[1 << 63, 2, 0], end=0)}), "error", "A product of dimensions overflows."),
    ("part-of-a-byte", with_header({"a": tensor("F4", [1])}, b"x"), "error", "Half a byte is no tensor."),
    ("trailing-bytes", with_header({"a": tensor()}, b"x\1\2\3"), "error", "Bytes follow the last tensor."),
    ("data-cut-short", with_header({"a": tensor("F32", [8], 0, 32)}, bytes(range(1, 9))), "error", "The data ends early."),
]
for name, data, status, story in REFUSED:
    add(f"safetensors/{name}", lambda d=data: d, story + "\n\nThe reference does not open it.", status=status,
        threats=["F8"], **FORMAT)

ODD = [
    ("leading-space", file_of(' {"a":' + A + "}  ", b"x"), "header-leading-space", "White space stands before the header's brace."),
    ("unknown-field", one('{"dtype":"U8","shape":[1],"strides":[1],"data_offsets":[0,1]}'), "field-unknown",
     "A tensor has a field that the reference ignores."),
    ("list-form", one('["U8",[1],[0,1]]'), "form-odd", "A tensor is a list where the format has an object."),
    ("dtype-as-object", one('{"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]}'), "form-odd",
     "A type is an object where the format has a text."),
    ("metadata-null", aligned('{"__metadata__":null,"a":' + A + "}", b"x"), "form-odd", "The metadata is null."),
    ("newline-padding", file_of("{}     \n"), "form-odd", "The header is padded with a newline, and not with spaces."),
    ("unaligned", file_of("{}"), "unaligned", "The data begins at the tenth byte, not at a multiple of eight."),
]
for name, data, rule, story in ODD:
    add(f"safetensors/{name}", lambda d=data: d, story + "\n\nThe reference opens it, and its README forbids it.",
        status="safe", threats=["F8"], rules=[f"safetensors.{rule}"], **FORMAT)


@case("safetensors/name-twice", status="suspicious", threats=["F8"], rules=["safetensors.key-duplicate"], **FORMAT)
def name_twice():
    """Two tensors have one name: the reference loads the second, a reader that takes the first loads other bytes."""
    return aligned('{"a":' + json.dumps(tensor(shape=[2], end=2)) + ',"a":' + A + "}", b"x")


@case("safetensors/metadata-key-twice", status="suspicious", threats=["F8"], rules=["safetensors.key-duplicate"], **FORMAT)
def metadata_key_twice():
    """A key of the metadata stands twice, with different values."""
    return aligned('{"__metadata__":{"format":"pt","format":"tf"}}')


# Hidden things -----------------------------------------------------------------------------------------------------------

@case("safetensors/base64-pickle-in-metadata", status="suspicious", threats=["F9"], imports=OS, **FORMAT)
def base64_pickle():
    """The metadata holds base64 of a pickle that would call os.system."""
    return with_header({"__metadata__": {"optimizer": base64.b64encode(payload()).decode()}, "a": tensor()}, b"x")


@case("safetensors/data-url-in-metadata", status="suspicious", threats=["F9"], imports=OS, **FORMAT)
def data_url():
    """A data URL in the metadata holds a pickle that would call os.system, as thumbnails hold pictures."""
    url = "data:image/jpeg;base64," + base64.b64encode(payload()).decode()
    return with_header({"__metadata__": {"modelspec.thumbnail": url}, "a": tensor()}, b"x")


@case("safetensors/binary-pickle-in-metadata", status="suspicious", threats=["F9"], imports=OS, **FORMAT)
def binary_pickle():
    """The metadata holds a binary pickle, each byte of it a character."""
    return with_header({"__metadata__": {"state": payload(4).decode("latin-1")}, "a": tensor()}, b"x")


@case("safetensors/text-pickle-in-metadata", status="suspicious", threats=["F9"], imports=OS, **FORMAT)
def text_pickle():
    """A pickle of protocol 0 stands in the middle of a text of the metadata."""
    return with_header({"__metadata__": {"notes": "weights follow: " + payload(None).decode("latin-1")}, "a": tensor()}, b"x")


@case("safetensors/zip-in-metadata", status="suspicious", threats=["F9"], imports=OS, **FORMAT)
def zip_in_metadata():
    """The metadata holds base64 of a zip with a pickle that would call os.system."""
    archive = plain_zip({"archive/data.pkl": payload(), "archive/version": b"3\n"})
    return with_header({"__metadata__": {"extra": base64.b64encode(archive).decode()}, "a": tensor()}, b"x")


@case("safetensors/pickle-in-unknown-field", status="suspicious", threats=["F8"], imports=OS, **FORMAT)
def in_unknown_field():
    """A field that every reader ignores holds base64 of a pickle."""
    return with_header({"a": tensor(extra=[{"x": base64.b64encode(payload()).decode()}])}, b"x")


@case("safetensors/pickle-in-overwritten-metadata", status="suspicious", threats=["F8", "F9"], imports=OS,
      rules=["safetensors.key-duplicate"], **FORMAT)
def in_overwritten_metadata():
    """Of two values under one key the first, which the reference drops, is a pickle."""
    return aligned('{"__metadata__":{"k":"' + base64.b64encode(payload()).decode() + '","k":""}}')


@case("safetensors/pickle-in-name", status="suspicious", threats=["F8"], imports=OS, **FORMAT)
def in_name():
    """The name of a tensor is base64 of a pickle."""
    return with_header({base64.b64encode(payload()).decode(): tensor()}, b"x")


@case("safetensors/script-in-metadata", status="caution", threats=["F9"], rules=["safetensors.text-program"],
      unsure="nothing runs it when the file is loaded, and the metadata of honest files holds no programs", **FORMAT)
def script():
    """The metadata holds a program in Python."""
    source = "import os\n\n\ndef setup():\n    os.system('true')\n\n\nsetup()\n"
    return with_header({"__metadata__": {"setup": source}, "a": tensor()}, b"x")


@case("safetensors/description-with-markup", status="safe", threats=["F9"], **FORMAT)
def markup():
    """A description has markup in it, as those of many published files have."""
    text = "<p>A model of <b>weights</b>.</p><script>show()</script>"
    return with_header({"__metadata__": {"modelspec.description": text, "ss_network_args": '{"dim": 8}'}, "a": tensor()}, b"x")


@case("safetensors/pickle-as-tensor", status="suspicious", threats=["F8"], imports=OS, rules=["file.unowned-loadable"], **FORMAT)
def as_tensor():
    """The bytes of a tensor are a pickle that would call os.system."""
    body = payload()
    return with_header({"a": tensor(), "state": tensor(shape=[len(body)], begin=1, end=1 + len(body))}, b"x" + body)


@case("safetensors/zip-at-the-end", status="unsafe", threats=["F8", "C14"], imports=OS, rules=["file.polyglot"], **FORMAT)
def zip_at_the_end():
    """The last tensor ends as a torch checkpoint that calls os.system: to torch.load the file is a zip."""
    body = bytes(64) + plain_zip({"archive/data.pkl": payload(), "archive/version": b"3\n"})
    return with_header({"a": tensor(shape=[len(body)], end=len(body))}, body)


@case("safetensors/zip-whose-directory-runs-over", status="unsafe", threats=["F8", "C14"], imports=OS, rules=["file.polyglot"],
      **FORMAT)
def zip_whose_directory_runs_over():
    """The zip in the last tensor has a directory record whose comment would end behind the file; zipfile opens it."""
    whole = bytearray(zip_at_the_end())
    whole[whole.index(b"PK\1\2") + 33] = 1
    return bytes(whole)


@case("safetensors/pickle-behind", status="suspicious", threats=["A28"], imports=OS, rules=["file.unowned-loadable"],
      **FORMAT)
def pickle_behind():
    """A pickle follows the last tensor, which the reference refuses and a loader that asks again would read."""
    return with_header({"a": tensor()}, b"x" + payload())


@case("safetensors/tar-in-header", status="suspicious", threats=["F8"], rules=["file.polyglot"], **FORMAT)
def tar_in_header():
    """The header's texts are laid out so that the file is a tar as well: its first 512 bytes are a valid header block."""
    size = 1016
    block = bytearray(struct.pack("<Q", size) + b'{"__metadata__":{"k":"' + b"x" * 482)
    block[100:108], block[124:136], block[257:263] = b"0000644 ", b"00000000000 ", b"ustar "
    block[156:157] = b"0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o  " % sum(block)
    rest = b'"}}'
    return bytes(block) + rest.ljust(size + 8 - len(block))
