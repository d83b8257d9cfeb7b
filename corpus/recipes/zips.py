"""Zip files that different readers read differently. The payload sits in `archive/data.pkl` unless said otherwise."""

import struct

from archives import (Member, Tensor, deflate, plain_zip, state_dict, tensor_bytes, torch_zip, traditional_encrypt,
                      zip_file)
from assembler import harmless, payload
from registry import add, case

import zlib

OS = [("os", "system")]
ZIP = dict(loader="torch", file="input.pt")
VERSION = Member("archive/version", b"3\n")


def both(name, story, make, **more):
    """The oddity twice: around a payload, and around plain data, where only the difference is left to report."""
    harmless_status = more.pop("harmless", "suspicious")
    add(f"zips/{name}-payload", lambda: make(payload()), story + " The pickle calls os.system.", status="unsafe",
        imports=OS, **ZIP, **more)
    add(f"zips/{name}-harmless", lambda: make(harmless()), story + " The pickle is plain data.",
        status=harmless_status, **ZIP, **{k: v for k, v in more.items() if k != "imports"})


@case("zips/honest", status="safe", threats=["D1"], **ZIP)
def honest():
    """An honest zip of a plain pickle."""
    return zip_file([Member("archive/data.pkl", harmless()), VERSION])


@case("zips/honest-deflated", status="safe", threats=["D1"], **ZIP)
def honest_deflated():
    """The same with deflated members."""
    return zip_file([Member("archive/data.pkl", harmless(), method=8), VERSION])


@case("zips/payload", status="unsafe", threats=["D1", "A1"], imports=OS, **ZIP)
def plain_payload():
    """An honest zip whose pickle calls os.system."""
    return zip_file([Member("archive/data.pkl", payload()), VERSION])


@case("zips/payload-deflated", status="unsafe", threats=["D1", "A1"], imports=OS, **ZIP)
def deflated_payload():
    """A deflated member calls os.system."""
    return zip_file([Member("archive/data.pkl", payload(), method=8), VERSION])


both("crc-wrong", "The checksum is wrong, so zipfile refuses and torch reads.",
     lambda p: zip_file([Member("archive/data.pkl", p, crc=0xDEADBEEF), VERSION]), threats=["C1"], bypass=["checksum-wrong"],
     references=["CVE-2025-10156"])
both("flag-0x1", "The flag for encryption is set on plain bytes.",
     lambda p: zip_file([Member("archive/data.pkl", p, flags=1), VERSION]), threats=["C2"], bypass=["flag-bits"], references=["CVE-2025-1945"])
both("flag-0x20", "The flag for patched data is set.",
     lambda p: zip_file([Member("archive/data.pkl", p, flags=0x20), VERSION]), threats=["C2"],
     bypass=["flag-bits"], references=["CVE-2025-1945"])
both("flag-0x40", "The flag for strong encryption is set on plain bytes.",
     lambda p: zip_file([Member("archive/data.pkl", p, flags=0x40), VERSION]), threats=["C2"],
     bypass=["flag-bits"], references=["CVE-2025-1945"])
both("flags-differ", "Only the directory says encrypted, the local header does not.",
     lambda p: zip_file([Member("archive/data.pkl", p, central_flags=1), VERSION]), threats=["C2"])
both("name-differs", "The local header calls the member data.txt, the directory data.pkl.",
     lambda p: zip_file([Member("archive/data.txt", p, central_name="archive/data.pkl"), VERSION]), threats=["C3"],
     bypass=["names-differ"], references=["CVE-2025-1944"])
both("central-name-hidden", "The directory calls the member notes.txt, the local header data.pkl.",
     lambda p: zip_file([Member("archive/data.pkl", p, central_name="archive/notes.txt"), VERSION]), threats=["C3"])
both("duplicate-first", "Two members share a name and differ: this one comes first.",
     lambda p: zip_file([Member("archive/data.pkl", p), Member("archive/data.pkl", harmless(3)), VERSION]),
     threats=["C4"], bypass=["duplicate-members"])
both("duplicate-last", "Two members share a name and differ: this one comes last.",
     lambda p: zip_file([Member("archive/data.pkl", harmless(3)), Member("archive/data.pkl", p), VERSION]),
     threats=["C4"], bypass=["duplicate-members"])
both("duplicate-case", "Two names differ in case only, which is one file on some systems.",
     lambda p: zip_file([Member("archive/data.pkl", harmless(3)), Member("archive/DATA.PKL", p), VERSION]),
     threats=["C4"], harmless="suspicious")
both("unlisted-member", "A local entry has no line in the directory, so only readers from the front see it.",
     lambda p: zip_file([Member("archive/hidden.pkl", p, listed=False), Member("archive/data.pkl", harmless()),
                         VERSION]), threats=["C5"])
both("data-descriptor", "Sizes stand behind the data, as streaming writers put them.",
     lambda p: zip_file([Member("archive/data.pkl", p, descriptor=True), VERSION]), threats=["C5"], harmless="safe")
both("zip64", "Sizes stand in a zip64 extra field, and the end record is the long form.",
     lambda p: zip_file([Member("archive/data.pkl", p, zip64=True), VERSION], zip64_end=True), threats=["C5"],
     harmless="safe")
both("wrong-extension", "The pickle is called config.p, beside an innocent data.pkl.",
     lambda p: zip_file([Member("archive/data.pkl", harmless(3)), Member("archive/config.p", p), VERSION]),
     threats=["C10", "A25"], bypass=["odd-extension"], references=["CVE-2025-1889"], harmless="safe")
both("no-extension", "The pickle has no extension at all.",
     lambda p: zip_file([Member("archive/data.pkl", harmless(3)), Member("archive/extra", p), VERSION]),
     threats=["C10"], harmless="safe")
both("other-folder", "A second folder holds another data.pkl, and the first folder wins only in some readers.",
     lambda p: zip_file([Member("archive/data.pkl", harmless(3)), VERSION, Member("other/data.pkl", p)]),
     threats=["C4", "D1"], unsure="torch refuses two folders; other readers take every .pkl there is")
both("in-comment", "The archive comment holds a whole second directory that ends the file.",
     lambda p: _two_ends(p), threats=["C5"])
both("prefix-zeros", "Zeros stand before the first entry, and the offsets count them.",
     lambda p: zip_file([Member("archive/data.pkl", p), VERSION], prefix=bytes(64)), threats=["C5"], harmless="safe")
both("suffix-zeros", "Zeros follow the end record.",
     lambda p: zip_file([Member("archive/data.pkl", p), VERSION], suffix=bytes(64)), threats=["C5"], harmless="safe")
both("method-differs", "The directory says stored, the local header says deflated.",
     lambda p: zip_file([Member("archive/data.pkl", p, method=8, central_method=0, central_size=len(deflate(p))),
                         VERSION]), threats=["C5"])
both("size-differs", "The local header declares one byte, the directory the true size.",
     lambda p: zip_file([Member("archive/data.pkl", p, local_size=1), VERSION]), threats=["C5"])
both("count-too-small", "The end record counts one entry, the directory holds two.",
     lambda p: zip_file([VERSION, Member("archive/data.pkl", p)], count=1), threats=["C5"])
both("zip64-extra-lies", "The zip64 extra field says another size than the header, which needs none.",
     lambda p: zip_file([Member("archive/data.pkl", p, central_extra=struct.pack("<HHQQ", 1, 16, 1, 1)), VERSION]),
     threats=["C5"], references=["CVE-2025-54368"])
both("nested-zip", "The pickle is in a zip in the zip.",
     lambda p: zip_file([Member("archive/data.pkl", harmless(3)),
                         Member("archive/inner.pt", zip_file([Member("model/data.pkl", p)])), VERSION]),
     threats=["C8"], references=["modelscan does not support nested zip"], harmless="safe")


def _two_ends(p: bytes) -> bytes:
    """The comment of the archive people see is the directory and end record of another reading: it lists `p`, which
    the first directory leaves out. Readers that look for the end record from the back find the second."""
    shown = zip_file([Member("archive/data.pkl", p, listed=False), Member("archive/data.pkl", harmless(3)), VERSION])
    second = zip_file([Member("archive/data.pkl", p, local=False, offset=0)], prefix=shown)[len(shown):]
    return shown[:-2] + struct.pack("<H", len(second)) + second


@case("zips/duplicate-same", status="safe", threats=["C4"], **ZIP)
def duplicate_same():
    """Two members share a name and their bytes: a note, and nothing more."""
    return zip_file([Member("archive/data.pkl", harmless()), Member("archive/data.pkl", harmless()), VERSION])


@case("zips/gap-holds-payload", status="suspicious", threats=["C5"], imports=OS,
      unsure="no loader starts inside a gap by itself", **ZIP)
def gap_payload():
    """The bytes between two members, which nobody owns, form a pickle that would call os.system."""
    return zip_file([Member("archive/data.pkl", harmless()), Member("archive/version", b"3\n", gap_before=payload())])


@case("zips/gap-zeros", status="safe", threats=["C5"], **ZIP)
def gap_zeros():
    """Zeros between members are alignment."""
    return zip_file([Member("archive/data.pkl", harmless()), Member("archive/version", b"3\n", gap_before=bytes(100))])


@case("zips/extra-holds-payload", status="suspicious", threats=["C5"], imports=OS,
      unsure="an extra field is owned by the zip, and no loader reads a pickle there", **ZIP)
def extra_payload():
    """An extra field of unknown kind holds a pickle that would call os.system."""
    body = payload()
    extra = struct.pack("<HH", 0x7A7A, len(body)) + body
    return zip_file([Member("archive/data.pkl", harmless(), extra=extra), VERSION])


@case("zips/before-directory-payload", status="suspicious", threats=["C5"], imports=OS, **ZIP)
def before_directory():
    """A pickle that would call os.system stands between the last member and the directory."""
    return zip_file([Member("archive/data.pkl", harmless()), VERSION], before_directory=payload())


@case("zips/comment-text", status="safe", threats=["C5"], **ZIP)
def comment():
    """An archive comment of plain words."""
    return zip_file([Member("archive/data.pkl", harmless()), VERSION], comment=b"made by hand")


@case("zips/two-archives", status="unsafe", threats=["C5"], imports=OS, **ZIP)
def two_archives():
    """Two zips stand one after another: readers from the end see the second, readers from the front the first."""
    first = plain_zip({"archive/data.pkl": payload()})
    return zip_file([Member("archive/data.pkl", harmless()), VERSION], prefix=first)


@case("zips/directory-offset-wrong", status="suspicious", threats=["C5"],
      unsure="zipfile takes a wrong offset for a prefix, miniz refuses", **ZIP)
def wrong_offset():
    """The end record puts the directory somewhere else, and readers disagree whether to go on."""
    return zip_file([Member("archive/data.pkl", harmless()), VERSION], directory_offset=7)


@case("zips/encrypted", status="error", threats=["C2"], loader="zipfile", file="input.zip")
def encrypted():
    """A member is really encrypted, so nobody without the password can say what it holds."""
    data = payload()
    crc = zlib.crc32(data)
    packed = traditional_encrypt(data, b"assay", crc)
    member = Member("archive/data.pkl", data, flags=1, packed=packed)
    return zip_file([member])


@case("zips/truncated-directory", status="error", threats=["A20", "C5"], **ZIP)
def truncated():
    """The file ends inside the directory, as a broken download does."""
    return zip_file([Member("archive/data.pkl", harmless()), VERSION])[:-40]


@case("zips/truncated-payload", status="unsafe", threats=["A21", "C5"], imports=OS,
      unsure="no zip loader opens it; readers from the front, and repair tools, do", **ZIP)
def truncated_payload():
    """The directory is gone, and a local entry holds a pickle that calls os.system."""
    return zip_file([Member("archive/data.pkl", payload()), VERSION])[:-60]


@case("zips/method-unknown", status="error", threats=["C5"], **ZIP)
def unknown_method():
    """A member is packed with a method nobody has."""
    return zip_file([Member("archive/data.pkl", harmless(), method=77), VERSION])


@case("zips/deflate-broken", status="error", threats=["A20"], **ZIP)
def broken_deflate():
    """The deflated data is no deflate."""
    return zip_file([Member("archive/data.pkl", harmless(), method=8, packed=b"\xff" * 40), VERSION])


@case("zips/empty", status="safe", loader="zipfile", file="input.zip")
def empty():
    """A zip without members: an end record and nothing else."""
    return zip_file([])


PATHS = [
    ("path-parent", "../../escape.txt", "climbs out of the folder it is unpacked in", "unsafe"),
    ("path-absolute", "/absent/escape.txt", "is absolute", "unsafe"),
    ("path-drive", "C:\\absent\\escape.txt", "names a Windows drive", "unsafe"),
    ("path-backslash", "..\\..\\escape.txt", "climbs with backslashes", "unsafe"),
    ("path-nul", b"data.pkl\0.txt", "is cut at a NUL by some readers", "suspicious"),
    ("path-lookalike", "archive/d\u0430ta.pkl", "has a Cyrillic letter that looks like a Latin one", "suspicious"),
    ("path-control", "archive/\u202etxt.lkp", "is displayed right to left", "suspicious"),
]
for case_name, member_name, what, status in PATHS:
    add(f"zips/{case_name}", lambda n=member_name: zip_file([Member(n, b"text\n", flags=0x800)]),
        f"A member's name {what}.", status=status, threats=["C6"], loader="zipfile", file="input.zip",
        references=["PAIT-ARV-100"])


@case("zips/symlink", status="suspicious", threats=["C6"], loader="zipfile", file="input.zip")
def symlink():
    """A member is a symbolic link inside the archive."""
    return zip_file([Member("link", b"weights.bin", external=0o120777 << 16), Member("weights.bin", bytes(8))])


@case("zips/symlink-escaping", status="unsafe", threats=["C6"], loader="zipfile", file="input.zip")
def symlink_escape():
    """A symbolic link leads out, and the next member is written through it."""
    return zip_file([Member("link", b"../../absent", external=0o120777 << 16), Member("link/escape.txt", b"text\n")])


@case("zips/wheel", status="unscanned", threats=["C15"], loader="zipfile", file="input-1.0-py3-none-any.whl")
def wheel():
    """A wheel holds Python source and metadata."""
    return plain_zip({"acme/__init__.py": b"import math\nVERSION = '1.0'\n", "acme-1.0.dist-info/METADATA": b"Name: acme\n",
                      "acme-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
                      "acme-1.0.dist-info/RECORD": b"acme/__init__.py,,\n"})


@case("zips/wheel-with-pth", status="unscanned", threats=["C15"], loader="zipfile",
      file="input-1.0-py3-none-any.whl", unsure="the line runs at every start of Python once installed")
def wheel_pth():
    """A wheel installs a .pth file whose line begins with import and so runs at every start of Python."""
    return plain_zip({"acme/__init__.py": b"", "acme.pth": b"import acme\n",
                      "acme-1.0.dist-info/RECORD": b"acme/__init__.py,,\nacme.pth,,\n"})


@case("zips/mar", status="unscanned", threats=["C13"], loader="zipfile", file="input.mar",
      unsure="a handler is code by design, which is also a description of caution")
def mar():
    """A TorchServe archive names a handler in Python."""
    manifest = b'{"model": {"handler": "handler.py", "serializedFile": "model.pt", "modelName": "tiny"}}'
    model = torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)})
    return plain_zip({"MAR-INF/MANIFEST.json": manifest, "handler.py": b"def handle(data, context):\n    return data\n",
                      "model.pt": model})


@case("zips/mar-payload", status="unsafe", threats=["C13", "C8"], imports=OS, loader="zipfile", file="input.mar")
def mar_payload():
    """The model inside a TorchServe archive calls os.system."""
    manifest = b'{"model": {"handler": "image_classifier", "serializedFile": "model.pt", "modelName": "tiny"}}'
    return plain_zip({"MAR-INF/MANIFEST.json": manifest, "model.pt": torch_zip(payload())})
