#!/usr/bin/env python3
"""Checks rules/secrets: the form of every entry, what its pattern may be, and that its samples hold.

    check_secrets.py [--samples N]      N expansions of each template (default 40)

Prints counts and returns 0, or prints what is wrong and returns 1. Where the packages google-re2 and hyperscan are
installed, every pattern and keyword is also compiled by those engines; they are not needed.
"""

import argparse
import collections
import re
import sys
import tomllib

import secrets_model as model
import secrets_templates as templates

SEVERITIES = ("high", "medium", "low")
TEXTS = {"id", "name", "severity", "can", "revoke", "pattern"}
LISTS = {"keywords", "match", "no_match", "references"}
OPTIONAL = {
    "kind": str, "fold": bool, "lead": int, "near": list, "border": str, "validate": list, "note": str, "pair": list,
    "verify": str, "over": list, "until": str,
}
VERIFICATION = {"id", "kind", "method", "url", "verified", "refused"}
VERIFICATION_OPTIONAL = {"headers", "body", "identity", "refused_text", "unsure_text", "region", "service", "parts"}
FORM = "application/x-www-form-urlencoded"
ID = re.compile(r"secret(\.[a-z0-9]+(-[a-z0-9]+)*){2}")
LINK = re.compile(r"https://[!-~]+")
SHORTEST_KEYWORD = 2
REFUSED_BY_CHANCE = 20  # one of so many samples may look like words or a placeholder without being any
WIDEST = 20_000  # bytes of one match: what the engine must be able to hold back while it streams


def check_form(entry, ids):
    """What the entry lacks or says wrongly."""
    for key in sorted((TEXTS | LISTS) - entry.keys()):
        yield f"'{key}' is missing"
    for key, value in entry.items():
        if key in TEXTS and not (isinstance(value, str) and value and value == value.strip()):
            yield f"'{key}' must be text without spaces around it"
        elif key in LISTS and not (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
            yield f"'{key}' must be a list of texts"
        elif key in OPTIONAL and not isinstance(value, OPTIONAL[key]):
            yield f"'{key}' has the wrong type"
        elif key not in TEXTS | LISTS | OPTIONAL.keys():
            yield f"unknown key '{key}'"
    if not ID.fullmatch(entry["id"]):
        yield "the id must be secret.<issuer>.<kind> in lower case"
    for key, choices in (("severity", SEVERITIES), ("kind", model.KINDS), ("border", model.BORDERS)):
        if entry.get(key, choices[0]) not in choices:
            yield f"'{key}' must be one of {', '.join(choices)}"
    for link in [entry["revoke"], *entry["references"]]:
        if not LINK.fullmatch(link):
            yield f"'{link}' is no https link"
    for key in ("match", "no_match"):
        if len(entry[key]) < 2:
            yield f"'{key}' needs two templates"
    if not entry["can"].endswith("."):
        yield "'can' must be a sentence"
    for key in ("pair", "over"):
        for other in entry.get(key, []):
            if other not in ids:
                yield f"'{key}' names '{other}', which is no detector"


def check_keywords(entry):
    for keyword in entry["keywords"]:
        if not keyword.isascii() or len(keyword) < SHORTEST_KEYWORD:
            yield f"keyword '{keyword}' must be ASCII and have {SHORTEST_KEYWORD} bytes or more"
        if entry.get("fold") and keyword != keyword.lower():
            yield f"keyword '{keyword}' is compared without case, so write it in lower case"


def check_validators(entry):
    for text in entry.get("validate", []):
        name, argument = model.split_validator(text)
        if name not in model.VALIDATORS:
            yield f"unknown validator '{name}'; one of {', '.join(sorted(model.VALIDATORS))}"
        elif name in model.TAKES_ARGUMENT and not argument:
            yield f"validator '{name}' needs an argument"
        elif argument and name not in model.TAKES_ARGUMENT | model.MAY_TAKE_ARGUMENT:
            yield f"validator '{name}' takes no argument"


# --- Patterns --------------------------------------------------------------------------------------------------------
# Python parses more than RE2 does, and some of what both parse means different things. What is left of the language
# here means the same to both: literals, classes, bounded repeats, groups, alternatives, (?i:...).


def children(op, argument):
    name = str(op)
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        return [argument[2]]
    if name == "SUBPATTERN":
        return [argument[3]]
    if name == "BRANCH":
        return argument[1]
    return []


def nodes(tree):
    for op, argument in tree:
        yield str(op), argument
        for child in children(op, argument):
            yield from nodes(child)


def check_pattern(d):
    tree = re._parser.parse(d.pattern.encode())
    for name, argument in nodes(tree):
        if name in ("AT", "ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS", "ATOMIC_GROUP", "POSSESSIVE_REPEAT"):
            yield f"the pattern uses {name}: no anchors, look-around, back references or possessive repeats"
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and argument[1] == re._constants.MAXREPEAT:
            yield "the pattern has a repeat without an upper bound"
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and argument[1] > 1000:
            yield "a repeat counts beyond 1000, which is RE2's limit"
        elif name == "IN" and any(str(op) == "CATEGORY" for op, _ in argument):
            yield "write classes out: \\s and \\w differ between engines"
        elif name == "CATEGORY" or name == "ANY":
            yield "write classes out, also for '.'"
    if tree.state.flags & re.IGNORECASE:
        yield "write (?i:...) around what is compared without case, not (?i) in front of all"
    if d.matcher.groups > 1:
        yield "the pattern has more than one group that captures"
    if d.width > WIDEST:
        yield f"a match could have {d.width} bytes; {WIDEST} is the most"
    least = tree.getwidth()[0]
    if least < 8:
        yield f"a match could have only {least} bytes"
    yield from check_holds_keyword(d, tree)


def heads(tree, fold=False):
    """Every text that a match can begin with, as long as the pattern says it letter by letter: a set of
    (text, whether case matters not, whether the tree ends there)."""
    result = {("", True, fold)}
    for op, argument in tree:
        name = str(op)
        grown = set()
        for text, open_, folded in result:
            if not open_:
                grown.add((text, open_, folded))
            elif name == "LITERAL":
                grown.add((text + chr(argument), True, folded))
            elif name == "SUBPATTERN":
                inner = folded or bool(argument[1] & re.IGNORECASE)
                grown |= {(text + more, on, inner) for more, on, _ in heads(argument[3], inner)}
            elif name == "BRANCH":
                grown |= {(text + more, on, folded) for branch in argument[1] for more, on, _ in heads(branch, folded)}
            elif name == "IN" and all(str(o) == "LITERAL" for o, _ in argument) and len(argument) <= 4:
                grown |= {(text + chr(value), True, folded) for _, value in argument}
            else:
                grown.add((text, False, folded))
        result = grown
    return result


def check_holds_keyword(d, tree):
    """That every match holds a keyword, not further than `lead` from its begin, follows from the pattern: from some
    place in it on, every text it can begin with begins with a keyword, and what stands before fits into the lead."""
    keywords = [k.decode() for k in d.keywords]
    sequence = list(flat(tree))
    for place in range(len(sequence)):
        before = re._parser.SubPattern(tree.state, sequence[:place]).getwidth()[1]
        if before > d.lead:
            break
        begins = heads(sequence[place:])
        if any(folded for _, _, folded in begins) and not d.fold:
            yield "the keyword's case does not matter to the pattern: set fold"
        if all((text.lower() if d.fold else text).startswith(tuple(keywords)) for text, _, _ in begins):
            return
    examples = ", ".join(sorted(f"'{text}'" for text, _, _ in heads(sequence))[:4])
    yield f"no keyword is sure to stand within {d.lead} bytes of a match's begin; it can begin with {examples}"


def flat(tree):
    """The pattern's pieces one after the other, with groups that only capture taken apart."""
    for op, argument in tree:
        if str(op) == "SUBPATTERN" and not argument[1] and not argument[2]:
            inner = list(flat(argument[3]))
            if not any(str(o) == "BRANCH" for o, _ in inner):
                yield from inner
                continue
        yield op, argument


# --- Samples ---------------------------------------------------------------------------------------------------------


def check_samples(d, rules, samples):
    """Expansions of a match template are found, after overlaps are resolved, under this id; no expansion of a no_match
    template is."""
    for template in d.entry["match"]:
        found = [{hit.id for hit in model.scan(templates.expand(template, n), rules)} for n in range(samples)]
        missed = sum(d.id not in ids for ids in found)
        if missed * REFUSED_BY_CHANCE > samples:
            yield f"match '{template}': missed in {missed} of {samples}; the first gives {sorted(found[0])}"
    for template in d.entry["no_match"]:
        for n in range(samples):
            if any(hit.id == d.id for hit in model.scan(templates.expand(template, n), rules)):
                yield f"no_match '{template}': matched"
                break


def check_verifications(detectors, verifications):
    ids = [entry.get("id") for entry in verifications]
    for entry in verifications:
        where = f"verification '{entry.get('id')}'"
        for key in sorted(VERIFICATION - entry.keys()):
            yield f"{where}: '{key}' is missing"
        for key in sorted(entry.keys() - VERIFICATION - VERIFICATION_OPTIONAL):
            yield f"{where}: unknown key '{key}'"
        if not LINK.fullmatch(entry.get("url", "")) or entry.get("kind") not in ("http", "aws-sigv4"):
            yield f"{where}: needs an https url and a kind, http or aws-sigv4"
        if set(entry.get("verified", [])) & set(entry.get("refused", [])):
            yield f"{where}: a code both verifies and refuses"
        if entry.get("kind") == "http" and "{secret}" not in str(entry.values()):
            yield f"{where}: {{secret}} stands nowhere"
        if "{secret}" in entry.get("body", "") and entry.get("headers", {}).get("Content-Type") != FORM:
            yield f"{where}: a body with {{secret}} must be a form"
        if entry.get("kind") == "aws-sigv4" and not {"region", "service", "parts"} <= entry.keys():
            yield f"{where}: needs region, service and parts"
        if not set(entry.get("parts", {}).values()) <= {d.id for d in detectors}:
            yield f"{where}: parts names a detector that is not there"
        if ids.count(entry.get("id")) > 1:
            yield f"{where}: the id is taken"
    used = {d.entry["verify"] for d in detectors if "verify" in d.entry}
    yield from (f"verification '{name}' is not defined" for name in sorted(used - set(ids)))
    yield from (f"verification '{name}' is used by no detector" for name in sorted(set(ids) - used))


# Published test values, because a template's checksum is made by the same functions that the validators use.
VECTORS = (
    ("crc32-base62", b"x_123456789" + b"3jZRME", True),  # CRC-32 of 123456789 is 0xCBF43926
    ("crc32-base62", b"x_123456789" + b"3jZRMF", False),
    ("bech32", b"A12UEL5L", True), ("bech32", b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", True),  # BIP-173
    ("bech32", b"A1G7SGD8", False), ("bech32", b"a12UEL5L", False),
    ("base58check", b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", True),  # the address of Bitcoin's first block
    ("base58check", b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", False),
)


def check_vectors():
    for name, value, expected in VECTORS:
        if model.VALIDATORS[name](value, b"", "") != expected:
            yield f"validator '{name}' is wrong about a published value"


def check_engines(detectors):
    """Whether RE2 and Hyperscan take the patterns and keywords, where they are installed."""
    try:
        import hyperscan
        import re2
    except ImportError:
        return
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    for d in detectors:
        try:
            re2.compile(d.pattern.encode(), options)
        except re2.error as error:
            yield f"{d.id}: RE2: {error}"
    words = sorted({(k, d.fold) for d in detectors for k in d.keywords})
    database = hyperscan.Database(mode=hyperscan.HS_MODE_STREAM)
    flags = [hyperscan.HS_FLAG_CASELESS if fold else 0 for _, fold in words]
    database.compile(expressions=[re.escape(k) for k, _ in words], ids=list(range(len(words))), flags=flags)


def read_entries(folder):
    """(file, entry) of every [[secret]], before anything of it is believed."""
    for path in sorted(folder.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in tables.keys() - {"secret", "shape", "verification", "published"}:
            yield path, {"id": f"table {key}", "unknown table": key}
        for entry in tables.get("secret", []):
            yield path, entry


def main():
    parser = argparse.ArgumentParser(description="Checks rules/secrets.")
    parser.add_argument("--samples", type=int, default=40, help="expansions of each template")
    arguments = parser.parse_args()

    entries = list(read_entries(model.rules_folder()))
    ids = collections.Counter(entry.get("id", "?") for _, entry in entries)
    problems = [f"{name}: the id is taken" for name, count in ids.items() if count > 1]
    for path, entry in entries:
        missing = (TEXTS | LISTS) - entry.keys()
        wrong = [f"'{key}' is missing" for key in sorted(missing)] if missing else [
            *check_form(entry, ids), *check_keywords(entry), *check_validators(entry)]
        problems += [f"{path.name}: {entry.get('id', '?')}: {text}" for text in wrong]
    if problems:
        print("\n".join(problems))
        return 1

    rules = model.read(model.rules_folder())
    detectors, verifications = rules.detectors, rules.verifications
    for d in detectors:
        problems += [f"{d.id}: {text}" for text in (*check_pattern(d), *check_samples(d, rules, arguments.samples))]
    problems += [*check_verifications(detectors, verifications), *check_engines(detectors), *check_vectors()]
    if problems:
        print("\n".join(problems))
        return 1

    files = collections.Counter(path.stem for path, _ in entries)
    kinds = collections.Counter(d.kind for d in detectors)
    severities = collections.Counter(d.entry["severity"] for d in detectors)
    print("secrets:", ", ".join(f"{count} {name}" for name, count in sorted(files.items())))
    print(f"secrets: {len(detectors)} detectors ({', '.join(f'{kinds[k]} by {k}' for k in model.KINDS)};", end=" ")
    print(f"{', '.join(f'{severities[s]} {s}' for s in SEVERITIES)}),", end=" ")
    print(f"{len({k for d in detectors for k in d.keywords})} keywords, {len(verifications)} verifications,", end=" ")
    print(f"{len(rules.published)} published examples; widest match {max(d.width for d in detectors)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
