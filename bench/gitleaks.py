"""gitleaks, from the Go module proxy at a pinned version, kept beside the inputs."""

import os
import shutil
import subprocess

VERSION = "v8.30.1"
MODULE = "github.com/zricethezav/gitleaks/v8"


def program(data):
    """(its path, "") or (None, why not)."""
    folder = data / f"gitleaks-{VERSION}"
    if not (folder / "gitleaks").exists():
        go = shutil.which("go")
        if not go:
            return None, "there is no Go toolchain to build it with"
        install = [go, "install", f"{MODULE}@{VERSION}"]
        try:
            done = subprocess.run(install, env=os.environ | {"GOBIN": str(folder)}, capture_output=True, timeout=900, check=False)
        except subprocess.TimeoutExpired:
            return None, "building it took too long"
        if done.returncode:
            return None, "the Go module proxy cannot be reached, or it does not build: " + last_line(done.stderr)
    return folder / "gitleaks", ""


def last_line(raw):
    return raw.decode(errors="replace").strip().rsplit("\n", 1)[-1][:200]
