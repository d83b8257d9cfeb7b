"""Writers of containers: zip, tar, 7z, gzip, zstd, lz4, the three torch layouts, npy and joblib.

Each header field can be set to a lie. Nothing depends on the clock, so the same recipe gives the same bytes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from assembler import Pickle, pickle

DOS_TIME, DOS_DATE = 0, 0x21  # midnight, 1 January 1980: the earliest a zip can say


@dataclass
class Member:
    """One zip entry. A field left None takes the honest value."""

    name: bytes | str
    data: bytes = b""
    method: int = 0                 # 0 stored, 8 deflated
    flags: int = 0
    crc: int | None = None
    central_name: bytes | str | None = None
    central_flags: int | None = None
    central_method: int | None = None
    central_crc: int | None = None
    central_size: int | None = None          # uncompressed size the directory declares
    local_size: int | None = None
    extra: bytes = b""
    central_extra: bytes | None = None
    external: int = 0
    comment: bytes = b""
    descriptor: bool = False        # bit 3: zero sizes in front, the true ones behind the data
    listed: bool = True             # False: no central entry
    local: bool = True              # False: only a central entry; its offset is `offset`
    offset: int | None = None
    gap_before: bytes = b""
    zip64: bool = False             # sizes only in a zip64 extra field
    packed: bytes | None = None     # the compressed bytes, where the author made them


def _raw(name) -> bytes:
    return name if isinstance(name, bytes) else name.encode()


def deflate(data: bytes, level: int = 9) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def zip_file(members, prefix=b"", before_directory=b"", comment=b"", suffix=b"", count=None, directory_offset=None,
             offsets_from=0, zip64_end=False, directory_size=None) -> bytes:
    """A whole archive. `offsets_from` is what every stored offset is counted from: 0 counts the prefix in,
    len(prefix) leaves it out, as a plain `cat` of two files does."""
    out = bytearray(prefix)
    directory = bytearray()
    listed = 0
    for m in members:
        out += m.gap_before
        packed = m.packed if m.packed is not None else (deflate(m.data) if m.method == 8 else m.data)
        crc = zlib.crc32(m.data) if m.crc is None else m.crc
        start = len(out) - offsets_from if m.offset is None else m.offset
        if m.local:
            out += _local(m, packed, crc)
        if m.listed:
            directory += _central(m, packed, crc, start)
            listed += 1
    out += before_directory
    at = len(out) - offsets_from if directory_offset is None else directory_offset
    size = len(directory) if directory_size is None else directory_size
    total = listed if count is None else count
    out += directory
    if zip64_end:
        out += struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, total, total, size, at)
        out += struct.pack("<IIQI", 0x07064B50, 0, len(out) - 56 - offsets_from, 1)
        total, size, at = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    out += end_record(total, size, at, comment)
    return bytes(out) + suffix


def end_record(total, size, at, comment=b"") -> bytes:
    return struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, total, total, size, at, len(comment)) + comment


def _local(m, packed, crc) -> bytes:
    flags = m.flags | (8 if m.descriptor else 0)
    size, packed_size = (len(m.data) if m.local_size is None else m.local_size), len(packed)
    extra = m.extra
    if m.zip64:
        extra = struct.pack("<HHQQ", 1, 16, size, packed_size) + extra
        size = packed_size = 0xFFFFFFFF
    front = (0, 0, 0) if m.descriptor else (crc, packed_size, size)
    name = _raw(m.name)
    head = struct.pack("<IHHHHHIIIHH", 0x04034B50, 45 if m.zip64 else 20, flags, m.method, DOS_TIME, DOS_DATE, *front,
                       len(name), len(extra))
    tail = struct.pack("<IIII", 0x08074B50, crc, len(packed), len(m.data)) if m.descriptor else b""
    return head + name + extra + packed + tail


def _central(m, packed, crc, start) -> bytes:
    name = _raw(m.name if m.central_name is None else m.central_name)
    flags = (m.flags if m.central_flags is None else m.central_flags) | (8 if m.descriptor else 0)
    method = m.method if m.central_method is None else m.central_method
    crc = crc if m.central_crc is None else m.central_crc
    size, packed_size = (len(m.data) if m.central_size is None else m.central_size), len(packed)
    if method == 0 and m.central_size is not None:
        packed_size = m.central_size
    extra = b"" if m.central_extra is None else m.central_extra
    if m.zip64 and m.central_extra is None:
        extra = struct.pack("<HHQQ", 1, 16, size, packed_size)
    if m.zip64:
        size = packed_size = 0xFFFFFFFF
    return struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0x032D if m.zip64 else 0x0314, 45 if m.zip64 else 20, flags,
                       method, DOS_TIME, DOS_DATE, crc, packed_size, size, len(name), len(extra), len(m.comment), 0, 0,
                       m.external, start) + name + extra + m.comment


def plain_zip(files: dict, method=0) -> bytes:
    return zip_file([Member(name, data, method) for name, data in files.items()])


def traditional_encrypt(data: bytes, password: bytes, crc: int) -> bytes:
    """PKWARE's old cipher, so that one sample is really encrypted."""
    keys = [0x12345678, 0x23456789, 0x34567890]
    table = [_crc_entry(i) for i in range(256)]

    def update(byte):
        keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 0xFF]

    for byte in password:
        update(byte)
    out = bytearray()
    for byte in b"assay-seed!" + bytes([crc >> 24]) + data:
        stream = (keys[2] | 2) & 0xFFFF
        out.append(byte ^ (((stream * (stream ^ 1)) >> 8) & 0xFF))
        update(byte)
    return bytes(out)


def _crc_entry(i):
    for _ in range(8):
        i = (i >> 1) ^ 0xEDB88320 if i & 1 else i >> 1
    return i


# tar ----------------------------------------------------------------------------------------------------------------

def tar_member(name, data=b"", kind=b"0", link=b"", size=None, magic=b"ustar\x0000", prefix=b"", mode=0o644,
               checksum=None) -> bytes:
    """One header block and its padded data. `kind` is the type flag."""
    def octal(n, width):
        return b"%0*o\0" % (width - 1, n)
    head = bytearray(512)
    declared = len(data) if size is None else size
    parts = [(0, _raw(name)[:100]), (100, octal(mode, 8)), (108, octal(0, 8)), (116, octal(0, 8)),
             (124, octal(declared, 12)), (136, octal(0, 12)), (148, b" " * 8), (156, kind), (157, _raw(link)[:100]),
             (257, magic), (345, prefix)]
    for at, field in parts:
        head[at:at + len(field)] = field
    total = sum(head) if checksum is None else checksum
    head[148:156] = b"%06o\0 " % total
    return bytes(head) + data + bytes(-len(data) % 512)


def tar_file(*members: bytes) -> bytes:
    return b"".join(members) + bytes(1024)


def pax_header(records: dict) -> bytes:
    body = b""
    for key, value in records.items():
        line = b" %s=%s\n" % (key.encode(), _raw(value))
        length = len(line) + 1
        while len(str(length)) + len(line) != length:
            length = len(str(length)) + len(line)
        body += str(length).encode() + line
    return tar_member("PaxHeader", body, b"x")


def gnu_long_name(name: bytes) -> bytes:
    return tar_member("././@LongLink", name + b"\0", b"L", magic=b"ustar  \0")


# Streams ------------------------------------------------------------------------------------------------------------

def gzip_stream(data: bytes, level=9, name=b"") -> bytes:
    head = b"\x1f\x8b\x08" + (b"\x08" if name else b"\0") + bytes(4) + b"\x02\xff" + (name + b"\0" if name else b"")
    return head + deflate(data, level) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zstd_stream(data: bytes) -> bytes:
    """A frame of raw blocks: valid for every decoder, and needs no compressor here."""
    out = b"\x28\xb5\x2f\xfd" + b"\xa0" + struct.pack("<I", len(data))
    chunks = [data[i:i + 65536] for i in range(0, len(data), 65536)] or [b""]
    for i, chunk in enumerate(chunks):
        last = i == len(chunks) - 1
        out += struct.pack("<I", len(chunk) << 3 | last)[:3] + chunk
    return out


def lz4_stream(data: bytes) -> bytes:
    """An LZ4 frame whose blocks are stored."""
    descriptor = b"\x60\x40"
    out = b"\x04\x22\x4d\x18" + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
    for i in range(0, len(data), 65536):
        chunk = data[i:i + 65536]
        out += struct.pack("<I", len(chunk) | 0x80000000) + chunk
    return out + bytes(4)


def xxh32(data: bytes) -> int:
    """xxHash32 of fewer than 16 bytes, with seed 0: all a frame header needs."""
    p2, p3, p4, p5 = 2246822519, 3266489917, 668265263, 374761393
    mask = 0xFFFFFFFF
    h = p5 + len(data)
    for byte in data:
        h = (h + byte * p5) & mask
        h = ((h << 11 | h >> 21) & mask) * 2654435761 & mask
    h = (h ^ h >> 15) * p2 & mask
    h = (h ^ h >> 13) * p3 & mask
    return h ^ h >> 16


def seven_zip(files: dict) -> bytes:
    """A 7z archive with the Copy method and a plain header: one folder and one packed stream per file."""
    packed = b"".join(files.values())
    count = len(files)

    def number(n):
        if n < 0x80:
            return bytes([n])
        if n < 0x4000:
            return bytes([0x80 | n >> 8, n & 0xFF])
        return b"\xe0" + struct.pack("<I", n)[:3] if n < 0x200000 else b"\xf0" + struct.pack("<I", n)

    sizes = b"".join(number(len(d)) for d in files.values())
    digests = b"".join(struct.pack("<I", zlib.crc32(d)) for d in files.values())
    streams = (b"\x06" + number(0) + number(count) + b"\x09" + sizes + b"\x00"
               + b"\x07\x0b" + number(count) + b"\x00" + b"\x01\x01\x00" * count + b"\x0c" + sizes
               + b"\x0a\x01" + digests + b"\x00" + b"\x08\x00" + b"\x00")
    names = b"\x00" + b"".join(n.encode("utf-16-le") + b"\0\0" for n in files)
    header = b"\x01\x04" + streams + b"\x05" + number(count) + b"\x11" + number(len(names)) + names + b"\x00\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


# torch --------------------------------------------------------------------------------------------------------------

ELEMENT_BYTES = {"DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "LongStorage": 8, "IntStorage": 4,
                 "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1, "BFloat16Storage": 2,
                 "ComplexDoubleStorage": 16, "ComplexFloatStorage": 8, "QInt8Storage": 1, "QUInt8Storage": 1,
                 "QInt32Storage": 4, "UntypedStorage": 1}


@dataclass
class Tensor:
    """One tensor as torch pickles it. Strides are counted in elements."""

    storage: str = "FloatStorage"
    key: str = "0"
    numel: int = 4
    shape: tuple = (4,)
    stride: tuple = (1,)
    offset: int = 0
    dtype: str | None = None        # set: UntypedStorage and _rebuild_tensor_v3
    legacy: bool = False            # legacy files carry a sixth element, the view
    location: str = "cpu"

    def bytes_held(self) -> int:
        return self.numel * ELEMENT_BYTES[self.storage]


def tensor_pickle(t: Tensor) -> Pickle:
    module = "torch.storage" if t.storage == "UntypedStorage" else "torch"
    storage = (Pickle().mark().value("storage").glob(module, t.storage).value(t.key).value(t.location).value(t.numel))
    if t.legacy:
        storage.none()
    storage.tuple().binpersid()
    p = Pickle().glob("torch._utils", "_rebuild_tensor_v3" if t.dtype else "_rebuild_tensor_v2").mark()
    p.value(storage).value(t.offset).value(t.shape).value(t.stride).false()
    p.glob("collections", "OrderedDict").empty_tuple().reduce()
    if t.dtype:
        p.glob("torch", t.dtype)
    return p.tuple().reduce()


def state_dict(tensors: dict, extra: Pickle | None = None) -> bytes:
    """`OrderedDict` of tensors at protocol 2. `extra` is a key and a value to slip in at the end."""
    p = pickle(2).glob("collections", "OrderedDict").empty_tuple().reduce().mark()
    for name, t in tensors.items():
        p.value(name).value(tensor_pickle(t))
    if extra is not None:
        p.value(extra)
    return bytes(p.setitems().stop())


def tensor_bytes(count: int) -> bytes:
    """`count` bytes of tensor data: small exact floats, so no run of them looks like a stream."""
    one = struct.pack("<f", 0.5)
    return (one * (count // 4 + 1))[:count]


def torch_zip(data_pkl: bytes, storages: dict | None = None, top="archive", extras: dict | None = None, aligned=True,
              newest=False, **fields) -> bytes:
    """The layout of torch.save since 1.6. `fields` go to the member `data.pkl`."""
    files = [(f"{top}/data.pkl", data_pkl, fields)]
    if newest:
        files += [(f"{top}/.format_version", b"1", {}), (f"{top}/.storage_alignment", b"64", {})]
    files += [(f"{top}/byteorder", b"little", {})]
    files += [(f"{top}/data/{key}", raw, {}) for key, raw in (storages or {}).items()]
    files += [(f"{top}/version", b"3\n", {})]
    files += [(f"{top}/.data/serialization_id", b"0" * 40, {})]
    files += [(f"{top}/{name}", raw, {}) for name, raw in (extras or {}).items()]
    members, at = [], 0
    for name, raw, more in files:
        extra = b""
        if aligned:
            room = -(at + 30 + len(name.encode()) + 4) % 64
            extra = b"FB" + struct.pack("<H", room) + b"Z" * room
        members.append(Member(name, raw, extra=extra, **more))
        at += 30 + len(name.encode()) + len(extra) + len(raw)
    return zip_file(members)


MAGIC = 0x1950A86A20F9469CFC6C


def torch_legacy(obj: bytes, storages: dict | None = None, magic: bytes | None = None, protocol: bytes | None = None,
                 sys_info: bytes | None = None, keys: bytes | None = None, after=b"") -> bytes:
    """Five pickles and raw storages: torch.save before 1.6. `storages` maps key -> (numel, raw bytes)."""
    storages = storages or {}
    sizes = {"short": 2, "int": 4, "long": 4}
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
    out = magic if magic is not None else bytes(pickle(2).long1(MAGIC).stop())
    out += protocol if protocol is not None else bytes(pickle(2).value(1001).stop())
    out += sys_info if sys_info is not None else bytes(pickle(2).value(info).stop())
    out += obj
    out += keys if keys is not None else bytes(pickle(2).value(list(storages)).stop())
    for numel, raw in storages.values():
        out += struct.pack("<q", numel) + raw
    return out + after


def torch_tar(pickle_member: bytes | None = None, tensors: bytes | None = None, storages: bytes | None = None) -> bytes:
    """The layout before 0.1.10: a tar of `sys_info`, `storages`, `tensors` and `pickle`."""
    raw = struct.pack("<ffff", 1, 2, 3, 4)
    if storages is None:
        storages = bytes(pickle(2).value(1).stop())
        storages += bytes(pickle(2).mark().value(0).value("cpu").glob("torch", "FloatStorage").tuple().stop())
        storages += struct.pack("<q", 4) + raw + bytes(pickle(2).value([]).stop())
    if tensors is None:
        tensors = bytes(pickle(2).value(1).stop())
        tensors += bytes(pickle(2).mark().value(1).value(0).glob("torch", "FloatTensor").tuple().stop())
        tensors += struct.pack("<i4xqqq", 1, 4, 1, 0)
    if pickle_member is None:
        body = Pickle().value("weight").value("1").binpersid()
        pickle_member = bytes(pickle(2).empty_dict().value(body).setitem().stop())
    info = bytes(pickle(2).value({"protocol_version": 1000, "little_endian": True}).stop())
    return tar_file(tar_member("sys_info", info), tar_member("storages", storages), tar_member("tensors", tensors),
                    tar_member("pickle", pickle_member))


# numpy and joblib ---------------------------------------------------------------------------------------------------

def npy(descr: str, shape: str, body: bytes, version=(1, 0), header: bytes | None = None, pad_to=64) -> bytes:
    """A .npy file. `descr` is written as Python source, quotes included."""
    text = header or (b"{'descr': %s, 'fortran_order': False, 'shape': %s, }" % (descr.encode(), shape.encode()))
    lead = 10 if version[0] == 1 else 12
    text += b" " * (-(lead + len(text) + 1) % pad_to) + b"\n"
    size = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + size + text + body


def dtype_pickle(code="f8", byteorder="<") -> Pickle:
    p = Pickle().glob4("numpy", "dtype").value((code, False, True)).reduce()
    if code.startswith("O"):
        state = (3, "|", None, None, None, -1, -1, 63)
    else:
        state = (3, byteorder, None, None, None, -1, -1, 0)
    return p.value(state).build()


def joblib_array(count: int, raw: bytes, code="f8", shape=None, pad=16, stream_at=0) -> Pickle:
    """A NumpyArrayWrapper and the array's bytes, inline. `stream_at` is how many bytes stand before it, because the
    raw bytes are aligned to `pad` in the file."""
    p = Pickle().glob4("joblib.numpy_pickle", "NumpyArrayWrapper").empty_tuple().newobj().empty_dict().mark()
    p.value("subclass").glob4("numpy", "ndarray")
    p.value("shape").value(shape or (count,)).value("order").value("C").value("dtype").value(dtype_pickle(code))
    p.value("allow_mmap").value(not code.startswith("O"))
    if pad:
        p.value("numpy_array_alignment_bytes").value(pad)
    p.setitems().build()
    if pad and not code.startswith("O"):
        room = pad - (stream_at + len(p) + 1) % pad
        p.raw(bytes([room]) + b"\xff" * room)
    return p.raw(raw)
