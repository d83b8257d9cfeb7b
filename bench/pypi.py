"""Packages that are compared with, from PyPI at a pinned version, kept beside the inputs."""

import os
import subprocess

PYTHON = "/usr/bin/python3"


def fetched(data, requirement, package):
    """The folder to put on sys.path for `requirement`, which brings `package`; None where PyPI cannot be reached."""
    folder = data / ("python-" + requirement.replace("==", "-"))
    if not (folder / package).is_dir():
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--target", str(folder), requirement]
        with open(os.devnull, "wb") as nowhere:
            subprocess.run(pip, stdout=nowhere, stderr=nowhere, timeout=300, check=False)
    return folder if (folder / package).is_dir() else None
