"""The command line: what scripts, terminals and editors get from it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import tarfile
import threading
import time
import zlib

import pytest

from assembler import harmless, payload, pickle
from archives import state_dict, tensor_bytes, torch_zip, Tensor
from conftest import (ERROR, FOUND, PATIENCE, PROGRAM, ROOT, USAGE, assay, clean_environment, facts, imports, only, rules,
                      scan, validator)

UNKNOWN_CALL = bytes(pickle(2).call("nobody_knows", "this", 1).stop())
CAUTION = bytes(pickle(2).glob("__main__", "Own").empty_tuple().newobj().stop())
DAMAGED = bytes(pickle(2).value({"a": 1}))  # no STOP


@pytest.fixture
def folder(tmp_path):
    """One file of each kind that the exit codes tell apart."""
    tree = tmp_path / "model"
    tree.mkdir()
    for name, data in {"unsafe.pkl": payload(), "safe.pkl": harmless(), "unknown.pkl": UNKNOWN_CALL,
                       "caution.pkl": CAUTION, "damaged.pkl": DAMAGED}.items():
        (tree / name).write_bytes(data)
    return tree


# Exit codes ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("names, code", [
    (["safe"], 0), (["caution"], 0), (["damaged"], ERROR), (["unknown"], FOUND), (["unsafe"], FOUND),
    (["safe", "damaged"], ERROR), (["unsafe", "damaged"], FOUND), (["damaged", "unsafe", "safe"], FOUND)])
def test_the_exit_code_says_the_worst(folder, names, code):
    assert scan(*[folder / f"{n}.pkl" for n in names]).code == code


@pytest.mark.parametrize("level, names, code", [
    ("unsafe", ["unknown"], 0), ("unsafe", ["unsafe"], FOUND), ("suspicious", ["unknown"], FOUND),
    ("error", ["damaged"], FOUND), ("unsafe", ["damaged"], ERROR), ("caution", ["caution"], FOUND),
    ("caution", ["safe"], 0), ("unscanned", ["caution"], 0), ("unsafe", ["unknown", "damaged"], ERROR)])
def test_fail_on_moves_the_level(folder, level, names, code):
    assert scan("--fail-on", level, *[folder / f"{n}.pkl" for n in names]).code == code


def test_unscanned_content_fails_only_where_asked(tmp_path):
    (tmp_path / "run.py").write_text("import os\nprint(os.name)\n")
    answer = scan(tmp_path)
    assert (answer.report["status"], answer.code) == ("unscanned", 0)
    assert scan("--fail-on", "unscanned", tmp_path).code == FOUND


@pytest.mark.parametrize("words", [
    [], ["scan"], ["nonsense"], ["scan", "--no-such-flag", "x"], ["scan", "--format", "xml", "x"],
    ["scan", "--fail-on", "safe", "x"], ["scan", "--fail-on", "queued", "x"], ["scan", "--fail-on", "horrible", "x"],
    ["inspect", "--fail-on", "caution", "x"],
    ["facts", "--fail-on", "caution", "x"], ["scan", "-j", "0", "x"], ["scan", "-j", "many", "x"], ["scan", "--format", "json", "--format", "text", "x"],
    ["rules"], ["rules", "explain"], ["rules", "explain", "no.such-rule"], ["judge"], ["inspect"],
    ["inspect", "a", "b"]], ids=" ".join)
def test_a_command_line_without_sense_is_told_in_one_line(words, tmp_path):
    answer = assay(*words, cwd=tmp_path)
    assert answer.code == USAGE
    assert answer.out == b""
    assert answer.err.startswith(b"assay: ") and answer.err.count(b"\n") == 1


@pytest.mark.parametrize("words, told", [
    (["frob"], b"no command is called 'frob' here"), (["frob", "x", "y"], b"no command is called 'frob' here"),
    (["rules", "frob"], b"no command is called 'frob' here"), (["--frob"], b"no option is called '--frob' here"),
    (["scan", "--frob"], b"no option is called '--frob' here"), (["scan", "--frob", "x"], b"--frob")], ids=str)
def test_a_wrong_word_is_named(words, told):
    answer = assay(*words)
    assert answer.code == USAGE and told in answer.err, answer


def test_a_missing_path_is_an_error_with_its_own_artifact(tmp_path, folder):
    answer = scan(tmp_path / "nowhere")
    assert (answer.code, answer.report["status"]) == (ERROR, "error")
    assert len(answer.report["artifacts"]) == 1
    assert scan(tmp_path / "nowhere", folder / "safe.pkl").code == ERROR
    assert scan(tmp_path / "nowhere", folder / "unsafe.pkl").code == FOUND


def test_an_empty_folder_is_safe(tmp_path):
    answer = scan(tmp_path)
    assert (answer.code, answer.report["status"], answer.report["artifacts"]) == (0, "safe", [])


def test_an_empty_file_is_safe_and_reported(tmp_path):
    (tmp_path / "nothing").touch()
    answer = scan(tmp_path)
    assert (answer.code, only(answer)["status"], only(answer)["size"]) == (0, "safe", 0)


def test_version_and_help():
    assert re.fullmatch(rb"assay \d+\.\d+\.\d+\n", assay("--version").out)
    help_text = assay("--help")
    assert help_text.code == 0 and help_text.err == b""
    for word in ("scan", "inspect", "facts", "judge", "rules", "Exit codes", "Examples"):
        assert word in help_text.text
    for command in ("scan", "inspect", "facts", "judge", "rules"):
        assert assay(command, "--help").code == 0


# Formats -------------------------------------------------------------------------------------------------------------

def test_standard_output_holds_json_and_nothing_else(folder):
    answer = assay("scan", "--format", "json", folder)
    assert answer.err == b""
    assert answer.out.endswith(b"}\n") and answer.out.isascii()
    assert not list(validator("report.schema.json").iter_errors(answer.report))


def test_several_formats_at_once(folder, tmp_path):
    outputs = {name: tmp_path / f"report.{name}" for name in ("json", "jsonl", "sarif", "hub")}
    words = [word for name, path in outputs.items() for word in ("--format", name, "-o", path)]
    answer = assay("scan", folder, *words, "--format", "text")
    assert answer.code == FOUND and answer.err == b""
    assert "unsafe" in answer.text
    assert json.loads(outputs["json"].read_text())["schema"] == "assay-report/1"
    assert json.loads(outputs["hub"].read_text())["scansDone"] is True
    assert json.loads(outputs["sarif"].read_text())["version"] == "2.1.0"
    assert all(json.loads(line) for line in outputs["jsonl"].read_text().splitlines())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["model", *(p.name for p in outputs.values())])


def test_an_existing_report_is_replaced(folder, tmp_path):
    target = tmp_path / "report.json"
    target.write_text("old" * 100_000)
    assay("scan", folder, "--format", "json", "-o", target)
    assert json.loads(target.read_text())["status"] == "unsafe"


def test_an_output_without_a_format_is_text(folder, tmp_path):
    answer = assay("scan", folder, "-o", tmp_path / "report.txt")
    assert answer.out == b"" and "unsafe" in (tmp_path / "report.txt").read_text()


def test_json_lines_hold_the_same_as_json(folder):
    whole, lines = scan(folder).report, assay("scan", "--format", "jsonl", folder).lines
    header, artifacts, last = lines[0], lines[1:-1], lines[-1]
    for part, value in (("header", header), ("last", last), *(("artifact", a) for a in artifacts)):
        assert not list(validator("report.schema.json", part).iter_errors(value))
    assert artifacts == whole["artifacts"]
    assert {**last["summary"], "seconds": 0} == {**whole["summary"], "seconds": 0}
    assert header["status"] == whole["status"] and "artifacts" not in header


def test_the_hub_shape(folder):
    hub = assay("scan", "--malware", "off", "--format", "hub", folder).report
    assert hub["scansDone"] is True
    assert {i["path"]: i["level"] for i in hub["filesWithIssues"]} == {
        "unsafe.pkl": "unsafe", "unknown.pkl": "suspicious", "caution.pkl": "caution", "damaged.pkl": "error"}
    by_path = {f["path"]: f for f in hub["files"]}
    assert sorted(by_path) == sorted(p.name for p in folder.iterdir())
    unsafe = by_path["unsafe.pkl"]
    assert unsafe["type"] == "file" and unsafe["size"] == len(payload())
    status = unsafe["securityFileStatus"]
    assert status["status"] == "unsafe" and status["avScan"]["status"] == "unscanned"
    assert {"module": "os", "name": "system", "safety": "dangerous"} in status["pickleImportScan"]["pickleImports"]


@pytest.fixture(scope="session")
def sarif_schema(tmp_path_factory):
    """The official schema. It is not part of the house; an npm package carries it unchanged."""
    place = tmp_path_factory.mktemp("sarif")
    try:
        subprocess.run(["npm", "pack", "--silent", "@microsoft/jest-sarif@1.0.0-beta.0"], cwd=place, timeout=60, check=True,
                       capture_output=True)
        with tarfile.open(next(place.glob("*.tgz"))) as package:
            return json.load(package.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json"))
    except (OSError, subprocess.SubprocessError, StopIteration) as problem:
        pytest.skip(f"the SARIF schema could not be fetched with npm: {problem}")


@pytest.mark.parametrize("words", [[], ["--exclude", "un*"], ["--exclude", "*"], ["--fail-on", "caution"]], ids=" ".join)
def test_sarif_is_valid_by_its_official_schema(folder, sarif_schema, words):
    import jsonschema
    (folder / os.fsdecode(b"\xff\x1b[2J #%?.pkl")).write_bytes(payload())
    (folder / "run.py").write_text("import os\nprint(os.name)\n")
    (folder / "away").symlink_to("/etc")
    check = jsonschema.validators.validator_for(sarif_schema)(sarif_schema)
    assert not [e.message for e in check.iter_errors(assay("scan", "--format", "sarif", folder, *words).report)]
    assert list(check.iter_errors({"version": "2.1.0", "runs": [{}]})), "the schema refuses nothing"


def test_sarif_is_what_code_scanning_takes(folder):
    log = assay("scan", "--format", "sarif", folder).report
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] and driver["rules"]
    for descriptor in driver["rules"] + driver["notifications"]:
        assert all(descriptor[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
    told = {n["descriptor"]["id"] for n in run["invocations"][0]["toolExecutionNotifications"]}
    assert told and told <= {n["id"] for n in driver["notifications"]}
    assert run["invocations"][0]["exitCode"] == FOUND
    paths = {p.name for p in folder.iterdir()}
    levels = [r["level"] for r in run["results"]]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] in paths and place["region"]["startLine"] == 1
        assert re.fullmatch(r"[0-9a-f]{16}:\d+", result["partialFingerprints"]["primaryLocationLineHash"])
    assert [r for r in run["results"] if r["level"] == "error" and r["locations"][0]["physicalLocation"]
            ["artifactLocation"]["uri"] == "unsafe.pkl"]


def test_verbose_shows_safe_files_and_imports(folder):
    brief, verbose = assay("scan", folder).text, assay("scan", "-v", folder).text
    assert "safe.pkl" not in [word for line in brief.splitlines() for word in line.split()]
    assert "safe.pkl" in [word for line in verbose.splitlines() for word in line.split()]
    assert len(verbose) > len(brief)


# The two halves ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "hub"])
@pytest.mark.parametrize("level", ["suspicious", "caution", "unsafe"])
def test_facts_then_judge_is_scan(folder, form, level):
    whole = assay("scan", folder, "--format", form, "--fail-on", level, "-v")
    kept = assay("facts", folder)
    judged = assay("judge", "-", "--format", form, "--fail-on", level, "-v", stdin=kept.out)
    assert kept.code == 0
    assert judged.code == whole.code
    assert timeless(judged.text) == timeless(whole.text)


def timeless(report: str) -> str:
    """Without how long it took, which is 0 where kept facts are judged."""
    report = re.sub(r'"seconds": ?[0-9.e-]+', '"seconds":0', report)
    return re.sub(r"(,| in)? ?[0-9.]+ ?(ms|s|seconds)\b", "", report)


@pytest.mark.parametrize("name", ["unsafe", "safe", "damaged"])
def test_the_halves_agree_on_a_single_file(folder, name):
    path = folder / f"{name}.pkl"
    judged = assay("judge", "-", "--format", "json", stdin=assay("facts", path).out)
    whole = scan(path)
    assert judged.code == whole.code and timeless(judged.text) == timeless(whole.text)


def test_facts_can_be_kept_in_a_file(folder, tmp_path):
    kept = tmp_path / "facts.jsonl"
    assert assay("facts", folder, "-o", kept).out == b""
    assert assay("judge", kept, "--format", "json").report["status"] == "unsafe"


def test_facts_are_of_the_documented_shape(folder):
    check = validator("document.schema.json")
    for document in facts(folder).values():
        assert not list(check.iter_errors(document))
    first = assay("facts", folder, "--exclude", "safe*").lines[0]
    assert not list(validator("document.schema.json", "repository").iter_errors(first))
    assert (first["documents"], first["excluded"]) == (4, 1)


@pytest.mark.parametrize("line", [b"nonsense", b"{}", b'{"schema":"assay-document/1"}', b"[" * 100_000, b"\xff\xfe",
                                  b'{"schema":"assay-repository/1"}'], ids=lambda b: repr(b[:24]))
def test_facts_that_are_none_are_refused(line):
    answer = assay("judge", "-", "--format", "json", stdin=line + b"\n")
    assert answer.code == ERROR and answer.out == b""
    assert answer.err.count(b"\n") == 1 and b"line 1" in answer.err


def test_forged_facts_are_refused(folder):
    first, document = assay("facts", folder / "unsafe.pkl").lines
    for forged in ({**document, "size": document["size"] + 1}, {**document, "more": 1},
                   {**document, "calls": [{**c, "place": {"member": 7, "offset": 0}} for c in document["calls"]]}):
        answer = assay("judge", "-", stdin=f"{json.dumps(first)}\n{json.dumps(forged)}\n".encode())
        assert answer.code == ERROR and b"line 2" in answer.err, forged


def test_facts_that_were_cut_off_are_refused(folder):
    """A pipe whose first half failed must not end in a clean bill."""
    lines = assay("facts", folder).out.splitlines(keepends=True)
    assert len(lines) == 6
    cuts = {b"": b"no facts are here", b"".join(lines[1:]): b"line 1: facts begin with a line of assay-repository/1",
            b"".join(lines + lines[1:2]): b"announces 5 documents, and there are 6",
            b"".join(lines + lines): b"line 7: the facts of a second repository begin here",
            **{b"".join(lines[:n]): b"announces 5 documents, and there are %d" % (n - 1) for n in range(1, 6)}}
    for stream, why in cuts.items():
        answer = assay("judge", "-", stdin=stream)
        assert answer.code == ERROR and answer.out == b"", answer
        assert answer.err.count(b"\n") == 1 and why in answer.err, answer
    assert assay("judge", "-", stdin=b"".join(lines)).code == FOUND


def test_a_missing_facts_file_is_an_error(tmp_path):
    answer = assay("judge", tmp_path / "nowhere")
    assert answer.code == ERROR and answer.out == b"" and answer.err.count(b"\n") == 1


# What is scanned -----------------------------------------------------------------------------------------------------

def test_include_and_exclude_choose_and_say_so(folder):
    answer = scan("--include", "s*.pkl", folder)
    assert list(answer.artifacts) == ["safe.pkl"]
    assert b"4" in answer.err and b"left out" in answer.err and answer.code == 0
    answer = scan("--exclude", "un*.pkl", "--exclude", "damaged.pkl", folder)
    assert sorted(answer.artifacts) == ["caution.pkl", "safe.pkl"]
    assert b"3" in answer.err and answer.report["summary"]["excluded"] == 3
    assert "left out     3 files" in assay("scan", folder, "--exclude", "un*.pkl", "--exclude", "damaged.pkl").text
    assert scan(folder).err == b"" and scan(folder).report["summary"]["excluded"] == 0


def test_where_everything_is_left_out_nothing_is_called_safe(folder):
    words = [folder, "--exclude", "*"]
    answer = scan(*words)
    assert (answer.code, answer.report["status"], answer.report["summary"]["excluded"]) == (0, "unscanned", 5)
    assert scan(*words, "--fail-on", "unscanned").code == FOUND
    assert "unscanned: no file was examined; --include or --exclude left out 5" in assay("scan", *words).text
    assert "left out" in str(assay("scan", "--format", "sarif", *words).report["runs"][0]["invocations"])
    judged = assay("judge", "-", "--format", "json", stdin=assay("facts", *words).out)
    assert (judged.report["status"], judged.report["summary"]["excluded"]) == ("unscanned", 5)


@pytest.mark.parametrize("word, glob", [("--include", "*.pkl"), ("--exclude", "*.md")])
def test_a_glob_takes_one_word_and_leaves_the_paths(folder, tmp_path, word, glob):
    """A path that is taken for a second glob is a path that nobody scans."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "clean.pkl").write_bytes(harmless())
    answer = scan(word, glob, folder, other)
    assert answer.report["status"] == "unsafe" and len(answer.report["artifacts"]) == 6


def test_globs_know_folders(tmp_path):
    for path in ("a.pkl", "x/a.pkl", "x/y/a.pkl"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(harmless())
    assert sorted(scan("--include", "x/*", tmp_path).artifacts) == ["x/a.pkl"]
    assert sorted(scan("--include", "x/**", tmp_path).artifacts) == ["x/a.pkl", "x/y/a.pkl"]
    assert sorted(scan("--include", "*.pkl", tmp_path).artifacts) == ["a.pkl", "x/a.pkl", "x/y/a.pkl"]


def test_standard_input(payload):
    answer = scan("-", stdin=payload)
    assert answer.code == FOUND
    assert only(answer)["status"] == "unsafe" and only(answer)["size"] == len(payload)
    assert scan("-", stdin=b"").report["status"] == "safe"


def test_standard_input_larger_than_memory_blocks():
    data = harmless() + bytes(8_000_000) + payload()
    assert only(scan("-", stdin=data))["size"] == len(data)
    assert ("os", "system") in imports(only(scan("-", stdin=data)))


@pytest.mark.parametrize("name", [b"new\nline.pkl", b"tab\there.pkl", b"\xff\xfe.pkl", b"-dash.pkl", b" space .pkl",
                                  b"\x1b[31mred\x1b[0m.pkl", b"\xe2\x80\xaelkp.exe", b"quote'\".pkl", b"a%b.pkl",
                                  b"\xc2\x9b31m.pkl", b"n" * 250, "日本語.pkl".encode()], ids=repr)
def test_odd_names_come_back_whole(tmp_path, name):
    (tmp_path / os.fsdecode(name)).write_bytes(payload())
    artifact = only(scan(tmp_path))
    assert artifact["status"] == "unsafe"
    try:
        assert artifact["path"] == name.decode()
        assert "path_bytes" not in artifact
    except UnicodeDecodeError:
        assert bytes.fromhex(artifact["path_bytes"]) == name
        assert "\N{REPLACEMENT CHARACTER}" in artifact["path"]


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "hub"])
def test_no_escape_sequence_of_a_name_reaches_the_terminal(tmp_path, form):
    """A terminal acts on what it is shown: titles, colours, even pasted commands. Names must arrive as text."""
    evil = b"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m\xe2\x80\xae\r"
    (tmp_path / os.fsdecode(evil + b".pkl")).write_bytes(
        bytes(pickle(2).call("os\x1b[31m", "system", "\x1b[2J\x07\x9b").call("os", "system", "\x1b[2J\x07\r").stop()))
    answer = assay("scan", "-v", "--format", form, tmp_path)
    check = answer.out + answer.err
    assert answer.code == FOUND
    assert not set(check) & (set(range(32)) - {10}) and b"\x7f" not in check
    shown = check.decode()
    assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    for complaint in (assay("inspect", tmp_path / os.fsdecode(evil + b".pkl")), assay("inspect", evil),
                      assay("scan", "--policy", evil, tmp_path), assay("rules", "explain", evil),
                      assay("scan", "--format", evil, tmp_path), assay(evil), assay("judge", evil)):
        assert b"\x1b" not in complaint.out + complaint.err and b"\x07" not in complaint.out + complaint.err


def test_links_inside_the_tree_are_relations(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.pkl").write_bytes(payload())
    (tmp_path / "link.pkl").symlink_to("real/a.pkl")
    (tmp_path / "folder").symlink_to("real")
    answer = scan(tmp_path)
    assert list(answer.artifacts) == ["real/a.pkl"]
    relations = {(r["kind"], r["from"], r["to"]) for r in answer.report["repository"]["relations"]}
    assert {("symlink", "link.pkl", "real/a.pkl"), ("symlink", "folder", "real")} <= relations


def test_links_out_of_the_tree_are_not_followed(tmp_path, payload):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir(), tree.mkdir()
    (outside / "secret.pkl").write_bytes(payload)
    (tree / "link.pkl").symlink_to(outside / "secret.pkl")
    (tree / "folder").symlink_to(outside)
    answer = scan(tree)
    assert sorted(answer.artifacts) == ["folder", "link.pkl"]
    for artifact in answer.artifacts.values():
        assert "repo.symlink-escapes" in rules(artifact)
        assert artifact["status"] != "safe" and not artifact["imports"]


def test_a_link_named_by_the_user_is_followed(tmp_path, payload):
    (tmp_path / "a.pkl").write_bytes(payload)
    (tmp_path / "link.pkl").symlink_to("a.pkl")
    assert only(scan(tmp_path / "link.pkl"))["status"] == "unsafe"
    assert only(scan(tmp_path / "link.pkl", "--include", "nothing"))["status"] == "unsafe"


def test_dead_and_circular_links_are_errors_not_hangs(tmp_path):
    (tmp_path / "dead").symlink_to("nowhere")
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "up").symlink_to("..")
    answer = scan(tmp_path, patience=20)
    assert {"dead", "round"} <= set(answer.artifacts)
    assert answer.artifacts["dead"]["status"] == answer.artifacts["round"]["status"] == "error"


def test_a_fifo_is_named_and_not_read(tmp_path, payload):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.pkl").write_bytes(payload)
    answer = scan(tmp_path, patience=20)
    assert answer.artifacts["pipe"]["status"] != "safe"
    assert answer.artifacts["a.pkl"]["status"] == "unsafe"
    assert only(scan(tmp_path / "pipe", patience=20))["status"] != "safe"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/proc/self/mem"])
def test_devices_and_the_like_do_not_hang(path):
    answer = scan(path, patience=20)
    assert only(answer)["path"] and answer.code in (0, ERROR)
    assert only(answer)["status"] != "safe" or only(answer)["size"] == 0


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path, payload):
    """Root may open everything, but nobody may open a folder deeper than a path can be long."""
    (tmp_path / "a.pkl").write_bytes(payload)
    deep = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=deep)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    with os.fdopen(os.open("hidden.pkl", os.O_CREAT | os.O_WRONLY, dir_fd=deep), "wb") as hidden:
        hidden.write(payload)
    os.close(deep)
    answer = scan(tmp_path)
    assert answer.artifacts.pop("a.pkl")["status"] == "unsafe"
    assert [a for a in answer.artifacts.values() if a["status"] in ("error", "unsafe")], "a whole folder went unmentioned"


def test_folders_nested_deeply_are_not_lost(tmp_path, payload):
    path = tmp_path
    for _ in range(300):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "a.pkl").write_bytes(payload)
    answer = scan(tmp_path)
    assert answer.report["artifacts"] and answer.report["status"] in ("error", "unsafe")


def test_a_hugging_face_cache(tmp_path, payload):
    repository = tmp_path / "hub" / "models--org--name"
    snapshot = repository / "snapshots" / "0123456789abcdef"
    for folder in (repository / "blobs", snapshot, repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "blobs" / "aaaa").write_bytes(payload)
    (repository / "refs" / "main").write_text("0123456789abcdef")
    (snapshot / "pytorch_model.bin").symlink_to("../../blobs/aaaa")
    alone = scan(snapshot)
    assert only(alone)["path"] == "pytorch_model.bin" and only(alone)["status"] == "unsafe"
    assert "repo.symlink-escapes" not in rules(only(alone))
    (repository / "blobs" / "bbbb").write_bytes(harmless())
    name = "snapshots/0123456789abcdef/pytorch_model.bin"
    for part, paths in {"hub": {f"models--org--name/{p}" for p in (name, "blobs/bbbb", "refs/main")},
                        "hub/models--org--name": {name, "blobs/bbbb", "refs/main"},
                        "hub/models--org--name/snapshots": {name.removeprefix("snapshots/")}}.items():
        answer = scan(tmp_path / part)
        assert set(answer.artifacts) == paths and answer.report["status"] == "unsafe"
        assert not any("repo.symlink-escapes" in rules(a) for a in answer.artifacts.values())
        assert [r["to"] for r in answer.report["repository"]["relations"]] == ["../../blobs/aaaa"]


def test_a_huge_file_is_read_to_its_end_in_bounded_time(tmp_path):
    with open(tmp_path / "huge.bin", "wb") as huge:
        huge.write(harmless())
        huge.truncate(20 << 30)
    started = time.monotonic()
    artifact = only(scan(tmp_path, patience=200))
    assert artifact["size"] == 20 << 30
    assert time.monotonic() - started < 150


def test_a_huge_checkpoint_is_examined_without_its_tensors(tmp_path):
    """20 GB of tensor data, of which nothing is read: time must not follow the size."""
    numel = 5 << 30
    object_pickle = state_dict({"w": Tensor(numel=numel, shape=(numel,))})
    write_sparse_checkpoint(tmp_path / "huge.pt", object_pickle, 4 * numel)
    started = time.monotonic()
    artifact = only(scan(tmp_path))
    assert time.monotonic() - started < 10
    assert artifact["status"] == "safe", artifact["findings"]
    assert artifact["checkpoints"][0]["tensor_bytes"] == 4 * numel and artifact["digest"] is None


def write_sparse_checkpoint(path, object_pickle: bytes, storage_bytes: int) -> None:
    """torch.save's layout with one storage that is a hole in the file, at its end."""
    small = [("archive/data.pkl", object_pickle), ("archive/byteorder", b"little"), ("archive/version", b"3\n")]
    directory = b""
    with open(path, "wb") as out:
        for name, data in small:
            at, crc = out.tell(), zlib.crc32(data)
            fields = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, crc, len(data), len(data), len(name), 0)
            out.write(b"PK\3\4" + fields + name.encode() + data)
            directory += b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode()
        name, at, wide = "archive/data/0", out.tell(), struct.pack("<HHQQ", 1, 16, storage_bytes, storage_bytes)
        fields = struct.pack("<HHHHHIIIHH", 45, 0, 0, 0, 0x21, 0, 2**32 - 1, 2**32 - 1, len(name), len(wide))
        out.write(b"PK\3\4" + fields + name.encode() + wide)
        out.seek(storage_bytes, os.SEEK_CUR)
        start = out.tell()
        directory += b"PK\1\2" + struct.pack("<H", 45) + fields + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode() + wide
        out.write(directory)
        out.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 4, 4, len(directory), start))
        out.write(struct.pack("<IIQI", 0x07064B50, 0, start + len(directory), 1))
        out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 4, 4, len(directory), 2**32 - 1, 0))


def test_a_file_that_changes_while_it_is_read_is_no_clean_file(tmp_path):
    target = tmp_path / "moving.pkl"
    target.write_bytes(bytes(pickle(2).raw(b"N0" * 20_000_000).none().stop()))
    stop = threading.Event()

    def write():
        while not stop.is_set():
            with open(target, "r+b") as handle:
                handle.write(b"\x80")
            time.sleep(0.001)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        artifact = only(scan(target))
    finally:
        stop.set()
        writer.join()
    assert artifact["status"] == "error" and "changed" in json.dumps(artifact)


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    target = tmp_path / "shrinking.pkl"
    for _ in range(5):
        whole = target.write_bytes(bytes(pickle(2).raw(b"N0" * 10_000_000).none().stop()))
        running = subprocess.Popen([PROGRAM, "scan", "--format", "json", target], stdout=subprocess.PIPE,
                                   env=clean_environment())
        time.sleep(0.05)
        os.truncate(target, 10)
        out, _ = running.communicate(timeout=60)
        (artifact,) = json.loads(out)["artifacts"]
        # A fast machine is done before the file shrinks; what it says then is true of the whole file.
        done_before = artifact["status"] == "safe" and artifact["size"] == whole and artifact["coverage"]["parsed"] == whole
        assert artifact["status"] == "error" or done_before


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_number_of_jobs_changes_nothing(folder, jobs):
    assert timeless(scan("-j", jobs, folder).text) == timeless(scan(folder).text)


def test_a_file_named_twice_and_a_folder_in_another(folder):
    answer = scan(folder, folder / "unsafe.pkl")
    assert answer.code == FOUND
    assert [p for p in (a["path"] for a in answer.report["artifacts"]) if p.endswith("unsafe.pkl")]


def test_digests_where_they_are_asked_for(folder):
    import hashlib
    for path, artifact in scan("--digest", folder).artifacts.items():
        assert artifact["digest"] == "sha256:" + hashlib.sha256((folder / path).read_bytes()).hexdigest()


# inspect and rules ---------------------------------------------------------------------------------------------------

def test_inspect_shows_the_program_and_the_call(folder):
    text = assay("inspect", folder / "unsafe.pkl").text
    for word in ("unsafe", "os", "system", "REDUCE", "GLOBAL", "STOP", "Program", "Imports", "Calls", "dangerous"):
        assert word in text, word
    assert "'true'" in text or '"true"' in text


def test_inspect_shows_tensors_and_the_weights_only_answer(tmp_path):
    good = torch_zip(state_dict({"layer.weight": Tensor(numel=6, shape=(2, 3), stride=(3, 1))}), {"0": tensor_bytes(24)})
    (tmp_path / "good.pt").write_bytes(good)
    text = assay("inspect", tmp_path / "good.pt").text
    assert "layer.weight" in text and "[2, 3]" in text
    assert re.search(r"weights_only=True\).* accepts", text)
    bad = torch_zip(payload(), {})
    (tmp_path / "bad.pt").write_bytes(bad)
    assert re.search(r"weights_only=True\).* refuses it: .*system", assay("inspect", tmp_path / "bad.pt").text)


def test_inspect_shows_arrays_of_numpy_and_joblib(tmp_path):
    import io
    import numpy
    npy = io.BytesIO()
    numpy.save(npy, numpy.zeros((2, 3), dtype="<f4"))
    numpy.save(npy, numpy.zeros(5, dtype="<i2"))
    (tmp_path / "two.npy").write_bytes(npy.getvalue())
    text = assay("inspect", tmp_path / "two.npy").text
    assert re.search(r"at 0x0 +<f4 +\[2, 3\] +24 B\n", text) and re.search(r"at 0x98 +<i2 +\[5\] +10 B\n", text)
    numpy.savez(tmp_path / "named.npz", weights=numpy.zeros(4))
    assert re.search(r"weights.npy at 0x0 +<f8 +\[4\] +32 B\n", assay("inspect", tmp_path / "named.npz").text)
    text = assay("inspect", ROOT / "corpus/cases/sklearn-written/linear-regression-joblib/input.joblib").text
    assert len(re.findall(r"at 0x[0-9a-f]+ +f8 +\[2\] +16 B\n", text)) == 2
    assert text.endswith("STOP             \n") and "stops here" not in text


def test_inspect_says_what_instructions_say(tmp_path):
    (tmp_path / "a.pt").write_bytes(
        torch_zip(state_dict({"w": Tensor(numel=6, shape=(2, 3), stride=(3, 1)), "b": Tensor(numel=2, shape=(2,), key="1")}),
                  {"0": tensor_bytes(24), "1": tensor_bytes(8)}))
    text = assay("inspect", tmp_path / "a.pt").text
    assert re.search(r"PROTO +2\n", text) and re.search(r"SETITEMS +.*\(2 pairs\)\n", text)
    assert re.search(r"persistent +persistent_load\(\('storage', ", text) and re.search(r"BINPERSID +persistent_load", text)


def test_inspect_shows_everything_only_where_asked(tmp_path):
    (tmp_path / "long.pkl").write_bytes(bytes(pickle(2).raw(b"N0" * 3000).none().stop()))
    brief, whole = (assay("inspect", *words, tmp_path / "long.pkl").text for words in ([], ["--all"]))
    assert "--all" in brief and len(whole.splitlines()) > 6000 > len(brief.splitlines())


def test_inspect_of_what_cannot_be_read(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        answer = assay("inspect", path)
        assert answer.code == ERROR and answer.out == b"" and answer.err.count(b"\n") == 1


def test_rules_are_listed_and_explained():
    listed = assay("rules", "list")
    assert listed.code == 0
    ids = [line.split()[0] for line in listed.text.splitlines()[2:] if line.strip()]
    assert "pickle.call.os-system" in ids and len(ids) == len(set(ids)) > 100
    for rule in ids:
        explained = assay("rules", "explain", rule)
        assert explained.code == 0 and explained.text.startswith(rule), rule
    assert "os.system" in assay("rules", "explain", "pickle.call.os-system").text


def test_each_finding_of_a_scan_can_be_explained(folder):
    for artifact in scan(folder).report["artifacts"]:
        for rule in rules(artifact):
            assert assay("rules", "explain", rule).code == 0, rule


# Terminals -----------------------------------------------------------------------------------------------------------

def on_a_terminal(*words, **environment) -> bytes:
    """What a person would see."""
    leader, follower = pty.openpty()
    running = subprocess.Popen([PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=follower, stderr=subprocess.DEVNULL,
                               env=clean_environment(TERM="xterm-256color", **environment))
    os.close(follower)
    out = b""
    while select.select([leader], [], [], 30)[0]:
        try:
            block = os.read(leader, 65536)
        except OSError:
            break
        if not block:
            break
        out += block
    running.wait(30)
    os.close(leader)
    return out


def test_colour_only_on_terminals_that_want_it(folder):
    assert b"\x1b[" in on_a_terminal("scan", folder)
    assert b"\x1b" not in on_a_terminal("scan", "--no-colour", folder)
    assert b"\x1b" not in on_a_terminal("scan", folder, NO_COLOR="1")
    assert b"\x1b" not in assay("scan", folder).out
    assert b"\x1b" not in assay("scan", folder, env=clean_environment(TERM="xterm", CLICOLOR_FORCE="1")).out


def test_names_do_not_act_on_a_terminal(tmp_path):
    (tmp_path / "\x1b]0;owned\x07\x1b[2J.pkl").write_bytes(payload())
    shown = on_a_terminal("scan", "-v", tmp_path)
    assert b"\x1b]" not in shown and b"\x1b[2J" not in shown and b"\x07" not in shown


def test_the_program_runs_from_anywhere(folder, tmp_path):
    assert assay("scan", "model/safe.pkl", "--format", "json", cwd=folder.parent).code == 0
    assert assay("scan", ".", "--format", "json", cwd=folder).report["repository"]["root"] == "."


def test_a_reader_that_goes_away_is_no_crash(folder):
    running = subprocess.Popen([PROGRAM, "scan", "--format", "json", *([folder] * 50)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=clean_environment())
    running.stdout.close()
    _, err = running.communicate(timeout=60)
    assert running.returncode in (ERROR, FOUND, -13), (running.returncode, err)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What `cmake --install` puts elsewhere."""
    build = PROGRAM.parent
    needed = [tool for tool in ("cmake", "pkg-config", "g++") if shutil.which(tool) is None]
    if needed or not (build / "cmake_install.cmake").is_file():
        pytest.skip(f"missing: {needed or 'the build folder of the program'}")
    prefix = tmp_path_factory.mktemp("installed") / "usr"
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, capture_output=True)
    return prefix


def assert_scans(program):
    """The example of the library, built."""
    done = subprocess.run([program, ROOT / "examples/model"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.endswith("the repository is unsafe\n"), done
    assert "unsafe     optimizer.pt\n           Loading it runs a shell command: `true`.\n" in done.stdout


def test_what_is_installed_is_enough_to_build_a_program(installed, tmp_path):
    (found,) = installed.rglob("assay.pc")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "assay"], env={**os.environ, "PKG_CONFIG_PATH": found.parent},
                           check=True, capture_output=True, text=True).stdout.split()
    program = tmp_path / "scan_model"
    subprocess.run(["g++", "-std=c++20", ROOT / "examples/api/scan_model.cpp", *flags, "-o", program], cwd=tmp_path,
                   check=True, timeout=PATIENCE)
    assert_scans(program)


def test_what_is_installed_is_found_by_another_cmake_project(installed, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(f"""
        cmake_minimum_required(VERSION 3.25)
        project(stranger LANGUAGES CXX)
        find_package(assay 0.1 REQUIRED)
        find_package(assay REQUIRED)  # as another folder of the project would
        add_executable(scan_model {ROOT}/examples/api/scan_model.cpp)
        target_link_libraries(scan_model assay::assay)
        add_executable(convert_model {ROOT}/examples/api/convert_model.cpp)
        target_link_libraries(convert_model assay::assay)
        """)
    build = tmp_path / "build"
    for words in (["-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={installed}"], ["--build", build]):
        done = subprocess.run(["cmake", *words], capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
    assert_scans(build / "scan_model")
    words = [build / "convert_model", ROOT / "examples/model/pytorch_model.bin", tmp_path / "model.safetensors"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.endswith("  F32            16 bytes  head.bias\n"), done


def test_what_is_installed_names_no_path_of_the_machine_that_built_it(installed):
    described = [*installed.rglob("*.cmake"), *installed.rglob("*.pc")]
    assert len(described) == 5
    for path in described:
        assert str(ROOT) not in path.read_text() and str(installed) not in path.read_text(), path


def test_the_schema_files_are_the_ones_documented():
    assert (ROOT / "docs" / "report.schema.json").is_file() and (ROOT / "docs" / "document.schema.json").is_file()
