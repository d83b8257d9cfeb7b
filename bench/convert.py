"""What converting a checkpoint costs, next to the least that has to be done: copying its bytes and hashing them.

Assay itself says how long each part of a conversion took; the copy and the hash run in turns with it. Every output is
on the disk when its clock stops, and gone before the next one starts.
"""

import json
import os
import shutil
import statistics
import subprocess
import time

import inputs
import measure
import pypi

SAFETENSORS = "safetensors==0.4.5"  # the newest series that Debian's torch 1.13 can be used with
PARTS = ("write", "verify", "digest")

PYTHON_WAY = """
import os, sys
sys.path.insert(0, sys.argv[1])
import torch
from safetensors.torch import save_file
save_file(torch.load(sys.argv[2], map_location='cpu'), sys.argv[3], metadata={'format': 'pt'})
with open(sys.argv[3], 'rb') as file:
    os.fsync(file.fileno())
"""


def run(bench):
    for step in (against_copy_and_hash, memory, against_python):
        try:
            step(bench)
        except measure.Skipped as why:
            bench.skipped.append(f"convert: {why}")


def command(bench, source, target):
    return [bench.assay, "convert", str(source), "--output", str(target), "--force"]


def target_for(bench, source):
    """Where to write what is made of `source`, with room for it."""
    inputs.need_room(bench.data, source.stat().st_size, f"converting {source.name}")
    return bench.data / "converted.safetensors"


def fresh(target):
    """Makes all runs begin alike: no old output to cut short, and nothing of anybody's left to write to the disk."""
    target.unlink(missing_ok=True)
    os.sync()


# --- the parts of a conversion --------------------------------------------------------------------------------------


def against_copy_and_hash(bench):
    source = inputs.mixed_full(bench.data)
    target = target_for(bench, source)
    hashes = shutil.which("openssl") is not None
    try:
        turn(source, target, bench, hashes)  # not counted: fills the page cache
        turns = [turn(source, target, bench, hashes) for _ in range(bench.rounds or 5)]
    finally:
        target.unlink(missing_ok=True)
    bench.samples["convert"] = turns
    add_ratio(bench, turns, ("write",), "copy", "write takes so many times as long as cp and fsync", 1.3)
    if not hashes:
        raise measure.Skipped("there is no openssl to compare verify and digest with")
    add_ratio(bench, turns, ("verify", "digest"), "openssl", "verify and digest take so many times as long as openssl", 1.0)


def turn(source, target, bench, hashes):
    """Seconds by name: one copy, one conversion, one hash of source and result."""
    fresh(target)
    took = {"copy": copied(source, target)}
    fresh(target)
    took |= converted(bench, source, target)
    if hashes:
        took["openssl"] = measure.seconds(["openssl", "dgst", "-sha256", str(source), str(target)])
    return took


def copied(source, target):
    began = time.perf_counter()
    measure.seconds(["cp", str(source), str(target)])
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return time.perf_counter() - began


def converted(bench, source, target):
    """What the report says about the time of each part."""
    words = [*command(bench, source, target), "--format", "json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise measure.Failed(f"{' '.join(words)} ended with {done.returncode}")
    try:
        seconds = json.loads(done.stdout)["conversions"][0]["seconds"]
        return {part: float(seconds[part]) for part in PARTS}
    except (ValueError, LookupError, TypeError) as error:
        raise measure.Failed(f"{' '.join(words)} reports no times: {error!r}") from None


def add_ratio(bench, turns, parts, reference, what, aim):
    ours = [sum(took[part] for part in parts) for took in turns]
    theirs = [took[reference] for took in turns]
    bench.add("convert", what, statistics.median(o / t for o, t in zip(ours, theirs)), "x", aim,
              detail=f"{' + '.join(parts)} {statistics.median(ours):.2f} s, {reference} {statistics.median(theirs):.2f} s")


# --- the whole command ----------------------------------------------------------------------------------------------


def memory(bench):
    for make, what in ((inputs.mixed_full, "2 GB"), (inputs.mixed_sparse, "20 GB")):
        source = make(bench.data)
        target = target_for(bench, source)
        try:
            peak = measure.peak_bytes(command(bench, source, target))
        finally:
            target.unlink(missing_ok=True)
        bench.add("convert", f"largest resident set, {what}", peak / (1 << 20), "MiB", 64)


def against_python(bench):
    """torch.load and save_file, where a torch is at hand: fetching one is not worth 800 MB."""
    if subprocess.run([pypi.PYTHON, "-c", "import torch"], capture_output=True, check=False).returncode != 0:
        raise measure.Skipped(f"{pypi.PYTHON} has no torch to compare with (apt-get install python3-torch)")
    packages = pypi.fetched(bench.data, SAFETENSORS, "safetensors")
    if packages is None:
        raise measure.Skipped("no safetensors to compare with: PyPI was not reached")
    source = inputs.mixed_full(bench.data)
    target = target_for(bench, source)
    python = [pypi.PYTHON, "-c", PYTHON_WAY, str(packages), str(source), str(target)]
    try:
        peak = measure.peak_bytes(python)
        turns = [whole_turn(target, {"assay": command(bench, source, target), "python": python}) for _ in range(bench.rounds or 3)]
    finally:
        target.unlink(missing_ok=True)
    bench.samples["convert-python"] = turns
    medians = {name: statistics.median(took[name] for took in turns) for name in turns[0]}
    bench.add("convert", "torch.load and save_file take so many times as long",
              statistics.median(took["python"] / took["assay"] for took in turns), "x", 1, at_least=True,
              detail=f"assay {medians['assay']:.2f} s, python {medians['python']:.2f} s and {peak >> 20} MiB")


def whole_turn(target, commands):
    took = {}
    for name, words in commands.items():
        fresh(target)
        took[name] = measure.seconds(words)
    return took
