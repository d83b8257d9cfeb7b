"""The call itself: every opcode that calls, every protocol, results kept and thrown away."""

from assembler import Pickle, framed, payload, payload4, pickle
from registry import add, case

OS = [("os", "system")]

for version in (0, 1, 2, 3):
    add(f"calls/reduce-protocol-{version}", lambda v=version: payload(v if v > 1 else None),
        f"""GLOBAL os.system and REDUCE at protocol {version} run a command.

        The oldest attack there is. Protocols 0 and 1 have no magic byte, so a reader that looks for 0x80 misses them.
        """, status="unsafe", threats=["A1"] + (["A24"] if version < 2 else []), imports=OS, weights_only=False)


@case("calls/stack-global-protocol-4", status="unsafe", threats=["A1"], imports=OS, weights_only=False)
def stack_global():
    """STACK_GLOBAL os.system and REDUCE inside one honest frame run a command."""
    return payload4()


@case("calls/stack-global-protocol-5", status="unsafe", threats=["A1"], imports=[("posix", "system")])
def stack_global5():
    """posix.system, which is os.system by its other name, is called at protocol 5."""
    return framed(Pickle().call4("posix", "system", "true").stop(), 5)


@case("calls/nt-system", status="unsafe", threats=["A1"], imports=[("nt", "system")])
def nt():
    """nt.system, os.system on Windows, is called: which machine loads the file is not ours to know."""
    return bytes(pickle(2).call("nt", "system", "true").stop())


@case("calls/subprocess-popen", status="unsafe", threats=["A1"], imports=[("subprocess", "Popen")])
def popen():
    """subprocess.Popen is called with a list, as harmless-looking constructors are."""
    return bytes(pickle(2).call("subprocess", "Popen", ["true"]).stop())


@case("calls/builtins-exec", status="unsafe", threats=["A1", "A30"], imports=[("builtins", "exec")])
def exec_call():
    """builtins.exec runs source text that would patch a method of the loaded model.

    A sleepy pickle: the file on disk is not changed and no process starts; the model object is altered in memory.
    The patch here assigns nothing.
    """
    return bytes(pickle(4).call4("builtins", "exec", "model = None\ndef forward(self, x):\n    return x\n").stop())


@case("calls/builtins-eval", bypass=["builtins-unseen"],
      status="unsafe", threats=["A1"], imports=[("builtins", "eval")])
def eval_call():
    """builtins.eval is called with an expression that does nothing; which expression is beside the point."""
    return bytes(pickle(2).call("builtins", "eval", "1+1").stop())


@case("calls/builtins-compile", status="unsafe", threats=["A1", "A9"], imports=[("builtins", "compile")],
      unsure="compile alone runs nothing; it is listed as a sink that evaluates")
def compile_call():
    """builtins.compile turns text into a code object, the first half of running it."""
    return bytes(pickle(2).call("builtins", "compile", "pass", "m", "exec").stop())


@case("calls/inst", status="unsafe", threats=["A2"], imports=OS, references=["pickle.py load_inst"])
def inst():
    """INST calls os.system: it names and calls in one opcode, and never says REDUCE."""
    return bytes(Pickle().mark().string(b"true").inst("os", "system").stop())


@case("calls/inst-after-proto-4-dotted", status="unsafe", threats=["A2", "A5"])
def inst_dotted():
    """INST after PROTO 4 walks dots: torch, serialization.os.system."""
    return bytes(pickle(4).mark().value("true").inst("torch", "serialization.os.system").stop())


@case("calls/obj", status="unsafe", threats=["A2"], imports=OS, references=["GHSA-mxhj-88fx-4pcv"])
def obj():
    """OBJ calls os.system with what lies above the mark."""
    return bytes(pickle(2).mark().glob("os", "system").value("true").obj().stop())


@case("calls/obj-result-popped", bypass=["call-result-dropped"],
      status="unsafe", threats=["A2", "A3"], imports=OS,
      references=["GHSA-mxhj-88fx-4pcv"])
def obj_pop():
    """OBJ calls os.system and POP throws the result away, so nothing of it is in the loaded value."""
    return bytes(pickle(2).mark().glob("os", "system").value("true").obj().pop().value({"a": 1}).stop())


@case("calls/reduce-result-popped", status="unsafe", threats=["A3"], imports=OS)
def reduce_pop():
    """REDUCE calls os.system, POP drops the result and the model is a plain dict."""
    return bytes(pickle(2).call("os", "system", "true").pop().value({"weights": [0.5, 0.25]}).stop())


@case("calls/reduce-result-popmarked", status="unsafe", threats=["A3"], imports=OS)
def reduce_pop_mark():
    """POP_MARK sweeps away the call's result together with decoys."""
    return bytes(pickle(2).value([1]).mark().value("decoy").call("os", "system", "true").value(3).pop_mark().stop())


@case("calls/newobj-popen", status="unsafe", threats=["A2"], imports=[("subprocess", "Popen")],
      unsure="Popen.__new__ starts nothing; NEWOBJ is a call site all the same and the class is a known sink")
def newobj():
    """NEWOBJ makes a subprocess.Popen without REDUCE."""
    return bytes(pickle(2).glob("subprocess", "Popen").value((["true"],)).newobj().stop())


@case("calls/newobj-ex-popen", status="unsafe", threats=["A2"], imports=[("subprocess", "Popen")],
      unsure="as calls/newobj-popen")
def newobj_ex():
    """NEWOBJ_EX makes a subprocess.Popen with keyword arguments."""
    p = pickle(4).glob4("subprocess", "Popen").empty_tuple().value({"args": ["true"]}).newobj_ex()
    return bytes(p.stop())


@case("calls/newobj-unknown-class", status="suspicious", threats=["A2", "A32"], imports=[("acme_vision.heads", "Head")])
def newobj_unknown():
    """NEWOBJ makes an instance of a class nobody here knows, then BUILD feeds it state.

    What `__new__` and `__setstate__` of that class do is in code this file does not hold.
    """
    p = pickle(2).glob("acme_vision.heads", "Head").empty_tuple().newobj().value({"width": 8}).build()
    return bytes(p.stop())


@case("calls/reduce-unknown-function", status="suspicious", threats=["A32"], imports=[("acme_vision.io", "restore")])
def reduce_unknown():
    """REDUCE calls a function of an unknown package."""
    return bytes(pickle(2).call("acme_vision.io", "restore", {"layers": 2}).stop())


@case("calls/unknown-in-known-library", bypass=["fame-clears"],
      status="suspicious", threats=["A32"],
      imports=[("torch.utils.new_thing", "revive")])
def reduce_unlisted():
    """REDUCE calls an unlisted name of a well-known library: fame clears nothing."""
    return bytes(pickle(2).call("torch.utils.new_thing", "revive", 1).stop())


@case("calls/sink-imported-not-called", status="suspicious", threats=["A1"], imports=OS)
def imported_only():
    """os.system is imported and kept as a value, and never called here; whoever calls the value does it."""
    return bytes(pickle(2).value("hook").pop().glob("os", "system").stop())


@case("calls/sink-in-dict-not-called", status="suspicious", threats=["A1"], imports=OS)
def sink_in_dict():
    """A callback table holds os.system as a value."""
    p = pickle(2).empty_dict().value("on_epoch_end").glob("os", "system").setitem()
    return bytes(p.stop())


@case("calls/unknown-imported-not-called", status="caution", threats=["A32"], imports=[("acme_vision.heads", "Head")])
def unknown_imported():
    """An unknown class is imported and never called: importing the module runs its top level, if it is installed."""
    return bytes(pickle(2).empty_dict().value("cls").glob("acme_vision.heads", "Head").setitem().stop())


@case("calls/main-class", status="caution", threats=["A32"], imports=[("__main__", "Net")])
def main_class():
    """An instance of a class of __main__ needs your own code to load."""
    return bytes(pickle(2).glob("__main__", "Net").empty_tuple().newobj().value({"depth": 2}).build().stop())


@case("calls/reconstructor-python2-instance", status="caution", threats=["A2"],
      imports=[("copy_reg", "_reconstructor"), ("__main__", "Net"), ("__builtin__", "object")])
def reconstructor():
    """A new-style instance as Python 2 wrote it: copy_reg._reconstructor of a class of __main__."""
    p = Pickle().glob("copy_reg", "_reconstructor").mark().glob("__main__", "Net").glob("__builtin__", "object").none()
    return bytes(p.tuple().reduce().mark().dict().string(b"depth").int_text(b"2").setitem().build().stop())


@case("calls/inst-python2-instance", status="caution", threats=["A2"], imports=[("__main__", "Net")])
def inst_benign():
    """An old-style Python 2 instance uses INST honestly."""
    return bytes(Pickle().mark().inst("__main__", "Net").mark().string(b"depth").int_text(b"2").dict().build().stop())


@case("calls/reduce-replayed-by-binget", bypass=["call-replayed"],
      status="unsafe", threats=["A1", "A4", "A19"], imports=OS)
def binget_replay():
    """The callable comes out of the memo long after it was imported and popped."""
    p = pickle(2).glob("os", "system").binput(7).pop().value({"a": 1}).pop()
    return bytes(p.binget(7).value(("true",)).reduce().stop())


@case("calls/call-returns-callable", status="suspicious", threats=["A4", "A32"], imports=[("acme_vision.io", "factory")])
def curried():
    """What an unknown function returned is called in turn."""
    return bytes(pickle(2).call("acme_vision.io", "factory").value((1,)).reduce().stop())


@case("calls/scanner-switched-off", status="unsafe", threats=["A29"], imports=[("fickling.hook", "remove_hook")],
      references=["fickling ScannerDeactivation analysis"])
def deactivation():
    """The stream asks a load-time guard to remove itself, which no model needs."""
    return bytes(pickle(2).call("fickling.hook", "remove_hook").pop().value({"a": 1}).stop())


@case("calls/scanner-imported", status="suspicious", threats=["A29"], imports=[("picklescan.scanner", "_unsafe_globals")])
def scanner_imported():
    """The stream holds the block list of a scanner, the first step to emptying it."""
    return bytes(pickle(2).glob("picklescan.scanner", "_unsafe_globals").stop())


@case("calls/rpc-sync", bypass=["other-formats"],
      status="unsafe", threats=["D13"], imports=[("torch.distributed.rpc", "rpc_sync")],
      references=["CVE-2024-5480"])
def rpc():
    """torch.distributed.rpc.rpc_sync would run a function on another worker."""
    return bytes(pickle(2).call("torch.distributed.rpc", "rpc_sync", "worker-that-is-not", "echo").stop())


@case("calls/remote-module", bypass=["other-formats"],
      status="unsafe", threats=["D13"],
      imports=[("torch.distributed.nn.api.remote_module", "RemoteModule")], references=["CVE-2024-48063"],
      unsure="the table lists it as a loader, not as an executing sink")
def remote_module():
    """torch's RemoteModule is made with a class name that another worker resolves and runs."""
    return bytes(pickle(2).call("torch.distributed.nn.api.remote_module", "RemoteModule", "w/cpu", "none").stop())


@case("calls/parse-type-line", bypass=["other-formats"],
      status="unsafe", threats=["D13", "A9"],
      imports=[("torch.jit.annotations", "parse_type_line")], references=["CVE-2022-45907"])
def type_line():
    """torch.jit.annotations.parse_type_line evaluates its text."""
    return bytes(pickle(2).call("torch.jit.annotations", "parse_type_line", "# type: () -> int").stop())


@case("calls/reduce-then-build", bypass=["build-launders"],
      status="unsafe", threats=["A1", "A14", "A15"], imports=[("smtplib", "SMTP")],
      references=["GHSA-mhc9-48gj-9gp3"])
def laundered():
    """BUILD follows the call of smtplib.SMTP, which makes it look like the state of an honest instance."""
    return bytes(pickle(4).call4("smtplib", "SMTP", "name.invalid").value({"timeout": 1}).build().stop())


@case("calls/same-sink-twice", bypass=["finding-said-once"],
      status="unsafe", threats=["A1"], imports=OS, references=["CVE-2026-14535"])
def twice():
    """os.system is imported once as a mere value and once to be called; the first mention must not hide the second."""
    return bytes(pickle(2).glob("os", "system").pop().call("os", "system", "true").stop())
