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
    path = inputs.mixed_text(bench.data)
    told = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout
    speed = dict(line.split(maxsplit=1) for line in told.splitlines())
    hash_speed, keywords, scanner = (float(speed[name]) for name in ("sha256", "prefilter", "scanner"))
    if " cut" in speed["hits"]:
        raise measure.Failed("the scanner did not look at everything")
    detail = f"{scanner:.2f} GB/s, SHA-256 {hash_speed:.2f} GB/s"
    bench.add("secrets", "GB of keywords per second and core", keywords, "GB/s", 1, at_least=True)
    bench.add("secrets", "how many times as fast as SHA-256 the scanner is", scanner / hash_speed, "x", 0.5, at_least=True, detail=detail)
