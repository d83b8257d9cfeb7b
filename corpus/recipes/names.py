"""Names: where they come from, how they are spelled, and what they resolve to."""

from assembler import Pickle, framed, pickle
from registry import case

OS = [("os", "system")]


@case("names/from-memo", status="unsafe", threats=["A4", "A19"], imports=OS)
def from_memo():
    """Module and name of STACK_GLOBAL come from the memo, with decoys right before the opcode."""
    p = Pickle().short_binunicode("os").memoize().short_binunicode("system").memoize().pop().pop()
    p.short_binunicode("collections").short_binunicode("OrderedDict").pop().pop()
    return framed(p.binget(0).binget(1).stack_global().value(("true",)).reduce().stop())


@case("names/memo-overwritten", status="unsafe", threats=["A4", "A19"], imports=OS,
      references=["picklescan issue 22"])
def memo_overwritten():
    """Slot 0 held a harmless module name and is redefined before it is read."""
    p = Pickle().short_binunicode("collections").binput(0).pop().short_binunicode("os").binput(0).pop()
    return framed(p.binget(0).short_binunicode("system").stack_global().value(("true",)).reduce().stop())


@case("names/memo-holds-value-not-argument", bypass=["memo-of-argument"],
      status="unsafe", threats=["A4", "A19"], imports=OS,
      references=["picklescan issue 23"])
def memo_of_value():
    """MEMOIZE stores the top of the stack, which after POP is not the argument of the opcode before."""
    p = Pickle().short_binunicode("os").short_binunicode("harmless").pop().memoize().pop()
    return framed(p.binget(0).short_binunicode("system").stack_global().value(("true",)).reduce().stop())


@case("names/memoize-of-none", status="unsafe", threats=["A4", "A19"], imports=OS)
def memo_none():
    """MEMOIZE of None shifts the slots of a reader that counts only strings."""
    p = Pickle().none().memoize().pop().short_binunicode("os").memoize().pop().short_binunicode("system")
    p.memoize().pop().binget(1).binget(2).stack_global()
    return framed(p.value(("true",)).reduce().stop())


@case("names/dup-on-stack", status="unsafe", threats=["A4"], imports=[("timeit", "timeit")])
def dup():
    """DUP makes module and name from one constant: timeit.timeit runs its text."""
    return framed(Pickle().short_binunicode("timeit").dup().stack_global().value(("pass",)).reduce().stop())


@case("names/string-opcodes", bypass=["operands-as-strings"],
      status="unsafe", threats=["A4"], imports=OS, references=["GHSA-9gvj-pp9x-gcfr"])
def string_opcodes():
    """STACK_GLOBAL takes its names from STRING and SHORT_BINSTRING, and stands at the very start."""
    p = Pickle().string(b"os").short_binstring(b"system").stack_global()
    return bytes(p.value(("true",)).reduce().stop())


@case("names/unicode-text-opcodes", status="unsafe", threats=["A4"], imports=OS)
def unicode_text():
    """The names are UNICODE lines with escapes: \\u006fs is os."""
    p = Pickle().unicode_text(b"\\u006fs").unicode_text(b"syste\\u006d").stack_global()
    return bytes(p.value(("true",)).reduce().stop())


@case("names/string-escapes", status="unsafe", threats=["A4"], imports=OS)
def string_escapes():
    """The names are STRING lines with hexadecimal escapes."""
    p = Pickle().string(b"\\x6f\\x73").string(b"\\163ystem").stack_global()
    return bytes(p.value(("true",)).reduce().stop())


@case("names/binunicode8", status="unsafe", threats=["A4"], imports=OS)
def binunicode8():
    """The names are BINUNICODE8 constants, which no pickler uses for short text."""
    return framed(Pickle().binunicode8("os").binunicode8("system").stack_global().value(("true",)).reduce().stop())


@case("names/computed-by-join", status="unsafe", threats=["A4", "A6"],
      imports=[("builtins", "getattr")],
      unsure="the name passes through getattr('', 'join'); a reader that does not fold it can only say suspicious")
def join():
    """getattr('', 'join') builds the name 'system', which getattr then takes from os."""
    p = pickle(4).glob4("builtins", "getattr").memoize().pop()
    p.binget(0).value(("", "join")).reduce().value((["sys", "tem"],)).reduce().memoize().pop()
    p.short_binunicode("os").binget(1).stack_global().value(("true",)).reduce()
    return bytes(p.stop())


@case("names/computed-by-codec", status="unsafe", threats=["A4"], imports=[("codecs", "decode")],
      unsure="a reader that folds codecs.decode sees os.system and says unsafe")
def codec():
    """The name is what codecs.decode makes of 'flfgrz' under rot13, and is called."""
    p = pickle(4).glob4("codecs", "decode").value(("flfgrz", "rot13")).reduce().memoize().pop()
    return bytes(p.short_binunicode("os").binget(0).stack_global().value(("true",)).reduce().stop())


@case("names/unresolved-called", status="suspicious", threats=["A4"], imports=[("acme_names", "secret")])
def unresolved():
    """Module and name come out of an unknown function, so what is called cannot be known."""
    p = pickle(4).call4("acme_names", "secret", 1).call4("acme_names", "secret", 2).stack_global()
    return bytes(p.value(("true",)).reduce().stop())


@case("names/dotted-stack-global", bypass=["dotted-components"],
      status="unsafe", threats=["A5"],
      imports=[("torch", "serialization.os.system")], references=["GHSA-5j3x-jp52-966f"])
def dotted():
    """torch and serialization.os.system: the dots walk through a re-exported module to os.system."""
    return framed(Pickle().call4("torch", "serialization.os.system", "true").stop())


@case("names/dotted-pathlib-os", status="unsafe", threats=["A5"], imports=[("pathlib", "os.system")],
      references=["GHSA-5j3x-jp52-966f"])
def dotted_pathlib():
    """pathlib and os.system: a harmless module that imports os gives it away."""
    return framed(Pickle().call4("pathlib", "os.system", "true").stop())


@case("names/dotted-global-after-proto-4", status="unsafe", threats=["A5"], imports=[("pathlib", "os.system")])
def dotted_text():
    """The text opcode GLOBAL walks dots too once PROTO 4 was seen."""
    return bytes(pickle(4).call("pathlib", "os.system", "true").stop())


@case("names/dotted-global-at-proto-2", status="unsafe", threats=["A5"], imports=[("pathlib", "os.system")],
      unsure="a C unpickler at protocol 2 fails to find an attribute with dots; nothing runs unless the module sets one")
def dotted_text_2():
    """The same dotted GLOBAL at protocol 2, which today's unpicklers refuse: the name alone gives the intent away."""
    return bytes(pickle(2).call("pathlib", "os.system", "true").stop())


@case("names/proto-4-in-mid-stream", status="unsafe", threats=["A5", "A24"], imports=[("pathlib", "os.system")])
def proto_mid():
    """PROTO 4 stands in the middle of a protocol 0 stream and switches dot walking on."""
    return bytes(Pickle().none().pop().proto(4).call("pathlib", "os.system", "true").stop())


@case("names/dotted-unknown-hop", status="suspicious", threats=["A5"], imports=[("torch.nn", "modules.acme.thing")])
def dotted_unknown():
    """A dotted name leads somewhere nobody knows and is called."""
    return framed(Pickle().call4("torch.nn", "modules.acme.thing", 1).stop())


@case("names/nested-class", status="caution", threats=["A5"], imports=[("__main__", "Outer.Inner")])
def nested_class():
    """A nested class of __main__ is dotted and honest."""
    p = Pickle().glob4("__main__", "Outer.Inner").empty_tuple().newobj().value({"a": 1}).build()
    return framed(p.stop())


@case("names/dunder-walk", status="unsafe", threats=["A5", "A6"],
      imports=[("collections", "OrderedDict.__init__.__globals__")],
      unsure="the walk ends in a dictionary, and the call on it fails; the way to builtins is open")
def dunder_walk():
    """A dotted name walks __init__.__globals__, the way to everything a module has imported."""
    p = Pickle().glob4("collections", "OrderedDict.__init__.__globals__").value(("true",)).reduce()
    return framed(p.stop())


@case("names/submodule-of-listed", bypass=["submodule-prefix"],
      status="unsafe", threats=["A26"],
      imports=[("asyncio.unix_events", "_UnixSubprocessTransport._start")], references=["GHSA-f7qq-56ww-84cr"])
def submodule():
    """asyncio.unix_events is not spelled asyncio, and starts processes."""
    p = Pickle().call4("asyncio.unix_events", "_UnixSubprocessTransport._start", {}, "true", True, None, None, None, 0)
    return framed(p.stop())


@case("names/prefix-lookalike", status="suspicious", threats=["A26"], imports=[("ostrich", "system")])
def lookalike():
    """The module ostrich begins with os and is not os: unknown, not a sink."""
    return bytes(pickle(2).call("ostrich", "system", "true").stop())


@case("names/python2-builtin", status="unsafe", threats=["A1"], imports=[("__builtin__", "eval")])
def python2_builtin():
    """__builtin__.eval at protocol 2 becomes builtins.eval."""
    return bytes(pickle(2).call("__builtin__", "eval", "1+1").stop())


@case("names/python2-commands", status="unsafe", threats=["A1"], imports=[("commands", "getoutput")])
def python2_commands():
    """commands.getoutput at protocol 2 becomes subprocess.getoutput."""
    return bytes(pickle(2).call("commands", "getoutput", "true").stop())


@case("names/python2-builtin-at-proto-4", status="unsafe", threats=["A24"], imports=[("__builtin__", "eval")],
      unsure="plain Python 3 finds no such module at protocol 4; packages that help with porting install one")
def python2_late():
    """At protocol 4 names are not mapped, so __builtin__ is a module that does not exist: a call nobody can clear."""
    return framed(Pickle().call4("__builtin__", "eval", "1+1").stop())


@case("names/python2-httplib", status="unsafe", threats=["A14"], imports=[("httplib", "HTTPSConnection")],
      unsure="the connection is made on request only; the table lists the module whole")
def python2_httplib():
    """httplib becomes http.client, and the object speaks to the network."""
    return bytes(pickle(2).call("httplib", "HTTPSConnection", "name.invalid").stop())


@case("names/utf8", status="suspicious", threats=["A20"], imports=[("acme_modell", "gr\u00f6\u00dfe")],
      references=["_pickle.c load_global decodes UTF-8, pickletools ASCII"])
def utf8():
    """A GLOBAL name in UTF-8 loads in C and stops a reader that decodes ASCII."""
    return bytes(pickle(2).call("acme_modell", "gr\u00f6\u00dfe", 1).stop())


@case("names/utf8-decoy-before-payload", status="unsafe", threats=["A20"], imports=OS)
def utf8_decoy():
    """A non-ASCII name comes first and ends every linear reading, then os.system is called."""
    return bytes(pickle(2).glob("collections", "OrderedDict").pop().glob("acme", "\u00e9").pop()
                 .call("os", "system", "true").stop())


@case("names/invalid-utf8", status="error", threats=["A20"])
def invalid_utf8():
    """The bytes of the name are no text in any reading, so every unpickler stops there."""
    return bytes(pickle(2).glob(b"acme", b"\xff\xfe").stop())


@case("names/carriage-return", status="unsafe", threats=["A20"], imports=[("os", "system\r")],
      unsure="the attribute 'system\\r' does not exist, so loading fails; readers that strip lines see os.system called")
def carriage_return():
    """The name ends in a carriage return: Python keeps it, readers that strip lines see os.system."""
    return bytes(pickle(2).glob("os", "system\r").value(("true",)).reduce().stop())


@case("names/module-with-space", status="suspicious", threats=["A20"], imports=[("os ", "system")])
def space():
    """A module called 'os ' is not os; it is also nothing anybody can clear."""
    return bytes(pickle(2).call("os ", "system", "true").stop())


@case("names/alias-of-a-module", status="unsafe", threats=["A5"], imports=[("random", "_os.system")])
def alias_of_module():
    """random imports os as _os, so random._os.system is os.system under a name that no list holds."""
    return framed(Pickle().call4("random", "_os.system", "true").stop())


@case("names/alias-looked-up", status="suspicious", threats=["A5"], imports=[("collections", "_sys.modules")])
def alias_looked_up():
    """collections imports sys as _sys, and the table of modules is taken from there without a call."""
    return framed(Pickle().glob4("collections", "_sys.modules").stop())


@case("names/alias-of-builtins", status="unsafe", threats=["A5"], imports=[("enum", "bltns.eval")])
def alias_of_builtins():
    """enum imports builtins as bltns."""
    return framed(Pickle().call4("enum", "bltns.eval", "1").stop())
