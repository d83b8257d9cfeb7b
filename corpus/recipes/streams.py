"""More than one thing in a file: stacked pickles, junk between them, formats laid over each other."""

import struct

from archives import Member, plain_zip, tar_file, tar_member, torch_zip, state_dict, Tensor, tensor_bytes, zip_file
from assembler import Pickle, harmless, payload, pickle
from registry import case

OS = [("os", "system")]


@case("streams/payload-in-second", status="unsafe", threats=["A22"], imports=OS)
def second():
    """The second of two stacked pickles calls os.system."""
    return harmless() + payload()


@case("streams/payload-in-fortieth", status="unsafe", threats=["A22"], imports=OS)
def fortieth():
    """Thirty-nine harmless pickles stand before the one that calls os.system."""
    return harmless() * 39 + payload()


@case("streams/payload-in-second-protocol-0", status="unsafe", threats=["A22", "A24"], imports=OS)
def second_protocol0():
    """The second pickle is protocol 0 and has no magic byte."""
    return harmless() + payload(None)


@case("streams/payload-first-then-harmless", status="unsafe", threats=["A22"], imports=OS)
def first():
    """The first pickle calls os.system and a harmless one follows."""
    return payload() + harmless()


@case("streams/all-harmless", status="safe", threats=["A22"])
def all_harmless():
    """Three stacked pickles of plain data, as logs of results are written."""
    return harmless() * 3


@case("streams/zeros-between", status="suspicious", threats=["A22"], imports=OS,
      unsure="a loader that seeks to an aligned offset would run it, and then it is unsafe")
def zeros_between():
    """Zero padding stands between a harmless pickle and one that calls os.system."""
    return harmless() + bytes(64) + payload()


@case("streams/junk-between", status="suspicious", threats=["A22"], imports=OS, unsure="as streams/zeros-between")
def junk_between():
    """Bytes that are no opcode stand between a harmless pickle and one that calls os.system."""
    return harmless() + b"\xfe\xfd\xfc" * 7 + payload()


@case("streams/zeros-after", status="safe", threats=["A22"])
def zeros_after():
    """Zero padding follows a harmless pickle."""
    return harmless() + bytes(512)


@case("streams/text-after", status="safe", threats=["A22"],
      unsure="bytes nobody owns, identified as text where no loader could start; strict coverage would say unscanned")
def text_after():
    """A line of text follows the pickle, and no loader owns it."""
    return harmless() + b"-- written by exporter 1.2, kept for the record --\n"


@case("streams/raw-opcodes-after-stop", status="unsafe", threats=["A22"], imports=OS)
def opcodes_after():
    """A call of os.system without PROTO and without STOP follows a harmless pickle.

    A second load of the same file handle would run it before it fails.
    """
    return harmless() + bytes(Pickle().call("os", "system", "true"))


@case("streams/second-truncated", status="error", threats=["A22", "A20"])
def second_truncated():
    """The second of two plain pickles is cut off."""
    return harmless() + harmless()[:12]


@case("streams/pickle-then-zip", status="unsafe", threats=["A28", "A22"], imports=OS)
def pickle_then_zip():
    """A pickle that calls os.system has a harmless zip appended: pickle.load reads the front, zipfile the tail."""
    return payload() + plain_zip({"readme.txt": b"weights"})


@case("streams/harmless-pickle-then-zip", status="suspicious", threats=["A28"])
def harmless_then_zip():
    """A harmless pickle has a harmless zip appended: two loaders see two models."""
    return harmless() + plain_zip({"data.pkl": harmless()})


@case("streams/zip-with-payload-prefix", status="unsafe", threats=["A28", "C5"], imports=OS)
def prefix_payload():
    """A torch zip whose offsets count a prefix in, and the prefix is a pickle that calls os.system."""
    return zip_file([Member("archive/data.pkl", harmless()), Member("archive/version", b"3\n")], prefix=payload())


@case("streams/zip-with-payload-prefix-uncounted", status="unsafe", threats=["A28", "C5"], imports=OS)
def prefix_uncounted():
    """The prefix was put before a finished zip, so its offsets are wrong by the length of the pickle."""
    front = payload()
    return zip_file([Member("archive/data.pkl", harmless())], prefix=front, offsets_from=len(front))


@case("streams/pickle-then-tar", status="suspicious", threats=["A28"],
      unsure="tar readers want the header at the start, so only ignore_zeros-style readers find it")
def pickle_then_tar():
    """A harmless pickle is padded to a block and a tar follows."""
    front = harmless()
    return front + bytes(-len(front) % 512) + tar_file(tar_member("data.pkl", harmless()))


@case("streams/tar-that-is-a-pickle", status="unsafe", threats=["A28"], imports=OS)
def tar_pickle():
    """The first member's name in a tar is also a protocol 0 pickle that calls os.system and stops."""
    return tar_file(tar_member(b"cos\nsystem\n(S'true'\ntR.", b"nothing"))


@case("streams/torch-zip-with-pickle-tail", status="suspicious", threats=["A28", "C5"], loader="torch", imports=OS)
def torch_tail():
    """A pickle that would call os.system follows the end of a torch zip, where no loader starts."""
    model = torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)})
    return model + payload()


@case("streams/png-that-is-a-zip", status="suspicious", threats=["A28"], loader="zipfile", file="input.png")
def png_zip():
    """A picture with a zip of a harmless pickle behind it: viewers see one thing, loaders another."""
    from recipes.plain import png
    return png() + plain_zip({"data.pkl": harmless()})


@case("streams/png-that-is-a-payload-zip", status="unsafe", threats=["A28", "A25"], loader="torch", file="input.png",
      imports=OS)
def png_payload_zip():
    """A picture with a torch zip behind it that calls os.system."""
    from recipes.plain import png
    return png() + plain_zip({"archive/data.pkl": payload(), "archive/version": b"3\n"})


@case("streams/safetensors-with-payload-tail", status="suspicious", threats=["A28"], imports=OS,
      loader="safetensors", file="input.safetensors")
def safetensors_tail():
    """Bytes behind a safetensors file form a pickle that would call os.system."""
    header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return struct.pack("<Q", len(header)) + header + struct.pack("<f", 0.5) + payload()
