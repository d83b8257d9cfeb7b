"""--verify-secrets: issuers are asked, and whatever they answer, the scan ends soon and says what it knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from conftest import FOUND, ROOT, USAGE, assay, clean_environment, scan, schema_of
from issuer import CLOSE, ELSEWHERE, GARBAGE, HANG, HUGE, SLOW, Issuers

sys.path.insert(0, str(ROOT / "tools"))
import secrets_templates  # noqa: E402

OK, NO = 200, 401


def made_up(template: str, number: int = 1) -> str:
    """Looks like a secret and is none: the tools' seeded generator made it."""
    return secrets_templates.expand(template, number).decode()


def token(number: int = 1) -> str:
    return made_up("hf_{letters:34}", number)


@pytest.fixture
def leak(tmp_path):
    """A file that gives away what it is told to."""
    def write(*secrets: str, name="settings.env"):
        path = tmp_path / "leaks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"SETTING_{n}={secret}\n" for n, secret in enumerate(secrets)))
        return path
    return write


def verified(issuers, *words, **more):
    return scan("--verify-secrets", "--verify-at", issuers.url, *words, **more)


def findings(answer) -> list:
    return [f for a in answer.report["artifacts"] for f in a["findings"] if f["rule"].startswith("secret.")]


def ask(answer, path):
    """One file, one issuer that answers so: (finding, the issuer)."""
    with Issuers(lambda asked: answer) as issuers:
        (finding,) = findings(verified(issuers, path))
    return finding, issuers


# What is said ----------------------------------------------------------------------------------------------------

def test_nobody_is_asked_unless_the_user_says_so(leak):
    path = leak(token())
    with Issuers(lambda asked: OK) as issuers:
        (finding,) = findings(scan(path))
        assert assay("scan", "--verify-at", issuers.url, path).code == USAGE
    assert finding["verification"] is None and not issuers.asked


def test_a_secret_that_works_is_called_so(leak):
    finding, issuers = ask((OK, b'{"name": "acme-bot"}'), leak(token()))
    assert (finding["verification"], finding["severity"]) == ("verified", "suspicious")
    assert "It works" in finding["message"] and "acme-bot" in finding["message"]
    (asked,) = issuers.asked
    assert (asked.method, asked.host, asked.path, asked.bearer) == ("GET", "huggingface.co", "/api/whoami-v2", token())


def test_a_secret_that_is_refused_weighs_less_and_is_not_forgotten(leak):
    finding, _ = ask(NO, leak(token()))
    assert (finding["verification"], finding["severity"]) == ("refused", "caution")
    assert "does not work where it was tried" in finding["message"]


@pytest.mark.parametrize("answer, words", [
    (403, "HTTP 403"), (404, "HTTP 404"), (429, "fewer questions"), (500, "trouble of its own"), (503, "HTTP 503"),
    (GARBAGE, "Whether it works is not known"), (CLOSE, "closed the connection"), (ELSEWHERE, "sent us elsewhere")])
def test_an_answer_that_tells_nothing_changes_nothing(leak, answer, words):
    finding, issuers = ask(answer, leak(token()))
    assert (finding["verification"], finding["severity"]) == ("unreachable", "suspicious")
    assert words in finding["message"], finding["message"]
    assert not issuers.elsewhere  # a redirect would have taken the secret along


def test_a_huge_answer_is_read_in_part(leak):
    finding, _ = ask(HUGE, leak(token()))
    assert finding["verification"] == "verified"


@pytest.mark.parametrize("answer", [HANG, SLOW])
def test_an_issuer_that_does_not_answer_costs_a_bounded_time(leak, answer):
    secrets = [token(n) for n in range(6)]
    began = time.monotonic()
    with Issuers(lambda asked: answer) as issuers:
        found = findings(verified(issuers, leak(*secrets)))
    assert time.monotonic() - began < 40
    assert len(issuers.asked) == 2 and len(found) == 6
    assert {f["verification"] for f in found} == {"unreachable"}
    assert sum("not asked" in f["message"] for f in found) == 4


def test_nobody_listening_is_said_in_words(leak):
    answer = scan("--verify-secrets", "--verify-at", "http://127.0.0.1:1", leak(token()))
    assert "cannot be reached" in findings(answer)[0]["message"]


def test_a_machine_without_curl_says_so(leak, tmp_path):
    answer = scan("--verify-secrets", "--verify-at", "http://127.0.0.1:1", leak(*(token(n) for n in range(4))),
                  env=clean_environment(PATH=str(tmp_path)))
    found = findings(answer)
    assert len(found) == 4 and all("curl is not installed" in f["message"] for f in found)
    assert {f["verification"] for f in found} == {"unreachable"}


# Who is asked ----------------------------------------------------------------------------------------------------

def test_each_issuer_is_asked_in_its_own_way(leak):
    secrets = {"huggingface.co": token(), "api.github.com": made_up("ghp_{base62:30}{crc62}"),
               "api.openai.com": made_up("sk-{base62:20}T3BlbkFJ{base62:20}")}
    with Issuers(lambda asked: OK if asked.bearer == secrets[asked.host] else NO) as issuers:
        found = findings(verified(issuers, leak(*secrets.values())))
    assert {asked.host for asked in issuers.asked} == set(secrets)
    assert [f["verification"] for f in found] == ["verified"] * 3


def test_a_secret_in_many_files_is_asked_about_once(leak):
    for n in range(5):
        folder = leak(token(), name=f"{n}.env").parent
    with Issuers(lambda asked: OK) as issuers:
        found = findings(verified(issuers, folder))
    assert len(issuers.asked) == 1 and [f["verification"] for f in found] == ["verified"] * 5


def test_no_more_than_a_hundred_secrets_are_asked_about(leak):
    with Issuers(lambda asked: NO) as issuers:
        found = findings(verified(issuers, leak(*(token(n) for n in range(104)), name="many.env")))
    assert len(issuers.asked) == 100
    assert issuers.most_at_once == 1  # one after another


def test_both_halves_of_an_aws_login_are_needed(leak):
    key_id, key = made_up("AKIA{base32:16}"), made_up("{base64:40}", 4)
    alone, issuers = ask(OK, leak(key_id))
    assert alone["verification"] == "unreachable" and "secret key" in alone["message"] and not issuers.asked

    def sts(asked):
        wanted = f"AWS4-HMAC-SHA256 Credential={key_id}/"
        return (OK, b"<R><Arn>arn:aws:iam::000000000000:user/none</Arn></R>") if asked.headers["Authorization"].startswith(wanted) else NO

    path = leak(key_id, name="both.env")
    path.write_text(f"AWS_ACCESS_KEY_ID={key_id}\nAWS_SECRET_ACCESS_KEY={key}\n")
    with Issuers(sts) as issuers:
        found = findings(verified(issuers, path))
    assert {f["rule"] for f in found} == {"secret.aws.access-key-id", "secret.aws.secret-key"}
    assert {f["verification"] for f in found} == {"verified"} and "user/none" in found[0]["message"]
    for asked in issuers.asked:
        assert (asked.host, asked.path) == ("sts.amazonaws.com", "/?Action=GetCallerIdentity&Version=2011-06-15")
        assert key not in str(asked)  # the key signs; it is never sent


def test_a_secret_cannot_tell_curl_anything(leak, tmp_path):
    """Quotes, backslashes and line ends, in the place where passwords of URLs may have them."""
    path = leak(token())
    path.write_bytes(path.read_bytes() + b'\nurl = "x"\noutput = "' + bytes(tmp_path) + b'/stolen"\n' + token(2).encode() + b'"\n')
    with Issuers(lambda asked: OK) as issuers:
        verified(issuers, path)
    assert not (tmp_path / "stolen").exists()
    assert all(asked.host == "huggingface.co" for asked in issuers.asked)


def test_the_users_own_curl_configuration_does_not_count(leak, tmp_path):
    (tmp_path / ".curlrc").write_text(f'output = "{tmp_path}/stolen"\nproxy = "http://127.0.0.1:1"\n')
    with Issuers(lambda asked: OK) as issuers:
        (finding,) = findings(verified(issuers, leak(token()), env=clean_environment(HOME=str(tmp_path), CURL_HOME=str(tmp_path))))
    assert finding["verification"] == "verified" and not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("url", ["huggingface.co", "ftp://127.0.0.1", "http://", "http://u:p@127.0.0.1", "http://127.0.0.1/?x"])
def test_a_gateway_is_a_link_and_nothing_else(leak, url):
    answer = assay("scan", "--verify-secrets", "--verify-at", url, leak(token()))
    assert answer.code == USAGE and b"--verify-at" in answer.err


# Where it is said ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("format", ["text", "json", "jsonl", "sarif", "hub"])
def test_no_report_shows_a_secret_whole(leak, format):
    with Issuers(lambda asked: (OK, json.dumps({"name": "acme"}).encode())) as issuers:
        answer = assay("scan", "--verify-secrets", "--verify-at", issuers.url, "--format", format, "-v", leak(token()))
    assert answer.code == FOUND and issuers.asked
    assert token().encode() not in answer.out + answer.err
    if format == "text":
        assert "It works" in " ".join(answer.text.split())
    if format == "sarif":
        (result,) = answer.report["runs"][0]["results"]
        assert result["properties"]["verification"] == "verified"


def test_what_an_issuer_calls_itself_is_escaped(leak):
    finding, _ = ask((OK, json.dumps({"name": "\x1b[31m\u202eevil"}, ensure_ascii=False).encode()), leak(token()))
    assert "\x1b" not in finding["message"] and "\u202e" not in finding["message"]


def test_facts_keep_the_answer_and_not_the_secret(leak):
    with Issuers(lambda asked: OK) as issuers:
        facts = assay("facts", "--verify-secrets", "--verify-at", issuers.url, leak(token()))
    assert token().encode() not in facts.out
    document = json.loads(facts.out.splitlines()[1])
    assert document["observations"][0]["verification"] == "verified"
    judged = assay("judge", "--format", "json", "-", stdin=facts.out)
    assert findings(judged)[0]["verification"] == "verified"


def test_reports_with_answers_keep_to_their_schema(leak):
    import jsonschema
    with Issuers(lambda asked: NO) as issuers:
        answer = verified(issuers, leak(token()))
    jsonschema.Draft202012Validator(schema_of("report.schema.json")).validate(answer.report)


def test_an_interrupted_scan_asks_nobody_any_more(leak):
    path = leak(*(token(n) for n in range(50)))
    with Issuers(lambda asked: HANG) as issuers:
        running = subprocess.Popen([os.environ.get("ASSAY", str(ROOT / "build/release/assay")), "scan", "--verify-secrets",
                                    "--verify-at", issuers.url, str(path)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=clean_environment())
        while not issuers.asked:
            time.sleep(0.05)
        running.send_signal(2)
        began = time.monotonic()
        running.wait(timeout=30)
    assert time.monotonic() - began < 5 and len(issuers.asked) == 1
