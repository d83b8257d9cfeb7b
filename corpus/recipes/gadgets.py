"""One line per way to do harm by a single call. The table is the recipe: name, callable, arguments, threat."""

from assembler import Pickle, framed, pickle
from registry import add

TABLE = [
    # Runs a process
    ("pty-spawn", "pty", "spawn", ("true",), "A10", "GHSA-vqmv-47xg-9wpr"),
    ("pydoc-pipepager", "pydoc", "pipepager", ("text", "true"), "A10", "picklescan malicious18"),
    ("pip-main", "pip", "main", (["--version"],), "A10", "CVE-2025-1716"),
    ("ensurepip", "ensurepip", "_run_pip", (["--version"],), "A10", "GHSA-xp4f-hrf8-rxw7"),
    ("venv-create", "venv", "create", ("name-that-is-not/here",), "A10", "GHSA-655q-fx9r-782v family"),
    ("uuid-command", "uuid", "_get_command_stdout", ("true",), "A10", "GHSA-g38g-8gr9-h9xp"),
    ("osx-support", "_osx_support", "_read_output", ("true",), "A10", "GHSA-g38g-8gr9-h9xp"),
    ("aix-support", "_aix_support", "_read_cmd_output", ("true",), "A10", "GHSA-g38g-8gr9-h9xp"),
    ("imap-stream", "imaplib", "IMAP4_stream", ("true",), "A10", "GHSA-g38g-8gr9-h9xp"),
    ("script-helper", "test.support.script_helper", "assert_python_ok", ("-c", "pass"), "A10", "GHSA-g38g-8gr9-h9xp"),
    ("distutils-spawn", "distutils.spawn", "spawn", (["true"],), "A10", ""),
    ("joblib-testing", "joblib.testing", "check_subprocess_call", (["true"],), "A10", ""),
    ("cpuinfo-getoutput", "numpy.distutils.cpuinfo", "getoutput", ("true",), "A10", ""),
    ("inductor-compile", "torch._inductor.codecache", "compile_file", ("none.cpp", "none.so", "true"), "A10",
     "picklescan malicious17"),
    ("collect-env-run", "torch.utils.collect_env", "run", ("true",), "A10", "GHSA-f745-w6jp-hpxx"),
    ("webbrowser-open", "webbrowser", "open", ("about:blank",), "A10", ""),
    ("fork-exec", "_posixsubprocess", "fork_exec", ([b"true"],), "A10", "GHSA-m6fh-58r7-x697"),
    ("create-process", "_winapi", "CreateProcess", ("true", "true"), "A10", ""),
    ("multiprocessing-spawn", "multiprocessing.util", "spawnv_passfds", (b"true", [b"true"], []), "A10",
     "GHSA-q5qq-mvfm-j35x"),
    ("pipes-template", "pipes", "Template", (), "A10", ""),
    # Evaluates text
    ("timeit", "timeit", "timeit", ("pass", "pass"), "A9", "GHSA-v7x6-rv5q-mhwc"),
    ("cprofile-run", "cProfile", "run", ("pass",), "A9", "GHSA-49gj-c84q-6qm9"),
    ("profile-run", "profile", "run", ("pass",), "A9", "GHSA-7wx9-6375-f5wh"),
    ("pdb-run", "pdb", "run", ("pass",), "A9", ""),
    ("trace-run", "trace", "Trace.run", ("pass",), "A9", "GHSA-5qwp-399c-mjwf"),
    ("doctest-debug", "doctest", "debug_script", ("pass",), "A9", "GHSA-fqq6-7vqf-w3fg"),
    ("code-interact", "code", "InteractiveInterpreter.runcode", ("pass",), "A9", "GHSA-cj3c-v495-4xqh"),
    ("idlelib-calltip", "idlelib.calltip", "get_entity", ("1",), "A9", "GHSA-9xph-j2h6-g47v"),
    ("lib2to3-make-label", "lib2to3.pgen2.pgen", "ParserGenerator.make_label", ("x",), "A9", "GHSA-p9w7-82w4-7q8m"),
    ("numpy-runstring", "numpy.testing._private.utils", "runstring", ("pass", {}), "A9", "picklescan issue 40"),
    ("f2py-getlincoef", "numpy.f2py.crackfortran", "getlincoef", ("1", {}), "A9", "GHSA-r8g5-cgf2-4m4m"),
    ("dynamo-guards", "torch._dynamo.guards", "GuardBuilder.get", ("1",), "A9", "GHSA-86cj-95qr-2p4f"),
    ("shape-env", "torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", ("1", []), "A9",
     "GHSA-f4x7-rfwp-v3xw"),
    ("exec-wrapper", "torch.jit.unsupported_tensor_ops", "execWrapper", ("pass", {}, {}), "A9", "GHSA-vr7h-p6mm-wpmh"),
    ("bottleneck", "torch.utils.bottleneck.__main__", "run_cprofile", ("pass", {}), "A9", "GHSA-4r9r-ch6f-vxmx"),
    ("sympify", "sympy", "sympify", ("1",), "A9", ""),
    # Imports
    ("dunder-import", "builtins", "__import__", ("acme_absent",), "A7", ""),
    ("import-module", "importlib", "import_module", ("acme_absent",), "A7", ""),
    ("source-file-loader", "importlib.machinery", "SourceFileLoader", ("x", "absent.py"), "A7", ""),
    ("load-source", "imp", "load_source", ("x", "absent.py"), "A7", ""),
    ("run-path", "runpy", "run_path", ("absent.py",), "A7", "GHSA-wfq2-52f7-7qvj"),
    ("zipimport", "zipimport", "zipimporter", ("absent.zip",), "A7", ""),
    # Native code
    ("ctypes-cdll", "ctypes", "CDLL", ("absent.so",), "A11", "GHSA-4675-36f9-wf6r"),
    ("ctypeslib", "numpy.ctypeslib", "load_library", ("absent", "."), "A11", ""),
    ("torch-ops-library", "torch", "ops.load_library", ("absent.so",), "A11", ""),
    # Loads another pickle from somewhere else
    ("joblib-load", "joblib", "load", ("absent.joblib",), "A12", ""),
    ("torch-load-path", "torch.serialization", "load", ("absent.pt",), "A12", ""),
    ("read-pickle", "pandas", "read_pickle", ("absent.pkl",), "A12", ""),
    ("config-module", "torch.utils._config_module", "ConfigModule.load_config", ("absent.pkl",), "A12",
     "GHSA-vv6j-3g6g-2pvj"),
    ("shelve", "shelve", "open", ("absent",), "A12", ""),
    # Files
    ("builtins-open", "builtins", "open", ("absent.txt", "r"), "A13", ""),
    ("file-io", "_io", "FileIO", ("absent.txt",), "A13", "GHSA-9726-w42j-3qjr"),
    ("codecs-open", "codecs", "open", ("absent.txt",), "A13", ""),
    ("write-text", "pathlib", "Path.write_text", ("absent.txt", ""), "A13", ""),
    ("rmtree", "shutil", "rmtree", ("name-that-is-not-there",), "A13", ""),
    ("distutils-write", "distutils.file_util", "write_file", ("absent/absent.txt", []), "A13", "GHSA-m273-6v24-x4m4"),
    ("file-handler", "logging", "FileHandler", ("absent/absent.log",), "A13", "GHSA-m7j5-r2p5-c39r"),
    ("linecache", "linecache", "getlines", ("absent.txt",), "A13", "GHSA-r48f-3986-4f9c"),
    # Network
    ("urlopen", "urllib.request", "urlopen", ("http://name.invalid/",), "A14", "GHSA-9726-w42j-3qjr"),
    ("server-certificate", "ssl", "get_server_certificate", (("name.invalid", 443),), "A14", "picklescan issue 40"),
    ("requests-get", "requests.api", "get", ("http://name.invalid/",), "A14", ""),
    ("hub-load", "torch.hub", "load", ("acme/absent", "net"), "A14", ""),
    # Seen in bypasses of one scanner or another
    ("autograd-prof", "torch.utils.bottleneck.__main__", "run_autograd_prof", ("pass", {}), "A9",
     "GHSA-4whj-rm5r-c2v8"),
    ("collect-env-read", "torch.utils.collect_env", "run_and_read_all", (None, "true"), "A10", "GHSA-jhph-76pp-mggw"),
    ("basic-handlers", "torch.utils.data.datapipes.utils.decoder", "basichandlers", ("pkl", b""), "A12",
     "GHSA-h3qp-7fh3-f8h4"),
    ("f2py-eval-length", "numpy.f2py.crackfortran", "_eval_length", ("1", {}), "A9", "picklescan issue 53"),
    ("torch-load", "torch", "load", ("absent.pt",), "A12", ""),
    ("trace-runctx", "trace", "Trace.runctx", ("pass",), "A9", "GHSA-g344-hcph-8vgg"),
    ("profile-class-run", "profile", "Profile.run", ("pass",), "A9", "GHSA-x696-vm39-cp64"),
    ("profile-class-runctx", "profile", "Profile.runctx", ("pass", {}, {}), "A9", "GHSA-6vqj-c2q5-j97w"),
    ("cprofile-runctx", "cProfile", "runctx", ("pass", {}, {}), "A9", "GHSA-9w88-8rmg-7g2p"),
    ("lib2to3-grammar", "lib2to3.pgen2.grammar", "Grammar.loads", (b"",), "A12", "GHSA-f54q-57x4-jg88"),
    ("idlelib-entity", "idlelib.autocomplete", "AutoComplete.get_entity", ("1",), "A9", "GHSA-6w4w-5w54-rjvr"),
    ("idlelib-completions", "idlelib.autocomplete", "AutoComplete.fetch_completions", ("1", 1), "A9",
     "GHSA-7cq8-mj8x-j263"),
    ("idlelib-fetch-tip", "idlelib.calltip", "Calltip.fetch_tip", ("1",), "A9", "GHSA-8r4j-24qv-fmq9"),
    ("idlelib-set-text", "idlelib.debugobj", "ObjectTreeItem.SetText", ("1",), "A9", "GHSA-3vg9-h568-4w9m"),
    ("idlelib-runcode", "idlelib.pyshell", "ModifiedInterpreter.runcode", ("pass",), "A9", "GHSA-3gf5-cxq9-w223"),
    ("idlelib-runcommand", "idlelib.pyshell", "ModifiedInterpreter.runcommand", ("pass",), "A9", "GHSA-j343-8v2j-ff7w"),
    ("idlelib-executive", "idlelib.run", "Executive.runcode", ("pass",), "A9", "GHSA-m869-42cg-3xwr"),
    ("pyrepl-pager", "_pyrepl.pager", "pipe_pager", ("text", "true"), "A10", "GHSA-g38g-8gr9-h9xp"),
    ("code-module-interact", "code", "interact", ("text",), "A9", "fickling and picklescan, 2026"),
    ("difflib", "difflib", "context_diff", (["a"], ["b"]), "A13", "GHSA-r48f-3986-4f9c"),
    ("platform", "platform", "popen", ("true",), "A10", "GHSA-5cxw-w2xg-2m8h"),
    ("site", "site", "addsitedir", ("name-that-is-not-there",), "A7", "GHSA-m6fh-58r7-x697"),
    ("atexit", "atexit", "register", ("name-that-is-not-there",), "A30", "GHSA-m6fh-58r7-x697"),
    ("interpreters", "_interpreters", "run_string", (0, "pass"), "A9", "GHSA-6ggj-6f2q-f7mx"),
    ("subinterpreters", "_xxsubinterpreters", "run_string", (0, "pass"), "A9", "GHSA-6ggj-6f2q-f7mx"),
    ("bdb-run", "bdb", "Bdb.run", ("pass",), "A9", "picklescan malicious15"),
    ("type-hints", "typing", "get_type_hints", ("name-that-is-not-there",), "A9", ""),
    ("mlflow-entry-point", "mlflow.projects.backend.local", "_run_entry_point", ("true", ".", "0", "0"), "A10",
     "modelscan issue 338"),
    ("read-csv", "pandas", "read_csv", ("http://name.invalid/",), "A14", "modelscan issue 338"),
    ("joblib-load-bytes", "joblib", "load", (b"absent.joblib",), "A12", ""),
    ("numpy-load-bytes", "numpy", "load", (b"absent.npy",), "A12", ""),
    ("torch-save", "torch", "save", ([1], "absent/absent.pt"), "A13", ""),
    ("joblib-dump", "joblib", "dump", ([1], "absent/absent.joblib"), "A13", ""),
    ("to-pickle", "pandas", "to_pickle", (b"x", "absent/absent.pkl"), "A13", ""),
    ("dill-eval", "dill._dill", "_eval_repr", ("1",), "A9", ""),
    ("dill-file", "dill._dill", "_create_filehandle", ("absent/absent.txt", "r"), "A13", ""),
    ("hello-module", "__hello__", "main", (), "A7", "Fickling's rule on private modules"),
    ("sysconfig-data", "_sysconfigdata__linux_x86_64-linux-gnu", "build_time_vars.get", ("x",), "A7",
     "Fickling's rule on private modules"),
]

# Which published bypass a row stands for: a scanner's list lacked the name.
BYPASS = {
    "absent-installers": ["pip-main", "pydoc-pipepager", "venv-create", "inductor-compile", "torch-load-path"],
    "absent-numpy-names": ["numpy-runstring", "server-certificate", "timeit"],
    "absent-torch-names": ["bottleneck", "autograd-prof", "dynamo-guards", "shape-env", "collect-env-run",
                           "collect-env-read", "basic-handlers", "exec-wrapper", "config-module"],
    "absent-python-names": [
        "trace-run", "trace-runctx", "profile-class-run", "profile-class-runctx", "cprofile-run", "cprofile-runctx",
        "lib2to3-grammar", "lib2to3-make-label", "idlelib-set-text", "idlelib-entity", "idlelib-completions",
        "idlelib-calltip", "idlelib-fetch-tip", "code-interact", "idlelib-executive", "idlelib-runcode",
        "idlelib-runcommand", "doctest-debug", "ensurepip"],
    "absent-system-names": ["distutils-write", "ctypes-cdll", "pty-spawn", "f2py-getlincoef", "f2py-eval-length"],
    "file-and-network": ["file-io", "urlopen"],
    "log-file": ["file-handler"],
    "command-output": ["uuid-command", "osx-support", "aix-support", "pyrepl-pager", "imap-stream", "script-helper"],
    "twin-of-a-method": ["profile-run"],
    "absent-loaders": ["import-module", "dunder-import", "code-module-interact", "multiprocessing-spawn", "ctypeslib",
                       "read-pickle", "torch-load", "joblib-load"],
    "absent-private-modules": ["run-path", "platform", "linecache", "difflib", "fork-exec", "site", "atexit",
                               "interpreters", "subinterpreters", "load-source", "pipes-template"],
    "library-entry-points": ["collect-env-run", "multiprocessing-spawn", "mlflow-entry-point", "read-csv", "urlopen"],
}

STORY = {
    "A7": "{0} imports a module, and importing runs it.",
    "A9": "{0} evaluates the text it is given.",
    "A10": "{0} starts a process or hands text to a shell.",
    "A11": "{0} loads a shared library, whose initialisers run at once.",
    "A12": "{0} loads another pickle, from a place this file does not hold.",
    "A13": "{0} opens, writes or removes a file.",
    "A14": "{0} speaks to the network.",
    "A30": "{0} leaves something behind that acts later.",
}

for case, module, name, args, threat, reference in TABLE:
    def make(module=module, name=name, args=args):
        return framed(Pickle().call4(module, name, *args).stop())
    add(f"gadgets/{case}", make, STORY[threat].format(f"{module}.{name}"), status="unsafe", threats=[threat],
        imports=[(module, name)], references=[reference] if reference else [], weights_only=False,
        bypass=[family for family, rows in BYPASS.items() if case in rows])


def resolver(case, story, build, imports, status="unsafe", **more):
    add(f"resolvers/{case}", lambda: bytes(build(pickle(4)).stop()), story, status=status, threats=["A6"],
        imports=imports, **more)


def os_module(p):
    return p.glob4("sys", "modules.get").value(("os",)).reduce()


resolver("getattr-os", "getattr takes 'system' from the module os, and the result is called.",
         lambda p: p.glob4("builtins", "getattr").value((Pickle().glob4("importlib", "import_module").value(("os",))
                                                         .reduce(), "system")).reduce().value(("true",)).reduce(),
         [("builtins", "getattr"), ("importlib", "import_module")])
resolver("getattr-of-module-attribute", "getattr takes 'os.system' in two steps from pathlib, no name looks bad.",
         lambda p: p.glob4("builtins", "getattr").value((Pickle().glob4("pathlib", "os"), "system")).reduce()
         .value(("true",)).reduce(), [("builtins", "getattr"), ("pathlib", "os")])
resolver("attrgetter", "operator.attrgetter('system') is applied to os and the result is called.",
         lambda p: p.call4("operator", "attrgetter", "system").value((Pickle().glob4("pathlib", "os"),)).reduce()
         .value(("true",)).reduce(), [("operator", "attrgetter")], references=["picklescan malicious12"])
resolver("private-attrgetter", "_operator.attrgetter is the same under its private name.",
         lambda p: p.call4("_operator", "attrgetter", "system").value((Pickle().glob4("pathlib", "os"),)).reduce()
         .value(("true",)).reduce(), [("_operator", "attrgetter")], references=["GHSA-46h3-79wf-xr6c"])
resolver("methodcaller", "operator.methodcaller('system', 'true') is applied to os.",
         lambda p: p.call4("operator", "methodcaller", "system", "true").value((Pickle().glob4("pathlib", "os"),))
         .reduce(), [("operator", "methodcaller")], references=["GHSA-84r2-jw7c-4r5q"], bypass=["operators"])
resolver("itemgetter", "operator.itemgetter('system') is applied to the dictionary of os.",
         lambda p: p.call4("operator", "itemgetter", "system").value((Pickle().glob4("pathlib", "os.__dict__"),))
         .reduce().value(("true",)).reduce(), [("operator", "itemgetter")])
resolver("pydoc-locate", "pydoc.locate('os.system') turns text into the function, which is called.",
         lambda p: p.call4("pydoc", "locate", "os.system").value(("true",)).reduce(), [("pydoc", "locate")],
         references=["GHSA-84r2-jw7c-4r5q"])
resolver("resolve-name", "pkgutil.resolve_name('os:system') turns text into the function, which is called.",
         lambda p: p.call4("pkgutil", "resolve_name", "os:system").value(("true",)).reduce(),
         [("pkgutil", "resolve_name")], references=["GHSA-vvpj-8cmc-gx39"], bypass=["text-to-object"])
resolver("resolve-name-not-called", "pkgutil.resolve_name('os:system') leaves os.system on the stack, uncalled.",
         lambda p: p.call4("pkgutil", "resolve_name", "os:system"), [("pkgutil", "resolve_name")])
resolver("resolve-name-unknown", "pkgutil.resolve_name is given a name nobody knows.",
         lambda p: p.call4("pkgutil", "resolve_name", "acme_absent:thing").value((1,)).reduce(),
         [("pkgutil", "resolve_name")], status="suspicious")
resolver("resolve-name-of-unknown-module", "pkgutil.resolve_name imports a module nobody knows; nothing is called.",
         lambda p: p.call4("pkgutil", "resolve_name", "acme_absent"), [("pkgutil", "resolve_name")],
         status="suspicious")
resolver("locate-unknown", "pydoc.locate turns text that nobody knows into an object, uncalled.",
         lambda p: p.call4("pydoc", "locate", "acme_absent.thing"), [("pydoc", "locate")], status="suspicious")
resolver("private-methodcaller", "_operator.methodcaller is the same under its private name.",
         lambda p: p.call4("_operator", "methodcaller", "system", "true").value((Pickle().glob4("pathlib", "os"),))
         .reduce(), [("_operator", "methodcaller")], references=["GHSA-955r-x9j8-7rhh"], bypass=["operators"])
resolver("cgitb-lookup", "cgitb.lookup walks to a name in a frame that nobody knows, and the result is called.",
         lambda p: p.call4("cgitb", "lookup", "system", None, {}).value(("true",)).reduce(), [("cgitb", "lookup")],
         status="suspicious", unsure="what it finds depends on a frame that the file does not hold")
resolver("item-of-namespace", "operator.getitem takes 'eval' from the namespace of builtins.",
         lambda p: p.call4("operator", "getitem", Pickle().glob4("builtins", "__dict__"), "eval").value(("1",))
         .reduce(),
         [("operator", "getitem"), ("builtins", "__dict__")])
resolver("getattr-of-private-alias", "getattr takes 'system' from the os that random imports as _os.",
         lambda p: p.call4("builtins", "getattr", Pickle().glob4("random", "_os"), "system").value(("true",)).reduce(),
         [("builtins", "getattr"), ("random", "_os")])
resolver("attrgetter-not-applied", "operator.attrgetter('width') waits for an object; its text leads nowhere.",
         lambda p: p.call4("operator", "attrgetter", "width"), [("operator", "attrgetter")], status="safe",
         unsure="a resolver without its object; nothing in the file applies it")
resolver("getattr-static", "inspect.getattr_static reaches os.system past a guard on getattr.",
         lambda p: p.call4("inspect", "getattr_static", Pickle().glob4("pathlib", "os"), "system").value(("true",))
         .reduce(), [("inspect", "getattr_static")])
resolver("mock-importer", "unittest.mock._importer('os.system') imports and walks.",
         lambda p: p.call4("unittest.mock", "_importer", "os.system").value(("true",)).reduce(),
         [("unittest.mock", "_importer")])
resolver("xmlrpc-dotted", "xmlrpc.server.resolve_dotted_attribute walks from pathlib to os.system.",
         lambda p: p.call4("xmlrpc.server", "resolve_dotted_attribute", Pickle().glob4("pathlib", "os"), "system")
         .value(("true",)).reduce(), [("xmlrpc.server", "resolve_dotted_attribute")])
resolver("partial-of-sink", "functools.partial wraps os.system, and the partial is called.",
         lambda p: p.call4("functools", "partial", Pickle().glob4("os", "system"), "true").empty_tuple().reduce(),
         [("functools", "partial"), ("os", "system")], references=["picklescan malicious19"])
resolver("partial-of-sink-not-called", "functools.partial wraps os.system with its argument and waits to be called.",
         lambda p: p.call4("functools", "partial", Pickle().glob4("os", "system"), "true"),
         [("functools", "partial"), ("os", "system")])
resolver("partial-of-unknown", "functools.partial wraps a function nobody knows.",
         lambda p: p.call4("functools", "partial", Pickle().glob4("acme_vision.io", "restore"), 1),
         [("functools", "partial")], status="suspicious",
         unsure="partial does not call it; a resolver with an unknown argument is suspicious")
resolver("partial-of-value-type", "functools.partial(int, base=2) is harmless when called too.",
         lambda p: p.call4("functools", "partial", Pickle().glob4("builtins", "int"))
         .value((Pickle().glob4("builtins", "int"), (), {"base": 2}, None)).build(),
         [("functools", "partial"), ("builtins", "int")], status="safe")
resolver("map-of-sink", "builtins.map holds os.system and a list, and tuple() drains it.",
         lambda p: p.call4("builtins", "tuple", Pickle().call4("builtins", "map", Pickle().glob4("os", "system"),
                                                              ["true"])),
         [("builtins", "map"), ("os", "system")],
         references=["map calls its function when iterated"])
resolver("reduce-of-sink", "functools.reduce calls the function it is given.",
         lambda p: p.call4("functools", "reduce", Pickle().glob4("subprocess", "call"), ["true", 0]),
         [("functools", "reduce"), ("subprocess", "call")])
resolver("getattr-enum-member", "getattr of a class of __main__ and a constant, as YOLO checkpoints carry it.",
         lambda p: p.call4("builtins", "getattr", Pickle().glob4("__main__", "Color"), "RED"),
         [("builtins", "getattr"), ("__main__", "Color")], status="caution",
         unsure="the object is in code we do not see; the attribute is a plain constant name")
resolver("getattr-unknown-object", "getattr takes an attribute of what an unknown function returned, and calls it.",
         lambda p: p.call4("builtins", "getattr", Pickle().call4("acme_vision.io", "load"), "run")
         .empty_tuple().reduce(), [("builtins", "getattr")], status="suspicious")
resolver("sys-modules-get", "sys.modules.get('os') fetches a module without importing it.",
         lambda p: p.call4("builtins", "getattr", os_module(Pickle()), "system").value(("true",)).reduce(),
         [("sys", "modules.get"), ("builtins", "getattr")])
resolver("codecs-encode-latin1", "_codecs.encode(text, 'latin1') is how Python 3 writes bytes for Python 2.",
         lambda p: p.call4("_codecs", "encode", "caf\u00e9", "latin1"), [("_codecs", "encode")], status="safe")
resolver("gc-get-objects", "gc.get_objects hands out every live object, os.system among them.",
         lambda p: p.call4("gc", "get_objects"), [("gc", "get_objects")], references=["GHSA-r48f-3986-4f9c"],
         unsure="alone it only lists; it is on the table as a whole module")
