"""The processes that read hostile bytes: what they may do, what they may cost, and that losing one loses nothing."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import pytest

from archives import Member, deflate, gzip_stream, npy, plain_zip, tar_member, zip_file
from assembler import Pickle, harmless, payload, pickle
from conftest import ERROR, FOUND, INTERRUPTED, PROGRAM, assay, children, clean_environment, only, scan

MOST_MEMORY = 256 << 20
MOST_SECONDS = 5.0
MOST_PATIENCE = 20


@contextlib.contextmanager
def running(*words):
    process = subprocess.Popen([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(condition, seconds=20.0):
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.002)
    raise AssertionError("it did not come to that")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A pickle that keeps a cell busy for a few seconds."""
    path = tmp_path_factory.mktemp("slow") / "slow.pkl"
    path.write_bytes(bytes(pickle(2).raw(b"N0" * 100_000_000).none().stop()))
    return path


# Confinement ---------------------------------------------------------------------------------------------------------

def locked(pid: int) -> bool:
    """True once the cell has finished locking itself down."""
    try:
        return "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def cell(slow):
    with running("scan", "--format", "json", slow) as process:
        yield until(lambda: next((c for c in children(process.pid) if locked(c)), None))


def status_of(pid: int) -> dict:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_a_cell_is_under_the_filter_and_can_gain_nothing(cell):
    status = status_of(cell)
    assert status["Seccomp"] == "2" and int(status["Seccomp_filters"]) >= 1
    assert status["NoNewPrivs"] == "1"


def test_a_cell_holds_its_socket_and_what_it_was_lent(cell, slow):
    held = {int(n): os.readlink(f"/proc/{cell}/fd/{n}") for n in os.listdir(f"/proc/{cell}/fd")}
    assert held.pop(3).startswith("socket:")
    assert all(held.pop(n).startswith("pipe:") for n in (0, 1, 2))  # dead ends
    assert set(held.values()) <= {str(slow)}, held
    for n in held:
        assert int(pathlib.Path(f"/proc/{cell}/fdinfo/{n}").read_text().split("flags:")[1].split()[0], 8) & 3 == os.O_RDONLY


def test_a_cell_has_limits(cell):
    limits = {line[:25].strip(): line[26:].split()[1] for line in pathlib.Path(f"/proc/{cell}/limits").read_text().splitlines()[1:]}
    assert limits["Max core file size"] == "0"
    assert int(limits["Max address space"]) < 4 << 30
    assert int(limits["Max open files"]) < 1024


def test_no_page_of_a_cell_is_writable_and_executable(cell):
    try:
        maps = pathlib.Path(f"/proc/{cell}/maps").read_text()
    except PermissionError:
        pytest.skip("this kernel shows nobody the maps of a process that cannot be dumped")
    assert not [line for line in maps.splitlines() if "wx" in line.split()[1]]


def test_cells_end_with_the_scan(slow):
    with running("scan", "--format", "json", slow) as process:
        cells = until(lambda: children(process.pid))
        process.kill()
        process.wait()
        until(lambda: not any(os.path.exists(f"/proc/{c}") and status_of(c)["State"][0] != "Z" for c in cells))


# Losing cells --------------------------------------------------------------------------------------------------------

FILES = 3000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    busy = b"N0" * 20_000  # so that cells live long enough to be hit in the middle
    for i in range(FILES):
        body = pickle(2).raw(busy).value({"number": i})
        (folder / f"{i:04}.pkl").write_bytes(bytes(body.call("os", "system", "true").stop() if i % 10 == 0 else body.stop()))
    return folder


def statuses(report: dict) -> dict:
    return {a["path"]: (a["status"], sorted(f["rule"] for f in a["findings"])) for a in report["artifacts"]}


def test_killing_cells_loses_nothing(many, tmp_path):
    wanted = scan(many).report
    out = tmp_path / "report.json"
    killed = 0
    with running("scan", "--format", "json", "-j", "2", "-o", out, many) as process:
        while process.poll() is None and killed < 40:
            for cell in children(process.pid)[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(cell, signal.SIGKILL)
                    killed += 1
            time.sleep(0.03)
        process.communicate(timeout=120)
    got = json.loads(out.read_text())
    assert killed >= 5, "the scan was over before anything was killed"
    wrong = {path: both for path, both in ((p, (statuses(got).get(p), s)) for p, s in statuses(wanted).items()) if both[0] != both[1]}
    assert not wrong, list(wrong.items())[:5]
    assert process.returncode == FOUND and len(got["artifacts"]) == FILES


def test_stopped_cells_do_not_confuse_results(many):
    """A cell that is paused and goes on must not have its answers mixed up."""
    with running("scan", "--format", "json", many) as process:
        for _ in range(5):
            for cell in children(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(cell, signal.SIGSTOP)
                    time.sleep(0.02)
                    os.kill(cell, signal.SIGCONT)
        out, _ = process.communicate(timeout=120)
    got = statuses(json.loads(out))
    assert all((got[f"{i:04}.pkl"][0] == "unsafe") == (i % 10 == 0) for i in range(FILES))


# Bombs ---------------------------------------------------------------------------------------------------------------

def nested(depth: int, wrap) -> bytes:
    data = payload()
    for _ in range(depth):
        data = wrap(data)
    return data


def quine_like_zip() -> bytes:
    """Members that all share one deflated body: the archive is small, their sum is not."""
    body = deflate(bytes(50_000_000))
    shared = Member("0", packed=body, method=8, crc=0, central_size=50_000_000, local_size=50_000_000)
    rest = [Member(str(i), packed=body, method=8, crc=0, central_size=50_000_000, local=False, offset=0) for i in range(1, 500)]
    return zip_file([shared, *rest])


def memo_expansion(rounds: int) -> bytes:
    """Each list holds the one before ten times: ten to the power of `rounds` leaves."""
    p = pickle(2).value("lol").binput(0)
    for i in range(rounds):
        p.empty_list().mark()
        for _ in range(10):
            p.binget(i)
        p.appends().binput(i + 1)
    return bytes(p.stop())


def hashed_expansion(rounds: int) -> bytes:
    """The same with tuples as the key of a dict, which a loader would hash to its last leaf."""
    p = pickle(2).empty_dict().value(1)
    for _ in range(rounds):
        p.dup().tuple2()
    return bytes(p.none().setitem().stop())


def cyclic() -> bytes:
    return bytes(pickle(2).empty_list().binput(0).binget(0).append().glob("builtins", "print").binget(0).tuple1().reduce().stop())


def cyclic_calls() -> bytes:
    """A list that holds the call that it is an argument of."""
    p = pickle(2).empty_list().binput(0)
    for _ in range(2000):
        p.glob("nobody", "knows").binget(0).tuple1().reduce().append()
    return bytes(p.stop())


def deep_call(depth: int) -> bytes:
    p = Pickle(b"\x80\x02")
    for _ in range(depth):
        p.glob("a", "b")
    p.empty_tuple().reduce()
    for _ in range(depth - 1):
        p.tuple1().reduce()
    return bytes(p.stop())


def base64_towers(depth: int) -> bytes:
    import base64
    data = payload()
    for _ in range(depth):
        data = bytes(pickle(2).value(base64.b64encode(data).decode()).stop())
    return data


BOMBS = {
    "gzip": lambda: gzip_stream(bytes(900_000_000)),
    "zip": lambda: zip_file([Member("data.pkl", bytes(900_000_000), 8)]),
    "zip-shared": quine_like_zip,
    "zip-forty-deep": lambda: nested(40, lambda d: zip_file([Member("a", d, 8)])),
    "gzip-forty-deep": lambda: nested(40, gzip_stream),
    "zip-wide-and-deep": lambda: nested(6, lambda d: zip_file([Member(str(i), d, 8) for i in range(6)])),
    "zip-many-names": lambda: plain_zip({f"{i}": b"" for i in range(9000)}),
    "zip-says-billions": lambda: zip_file([Member("a", b"x", central_size=2**32 - 2)], count=65535, directory_size=2**32 - 2),
    "memo-expansion": lambda: memo_expansion(100),
    "hash-expansion": lambda: hashed_expansion(100_000),
    "dup": lambda: bytes(pickle(2).value("x" * 200).raw(b"2" * 900_000).stop()),
    "dup-lists": lambda: bytes(pickle(2).raw(b"]2a" * 300_000).stop()),
    "long4-lies": lambda: bytes(pickle(2).raw(b"\x8b\xff\xff\xff\x7f\x01").stop()),
    "binbytes8-lies": lambda: bytes(pickle(4).binbytes8(b"x", declared=2**62).stop()),
    "binunicode8-lies": lambda: bytes(pickle(4).binunicode8("x", declared=2**63 + 5).stop()),
    "bytearray8-lies": lambda: bytes(pickle(5).bytearray8(b"x", declared=2**40).stop()),
    "frame-lies": lambda: bytes(pickle(4).frame(2**62).none().stop()),
    "memo-index": lambda: bytes(pickle(2).none().long_binput(2**31).long_binget(2**31).long_binput(2**32 - 1).stop()),
    "memo-index-text": lambda: bytes(pickle(2).none().put(2**62).stop()),
    "memo-steps": lambda: bytes(pickle(2).none().raw(b"".join(b"r" + (i * 60_000).to_bytes(4, "little") for i in range(70_000))).stop()),
    "memo-many": lambda: bytes(pickle(4).none().raw(b"\x94" * 999_000).stop()),
    "marks": lambda: bytes(pickle(2).raw(b"(" * 999_000).none().stop()),
    "deep-lists": lambda: bytes(pickle(2).raw(b"]" * 400_000 + b"a" * 399_999).stop()),
    "deep-tuples": lambda: bytes(pickle(2).none().raw(b"\x85" * 900_000).stop()),
    "deep-calls": lambda: deep_call(100_000),
    "deep-build": lambda: bytes(pickle(2).glob("a", "b").raw(b")R" * 200_000 + b"}b" * 200_000).stop()),
    "cyclic": cyclic,
    "cyclic-calls": cyclic_calls,
    "big-number": lambda: bytes(Pickle().int_text(b"9" * 900_000).stop()),
    "many-numbers": lambda: bytes(Pickle().raw(b"L%sL\n0" % (b"9" * 4000) * 200).none().stop()),
    "many-imports": lambda: bytes(pickle(2).raw(b"".join(b"ca\nb%d\n0" % i for i in range(90_000))).none().stop()),
    "many-calls": lambda: bytes(pickle(2).raw(b"".join(b"ca\nb%d\n)R0" % i for i in range(80_000))).none().stop()),
    "many-starts": lambda: b"\x01" + b"\x80\x02ca\nb\n" * 100_000,
    "name-of-dots": lambda: bytes(pickle(4).glob4("os", "." * 250).value(()).reduce().pop().binunicode("a").binunicode("." * 900_000).stack_global().value(()).reduce().stop()),
    "base64-towers": lambda: base64_towers(12),
    "text-of-backslashes": lambda: bytes(Pickle().string(b"\\" * 60_000).stop()),
    "json-deep": lambda: b"[" * 900_000,
    "json-wide": lambda: b"[" + b"1," * 450_000 + b"1]",
    "json-keys": lambda: b"{" + b",".join(b'"%d":{"auto_map":{}}' % i for i in range(30_000)) + b"}",
    "tar-many": lambda: b"".join(tar_member(str(i), b"") for i in range(1900)) + bytes(1024),
    "npy-huge-shape": lambda: npy("'<f8'", "(99999999999, 99999999999)", b""),
    "zeros": lambda: bytes(1_000_000),
    "local-headers": lambda: b"PK\3\4" * 250_000,
    "end-records": lambda: b"PK\5\6" * 250_000,
    "gzip-headers": lambda: b"\x1f\x8b\x08\0" * 250_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_costs_little(bomb, tmp_path):
    data = BOMBS[bomb]()
    assert len(data) <= 1_100_000, f"{len(data)} bytes: a bomb here is small"
    (tmp_path / bomb).write_bytes(data)
    seconds, memory, report, code = measured(tmp_path / bomb)
    assert code in (0, FOUND, ERROR)
    (artifact,) = report["artifacts"]
    assert "crashed" not in json.dumps(artifact), artifact["findings"]
    assert memory < MOST_MEMORY, f"{memory >> 20} MB"
    assert seconds < MOST_SECONDS, f"{seconds:.1f} s"


def measured(path):
    """Wall-clock seconds, the largest resident size of the program and its cells, the report, the exit code."""
    out = path.with_suffix(".report")
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            os.execve(PROGRAM, [str(PROGRAM), "scan", "--format", "json", "-o", str(out), str(path)], clean_environment())
        finally:
            os._exit(99)
    end = started + MOST_PATIENCE
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)  # counts the cells too: the program has waited for them
        if done:
            break
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail(f"not done after {MOST_PATIENCE} s")
        time.sleep(0.005)
    assert os.WIFEXITED(status), f"killed by {os.WTERMSIG(status)}"
    return time.monotonic() - started, usage.ru_maxrss * 1024, json.loads(out.read_text()), os.WEXITSTATUS(status)


def test_bombs_do_not_cost_their_neighbours(tmp_path):
    for name in ("gzip", "deep-tuples", "many-imports", "zip-wide-and-deep"):
        (tmp_path / name).write_bytes(BOMBS[name]())
    (tmp_path / "a.pkl").write_bytes(payload())
    (tmp_path / "z.pkl").write_bytes(harmless())
    artifacts = scan(tmp_path, patience=MOST_PATIENCE).artifacts
    assert artifacts["a.pkl"]["status"] == "unsafe" and artifacts["z.pkl"]["status"] == "safe"


# Interruption --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_scan_reports_what_it_has(many, slow, tmp_path, number):
    started = time.monotonic()
    with running("scan", "--format", "json", many, slow) as process:
        until(lambda: children(process.pid))
        time.sleep(0.3)
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == INTERRUPTED and time.monotonic() - started < 20
    report = json.loads(out)
    assert len(report["artifacts"]) == FILES + 1
    unread = [a for a in report["artifacts"] if "interrupted" in json.dumps(a)]
    assert unread and all(a["status"] == "error" for a in unread)
    assert report["status"] != "safe"


def test_an_interrupted_scan_says_nothing_false(many, tmp_path):
    with running("scan", "--format", "json", many) as process:
        until(lambda: children(process.pid))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    for artifact in json.loads(out)["artifacts"]:
        number = int(artifact["path"].split("/")[-1][:4])
        assert artifact["status"] == "error" or (artifact["status"] == "unsafe") == (number % 10 == 0)


# Full disks ----------------------------------------------------------------------------------------------------------

def test_a_full_disk_is_told(tmp_path, payload):
    (tmp_path / "a.pkl").write_bytes(payload)
    answer = assay("scan", tmp_path / "a.pkl", "-o", "/dev/full")
    assert answer.code == ERROR and b"/dev/full" in answer.err and b"No space left" in answer.err
    for words in (["facts"], ["scan", "--format", "json"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, *words, tmp_path / "a.pkl"], stdout=full, stderr=subprocess.PIPE,
                                  env=clean_environment(), check=False)
        assert done.returncode == ERROR and b"No space left" in done.stderr


def test_no_half_report_is_left_behind(tmp_path, payload):
    """The old report stays where the new one does not fit."""
    model, small = tmp_path / "models", tmp_path / "small"
    model.mkdir(), small.mkdir()
    for i in range(200):
        (model / f"{i}.pkl").write_bytes(payload)
    report = small / "report.json"
    report.write_text("old")
    limit = 20_000

    def only_so_many_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    done = subprocess.run([PROGRAM, "scan", "--format", "json", "-o", report, model], capture_output=True,
                          preexec_fn=only_so_many_bytes, env=clean_environment(), check=False)
    assert done.returncode == ERROR and b"report.json" in done.stderr
    assert report.read_text() == "old" and [p.name for p in small.iterdir()] == ["report.json"]


def test_an_output_that_cannot_be_made_is_told(tmp_path, payload):
    (tmp_path / "a.pkl").write_bytes(payload)
    answer = assay("scan", tmp_path / "a.pkl", "-o", tmp_path / "nowhere" / "report")
    assert answer.code == ERROR and answer.err.count(b"\n") == 1


def test_no_room_for_decompressed_bytes_is_an_error(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip_stream(harmless() + bytes(200_000_000) + payload()))
    artifact = only(scan(tmp_path / "a.gz", "--spool", tmp_path / "nowhere"))
    assert artifact["status"] in ("error", "unsafe", "suspicious")
