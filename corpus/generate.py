#!/usr/bin/python3
"""Writes the corpus from its recipes.

    generate.py             crafted cases, byte for byte the same every time
    generate.py --check     compares the crafted cases on disk with the recipes, writes nothing
    generate.py --benign    also the cases that need torch, numpy and friends (their bytes follow the library)
    generate.py --witness   asks the real unpicklers whether every pickle case does what it says
    generate.py --count     cases by family and status
"""

from __future__ import annotations

import argparse
import collections
import importlib
import json
import pathlib
import shutil
import sys

HOUSE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HOUSE))
sys.dont_write_bytecode = True

from registry import CASES, Case  # noqa: E402

CASES_ON_DISK = HOUSE / "cases"
SMALL = 20 * 1024


def gather(with_benign: bool) -> None:
    for path in sorted((HOUSE / "recipes").glob("*.py")):
        if path.stem.startswith("_") or (path.stem.startswith("written_") and not with_benign):
            continue
        try:
            importlib.import_module(f"recipes.{path.stem}")
        except ModuleNotFoundError as missing:
            if not path.stem.startswith("written_"):
                raise
            print(f"note: {path.name} is left out, {missing.name} is not installed")


def files_of(entry: Case) -> dict[str, bytes]:
    made = entry.make()
    if isinstance(made, dict):
        files = {f"input/{name}": data for name, data in made.items()}
    else:
        files = {entry.file: bytes(made)}
    files["expect.json"] = expectation(entry)
    files["recipe.txt"] = recipe(entry)
    return files


def expectation(entry: Case) -> bytes:
    facts = {"status": entry.status, "why": entry.why(), "threats": entry.threats, "rules": entry.rules,
             "imports": entry.imports, "weights_only": entry.weights_only, "loader": entry.loader}
    if entry.bypass:
        facts["bypass"] = entry.bypass
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()


def recipe(entry: Case) -> bytes:
    source = entry.make.__module__.split(".")[-1] + ".py"
    lines = [entry.name, "", entry.story, ""]
    lines.append(f"Made by: corpus/recipes/{source}" + (" (library-written, committed)" if entry.benign else ""))
    if entry.threats:
        lines.append("Threats: " + ", ".join(entry.threats))
    if entry.bypass:
        lines.append("Bypass: " + ", ".join(entry.bypass))
    if entry.references:
        lines.append("References: " + "; ".join(entry.references))
    if entry.unsure:
        lines.append("Open to argument: " + entry.unsure)
    return ("\n".join(lines) + "\n").encode()


def write(entry: Case) -> None:
    folder = CASES_ON_DISK / entry.name
    if folder.exists():
        shutil.rmtree(folder)
    for name, data in files_of(entry).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if len(data) > SMALL:
            print(f"note: {entry.name}/{name} is {len(data)} bytes")


def differences(entry: Case) -> list[str]:
    folder = CASES_ON_DISK / entry.name
    wanted = files_of(entry)
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} if folder.is_dir() else set()
    wrong = [f"{entry.name}/{name}: not made by the recipe" for name in sorted(found - set(wanted))]
    for name, data in wanted.items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{entry.name}/{name}: missing")
        elif path.read_bytes() != data:
            wrong.append(f"{entry.name}/{name}: differs from the recipe")
    return wrong


def check() -> int:
    wrong = [line for entry in CASES.values() for line in differences(entry)]
    for folder in sorted(CASES_ON_DISK.glob("*/*")):
        name = f"{folder.parent.name}/{folder.name}"
        if name not in CASES and "library-written" not in (folder / "recipe.txt").read_text():
            wrong.append(f"{name}: no recipe makes this case")
    print("\n".join(wrong) if wrong else f"{len(CASES)} crafted cases are as their recipes make them")
    return 1 if wrong else 0


def count() -> int:
    table = collections.defaultdict(collections.Counter)
    for path in sorted(CASES_ON_DISK.glob("*/*/expect.json")):
        table[path.parts[-3]][json.loads(path.read_text())["status"]] += 1
    from registry import STATUSES
    print(f"{'family':14}" + "".join(f"{s:>11}" for s in STATUSES) + f"{'all':>6}")
    total = collections.Counter()
    for family, row in table.items():
        total.update(row)
        print(f"{family:14}" + "".join(f"{row[s] or '':>11}" for s in STATUSES) + f"{sum(row.values()):6}")
    print(f"{'':14}" + "".join(f"{total[s]:>11}" for s in STATUSES) + f"{sum(total.values()):6}")
    return 0


def witness() -> int:
    """Holds the pickle cases against the real unpicklers: an unsafe one must reach a call, a safe one may only
    reach calls of names that its expectation could clear."""
    import oracle
    doubts = 0
    for path in sorted(CASES_ON_DISK.glob("*/*/expect.json")):
        facts = json.loads(path.read_text())
        source = next((p for p in path.parent.glob("input*") if p.is_file()), None)
        if facts["loader"] != "pickle" or source is None:
            continue
        readings = oracle.readings(source.read_bytes(), streams=64)
        events = [e for r in readings.values() for e in r.events]
        seen = {(e[1], e[2]) for e in events if e[0] == "global"}
        started = any(r.streams or r.events for r in readings.values())
        reached = started and facts["status"] != "suspicious"  # what hides in unowned bytes no unpickler reaches
        missing = [i for i in facts["imports"] if reached and tuple(i) not in seen]
        called = [e for e in events if e[0] != "global"]
        name = "/".join(path.parts[-3:-1])
        if facts["status"] == "unsafe" and not called:
            doubts += 1
            print(f"{name}: unsafe, and no reading calls anything: {readings}")
        if missing:
            doubts += 1
            print(f"{name}: no reading imports {missing}")
        if facts["status"] == "error" and any(r.streams and not r.error for r in readings.values()):
            doubts += 1
            print(f"{name}: error, and a reading loads it")
        if facts["status"] == "safe" and any(r.error for r in readings.values()):
            print(f"{name}: note, a reading fails: " + "; ".join(f"{k}: {r.error}" for k, r in readings.items() if r.error))
    print(f"{doubts} doubts")
    return 1 if doubts else 0


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("check", "benign", "witness", "count"):
        words.add_argument(f"--{flag}", action="store_true")
    words.add_argument("--only", default="", help="make only cases whose name starts so")
    asked = words.parse_args()
    if asked.count:
        return count()
    if asked.witness:
        return witness()
    gather(asked.benign)
    if asked.check:
        return check()
    chosen = [c for c in CASES.values() if c.name.startswith(asked.only)]
    for entry in chosen:
        write(entry)
    print(f"{len(chosen)} cases written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
