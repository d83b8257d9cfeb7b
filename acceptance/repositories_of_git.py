"""Repositories for the tests, made and pushed by git itself."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from conftest import PATIENCE, PROGRAM, clean_environment

GIT = shutil.which("git")
WHO = {"GIT_AUTHOR_NAME": "A U Thor", "GIT_AUTHOR_EMAIL": "author@example.com", "GIT_COMMITTER_NAME": "C O Mitter",
       "GIT_COMMITTER_EMAIL": "committer@example.com", "GIT_AUTHOR_DATE": "2026-03-14T15:09:26Z",
       "GIT_COMMITTER_DATE": "2026-03-14T15:09:26Z", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
       "GIT_TERMINAL_PROMPT": "0"}


class Repository:
    def __init__(self, path: pathlib.Path, *, bare: bool = False):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self("init", "-q", "-b", "main", *(["--bare"] if bare else []))
        self("config", "gc.auto", "0")

    def __call__(self, *words, check: bool = True, stdin: bytes = b"", **env) -> subprocess.CompletedProcess:
        done = subprocess.run([GIT, *map(str, words)], cwd=self.path, input=stdin, capture_output=True, timeout=PATIENCE,
                              env=clean_environment(**WHO, **env), check=False)
        assert not check or done.returncode == 0, done
        return done

    def write(self, files: dict[str, bytes]):
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def commit(self, files: dict[str, bytes] | None = None, message: str = "Say why") -> str:
        """The id of the new commit."""
        self.write(files or {})
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", message)
        return self.id("HEAD")

    def id(self, revision: str) -> str:
        return self("rev-parse", revision).stdout.decode().strip()

    def install_hook(self, name: str, *options):
        words = " ".join(f"'{word}'" for word in (PROGRAM, "hook", name, *options))
        hook = self.path / ("hooks" if (self.path / "hooks").is_dir() else ".git/hooks") / name
        hook.write_text(f"#!/bin/sh\nexec {words} \"$@\"\n")
        hook.chmod(0o755)

    def push(self, *words) -> "Push":
        done = self("push", *words, check=False)
        return Push(done.returncode, done.stderr.decode(errors="replace"))

    def object_file(self, object_id: str) -> pathlib.Path:
        folder = self.path if (self.path / "objects").is_dir() else self.path / ".git"
        return folder / "objects" / object_id[:2] / object_id[2:]

    def damage(self, object_id: str, content: bytes = b"no zlib stream at all"):
        file = self.object_file(object_id)
        os.chmod(file, 0o600)
        file.write_bytes(content)


class Push:
    """What whoever pushed has seen."""

    def __init__(self, code: int, text: str):
        self.went_through = code == 0
        self.lines = [line.removeprefix("remote:").strip() for line in text.splitlines() if line.startswith("remote:")]
        self.text = "\n".join(self.lines)
        self.all = text

    def __repr__(self):
        return f"went through: {self.went_through}\n{self.all}"
