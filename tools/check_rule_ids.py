#!/usr/bin/env python3
"""Holds the ids that src/ emits against the ids that rules/structure.toml explains.

    check_rule_ids.py [REPOSITORY]

An id without a rule is judged `suspicious` with a message that explains nothing; a rule that nothing emits promises a
check that nobody makes. Either fails.
"""

import pathlib
import re
import sys
import tomllib

AREAS = "coverage|file|joblib|json|malware|npy|numpy|pickle|policy|read|repo|safetensors|sevenzip|stream|tar|torch|zip"
ID = re.compile(rf'"((?:{AREAS})(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+)"')
COMMENT = re.compile(r"//.*$", re.MULTILINE)
NOT_EMITTING = ("_test.cpp", "_fuzz.cpp", "report/sample.h")  # tests, and the report that they share

# What a container can only call a duplicate, the scan calls equal or different once it has compared the bytes.
REFINED = {name: {f"{name}-same", f"{name}-differs"} for name in ("zip.duplicate", "tar.duplicate")}


def is_python_module(name):
    """The readers also compare names of Python modules: "torch.serialization". Rules of such an area have a hyphen."""
    return name.startswith(("numpy.", "torch.")) and "-" not in name


def emitted(root):
    ids = {}
    for path in sorted([*root.glob("src/**/*.cpp"), *root.glob("src/**/*.h")]):
        if path.as_posix().endswith(NOT_EMITTING):
            continue
        for name in ID.findall(COMMENT.sub("", path.read_text())):
            if not is_python_module(name):
                for id_ in REFINED.get(name, {name}):
                    ids.setdefault(id_, path.relative_to(root))
    return ids


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    rules = {}
    for path in sorted(root.glob("rules/**/*.toml")):
        data = tomllib.loads(path.read_text())
        rules |= {rule["id"]: path for rule in data.get("structure", [])}
    ids = emitted(root)
    problems = [f"{ids[i]}: emits '{i}', which no rule explains" for i in sorted(ids.keys() - rules.keys())]
    problems += [f"{rules[i].relative_to(root)}: rule '{i}' is emitted nowhere" for i in sorted(rules.keys() - ids.keys())]
    print("\n".join(problems) if problems else f"rule ids: {len(ids)} emitted, all explained, none dead")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
