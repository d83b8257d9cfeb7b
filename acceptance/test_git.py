"""Histories and hooks: every version of every file, and pushes that are refused in words."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time

import pytest

import clamd
from assembler import payload
from clamd import MARKER, SIGNATURE, Clamd
from conftest import (ERROR, FOUND, PROGRAM, ROOT, USAGE, assay, children, clean_environment, only, rules, scan,
                      validator)
from planted import hub_token
from repositories_of_git import GIT, WHO, Repository

pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed (apt-get install git)")
needs_clamd = pytest.mark.skipif(clamd.PROGRAM is None, reason="clamd is not installed (apt-get install clamav-daemon)")

OFF = ("--malware", "off")
POINTER = (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 12345\n")


@pytest.fixture
def repo(tmp_path):
    return Repository(tmp_path / "repo")


@pytest.fixture
def server(tmp_path):
    """A bare repository with the hook, as a hub has it."""
    bare = Repository(tmp_path / "server.git", bare=True)
    bare.install_hook("pre-receive", *OFF)
    return bare


@pytest.fixture
def client(repo, server):
    repo("remote", "add", "origin", server.path)
    return repo


def with_token(seed=0) -> bytes:
    return b"import os\n\nTOKEN = '" + hub_token(seed).encode() + b"'\n"


def by_path(answer) -> dict:
    out = {}
    for artifact in answer.report["artifacts"]:
        out.setdefault(artifact["path"], []).append(artifact)
    return out


# Histories ------------------------------------------------------------------------------------------------------------

def test_what_a_later_commit_removed_is_found_with_its_commit_author_date_path_and_line(repo):
    bad = repo.commit({"config/train.py": with_token()})
    repo.commit({"config/train.py": b"import os\n"})
    answer = scan(*OFF, "--git", repo.path)
    assert answer.code == FOUND
    (found,) = [a for a in answer.report["artifacts"] if a["status"] == "suspicious"]
    assert "secret.huggingface.token" in rules(found)
    assert found["findings"][0]["line"] == 3
    assert found["origin"]["commit"] == bad
    assert found["origin"]["author"] == {"name": "A U Thor", "email": "author@example.com",
                                         "date": "2026-03-14T15:09:26Z"}
    text = assay("scan", *OFF, "--git", repo.path).text
    assert f"commit {bad[:7]} by A U Thor on 2026-03-14, config/train.py, line 3" in " ".join(text.split())
    assert hub_token() not in text


def test_reports_and_facts_keep_their_schemas(repo):
    repo.commit({"a.pkl": payload(), "b.txt": b"text"})
    validator("report.schema.json").validate(scan(*OFF, "--git", repo.path).report)
    for line in assay("facts", *OFF, "--git", repo.path).lines[1:]:
        validator("document.schema.json").validate(line)
    kept = repo.path.parent / "facts.jsonl"
    kept.write_bytes(assay("facts", *OFF, "--git", repo.path).out)
    judged = assay("judge", "--format", "json", kept).report["artifacts"]
    assert judged == scan(*OFF, "--git", repo.path).report["artifacts"]
    sarif = json.loads(assay("scan", *OFF, "--format", "sarif", "--git", repo.path).out)
    (result,) = sarif["runs"][0]["results"]
    assert result["properties"]["origin"]["commit"] == repo.id("HEAD")
    assert f"In commit {repo.id('HEAD')[:7]}" in result["message"]["text"]


def test_each_content_is_examined_once_and_its_other_paths_are_counted(repo):
    repo.commit({"one.pkl": payload(), "two.pkl": payload(), "deep/three.pkl": payload()})
    repo("mv", "one.pkl", "four.pkl")
    repo.commit()
    artifact = only(scan(*OFF, "--git", repo.path))
    assert artifact["origin"]["other_paths"] == 3
    assert artifact["origin"]["object"] == repo.id("HEAD:two.pkl")


def test_parts_of_a_history(repo):
    for i in range(4):
        repo.commit({"file": b"version %d" % i})
        repo("tag", f"v{i}")
    repo("checkout", "-q", "-b", "side", "v1")
    repo.commit({"side": b"on the side"})
    repo("checkout", "-q", "main")

    def seen(*words):
        return {a["origin"]["object"] for a in scan(*OFF, "--git", repo.path, *words).report["artifacts"]}

    versions = [repo.id(f"v{i}:file") for i in range(4)]
    side = repo.id("side:side")
    assert seen() == set(versions)
    assert seen("v1") == set(versions[:2])
    assert seen("--since", "v1") == set(versions[2:])
    assert seen("v0..v2") == set(versions[1:3])
    assert seen("v2..") == {versions[3]}
    assert seen("main..side") == {side}
    assert seen("^v2", "main") == {versions[3]}
    assert seen("--all") == {*versions, side}
    assert seen("--all", "--since", "main") == {side}
    assert seen(repo.id("v1")[:10]) == set(versions[:2])


def test_the_working_tree_its_git_folder_a_bare_clone_and_a_worktree_are_one_history(repo, tmp_path):
    repo.commit({"a": b"1", "b": b"2"})
    repo("clone", "-q", "--bare", repo.path, tmp_path / "bare.git")
    repo("worktree", "add", "-q", tmp_path / "tree")
    repo("gc", "-q")
    wanted = sorted(a["origin"]["object"] for a in scan(*OFF, "--git", repo.path).report["artifacts"])
    assert len(wanted) == 2
    for path in (repo.path / ".git", tmp_path / "bare.git", tmp_path / "tree"):
        assert sorted(a["origin"]["object"] for a in scan(*OFF, "--git", path).report["artifacts"]) == wanted


def test_a_tag_of_a_blob_is_read_too(repo):
    repo.commit({"a": b"1"})
    blob = repo("hash-object", "-w", "--stdin", stdin=payload()).stdout.decode().strip()
    repo("tag", "payload", blob)
    assert scan(*OFF, "--git", repo.path).code == 0
    answer = scan(*OFF, "--git", repo.path, "--all")
    assert answer.code == FOUND
    (found,) = [a for a in answer.report["artifacts"] if a["status"] == "unsafe"]
    assert found["origin"]["commit"] is None


def test_large_and_small_blobs_have_the_digest_of_their_content(repo):
    import hashlib
    contents = {f"{size}.bin": os.urandom(size) for size in (0, 1, 16 << 10, (16 << 10) + 1, 70_000, 3_000_000)}
    repo.commit(contents)
    for packed in (False, True):
        if packed:
            repo("gc", "-q")
        digests = {a["path"]: a["digest"] for a in scan(*OFF, "--git", repo.path).report["artifacts"]}
        assert digests == {n: "sha256:" + hashlib.sha256(c).hexdigest() for n, c in contents.items()}


def test_a_third_party_archive_in_a_history_gets_its_own_cell(repo, tmp_path):
    repo.commit({"model.pkl": payload() + b"\0" * 40_000})
    import bz2
    repo.commit({"model.pkl.bz2": bz2.compress(payload()), "large.bz2": bz2.compress(os.urandom(100_000) + payload())})
    found = by_path(scan(*OFF, "--git", repo.path))
    assert found["model.pkl.bz2"][0]["confinement"] == "cell+one-shot"
    assert found["model.pkl.bz2"][0]["status"] == "unsafe"
    assert found["large.bz2"][0]["confinement"] == "cell+one-shot"


def test_lfs_pointers_and_submodules_are_said_not_to_be_here(repo, tmp_path):
    other = Repository(tmp_path / "other")
    other.commit({"a": b"1"})
    repo("-c", "protocol.file.allow=always", "submodule", "add", "-q", other.path, "vendored")
    repo.commit({"model.safetensors": POINTER})
    answer = scan(*OFF, "--git", repo.path)
    found = by_path(answer)
    assert found["model.safetensors"][0]["status"] == "unscanned"
    assert "12345 bytes in LFS" in found["model.safetensors"][0]["findings"][0]["evidence"]
    assert rules(found["vendored"][0]) == {"repo.submodule"}
    assert answer.code == 0
    assert scan(*OFF, "--fail-on", "unscanned", "--git", repo.path).code == FOUND


def test_links_that_lead_out_are_suspicious(repo):
    (repo.path / "deep").mkdir()
    os.symlink("../../outside", repo.path / "deep" / "out")
    os.symlink("../inside", repo.path / "deep" / "in")
    os.symlink("/etc/passwd", repo.path / "absolute")
    repo.commit({"inside": b"x"})
    found = by_path(scan(*OFF, "--git", repo.path))
    assert rules(found["deep/out"][0]) == rules(found["absolute"][0]) == {"repo.symlink-escapes"}
    assert not found["deep/in"][0]["findings"]


def test_shallow_and_partial_clones_say_what_is_missing(repo, tmp_path):
    repo.commit({"a": b"1"})
    repo.commit({"a": b"2"})
    repo("config", "uploadpack.allowFilter", "true")
    repo("clone", "-q", "--depth", "1", f"file://{repo.path}", tmp_path / "shallow")
    found = by_path(scan(*OFF, "--git", tmp_path / "shallow"))
    assert [path for path in found if path.startswith("(history before commit ")]
    repo("clone", "-q", "--bare", "--filter=blob:none", f"file://{repo.path}", tmp_path / "partial")
    found = by_path(scan(*OFF, "--git", tmp_path / "partial"))
    assert [rules(a) for a in found["a"]] == [{"repo.object-missing"}] * 2


def test_a_damaged_object_is_an_error_and_the_others_go_on(repo):
    repo.commit({"bad": b"will be damaged", "good.pkl": payload(), "swapped": b"will be another"})
    swapped = repo.id("HEAD:swapped")
    repo.damage(repo.id("HEAD:bad"))
    repo.damage(swapped, repo.object_file(repo.id("HEAD:good.pkl")).read_bytes())
    answer = scan(*OFF, "--git", repo.path)
    found = by_path(answer)
    assert answer.code == FOUND
    assert found["good.pkl"][0]["status"] == "unsafe"
    assert found["bad"][0]["status"] == found["swapped"][0]["status"] == "error"
    assert "damaged" in json.dumps(found["swapped"][0])


def test_a_damaged_commit_is_told(repo):
    repo.commit({"a": b"1"})
    repo.damage(repo.id("HEAD"))
    answer = scan(*OFF, "--git", repo.path)
    assert answer.code == ERROR
    assert answer.report["artifacts"][0]["path"].startswith("(object ")


def test_damaged_packs_cost_no_more_than_an_answer(repo):
    for i in range(30):
        repo.commit({"file": os.urandom(100) + b"%d" % i})
    repo("gc", "-q", "--aggressive")
    for suffix in ("pack", "idx"):
        (file,) = (repo.path / ".git/objects/pack").glob(f"*.{suffix}")
        os.chmod(file, 0o600)
        whole = file.read_bytes()
        for cut in (0, 10, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:cut])
            answer = assay("scan", *OFF, "--git", repo.path)
            assert answer.code in (0, ERROR), answer
        file.write_bytes(whole)


@pytest.mark.parametrize("name", ["a\nb.pkl", "a\tb", "\x1b[31mred", "ü \U0001f600", "-rf", "a'b\"c", "…" * 60])
def test_odd_names_are_shown_and_harmless(repo, name):
    repo.commit({name: payload()})
    artifact = only(scan(*OFF, "--git", repo.path))
    assert artifact["path"] == name
    text = assay("scan", *OFF, "--git", repo.path).out
    assert b"\x1b" not in text and b"a\nb.pkl" not in text


def test_what_is_no_repository_or_no_revision_is_refused_in_one_line(repo, tmp_path):
    repo.commit({"a": b"1"})
    for words, says in [((tmp_path,), "not a git repository"), ((repo.path, "absent"), "no such revision"),
                        ((repo.path, "main..absent"), "no such revision")]:
        answer = assay("scan", *OFF, "--git", *words)
        assert answer.code == ERROR and says in answer.err.decode() and answer.err.count(b"\n") == 1
    for words in [("--git", repo.path, "main...v1"), ("--since", "v1", repo.path), ("--all", repo.path)]:
        assert assay("scan", *OFF, *words).code == USAGE
    sha256 = tmp_path / "sha256"
    subprocess.run([GIT, "init", "-q", "--object-format=sha256", sha256], check=True, env=clean_environment(**WHO))
    answer = assay("scan", *OFF, "--git", sha256)
    assert answer.code == ERROR and b"SHA-256" in answer.err


def test_an_empty_repository_is_an_empty_answer(repo):
    answer = scan(*OFF, "--git", repo.path)
    assert (answer.code, answer.report["artifacts"]) == (0, [])


def test_globs_count_for_paths_in_the_history(repo):
    repo.commit({"a.pkl": payload(), "b.txt": b"x"})
    answer = scan(*OFF, "--exclude", "*.pkl", "--git", repo.path)
    assert answer.code == 0 and answer.report["summary"]["excluded"] == 1


def test_no_configuration_of_the_repository_is_obeyed(repo, tmp_path):
    repo.commit({"a": b"1"})
    canary = tmp_path / "canary"
    config = repo.path / ".git/config"
    config.write_text(config.read_text() + f"[core]\n\tfsmonitor = touch {canary}\n\tsshCommand = touch {canary}\n"
                                           f"[include]\n\tpath = /nonexistent\n[filter \"x\"]\n\tsmudge = touch {canary}\n")
    repo.write({".gitattributes": b"* filter=x\n"})
    assert scan(*OFF, "--git", repo.path).code == 0
    assert not canary.exists()


def test_ten_thousand_blobs_take_seconds(repo):
    repo.write({f"folder {i % 100}/file {i}.txt": b"content %d\n" % i for i in range(10_000)})
    repo.commit()
    repo("gc", "-q")
    started = time.monotonic()
    answer = scan(*OFF, "--git", repo.path)
    took = time.monotonic() - started
    assert answer.report["summary"]["artifacts"] == 10_000
    assert took < 30, "on an idle machine it is one or two"


# The hook of the server -----------------------------------------------------------------------------------------------

@needs_clamd
def test_a_token_a_virus_and_a_payload_are_refused_with_three_clear_messages_and_the_rest_goes_through(
        client, server, tmp_path):
    folder = tmp_path / "d"  # sockets have short names
    folder.mkdir()
    with Clamd(folder) as daemon:
        server.install_hook("pre-receive", "--clamd", daemon.unix)
        client.commit({"README.md": b"clean\n"})
        assert client.push("origin", "main").went_through
        bad = client.commit({"config.py": with_token(), "tool.bin": b"MZ harmless " + MARKER, "model.pkl": payload(),
                             "notes.txt": b"clean, too\n"})
        push = client.push("origin", "main")
        assert not push.went_through, push
        assert "this push was refused. 3 things in it must not get in" in push.text
        assert len(re.findall(r"^\d\. ", push.text, re.M)) == 3
        assert "config.py, line 3" in push.text and "Hugging Face user access token" in push.text
        assert "tool.bin" in push.text and SIGNATURE in push.text
        assert "model.pkl" in push.text and "runs a shell command" in push.text
        assert push.text.count(f"commit {bad[:7]} by A U Thor on 2026-03-14") == 3
        assert "Revoke it" in push.text and "git commit --amend" in push.text
        assert hub_token() not in push.all
        assert server("rev-parse", "main").stdout.decode().strip() != bad

        client("reset", "-q", "--soft", "HEAD~1")
        for name in ("config.py", "tool.bin", "model.pkl"):
            client("rm", "-q", "-f", name)
        clean = client.commit()
        push = client.push("origin", "main")
        assert push.went_through, push
        assert server.id("main") == clean
        assert server.id("main:notes.txt")


def test_only_what_is_new_is_examined(client, server):
    server.path.joinpath("hooks/pre-receive").unlink()
    client.commit({"old.pkl": payload()})
    assert client.push("origin", "main").went_through  # before there was a hook
    server.install_hook("pre-receive", *OFF)
    client.commit({"new.txt": b"clean"})
    assert client.push("origin", "main").went_through
    client("checkout", "-q", "-b", "branch")
    assert client.push("origin", "branch").went_through
    client.commit({"again.pkl": payload() + b"\n"})
    push = client.push("origin", "branch")
    assert not push.went_through and "again.pkl" in push.text and "old.pkl" not in push.text


def test_a_secret_in_the_middle_of_a_push_is_found(client):
    client.commit({"a.py": with_token()})
    client.commit({"a.py": b"removed\n"})
    push = client.push("origin", "main")
    assert not push.went_through and "a.py, line 3" in push.text


def test_new_branches_tags_merges_and_force_pushes(client, server):
    client.commit({"a": b"1"})
    assert client.push("origin", "main").went_through
    client("checkout", "-q", "-b", "side")
    client.commit({"side.py": with_token(1)})
    client("checkout", "-q", "main")
    client.commit({"b": b"2"})
    client("merge", "-q", "--no-edit", "side")
    assert not client.push("origin", "main").went_through, "what a merge brings in is new"
    client("reset", "-q", "--hard", "HEAD~1")
    assert client.push("origin", "main").went_through
    client("tag", "-a", "-m", "a tag", "v1", "side")
    assert not client.push("origin", "v1").went_through
    client("tag", "light", "main")
    assert client.push("origin", "light").went_through
    client("reset", "-q", "--hard", "HEAD~1")
    client.commit({"forced.py": with_token(2)})
    assert not client.push("--force", "origin", "main").went_through
    client("commit", "-q", "--amend", "--allow-empty", "-m", "emptied")
    client("rm", "-q", "forced.py")
    client("commit", "-q", "--amend", "--allow-empty", "-m", "corrected")
    assert client.push("--force", "origin", "main").went_through
    blob = client("hash-object", "-w", "--stdin", stdin=payload()).stdout.decode().strip()
    client("tag", "blob", blob)
    assert not client.push("origin", "blob").went_through
    assert not client.push("origin", "main", "side").went_through


def test_deletions_and_empty_pushes_cost_nothing(client, server):
    client.commit({"a": b"1"})
    assert client.push("origin", "main", "main:refs/heads/other").went_through
    assert client.push("origin", "main").went_through
    push = client.push("origin", "--delete", "other")
    assert push.went_through and not push.lines


def test_a_push_says_in_one_line_what_was_not_examined(client):
    client.commit({"model.safetensors": POINTER, "b.bin": os.urandom(100)})
    push = client.push("origin", "main")
    assert push.went_through
    (line,) = [line for line in push.lines if "not examined" in line]
    assert "Git LFS" in line and "malware" in line


def test_the_policy_decides(client, server, tmp_path):
    client.commit({"model.safetensors": POINTER})
    server.install_hook("pre-receive", *OFF, "--fail-on", "unscanned")
    push = client.push("origin", "main")
    assert not push.went_through and "model.safetensors" in push.text
    server.install_hook("pre-receive", *OFF, "--fail-on", "unsafe")
    client.commit({"config.py": with_token()})
    assert client.push("origin", "main").went_through
    server.install_hook("pre-receive", *OFF, "--policy", tmp_path / "absent.toml")
    client.commit({"c": b"3"})
    push = client.push("origin", "main")
    assert not push.went_through and "was not examined, and so is refused" in push.text


def test_what_cannot_be_read_is_refused_unless_whoever_runs_the_hook_says_so(client, server):
    """A gzip that ends early: an error, and nothing worse."""
    import gzip
    client.commit({"cut.gz": gzip.compress(os.urandom(1000))[:-500]})
    push = client.push("origin", "main")
    assert not push.went_through and "could not be examined to the end" in push.text and "cut.gz" in push.text
    server.install_hook("pre-receive", *OFF, "--let-unread-in")
    assert client.push("origin", "main").went_through


@pytest.mark.parametrize("lines", [b"nonsense\n", b"0" * 40 + b"\n", b"\n", b"z" * 40 + b" " + b"1" * 40 + b" refs/x\n",
                                   b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/x\n"])
def test_lines_that_make_no_sense_refuse_the_push(server, lines):
    answer = assay("hook", "pre-receive", *OFF, stdin=lines, cwd=server.path)
    assert answer.code == ERROR and answer.err


def test_outside_of_a_repository_everything_is_refused(tmp_path):
    answer = assay("hook", "pre-receive", *OFF, stdin=b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/x\n", cwd=tmp_path)
    assert answer.code == ERROR and b"not examined, and so is refused" in answer.err


def test_odd_names_cannot_write_on_the_terminal_of_who_pushes(client):
    client.commit({"\x1b[2Jcleared.pkl": payload()})
    push = client.push("origin", "main")
    assert not push.went_through and "\x1b[2J" not in push.all and "cleared.pkl" in push.text


def test_many_findings_are_told_in_part_and_counted(client):
    client.commit({f"{i}.py": with_token(i) for i in range(50)})
    push = client.push("origin", "main")
    assert not push.went_through and "50 things" in push.text and "and 30 more." in push.text


@pytest.mark.parametrize("whom", ["hook", "readers"])
def test_a_killed_process_lets_nothing_in(server, client, whom):
    client.commit({f"{i}.bin": os.urandom(200_000) for i in range(60)})
    client.commit({"model.pkl": payload()})
    tip = client.id("HEAD")
    client("push", "-q", server.path, "main", check=False)  # refused; brings nothing
    server("fetch", "-q", client.path, f"{tip}")  # objects without a reference
    hook = subprocess.Popen([PROGRAM, "hook", "pre-receive", *OFF], cwd=server.path, stdin=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=clean_environment())
    hook.stdin.write(f"{'0' * 40} {tip} refs/heads/main\n".encode())
    hook.stdin.close()
    until = time.monotonic() + 10
    while not children(hook.pid) and time.monotonic() < until:
        time.sleep(0.002)
    for pid in [hook.pid] if whom == "hook" else children(hook.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    assert hook.wait(timeout=60) != 0
    hook.stderr.close()


# The hook of who commits ----------------------------------------------------------------------------------------------

def test_what_is_staged_is_examined_and_not_what_is_in_the_folder(repo):
    repo.commit({"config.py": b"import os\n"})
    repo.install_hook("pre-commit", *OFF)
    repo.write({"config.py": with_token()})
    repo("add", "config.py")
    repo.write({"config.py": b"import os\n"})
    done = repo("commit", "-m", "x", check=False)
    assert done.returncode != 0 and b"this commit was refused" in done.stderr and b"config.py, line 3" in done.stderr
    repo("add", "config.py")
    repo.write({"config.py": with_token(), "untracked.pkl": payload()})
    assert repo("commit", "--allow-empty", "-q", "-m", "clean", check=False).returncode == 0


def test_committing_one_file_examines_that_one(repo):
    repo.commit({"a.py": b"1\n", "b.py": b"1\n"})
    repo.install_hook("pre-commit", *OFF)
    repo.write({"a.py": with_token(), "b.py": b"2\n"})
    assert repo("commit", "-q", "-m", "b", "b.py", check=False).returncode == 0
    assert repo("commit", "-q", "-m", "a", "a.py", check=False).returncode != 0


def test_the_first_commit_is_examined(repo):
    repo.install_hook("pre-commit", *OFF)
    repo.write({"model.pkl": payload()})
    repo("add", "-A")
    assert b"model.pkl" in repo("commit", "-m", "x", check=False).stderr


def test_files_that_are_named_are_examined_even_where_they_did_not_change(repo):
    repo.commit({"old.pkl": payload(), "new.txt": b"x"})
    assert assay("hook", "pre-commit", *OFF, cwd=repo.path).code == 0
    assert assay("hook", "pre-commit", *OFF, "new.txt", cwd=repo.path).code == 0
    assert assay("hook", "pre-commit", *OFF, "old.pkl", cwd=repo.path).code == FOUND
    answer = assay("hook", "pre-commit", *OFF, "absent.txt", cwd=repo.path)
    assert answer.code == ERROR and b"not staged" in answer.err


def test_the_framework_finds_the_hook_as_it_is_described():
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    assert re.findall(r"^- id: (\S+)$", text, re.M) == ["assay"]
    (entry,) = re.findall(r"^  entry: assay (.*)$", text, re.M)
    assert assay(*entry.split(), "--help").code == 0
