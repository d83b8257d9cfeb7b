"""Archives by the programs that make them: p7zip 16.02, zstd 1.5.4, lz4 1.9.4, Info-ZIP's layout by Python's zipfile.
Committed, since the bytes follow the program."""

import io
import pathlib
import subprocess
import tarfile
import tempfile
import zipfile

from archives import Tensor, state_dict, tensor_bytes, torch_zip
from assembler import harmless, payload
from registry import add

OS = [("os", "system")]


def made_by(command, files, result):
    """Runs `command` in a folder that holds `files`, and returns what it wrote."""
    def make():
        with tempfile.TemporaryDirectory() as folder:
            home = pathlib.Path(folder)
            for name, data in files.items():
                (home / name).write_bytes(data)
            subprocess.run(command, cwd=home, check=True, stdout=subprocess.DEVNULL)
            return (home / result).read_bytes()
    return make


def keep(name, make, status, story, loader, file, **more):
    add(f"archives-written/{name}", make, story, status=status, loader=loader, file=file, benign=True,
        imports=OS if status == "unsafe" else [], **more)


TWO = {"readme.txt": b"weights\n" * 20, "model.pkl": payload()}
for method in ("LZMA", "LZMA2", "BZip2", "PPMd", "Deflate"):
    keep(f"7z-{method.lower()}", made_by(["7z", "a", f"-m0={method}", "out.7z", "readme.txt", "model.pkl"], TWO, "out.7z"),
         "unsafe", f"A 7z packed with {method} holds a pickle that calls os.system.", "7z", "input.7z", threats=["C9"])
keep("7z-harmless", made_by(["7z", "a", "out.7z", "m.pkl"], {"m.pkl": harmless()}, "out.7z"), "safe",
     "A 7z holds a plain pickle.", "7z", "input.7z", threats=["C9"])
keep("7z-encrypted", made_by(["7z", "a", "-passay", "out.7z", "model.pkl"], TWO, "out.7z"), "error",
     "The members of a 7z are encrypted, their names are not.", "7z", "input.7z", threats=["C9"])
keep("7z-encrypted-names", made_by(["7z", "a", "-passay", "-mhe=on", "out.7z", "model.pkl"], TWO, "out.7z"), "error",
     "Members and names of a 7z are encrypted.", "7z", "input.7z", threats=["C9"])
keep("7z-of-state-dict", made_by(["7z", "a", "out.7z", "m.pt"],
     {"m.pt": torch_zip(state_dict({"w": Tensor()}), {"0": tensor_bytes(16)})}, "out.7z"), "safe",
     "A 7z holds a torch checkpoint of plain tensors.", "7z", "input.7z", threats=["C9", "D1"])
keep("zstd", made_by(["zstd", "-q", "-19", "m.pkl"], {"m.pkl": harmless() + bytes(900) + payload()}, "m.pkl.zst"),
     "suspicious", "A compressed zstd frame holds a plain pickle, zeros and a pickle that would call os.system.", "zstd",
     "input.zst", threats=["C9", "A22"], unsure="as streams/zeros-between")
keep("zstd-payload", made_by(["zstd", "-q", "-19", "m.pkl"], {"m.pkl": b"\x80\x02N0" * 1 + b"N0" * 300 + payload()[2:]},
     "m.pkl.zst"), "unsafe", "A compressed zstd frame holds a pickle that calls os.system.", "zstd", "input.zst",
     threats=["C9"])
keep("lz4-payload", made_by(["lz4", "-q", "-9", "m.pkl", "m.lz4"], {"m.pkl": b"\x80\x02" + b"N0" * 300 + payload()[2:]},
     "m.lz4"), "unsafe", "A compressed LZ4 frame holds a pickle that calls os.system.", "joblib", "input.lz4",
     threats=["C9"])


def by_zipfile(compression):
    def make():
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as z:
            z.writestr(zipfile.ZipInfo("model/"), b"")
            info = zipfile.ZipInfo("model/data.pkl")
            info.compress_type = compression
            z.writestr(info, b"\x80\x02" + b"N0" * 100 + payload()[2:])
        return out.getvalue()
    return make


for name, compression in (("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
    keep(f"zip-{name}", by_zipfile(compression), "unsafe",
         f"A zip member packed with {name}, which Python's zipfile reads and torch does not, calls os.system.", "zipfile",
         "input.zip", threats=["C9"], unsure=f"error where no reader of {name} in zips exists")


def by_tarfile(form):
    def make():
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as t:
            info = tarfile.TarInfo("a-folder-with-a-long-name/" * 5 + "model.pkl")
            info.size = len(payload())
            t.addfile(info, io.BytesIO(payload()))
        return out.getvalue()
    return make


for name, form in (("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT), ("ustar", tarfile.USTAR_FORMAT)):
    keep(f"tar-{name}", by_tarfile(form), "unsafe", f"A tar in {name} format with a long path calls os.system.", "tar",
         "input.tar", threats=["C11"])
