#!/usr/bin/env python3
"""Holds the scanner against its model: the same hits, to the byte, in generated lines and in damaged ones.

    compare_secrets.py SECRETS_HITS [--seed N] [--lines N]

SECRETS_HITS is the program of tools/secrets_hits.cpp.
"""

import argparse
import random
import sys

import secret_lines
import secrets_model as model

JOINED_LINES = 40  # in one record, so that neighbours overlap and windows move


def damaged(text, rng):
    """One of the ways in which secrets arrive: cut off, glued to something, with a byte changed, or twice."""
    at, byte = rng.randrange(len(text) + 1), bytes((rng.randrange(256),))
    return rng.choice((text[:at], text[at:], text[:at] + byte + text[at:], text[:at] + byte + text[at + 1 :], text + text))


def hostile(rng):
    """What the bounds of the model are for."""
    yield b"".join(b"auth0" + rng.randbytes(2).hex().encode() for _ in range(20_000))
    yield b"eyJ" * 50_000
    yield b"-----BEGIN PRIVATE KEY-----" * 4_000 + b"-----END PRIVATE KEY-----"
    yield b"password=Ab1x" * 9_000
    yield b'"' * 100_000


def records(seed, count):
    rng = random.Random(seed)
    lines = [line.text for line in secret_lines.lines(seed, count // 2, count - count // 2)]
    joined = [b"\n".join(lines[at : at + JOINED_LINES]) for at in range(0, len(lines), JOINED_LINES)]
    return [*lines, *(damaged(line, rng) for line in lines), *joined, b"\n".join(lines), *hostile(rng)]


def said_by_model(number, data, rules):
    hits, cut = model.examine(data, rules)
    return [f"{number} {hit.id} {hit.begin} {hit.end}" for hit in hits] + [f"{number} cut"] * cut


def main():
    parser = argparse.ArgumentParser(description="Holds the scanner against its model.")
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--lines", type=int, default=4000)
    arguments = parser.parse_args()

    data = records(arguments.seed, arguments.lines)
    told = secret_lines.told_by(arguments.program, data)
    rules = model.read(model.rules_folder())
    expected = [line for number, record in enumerate(data) for line in said_by_model(number, record, rules)]
    different = sorted(set(told) ^ set(expected))
    for line in different[:20]:
        print(f"only {'the model' if line in expected else 'the scanner'}: {line}: {data[int(line.split()[0])][:200]!r}")
    print(f"secrets: {len(data)} records, {len(expected)} hits of the model, {len(different)} differences")
    return 1 if told != expected else 0


if __name__ == "__main__":
    sys.exit(main())
