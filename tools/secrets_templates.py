"""Turns the templates of rules/secrets into samples. No secret stands in the repository, and none that looks like one:
a template says how a sample is made, and a seeded generator makes it.

    hf_{letters:34}                 34 random letters
    {base62:40-64}                  40 to 64 of them
    ghp_{base62:30}{crc62}          and the checksum over what stands since the last underscore
    {{ and }}                       braces

docs/secrets-rules.md lists the words. Samples follow from seed and template alone.
"""

import base64
import hashlib
import json
import random
import re
import string
import uuid
import zlib

import secrets_model as model

ALPHABETS = {
    "letters": string.ascii_letters, "lower": string.ascii_lowercase, "upper": string.ascii_uppercase,
    "digits": string.digits, "base62": string.ascii_letters + string.digits,
    "base36": string.ascii_lowercase + string.digits, "BASE36": string.ascii_uppercase + string.digits,
    "hex": "0123456789abcdef", "HEX": "0123456789ABCDEF", "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/", "base64url": string.ascii_letters + string.digits + "-_",
    "base58": model.BASE58.decode(), "bech32": model.BECH32.decode(),
    "symbols": string.ascii_letters + string.digits + "!%^&*-_+.~",
}
HOLE = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9-]+)(?::([^{}]*))?\}")


class TemplateError(Exception):
    pass


def expand(template, seed):
    """The sample that `template` stands for, as bytes; the same for the same seed."""
    rng = random.Random(f"{seed}|{template}")
    out, at = "", 0
    for hole in HOLE.finditer(template):
        out += literal(template, at, hole.start())
        out += hole[0][0] if hole[1] is None else fill(hole[1], hole[2] or "", out, rng)
        at = hole.end()
    return (out + literal(template, at, len(template))).encode()


def literal(template, begin, end):
    text = template[begin:end]
    if "{" in text or "}" in text:
        raise TemplateError(f"a lone brace in '{template}'; write {{{{ or }}}}")
    return text


def fill(word, argument, before, rng):
    if word in ALPHABETS:
        least, _, most = argument.partition("-")
        return "".join(rng.choices(ALPHABETS[word], k=rng.randint(int(least), int(most or least))))
    if word not in GENERATORS:
        raise TemplateError(f"unknown word '{word}'")
    return GENERATORS[word](argument, before, rng)


def crc62(_, before, __):
    return model.base62_of(zlib.crc32(before.rpartition("_")[2].encode()), 6).decode()


def b64(count, _, rng):
    """Padded base64 of so many random bytes."""
    return base64.b64encode(rng.randbytes(int(count))).decode()


def b64url(count, _, rng):
    return base64.urlsafe_b64encode(rng.randbytes(int(count))).decode().rstrip("=")


def unpadded(value):
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def value_of(text, rng):
    """A value of {json64}: the name of an alphabet and a count, as in hex*40, "uuid", or the text itself."""
    if text == "uuid":
        return uuid_of("", "", rng)
    name, star, count = text.partition("*")
    return "".join(rng.choices(ALPHABETS[name], k=int(count))) if star and name in ALPHABETS else text


def json64(fields, _, rng):
    """Padded base64 of the JSON object of key=value,key=value."""
    pairs = [field.split("=", 1) for field in fields.split(",")]
    value = {key: value_of(text, rng) for key, text in pairs}
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def text64(template, _, rng):
    """Padded base64 of texts and values joined by "~", as in admin:~base62*20."""
    return base64.b64encode("".join(value_of(part, rng) for part in template.split("~")).encode()).decode()


def uuid_of(_, __, rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def jwt(claims, _, rng):
    payload = dict(field.split("=", 1) for field in claims.split(",") if field)
    payload = {key: value_of(text, rng) for key, text in payload.items()}
    payload |= {"sub": str(rng.getrandbits(40)), "iat": 1700000000 + rng.getrandbits(24)}
    header = {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    signature = base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("=")
    return f"{unpadded(header)}.{unpadded(payload)}.{signature}"


def wrapped(raw, columns):
    text = base64.b64encode(raw).decode()
    return "\n".join(text[at : at + columns] for at in range(0, len(text), columns))


def der(count, _, rng):
    """The body of a PEM file: a DER SEQUENCE of random bytes."""
    body = int(count) - 4
    return wrapped(b"\x30\x82" + body.to_bytes(2, "big") + rng.randbytes(body), 64)


def der_line(count, before, rng):
    """The same with the two bytes \\n for each line's end, as JSON writes it."""
    return der(count, before, rng).replace("\n", "\\n")


def openssh(count, _, rng):
    return wrapped(b"openssh-key-v1\0" + rng.randbytes(int(count)), 70)


def pgp(count, _, rng):
    return wrapped(b"\x95" + rng.randbytes(int(count)), 64) + "\n=" + base64.b64encode(rng.randbytes(3)).decode()


def bech32_check(human, _, rng):
    """Human-readable part, "1", 32 random bytes as 52 letters, and the checksum; upper case if the argument is."""
    data = [rng.randrange(32) for _ in range(52)]
    low = human.lower().encode()
    spread = [c >> 5 for c in low] + [0] + [c & 31 for c in low]
    check = model.bech32_polymod(spread + data + [0] * 6) ^ 1
    data += [check >> 5 * (5 - i) & 31 for i in range(6)]
    text = human.lower() + "1" + "".join(chr(model.BECH32[value]) for value in data)
    return text.upper() if human.isupper() else text


def base58_check(head, _, rng):
    """Base 58 of the bytes given in hex as "head", random ones up to the length behind "+", and the checksum."""
    head, _, count = head.partition("+")
    raw = bytes.fromhex(head) + rng.randbytes(int(count))
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = chr(model.BASE58[digit]) + text
    return text


GENERATORS = {
    "crc62": crc62, "b64": b64, "b64url": b64url, "json64": json64, "text64": text64, "uuid": uuid_of, "jwt": jwt,
    "der": der, "der-line": der_line, "openssh": openssh, "pgp": pgp, "bech32-check": bech32_check,
    "base58-check": base58_check,
    "repeat": lambda argument, _, __: argument.rpartition("*")[0] * int(argument.rpartition("*")[2]),
    "pick": lambda argument, _, rng: rng.choice(argument.split("|")),
}
