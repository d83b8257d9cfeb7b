"""Daemons to scan with: the real clamd on a private folder with signatures of our own, and a fake that misbehaves.

Nothing is downloaded, and the machine's own daemon and its configuration are left alone.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import pwd
import shutil
import socket
import struct
import subprocess
import threading
import time

MARKER = b"ASSAY-HARMLESS-TEST-MARKER"
SIGNATURE = "Assay.Test.Marker.UNOFFICIAL"
PROGRAM = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin")
PATIENCE = 30  # seconds for a start or a stop


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(path: pathlib.Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(path))
        s.sendall(command)
        return s.recv(1000)


class Clamd:
    """The real one. Knows MARKER wherever it stands, and the whole `files` by their hashes."""

    def __init__(self, folder: pathlib.Path, files: dict[str, bytes] | None = None, **settings):
        self.folder = folder
        self.socket = folder / "clamd.ctl"
        self.unix = str(self.socket)
        self.port = free_port()
        self.tcp = f"127.0.0.1:{self.port}"
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "own.ndb").write_text(f"Assay.Test.Marker:0:*:{MARKER.hex()}\n")
        hashes = [f"{hashlib.md5(c).hexdigest()}:{len(c)}:{name}\n" for name, c in (files or {}).items()]
        if hashes:
            (signatures / "own.hdb").write_text("".join(hashes))
        everything = {
            "DatabaseDirectory": signatures, "TemporaryDirectory": folder, "LocalSocket": self.socket,
            "TCPSocket": self.port, "TCPAddr": "127.0.0.1", "Foreground": "yes", "SelfCheck": 0,
            "User": pwd.getpwuid(os.getuid()).pw_name, **settings,
        }
        (folder / "clamd.conf").write_text("".join(f"{key} {value}\n" for key, value in everything.items()))
        self.process = None
        self.start()

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([PROGRAM, "-c", self.folder / "clamd.conf"], stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if ask(self.socket, b"zPING\0") == b"PONG\0":
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        raise AssertionError("clamd does not start:\n" + (self.folder / "log").read_text(errors="replace"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Fake:
    """A daemon that tells its version like any other, and then does something wrong with what it should scan.

    `calls` counts requests to scan. Modes:
      honest        says OK
      closes        reads a little and hangs up
      garbage       answers what no daemon says
      hangs         takes everything and says nothing
      deaf          takes nothing at all
      late          says OK long after anybody waited for it
      limited       says in the middle that the limit of a stream is reached
      exceeds       tells a limit in the form of a virus
      nameless      tells a virus without a name
      early         says OK to what it has not read
      floods        never ends its answer
      mute          does not even tell its version
      stranger      is no clamd at all
    """

    def __init__(self, folder: pathlib.Path, mode: str, version: str = "ClamAV 1.4.6/27500/Mon Nov 23 09:00:00 2026"):
        self.mode, self.version, self.calls = mode, version, 0
        self.path = folder / f"{mode}.ctl"
        self.unix = str(self.path)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.unix)
        self.listening.listen(16)
        self.ending = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.path.unlink()

    def _accept(self):
        while not self.ending.is_set():
            try:
                caller, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket):
        with caller:
            try:
                self._answer(caller)
            except OSError:
                pass  # the caller hung up: his right

    def _answer(self, caller: socket.socket):
        command = self._command(caller)
        if self.mode == "mute":
            return self.ending.wait()
        if self.mode == "stranger":
            return caller.sendall(b"220 mail.example ESMTP\r\n")
        if command == b"zVERSION":
            return caller.sendall(self.version.encode() + b"\0")
        if not command:
            return None  # somebody who only looks whether we are here
        self.calls += 1
        return self._misbehave(caller, command)

    def _misbehave(self, caller: socket.socket, command: bytes):
        subject = b"stream" if command == b"zINSTREAM" else b"fd[7]"
        if self.mode == "deaf":
            return self.ending.wait()
        if self.mode == "early":
            caller.sendall(subject + b": OK\0")
            return self.ending.wait(5)
        if self.mode == "closes":
            return caller.recv(10)
        if self.mode == "limited":
            caller.recv(10)
            return caller.sendall(b"INSTREAM size limit exceeded. ERROR\0")
        self._take(caller, command)
        if self.mode == "hangs":
            return self.ending.wait()
        if self.mode == "late":
            self.ending.wait(90)
        if self.mode == "floods":
            while True:
                caller.sendall(b"x" * 65536)
        return caller.sendall({
            "garbage": b"\x1b[2Jall is well\0", "exceeds": subject + b": Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
            "nameless": subject + b":  FOUND\0",
        }.get(self.mode, subject + b": OK\0"))

    @staticmethod
    def _command(caller: socket.socket) -> bytes:
        out = b""
        while byte := caller.recv(1):
            if byte == b"\0":
                break
            out += byte
        return out

    @staticmethod
    def _take(caller: socket.socket, command: bytes):
        if command == b"zFILDES":
            _, descriptors, _, _ = socket.recv_fds(caller, 1, 1)
            for descriptor in descriptors:
                os.close(descriptor)
            return
        read = caller.makefile("rb")
        while length := struct.unpack(">I", read.read(4).rjust(4, b"\0"))[0]:
            read.read(length)
