"""What the owner permits, and what no owner's file can be talked into."""

from __future__ import annotations

import datetime
import hashlib

import pytest

from archives import Member, gzip_stream, plain_zip, zip_file
from assembler import harmless, payload, pickle
from conftest import ERROR, FOUND, USAGE, assay, clean_environment, only, rules, scan

LISTED = bytes(pickle(2).call("acme.layers", "make", 3).stop())
YESTERDAY = datetime.date.today() - datetime.timedelta(days=1)
TOMORROW = datetime.date.today() + datetime.timedelta(days=2)


@pytest.fixture
def policy(tmp_path):
    """Writes a policy and gives the words that choose it."""
    def write(text: str):
        path = tmp_path / "own-policy.toml"
        path.write_text(text)
        return ["--policy", path]
    return write


@pytest.fixture
def sample(tmp_path):
    folder = tmp_path / "scanned"
    folder.mkdir()

    def write(data: bytes, name="model.pkl"):
        (folder / name).write_bytes(data)
        return folder / name
    return write


# Modes ---------------------------------------------------------------------------------------------------------------

def test_without_a_policy_the_middle_ground_counts(sample):
    answer = scan(sample(payload()))
    assert answer.report["policy"]["mode"] == "middle" and answer.code == FOUND


def test_observe_reports_everything_and_fails_nothing(sample, policy):
    answer = scan(sample(payload()), *policy('mode = "observe"'))
    assert (answer.code, answer.report["status"], answer.report["policy"]["mode"]) == (0, "unsafe", "observe")
    sample(payload()[:-3], "damaged.pkl")
    assert scan(sample(payload()).parent, *policy('mode = "observe"')).code == 0


def test_a_ban_names_every_pickle_and_fails(sample, policy):
    answer = scan(sample(harmless()), *policy('mode = "ban"'))
    assert answer.code == FOUND
    assert "policy.pickle-banned" in rules(only(answer)) and only(answer)["status"] != "safe"


def test_a_ban_does_not_touch_what_is_no_pickle(sample, policy):
    assert scan(sample(b"plain words about a model\n", "README.md"), *policy('mode = "ban"')).code == 0


def test_a_ban_sees_through_containers(sample, policy):
    for name, data in {"a.zip": plain_zip({"data.pkl": harmless()}), "b.gz": gzip_stream(harmless())}.items():
        assert scan(sample(data, name), *policy('mode = "ban"')).code == FOUND, name


def test_a_sunset_in_the_past_is_a_ban(sample, policy):
    answer = scan(sample(harmless()), *policy(f"sunset = {YESTERDAY}"))
    assert answer.code == FOUND and answer.report["policy"]["mode"] == "ban"
    assert "policy.pickle-banned" in rules(only(answer))


def test_a_sunset_in_the_future_warns(sample, policy):
    answer = scan(sample(harmless()), *policy(f"sunset = {TOMORROW}"))
    assert answer.code == 0 and answer.report["policy"]["mode"] == "middle"
    assert "policy.pickle-sunset" in rules(only(answer))


# Levels, imports, engines --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("level, code", [("unsafe", 0), ("suspicious", FOUND), ("caution", FOUND)])
def test_fail_on(sample, policy, level, code):
    unknown = sample(bytes(pickle(2).call("nobody_knows", "this").stop()))
    assert scan(unknown, *policy(f'fail_on = "{level}"')).code == code


def test_the_command_line_outranks_the_policys_level(sample, policy):
    assert scan(sample(payload()), *policy('fail_on = "caution"'), "--fail-on", "unsafe").code == FOUND
    unknown = sample(bytes(pickle(2).call("nobody_knows", "this").stop()))
    assert scan(unknown, *policy('fail_on = "caution"'), "--fail-on", "unsafe").code == 0


def test_own_names_can_be_listed(sample, policy):
    path = sample(LISTED)
    assert only(scan(path))["status"] == "suspicious"
    for effect, status in (("value", "safe"), ("executes", "unsafe")):
        answer = scan(path, *policy(f'[imports]\n"acme.layers.make" = "{effect}"'))
        assert only(answer)["status"] == status, (effect, only(answer)["findings"])
    assert only(scan(path, *policy('[imports]\n"acme.other.make" = "value"')))["status"] == "suspicious"


def test_no_list_clears_a_sink(sample, policy):
    for name in ("os.system", "os", "os.*"):
        answer = assay("scan", "--format", "json", sample(payload()), *policy(f'[imports]\n"{name}" = "value"'))
        assert answer.code in (FOUND, USAGE), "a list of own names cleared os.system"


def test_a_required_engine_that_does_not_run_is_told(sample, policy):
    answer = scan(sample(harmless()), *policy('required_engines = ["avScan"]'))
    assert "policy.engine-missing" in rules(only(answer))
    assert only(answer)["status"] == "unscanned"
    present = scan(sample(harmless()), *policy('required_engines = ["pickleImportScan"]'))
    assert only(present)["status"] == "safe" and present.code == 0


# Waivers -------------------------------------------------------------------------------------------------------------

def waiver(data: bytes, found: dict, **changed) -> str:
    fields = {"sha256": hashlib.sha256(data).hexdigest(), "rule": found["rule"], "finding": found["fingerprint"],
              "owner": "ann", "reason": "read line by line", **changed}
    expires = fields.pop("expires", TOMORROW)
    return "[[waiver]]\n" + "".join(f'{key} = "{value}"\n' for key, value in fields.items()) + f"expires = {expires}\n"


@pytest.fixture
def waived(sample):
    data = bytes(pickle(2).call("nobody_knows", "this").stop())
    path = sample(data)
    findings = [f for f in only(scan(path))["findings"] if f["severity"] == "suspicious"]
    assert findings
    return path, data, findings


def test_a_waiver_covers_one_finding(waived, policy):
    path, data, findings = waived
    answer = scan(path, *policy("".join(waiver(data, f) for f in findings)))
    assert answer.code == 0 and only(answer)["status"] not in ("suspicious", "unsafe")
    assert all(f["waived"] for f in only(answer)["findings"] if f["severity"] == "suspicious")


def test_a_waiver_that_has_expired_is_a_finding(waived, policy):
    path, data, findings = waived
    answer = scan(path, *policy("".join(waiver(data, f, expires=YESTERDAY) for f in findings)))
    assert answer.code == FOUND and only(answer)["status"] == "suspicious"
    assert "policy.waiver-expired" in rules(only(answer))


def test_a_waiver_counts_on_its_last_day(waived, policy):
    path, data, findings = waived
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert scan(path, *policy("".join(waiver(data, f, expires=today) for f in findings))).code == 0


@pytest.mark.parametrize("changed", [{"sha256": "0" * 64}, {"rule": "pickle.call.os-system"}, {"finding": "0" * 16}],
                         ids=lambda c: next(iter(c)))
def test_a_waiver_of_something_else_covers_nothing(waived, policy, changed):
    path, data, findings = waived
    answer = scan(path, *policy("".join(waiver(data, f, **changed) for f in findings)))
    assert answer.code == FOUND and not any(f["waived"] for f in only(answer)["findings"])


def test_a_waiver_does_not_cover_a_file_with_one_more_byte(waived, policy):
    path, data, findings = waived
    path.write_bytes(data + b"\0")
    assert scan(path, *policy("".join(waiver(data, f) for f in findings))).code == FOUND


def test_a_waived_file_is_never_said_to_run_no_code(sample, policy):
    path = sample(payload())
    findings = [f for f in only(scan(path))["findings"] if f["severity"] != "note"]
    words = policy("".join(waiver(payload(), f) for f in findings))
    assert only(scan(path, *words))["status"] == "safe"
    text = assay("scan", path, *words).text
    assert "model.pkl — only because the policy waives what was found; it would be unsafe" in text
    assert "safe: only because the policy waives what was found in this file" in text
    assert "file runs no code" not in text and "loading it runs no code" not in text


def test_kept_facts_are_waived_as_well(waived, policy):
    path, data, findings = waived
    words = policy("".join(waiver(data, f) for f in findings))
    assert assay("judge", "-", *words, stdin=assay("facts", *words, path).out).code == 0


# Limits --------------------------------------------------------------------------------------------------------------

def many_names(n: int) -> bytes:
    p = pickle(2)
    for i in range(n):
        p.glob("collections", f"Name{i}").pop()
    return bytes(p.none().stop())


def nested_gzip(depth: int) -> bytes:
    data = harmless()
    for _ in range(depth):
        data = gzip_stream(data)
    return data


LIMITED = {
    "opcodes": (10_000, lambda: bytes(pickle(2).raw(b"N0" * 400_000).none().stop())),
    "members": (5, lambda: plain_zip({f"m{i}": b"text\n" for i in range(50)})),
    "depth": (3, lambda: nested_gzip(8)),
    "inflated_bytes": (10_000, lambda: gzip_stream(bytes(1_000_000))),
    "inflated_floor": (1000, lambda: gzip_stream(bytes(50_000_000))),
    "memo_slots": (50, lambda: bytes(pickle(4).raw(b"N\x940" * 1000).none().stop())),
    "facts": (20, lambda: many_names(500)),
}


@pytest.mark.parametrize("limit", LIMITED)
def test_a_limit_that_bites_is_named(limit, sample, policy):
    most, make = LIMITED[limit]
    artifact = only(scan(sample(make()), *policy(f"[limits]\n{limit} = {most}\n")))
    told = str(artifact["findings"]) + str(artifact["coverage"]["ranges"])
    word = {"inflated_floor": "inflated-bytes"}.get(limit, limit.replace("_", "-"))
    assert artifact["status"] not in ("safe", "caution"), "a limit was reached, so not everything was seen"
    assert "limit" in told and word in told, told


@pytest.mark.parametrize("limit", LIMITED)
def test_without_the_limit_the_same_file_is_read_to_its_end(limit, sample):
    artifact = only(scan(sample(LIMITED[limit][1]())))
    assert "limit reached" not in str(artifact)


def test_the_time_limit_is_named(sample, policy):
    path = sample(bytes(pickle(2).raw(b"N0" * 30_000_000).none().stop()))
    artifact = only(scan(path, *policy("[limits]\nseconds = 0\n")))
    assert artifact["status"] == "error" and "seconds" in str(artifact["findings"])


def test_what_was_found_before_a_limit_stays_found(sample, policy):
    data = bytes(pickle(2).call("os", "system", "true").pop().raw(b"N0" * 400_000).none().stop())
    artifact = only(scan(sample(data), *policy("[limits]\nopcodes = 1000\n")))
    assert artifact["status"] == "unsafe"


def test_no_limit_hides_a_payload_behind_it(sample, policy):
    """Whatever is cut off, the answer is not `safe`."""
    late = bytes(pickle(2).raw(b"N0" * 400_000).call("os", "system", "true").stop())
    for limits in ("opcodes = 1000", "seconds = 0", "facts = 0", "memo_slots = 0", "members = 0", "depth = 0",
                   "probes = 0", "inflated_bytes = 0"):
        for name, data in {"a.pkl": late, "b.zip": plain_zip({"data.pkl": late}), "c.gz": gzip_stream(late),
                           "d.bin": b"\x01\x02" * 100 + late,
                           "e.zip": zip_file([Member("data.pkl", late, 8)])}.items():
            status = only(scan(sample(data, name), *policy(f"[limits]\n{limits}\n")))["status"]
            assert status not in ("safe", "caution"), (limits, name)


# Bad policies --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", [
    'mod = "ban"', 'mode = "sometimes"', "mode = 3", 'fail_on = "safe"', 'sunset = "soon"', "sunset = 2026-02-31",
    "[limits]\nopcode = 3", "[limits]\nopcodes = -1", "[limits]\nopcodes = 1.5", '[limits]\nopcodes = "many"',
    "[limits]\ndepth = 1000", '[imports]\n"a.b" = "fine"', '[imports]\n"a.b" = "resolves"', "[[waiver]]\nowner = 'x'",
    "[waiver]\nowner = 'x'", f'[[waiver]]\nsha256 = "{"0" * 63}"\nrule = "r"\nfinding = "f"\nowner = "o"\nreason = "r"\n'
    "expires = 2030-01-01", f'[[waiver]]\nsha256 = "{"0" * 64}"\nrule = "r"\nfinding = "f"\nowner = "o"\nreason = "r"',
    'required_engines = "avScan"', "required_engines = [1]", "= 3", "\xff", "mode = \"ban\"\nmode = \"observe\"",
    "[limits\n", "x" * 100_000], ids=lambda t: repr(t[:40]))
def test_a_bad_policy_is_refused_with_its_line(sample, policy, text):
    for command in (["scan", "--format", "json"], ["facts"]):
        answer = assay(*command, sample(harmless()), *policy(text))
        assert answer.code == USAGE and answer.out == b""
        assert answer.err.count(b"\n") == 1 and b"policy" in answer.err and b"line " in answer.err, answer.err
    assert assay("judge", "-", *policy(text)).code == USAGE


def test_a_policy_that_is_not_there_is_refused(sample, tmp_path):
    for path in (tmp_path / "nowhere.toml", tmp_path):
        answer = assay("scan", sample(harmless()), "--policy", path)
        assert answer.code == USAGE and answer.err.count(b"\n") == 1


def test_a_policy_has_no_way_to_act_on_the_terminal(sample, policy):
    answer = assay("scan", sample(harmless()), *policy('"\x1b[2J" = 1\n'.replace("\x1b", "\\u001b")))
    assert answer.code == USAGE and b"\x1b" not in answer.err


# Whose policy --------------------------------------------------------------------------------------------------------

def test_no_policy_is_looked_for_inside_what_is_scanned(sample):
    """Or every attacker would ship one."""
    folder = sample(payload()).parent
    for name in ("policy.toml", "assay.toml", ".assay.toml", ".config/assay/policy.toml", ".assay/policy.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('mode = "observe"\nfail_on = "unsafe"\n')
    for words, cwd in (([folder], None), (["."], folder), (["model.pkl"], folder)):
        answer = scan(*words, cwd=cwd)
        assert answer.code == FOUND and answer.report["policy"]["mode"] == "middle"
    named = scan(folder, "--policy", folder / "policy.toml")
    assert named.code == 0 and named.report["policy"]["mode"] == "observe"


@pytest.mark.parametrize("variable, below", [("XDG_CONFIG_HOME", "assay"), ("HOME", ".config/assay")])
def test_ones_own_configuration_counts(sample, tmp_path, variable, below):
    place = tmp_path / "home" / below
    place.mkdir(parents=True)
    (place / "policy.toml").write_text('mode = "ban"\n')
    mine = clean_environment(**{variable: str(tmp_path / "home")})
    answer = scan(sample(harmless()), env=mine)
    assert answer.code == FOUND and answer.report["policy"]["mode"] == "ban"
    (place / "policy.toml").write_text("mod = 1\n")
    assert assay("scan", sample(harmless()), env=mine).code == USAGE


def test_a_named_policy_replaces_ones_own(sample, policy, tmp_path):
    place = tmp_path / "home" / "assay"
    place.mkdir(parents=True)
    (place / "policy.toml").write_text('mode = "ban"\n')
    answer = scan(sample(harmless()), *policy('mode = "middle"'), env=clean_environment(XDG_CONFIG_HOME=str(tmp_path / "home")))
    assert answer.code == 0


# The hash ------------------------------------------------------------------------------------------------------------

def test_the_hash_covers_everything_that_changes_a_verdict(sample, policy):
    path = sample(harmless())
    texts = ["", 'mode = "ban"', 'fail_on = "unsafe"', f"sunset = {TOMORROW}", "[limits]\nopcodes = 77",
             '[imports]\n"a.b" = "value"', 'required_engines = ["avScan"]']
    hashes = [scan(path, *policy(text)).report["policy"]["hash"] for text in texts]
    assert len(set(hashes)) == len(hashes)
    named = scan(path, *policy('name = "other"')).report["policy"]
    assert named["hash"] == hashes[0] and named["name"] == "other"


def test_an_error_stays_an_error_under_a_harsh_policy(sample, policy):
    assert scan(sample(harmless()[:-2]), *policy('fail_on = "unsafe"')).code == ERROR
