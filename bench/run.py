#!/usr/bin/env python3
"""How fast and how small Assay is, as ratios to a reference that runs on the same machine in the same minutes.

    run.py --assay build/release/assay [--rounds N] [--json FILE] [NAME...]

Nothing is asserted: the table says which aim was met. The exit code is 1 only where something could not be run.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import convert  # noqa: E402
import inputs  # noqa: E402
import measure  # noqa: E402
import pypi  # noqa: E402
import secrets_lines  # noqa: E402
import secrets_speed  # noqa: E402

PYTHON = pypi.PYTHON
PICKLESCAN = "picklescan==1.0.5"
MB = 10**6
ANY = (0, 1, 2)  #: of a scan that is over: nothing found, something found, something not readable

LOAD = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
GENOPS = """
import os, pickletools, sys
for path in sys.argv[1:]:
    files = [path] if os.path.isfile(path) else [os.path.join(f, n) for f, _, names in os.walk(path) for n in names]
    for name in files:
        with open(name, 'rb') as file:
            for _ in pickletools.genops(file):
                pass
"""


@dataclasses.dataclass
class Figure:
    bench: str
    what: str
    value: float | None
    unit: str
    aim: float            #: at most, or at least where `at_least`
    at_least: bool = False
    detail: str = ""

    @property
    def met(self):
        if self.value is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim


class Reference:
    """picklescan, or the disassembler of the standard library where PyPI cannot be reached."""

    def __init__(self, data):
        self.folder = pypi.fetched(data, PICKLESCAN, "picklescan")
        self.is_picklescan = self.folder is not None
        self.name = PICKLESCAN.replace("==", " ") if self.is_picklescan else "pickletools.genops (no picklescan: PyPI was not reached)"

    def command(self, path):
        if not self.is_picklescan:
            return [PYTHON, "-c", GENOPS, str(path)]
        start = f"import sys; sys.path.insert(0, {str(self.folder)!r}); from picklescan.cli import main; sys.exit(main())"
        return [PYTHON, "-c", start, "-p", str(path)]


class Bench:
    def __init__(self, assay, data, rounds):
        self.assay, self.data, self.rounds = assay, data, rounds
        self.figures, self.samples, self.failures, self.skipped = [], {}, [], []
        self.told = []  #: lines to print before the table
        self._reference = None

    @property
    def reference(self):
        self._reference = self._reference or Reference(self.data)
        return self._reference

    @property
    def reference_name(self):
        return self._reference.name if self._reference else "none was needed"

    def scan(self, path):
        return [self.assay, "scan", str(path)]

    def times(self, bench, commands, rounds, repeats, expected=(0,)):
        """Median seconds by command, over all turns, and the median of the turns' own ratios to assay."""
        samples = measure.in_turns(commands, self.rounds or rounds, repeats, expected)
        self.samples[bench] = samples
        medians = {name: statistics.median([s for turn in turns for s in turn]) for name, turns in samples.items()}
        per_turn = {name: [statistics.median(turn) for turn in turns] for name, turns in samples.items()}
        ours = per_turn["assay"]
        return medians, {name: statistics.median(t / o for t, o in zip(turns, ours)) for name, turns in per_turn.items()}

    def add(self, *args, **named):
        self.figures.append(Figure(*args, **named))

    def slower(self, bench, who, aim, medians, ratios, key):
        self.add(bench, f"{who} takes so many times as long", ratios[key], "x", aim, at_least=True,
                 detail=f"assay {shown(medians['assay'])}, {who} {shown(medians[key])}")

    # --- What is measured ---------------------------------------------------------------------------------------

    def dicts(self):
        path = inputs.many_dicts(self.data)
        commands = {"assay": self.scan(path), "load": [PYTHON, "-c", LOAD, str(path)], "reference": self.reference.command(path)}
        medians, ratios = self.times("dicts", commands, 3, {"assay": 5, "load": 3})
        self.slower("dicts", self.reference.name, 100, medians, ratios, "reference")
        self.slower("dicts", "pickle.load", 5, medians, ratios, "load")
        self.add("dicts", "largest resident set", measure.peak_bytes(self.scan(path)) / (1 << 20), "MiB", 64)

    def small_files(self, files, rounds):
        path, bench = inputs.small_pickles(self.data, files), f"small-{files}"
        commands = {"assay": self.scan(path), "reference": self.reference.command(path)}
        medians, ratios = self.times(bench, commands, rounds, {"assay": 3})
        self.slower(bench, self.reference.name, 15, medians, ratios, "reference")
        self.add(bench, "largest resident set", measure.peak_bytes(self.scan(path)) / (1 << 20), "MiB", 64)

    def torch(self):
        full, sparse = inputs.torch_full(self.data), inputs.torch_sparse(self.data)
        commands = {"assay": self.scan(full), "sparse": self.scan(sparse)}
        medians, ratios = self.times("torch", commands, 31, {})
        ratio = ratios["sparse"]
        self.add("torch", "20 GB takes so many times as long as 200 MB", max(ratio, 1 / ratio), "x", 1.2,
                 detail=f"20 GB / 200 MB: {ratio:.3f}")
        self.add("torch", "200 MB of tensors", medians["assay"] * 1000, "ms", 25)
        self.add("torch", "20 GB of tensors", medians["sparse"] * 1000, "ms", 25)
        for path, what in ((full, "200 MB"), (sparse, "20 GB")):
            self.add("torch", f"largest resident set, {what}", measure.peak_bytes(self.scan(path)) / (1 << 20), "MiB", 64)

    def memory(self):
        """How the largest resident set grows, between two sizes that both stand clear of the floor."""
        def growth(make, few, many):
            small, large = (measure.peak_bytes(self.scan(make(self.data, n))) for n in (few, many))
            return (large - small) / (many - few)

        self.add("memory", "per item of a list", growth(inputs.long_list, 1_000_000, 20_000_000), "bytes", 0.05)
        self.add("memory", "per memo slot", growth(inputs.many_slots, 2_000_000, 8_000_000), "bytes", 16.5)

    def bombs(self):
        """Small files made to cost much. The acceptance tests hold them to a looser limit, whatever else the machine does."""
        worst = {"seconds": (0.0, ""), "bytes": (0, "")}
        for name, path in inputs.bombs(self.data).items():
            took = min(measure.seconds(self.scan(path), ANY) for _ in range(self.rounds or 3))
            worst["seconds"] = max(worst["seconds"], (took, name))
            worst["bytes"] = max(worst["bytes"], (measure.peak_bytes(self.scan(path), ANY), name))
        self.add("bombs", "the slowest", worst["seconds"][0], "s", 1, detail=worst["seconds"][1])
        self.add("bombs", "largest resident set", worst["bytes"][0] / (1 << 20), "MiB", 256, detail=worst["bytes"][1])

    def secrets(self):
        secrets_lines.run(self)
        secrets_speed.run(self)

    def benches(self):
        return {"dicts": self.dicts, "small-2000": lambda: self.small_files(2000, 9),
                "small-20000": lambda: self.small_files(20000, 3), "torch": self.torch, "memory": self.memory,
                "bombs": self.bombs, "convert": lambda: convert.run(self), "secrets": self.secrets}

    def run(self, only):
        for name, bench in self.benches().items():
            if only and name not in only:
                continue
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                bench()
            except (measure.Failed, OSError, subprocess.SubprocessError) as error:
                self.failures.append(f"{name}: {error}")


def shown(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def table(figures):
    rows = [("bench", "figure", "value", "aim", "", "")]
    for f in figures:
        sign, digits = (">=" if f.at_least else "<="), 3 if f.value < 10 else 1
        rows.append((f.bench, f.what, f"{f.value:.{digits}f} {f.unit}", f"{sign} {f.aim:g} {f.unit}",
                     "met" if f.met else "MISSED", f.detail))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join("  ".join([*(cell.ljust(w) for cell, w in zip(row, widths)), row[5]]).rstrip() for row in rows)


def arguments():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assay", default=str(root / "build/release/assay"), help="the program (default: %(default)s)")
    parser.add_argument("--data", type=pathlib.Path, default=root / "bench/data", help="folder for the inputs (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="dicts, small-2000, small-20000, torch, memory, bombs, convert or secrets (default: all)")
    parser.add_argument("--rounds", type=int, default=0, help="turns per bench (default: as many as each needs)")
    parser.add_argument("--json", metavar="FILE", help="write every figure and sample there, too; - for standard output instead of the table")
    return parser.parse_args()


def main():
    wanted = arguments()
    assay = str(pathlib.Path(wanted.assay).resolve())
    if not os.access(assay, os.X_OK):
        sys.exit(f"bench: {assay} is not there; build it with: cmake --preset release && cmake --build --preset release")
    wanted.data.mkdir(parents=True, exist_ok=True)
    bench = Bench(assay, wanted.data.resolve(), wanted.rounds)
    if unknown := [name for name in wanted.names if name not in bench.benches()]:
        sys.exit(f"bench: there is no bench '{unknown[0]}'; there are {', '.join(bench.benches())}")
    load = os.getloadavg()[0]
    bench.run(wanted.names)
    reference = bench.reference_name
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, load {load:.1f} before"
    if wanted.json != "-":
        print("".join(line + "\n" for line in bench.told))
        print(f"reference: {reference}; python {platform.python_version()}; {machine}\n\n{table(bench.figures)}")
    if wanted.json:
        told = json.dumps({
            "reference": reference, "machine": machine, "failures": bench.failures, "skipped": bench.skipped, "seconds": bench.samples,
            "figures": [dataclasses.asdict(f) | {"met": f.met} for f in bench.figures],
        }, indent=1)
        if wanted.json == "-":
            print(told)
        else:
            pathlib.Path(wanted.json).write_text(told + "\n")
    for why in bench.skipped:
        print(f"bench: skipped {why}", file=sys.stderr)
    for failure in bench.failures:
        print(f"bench: could not run {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
