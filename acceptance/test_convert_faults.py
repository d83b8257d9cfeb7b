"""What is left when a conversion goes wrong: killed, interrupted, on a full disk; and what a terminal shows meanwhile."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import pty
import random
import re
import resource
import select
import signal
import subprocess
import threading
import time

import pytest

from archives import Tensor, state_dict
from conftest import ERROR, FOUND, INTERRUPTED, PROGRAM, Answer, clean_environment
from test_command_line import write_sparse_checkpoint
from conversions import convert, large, one, simple, tree

# What is left when it goes wrong -------------------------------------------------------------------------------------

@contextlib.contextmanager
def small_disk(folder: pathlib.Path, megabytes: int):
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", folder], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("words", [[], ["--force"], ["--shard-size", "3MB"]], ids=" ".join)
def test_a_full_disk_leaves_the_old_state(tmp_path, words):
    source = large(tmp_path / "a.bin", 8)
    with small_disk(tmp_path / "disk", 5) as disk:
        (disk / "a.safetensors").write_text("old")
        before = tree(disk)
        target = disk if "--shard-size" in words else disk / "a.safetensors"
        answer = convert(source, "-o", disk / "new" / "a.safetensors" if not words else target, *words)
        assert answer.code == ERROR and "room" in one(answer)["why"] and tree(disk) == before, answer


def test_a_product_may_stand_on_another_file_system(tmp_path):
    source = large(tmp_path / "a.bin", 8)
    with small_disk(tmp_path / "disk", 30) as disk:
        for words in ([], ["--force"]):
            assert convert(source, "-o", disk / "new" / "a.safetensors", *words).code == 0
        assert convert("--check", source, disk / "new" / "a.safetensors").code == 0
        assert set(tree(disk)) == {"new/", "new/a.safetensors"}


def test_a_disk_that_fills_up_meanwhile_leaves_the_old_state(tmp_path):
    """A source with a hole takes less room than it says, so the disk is not asked before."""
    numel = 2 << 20
    source = tmp_path / "a.bin"
    write_sparse_checkpoint(source, state_dict({"w": Tensor(numel=numel, shape=(2, numel // 2), stride=(1, 2))}), 4 * numel)
    with small_disk(tmp_path / "disk", 5) as disk:
        (disk / "a.safetensors").write_text("old")
        before = tree(disk)
        answer = convert(source, "-o", disk / "a.safetensors", "--force")
        assert answer.code == ERROR and "No space left on device" in one(answer)["why"] and tree(disk) == before, answer


def test_a_limit_on_files_is_an_error_and_no_sudden_death(tmp_path):
    source = large(tmp_path / "a.bin", 8)
    done = subprocess.run([PROGRAM, "convert", "--format", "json", source], capture_output=True, env=clean_environment(), check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert answer.code == ERROR and "File too large" in one(answer)["why"], answer
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_folder_that_may_not_be_written_to(tmp_path):
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(0o755)
    (tmp_path / "a.bin").write_bytes(simple("w"))
    before = tree(tmp_path)
    done = subprocess.run([PROGRAM, "convert", "--format", "json", tmp_path / "a.bin"], capture_output=True, env=clean_environment(),
                          user=65534, group=65534, check=False)
    answer = Answer(done.returncode, done.stdout, done.stderr)
    assert answer.code == ERROR and "Permission denied" in one(answer)["why"] and tree(tmp_path) == before


def started(*words, **more) -> subprocess.Popen:
    return subprocess.Popen([PROGRAM, "convert", "--format", "json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=clean_environment(), **more)


def test_kill_leaves_the_old_state(tmp_path):
    """Wherever it is hit: under the product's name is what was there, or all of what is new."""
    source = large(tmp_path / "a.bin", 24)
    product = tmp_path / "a.safetensors"
    assert convert(source, "-o", tmp_path / "whole").code == 0
    whole = (tmp_path / "whole").read_bytes()
    began = time.monotonic()
    convert(source, "-o", tmp_path / "timed")
    duration = time.monotonic() - began
    rest = random.Random(3)
    outcomes = set()
    for old in [None, b"old"] * 15:
        product.unlink(missing_ok=True)
        if old is not None:
            product.write_bytes(old)
        running = started(source, "--force", "-o", product)
        time.sleep(rest.uniform(0, 1.2 * duration))
        running.kill()
        running.communicate()
        now = product.read_bytes() if product.exists() else None
        outcomes.add("old" if now == old else "new")
        assert now in (old, whole)
        assert not [p.name for p in tmp_path.iterdir() if p.name not in ("a.bin", "a.safetensors", "whole", "timed")
                    and p.read_bytes() not in (b"old", whole)]
    assert "old" in outcomes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(tmp_path, number):
    source = large(tmp_path / "a.bin", 64)
    rest = random.Random(4)
    codes = []
    for _ in range(12):
        running = started(source, "-o", tmp_path / "new" / "a.safetensors")
        time.sleep(rest.uniform(0.02, 0.25))
        running.send_signal(number)
        out, _ = running.communicate(timeout=60)
        codes.append(running.returncode)
        if running.returncode == 0:
            (tmp_path / "new" / "a.safetensors").unlink()
            (tmp_path / "new").rmdir()
        elif running.returncode == INTERRUPTED:
            assert not out or json.loads(out)["interrupted"] is True
        assert [p.name for p in tmp_path.iterdir()] == ["a.bin"], codes
    assert INTERRUPTED in codes and set(codes) <= {0, INTERRUPTED, -number}


def test_a_source_that_changes_meanwhile_is_told(tmp_path):
    source = large(tmp_path / "a.bin", 32)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            with open(source, "r+b") as handle:
                handle.seek(20 << 20)
                handle.write(b"other")
            time.sleep(0.001)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        answer = convert(source)
    finally:
        stop.set()
        writer.join()
    assert answer.code == ERROR and "changed" in one(answer)["why"] and [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_source_that_shrinks_meanwhile(tmp_path):
    for delay in (0.02, 0.05, 0.1, 0.2):
        source = large(tmp_path / "a.bin", 48)
        running = started(source)
        time.sleep(delay)
        os.truncate(source, 5000)
        out, _ = running.communicate(timeout=60)
        product = tmp_path / "a.safetensors"
        if running.returncode == 0:
            assert product.stat().st_size > 48 << 20
            product.unlink()
        else:
            assert running.returncode == ERROR and json.loads(out)["conversions"][0]["why"]
        assert not product.exists()


def test_two_conversions_at_once(tmp_path):
    source = large(tmp_path / "a.bin", 16)
    for words in ([], ["--force"]):
        for _ in range(3):
            (tmp_path / "a.safetensors").unlink(missing_ok=True)
            both = [started(source, *words) for _ in range(2)]
            for running in both:
                running.communicate(timeout=60)
            assert 0 in [r.returncode for r in both] and {r.returncode for r in both} <= {0, FOUND, ERROR}
            assert convert("--check", source, tmp_path / "a.safetensors").code == 0
            assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bin", "a.safetensors"]


# Terminals -----------------------------------------------------------------------------------------------------------

def on_a_terminal(*words) -> bytes:
    """What a person would see, on standard error."""
    leader, follower = pty.openpty()
    running = subprocess.Popen([PROGRAM, "convert", *words], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                               env=clean_environment(TERM="xterm-256color"))
    os.close(follower)
    out = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            block = os.read(leader, 65536)
        except OSError as error:
            assert error.errno == errno.EIO
            break
        out += block
    os.close(leader)
    assert running.wait(60) == 0
    return out


def test_progress_is_drawn_on_a_terminal_and_wiped(tmp_path):
    """Long enough to be told about: each element is moved by itself."""
    side = 6000
    for name in ("a.pt", "b.pt"):
        write_sparse_checkpoint(tmp_path / name, state_dict({"w": Tensor(numel=side**2, shape=(side, side), stride=(1, side))}), 4 * side**2)
    shown = on_a_terminal(tmp_path).decode()
    frames = shown.split("\r\x1b[K")
    assert any(re.match(r"(writing|verifying|hashing) [01]/2 files · [\d.]+ (\w+ )?of [\d.]+ MB · .*[ab]\.(pt|safetensors)", f) for f in frames), shown[:2000]
    assert all(len(f) < 80 for f in frames[1:-1])
    assert frames[-1].lstrip().startswith(("converted", "\x1b[32mconverted"))


def test_names_do_not_act_on_a_terminal(tmp_path):
    (tmp_path / "\x1b]0;owned\x07\x1b[2J.bin").write_bytes(simple("\x1b[2J"))
    shown = on_a_terminal("-v", tmp_path)
    assert b"\x1b]" not in shown and b"\x1b[2J" not in shown and b"\x07" not in shown
    assert b"\x1b[" in shown and b"\x1b" not in on_a_terminal("--force", "--no-colour", tmp_path)
