"""Pickles and code inside the constants of a pickle."""

import base64
import marshal
import zlib

from assembler import Pickle, framed, payload, pickle
from registry import add, case

OS = [("os", "system")]

LOADERS = [
    ("pickle-loads", "pickle", "loads"), ("private-pickle-loads", "_pickle", "loads"),
    ("private-python-loads", "pickle", "_loads"), ("dill-loads", "dill._dill", "loads"),
    ("cloudpickle-loads", "cloudpickle", "loads"), ("load-from-bytes", "torch.storage", "_load_from_bytes"),
    ("loky-wrapper", "joblib.externals.loky.cloudpickle_wrapper", "_reconstruct_wrapper"),
]

for name, module, function in LOADERS:
    def make(module=module, function=function):
        arguments = (payload(),) if function != "_reconstruct_wrapper" else (payload(), True)
        return framed(Pickle().call4(module, function, *arguments).stop())
    add(f"nested/{name}", make,
        f"""{module}.{function} loads a byte string that holds a second pickle, and that one calls os.system.

        The outer stream names nothing but a loader.
        """, status="unsafe", threats=["A12"], bypass=["private-loaders"], imports=[(module, function)])


@case("nested/loads-harmless", status="suspicious", threats=["A12"], imports=[("pickle", "loads")],
      unsure="the inner pickle is plain data, so loading does no harm; no pickler writes this")
def loads_harmless():
    """pickle.loads is called on a byte string that holds plain data."""
    return framed(Pickle().call4("pickle", "loads", bytes(pickle(2).value([1]).stop())).stop())


@case("nested/loads-unresolved", status="suspicious", threats=["A12"], imports=[("pickle", "loads")],
      unsure="a loader with an argument nobody can see; a sink called with any argument would be unsafe")
def loads_unresolved():
    """pickle.loads is called on what an unknown function returns."""
    return framed(Pickle().glob4("pickle", "loads").call4("acme_vision.io", "fetch").tuple1().reduce().stop())


@case("nested/loads-of-base64", status="unsafe", threats=["A12"], imports=[("pickle", "loads"), ("base64", "b64decode")])
def loads_base64():
    """pickle.loads is called on base64.b64decode of a text that holds the pickle."""
    p = Pickle().glob4("pickle", "loads").call4("base64", "b64decode", base64.b64encode(payload()).decode())
    return framed(p.tuple1().reduce().stop())


@case("nested/loads-of-zlib", status="unsafe", threats=["A12"], imports=[("pickle", "loads"), ("zlib", "decompress")])
def loads_zlib():
    """pickle.loads is called on zlib.decompress of a byte string."""
    p = Pickle().glob4("pickle", "loads").call4("zlib", "decompress", zlib.compress(payload(), 9))
    return framed(p.tuple1().reduce().stop())


@case("nested/in-bytes", status="suspicious", threats=["A12"],
      unsure="nothing in the file loads the inner pickle; a library that expects one there would")
def in_bytes():
    """A byte string of a plain dictionary holds a pickle that would call os.system."""
    return framed(Pickle().value({"state": payload()}).stop())


@case("nested/in-bytearray", status="suspicious", threats=["A12"])
def in_bytearray():
    """A BYTEARRAY8 constant holds a pickle that would call os.system."""
    return framed(Pickle().bytearray8(payload()).stop(), 5)


@case("nested/in-base64-text", status="suspicious", threats=["A12"],
      unsure="text that a library would have to decode first")
def in_base64():
    """A text constant is base64 of a pickle that would call os.system."""
    return framed(Pickle().value({"blob": base64.b64encode(payload()).decode()}).stop())


@case("nested/in-string-opcode", status="suspicious", threats=["A12"])
def in_string():
    """A Python 2 string constant holds a protocol 0 pickle that would call os.system."""
    return bytes(pickle(2).short_binstring(payload(None)).stop())


@case("nested/harmless-in-bytes", status="safe", threats=["A12"],
      unsure="a plain inner pickle that nothing loads")
def harmless_in_bytes():
    """A byte string holds a pickle of plain data, as caches do."""
    return framed(Pickle().value({"cache": bytes(pickle(2).value({"a": 1}).stop())}).stop())


@case("nested/three-deep", status="unsafe", threats=["A12"], imports=[("pickle", "loads")])
def three_deep():
    """A pickle loads a pickle loads a pickle, and the innermost calls os.system."""
    inner = payload()
    for _ in range(3):
        inner = bytes(pickle(3).call("pickle", "loads", inner).stop())
    return inner


@case("nested/forty-deep", status="suspicious", threats=["A12", "A27"],
      unsure="a reader that follows all forty finds os.system and says unsafe; one that stops has a loader it cannot clear")
def forty_deep():
    """Forty pickles are wrapped in calls of pickle.loads, past any sensible depth limit."""
    inner = payload()
    for _ in range(40):
        inner = bytes(pickle(3).call("pickle", "loads", inner).stop())
    return inner


def code_bytes(source: str) -> bytes:
    """A marshalled code object by the layout of Python 3.11, made once and kept, since it follows the interpreter."""
    return CODE[source]


CODE = {
    "pass": bytes.fromhex("e30000000000000000000000000100000000000000f30600000097006400530029014ea9007202000000f300"
                          "000000da016dfa083c6d6f64756c653e720500000001000000730a000000f003010101d8000480047203000000"),
}


@case("nested/marshal-function-called", status="unsafe", threats=["A8"],
      imports=[("types", "FunctionType"), ("marshal", "loads")], references=["GHSA-565g-hwwr-4pp3"])
def marshal_function():
    """marshal.loads makes a code object, types.FunctionType a function of it, and REDUCE calls it."""
    p = Pickle().glob4("types", "FunctionType").mark().call4("marshal", "loads", code_bytes("pass")).value({}).tuple()
    return framed(p.reduce().empty_tuple().reduce().stop())


@case("nested/marshal-loads-alone", status="suspicious", threats=["A8"], imports=[("marshal", "loads")],
      unsure="the table lists marshal.loads among what evaluates, which would be unsafe")
def marshal_alone():
    """marshal.loads makes a code object that is never called here."""
    return framed(Pickle().call4("marshal", "loads", code_bytes("pass")).stop())


@case("nested/marshal-data-in-bytes", status="safe", threats=["A8"])
def marshal_bytes():
    """A byte string holds marshal data that nothing loads: a small number."""
    return framed(Pickle().value({"blob": marshal.dumps(7, 2)}).stop())


@case("nested/code-type", status="suspicious", threats=["A8"], imports=[("types", "CodeType")],
      references=["GHSA-9m3x-qqw2-h32h"], unsure="a code object that nothing calls; the threat catalogue says S by default")
def code_type():
    """types.CodeType assembles a code object from numbers and bytes."""
    arguments = (0, 0, 0, 0, 1, 64, b"d\x00S\x00", (None,), (), (), "m", "f", "f", 1, b"", b"", (), ())
    return framed(Pickle().call4("types", "CodeType", *arguments).stop())


@case("nested/code-function-called", bypass=["code-objects"],
      status="unsafe", threats=["A8"],
      imports=[("types", "FunctionType"), ("types", "CodeType")])
def code_function():
    """A code object from the file becomes a function, and the function is called while loading."""
    arguments = (0, 0, 0, 0, 1, 64, b"\x97\x00d\x00S\x00", (None,), (), (), "m", "f", "f", 1, b"", b"", (), ())
    p = Pickle().glob4("types", "FunctionType").call4("types", "CodeType", *arguments).value({}).tuple2().reduce()
    return framed(p.empty_tuple().reduce().stop())


@case("nested/codeop-function", status="unsafe", threats=["A8", "A9"],
      imports=[("types", "FunctionType"), ("codeop", "compile_command")])
def codeop():
    """codeop.compile_command compiles text, types.FunctionType wraps it and REDUCE runs it."""
    p = Pickle().glob4("types", "FunctionType").call4("codeop", "compile_command", "pass").value({}).tuple2().reduce()
    return framed(p.empty_tuple().reduce().stop())


@case("nested/subimport", status="unsafe", threats=["A7", "A8"], imports=[("cloudpickle.cloudpickle", "subimport")],
      unsure="importing os does nothing; cloudpickle writes subimport honestly for modules a function uses")
def subimport():
    """cloudpickle's subimport fetches os, getattr takes system from it, and it is called."""
    p = Pickle().glob4("builtins", "getattr").call4("cloudpickle.cloudpickle", "subimport", "os").value("system")
    return framed(p.tuple2().reduce().value(("true",)).reduce().stop())


@case("nested/dill-load-type", status="safe", threats=["F11"], imports=[("dill._dill", "_load_type")],
      unsure="_load_type resolves a name of a type; with a plain type name it is harmless")
def load_type():
    """dill's _load_type('DictType') hands back a builtin type."""
    return framed(Pickle().call4("dill._dill", "_load_type", "DictType").stop())


@case("nested/elf-in-bytes", status="unscanned", threats=["A12"],
      unsure="a byte string inside plain data; nothing runs it, and nothing here examines it")
def elf_in_bytes():
    """A byte string holds the header of a native executable."""
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00\x01\x00\x00\x00" + bytes(40)
    return framed(Pickle().value({"plugin": elf}).stop())


@case("nested/text-that-mentions", status="safe", threats=["A1"])
def mentions():
    """A text constant says os.system('x') and eval(1), and is only text."""
    return framed(Pickle().value({"note": "please never call os.system('x') and eval(1)"}).stop())


@case("nested/names-as-data", status="safe", threats=["A1"])
def names_as_data():
    """The words os and system stand side by side as data, and no opcode resolves them."""
    return framed(Pickle().short_binunicode("os").short_binunicode("system").tuple2().stop())


@case("nested/opcodes-as-data", status="safe", threats=["A20"],
      unsure="bytes that spell GLOBAL and REDUCE without being a pickle from their start")
def opcodes_as_data():
    """A byte string holds the letters of a GLOBAL in the middle of ordinary bytes."""
    return framed(Pickle().value(b"the letters cos\nsystem\n as in a manual, no stop").stop())
