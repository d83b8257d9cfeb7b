"""What every acceptance test shares: the program, its reports, and the corpus that inputs are built from.

The program under test is $ASSAY, by default build/release/assay. Run: python3 -m pytest acceptance
"""

from __future__ import annotations

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpus"
sys.path.insert(0, str(CORPUS))
sys.dont_write_bytecode = True

PROGRAM = pathlib.Path(os.environ.get("ASSAY", ROOT / "build" / "release" / "assay")).resolve()
PATIENCE = 120  # seconds for one run of the program; a test that measures time says so itself

FOUND, ERROR, USAGE, INTERRUPTED = 1, 2, 64, 130
WORST_LAST = ["safe", "caution", "queued", "unscanned", "error", "suspicious", "unsafe"]


@dataclass
class Answer:
    """One finished run."""

    code: int
    out: bytes
    err: bytes

    @functools.cached_property
    def report(self) -> dict:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def lines(self) -> list:
        return [json.loads(line) for line in self.out.splitlines()]

    @functools.cached_property
    def artifacts(self) -> dict:
        return {a["path"]: a for a in self.report["artifacts"]}

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out[:3000]!r}\n--- stderr\n{self.err[:1000]!r}"


def clean_environment(**more) -> dict:
    """No configuration of whoever runs the tests may change what they see."""
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    return {**keep, "HOME": "/nonexistent", **more}


def assay(*words, stdin: bytes = b"", cwd=None, env: dict | None = None, patience=PATIENCE) -> Answer:
    command = [str(PROGRAM), *(w if isinstance(w, (str, bytes)) else str(w) for w in words)]
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=env or clean_environment(),
                          timeout=patience, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


def scan(*words, **more) -> Answer:
    """A scan that must give a JSON report, whatever it found."""
    answer = assay("scan", "--format", "json", *words, **more)
    assert answer.code in (0, FOUND, ERROR, INTERRUPTED), answer
    return answer


def facts(*words, **more) -> dict:
    """Documents by path. Paths that are not UTF-8 keep their JSON form."""
    answer = assay("facts", *words, **more)
    assert answer.code == 0, answer
    return {str(d["path"]): d for d in answer.lines if d["schema"].startswith("assay-document/")}


def only(answer: Answer) -> dict:
    """The one artifact of a scan of one file."""
    (artifact,) = answer.report["artifacts"]
    return artifact


def rules(artifact: dict) -> set:
    return {f["rule"] for f in artifact["findings"]}


def imports(artifact: dict) -> set:
    return {(i["module"], i["name"]) for i in artifact["imports"]}


def written_imports(document: dict) -> set:
    """Names as the stream spells them, and as the loader maps them: either is a fair way to say it."""
    out = set()
    for i in document["imports"]:
        out.add((shown(i["module"]), shown(i["name"])))
        if i["written"]:
            out.add(tuple(shown(i["written"]).split(" ", 1)))
    return out


def shown(text) -> str:
    """A document's text, whichever form it has."""
    return text if isinstance(text, str) else bytes.fromhex(text["hex"]).decode("latin-1")


def schema_of(name: str):
    import jsonschema
    schema = json.loads((ROOT / "docs" / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


def validator(name: str, part: str | None = None):
    import jsonschema
    schema = schema_of(name)
    if part is not None:
        schema = {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]}
    return jsonschema.Draft202012Validator(schema)


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`: a scan's cells."""
    out = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        if int(re.sub(r"^.*\)", "", stat, flags=re.S).split()[1]) == pid:
            out.append(int(entry))
    return out


@pytest.fixture(scope="session", autouse=True)
def program():
    if not PROGRAM.is_file():
        pytest.exit(f"{PROGRAM} is not built; name another with ASSAY=", returncode=4)
    return PROGRAM


@pytest.fixture
def payload() -> bytes:
    """A pickle that would call os.system('true')."""
    from assembler import payload as make
    return make()


@pytest.fixture
def harmless() -> bytes:
    from assembler import harmless as make
    return make()
