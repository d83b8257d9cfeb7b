#!/usr/bin/env python3
"""Turns rules/secrets/*.toml, and the words that the model knows, into the C++ tables behind src/secrets.

    compile_secrets.py RULES_FOLDER OUTPUT.cpp

tools/check_secrets.py checks the rules; here they are only written down.
"""

import collections
import hashlib
import pathlib
import sys

import secrets_model as model
import secrets_shape as shape


class Pool:
    """Arrays of one C++ type, laid end to end; each is named by where it begins and how long it is."""

    def __init__(self, type_name, name):
        self.type_name, self.name, self.items, self.spans = type_name, name, [], {}

    def span(self, items):
        items = tuple(items)
        if items not in self.spans:
            self.spans[items] = f"{{{self.name} + {len(self.items)}, {len(items)}}}" if items else "{}"
            self.items += items
        return self.spans[items]

    def lines(self):
        return [f"constexpr {self.type_name} {self.name}[] = {{", *(f"    {item}," for item in self.items), "};"]


def quoted(text):
    """A literal of any bytes; octal, because a hex escape would swallow the letters behind it."""
    raw = text.encode() if isinstance(text, str) else text
    return '"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03o}" for c in raw) + '"sv'


def validator(text):
    """Check, text, least and most: numbers where the check compares with any."""
    name, argument = model.split_validator(text)
    numbers = argument.partition("-") if name in ("length", "classes", "digits", "base64") else (argument, "", "")
    is_number = name == "entropy" or name in ("length", "classes", "digits", "base64") and argument
    least, most = (numbers[0], numbers[2] or numbers[0]) if is_number else ("0", "0")
    return f"{{Check::{name.replace('-', '_')}, {quoted('' if is_number else argument)}, {float(least)}, {float(most)}}}"


def detector_line(d):
    texts = (d.id, *(d.entry.get(key, "") for key in ("name", "can", "revoke", "note")))
    return f"{{{', '.join(map(quoted, texts))}, Severity::{d.entry['severity']}}}"


def byte_set(members):
    """256 bits as four words, the lowest first."""
    bits = sum(1 << byte for byte in members)
    return "{" + ", ".join(f"0x{bits >> 64 * word & (1 << 64) - 1:x}" for word in range(4)) + "}"


def gate_of(d, sets, numbers):
    """Numbers of byte sets. None where a match may begin before its keyword."""
    gate = [] if d.lead else shape.Gate(d.pattern).sets
    return numbers.span(number_in(sets, members) for members in gate)


def number_in(sets, members):
    return sets.setdefault(byte_set(members), len(sets))


def run_of(d, sets):
    return f"{number_in(sets, d.run.members)}, {d.run.least}" if d.run else "0, 0"


def place_of(d, sets):
    """Where in a match the secret stands, and two numbers that tell it."""
    place = shape.place_of_secret(d.pattern)
    numbers = (number_in(sets, place[1]), 0) if place[0] == "run" else (*place[1:], 0, 0)
    return f"{{In::{place[0]}, {numbers[0]}, {numbers[1]}}}"


def rule_line(d, number_of, words, validators, numbers, sets):
    return (
        f"{{Kind::{d.kind}, Border::{d.border}, {place_of(d, sets)}, {d.lead}, {d.width},\n"
        f"     {quoted(d.pattern)}, {gate_of(d, sets, numbers)}, {run_of(d, sets)},\n"
        f"     {quoted(d.until)}, {words.span(map(quoted, d.near))}, {validators.span(map(validator, d.validate))}, "
        f"{numbers.span(sorted(number_of[other] for other in d.over))}}}"
    )


def keyword_line(keyword, number_of, numbers):
    owners = numbers.span(number_of[d.id] for d in keyword.detectors)
    reach = max(map(model.reach, keyword.detectors))
    return f"{{{quoted(keyword.text)}, {str(keyword.fold).lower()}, {reach}, {keyword.cost}, {owners}}}"


def constants(rules, keywords):
    return [
        f"const std::size_t longest_keyword = {max(len(k.text) for k in keywords)};",
        f"const std::size_t longest_lead = {max(d.lead for d in rules.detectors)};",
        f"const std::size_t near_bytes = {model.NEAR_BYTES};",
        f"const std::size_t name_bytes = {model.NAME_BYTES};",
        f"const std::size_t until_bytes = {model.UNTIL_BYTES};",
        f"const std::uint64_t stretch_bytes = {model.STRETCH_BYTES};",
        f"const std::uint64_t cost_of_stretch = {model.COST_OF_STRETCH};",
        f"const std::uint64_t most_doubts = {model.MOST_DOUBTS};",
        f"const std::size_t most_hits = {model.MOST_HITS};",
        f"const std::size_t most_found = {model.MOST_FOUND};",
        f"const std::size_t deepest_json = {model.DEEPEST_JSON};",
        f"const std::size_t shortest_behind_word = {model.SHORTEST_BEHIND_WORD};",
    ]


WORD_LISTS = {
    "placeholder_words": model.PLACEHOLDER_WORDS, "firm_words": model.FIRM_WORDS,
    "placeholder_marks": model.PLACEHOLDER_MARKS, "hash_names": model.HASH_NAMES, "other_names": model.OTHER_NAMES,
    "secret_words": model.SECRET_WORDS, "bigrams": sorted(model.BIGRAMS), "common_passwords": sorted(model.COMMON_PASSWORDS),
}


def emit(rules):
    number_of = {d.id: number for number, d in enumerate(rules.detectors)}
    keywords = model.keywords_of(rules.detectors)
    words, validators = Pool("std::string_view", "kWords"), Pool("Validator", "kValidators")
    numbers = Pool("std::uint32_t", "kNumbers")
    lists = collections.ChainMap(WORD_LISTS, {"published": sorted(rules.published)})
    arrays = [f"const std::span<const std::string_view> {name}{words.span(map(quoted, lists[name]))};" for name in sorted(lists)]
    sets = {}  # in the order of their numbers
    rule_lines = [rule_line(d, number_of, words, validators, numbers, sets) for d in rules.detectors]
    keyword_lines = [keyword_line(k, number_of, numbers) for k in keywords]
    tables = [
        *words.lines(), *validators.lines(), *numbers.lines(),
        "constexpr ByteSet kByteSets[] = {", *(f"    {members}," for members in sets), "};",
        "constexpr Detector kDetectors[] = {", *(f"    {detector_line(d)}," for d in rules.detectors), "};",
        "constexpr Rule kRules[] = {", *(f"    {line}," for line in rule_lines), "};",
        "constexpr Keyword kKeywords[] = {", *(f"    {line}," for line in keyword_lines), "};",
        "}  // namespace",
        "",
        "const std::span<const Detector> detectors{kDetectors};",
        "const std::span<const Rule> rules{kRules};",
        "const std::span<const Keyword> keywords{kKeywords};",
        "const std::span<const ByteSet> byte_sets{kByteSets};",
        *arrays, *constants(rules, keywords),
    ]
    return "\n".join([
        "// Generated by tools/compile_secrets.py from rules/secrets/*.toml. Change those instead.",
        '#include "secrets/table.h"',
        "",
        "namespace assay::secrets::table {",
        "namespace {",
        "using namespace std::string_view_literals;",
        "",
        *tables,
        f"const std::string_view version = {quoted(version_of(tables))};",
        "",
        "}  // namespace assay::secrets::table",
        "",
    ])


def version_of(tables):
    """Changes with the tables, and with the steps that the model describes."""
    steps = pathlib.Path(model.__file__).read_bytes()
    return hashlib.sha256("\n".join(tables).encode() + steps).hexdigest()[:16]


def run(emit, program, *arguments):
    """What a program is that turns the rules into a file of C++; its exit code."""
    if len(arguments) != 2:
        print(f"usage: {pathlib.Path(program).name} RULES_FOLDER OUTPUT.cpp", file=sys.stderr)
        return 64
    folder, output = map(pathlib.Path, arguments)
    text = emit(model.read(folder))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run(emit, *sys.argv))
