"""What Assay says a pickle looks up and calls is what CPython's own unpicklers look up and call."""

from __future__ import annotations

import _compat_pickle
import functools
import json
import os
import random

import pytest

import oracle
from assembler import pickle
from conftest import CORPUS
from pickles import Told, as_text, disagreement, disagreements, facts_of, mutations, random_program, readings_of, shortened

PROGRAMS = int(os.environ.get("ASSAY_PROGRAMS", 4000))
MUTATIONS = int(os.environ.get("ASSAY_MUTATIONS", 4000))
SEED = int(os.environ.get("ASSAY_SEED", 1))
AT_ONCE = 500
MOST_SHOWN = 10


def agree(pickles: list[bytes], folder, exact: bool):
    """Fails with each disagreement, and with a short pickle for the first."""
    found = disagreements(pickles, folder, exact)
    if found:
        short = shortened(bytes.fromhex(found[0].split()[0]), folder, exact).hex()
        pytest.fail(f"{len(found)} disagreements, the first one in short: {short}\n" + "\n".join(found[:MOST_SHOWN]), pytrace=False)


@functools.cache
def corpus_pickles() -> dict[str, bytes]:
    """Raw pickles of the corpus that are worth running many times."""
    out = {}
    for path in sorted((CORPUS / "cases").glob("*/*/expect.json")):
        sample = path.parent / "input"
        if json.loads(path.read_text())["loader"] == "pickle" and sample.is_file() and 0 < sample.stat().st_size < 4000:
            out["/".join(path.parts[-3:-1])] = sample.read_bytes()
    return out


@pytest.mark.parametrize("part", range((PROGRAMS + AT_ONCE - 1) // AT_ONCE))
def test_random_programs(part, tmp_path):
    seeds = range(part * AT_ONCE, min(PROGRAMS, (part + 1) * AT_ONCE))
    agree([random_program(SEED * 10_000_000 + s) for s in seeds], tmp_path / "p", exact=True)


def test_the_programs_reach_every_opcode():
    import pickletools
    met = set()
    for seed in range(1500):
        try:
            for op, _, _ in pickletools.genops(random_program(seed)):
                met.add(op.name)
        except Exception:  # broken on purpose
            continue
    assert {op.name for op in pickletools.opcodes} - met == set()


def test_the_programs_get_somewhere():
    """A generator whose programs all break at once would agree with anybody."""
    readings = [oracle.read(random_program(seed), "c-memory") for seed in range(300)]
    assert sum(r.streams == 1 for r in readings) > 100
    assert sum(any(e[0] == "call" for e in r.events) for r in readings) > 100


def test_the_corpus(tmp_path):
    agree(list(corpus_pickles().values()), tmp_path / "p", exact=False)


@pytest.mark.parametrize("part", range((MUTATIONS + AT_ONCE - 1) // AT_ONCE))
def test_mutations_of_the_corpus_and_of_programs(part, tmp_path):
    dice = random.Random(SEED * 1000 + part)
    originals = list(corpus_pickles().values())
    mutants = []
    while len(mutants) < AT_ONCE:
        original = dice.choice(originals) if dice.random() < 0.6 else random_program(dice.randrange(10**9))
        mutants += mutations(original, dice, 4)
    agree([m for m in mutants if m], tmp_path / "p", exact=False)


@pytest.mark.parametrize("seed", range(40))
def test_every_truncation_of_a_program(seed, tmp_path):
    data = random_program(SEED * 77_000_000 + seed)
    agree([data[:n] for n in range(2, len(data))][:300:3], tmp_path / "p", exact=False)


STORY = bytes(pickle(None).call("os", "system", "true").stop())
TEXT = b"a" * 29
# Streams over which loaders part ways. Each was a disagreement once, or is the shortest of its kind.
PARTINGS = {
    "frame-in-frame-then-straddle": bytes(pickle(4).frame(40).frame(0).raw(b"\x8c\x1e" + TEXT + b"a." + b"b" * 28 + b"0")
                                          .call4("os", "system", "true").stop()),
    "frame-in-frame": bytes(pickle(4).frame(12).frame(1).none().pop().none().raw(STORY)),
    "frame-longer-than-the-one-around-it": bytes(pickle(4).frame(12).frame(len(STORY)).raw(b"N0N" + STORY)),
    "newobj-of-a-list": bytes(pickle(2).glob("collections", "OrderedDict").empty_list().newobj().pop().raw(STORY)),
    "newobj-of-bytes": bytes(pickle(3).glob("collections", "OrderedDict").value(b"").newobj().pop().raw(STORY)),
    "newobj-ex-of-a-list": bytes(pickle(4).glob("collections", "OrderedDict").empty_list().empty_dict().newobj_ex().pop().raw(STORY)),
    "build-with-zero": bytes(pickle(2).value(1).value(0).build().pop().raw(STORY)),
    "build-with-false": bytes(pickle(2).value(1).false().build().pop().raw(STORY)),
    "build-with-two-nones": bytes(pickle(2).value(1).value((None, None)).build().pop().raw(STORY)),
    "build-with-none-and-a-dict": bytes(pickle(2).value(1).value((None, {})).build().pop().raw(STORY)),
    "build-with-two-dicts": bytes(pickle(2).value(1).value(({}, {})).build().pop().raw(STORY)),
    "inst-without-a-mark": bytes(pickle(2).none().inst("os", "system").stop()),
    "appends-of-nothing": bytes(pickle(2).call("nobody", "knows").mark().appends().stop()),
    "setitem-on-a-list": bytes(pickle(2).value([1]).value(0).value(2).setitem().pop().raw(STORY)),
    "setitems-of-an-odd-number": bytes(pickle(2).call("nobody", "knows").mark().value(1).value(2).value(3).setitems().stop()),
    "reduce-of-a-list": bytes(pickle(2).glob("os", "system").value(["true"]).reduce().stop()),
    "empty-names": bytes(pickle(2).glob("", "").pop().raw(STORY)),
    "number-in-base-0": bytes(pickle(2).int_text(b"0x1").pop().raw(STORY)),
    "number-with-underscore": bytes(pickle(2).int_text(b"1_0").pop().raw(STORY)),
    "number-with-leading-zero": bytes(pickle(2).int_text(b"007").pop().raw(STORY)),
    "memo-index-with-spaces": bytes(pickle(2).none().put(" 1 ").get("1").pop().raw(STORY)),
    "string-with-spaces": bytes(pickle(2).raw(b"S 'a' \n0").raw(STORY)),
    "string-unquoted": bytes(pickle(2).raw(b"Sa\n0").raw(STORY)),
    "pop-of-a-mark": bytes(pickle(2).mark().pop().raw(STORY)),
    "dup-of-nothing": bytes(pickle(2).dup().raw(STORY)),
    "stop-below-a-mark": bytes(pickle(2).none().mark().stop().raw(STORY)),
    "readonly-buffer-of-bytes": bytes(pickle(5).value(b"a").readonly_buffer().pop().raw(STORY)),
    "key-that-cannot-be-hashed": bytes(pickle(2).empty_dict().empty_list().none().setitem().pop().raw(STORY)),
    "set-in-a-set": bytes(pickle(4).empty_set().mark().empty_set().additems().pop().raw(STORY)),
    "frozenset-in-a-set": bytes(pickle(4).empty_set().mark().mark().frozenset().additems().pop().raw(STORY)),
    "long4-of-nothing": bytes(pickle(2).long4(b"").pop().raw(STORY)),
    "float-of-nan": bytes(pickle(2).float_text(b"nan").pop().raw(STORY)),
    "proto-again": bytes(pickle(2).proto(5).proto(0).raw(STORY)),
    "memoize-after-puts": bytes(pickle(4).none().put(5).put(5).memoize().get(1).pop().raw(STORY)),
    "tuple-without-mark": bytes(pickle(2).none().tuple().pop().raw(STORY)),
    "appends-on-a-tuple-of-nothing": bytes(pickle(2).empty_tuple().mark().appends().pop().raw(STORY)),
    "setitems-on-a-number-of-nothing": bytes(pickle(2).value(1).mark().setitems().pop().raw(STORY)),
    "additems-on-a-list-of-nothing": bytes(pickle(4).empty_list().mark().additems().pop().raw(STORY)),
    "persid-of-nothing": bytes(pickle(2).persid(b"").pop().raw(STORY)),
    "persid-not-ascii": bytes(pickle(2).persid("\u00e9".encode()).pop().raw(STORY)),
    "unicode-with-backslash": bytes(pickle(2).unicode_text(b"\\u0041\\q").pop().raw(STORY)),
    "unicode-with-half-an-escape": bytes(pickle(2).unicode_text(b"\\u00").pop().raw(STORY)),
    "string-with-half-an-escape": bytes(pickle(2).string(b"\\x4").pop().raw(STORY)),
    "names-as-escapes": bytes(pickle(4).string(b"\\x6fs").unicode_text(b"\\u0073ystem").stack_global().stop()),
}


@pytest.mark.parametrize("parting", PARTINGS)
def test_where_loaders_part_ways(parting, tmp_path):
    data = PARTINGS[parting]
    (document,), (readings,) = facts_of([data], tmp_path / "p"), readings_of([data])
    assert disagreement(document, readings, exact=False) is None, data.hex()


def test_a_name_that_the_end_of_the_file_cuts_is_told(tmp_path):
    """pickle.py, and so joblib, imports `evil`: it takes the last line for whole, less its last byte."""
    data = b"\x80\x02cevil\nnameX"
    assert oracle.read(data, "python").events == [("global", "evil", "name")]
    (document,) = facts_of([data], tmp_path / "p")
    assert [i["module"] for i in document["imports"]] == ["evil"]


@pytest.mark.parametrize("protocol", range(6))
def test_python_2_names_are_mapped_as_cpython_maps_them(protocol, tmp_path):
    names = [*_compat_pickle.NAME_MAPPING, *((module, "Any") for module in _compat_pickle.IMPORT_MAPPING), ("os", "system")]
    singles = [bytes(pickle(protocol).glob(*name).stop()) for name in names]
    for name, document in zip(names, facts_of(singles, tmp_path / "p")):
        (told,) = document["imports"]
        wanted = name
        if protocol < 3:
            module, attribute = _compat_pickle.NAME_MAPPING.get(name, name)
            wanted = (module, attribute) if (module, attribute) != name else (_compat_pickle.IMPORT_MAPPING.get(module, module), attribute)
        assert (as_text(told["module"]), as_text(told["name"])) == wanted, name
        assert as_text(told["written"]) == ("" if wanted == name else " ".join(name))


def test_the_comparison_notices_what_it_should(tmp_path):
    """The judge is tried too: the facts of one pickle must not pass for those of another."""
    one = bytes(pickle(2).call("os", "system", "true").stop())
    others = [bytes(pickle(2).call("os", "popen", "true").stop()), bytes(pickle(2).glob("os", "system").stop()),
              bytes(pickle(2).call("os", "system", "true").pop().call("os", "system", "true").stop()),
              bytes(pickle(2).glob("os", "system").value(("true",)).newobj().stop())]
    (document,) = facts_of([one], tmp_path / "p")
    assert Told(document, 1).is_pickle and disagreement(document, oracle.readings(one), True) is None
    for other in others:
        assert disagreement(document, oracle.readings(other), True) is not None, other
