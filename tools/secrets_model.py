#!/usr/bin/env python3
"""The reference of the secret scanner: bytes in, hits out. docs/secrets-rules.md says it in words.

    secrets_model.py FILE...        prints "file:line: detector begin end" of every hit, never the secret

It is written to be ported line by line: every step is a loop over bytes, patterns need no engine beyond RE2, and no
step looks further than a detector's own bound. What it finds is what any other engine over these rules must find.

    keyword  -> every place where a detector's keyword stands
    pattern  -> matched there, beginning at most `lead` bytes earlier
    border   -> the secret must not go on to the left or the right
    near     -> one of the context words stands within 64 bytes before the secret
    validate -> the detector's checks, then the rules for placeholders that hold for every detector
    overlap  -> of hits that share bytes, the one that says most stays
"""

import base64
import binascii
import collections
import dataclasses
import hashlib
import json
import math
import pathlib
import re
import sys
import tomllib
import zlib

NEAR_BYTES = 64
NAME_BYTES = 32  # of a name before the keyword in it
UNTIL_BYTES = 16_384  # how far an armoured key may reach

# What keeps hostile bytes cheap: each stretch of so many bytes may cost only so much, and only so many hits are kept.
# Where one of these bites, the answer says that it is cut.
STRETCH_BYTES = 65_536
COST_OF_STRETCH = 128 * STRETCH_BYTES
COST_OF_TRY = 256  # and as much again as the bytes that the try may look at
MOST_DOUBTS = 1_024  # in a stretch, tries of patterns that can be read in many ways, where a secret may follow
MOST_HITS = 10_000
MOST_FOUND = 2 * MOST_HITS  # before overlaps are resolved
DEEPEST_JSON = 64
KINDS = ("format", "context", "generic")  # how the issuer is known, and so who wins where hits overlap
BORDERS = ("word", "base64", "none")

WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
HEX = frozenset(b"0123456789abcdefABCDEF")
BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@dataclasses.dataclass(frozen=True)
class Run:
    members: frozenset  # bytes
    least: int  # so many of them in a row

    def is_in(self, data):
        inside = bytes(c in self.members for c in data)
        return b"\1" * self.least in inside


@dataclasses.dataclass(frozen=True)
class Detector:
    id: str
    kind: str
    keywords: tuple
    pattern: str
    matcher: re.Pattern
    lead: int
    fold: bool
    border: str
    near: tuple
    validate: tuple
    until: bytes  # the secret goes on through this literal, if there is one
    over: frozenset  # detectors that give way to this one
    width: int  # the most bytes a match can have
    run: Run  # without which there is no match; for patterns that can be read in many ways
    entry: dict


@dataclasses.dataclass(frozen=True)
class Rules:
    detectors: list  # in the order of their ids
    verifications: list
    published: frozenset  # SHA-256, in hex, of secrets that documentation shows
    index: dict  # the first two bytes of a keyword, in lower case -> the Keywords that begin so


@dataclasses.dataclass(frozen=True, order=True)
class Keyword:
    text: bytes
    fold: bool
    detectors: tuple = dataclasses.field(compare=False)  # in the order of their ids
    cost: int = dataclasses.field(compare=False)  # of trying them all


@dataclasses.dataclass(frozen=True, order=True)
class Hit:
    begin: int  # of the secret, not of the match
    end: int
    id: str


# --- Reading the rules -----------------------------------------------------------------------------------------------


def read(folder):
    """Everything below rules/secrets."""
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))]
    shapes = {name: text for table in tables for name, text in table.get("shape", {}).items()}
    detectors = [detector(entry, shapes) for table in tables for entry in table.get("secret", [])]
    verifications = [entry for table in tables for entry in table.get("verification", [])]
    published = frozenset(entry["sha256"] for table in tables for entry in table.get("published", []))
    detectors.sort(key=lambda d: d.id)
    index = {}
    for keyword in keywords_of(detectors):
        index.setdefault(keyword.text[:2].lower(), []).append(keyword)
    return Rules(detectors, verifications, published, index)


def keywords_of(detectors):
    """Each keyword once, with all the detectors that it leads to; in order."""
    owners = {}
    for d in detectors:
        for text in d.keywords:
            owners.setdefault((text, d.fold), []).append(d)
    return [Keyword(*key, tuple(ds), sum(COST_OF_TRY + reach(d) for d in ds)) for key, ds in sorted(owners.items())]


def reach(d):
    """How many bytes from the beginning of its keyword on a detector may look at to find the secret's end."""
    return d.width + (UNTIL_BYTES if d.until else 0)


def expand_shapes(pattern, shapes):
    """Puts the named piece in the place of each %{name}. Shapes hold no shapes, so once is enough."""
    return re.sub(r"%\{([a-z-]+)\}", lambda found: shapes[found[1]], pattern)


def detector(entry, shapes):
    pattern = expand_shapes(entry["pattern"], shapes)
    matcher = re.compile(pattern.encode())
    tree = re._parser.parse(pattern.encode())
    is_doubtful = "}?" in pattern and entry.get("kind") == "context" and matcher.groups and not entry.get("lead")
    return Detector(
        id=entry["id"], kind=entry.get("kind", "format"), keywords=tuple(k.encode() for k in entry["keywords"]),
        pattern=pattern, matcher=matcher, lead=entry.get("lead", 0), fold=entry.get("fold", False),
        border=entry.get("border", "word"), near=tuple(word.lower().encode() for word in entry.get("near", [])),
        validate=tuple(entry.get("validate", [])), until=entry.get("until", "").encode(),
        over=frozenset(entry.get("over", [])), width=tree.getwidth()[1],
        run=run_of(secret_in(tree)) if is_doubtful else None, entry=entry,
    )


def secret_in(tree):
    """The part of a pattern that is group 1; None where it is elsewhere."""
    for op, argument in tree:
        if str(op) == "SUBPATTERN" and argument[0] == 1:
            return argument[3]
        inner = argument[3:] if str(op) == "SUBPATTERN" else argument[1] if str(op) == "BRANCH" else ()
        for part in inner:
            if (found := secret_in(part)) is not None:
                return found
    return None


def run_of(tree):
    """What every text of `tree` holds: so many bytes in a row of those that stand in it anywhere."""
    return Run(frozenset(bytes_in(tree, False)), tree.getwidth()[0])


def bytes_in(tree, fold):
    return set().union(*(bytes_of(str(op), argument, fold) for op, argument in tree))


def bytes_of(name, argument, fold):
    """The bytes that stand anywhere in what a piece of a pattern matches."""
    if name == "SUBPATTERN":
        return bytes_in(argument[3], fold or bool(argument[1] & re.IGNORECASE))
    if name == "BRANCH":
        return set().union(*(bytes_in(branch, fold) for branch in argument[1]))
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        return bytes_in(argument[2], fold)
    if name == "LITERAL":
        found = {argument}
    elif name == "RANGE":
        found = set(range(argument[0], argument[1] + 1))
    else:  # a class
        found = bytes_in([item for item in argument if str(item[0]) != "NEGATE"], fold)
        found = set(range(256)) - found if str(argument[0][0]) == "NEGATE" else found
    return found | {ord(chr(byte).swapcase()) for byte in found if fold and chr(byte).isascii()}


# --- Detection -------------------------------------------------------------------------------------------------------


def scan(data, rules):
    """All hits in `data`, in the order of their places, none sharing a byte with another."""
    return examine(data, rules)[0]


def examine(data, rules):
    """The hits, and whether something was left out because there was too much of it."""
    folded = data.lower()
    found = []  # (hit, begin of the match)
    places, cut = affordable(keywords_in(data, folded, rules.index))
    doubts = collections.Counter()
    for at, keyword in places:
        for d in keyword.detectors:
            if d.run and not d.run.is_in(data[at : at + d.width]):
                continue
            stretch = (at + len(keyword.text)) // STRETCH_BYTES
            doubts[stretch] += d.run is not None
            if d.run and doubts[stretch] > MOST_DOUBTS:
                cut = True
            elif hit := hit_at(d, data, folded, at, len(keyword.text), rules.published):
                found.append(hit)
    hits = resolve(found[:MOST_FOUND], rules)
    return hits[:MOST_HITS], cut or len(found) > MOST_FOUND or len(hits) > MOST_HITS


def keywords_in(data, folded, index):
    """Every (place, keyword), by where the keyword ends: what a multi-pattern engine reports of the keywords."""
    found = [(at, keyword) for at in range(len(data) - 1) for keyword in index.get(folded[at : at + 2], ())
             if (folded if keyword.fold else data).startswith(keyword.text, at)]
    return sorted(found, key=lambda place: (place[0] + len(place[1].text), place[1]))


def affordable(places):
    """The places that are looked at, and whether some are not: in a stretch that holds too many keywords, the first ones
    use up what may be spent there. A keyword belongs to the stretch in which it ends."""
    kept, spent = [], {}
    for at, keyword in places:
        stretch = (at + len(keyword.text)) // STRETCH_BYTES
        if spent.get(stretch, 0) + keyword.cost <= COST_OF_STRETCH:
            spent[stretch] = spent.get(stretch, 0) + keyword.cost
            kept.append((at, keyword))
    return kept, len(kept) < len(places)


def hit_at(d, data, folded, at, keyword_bytes, published):
    """(hit, begin of the match) where the keyword at `at` leads to one. One try: a match that a later step refuses is
    not looked for elsewhere."""
    first = max(0, at - d.lead)
    match = d.matcher.search(data, first, min(len(data), at + d.width))
    if not match or match.start() > at or match.end() < at + keyword_bytes:
        return None
    begin, end = match.span(1 if d.matcher.groups else 0)
    if d.until:
        last = data.find(d.until, begin, begin + UNTIL_BYTES)
        if last < 0:
            return None
        end = last + len(d.until)
    if not border_holds(d.border, data, begin, end, begin == match.start()):
        return None
    if d.near and not any(word in folded[max(0, begin - NEAR_BYTES) : begin] for word in d.near):
        return None
    secret, before = data[begin:end], data[name_begin(data, match.start()) : begin]
    if not all(VALIDATORS[name](secret, before, argument) for name, argument in map(split_validator, d.validate)):
        return None
    if is_placeholder(secret, d.kind) or hashlib.sha256(secret).hexdigest() in published:
        return None
    return Hit(begin, end, d.id), match.start()


def name_begin(data, at):
    """Where the name begins in whose middle a keyword may stand: "csrf" belongs to csrf_token."""
    first = max(0, at - NAME_BYTES)
    while at > first and (data[at - 1] in WORD or data[at - 1] in b".-"):
        at -= 1
    return at


def split_validator(text):
    name, _, argument = text.partition(":")
    return name, argument


def border_holds(border, data, begin, end, starts_match):
    """Whether the secret is whole. What stands before it is only asked where the pattern has not said it already."""
    if border == "none" or is_counted(data, begin, end) or is_line_of_pickle(data, begin, end):
        return True
    more_left, more_right = (b"+/", b"-+/=") if border == "base64" else (b"", b"-")
    if starts_match and begin:
        byte = data[begin - 1]
        if byte in more_left or (byte in WORD and not ends_escape(data, begin)):
            return False
    return end == len(data) or not (data[end] in WORD or data[end] in more_right)


def is_counted(data, begin, end):
    """Whether a pickle says in front of the secret that it has exactly this length: what follows is the next opcode,
    and may be a letter."""
    length = end - begin
    if begin >= 2 and data[begin - 2] in b"\x8cUC" and data[begin - 1] == length:
        return True
    return begin >= 5 and data[begin - 5] in b"XTB" and data[begin - 4 : begin] == length.to_bytes(4, "little")


def is_line_of_pickle(data, begin, end):
    """Whether the secret is a line behind a pickle's opcode V, as protocol 0 writes a text. Before that stands the end
    of a line, or an opcode without an argument."""
    if begin == 0 or data[begin - 1 : begin] != b"V" or data[end : end + 1] != b"\n":
        return False
    return begin == 1 or data[begin - 2] in b"\nas(tlde"


def ends_escape(data, at):
    """Whether the letter or digit before `at` is the end of an escape, and so no part of a longer word:
    a backslash escape such as \\n, a percent escape such as %3D, \\u003d, or a terminal's colour."""
    if at >= 2 and data[at - 2] == ord("\\") and data[at - 1] in b"abfnrtv":
        return True
    if at >= 3 and data[at - 3] == ord("%") and data[at - 2] in HEX and data[at - 1] in HEX:
        return True
    if at >= 6 and data[at - 6 : at - 4] == b"\\u" and all(c in HEX for c in data[at - 4 : at]):
        return True
    return data[at - 1] == ord("m") and re.search(rb"\x1b\[[0-9;]{0,8}m\Z", data[max(0, at - 12) : at]) is not None


def resolve(found, rules):
    """Of hits that share bytes, one stays. A hit whose detector another one names in `over` gives way to it. Then the
    first in this order stays: the issuer known by format, then by context, then not;
    where a name is the evidence, the nearer name; then the longer secret; then the earlier one; then the id, so that
    the answer never depends on chance."""
    by_id = {d.id: d for d in rules.detectors}
    nearest = {}  # hit -> where the latest match began that led to it
    for hit, match_begin in found:
        nearest[hit] = max(match_begin, nearest.get(hit, 0))

    def order(hit):
        kind = by_id[hit.id].kind
        distance = 0 if kind == "format" else hit.begin - nearest[hit]
        return KINDS.index(kind), distance, hit.begin - hit.end, hit.begin, hit.id

    def share(a, b):
        return a.begin < b.end and b.begin < a.end

    kept = []
    commanding = [hit for hit in nearest if by_id[hit.id].over]
    standing = [h for h in nearest if not any(h.id in by_id[other.id].over and share(h, other) for other in commanding)]
    for hit in sorted(standing, key=order):
        if not any(share(hit, other) for other in kept):
            kept.append(hit)
    return sorted(kept)


# --- Placeholders ----------------------------------------------------------------------------------------------------

# Words that no issuer puts into a secret; long enough that a random one does not hold them by chance.
PLACEHOLDER_WORDS = (
    b"example", b"xxxx", b"changeme", b"change-me", b"change_me", b"placeholder", b"redacted", b"dummy", b"sample",
    b"insert", b"replace", b"yourkey", b"your-", b"your_", b"-your", b"_your", b"yourtoken", b"yoursecret", b"yourapi",
    b"mysecret", b"my-secret", b"my_secret", b"mytoken", b"my-token", b"my_token", b"my_key", b"my-key", b"secret_here",
    b"_here", b"-here", b"keyhere", b"tokenhere", b"todo", b"fake", b"foobar", b"qwerty", b"asdf", b"notreal",
    b"not-real", b"not_real", b"invalid", b"undefined", b"test-key", b"test_key", b"test-token", b"test_token",
    b"testkey", b"testtoken", b"deadbeef", b"cafebabe", b"lorem", b"censored", b"revoked", b"hidden", b"masked",
)
# Only these are asked of a secret whose format is known: five letters and more, which a random one hardly ever holds.
FIRM_WORDS = tuple(word for word in PLACEHOLDER_WORDS if len(word) >= 5) + (b"xxxxx",)
PLACEHOLDER_MARKS = (b"${", b"{{", b"}}", b"$(", b"<", b">", b"***", b"...", b"\xe2\x80\xa6", b"os.environ/")


MOMENT = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")  # PasswordLastUsed


def is_placeholder(secret, kind):
    lower = secret.lower()
    if any(word in lower for word in (FIRM_WORDS if kind == "format" else PLACEHOLDER_WORDS)):
        return True
    if kind != "format" and any(mark in secret for mark in PLACEHOLDER_MARKS):
        return True
    if b"-----BEGIN" in secret:  # armour has its own check, and zeros stand in honest keys
        return False
    if kind != "format" and MOMENT.match(secret):
        return True
    if len(secret) > 300:  # so long a text holds any small pattern by chance
        return False
    return has_run(lower) or has_sequence(lower) or is_repetition(tail_of(lower))


def has_run(secret, bytes_in_run=6):
    """aaaaaa: somebody leaned on a key."""
    run = 1
    for previous, current in zip(secret, secret[1:]):
        run = run + 1 if current == previous else 1
        if run >= bytes_in_run:
            return True
    return False


def has_sequence(secret, bytes_in_run=8):
    """abcdefgh or 12345678, also 9 to 0 and up again, as people type them; 0-9 may go on with a."""
    run = 1
    for previous, current in zip(secret, secret[1:]):
        follows = current == previous + 1 or bytes((previous, current)) in (b"90", b"9a")
        run = run + 1 if follows else 1
        if run >= bytes_in_run:
            return True
    return False


def tail_of(secret):
    """What follows the last separator of the prefix: the part that should be random."""
    for mark in (b"_", b"-", b"."):
        head, _, tail = secret.rpartition(mark)
        if len(tail) >= 16 and len(head) <= 24:
            return tail
    return secret


def is_repetition(secret):
    """One block of up to 10 bytes again and again, as in abc123abc123abc123, or hardly any different bytes."""
    if len(secret) < 12:
        return False
    if len(set(secret)) < 5:
        return True
    return any(secret[period:] == secret[:-period] for period in range(1, min(10, len(secret) // 2) + 1))


# --- Validators ------------------------------------------------------------------------------------------------------
# Each takes the secret, the part of the match before it, and its argument. The list is closed: rules choose from it.


def entropy_at_least(secret, _, bits):
    """Shannon entropy of the secret's bytes, in bits per byte."""
    counts = [secret.count(byte) for byte in set(secret)]
    return -sum(n / len(secret) * math.log2(n / len(secret)) for n in counts) >= float(bits)


def length_is(secret, _, bounds):
    least, _, most = bounds.partition("-")
    return int(least) <= len(secret) <= int(most or least)


def has_classes(secret, _, count):
    """Upper case, lower case, digits and everything else are the classes."""
    classes = {
        "upper" if c in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ" else "lower" if c in b"abcdefghijklmnopqrstuvwxyz"
        else "digit" if c in b"0123456789" else "other" for c in secret
    }
    return len(classes) >= int(count)


def has_digits(secret, _, count):
    return sum(c in b"0123456789" for c in secret) >= int(count)


def is_not_hex(secret, _, __):
    """Hash sums and commit ids are quiet where the issuer's alphabet is wider."""
    return not all(c in HEX for c in secret)


UUID = re.compile(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def is_not_uuid(secret, _, __):
    return UUID.fullmatch(secret) is None


HASH_NAMES = (
    b"sha1", b"sha-1", b"sha2", b"sha-2", b"sha5", b"sha-5", b"md5", b"hash", b"digest", b"checksum", b"integrity",
    b"etag", b"commit", b"revision", b"fingerprint", b"blob", b"oid", b"tree", b"_sha", b"git+", b".git@", b"uuid",
    b"guid",
)


def is_not_hash_name(_, before, __):
    """False where the name beside the value says that it is a sum or an id, or the value ends a path or
    stands behind name@."""
    lower = before.lower()
    return lower[-1:] not in (b"@", b"/", b"#") and not any(word in lower for word in HASH_NAMES)


OTHER_NAMES = HASH_NAMES + (
    b"public", b"publishable", b"_url", b"-url", b"uri", b"path", b"file", b"folder", b"_dir", b"name", b"_id", b"-id",
    b"type", b"count", b"length", b"limit", b"tokenizer", b"_tokens", b"max_", b"expir", b"policy", b"pattern",
    b"regex", b"field", b"label", b"hint", b"prompt", b"message", b"error", b"salt", b"csrf", b"xsrf", b"endpoint",
    b"issuer", b"algorithm", b"size", b"resource", b"secretref", b"placeholder", b"example", b"tokenize",
    b"bos_token", b"eos_token", b"unk_token", b"pad_token", b"sep_token", b"cls_token", b"mask_token", b"next_token",
    b"page_token", b"continuation", b"model", b"cursor", b"template", b"test", b"selector", b"class",
    b"keyboard", b"data-", b"keyid", b"exporter_secret",
)


def is_secret_name(_, before, __):
    """False where the name beside the value says that it is something else: a path, a limit, a token of a text."""
    lower = before.lower()
    return not any(word in lower for word in OTHER_NAMES)


# The 110 commonest pairs of letters in the text of Python's standard library: 78 of 100 pairs there, 16 of 100 in
# random letters.
BIGRAMS = frozenset(
    b"se in re er th el on or te de en le at st he es et me lf is ar al ti nt co ne an no it if nd ro tr li ed ta ur "
    b"ra am ec as ng io na fi to il tu ct ex pe od ef ri pa ot ma rn ce ss si fo ea di la ve ac lo ge rt ca pr nc ns "
    b"im ad un ha mp ul ll po om ou op rr ue ch ls rs mo va cl ut os pt ts ai ic em ep rg be ck of pl us oc ty ke"
    .split()
)


def is_not_words(secret, _, __):
    """Identifiers and sentences: of their neighbouring letters most are common pairs, and of random ones few are.
    Hex digits are let through, because their six letters happen to be common ones."""
    if not is_not_hex(secret, _, __):
        return True
    lower = secret.lower()
    pairs = [lower[i : i + 2] for i in range(len(lower) - 1) if lower[i : i + 2].isalpha()]
    return len(pairs) < 8 or sum(pair in BIGRAMS for pair in pairs) * 20 < len(pairs) * 11


def is_password(secret, _, __):
    """Somebody's password rather than a reference to one: no variable, call or link, and no single word."""
    if secret[:1] in b"${[(<" or secret[:2] in (b"%s", b"%(") or (secret[:1] == b"%" and secret[-1:] == b"%"):
        return False
    if any(mark in secret for mark in (b"()", b"${", b"#{", b"{{", b"{}", b"://", b"=>")):
        return False
    if secret.lower() in COMMON_PASSWORDS or is_constant(secret):
        return False
    return len(set(secret)) >= 5 and has_classes(secret, _, 2)


def is_constant(secret):
    """KRB5_PASSWORD, and @KRB5_PASSWORD: a name in capitals, whose value stands elsewhere."""
    name = secret.removeprefix(b"@")
    letters = bytes(c for c in name if not bytes((c,)).isdigit() and c != 0x5F)
    return b"_" in name and letters.isalpha() and letters.isupper()


# What examples and development set-ups use; whoever reads one of these has learned nothing.
COMMON_PASSWORDS = frozenset((
    b"password", b"passwd", b"secret", b"admin", b"default", b"username", b"string", b"null", b"none",
    b"password1", b"password123", b"passw0rd", b"p@ssw0rd", b"p@ssword", b"pass123", b"admin123",
    b"secret123", b"test123", b"test1234", b"root123", b"user123", b"postgres", b"letmein", b"hunter2", b"changeit",
    b"guest123", b"pass1234", b"welcome1", b"abc12345", b"abcd1234", b"a1b2c3d4", b"1q2w3e4r", b"pa$$w0rd", b"pa55word",
    b"minioadmin123", b"mypassword1", b"my-password", b"my_password", b"your-password", b"secret-password",
    b"super-secret", b"super_secret", b"top-secret", b"s3cr3t", b"sup3rs3cr3t", b"not-a-secret", b"pass-word", b"p4ssw0rd",
    b"password1234", b"passwort",
))


def base62_of(number, digits):
    text = b""
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text = BASE62[digit : digit + 1] + text
    return text


def is_not_name(secret, _, __):
    """Has a digit, or a symbol that names do not have."""
    return any(not (bytes((c,)).isalpha() or c in b"_-. ") and c < 128 for c in secret)


# A value that speaks of a secret is the name of one: V1SecretVolumeSource, dk.encryptionKey1024. A prefix is none,
# because enough follows to be a secret by itself.
SECRET_WORDS = (
    b"secret", b"token", b"password", b"passwd", b"credential", b"apikey", b"api_key", b"api-key", b"accesskey",
    b"access_key", b"privatekey", b"private_key", b"encryptionkey", b"encryption_key",
)
SHORTEST_BEHIND_WORD = 16


def speaks_of_no_secret(secret, _, __):
    """No word such as "secret" or "token" stands in its last bytes."""
    return not any(word in secret.lower()[-len(word) - SHORTEST_BEHIND_WORD + 1 :] for word in SECRET_WORDS)


def crc32_base62_holds(secret, _, __):
    """GitHub's and npm's checksum: the last six bytes are the CRC-32 of what stands between the last underscore and
    them, written in base 62 (0-9, A-Z, a-z) with leading zeros."""
    body = secret.rpartition(b"_")[2]
    return len(body) > 6 and base62_of(zlib.crc32(body[:-6]), 6) == body[-6:]


def decoded(text):
    """Standard or URL alphabet, with or without padding; None where it is neither."""
    plain = text.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    if len(plain) % 4 == 1:
        return None
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return None


def is_base64(secret, _, bounds):
    """Decodes; with an argument N or N-M, to so many bytes."""
    raw = decoded(secret)
    return raw is not None and (not bounds or length_is(raw, b"", bounds))


def json_object(text):
    """The object that `text` is, in UTF-8 and not too deeply nested; None where it is something else."""
    try:
        value = json.loads(text.decode("utf-8"))  # bytes would also be read as UTF-16 and UTF-32
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and nesting(text) <= DEEPEST_JSON else None


def nesting(text):
    """How deep the brackets of a JSON text go."""
    depth = deepest = 0
    for c in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", text):
        depth += (c in b"[{") - (c in b"]}")
        deepest = max(deepest, depth)
    return deepest


def is_base64_json(secret, _, key):
    """Decodes to a JSON object; with an argument, one that has this key."""
    value = json_object(decoded(secret) or b"")
    return value is not None and (not key or key in value)


def is_jwt(secret, _, __):
    """header.payload.signature: two JSON objects, the first with an "alg" that is not "none", and not John Doe's."""
    header, payload, signature = (secret.split(b".") + [b"", b""])[:3]
    head, claims = json_object(decoded(header) or b""), json_object(decoded(payload) or b"")
    if head is None or claims is None or not isinstance(head.get("alg"), str) or head["alg"].lower() == "none":
        return False
    return len(signature) >= 20 and claims.get("name") != "John Doe"


def is_base64_text(secret, _, mark):
    """The part before the first dot decodes to digits ("digits"), or all of it to user:password in printable ASCII
    ("login")."""
    raw = decoded(secret.split(b".")[0])
    if not raw or not all(32 <= c < 127 for c in raw):
        return False
    if mark == "digits":
        return raw.isdigit()
    password = raw.partition(b":")[2]
    return len(password) >= 4 and is_password(password, _, "") and not is_placeholder(password, "generic")


def bech32_holds(secret, _, __):
    """The checksum of BIP-173 over a human-readable part, "1" and the data, in one case."""
    lower = secret.lower()
    if secret not in (lower, secret.upper()):
        return False
    human, _, data = lower.rpartition(b"1")
    if len(data) < 6 or any(c not in BECH32 for c in data):
        return False
    values = [c >> 5 for c in human] + [0] + [c & 31 for c in human] + [BECH32.index(c) for c in data]
    return bech32_polymod(values) == 1


def bech32_polymod(values):
    state = 1
    for value in values:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= term if top >> bit & 1 else 0
    return state


def base58check_holds(secret, _, __):
    """Bitcoin's base 58: the last four bytes are the head of a double SHA-256 over the others."""
    number = 0
    for c in secret:
        digit = BASE58.find(c)
        if digit < 0:
            return False
        number = number * 58 + digit
    zeros = len(secret) - len(secret.lstrip(b"1"))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


ARMOUR = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)(?:-----END|\Z)", re.DOTALL)
ARMOUR_HEADERS = re.compile(rb"(?:Proc-Type|DEK-Info|Version|Comment|Subject|X-[A-Za-z-]+): [^\n\\]*")


def is_der(raw):
    """A SEQUENCE of which at least half is there: documentation shows the first line of a key, and of a whole one a few
    bytes are lost with the marks around its lines."""
    count = raw[1] & 0x7F if raw[1] >= 0x80 else 0
    length = int.from_bytes(raw[2 : 2 + count], "big") if count else raw[1]
    return raw[:1] == b"\x30" and count <= 4 and length <= 2 * len(raw)


def is_armour(secret, _, start):
    """The body between BEGIN and END decodes, whether its lines end in newlines or in the two bytes of \\n, is at least
    32 bytes long, not all of one kind, and begins with the argument: "der" (most of a SEQUENCE), "openssh", or nothing."""
    found = ARMOUR.match(secret)
    if not found:
        return False
    body = ARMOUR_HEADERS.sub(b"", found[2].replace(b"\\r", b"").replace(b"\\n", b"\n"))
    lines = [line.strip(b" \t\r\"',+\\>|#*") for line in body.split(b"\n")]
    text = b"".join(line for line in lines if not line.startswith(b"="))  # OpenPGP's CRC-24 has a line of its own
    raw = decoded(text[: len(text) // 4 * 4])
    if raw is None or len(raw) < 32 or len(set(raw)) < 16:
        return False
    if b"DEK-Info:" in found[2]:  # encrypted the old way: the body is cipher text
        return True
    begins = {"der": is_der(raw), "openssh": raw.startswith(b"openssh-key-v1\0"), "": True}
    return begins[start]


VALIDATORS = {
    "entropy": entropy_at_least, "length": length_is, "classes": has_classes, "digits": has_digits,
    "not-hex": is_not_hex, "not-uuid": is_not_uuid, "not-hash-name": is_not_hash_name, "secret-name": is_secret_name,
    "not-words": is_not_words, "not-name": is_not_name, "not-secret-word": speaks_of_no_secret,
    "password": is_password,
    "crc32-base62": crc32_base62_holds, "base64": is_base64,
    "base64-json": is_base64_json, "base64-text": is_base64_text, "jwt": is_jwt, "bech32": bech32_holds,
    "base58check": base58check_holds, "armour": is_armour,
}
TAKES_ARGUMENT = {"entropy", "length", "classes", "digits", "base64-text"}
MAY_TAKE_ARGUMENT = {"base64", "base64-json", "armour"}


def rules_folder():
    return pathlib.Path(__file__).resolve().parent.parent / "rules" / "secrets"


def main(arguments):
    rules = read(rules_folder())
    for name in arguments:
        data = pathlib.Path(name).read_bytes()
        for hit in scan(data, rules):
            line = data.count(b"\n", 0, hit.begin) + 1
            print(f"{name}:{line}: {hit.id} {hit.begin} {hit.end}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
