"""What the documentation shows is what the program prints, and every option is told wherever options are."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from conftest import FOUND, ROOT, assay

README = (ROOT / "README.md").read_text()
TIME = re.compile(r"\d+(\.\d\d)? s$", re.M)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMPLETIONS = ["packaging/assay.bash", "packaging/_assay", "packaging/assay.fish"]
PAGES = {"scan": "docs/scan.md", "facts": "docs/scan.md", "judge": "docs/scan.md", "convert": "docs/convert.md",
         "inspect": "docs/inspect.md"}


@pytest.fixture
def examples(tmp_path):
    shutil.copytree(ROOT / "examples" / "model", tmp_path / "examples" / "model")
    return tmp_path


def blocks() -> list[str]:
    return re.findall(r"^```\w*\n(.*?)^```$", README, re.M | re.S)


def timeless(text: str) -> str:
    return TIME.sub("TIME", text)


# The README's examples ------------------------------------------------------------------------------------------------

def test_the_readme_shows_what_a_scan_prints(examples):
    (before,) = [i for i, block in enumerate(blocks()) if block.endswith("./dev run\n")]
    assert '"$assay" scan examples/model' in (ROOT / "dev").read_text(), "that is what ./dev run does"
    answer = assay("scan", "examples/model", cwd=examples)
    assert (answer.code, answer.err) == (FOUND, b"")
    if "no clamd at its usual" not in answer.text:
        pytest.skip("a ClamAV daemon of this machine was asked, and what it says is its own")
    assert timeless(blocks()[before + 1]) == timeless(answer.text)


def test_the_readme_shows_what_a_conversion_prints(examples):
    (block,) = [b for b in blocks() if b.startswith("$ assay convert ")]
    command, _, shown = block.partition("\n")
    answer = assay(*command.split()[2:], cwd=examples / "examples" / "model")
    assert (answer.code, answer.err) == (0, b"")
    assert timeless(shown) == timeless(answer.text)


# Options --------------------------------------------------------------------------------------------------------------

def options_of(command: str) -> set[str]:
    """The long ones, as --help lists them; of two spellings the first."""
    listed = re.findall(r"^  (?:-\w,)?(--[a-z-]+)", assay(command, "--help").text, re.M)
    return set(listed) - {"--help"}


@pytest.mark.parametrize("command", PAGES)
def test_every_option_is_documented(command):
    options = options_of(command)
    assert options
    for place in (PAGES[command], "docs/man/assay.1", *COMPLETIONS):
        text = (ROOT / place).read_text()
        for mark in ("Fl Fl ", "-l "):  # of mdoc and fish
            text = text.replace(mark, "--")
        assert not options - set(OPTION.findall(text)), place


@pytest.mark.parametrize("command", PAGES)
def test_the_page_and_the_manual_name_no_option_that_does_not_exist(command):
    """What the tables of the page and the manual say of a command, its --help says, too."""
    manual = (ROOT / "docs/man/assay.1").read_text().partition("The options are:")[2].partition("\n.El\n")[0]
    told = set()
    for entry in manual.split("\n.It ")[1:]:
        first, _, rest = entry.partition("\n")
        commands = re.findall(r"^\.Pq (.*)$", rest, re.M)[-1].removeprefix("Cm ")
        if command in commands.split(" , ") or commands == "all but Cm rules":
            told |= {f"--{word}" for word in re.findall(r"Fl Fl ([a-z-]+)", first)}
    assert told == options_of(command)


def test_the_page_of_convert_lists_its_options():
    section = (ROOT / PAGES["convert"]).read_text().partition("\n## Options\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\|[^|]*?`(--[a-z-]+)", section, re.M)) == options_of("convert")


# Completions ----------------------------------------------------------------------------------------------------------

def completed(*words: str) -> list[str]:
    """What bash offers for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", str(ROOT / "packaging/assay.bash"), "assay", *words],
                          capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.split()


@pytest.mark.parametrize("option", ["-f", "--format"])
def test_bash_offers_the_formats_that_the_command_takes(option):
    assert completed("convert", option, "") == ["text", "json"]
    for command in ("scan", "judge"):
        assert completed(command, option, "") == ["text", "json", "jsonl", "sarif", "hub"]


@pytest.mark.parametrize("command", PAGES)
def test_bash_offers_the_options_that_the_command_has(command):
    assert set(completed(command, "--")) - {"--help"} == options_of(command)
