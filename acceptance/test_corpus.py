"""Every golden case is judged as its expectation says, in one scan over all of them."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys

import pytest

from conftest import CORPUS, ERROR, FOUND, WORST_LAST, assay, facts, rules, scan, validator, written_imports

sys.path.insert(0, str(CORPUS))
import registry  # noqa: E402

CASES = sorted("/".join(p.parts[-3:-1]) for p in (CORPUS / "cases").glob("*/*/expect.json"))


@functools.cache
def expectation(case: str) -> dict:
    return json.loads((CORPUS / "cases" / case / "expect.json").read_text())


def inputs(case: str):
    return [p for p in (CORPUS / "cases" / case).iterdir() if p.name.startswith("input")]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """All samples without their expectations, so that nothing but a sample is judged."""
    folder = tmp_path_factory.mktemp("corpus")
    for case in CASES:
        (folder / case).mkdir(parents=True)
        for sample in inputs(case):
            copy = shutil.copytree if sample.is_dir() else shutil.copyfile
            copy(sample, folder / case / sample.name)
    return folder


@pytest.fixture(scope="module")
def whole_scan(samples):
    return scan(samples)


@pytest.fixture(scope="module")
def artifacts(whole_scan):
    """Artifacts by case."""
    out = {case: [] for case in CASES}
    for artifact in whole_scan.report["artifacts"]:
        out["/".join(artifact["path"].split("/")[:2])].append(artifact)
    return out


@pytest.fixture(scope="module")
def documents(samples):
    out = {case: [] for case in CASES}
    for path, document in facts(samples).items():
        out["/".join(path.split("/")[:2])].append(document)
    return out


def test_recipes_and_samples_agree():
    done = subprocess.run([sys.executable, CORPUS / "generate.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_report_is_of_the_documented_shape(whole_scan):
    errors = list(validator("report.schema.json").iter_errors(whole_scan.report))
    assert not errors, "\n".join(f"{e.json_path}: {e.message[:300]}" for e in errors[:10])


def test_the_documents_are_of_the_documented_shape(documents):
    check = validator("document.schema.json")
    wrong = [f"{case}: {e.json_path}: {e.message[:200]}" for case, all_of_it in documents.items() for d in all_of_it
             for e in check.iter_errors(d)]
    assert not wrong, "\n".join(wrong[:10])


def test_each_file_of_the_corpus_has_one_artifact(samples, whole_scan):
    paths = [a["path"] for a in whole_scan.report["artifacts"]]
    assert paths == sorted(paths)
    assert paths == sorted(str(p.relative_to(samples)) for p in samples.rglob("*") if p.is_file() or p.is_symlink())


def test_the_whole_is_as_bad_as_its_worst_part(whole_scan):
    assert whole_scan.code == FOUND
    report = whole_scan.report
    assert report["status"] == max((a["status"] for a in report["artifacts"]), key=WORST_LAST.index)
    assert sum(n for status, n in report["summary"].items() if status in WORST_LAST) == len(report["artifacts"])


def test_the_corpus_lies_in_ascii(whole_scan):
    assert whole_scan.out.isascii()


@pytest.mark.parametrize("case", CASES)
def test_status(case, artifacts):
    wanted = expectation(case)
    assert artifacts[case], "no artifact"
    got = max((a["status"] for a in artifacts[case]), key=WORST_LAST.index)
    told = [f"{f['severity']} {f['rule']}: {f['evidence'][:120]}" for a in artifacts[case] for f in a["findings"]]
    assert got == wanted["status"], f"{wanted['why']}\nfound: " + "\n       ".join(told)


@pytest.mark.parametrize("case", [c for c in CASES if expectation(c)["imports"]])
def test_imports(case, documents):
    wanted = {tuple(i) for i in expectation(case)["imports"]}
    got = set().union(*(written_imports(d) for d in documents[case]))
    assert wanted <= got, f"missing: {wanted - got}"


@pytest.mark.parametrize("case", [c for c in CASES if expectation(c)["rules"]])
def test_rules(case, artifacts):
    assert set(expectation(case)["rules"]) <= set().union(*(rules(a) for a in artifacts[case]))


@pytest.mark.parametrize("case", [c for c in CASES if expectation(c)["weights_only"] is not None])
def test_weights_only(case, artifacts):
    checkpoints = [c for a in artifacts[case] for c in a["checkpoints"]]
    accepted = bool(checkpoints) and all(c["weights_only"] for c in checkpoints)
    assert accepted == expectation(case)["weights_only"], checkpoints


# Rows of the threat catalogue, but for those of formats that no reader here reads yet: D14 is Torch7's.
THREATS = [f"A{n}" for n in range(1, 33)] + [f"C{n}" for n in range(1, 16)] + [f"D{n}" for n in range(1, 16) if n != 14]


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_has_a_case(threat):
    assert any(threat in expectation(case)["threats"] for case in CASES)


@pytest.mark.parametrize("family", registry.BYPASSES)
def test_each_published_bypass_has_a_case(family):
    assert any(family in expectation(case).get("bypass", []) for case in CASES)


def exit_code_of(status: str) -> int:
    return FOUND if WORST_LAST.index(status) >= WORST_LAST.index("suspicious") else ERROR if status == "error" else 0


@pytest.mark.parametrize("case", [c for c in CASES if expectation(c)["loader"] == "repository"])
def test_a_repository_scanned_alone_says_the_same(case, samples):
    answer = scan(samples / case / "input")
    assert answer.report["status"] == expectation(case)["status"]
    assert answer.code == exit_code_of(answer.report["status"])


def test_judging_kept_facts_of_the_corpus_gives_the_same_report(samples, whole_scan):
    judged = assay("judge", "-", "--format", "json", stdin=assay("facts", samples).out)
    assert judged.code == whole_scan.code
    assert without_moments(judged.report) == without_moments(whole_scan.report)


def without_moments(report: dict) -> dict:
    """A report without what only a scan of bytes can say."""
    return {**report, "summary": {**report["summary"], "seconds": 0}}
