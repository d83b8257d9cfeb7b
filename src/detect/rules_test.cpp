#include "detect/rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace assay::detect {
namespace {

using namespace std::string_view_literals;

/// The rule for a dotted name, split at every dot in turn: where module ends and name begins must not matter.
Found find_dotted(std::string_view dotted) {
  const auto whole = find_rule(dotted, {});
  for (std::size_t i = 0; i < dotted.size(); ++i) {
    if (dotted[i] != '.') continue;
    const auto split = find_rule(dotted.substr(0, i), dotted.substr(i + 1));
    EXPECT_EQ(split.rule, whole.rule) << dotted << " split at " << i;
    EXPECT_EQ(split.match, whole.match) << dotted << " split at " << i;
  }
  return whole;
}

bool harmful(const Found& found) {
  return found.rule != nullptr && (is_sink(found.rule->effect) || found.rule->effect == Effect::resolves);
}

Effect effect_of(std::string_view dotted) {
  const auto found = find_dotted(dotted);
  EXPECT_NE(found.rule, nullptr) << dotted;
  return found.rule == nullptr ? Effect::value : found.rule->effect;
}

/// Callables that were used, or could be, to run code, reach files or open connections while a
/// pickle loads: the sum of what advisories, scanners and papers list. "x.*" is the whole module.
// clang-format off
constexpr std::string_view kGadgets[] = {
    "builtins.eval", "builtins.exec", "builtins.compile", "builtins.getattr", "builtins.__import__", "builtins.open",
    "builtins.breakpoint", "builtins.apply", "builtins.execfile", "builtins.input", "builtins.globals",
    "builtins.locals", "builtins.vars", "builtins.setattr", "builtins.delattr", "builtins.reload", "os.*", "posix.*",
    "nt.*", "subprocess.*", "sys.*", "pty.*", "commands.*", "pexpect.*", "popen2.*", "_posixsubprocess.fork_exec",
    "_winapi.CreateProcess", "multiprocessing.*", "concurrent.futures.ProcessPoolExecutor", "asyncio.*",
    "asyncio.unix_events._UnixSubprocessTransport._start", "pydoc.pipepager", "pydoc.locate", "pydoc.pager",
    "pip.main", "pip._internal.main", "pip._internal.cli.main.main", "pip._vendor.distlib.scripts.ScriptMaker",
    "ensurepip._run_pip", "venv.create", "uuid._get_command_stdout", "uuid._popen", "_osx_support._read_output",
    "_osx_support._find_build_tool", "_aix_support._read_cmd_output", "_pyrepl.pager.pipe_pager",
    "_pyrepl.pager.tempfile_pager", "imaplib.IMAP4_stream", "test.support.script_helper.assert_python_ok",
    "test.support.get_attribute", "distutils.spawn.spawn", "distutils.file_util.write_file", "pipes.Template",
    "webbrowser.*", "joblib.testing.check_subprocess_call", "numpy.distutils.cpuinfo.getoutput", "numpy.distutils.*",
    "torch._inductor.codecache.compile_file", "torch.utils.collect_env.run",
    "torch.utils.collect_env.run_and_read_all", "signal.*", "threading.*", "_thread.*", "atexit.*",
    "_interpreters.*", "_xxsubinterpreters.*", "code.InteractiveInterpreter.runcode", "code.interact",
    "codeop.compile_command", "runpy.*", "timeit.*", "cProfile.run", "cProfile.runctx", "profile.run",
    "profile.Profile.run", "profile.Profile.runctx", "pdb.*", "bdb.Bdb.run", "trace.Trace.run", "trace.Trace.runctx",
    "doctest.debug_script", "unittest.*", "unittest.mock._importer", "unittest.mock._dot_lookup",
    "idlelib.autocomplete.AutoComplete.get_entity", "idlelib.autocomplete.AutoComplete.fetch_completions",
    "idlelib.calltip.Calltip.fetch_tip", "idlelib.calltip.get_entity", "idlelib.debugobj.ObjectTreeItem.SetText",
    "idlelib.pyshell.ModifiedInterpreter.runcode", "idlelib.pyshell.ModifiedInterpreter.runcommand",
    "idlelib.run.Executive.runcode", "lib2to3.pgen2.grammar.Grammar.loads",
    "lib2to3.pgen2.pgen.ParserGenerator.make_label", "lib2to3.fixer_util.attr_chain",
    "numpy.testing._private.utils.runstring", "numpy.f2py.crackfortran.getlincoef",
    "numpy.f2py.crackfortran._eval_length", "numpy.f2py.capi_maps.getinit", "numpy.f2py.*",
    "sympy.utilities.lambdify.lambdify", "sympy.sympify", "typing.get_type_hints",
    "torch._dynamo.guards.GuardBuilder.get", "torch._dynamo.*", "torch._inductor.*",
    "torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression",
    "torch.jit.unsupported_tensor_ops.execWrapper", "torch.jit.annotations.parse_type_line", "torch.jit.*",
    "torch.compile", "torch.utils.bottleneck.__main__.run_cprofile",
    "torch.utils.bottleneck.__main__.run_autograd_prof", "torch.distributed.rpc.rpc_sync",
    "torch.distributed.rpc.rpc_async", "torch.distributed.rpc.remote", "torch.distributed.rpc.RemoteModule",
    "IPython.core.display", "_pydev_bundle._pydev_execfile.execfile", "commands.run", "operator.attrgetter",
    "operator.methodcaller", "operator.itemgetter", "_operator.attrgetter", "_operator.methodcaller",
    "functools.partial", "functools.reduce", "inspect.getattr_static", "pkgutil.resolve_name",
    "xmlrpc.server.resolve_dotted_attribute", "cgitb.lookup", "gc.*", "importlib.import_module",
    "importlib.machinery.SourceFileLoader.load_module", "_frozen_importlib.*", "_frozen_importlib_external.*",
    "_imp.*", "imp.load_source", "zipimport.*", "site.*", "marshal.loads", "types.FunctionType", "types.CodeType",
    "cloudpickle.cloudpickle._make_function", "cloudpickle.cloudpickle._builtin_type",
    "cloudpickle.cloudpickle._function_setstate", "cloudpickle.cloudpickle._make_cell",
    "cloudpickle.cloudpickle.subimport", "cloudpickle.loads", "dill._dill.loads", "dill.load_session",
    "dill._dill._create_function", "pickle.*", "_pickle.*", "joblib.load",
    "joblib.externals.loky.cloudpickle_wrapper._reconstruct_wrapper", "torch.load", "torch.serialization.load",
    "torch.storage._load_from_bytes", "torch.hub.*", "torch.utils._config_module.ConfigModule.load_config",
    "torch.utils.data.datapipes.utils.decoder.basichandlers", "numpy.load", "pandas.read_pickle", "shelve.*",
    "skops.io.dump", "io.open", "io.FileIO", "_io.FileIO", "_io.open", "codecs.open", "pathlib.Path.write_text",
    "pathlib.Path.unlink", "linecache.*", "fileinput.*", "filecmp.*", "difflib.*", "glob.*", "platform.*",
    "tempfile.*", "shutil.*", "logging.FileHandler", "logging.config.*", "tarfile.*", "zipfile.*", "lzma.open",
    "sqlite3.*", "mmap.*", "compileall.*", "py_compile.*", "numpy.lib.npyio.loadtxt", "syslog.*", "socket.*",
    "ssl.get_server_certificate", "http.client.HTTPSConnection", "httplib.*", "urllib.request.urlopen", "urllib.*",
    "requests.api.*", "aiohttp.*", "smtplib.*", "ftplib.*", "poplib.*", "telnetlib.*", "nntplib.*", "xmlrpc.*",
    "socketserver.*", "select.*", "selectors.*", "ctypes.*", "_ctypes.CDLL", "numpy.ctypeslib.load_library",
    "torch.ops.load_library", "torch.classes.load_library", "numpy.memmap", "pyarrow._hdfs",
    "tensorflow.keras.models.load_model", "transformers.AutoModel.from_pretrained",
};
// clang-format on

TEST(Rules, FindEveryKnownGadgetHarmful) {
  for (const auto listed : kGadgets) {
    std::string name{listed};
    if (name.ends_with(".*")) name.replace(name.size() - 1, 1, "anything.at_all");
    EXPECT_TRUE(harmful(find_dotted(name))) << listed;
  }
}

/// The private modules of Python 3.8 to 3.15.
// clang-format off
constexpr std::string_view kPrivateModules[] = {
    "__hello__", "__phello__", "_abc", "_aix_support", "_android_support", "_apple_support", "_ast", "_ast_unparse", "_asyncio", "_bisect",
    "_blake2", "_bootsubprocess", "_bz2", "_codecs", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp",
    "_codecs_kr", "_codecs_tw", "_collections", "_collections_abc", "_colorize", "_compat_pickle", "_compression",
    "_contextvars", "_crypt", "_csv", "_ctypes", "_curses", "_curses_panel", "_datetime", "_dbm", "_decimal",
    "_elementtree", "_frozen_importlib", "_frozen_importlib_external", "_functools", "_gdbm", "_hashlib", "_heapq",
    "_hmac", "_imp", "_interpchannels", "_interpqueues", "_interpreters", "_io", "_ios_support", "_json", "_locale",
    "_lsprof", "_lzma", "_markupbase", "_md5", "_msi", "_multibytecodec", "_multiprocessing", "_opcode",
    "_opcode_metadata", "_operator", "_osx_support", "_overlapped", "_pickle", "_posixshmem", "_posixsubprocess",
    "_py_abc", "_py_warnings", "_pydatetime", "_pydecimal", "_pyio", "_pylong", "_pyrepl", "_queue", "_random",
    "_remote_debugging", "_scproxy", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512", "_signal", "_sitebuiltins",
    "_socket", "_sqlite3", "_sre", "_ssl", "_stat", "_statistics", "_string", "_strptime", "_struct", "_suggestions",
    "_symtable", "_sysconfig", "_testcapi", "_testclinic", "_testexternalinspection", "_testinternalcapi",
    "_testlimitedcapi", "_thread", "_threading_local", "_tkinter", "_tokenize", "_tracemalloc", "_tracing", "_types",
    "_typing", "_uuid", "_warnings", "_weakref", "_weakrefset", "_winapi", "_wmi", "_xxinterpchannels",
    "_xxsubinterpreters", "_zoneinfo", "_zstd",
};
// clang-format on

TEST(Rules, FindPrivateModulesOfPythonHarmful) {
  for (const auto module : kPrivateModules) {
    EXPECT_TRUE(harmful(find_rule(module, "anything"))) << module;
    EXPECT_TRUE(is_sink_module(module)) << module;
  }
}

TEST(Rules, CanonicaliseNothingButKnowBothSpellingsOfPythonTwo) {
  for (const auto name : {"eval", "getattr", "__import__", "setattr", "open", "set"})
    EXPECT_EQ(find_rule("builtins", name).rule, find_rule("__builtin__", name).rule) << name;
  EXPECT_EQ(effect_of("posix.system"), Effect::executes);
  EXPECT_EQ(effect_of("nt.system"), Effect::executes);
  EXPECT_EQ(effect_of("cPickle.loads"), Effect::loads);
  EXPECT_EQ(effect_of("_operator.attrgetter"), Effect::resolves);
}

TEST(Rules, FindPlainValuesHarmless) {
  for (const auto name : {
           "collections.OrderedDict",
           "collections.Counter",
           "collections.deque",
           "_collections.OrderedDict",
           "builtins.set",
           "__builtin__.frozenset",
           "builtins.complex",
           "builtins.bytearray",
           "builtins.ValueError",
           "datetime.datetime",
           "decimal.Decimal",
           "fractions.Fraction",
           "uuid.UUID",
           "ipaddress.IPv4Address",
           "array._array_reconstructor",
           "pathlib.PosixPath",
           "pathlib._local.PosixPath",
           "zoneinfo.ZoneInfo._unpickle",
           "re._compile",
           "types.SimpleNamespace",
           "argparse.Namespace",
           "typing.Any",
           "random.Random",
           "_io.BytesIO",
           "io.BytesIO",
           "__future__.annotations",
           "torch.FloatStorage",
           "torch.storage.UntypedStorage",
           "torch.cuda.HalfStorage",
           "torch._utils._rebuild_tensor_v2",
           "torch._utils._rebuild_parameter",
           "torch._utils._rebuild_qtensor",
           "torch.Size",
           "torch.device",
           "torch.float8_e4m3fn",
           "torch.nn.parameter.Parameter",
           "torch.serialization._get_layout",
           "torch.per_channel_affine",
           "torch.uint3",
           "numpy.ndarray",
           "numpy.dtype",
           "numpy.float64",
           "numpy.core.multiarray._reconstruct",
           "numpy._core.multiarray.scalar",
           "numpy.core.numeric._frombuffer",
           "numpy.random._pickle.__bit_generator_ctor",
           "numpy.ma.core._mareconstruct",
           "joblib.numpy_pickle.NumpyArrayWrapper",
       }) {
    const auto found = find_dotted(name);
    ASSERT_NE(found.rule, nullptr) << name;
    EXPECT_EQ(found.rule->effect, Effect::value) << name;
    EXPECT_EQ(found.rule->condition, "") << name;
    EXPECT_EQ(found.match, Match::exact) << name;
  }
}

TEST(Rules, FindNamesThatAreHarmlessUnderConditions) {
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"_codecs.encode", "codecs-encode"},
      {"copyreg._reconstructor", "reconstructor"},
      {"copy_reg._reconstructor", "reconstructor"},
      {"builtins.getattr", "getattr"},
      {"functools.partial", "wraps"},
      {"torch._tensor._rebuild_from_type_v2", "rebuild-from-type"},
      {"torch.storage._load_from_bytes", "nested-bytes"},
      {"dill._dill._load_type", "load-type"},
  };
  for (const auto& [name, condition] : expected) {
    const auto found = find_dotted(name);
    ASSERT_NE(found.rule, nullptr) << name;
    EXPECT_EQ(found.rule->condition, condition) << name;
  }
  EXPECT_EQ(effect_of("torch.storage._load_from_bytes"), Effect::loads);
  EXPECT_EQ(effect_of("builtins.getattr"), Effect::resolves);
}

TEST(Rules, NameTheLibraryOfItsClasses) {
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"sklearn.ensemble._forest.RandomForestClassifier", "scikit-learn"},
      {"torch.nn.modules.linear.Linear", "PyTorch"},
      {"torch.optim.adamw.AdamW", "PyTorch"},
      {"transformers.models.bert.modeling_bert.BertModel", "Transformers"},
      {"numpy.polynomial.chebyshev.Chebyshev", "NumPy"},
  };
  for (const auto& [name, library] : expected) {
    const auto found = find_dotted(name);
    ASSERT_NE(found.rule, nullptr) << name;
    EXPECT_EQ(found.match, Match::class_prefix) << name;
    EXPECT_EQ(found.rule->effect, Effect::library) << name;
    EXPECT_EQ(found.rule->library, library) << name;
  }
  for (const auto name : {"transformers.training_args.TrainingArguments", "transformers.trainer_utils.IntervalStrategy",
                          "accelerate.state.PartialState", "accelerate.utils.dataclasses.DistributedType",
                          "sklearn.tree._tree.Tree", "sklearn.neighbors._kd_tree.newObj",
                          "sklearn._loss._loss.__pyx_unpickle_CyHalfBinomialLoss", "omegaconf.dictconfig.DictConfig",
                          "ultralytics.utils.IterableSimpleNamespace", "pyannote.audio.core.task.Problem"}) {
    const auto found = find_dotted(name);
    ASSERT_NE(found.rule, nullptr) << name;
    EXPECT_EQ(found.match, Match::exact) << name;
    EXPECT_EQ(found.rule->effect, Effect::library) << name;
  }
}

// A library whose classes are known still has loaders and downloaders.
TEST(Rules, KeepTheLoadersOfKnownLibrariesHarmful) {
  for (const auto name : {"torch.load",
                          "torch.hub.load",
                          "numpy.load",
                          "numpy.memmap",
                          "pandas.read_csv",
                          "pandas.read_pickle",
                          "sklearn.datasets.fetch_openml",
                          "joblib.load",
                          "joblib.externals.cloudpickle.cloudpickle._make_function",
                          "joblib.externals.cloudpickle.subimport",
                          "sklearn.externals.joblib.numpy_pickle.load",
                          "cloudpickle.cloudpickle_fast.dump",
                          "transformers.AutoModel.from_pretrained",
                          "huggingface_hub.hf_hub_download",
                          "tensorflow.keras.models.load_model",
                          "keras.models.load_model",
                          "torch.fx.graph_module.reduce_graph_module",
                          "torch.utils.data.datapipes.utils.decoder.basichandlers",
                          "numpy.lib._npyio_impl.load",
                          "mlflow.projects.backend.local._run_entry_point",
                          "skops.io.load",
                          "requests.get",
                          "scipy.LowLevelCallable",
                          "numpy._core.memmap.memmap",
                          "omegaconf.OmegaConf.load"})
    EXPECT_TRUE(harmful(find_dotted(name))) << name;
}

TEST(Rules, FindScannersThatAFileReachesFor) {
  for (const auto module : {"fickling", "picklescan", "modelscan", "modelaudit", "saferpickle"})
    EXPECT_EQ(find_rule(module, "hook.activate").rule->effect, Effect::tampers) << module;
}

TEST(Rules, MatchPrefixesAtComponentBoundariesOnly) {
  EXPECT_EQ(find_rule("osx", "system").rule, nullptr);
  EXPECT_EQ(find_rule("o", "s.system").rule, nullptr);
  EXPECT_EQ(find_rule("sklearnx", "Thing").rule, nullptr);
  EXPECT_EQ(find_rule("os", "").match, Match::prefix);
  EXPECT_EQ(find_rule("", "os").match, Match::prefix);
  EXPECT_EQ(find_rule("os", "path.join").match, Match::prefix);
  EXPECT_EQ(find_rule("asyncio.unix_events", "_UnixSubprocessTransport._start").match, Match::prefix);
  EXPECT_EQ(find_rule("sklearn", "").rule, nullptr);  // the package itself is no class of it
}

TEST(Rules, PreferTheExactNameThenTheLongestPrefix) {
  EXPECT_EQ(effect_of("_io.BytesIO"), Effect::value);
  EXPECT_EQ(effect_of("_io.FileIO"), Effect::files);
  EXPECT_EQ(effect_of("_io.anything"), Effect::files);
  EXPECT_EQ(effect_of("pathlib.Path"), Effect::value);
  EXPECT_EQ(effect_of("pathlib.Path.write_text"), Effect::files);
  EXPECT_EQ(effect_of("numpy.f2py.crackfortran.myeval"), Effect::evaluates);  // below the classes of numpy
  EXPECT_EQ(effect_of("ray.rllib.policy.Policy"), Effect::library);           // below ray.*
  EXPECT_EQ(effect_of("ray.init"), Effect::loads);
  EXPECT_EQ(find_rule("os", "system").rule->id, "pickle.call.os-system");
  EXPECT_EQ(find_rule("os", "getpid").rule->id, "pickle.call.os");
}

TEST(Rules, LeaveUnlistedNamesUnknown) {
  EXPECT_EQ(find_rule("my_project.models", "Net").rule, nullptr);
  EXPECT_EQ(find_rule("__main__", "Net").rule, nullptr);
  EXPECT_EQ(find_rule("torch", "select").rule, nullptr);
  EXPECT_EQ(find_rule("", "").rule, nullptr);
  EXPECT_EQ(find_rule(".", ".").rule, nullptr);
  EXPECT_EQ(find_rule("os\0"sv, "system").rule, nullptr);
}

TEST(Rules, TakeNamesOfAnyLength) {
  const std::string long_name(1 << 20, 'a');
  EXPECT_EQ(find_rule("os", long_name).match, Match::prefix);
  EXPECT_EQ(find_rule(long_name, "system").rule, nullptr);
  const std::string dots(1 << 20, '.');
  EXPECT_EQ(find_rule(dots, dots).rule, nullptr);
  EXPECT_EQ(find_reexported(std::string_view{dots}.substr(0, 1 << 15)).rule, nullptr);
}

// torch.serialization imports os, so loaders that walk dotted names reach os.system through it.
TEST(Rules, FindWhatIsReachedThroughReexports) {
  EXPECT_EQ(find_reexported("os.system").rule->id, "pickle.call.os-system");
  EXPECT_EQ(find_reexported("serialization.os.system").rule->id, "pickle.call.os-system");
  EXPECT_EQ(find_reexported("Path.sys.modules").rule->id, "pickle.call.sys");
  EXPECT_EQ(find_reexported("Outer.Inner").rule, nullptr);
  EXPECT_EQ(find_reexported("select").rule, nullptr);
  EXPECT_EQ(find_reexported("").rule, nullptr);
}

TEST(Rules, KnowModulesWhoseMembersAreAllSinks) {
  EXPECT_TRUE(is_sink_module("os"));
  EXPECT_TRUE(is_sink_module("os.path"));
  EXPECT_TRUE(is_sink_module("torch._dynamo.guards"));
  EXPECT_FALSE(is_sink_module("torch"));
  EXPECT_FALSE(is_sink_module("pathlib"));
  EXPECT_FALSE(is_sink_module("sklearn.ensemble"));
}

// NumPy 2 renamed numpy.core to numpy._core; the same file may be written by either.
TEST(Rules, KnowBothNamesOfNumpyCore) {
  std::size_t seen = 0;
  for (const auto& rule : all_rules()) {
    for (const auto& name : names_of(rule)) {
      if (!name.starts_with("numpy.core.") || name.ends_with(".*")) continue;
      ++seen;
      EXPECT_EQ(find_rule("numpy._core", std::string_view{name}.substr("numpy.core."sv.size())).rule, &rule) << name;
    }
  }
  EXPECT_GT(seen, 100u);
}

TEST(Rules, PermitNothingByPrefix) {
  for (const auto& rule : all_rules()) {
    if (rule.effect != Effect::value && rule.effect != Effect::library) continue;
    for (const auto& name : names_of(rule)) EXPECT_FALSE(name.ends_with(".*")) << rule.id << ": " << name;
  }
}

TEST(Rules, AreFoundUnderEachOfTheirNames) {
  for (const auto& rule : all_rules()) {
    EXPECT_FALSE(names_of(rule).empty()) << rule.id;
    for (auto name : names_of(rule)) {
      if (name.ends_with(" (classes)")) continue;
      if (name.ends_with(".*")) name.replace(name.size() - 1, 1, "not_listed_anywhere");
      EXPECT_EQ(find_rule("", name).rule, &rule) << name;
    }
  }
}

TEST(Rules, SayWhatTheyMeanAndWhatToDo) {
  std::set<std::string_view> ids;
  for (const auto& rule : all_rules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_FALSE(rule.says.empty()) << rule.id;
    EXPECT_EQ(rule.remedy.empty(), rule.effect == Effect::value) << rule.id;
    EXPECT_EQ(rule.library.empty() && rule.effect == Effect::library, false) << rule.id;
    for (const auto reference : rule.references) EXPECT_FALSE(reference.empty()) << rule.id;
  }
  EXPECT_EQ(find_rule("pip", "main").rule->references.front(), "CVE-2025-1716");
}

TEST(Rules, WeighStructure) {
  using finding::Severity;
  const std::pair<std::string_view, Severity> expected[] = {
      {"pickle.profiles-differ", Severity::suspicious}, {"pickle.memo-sparse", Severity::note},
      {"torch.storage-missing", Severity::error},       {"torch.legacy-tar", Severity::note},
      {"zip.duplicate-same", Severity::note},           {"zip.duplicate-differs", Severity::suspicious},
      {"zip.method-unknown", Severity::unscanned},      {"read.limit", Severity::error},
      {"policy.pickle-banned", Severity::caution},
  };
  for (const auto& [id, severity] : expected) {
    const auto* rule = find_structure(id);
    ASSERT_NE(rule, nullptr) << id;
    EXPECT_EQ(rule->severity, severity) << id;
    EXPECT_FALSE(rule->says.empty()) << id;
  }
  EXPECT_EQ(find_structure(""), nullptr);
  EXPECT_EQ(find_structure("zip.duplicate"), nullptr);
  EXPECT_EQ(find_structure("zzz"), nullptr);
  for (const auto& rule : all_structure_rules()) EXPECT_EQ(find_structure(rule.id), &rule);
}

TEST(Rules, CarryAVersion) {
  EXPECT_EQ(rule_set_version().size(), 12u);
  EXPECT_EQ(rule_set_version().find_first_not_of("0123456789abcdef"), std::string_view::npos);
}

TEST(Rules, NameTheirEffects) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(kLastEffect); ++i)
    EXPECT_FALSE(to_string(static_cast<Effect>(i)).empty());
  EXPECT_TRUE(is_sink(Effect::executes));
  EXPECT_TRUE(is_sink(Effect::tampers));
  EXPECT_FALSE(is_sink(Effect::resolves));
  EXPECT_FALSE(is_sink(Effect::value));
  EXPECT_FALSE(is_sink(Effect::library));
}

}  // namespace
}  // namespace assay::detect
