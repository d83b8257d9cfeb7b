"""Calls without a call opcode: BUILD, APPEND, SETITEM, ADDITEMS, and persistent ids."""

from assembler import Pickle, framed, pickle
from registry import case

UNKNOWN = ("acme_vision.bag", "Bag")


def bag():
    return pickle(2).glob(*UNKNOWN).empty_tuple().newobj()


@case("implicit/build-slots-on-module-then-dotted", status="unsafe", threats=["A15", "A5"],
      references=["modelscan issue 331", "PickleBall set_attr tests"])
def slots_on_module():
    """BUILD writes os.system over a function of a module, and a later dotted GLOBAL fetches and calls it.

    The slot half of BUILD's state is setattr on anything. No call opcode ever names os.system.
    """
    p = pickle(4).glob4("torch", "serialization").none().empty_dict().value("load").glob4("os", "system").setitem()
    p.tuple2().build().pop().glob4("torch", "serialization.load").value(("true",)).reduce()
    return bytes(p.stop())


@case("implicit/build-slots-on-class", status="unsafe", threats=["A15"])
def slots_on_class():
    """BUILD puts os.system on a class as __setstate__, and the next BUILD of an instance calls it."""
    p = pickle(2).glob("argparse", "Namespace").none().empty_dict().value("__setstate__").glob("os", "system").setitem()
    p.tuple2().build().pop().glob("argparse", "Namespace").empty_tuple().newobj().value("true").build()
    return bytes(p.stop())


@case("implicit/build-dict-on-instance-setstate", status="unsafe", threats=["A15"])
def dict_on_instance():
    """BUILD gives one instance its own __setstate__, os.system, and the second BUILD calls it with the text."""
    p = pickle(2).glob("argparse", "Namespace").empty_tuple().newobj()
    p.empty_dict().value("__setstate__").glob("os", "system").setitem().build().value("true").build()
    return bytes(p.stop())


@case("implicit/build-dict-on-module", status="unsafe", threats=["A15"],
      references=["picklescan sys_module_override_sploit"])
def dict_on_module():
    """BUILD on sys.modules' owner replaces an entry of the module sys."""
    p = pickle(4).glob4("sys", "modules").value("acme_absent").glob4("os", "system").setitem()
    return bytes(p.stop())


@case("implicit/build-append-injected", status="unsafe", threats=["A15", "A16"])
def append_injected():
    """BUILD gives an object os.system as its `append`, and APPEND calls it."""
    p = pickle(2).glob("argparse", "Namespace").empty_tuple().newobj()
    p.empty_dict().value("append").glob("os", "system").setitem().build().value("true").append()
    return bytes(p.stop())


@case("implicit/build-additems-injected", status="unsafe", threats=["A15", "A16"])
def add_injected():
    """BUILD gives an object os.system as its `add`, and ADDITEMS calls it."""
    p = pickle(4).glob4("argparse", "Namespace").empty_tuple().newobj()
    p.empty_dict().value("add").glob4("os", "system").setitem().build().mark().value("true").additems()
    return bytes(p.stop())


@case("implicit/build-setstate-unknown", status="suspicious", threats=["A15", "A32"], imports=[UNKNOWN])
def setstate_unknown():
    """BUILD hands state to an instance of an unknown class, whose __setstate__ may do anything."""
    return bytes(bag().value({"path": "absent"}).build().stop())


@case("implicit/build-on-function", bypass=["build-on-function"],
      status="suspicious", threats=["A15"], imports=[("collections", "namedtuple")],
      unsure="an attribute on a harmless function, set to a number, reaches nothing we know")
def build_on_function():
    """BUILD writes attributes on a function that is not an instance of anything in the file."""
    return bytes(pickle(2).glob("collections", "namedtuple").value({"hint": 1}).build().stop())


@case("implicit/build-dunder-class", status="suspicious", threats=["A15"], imports=[("argparse", "Namespace")])
def dunder_class():
    """The state of an honest object holds __class__, which setattr would obey and dict.update does not."""
    p = pickle(2).glob("argparse", "Namespace").empty_tuple().newobj().none()
    p.empty_dict().value("__class__").glob("acme_vision.bag", "Bag").setitem().tuple2().build()
    return bytes(p.stop())


@case("implicit/build-slots-honest", status="safe", threats=["A15"], imports=[("argparse", "Namespace")],
      unsure="slot state on a value type whose keys are plain words")
def slots_honest():
    """Slot state on a fresh instance of a value type is what __slots__ classes write."""
    p = pickle(2).glob("argparse", "Namespace").empty_tuple().newobj().value((None, {"lr": 0.5})).build()
    return bytes(p.stop())


@case("implicit/append-on-unknown-object", status="suspicious", threats=["A16"], imports=[UNKNOWN])
def append_unknown():
    """APPEND calls `append` or `extend` of an unknown class."""
    return bytes(bag().value(1).append().stop())


@case("implicit/appends-on-unknown-object", status="suspicious", threats=["A16"], imports=[UNKNOWN])
def appends_unknown():
    """APPENDS calls `extend` of an unknown class."""
    return bytes(bag().mark().value(1).value(2).appends().stop())


@case("implicit/setitem-on-unknown-object", status="suspicious", threats=["A16"], imports=[UNKNOWN])
def setitem_unknown():
    """SETITEM calls __setitem__ of an unknown class."""
    return bytes(bag().value("k").value(1).setitem().stop())


@case("implicit/additems-on-unknown-object", status="suspicious", threats=["A16"], imports=[UNKNOWN])
def additems_unknown():
    """ADDITEMS calls `add` of an unknown class."""
    p = pickle(4).glob4(*UNKNOWN).empty_tuple().newobj().mark().value(1).additems()
    return bytes(p.stop())


@case("implicit/setitem-on-os-environ", status="unsafe", threats=["A16"], imports=[("os", "environ")],
      unsure="it sets one variable; os is a sink as a whole module, and the loader's environment is altered")
def environ():
    """SETITEM on os.environ changes the environment of the process that loads the model."""
    return bytes(pickle(2).glob("os", "environ").value("ACME_ABSENT").value("1").setitem().stop())


@case("implicit/setitem-on-sys-modules", status="unsafe", threats=["A15", "A16"], imports=[("sys", "modules")])
def sys_modules():
    """SETITEM puts a module of the attacker's choice into sys.modules under a name others import."""
    p = pickle(2).glob("sys", "modules").value("acme_absent").glob("os", "path").setitem()
    return bytes(p.stop())


@case("implicit/setitem-on-tensor", bypass=["other-formats"],
      status="suspicious", threats=["A16", "D5"], references=["CVE-2026-24747"],
      imports=[("torch", "Tensor")], loader="torch")
def setitem_tensor():
    """SETITEMS on what is no dictionary is the memory corruption of weights-only loaders before torch 2.10."""
    return bytes(pickle(2).glob("torch", "Tensor").empty_tuple().newobj().mark().value(0).value(1).setitems().stop())


@case("implicit/setitem-on-int", status="error", threats=["A16"])
def setitem_int():
    """SETITEM on a number is refused by every unpickler."""
    return bytes(pickle(2).value(1).value(2).value(3).setitem().stop())


@case("implicit/append-on-tuple", status="error", threats=["A16"])
def append_tuple():
    """APPEND on a tuple is refused by every unpickler."""
    return bytes(pickle(2).value((1,)).value(2).append().stop())


@case("implicit/deque-appends", status="safe", threats=["A16"], imports=[("collections", "deque")])
def deque():
    """A deque fills itself through APPENDS, which is how it is pickled."""
    return framed(Pickle().glob4("collections", "deque").empty_tuple().value(None).pop().reduce()
                  .mark().value(1).value(2).appends().stop())


@case("implicit/ordered-dict-setitems", status="safe", threats=["A16"], imports=[("collections", "OrderedDict")])
def ordered():
    """An OrderedDict fills itself through SETITEMS."""
    p = Pickle().glob4("collections", "OrderedDict").empty_tuple().reduce().mark().value("a").value(1).setitems()
    return framed(p.stop())


@case("implicit/bytearray-setitem", status="safe", threats=["A16"], imports=[("builtins", "bytearray")],
      unsure="no pickler writes it; bytearray is a value type all the same")
def bytearray_setitem():
    """SETITEM on a bytearray writes one byte."""
    return bytes(pickle(3).glob("builtins", "bytearray").value((b"abc",)).reduce().value(0).value(65).setitem().stop())


@case("implicit/ordered-dict-with-sink-state", status="unsafe", threats=["A15"],
      imports=[("collections", "OrderedDict"), ("os", "system")],
      unsure="the attribute is a plain word that no later opcode calls; a library might")
def ordered_state():
    """BUILD puts os.system on an OrderedDict as an attribute, where a library's hook may look for it."""
    p = pickle(2).glob("collections", "OrderedDict").empty_tuple().reduce()
    return bytes(p.empty_dict().value("_metadata").glob("os", "system").setitem().build().stop())


# Persistent ids (V13, A18)
@case("persid/text-id", status="suspicious", threats=["A18"])
def text_id():
    """PERSID hands a text to persistent_load, which plain pickle.load refuses and frameworks obey."""
    return bytes(pickle(2).persid(b"table:1").stop())


@case("persid/arbitrary-object", status="suspicious", threats=["A18"], imports=[UNKNOWN])
def arbitrary():
    """BINPERSID hands an unknown class to persistent_load."""
    return bytes(pickle(2).value(("storage", 1)).pop().glob(*UNKNOWN).binpersid().stop())


@case("persid/sink-as-storage-type", status="suspicious", threats=["A18"], imports=[("os", "system")], loader="torch")
def sink_type():
    """A torch persistent id names os.system where the storage class belongs."""
    p = pickle(2).mark().value("storage").glob("os", "system").value("0").value("cpu").value(4).tuple().binpersid()
    return bytes(p.stop())


@case("persid/payload-inside-id", status="unsafe", threats=["A18", "A1"], imports=[("os", "system")], loader="torch")
def payload_in_id():
    """The tuple of a persistent id is built by a call of os.system."""
    p = pickle(2).mark().value("storage").glob("torch", "FloatStorage").call("os", "system", "true").value("cpu")
    return bytes(p.value(4).tuple().binpersid().stop())
