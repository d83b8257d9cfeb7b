"""Tar files in several dialects, with links, duplicates and names that escape."""

from archives import gnu_long_name, gzip_stream, pax_header, plain_zip, tar_file, tar_member
from assembler import harmless, payload
from registry import add, case

OS = [("os", "system")]
TAR = dict(loader="tar", file="input.tar")

DIALECTS = [
    ("ustar", b"ustar\x0000", [], "POSIX ustar"), ("gnu", b"ustar  \0", [], "old GNU"),
    ("v7", b"\0" * 8, [], "the tar of 1979, without a magic number"),
]
for name, magic, front, what in DIALECTS:
    add(f"tars/{name}-payload", lambda m=magic: tar_file(tar_member("model.pkl", payload(), magic=m)),
        f"A member of a tar ({what}) calls os.system.", status="unsafe", threats=["C11", "A25"], imports=OS, **TAR)


@case("tars/honest", status="safe", threats=["C11"], **TAR)
def honest():
    """A tar of a plain pickle and a text."""
    return tar_file(tar_member("model/", kind=b"5"), tar_member("model/data.pkl", harmless()),
                    tar_member("model/readme.txt", b"weights\n"))


@case("tars/pax-long-name", status="unsafe", threats=["C11"], imports=OS, **TAR)
def pax():
    """A pax header gives the member another name than the block says: readme.txt becomes model.pkl."""
    return tar_file(pax_header({"path": "model.pkl"}), tar_member("readme.txt", payload()))


@case("tars/pax-size", status="suspicious", threats=["C11"], unsure="old readers ignore the record and lose their place",
      **TAR)
def pax_size():
    """A pax header gives another size than the block, so old and new readers go on at different places."""
    return tar_file(pax_header({"size": "512"}), tar_member("data.bin", bytes(512), size=0),
                    tar_member("readme.txt", b"weights\n"))


@case("tars/gnu-long-name", status="unsafe", threats=["C11"], imports=OS, **TAR)
def gnu_long():
    """A GNU long name of 120 letters stands before the member that calls os.system."""
    return tar_file(gnu_long_name(b"m" * 120 + b".pkl"), tar_member(b"m" * 100, payload(), magic=b"ustar  \0"))


@case("tars/duplicate-differs", status="unsafe", threats=["C11", "C4"], imports=OS, **TAR)
def duplicate():
    """Two members share a name: the first is plain data, the last, which tarfile keeps, calls os.system."""
    return tar_file(tar_member("data.pkl", harmless()), tar_member("data.pkl", payload()))


@case("tars/duplicate-same", status="safe", threats=["C11"], **TAR)
def duplicate_same():
    """The same member twice with the same bytes."""
    return tar_file(tar_member("data.pkl", harmless()), tar_member("data.pkl", harmless()))


@case("tars/concatenated", status="unsafe", threats=["C11"], imports=OS, **TAR)
def concatenated():
    """A second tar follows the end of the first, for readers that ignore zeros."""
    return tar_file(tar_member("readme.txt", b"weights\n")) + tar_file(tar_member("data.pkl", payload()))


LINKS = [
    ("symlink", b"2", "weights.bin", "suspicious", "A symbolic link stays inside."),
    ("symlink-escaping", b"2", "../../absent", "unsafe", "A symbolic link leads out of the folder."),
    ("hardlink-escaping", b"1", "../../absent", "unsafe", "A hard link leads out of the folder."),
    ("symlink-absolute", b"2", "/absent", "unsafe", "A symbolic link leads to an absolute path."),
    ("device", b"3", "", "suspicious", "A member is a character device."),
    ("fifo", b"6", "", "suspicious", "A member is a named pipe, and whoever opens it waits for ever."),
]
for name, kind, link, status, story in LINKS:
    add(f"tars/{name}", lambda k=kind, l=link: tar_file(tar_member("weights.bin", bytes(8)),
                                                       tar_member("link", kind=k, link=l)),
        story, status=status, threats=["C6"], references=["CVE-2025-12638"], **TAR)


@case("tars/path-parent", status="unsafe", threats=["C6"], **TAR)
def parent():
    """A member's name climbs out of the folder it is unpacked in."""
    return tar_file(tar_member("../../escape.txt", b"text\n"))


@case("tars/path-absolute", status="suspicious", threats=["C6"],
      unsure="old archives have absolute names honestly, and tar strips the slash; the threat catalogue says M for an escape", **TAR)
def absolute():
    """A member's name is absolute, as old archives had it."""
    return tar_file(tar_member("/absent/data.txt", b"text\n"))


@case("tars/checksum-wrong", status="error", threats=["A20"], **TAR)
def checksum():
    """The header's checksum is wrong, so no reader believes it."""
    return tar_file(tar_member("data.pkl", harmless(), checksum=1))


@case("tars/truncated", status="error", threats=["A20"], **TAR)
def truncated():
    """The tar ends inside a member."""
    return tar_file(tar_member("data.bin", bytes(2000)))[:1024]


@case("tars/nemo", bypass=["other-formats"],
      status="unsafe", threats=["C12"], imports=OS, loader="tar", file="input.nemo")
def nemo():
    """A .nemo is a gzipped tar; its checkpoint calls os.system."""
    return gzip_stream(tar_file(tar_member("model_config.yaml", b"target: acme.models.Net\n"),
                                tar_member("model_weights.ckpt", plain_zip({"archive/data.pkl": payload()}))))


@case("tars/nemo-config-only", status="unscanned", threats=["C12"], loader="tar", file="input.nemo")
def nemo_config():
    """The configuration of a .nemo names the class to be made, and its weights are plain data."""
    return gzip_stream(tar_file(tar_member("model_config.yaml", b"_target_: acme.models.Net\n"),
                                tar_member("model_weights.ckpt", plain_zip({"archive/data.pkl": harmless()}))))
