"""Secrets in every file and every member: found where they stand, never shown whole, known by their fingerprint."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import pickle
import pty
import struct
import subprocess

import pytest

from archives import Member, gzip_stream, plain_zip, tar_file, tar_member, zip_file
from conftest import FOUND, PROGRAM, USAGE, assay, clean_environment, facts, only, rules, scan, validator
from planted import github_token, hub_token, secret

HUB, GITHUB = "secret.huggingface.token", "secret.github.token"


def engine(answer_or_artifact: dict, name="secrets") -> dict:
    (one,) = [e for e in answer_or_artifact["engines"] if e["name"] == name]
    return one


def found(artifact: dict) -> list[dict]:
    return [f for f in artifact["findings"] if f["rule"].startswith("secret.")]


@pytest.fixture
def folder(tmp_path):
    """A folder to scan, and a way to write files into it."""
    path = tmp_path / "scanned"
    path.mkdir()

    class Folder(type(path)):
        def write(self, name: str, data: bytes | str):
            target = pathlib.Path(self, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)
            return target
    return Folder(path)


# Where they stand ----------------------------------------------------------------------------------------------------


def safetensors(metadata: dict, data=b"\0" * 64) -> bytes:
    header = json.dumps({"__metadata__": metadata,
                         "w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def notebook(text: str) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "code", "source": ["print(1)"], "metadata": {}, "execution_count": 1,
         "outputs": [{"output_type": "stream", "name": "stdout", "text": [f"token is {text}\n"]}]}]}).encode()


PLACES = {
    "text": lambda t: f"line\nexport TOKEN={t}\n".encode(),
    "environment file": lambda t: f"A=1\nHF_TOKEN={t}\n".encode(),
    "json": lambda t: json.dumps({"a": {"token": t}}).encode(),
    "pickle": lambda t: pickle.dumps({"token": t}),
    "pickle, protocol 0": lambda t: pickle.dumps({"token": t}, 0),
    "byte string in a pickle": lambda t: pickle.dumps({"raw": f"a {t} b".encode()}),
    "large pickle": lambda t: pickle.dumps([[f"word {i}" for i in range(30_000)], t, list(range(1000))]),
    "safetensors metadata": lambda t: safetensors({"note": t}),
    "notebook output": notebook,
    "stored zip member": lambda t: plain_zip({"a/.env": f"T={t}\n".encode()}),
    "deflated zip member": lambda t: zip_file([Member("a/.env", f"T={t}\n".encode(), method=8)]),
    "zip in a zip": lambda t: plain_zip({"inner.zip": zip_file([Member("x", f"T={t}\n".encode(), method=8)])}),
    "tar member": lambda t: tar_file(tar_member("etc/token", f"{t}\n".encode())),
    "gzip": lambda t: gzip_stream(f"T={t}\n".encode()),
    "gguf metadata": lambda t: b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + f"token {t} ".encode(),
    "no format at all": lambda t: os.urandom(300).replace(b"h", b"_") + f" {t} ".encode() + b"\x01\x02" * 100,
    "behind a picture": lambda t: b"\x89PNG\r\n\x1a\n" + b"\0" * 30 + f" {t} ".encode(),
}


@pytest.mark.parametrize("place", PLACES)
def test_found_wherever_it_stands(folder, place):
    folder.write("file", PLACES[place](hub_token()))
    artifact = only(scan(folder))
    assert [f["rule"] for f in found(artifact)] == [HUB], artifact
    assert engine(artifact)["status"] == "suspicious"


@pytest.mark.parametrize("place", PLACES)
def test_quiet_without_one(folder, place):
    folder.write("file", PLACES[place]("nothing-to-see-here"))
    artifact = only(scan(folder))
    assert not found(artifact) and engine(artifact)["status"] == "safe"


@pytest.mark.parametrize("compressed", [False, True])
def test_member_and_line_are_told(folder, compressed):
    content = f"one\ntwo\nthree {hub_token()}\n".encode()
    folder.write("a.zip", zip_file([Member("deep/notes.txt", content, method=8 if compressed else 0)]))
    (finding,) = found(only(scan(folder)))
    assert (finding["member"], finding["line"], finding["offset"]) == ("deep/notes.txt", 3, 14)


def test_bytes_that_are_no_text_have_no_line(folder):
    folder.write("raw.bin", b"\0\n\n" + hub_token().encode() + b"\n\0")
    (finding,) = found(only(scan(folder)))
    assert finding["line"] is None and finding["offset"] == 3


def test_tensors_are_passed_over_and_counted(folder):
    token = hub_token().encode()
    folder.write("model.safetensors", safetensors({"a": "b"}, b"\n" + token + b"\n" + bytes(1000)))
    artifact = only(scan(folder))
    assert not found(artifact)
    assert engine(artifact)["passed_over"] == len(token) + 1002 and artifact["status"] == "safe"


def test_storages_of_a_checkpoint_are_passed_over(folder, tmp_path):
    numpy = pytest.importorskip("numpy")
    numpy.savez(tmp_path / "scanned" / "a.npz", w=numpy.frombuffer(hub_token().encode() + bytes(500), dtype=numpy.uint8))
    artifact = only(scan(folder))
    assert not found(artifact) and engine(artifact)["passed_over"] == 537


def test_a_polyglot_tells_each_secret_once(folder):
    inside = plain_zip({"stored.txt": f"\n{hub_token(1)}\n".encode()})
    folder.write("both.pkl", pickle.dumps({"t": hub_token(2), "pad": "x" * 100_000}) + inside)
    found_here = found(only(scan(folder)))
    assert len(found_here) == len({f["fingerprint"] for f in found_here}) == 2


def test_standard_input_is_searched():
    answer = scan("-", stdin=f"T={hub_token()}\n".encode())
    assert [f["rule"] for f in found(only(answer))] == [HUB] and answer.code == FOUND


# What is said --------------------------------------------------------------------------------------------------------


FORMATS = ["text", "json", "jsonl", "sarif", "hub"]


@pytest.mark.parametrize("form", FORMATS)
def test_never_whole_in_any_report(folder, form):
    token = hub_token()
    folder.write("README.md", f"# A card\n\nsome words\n{token}\n")
    folder.write(".env", f"T={token}\n")
    folder.write("p.pkl", pickle.dumps(token))
    answer = assay("scan", folder, "--format", form, "-v")
    assert answer.code == FOUND
    assert token.encode() not in answer.out and token[4:-4].encode() not in answer.out


def test_never_whole_in_facts(folder, tmp_path):
    token = hub_token()
    folder.write("README.md", f"# A card\n{token}\n")
    kept = assay("facts", folder)
    assert token[4:-4].encode() not in kept.out and b'"fingerprint"' in kept.out
    (tmp_path / "facts").write_bytes(kept.out)
    judged = assay("judge", "--format", "json", tmp_path / "facts")
    assert judged.report["artifacts"] == scan(folder).report["artifacts"]


def test_ends_and_fingerprint_are_shown(folder):
    token = hub_token()
    folder.write("a.txt", f"T={token}\n")
    (finding,) = found(only(scan(folder)))
    assert finding["evidence"] == f"{token[:4]}…{token[-4:]} (37 characters)"
    assert "huggingface.co/settings/tokens" in finding["remediation"]
    text = assay("scan", folder).text
    assert "gives away what should be secret" in text and "line 1" in text and "Revoke it" in text


def test_one_fingerprint_wherever_the_same_secret_stands(folder):
    token = hub_token()
    folder.write("a.txt", f"T={token}\n")
    folder.write("b.zip", zip_file([Member("x", f"key: {token}\n".encode(), method=8)]))
    folder.write("c.txt", f"T={hub_token(1)}\n")
    prints = {a["path"]: found(a)[0]["fingerprint"] for a in scan(folder).report["artifacts"]}
    assert prints["a.txt"] == prints["b.zip"] != prints["c.txt"]


def test_an_own_key_changes_every_fingerprint(folder, tmp_path):
    folder.write("a.txt", f"T={hub_token()}\n")
    (tmp_path / "key").write_text("sixteen bytes or more, kept at home\n")
    own = found(only(scan(folder, "--secrets-key", tmp_path / "key")))[0]["fingerprint"]
    assert own != found(only(scan(folder)))[0]["fingerprint"]
    (tmp_path / "short").write_text("short\n")
    for bad in ("short", "missing"):
        assert assay("scan", folder, "--secrets-key", tmp_path / bad).code == USAGE


def test_whole_secrets_go_to_a_terminal_only(folder, tmp_path):
    token = hub_token()
    folder.write("a.txt", f"T={token}\n")
    for more in ([], ["-o", tmp_path / "out"], ["--format", "json"]):
        answer = assay("scan", folder, "--show-secrets", *more)
        assert answer.code == USAGE and b"terminal" in answer.err and not answer.out
    mine, its = pty.openpty()
    done = subprocess.Popen([PROGRAM, "scan", folder, "--show-secrets"], stdout=its, env=clean_environment())
    os.close(its)
    shown = b""
    while True:
        try:
            shown += os.read(mine, 65536)
        except OSError:
            break
    assert done.wait(timeout=60) == FOUND and token.encode() in shown


def test_known_without_secrets_is_said(folder):
    folder.write("a.txt", f"T={hub_token()}\n")
    answer = assay("scan", folder, "--no-secrets")
    assert answer.code == 0 and "not scanned for: " in answer.text and "secrets" in answer.text
    assert engine(scan(folder, "--no-secrets").report)["status"] == "unscanned"


def test_required_engine(folder, tmp_path):
    folder.write("a.txt", "hello\n")
    (tmp_path / "policy.toml").write_text('required_engines = ["secrets"]\nfail_on = "unscanned"\n')
    assert scan(folder, "--policy", tmp_path / "policy.toml").code == 0
    assert scan(folder, "--policy", tmp_path / "policy.toml", "--no-secrets").code == FOUND


def test_severity_follows_the_detector(folder):
    folder.write("a.txt", f"T={github_token()}\n")
    artifact = only(scan(folder))
    assert found(artifact)[0]["severity"] == "suspicious" and artifact["status"] == "suspicious"


def test_sarif_points_to_the_line(folder):
    folder.write("a.txt", f"one\ntwo\nT={hub_token()}\n")
    (run,) = assay("scan", folder, "--format", "sarif").report["runs"]
    (result,) = [r for r in run["results"] if r["ruleId"] == HUB]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_hub_shape_has_the_engine_beside_the_others(folder):
    folder.write("a.txt", f"T={hub_token()}\n")
    (file,) = assay("scan", folder, "--format", "hub").report["files"]
    status = file["securityFileStatus"]
    assert status["secrets"]["status"] == status["status"] == "suspicious"
    assert status["pickleImportScan"]["status"] == "safe" and status["avScan"]["status"] == "unscanned"


def test_reports_and_documents_keep_their_schemas(folder):
    folder.write("a.txt", f"T={hub_token()}\n")
    folder.write("b.pkl", pickle.dumps(hub_token()))
    validator("report.schema.json").validate(scan(folder).report)
    for document in facts(folder).values():
        validator("document.schema.json").validate(document)


def test_rules_explain_a_detector():
    answer = assay("rules", "explain", HUB)
    assert answer.code == 0 and "settings/tokens" in answer.text
    assert HUB in assay("rules", "list").text


# Kept facts ----------------------------------------------------------------------------------------------------------


def test_facts_of_older_rules_are_queued(folder, tmp_path):
    folder.write("a.txt", "hello\n")
    kept = assay("facts", folder).lines
    (run,) = [e for e in kept[1]["engines"] if e["engine"] == "secrets"]
    assert run["complete"]
    run["rule_set"] = "0000000000000000"
    old = tmp_path / "old.jsonl"
    old.write_text("".join(json.dumps(line) + "\n" for line in kept))
    report = assay("judge", "--format", "json", old).report
    assert engine(report)["status"] == "queued" and engine(report["artifacts"][0])["status"] == "queued"
    assert not assay("judge", "--format", "hub", old).report["scansDone"]
    (tmp_path / "policy.toml").write_text('required_engines = ["secrets"]\nfail_on = "unscanned"\n')
    assert assay("judge", "--policy", tmp_path / "policy.toml", old).code == FOUND


# Baselines -----------------------------------------------------------------------------------------------------------


def test_baseline_is_written_once_and_then_counts(folder, tmp_path):
    token = hub_token()
    folder.write("a.txt", f"T={token}\n")
    baseline = tmp_path / "known.json"
    assert assay("scan", folder, "--baseline", baseline).code == FOUND
    text = baseline.read_text()
    assert token[4:-4] not in text and "a.txt" in text
    known = scan(folder, "--baseline", baseline)
    assert known.code == 0 and only(known)["status"] == "safe" and found(only(known))[0]["waived"]
    folder.write("moved/b.txt", f"elsewhere: {token}\n")
    assert scan(folder, "--baseline", baseline).code == 0
    folder.write("c.txt", f"T={hub_token(1)}\n")
    assert scan(folder, "--baseline", baseline).code == FOUND
    assert baseline.read_text() == text
    assert assay("scan", folder, "--baseline", baseline, "--update-baseline").code == FOUND
    assert scan(folder, "--baseline", baseline).code == 0


def test_baseline_waives_nothing_but_secrets(folder, tmp_path):
    baseline = tmp_path / "known.json"
    folder.write("evil.pkl", b"cos\nsystem\n(S'true'\ntR.")
    assert scan(folder, "--baseline", baseline).code == FOUND
    assert json.loads(baseline.read_text())["secrets"] == []
    finding = next(f for f in only(scan(folder))["findings"] if f["severity"] == "unsafe")
    forged = {"schema": "assay-baseline/1", "key": json.loads(baseline.read_text())["key"],
              "secrets": [{"rule": finding["rule"], "fingerprint": finding["fingerprint"]}]}
    baseline.write_text(json.dumps(forged))
    answer = scan(folder, "--baseline", baseline)
    assert answer.code == FOUND and only(answer)["status"] == "unsafe"


def test_baseline_of_another_key_is_refused(folder, tmp_path):
    folder.write("a.txt", f"T={hub_token()}\n")
    (tmp_path / "key").write_text("sixteen bytes or more, kept at home\n")
    assay("scan", folder, "--baseline", tmp_path / "known.json")
    answer = assay("scan", folder, "--baseline", tmp_path / "known.json", "--secrets-key", tmp_path / "key")
    assert answer.code == USAGE and b"another key" in answer.err


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": "assay-baseline/1", "key": "x"}', "\xff"])
def test_bad_baseline_is_refused(folder, tmp_path, text):
    folder.write("a.txt", f"T={hub_token()}\n")
    (tmp_path / "known.json").write_text(text)
    answer = assay("scan", folder, "--baseline", tmp_path / "known.json")
    assert answer.code == USAGE and b"known.json" in answer.err and (tmp_path / "known.json").read_text() == text


def test_baseline_that_cannot_be_written_is_an_error(folder):
    folder.write("a.txt", f"T={hub_token()}\n")
    answer = assay("scan", folder, "--baseline", "/nonexistent/folder/known.json")
    assert answer.code == 2 and b"/nonexistent/folder/known.json" in answer.err


# Hostile bytes -------------------------------------------------------------------------------------------------------


def test_a_flood_of_keywords_is_cut_and_never_clean(folder):
    folder.write("flood.txt", "token: " * 20_000)
    one = engine(only(scan(folder)))
    assert one["status"] == "unscanned" and "too much that looks like secrets" in one["message"]


def test_more_secrets_than_are_kept_is_said(folder):
    folder.write("many.txt", "".join(f"T={hub_token(i)}\n" for i in range(10_500)))
    one = engine(only(scan(folder)))
    assert one["status"] == "suspicious" and one["message"]


@pytest.mark.parametrize("cut", [1, 5, 20, 36])
def test_a_secret_that_ends_with_the_file_is_whole_or_none(folder, cut):
    token = hub_token()
    folder.write("whole.txt", f"T={token}")
    folder.write("cut.txt", f"T={token[:-cut]}")
    artifacts = scan(folder).artifacts
    assert len(found(artifacts["whole.txt"])) == 1 and not found(artifacts["cut.txt"])


@pytest.mark.parametrize("size", [16 << 10, 64 << 10, 256 << 10, 1 << 20])
@pytest.mark.parametrize("shift", [-20, -1, 0])
def test_found_across_the_edges_of_blocks(folder, size, shift):
    folder.write("edge.txt", "\n" * (size + shift) + hub_token() + "\n")
    (finding,) = found(only(scan(folder)))
    assert finding["offset"] == size + shift and finding["line"] == size + shift + 1


def test_odd_names_do_no_harm(folder):
    for name in ("\x1b[31mred.txt", "new\nline.txt", "-rf", "ü.txt"):
        folder.write(name, f"T={hub_token()}\n")
    answer = assay("scan", folder)
    assert answer.code == FOUND and b"\x1b" not in answer.out
    assert len(scan(folder).report["artifacts"]) == 4


def test_base64_of_a_secret_in_a_pickle_is_not_claimed(folder):
    """What is encoded is not searched: the documentation says so, and this holds it to that."""
    folder.write("a.txt", base64.b64encode(f"T={hub_token()}\n".encode()))
    assert not found(only(scan(folder)))
