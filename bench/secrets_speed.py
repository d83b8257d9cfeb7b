"""What looking for secrets costs: the search for keywords alone, and the whole scanner, next to hashing the same bytes.

All three run in one program (bench/secrets.cpp) over bytes that it has read before.
"""

import pathlib
import subprocess

import inputs
import measure


def run(bench):
    program = pathlib.Path(bench.assay).parent / "src" / "bench_secrets"
    if not program.exists():
        bench.skipped.append(f"secrets: {program.name} is not built; ./dev bench builds it")
        return
    mixed(bench, program)
    hostile(bench, program)


def speeds(program, path):
    """GB/s by what was measured, and under "hits" how many there were."""
    told = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout
    return dict(line.split(maxsplit=1) for line in told.splitlines())


def mixed(bench, program):
    speed = speeds(program, inputs.mixed_text(bench.data))
    hash_speed, keywords, scanner = (float(speed[name]) for name in ("sha256", "prefilter", "scanner"))
    if "cut" in speed["hits"]:
        raise measure.Failed("the scanner did not look at everything")
    detail = f"{scanner:.2f} GB/s, SHA-256 {hash_speed:.2f} GB/s"
    bench.add("secrets", "search for keywords, per core", keywords, "GB/s", 1, at_least=True)
    bench.add("secrets", "the scanner is so many times as fast as SHA-256", scanner / hash_speed, "x", 0.5, at_least=True, detail=detail)


def hostile(bench, program):
    """Bytes that are full of keywords, and of what nearly matches behind them."""
    slowest = min((float(speeds(program, path)["scanner"]) * 1000, name) for name, path in inputs.keyword_floods(bench.data).items())
    bench.add("secrets", "the slowest of bytes full of keywords", slowest[0], "MB/s", 1, at_least=True, detail=slowest[1])
