"""Callables that are handed to what is harmless by itself, and called there."""

from assembler import Pickle, pickle
from registry import add, case

RESOLVER = ("pkgutil", "resolve_name")


def name(module: str, attribute: str) -> Pickle:
    return Pickle().glob(module, attribute)


def called(module: str, attribute: str, *args) -> Pickle:
    return Pickle().call(module, attribute, *args)


def built(made: Pickle, state) -> Pickle:
    return Pickle().value(made).value(state).build()


def whole(value: Pickle) -> bytes:
    return bytes(pickle(2).value(value).stop())


def partial_of(function: Pickle, *args) -> Pickle:
    """A functools.partial that became another one by its state."""
    return built(called("functools", "partial", name("builtins", "int")), (function, args, {}, None))


@case("handed/partial-changed-by-build", status="suspicious", rules=["pickle.build.partial"], threats=["A10"], imports=[RESOLVER])
def changed_partial():
    """A partial of int is given pkgutil.resolve_name by BUILD, and is called with "posix:system"."""
    return whole(Pickle().value(partial_of(name(*RESOLVER))).value(("posix:system",)).reduce())


@case("handed/third-partial-changed", status="unsafe", imports=[("os", "system")])
def third_partial():
    """Two honest partials stand before one whose function a state replaces by os.system."""
    honest = built(called("functools", "partial", name("builtins", "int")), (name("builtins", "int"), (), {}, None))
    return whole(Pickle().value([honest, honest, partial_of(name("os", "system"), "true")]))


@case("handed/honest-partial", status="safe")
def honest_partial():
    """A functools.partial as picklers write it: the state repeats the function and binds its arguments."""
    return whole(built(called("functools", "partial", name("builtins", "int")), (name("builtins", "int"), (), {"base": 2}, None)))


HARMLESS_CALLERS = {
    "generator-constructor": called("numpy.random._pickle", "__generator_ctor", "this", name(*RESOLVER)),
    "map": called("builtins", "map", name(*RESOLVER), ["this"]),
    "groupby": called("itertools", "groupby", ["this"], name(*RESOLVER)),
    "values-of-optparse": Pickle().value(called("optparse", "Values", {"append": name(*RESOLVER)})).value("this").append(),
    "nested-in-a-list": called("enum", "Enum", "X", [("__init__", name(*RESOLVER)), ("a", "this")]),
    "as-keyword-state": built(called("logging", "getLogger"), {"filters": [name(*RESOLVER)]}),
    "array-interface": called("numpy.ma", "MaskedArray", called("optparse", "Values", {"__array_interface__": {"data": (64, True)}})),
}
for label, value in HARMLESS_CALLERS.items():
    add(f"handed/{label}", lambda value=value: whole(value),
        "A resolver, or what makes an object something else, is handed to a callable that is harmless by itself.",
        status="suspicious")


@case("handed/append-is-an-attribute", status="suspicious", rules=["pickle.append.odd"])
def append_attribute():
    """A state sets the attribute "append" of an OrderedDict, and APPEND calls it."""
    made = built(called("collections", "OrderedDict"), {"append": name("builtins", "print")})
    return whole(Pickle().value(made).value("true").append())


@case("handed/deque", status="safe")
def deque():
    """A deque is filled by APPENDS, as its pickler writes it."""
    return whole(Pickle().value(called("collections", "deque")).mark().value(1).value(2).appends())


@case("handed/reconstructor-base", status="suspicious", imports=[("copyreg", "_reconstructor")])
def reconstructor_base():
    """copyreg._reconstructor calls base.__new__(cls, state), and the base is no built-in class."""
    return whole(called("copyreg", "_reconstructor", name("pathlib", "Path"), name("optparse", "Values"), "write_text"))


@case("handed/bound-argument", status="suspicious", imports=[("_codecs", "encode")])
def bound_argument():
    """A partial binds the text that _codecs.encode is to decode, so that the call shows only the codec."""
    bound = called("functools", "partial", name("_codecs", "encode"), "bf")
    return whole(Pickle().value(bound).value(("rot_13",)).reduce())


@case("handed/load-from-bytes-in-disguise", status="suspicious", imports=[("torch.storage", "_load_from_bytes")])
def load_from_bytes():
    """The bytes that torch is to load begin with an opcode that no pickler begins with."""
    return whole(called("torch.storage", "_load_from_bytes", b"N0cposix\nsystem\n(S'true'\ntR."))


@case("handed/factory-of-factories", status="safe")
def factories():
    """defaultdict(partial(defaultdict, int)), as people count words in texts."""
    cls = name("collections", "defaultdict")
    inner = built(called("functools", "partial", cls), (cls, (name("builtins", "int"),), {}, None))
    return whole(called("collections", "defaultdict", inner))
