"""What looking for secrets costs: the search for keywords alone and the whole scanner, next to hashing the same bytes, in
one program (bench/secrets.cpp) over bytes that it has read before; then the whole command, alone and beside gitleaks.
"""

import pathlib
import statistics
import subprocess

import gitleaks
import inputs
import measure

FOUND = (0, 1)  #: ends of a scanner that had nothing or something to report
SHARED_BYTES = 16 << 20  #: what gitleaks gets: it takes a second for each megabyte


def run(bench):
    program = pathlib.Path(bench.assay).parent / "src" / "bench_secrets"
    if not program.exists():
        bench.skipped.append(f"secrets: {program.name} is not built; ./dev bench builds it")
        return
    hash_speed = mixed(bench, program)
    hostile(bench, program)
    whole(bench, hash_speed)
    beside_gitleaks(bench)


def speeds(program, path):
    """GB/s by what was measured, and under "hits" how many there were."""
    told = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout
    return dict(line.split(maxsplit=1) for line in told.splitlines())


def mixed(bench, program):
    speed = speeds(program, inputs.mixed_text(bench.data))
    hash_speed, keywords, scanner = (float(speed[name]) for name in ("sha256", "literals", "scanner"))
    if "cut" in speed["hits"]:
        raise measure.Failed("the scanner did not look at everything")
    detail = f"{scanner:.2f} GB/s, SHA-256 {hash_speed:.2f} GB/s"
    bench.add("secrets", "search for keywords, per core", keywords, "GB/s", 1, at_least=True)
    bench.add("secrets", "the scanner is so many times as fast as SHA-256", scanner / hash_speed, "x", 0.5, at_least=True, detail=detail)
    return hash_speed


def hostile(bench, program):
    """Bytes that are full of keywords, and of what nearly matches behind them."""
    slowest = min((float(speeds(program, path)["scanner"]) * 1000, name) for name, path in inputs.keyword_floods(bench.data).items())
    bench.add("secrets", "the slowest of bytes full of keywords", slowest[0], "MB/s", 1, at_least=True, detail=slowest[1])


def whole(bench, hash_speed):
    """The command as a user runs it, one job, every byte hashed: by the processor's time of all its processes, and by
    the clock, where hashing and looking may run beside each other."""
    path = inputs.mixed_text(bench.data)
    command = [bench.assay, "scan", "--digest", "--jobs", "1", str(path)]
    measure.cost(command, FOUND)
    costs = [measure.cost(command, FOUND) for _ in range(bench.rounds or 5)]
    wall, cpu = (path.stat().st_size / 1e9 / statistics.median(times) for times in zip(*costs))
    bench.add("secrets", "the whole command with --digest, per core (user and system time)", cpu, "GB/s", 0.55, at_least=True,
              detail=f"SHA-256 alone {hash_speed:.2f} GB/s")
    bench.add("secrets", "... by the clock, --jobs 1", wall, "GB/s", 0.55, at_least=True)


def beside_gitleaks(bench):
    program, why = gitleaks.program(bench.data)
    if not program:
        bench.skipped.append(f"secrets, beside gitleaks: {why}")
        return
    path = inputs.mixed_text(bench.data, SHARED_BYTES)
    commands = {"assay": [bench.assay, "scan", "--digest", str(path)],
                "gitleaks": [str(program), "dir", "--no-banner", "--log-level", "error", str(path)]}
    medians, ratios = bench.times("secrets", commands, 3, {"assay": 3}, FOUND)
    bench.slower("secrets", f"gitleaks {gitleaks.VERSION}", 10, medians, ratios, "gitleaks")
