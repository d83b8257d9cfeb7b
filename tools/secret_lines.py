#!/usr/bin/env python3
"""A seeded set of labelled lines, and how well the rules in rules/secrets tell its secrets from the rest.

    secret_lines.py                         prints precision, recall and the confusion by detector; 1 if either is low
    secret_lines.py --write FILE            also writes the set, one JSON object a line; it is never committed
    secret_lines.py --misses                also prints every line that was judged wrongly
    secret_lines.py --seed N --positives N --negatives N

Two halves that know nothing of the patterns: tools/secret_line_values.txt says what issuers' secrets look like and what
their variables are called, the shapes here say how such values stand in real files; tools/secret_line_noise.py writes
lines that look alike and hold no secret. A hit counts only under the right detector and on the right bytes: a secret
found under another name is both a miss and a false alarm.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys

import secret_line_noise as noise
import secrets_model as model
import secrets_templates as templates

LEAST = 0.97
Line = collections.namedtuple("Line", "text detector begin end shape")  # detector is "" where there is no secret

# --- Shapes: (name of the variable, its value) -> text ---------------------------------------------------------------
# "name" is the variable in capitals, as in HF_TOKEN; the value is put in as @@, so that its place is known; @1 and @4
# are its length in one byte and in four.


def camel(name):
    head, *rest = name.lower().split("_")
    return head + "".join(word.capitalize() for word in rest)


def kebab(name):
    return name.lower().replace("_", "-")


def lower(name):
    return name.lower()


SHAPES = {
    "env": lambda n: f"{n}=@@",
    "env-quoted": lambda n: f'{n}="@@"',
    "export": lambda n: f"export {n}=@@",
    "export-single": lambda n: f"export {n}='@@'  # added on setup",
    "fish": lambda n: f"set -gx {n} @@",
    "windows": lambda n: f"set {n}=@@",
    "powershell": lambda n: f'$env:{n} = "@@"',
    "yaml": lambda n: f"    {lower(n)}: @@",
    "yaml-capitals": lambda n: f'  {n}: "@@"',
    "compose": lambda n: f"      - {n}=@@",
    "kubernetes": lambda n: f"        - name: {n}\n          value: @@",
    "json": lambda n: f'  "{n}": "@@",',
    "json-lower": lambda n: f'{{"{lower(n)}": "@@", "region": "eu"}}',
    "json-camel": lambda n: f'{{"{camel(n)}":"@@"}}',
    "ecs": lambda n: f'{{"name": "{n}", "value": "@@"}}',
    "python-environ": lambda n: f'os.environ["{n}"] = "@@"',
    "python-setdefault": lambda n: f"os.environ.setdefault('{n}', '@@')",
    "python-constant": lambda n: f"{n} = '@@'",
    "python-lower": lambda n: f'    {lower(n)} = "@@"  # TODO: move to the vault',
    "python-default": lambda n: f'token = os.getenv("{n}", "@@")',
    "python-keyword": lambda n: f'client = make_client({lower(n)}="@@", timeout=30)',
    "notebook": lambda n: f'    "os.environ[\\"{n}\\"] = \\"@@\\"\\n",',
    "notebook-magic": lambda n: f'    "%env {n}=@@\\n",',
    "javascript": lambda n: f'const {camel(n)} = "@@";',
    "javascript-env": lambda n: f"process.env.{n} = '@@';",
    "typescript": lambda n: f'export const {n}: string = "@@";',
    "js-object": lambda n: f"  {camel(n)}: '@@',",
    "go": lambda n: f'\t{camel(n)} := "@@"',
    "go-setenv": lambda n: f'\tos.Setenv("{n}", "@@")',
    "java": lambda n: f'    private static final String {n} = "@@";',
    "csharp": lambda n: f'    public const string {n} = "@@";',
    "rust": lambda n: f'const {n}: &str = "@@";',
    "c": lambda n: f'#define {n} "@@"',
    "php": lambda n: f"define('{n}', '@@');",
    "php-array": lambda n: f"    '{lower(n)}' => '@@',",
    "ruby": lambda n: f"ENV['{n}'] = '@@'",
    "terraform": lambda n: f'  {lower(n)} = "@@"',
    "tfvars": lambda n: f'{lower(n)}="@@"',
    "properties": lambda n: f"{lower(n).replace('_', '.')}=@@",
    "toml": lambda n: f'{kebab(n)} = "@@"',
    "xml": lambda n: f'    <add key="{n}" value="@@" />',
    "xml-element": lambda n: f"    <{camel(n)}>@@</{camel(n)}>",
    "dockerfile": lambda n: f"ENV {n}=@@",
    "dockerfile-old": lambda n: f"ENV {n} @@",
    "docker-run": lambda n: f"docker run --rm -e {n}=@@ acme/app:latest",
    "history": lambda n: f"  412  {n}=@@ python train.py",
    "flag": lambda n: f"./serve --{kebab(n)} @@ --port 8080",
    "flag-equals": lambda n: f"./serve --{kebab(n)}=@@",
    "helm": lambda n: f"helm upgrade app ./chart --set env.{n}=@@",
    "log": lambda n: f"2024-05-14T09:21:07.113Z DEBUG config loaded: {n}=@@",
    "log-colour": lambda n: f"\x1b[36mINFO\x1b[0m {lower(n)}=\x1b[32m@@\x1b[0m",
    "trace": lambda n: f"KeyError: bad settings {{'{n}': '@@'}}",
    "diff-plus": lambda n: f'+{n} = "@@"',
    "diff-minus": lambda n: f"-  {lower(n)}: @@",
    "markdown": lambda n: f"- `{n}`: `@@`",
    "markdown-table": lambda n: f"| {n} | @@ |",
    "markdown-prose": lambda n: f"Use {n} = @@ for the demo, please do not share it.",
    "csv": lambda n: f"{n},@@",
    "sql": lambda n: f"INSERT INTO settings VALUES ('{n}', '@@');",
    "pickle-4": lambda n: f"\x80\x04}}\x94\x8c{chr(len(n))}{n}\x94\x8c@1@@\x94s.",
    "pickle-2": lambda n: f"\x80\x02}}q\x00X{chr(len(n))}\0\0\0{n}q\x01X@4@@q\x02s.",
}
# Where a value stands without a name: only a value that says itself whose it is can be told there.
NAMELESS = {
    "header": lambda: 'curl -s -H "Authorization: Bearer @@" https://api.acme.io/v1',
    "query": lambda: "GET /v1/things?limit=5&token=@@ HTTP/1.1",
    "comment": lambda: "# old one, rotated? @@",
    "chat": lambda: "bob: here you go: @@",
    "list": lambda: "- @@",
    "call": lambda: 'login("@@")',
    "call-single": lambda: "api = connect('@@')",
    "array": lambda: '["@@"]',
    "netloc": lambda: "git clone https://x:@@@git.acme.io/team/app.git",
    "tag": lambda: "<code>@@</code>",
    "escaped": lambda: '"first line\\n@@\\nlast line"',
    "percent": lambda: "redirect=https%3A%2F%2Facme.io%2Fcb%3Ftoken%3D@@",
}
WHOLE = {
    "bare": lambda: "@@",
    "indented": lambda: "    @@",
    "commented": lambda: "# @@",
    "added": lambda: "+@@",
}


def read_values():
    """(detector, names, template) of tools/secret_line_values.txt."""
    for line in (pathlib.Path(__file__).parent / "secret_line_values.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            detector, names, template = (part.strip() for part in line.split("|", 2))
            yield "secret." + detector, [n.strip() for n in names.split(",") if n.strip()], template


def shapes_of(detector, names, speaks):
    """The shapes a value may stand in: by its names, and without one where the value speaks for itself."""
    if not names:
        return WHOLE
    return SHAPES | NAMELESS if speaks else SHAPES


def positive(rng, detector, names, template, speaks):
    name = rng.choice(names) if names else ""
    shapes = shapes_of(detector, names, speaks)
    shape = rng.choice(sorted(shapes))
    value = templates.expand(template.replace("\\n", "\n") if not names else template, rng.random()).decode()
    value = value.replace("\\\n", "\\n")  # a template that means the two bytes writes \\n
    text = shapes[shape](name) if shape in SHAPES else shapes[shape]()
    count = len(value).to_bytes(4, "little").decode("latin-1")
    if "@1" in text and len(value) > 255:
        text = text.replace("\x8c@1", "X@4")
    text = text.replace("@1", count[0]).replace("@4", count)
    before, after = text.split("@@", 1) if shape != "netloc" else ("git clone https://x:", "@git.acme.io/team/app.git")
    head, open_, rest = value.partition("<<")
    secret, _, tail = rest.partition(">>") if open_ else (value, "", "")
    if not open_:
        head = ""
    data = [part.encode("latin-1") for part in (before + head, secret, tail + after)]
    return Line(b"".join(data), detector, len(data[0]), len(data[0]) + len(data[1]), shape)


def lines(seed, positives, negatives):
    """The set: the positives spread evenly over detectors, the negatives over kinds of noise."""
    rng = random.Random(seed)
    kinds = {d.id: d.kind for d in model.read(model.rules_folder()).detectors}
    values = list(read_values())
    result = []
    for number in range(positives):
        detector, names, template = values[number % len(values)]
        # A name stands beside it where the issuer is known by name only, or shares its form with others.
        result.append(positive(rng, detector, names, template, kinds[detector] == "format" and detector not in NAMED))
    names = sorted({name for _, names, _ in values for name in names})
    writers = sorted(noise.WRITERS)
    for number in range(negatives):
        kind = writers[number % len(writers)]
        result.append(Line(noise.WRITERS[kind](rng, names).encode(), "", 0, 0, kind))
    rng.shuffle(result)
    return result


NAMED = {"secret.google.gemini-key", "secret.facebook.token"}  # their form alone says too little


# --- Judging ---------------------------------------------------------------------------------------------------------


def judge(line, hits):
    """(found, false alarms): whether the line's secret was found, and the hits that are none."""
    right = [h for h in hits if line.detector == h.id and h.begin < line.end and line.begin < h.end]
    return bool(right), [h for h in hits if h not in right]


def hits_of_model(every):
    rules = model.read(model.rules_folder())
    return [model.scan(line.text, rules) for line in every]


def told_by(program, records):
    """What the program of tools/secrets_hits.cpp prints, in lines."""
    framed = b"".join(len(record).to_bytes(4, "little") + record for record in records)
    return subprocess.run([program], input=framed, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()


def hits_of_engine(every, program):
    hits = [[] for _ in every]
    for told in told_by(program, [line.text for line in every]):
        number, detector, begin, end = told.split()
        hits[int(number)].append(model.Hit(int(begin), int(end), detector))
    return hits


def evaluate(every, hits_by_line):
    table = collections.defaultdict(lambda: [0, 0, 0])  # detector -> found, missed, false alarms
    wrong = []
    confused = collections.Counter()
    for line, hits in zip(every, hits_by_line):
        found, alarms = judge(line, hits)
        if line.detector:
            table[line.detector][0 if found else 1] += 1
        for hit in alarms:
            table[hit.id][2] += 1
            confused[line.detector or f"noise {line.shape}", hit.id] += 1
        if line.detector and not hits:
            confused[line.detector, "nothing"] += 1
        if alarms or (line.detector and not found):
            wrong.append((line, hits))
    return table, confused, wrong


def rates(table):
    """(precision, recall) over all lines."""
    found, missed, alarms = (sum(row[i] for row in table.values()) for i in range(3))
    return found / max(1, found + alarms), found / max(1, found + missed)


def confusion(every, table, confused):
    """By detector, what was found and what was taken for what; in lines."""
    yield f"{'detector':44} found missed false  precision recall"
    for detector, (hit, miss, false) in sorted(table.items()):
        yield f"{detector:44} {hit:5} {miss:6} {false:5} {hit / max(1, hit + false):10.3f} {hit / max(1, hit + miss):6.3f}"
    yield "\ntaken for (line -> hit):"
    yield from (f"{count:5}  {truth} -> {said}" for (truth, said), count in confused.most_common())
    with_secret = sum(bool(line.detector) for line in every)
    kinds = {line.detector for line in every if line.detector}
    noises = {line.shape for line in every if not line.detector}
    yield (f"\n{len(every)} lines, {with_secret} with a secret of {len(kinds)} kinds, "
           f"{len(every) - with_secret} without, of {len(noises)} kinds of noise")
    precision, recall = rates(table)
    yield f"precision {precision:.4f}, recall {recall:.4f}; at least {LEAST} asked of each"


def as_json(line, found):
    """Bytes as Latin-1, so that every byte is one character and offsets hold; `hits` is what the reference finds."""
    label = {"detector": line.detector, "begin": line.begin, "end": line.end} if line.detector else None
    hits = [{"detector": h.id, "begin": h.begin, "end": h.end} for h in found]
    return json.dumps({"text": line.text.decode("latin-1"), "secret": label, "shape": line.shape, "hits": hits})


def main():
    parser = argparse.ArgumentParser(description="Evaluates rules/secrets on generated lines.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--positives", type=int, default=6000)
    parser.add_argument("--negatives", type=int, default=6000)
    parser.add_argument("--write", metavar="FILE", help="write the set, with what the reference finds, as JSON lines")
    parser.add_argument("--misses", action="store_true", help="print what was judged wrongly")
    parser.add_argument("--engine", metavar="PROGRAM", help="judge what this program finds (tools/secrets_hits.cpp)")
    arguments = parser.parse_args()

    every = lines(arguments.seed, arguments.positives, arguments.negatives)
    hits = hits_of_engine(every, arguments.engine) if arguments.engine else hits_of_model(every)
    if arguments.write:
        pathlib.Path(arguments.write).write_text("".join(as_json(*pair) + "\n" for pair in zip(every, hits)))
    table, confused, wrong = evaluate(every, hits)
    if arguments.misses:
        for line, hits in wrong:
            text = re.sub(rb"[^ -~]", b"?", line.text)[:200].decode()
            print(f"{line.detector or 'noise'} [{line.shape}] {[hit.id for hit in hits]} {text}")
    print("\n".join(confusion(every, table, confused)))
    return 0 if min(rates(table)) >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
