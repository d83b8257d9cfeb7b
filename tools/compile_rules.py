#!/usr/bin/env python3
"""Turns rules/**/*.toml into the C++ tables that Assay is built with. docs/rules.md describes the format.

    compile_rules.py RULES_FOLDER OUTPUT.cpp

A rule that cannot be understood stops the build: a rule that silently matched nothing would be a hole.
"""

import hashlib
import json
import pathlib
import re
import sys
import tomllib

SINKS = ("executes", "evaluates", "imports", "native", "files", "network", "loads", "tampers")
EFFECTS = SINKS + ("resolves", "value", "library")
SEVERITIES = ("note", "caution", "unscanned", "error", "suspicious", "unsafe")

# Words that src/detect knows how to check. Only effects that can be harmless take one.
CONDITIONS = (
    "codecs-encode", "getattr", "getitem", "load-type", "nested-bytes", "partial", "rebuild-from-type", "reconstructor",
    "type-of", "builds-code", "operands", "sets-cell", "plain-attributes", "wraps", "calls-first", "fills", "module",
    "builds-class", "attribute-names", "in-memory",
)
CONDITIONAL_EFFECTS = ("evaluates", "imports", "loads", "tampers", "resolves", "value", "library")

RULE_KEYS = {"id", "effect", "names", "says", "references", "remedy", "condition", "library", "classes"}
STRUCTURE_KEYS = {"id", "severity", "says", "references", "remedy"}

ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
NAME = re.compile(r"[A-Za-z_<][\w<>-]*(\.[A-Za-z_<][\w<>-]*)*")
REFERENCE = re.compile(r"GHSA(-[a-z0-9]{4}){3}|CVE-\d{4}-\d{4,}|https://[!-~]+")

NOT_RULES = {"tied_weights.toml"}  # facts for src/tensors, which tools/compile_tied_weights.py reads
NOT_RULE_FOLDERS = {"secrets", "yara"}  # detectors of another form, which tools/check_secrets.py checks

REMEDY = {
    "executes": "Do not load it. Report the file to its author and to the hub.",
    "evaluates": "Do not load it. Report the file to its author and to the hub.",
    "imports": "Do not load it. Report the file to its author and to the hub.",
    "native": "Do not load it. Report the file to its author and to the hub.",
    "files": "Do not load it. Report the file to its author and to the hub.",
    "network": "Do not load it. Report the file to its author and to the hub.",
    "loads": "Do not load it. Ask the author for the weights in safetensors.",
    "tampers": "Do not load it. Report the file to its author and to the hub.",
    "resolves": "Do not load it unless you know what the name stands for. Ask the author for the weights in safetensors.",
    "value": "",
    "library": "Load it only if you trust its author, or ask for the weights in safetensors.",
}
STRUCTURE_REMEDY = {
    "note": "",
    "caution": "Load it only if you trust its author.",
    "unscanned": "Ask the author for a format that can be examined.",
    "error": "Fetch the file again; it may be damaged.",
    "suspicious": "Do not load it before somebody has looked at it.",
    "unsafe": "Do not load it. Report the file to its author and to the hub.",
}


class RuleError(Exception):
    pass


def expand(pattern):
    """Every name that {a,b} alternatives stand for: "{os,nt}.system" is os.system and nt.system."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [name for word in found[1].split(",") for name in expand(before + word + after)]


def check_text(where, key, value, required=False):
    if value is None:
        if required:
            raise RuleError(f"{where}: '{key}' is missing")
        return ""
    if not isinstance(value, str) or not value or value != value.strip():
        raise RuleError(f"{where}: '{key}' must be text without spaces around it")
    if not all(" " <= c <= "~" for c in value):
        raise RuleError(f"{where}: '{key}' must be printable ASCII")
    return value


def check_list(where, key, value):
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RuleError(f"{where}: '{key}' must be a list of texts")
    return value


def check_common(where, entry, keys):
    unknown = sorted(set(entry) - keys)
    if unknown:
        raise RuleError(f"{where}: unknown key '{unknown[0]}'")
    if not ID.fullmatch(check_text(where, "id", entry.get("id"), required=True)):
        raise RuleError(f"{where}: the id must be lower-case words joined by '.' and '-'")
    for reference in check_list(where, "references", entry.get("references", [])):
        if not REFERENCE.fullmatch(reference):
            raise RuleError(f"{where}: '{reference}' is no GHSA id, CVE id or https link")


def check_names(where, effect, patterns):
    """The expanded names; "module.*" only where it denies, because a list that permits must name what it permits."""
    names = set()
    for pattern in patterns:
        for name in expand(pattern):
            whole_module = name.endswith(".*")
            if not NAME.fullmatch(name[:-2] if whole_module else name):
                raise RuleError(f"{where}: '{name}' (from '{pattern}') is no dotted name")
            if whole_module and effect in ("value", "library"):
                raise RuleError(f"{where}: '{name}': effect '{effect}' must name what it permits, without '*'")
            if not whole_module and "." not in name:
                raise RuleError(f"{where}: '{name}' names no member of a module; did you mean '{name}.*'?")
            names.add(name)
    return sorted(names)


def check_rule(where, entry):
    check_common(where, entry, RULE_KEYS)
    effect = entry.get("effect")
    if effect not in EFFECTS:
        raise RuleError(f"{where}: unknown effect '{effect}'; one of {', '.join(EFFECTS)}")
    says = check_text(where, "says", entry.get("says"), required=True)
    if not says[0].islower() or says.endswith("."):
        raise RuleError(f"{where}: 'says' completes \"loading this file ...\": lower case, no full stop")
    condition = check_text(where, "condition", entry.get("condition"))
    if condition and condition not in CONDITIONS:
        raise RuleError(f"{where}: unknown condition '{condition}'; one of {', '.join(CONDITIONS)}")
    if condition and effect not in CONDITIONAL_EFFECTS:
        raise RuleError(f"{where}: effect '{effect}' is never harmless, so it takes no condition")
    classes = sorted(set(check_list(where, "classes", entry.get("classes", []))))
    if classes and effect != "library":
        raise RuleError(f"{where}: 'classes' belongs to effect 'library' only")
    for prefix in classes:
        if not NAME.fullmatch(prefix):
            raise RuleError(f"{where}: '{prefix}' in 'classes' is no dotted name")
    names = check_names(where, effect, check_list(where, "names", entry.get("names", [])))
    if not names and not classes:
        raise RuleError(f"{where}: 'names' is missing")
    return {
        "id": entry["id"], "effect": effect, "condition": condition, "says": says,
        "remedy": check_text(where, "remedy", entry.get("remedy")) or REMEDY[effect],
        "library": check_text(where, "library", entry.get("library"), required=effect == "library"),
        "references": entry.get("references", []), "names": names, "classes": classes,
    }


def check_structure(where, entry):
    check_common(where, entry, STRUCTURE_KEYS)
    severity = entry.get("severity")
    if severity not in SEVERITIES:
        raise RuleError(f"{where}: unknown severity '{severity}'; one of {', '.join(SEVERITIES)}")
    says = check_text(where, "says", entry.get("says"), required=True)
    if not says[0].isupper() or not says.endswith("."):
        raise RuleError(f"{where}: 'says' must be a sentence")
    return {
        "id": entry["id"], "severity": severity, "says": says,
        "remedy": check_text(where, "remedy", entry.get("remedy")) or STRUCTURE_REMEDY[severity],
        "references": entry.get("references", []),
    }


def read(folder):
    """All rules and structure rules below `folder`, sorted by id."""
    rules, structures, ids, owners = [], [], {}, {}
    for path in sorted(folder.rglob("*.toml")):
        if path.name in NOT_RULES or path.parent.name in NOT_RULE_FOLDERS:
            continue
        file = path.relative_to(folder.parent)
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RuleError(f"{file}: {error}") from None
        if unknown := sorted(set(tables) - {"rule", "structure"}):
            raise RuleError(f"{file}: unknown table '{unknown[0]}'")
        for kind, check, into in (("rule", check_rule, rules), ("structure", check_structure, structures)):
            entries = tables.get(kind, [])
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise RuleError(f"{file}: write [[{kind}]], not [{kind}]")
            for number, entry in enumerate(entries, 1):
                where = f"{file}: {kind} '{entry.get('id', f'number {number}')}'"
                checked = check(where, entry)
                if checked["id"] in ids:
                    raise RuleError(f"{where}: the id is taken in {ids[checked['id']]}")
                ids[checked["id"]] = file
                for name in checked.get("names", []) + [f"class {c}" for c in checked.get("classes", [])]:
                    if name in owners:
                        raise RuleError(f"{where}: '{name}' is already in {owners[name]}")
                    owners[name] = f"{file}: rule '{checked['id']}'"
                into.append(checked)
    if not rules or not structures:
        raise RuleError(f"{folder}: no rules found")
    return sorted(rules, key=lambda r: r["id"]), sorted(structures, key=lambda r: r["id"])


def patterns_of(rules):
    """{text: [exact, prefix, classes]}, each 1 + index of a rule, or 0."""
    patterns = {}
    for index, rule in enumerate(rules, 1):
        for name in rule["names"]:
            text, column = (name[:-2], 1) if name.endswith(".*") else (name, 0)
            patterns.setdefault(text, [0, 0, 0])[column] = index
        for prefix in rule["classes"]:
            patterns.setdefault(prefix, [0, 0, 0])[2] = index
    return dict(sorted(patterns.items()))


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def slots_of(patterns):
    """Open addressing, at most a quarter full, so that a miss costs about one look."""
    size = 1
    while size < 4 * len(patterns):
        size *= 2
    slots = [0] * size
    for number, text in enumerate(patterns, 1):
        at = fnv1a(text) % size
        while slots[at]:
            at = (at + 1) % size
        slots[at] = number
    return slots


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"sv'


def emit(rules, structures):
    canonical = json.dumps([rules, structures], sort_keys=True, separators=(",", ":"))
    version = hashlib.sha256(canonical.encode()).hexdigest()[:12]
    patterns = patterns_of(rules)
    slots = slots_of(patterns)
    if len(patterns) >= 2**16 or len(rules) >= 2**16:
        raise RuleError("more names than the tables can number")

    references, spans = [], {}
    for entry in rules + structures:
        spans[entry["id"]] = f"{{kReferences + {len(references)}, {len(entry['references'])}}}"
        references += entry["references"]

    lines = [
        "// Generated by tools/compile_rules.py from rules/*.toml. Change those instead.",
        '#include "detect/rules_table.h"',
        "",
        "namespace assay::detect::table {",
        "namespace {",
        "using namespace std::string_view_literals;",
        "using finding::Severity;",
        "",
        "constexpr std::string_view kReferences[] = {",
        *(f"    {quoted(reference)}," for reference in references),
        "};",
        "constexpr Rule kRules[] = {",
        *(
            f"    {{{quoted(r['id'])}, Effect::{r['effect']}, {quoted(r['condition'])}, {quoted(r['says'])},\n"
            f"     {quoted(r['remedy'])}, {quoted(r['library'])}, {spans[r['id']]}}},"
            for r in rules
        ),
        "};",
        "constexpr StructureRule kStructures[] = {",
        *(
            f"    {{{quoted(s['id'])}, Severity::{s['severity']}, {quoted(s['says'])},\n"
            f"     {quoted(s['remedy'])}, {spans[s['id']]}}},"
            for s in structures
        ),
        "};",
        "constexpr Pattern kPatterns[] = {",
        *(f"    {{{quoted(text)}, {', '.join(map(str, columns))}}}," for text, columns in patterns.items()),
        "};",
        "constexpr std::uint16_t kSlots[] = {",
        *("    " + ", ".join(map(str, slots[at : at + 24])) + "," for at in range(0, len(slots), 24)),
        "};",
        "}  // namespace",
        "",
        "const std::span<const Rule> rules{kRules};",
        "const std::span<const StructureRule> structures{kStructures};",
        "const std::span<const Pattern> patterns{kPatterns};",
        "const std::span<const std::uint16_t> slots{kSlots};",
        f"const std::size_t longest_pattern = {max(map(len, patterns))};",
        f"const std::string_view version = {quoted(version)};",
        "",
        "}  // namespace assay::detect::table",
        "",
    ]
    return "\n".join(lines)


def main(arguments):
    if len(arguments) != 2:
        print("usage: compile_rules.py RULES_FOLDER OUTPUT.cpp", file=sys.stderr)
        return 64
    try:
        text = emit(*read(pathlib.Path(arguments[0]).resolve()))
    except RuleError as error:
        print(f"compile_rules: {error}", file=sys.stderr)
        return 1
    output = pathlib.Path(arguments[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
