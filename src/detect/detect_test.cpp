#include "detect/detect.h"

#include <gtest/gtest.h>

#include "detect/sample.h"

namespace assay::detect {
namespace {

using namespace sample;
using namespace std::string_literals;

struct Case {
  std::string why;
  Doc doc;
  std::string status;
};

void check(std::initializer_list<Case> cases) {
  for (const auto& c : cases) EXPECT_EQ(c.doc.status(), c.status) << c.why << testing::PrintToString(c.doc.rules());
}

// The rules of docs on statuses, one by one.
TEST(Detect, SinksAreUnsafeWhenCalledWithAnyArgument) {
  check({{"a command", Doc{}.reduce("os.system", {text("true")}), "unsafe"},
         {"no argument", Doc{}.reduce("os.system"), "unsafe"},
         {"an unknown argument", Doc{}.reduce("builtins.eval", {unknown()}), "unsafe"},
         {"a number", Doc{}.reduce("builtins.exec", {number(1)}), "unsafe"},
         {"INST", Doc{}.call(Call::Kind::inst, name("os.system"), {text("true")}), "unsafe"},
         {"OBJ", Doc{}.call(Call::Kind::obj, name("os.system"), {text("true")}), "unsafe"},
         {"NEWOBJ of a class that runs", Doc{}.newobj("subprocess.Popen", {list({text("true")})}), "unsafe"},
         {"deep below a module", Doc{}.reduce(name("torch", "serialization.os.system"), {text("true")}), "unsafe"},
         {"through getattr", Doc{}.reduce(call("builtins.getattr", {name("os"), text("system")}), {text("true")}),
          "unsafe"},
         {"through partial", Doc{}.reduce(call("functools.partial", {name("os.system"), text("true")})), "unsafe"},
         {"through an import by name",
          Doc{}.reduce(call("builtins.getattr", {call("importlib.import_module", {text("os")}), text("system")}),
                       {text("true")}),
          "unsafe"},
         {"some function of a module full of sinks", Doc{}.reduce(computed("os", "")), "unsafe"},
         {"the interpreter's globals", Doc{}.reduce(name("a", "f.__globals__.get"), {text("x")}), "unsafe"}});
}

TEST(Detect, ASinkThatIsOnlyImportedIsSuspicious) {
  check({{"imported", Doc{}.import("os.system"), "suspicious"},
         {"in a dict", Doc{}.import("os.system").reduce("collections.OrderedDict"), "suspicious"},
         {"a re-export", Doc{}.import("torch", "serialization.os.system"), "suspicious"}});
}

TEST(Detect, ResolversAreJudgedByWhatTheyReach) {
  check({{"a value", Doc{}.reduce("builtins.getattr", {name("builtins.dict"), text("keys")}), "safe"},
         {"a name nobody knows", Doc{}.reduce("builtins.getattr", {name("builtins.dict"), text("nobody")}), "caution"},
         {"a sink", Doc{}.reduce("builtins.getattr", {name("os"), text("system")}), "unsafe"},
         {"nobody knows", Doc{}.reduce("builtins.getattr", {unknown(), text("x")}), "suspicious"},
         {"an attribute nobody knows", Doc{}.reduce("builtins.getattr", {name("a.b"), unknown()}), "suspicious"},
         {"importing one by itself", Doc{}.import("builtins.getattr"), "safe"}});
}

TEST(Detect, NamesOfKnownLibraries) {
  check(
      {{"a listed value", Doc{}.reduce("torch._utils._rebuild_tensor_v2", {unknown()}), "safe"},
       {"unlisted, called by REDUCE", Doc{}.reduce("sklearn.utils.some_function", {unknown()}), "suspicious"},
       {"unlisted, called by INST", Doc{}.call(Call::Kind::inst, name("sklearn.utils.some_function"), {}),
        "suspicious"},
       {"unlisted, called by OBJ", Doc{}.call(Call::Kind::obj, name("sklearn.utils.some_function"), {}), "suspicious"},
       {"a class under the prefix",
        Doc{}
            .newobj("sklearn.svm._classes.SVC")
            .build(instance("sklearn.svm._classes.SVC"), dict({text("C"), number(1)})),
        "caution"},
       {"an unknown library's class", Doc{}.newobj("whatever.Class"), "suspicious"},
       {"an unknown library's function", Doc{}.reduce("whatever.f"), "suspicious"},
       {"an unknown name, not called", Doc{}.import("whatever.f"), "caution"}});
}

TEST(Detect, ClassesOfMainNeedYourOwnCode) {
  check({{"NEWOBJ", Doc{}.newobj("__main__.Model"), "caution"},
         {"REDUCE", Doc{}.reduce("__main__.Model"), "caution"},
         {"reconstructed",
          Doc{}.reduce("copyreg._reconstructor", {name("__main__.Model"), name("builtins.object"), none()}), "caution"},
         {"a sink behind it", Doc{}.reduce(name("__main__", "os.system"), {text("true")}), "unsafe"}});
}

TEST(Detect, ValueTypesSayNothing) {
  for (const auto* dotted :
       {"collections.OrderedDict", "builtins.set", "datetime.datetime", "decimal.Decimal", "torch.Size", "numpy.dtype",
        "builtins.bytearray", "fractions.Fraction", "uuid.UUID", "torch.FloatStorage"})
    EXPECT_TRUE(Doc{}.reduce(dotted, {number(1)}).rules().empty())
        << dotted << testing::PrintToString(Doc{}.reduce(dotted, {number(1)}).rules());
}

TEST(Detect, Building) {
  check({{"plain state", Doc{}.newobj("__main__.C").build(instance("__main__.C"), dict({text("a"), number(1)})),
          "caution"},
         {"an imported name", Doc{}.build(name("whatever.f"), dict({})), "suspicious"},
         {"an imported name becomes a sink", Doc{}.build(name("whatever.f"), dict({text("g"), name("os.system")})),
          "unsafe"},
         {"a sink's attributes", Doc{}.build(name("os.path"), dict({text("g"), number(1)})), "unsafe"},
         {"a sink in the state",
          Doc{}.newobj("__main__.C").build(instance("__main__.C"), dict({text("f"), name("os.system")})), "unsafe"},
         {"a sink in the slot state",
          Doc{}.build(instance("__main__.C"), tuple({none(), dict({text("f"), name("os.system")})})), "unsafe"},
         {"another __setstate__", Doc{}.build(instance("__main__.C"), dict({text("__setstate__"), name("whatever.f")})),
          "suspicious"},
         {"an everyday dunder", Doc{}.build(instance("collections.OrderedDict"), dict({text("__doc__"), text("x")})),
          "safe"},
         {"what persistent_load returned", Doc{}.build(persistent(text("x")), dict({})), "suspicious"},
         {"nobody knows what", Doc{}.build(unknown(), dict({})), "suspicious"}});
}

TEST(Detect, ChangingObjects) {
  const auto tensor = call("torch._utils._rebuild_tensor_v2", {});
  check({{"items of an OrderedDict",
          Doc{}.call(Call::Kind::setitem, call("collections.OrderedDict", {}), {text("a"), number(1)}), "safe"},
         {"items of a tensor", Doc{}.call(Call::Kind::setitem, tensor, {number(0), number(1)}), "suspicious"},
         {"items of a storage", Doc{}.call(Call::Kind::setitem, persistent(text("x")), {number(0), number(1)}),
          "suspicious"},
         {"items of a module's dict", Doc{}.call(Call::Kind::setitem, name("os.environ"), {text("a"), text("b")}),
          "unsafe"},
         {"items of some imported name", Doc{}.call(Call::Kind::setitem, name("a.b"), {text("a"), text("b")}),
          "suspicious"},
         {"append to an imported name", Doc{}.call(Call::Kind::append, name("sys.path"), {text("a")}), "unsafe"},
         {"append to a deque", Doc{}.call(Call::Kind::append, call("collections.deque", {}), {text("a")}), "safe"},
         {"add to who knows what", Doc{}.call(Call::Kind::add, unknown(), {text("a")}), "suspicious"}});
}

TEST(Detect, PersistentIds) {
  const auto storage = tuple({text("storage"), name("torch.FloatStorage"), text("0"), text("cpu"), number(4)});
  const auto forged = tuple({text("storage"), name("os.system"), text("0"), text("cpu"), number(4)});
  check({{"a storage", Doc{}.call(Call::Kind::persistent, unknown(), {storage}), "safe"},
         {"text", Doc{}.call(Call::Kind::persistent, unknown(), {text("x")}), "suspicious"},
         {"a storage that is none", Doc{}.call(Call::Kind::persistent, unknown(), {forged}), "suspicious"},
         {"text, in torch's tar", Doc{}.quirk("torch.legacy-tar").call(Call::Kind::persistent, unknown(), {text("x")}),
          "safe"},
         {"a class with its source",
          Doc{}.call(Call::Kind::persistent, unknown(), {tuple({text("module"), name("a.C"), text("f"), text("s")})}),
          "safe"}});
}

TEST(Detect, WordsInDataAreOnlyWords) {
  EXPECT_EQ(
      Doc{}
          .reduce("collections.OrderedDict", {list({text("os.system('rm -rf')"), text("eval"), raw("subprocess")})})
          .status(),
      "safe");
  EXPECT_EQ(Doc{}.build(call("collections.OrderedDict", {}), dict({text("os.system"), text("exec")})).status(), "safe");
}

TEST(Detect, ComputedNamesAreNotClearedByAnything) {
  EXPECT_EQ(Doc{}.reduce(computed("", "")).status(), "suspicious");
  EXPECT_EQ(Doc{}.reduce(computed("subprocess", "")).status(), "unsafe");
  Doc unresolved;
  unresolved.document.imports.push_back({{0, 1}, format::kAllProfiles, "", "system", "", false, 1});
  EXPECT_TRUE(unresolved.says("pickle.unresolved-name"));
}

TEST(Detect, ArgumentsThatWereNotKeptAreNotTrusted) {
  Doc doc;
  doc.reduce("_codecs.encode", {text("a"), text("latin1")});
  EXPECT_EQ(doc.status(), "safe");
  doc.document.calls[0].sampled = true;
  EXPECT_EQ(doc.status(), "suspicious");
}

// A payload that nothing loads is a find; one that pickle.loads is handed runs.
TEST(Detect, HiddenPayloads) {
  Doc hidden;
  hidden.call(Call::Kind::reduce, name("os.system"), {text("true")}, hidden.member("byte string"));
  EXPECT_EQ(hidden.status(), "suspicious");

  Doc loaded;
  loaded.reduce("pickle.loads", {raw("...")});
  loaded.call(Call::Kind::reduce, name("os.system"), {text("true")}, loaded.member("byte string"));
  EXPECT_EQ(loaded.status(), "unsafe");

  Doc unowned;
  unowned.call(Call::Kind::reduce, name("os.system"), {text("true")}, unowned.member("unowned bytes"));
  EXPECT_EQ(unowned.status(), "suspicious");

  Doc member;
  member.call(Call::Kind::reduce, name("os.system"), {text("true")}, member.member("zip member"));
  EXPECT_EQ(member.status(), "unsafe");
}

TEST(Detect, NestedLoadsAreNeverNothing) {
  EXPECT_EQ(Doc{}.reduce("pickle.loads", {raw("x")}).status(), "suspicious");
  EXPECT_EQ(Doc{}.reduce("pickle.load", {text("/tmp/x")}).status(), "unsafe");
  EXPECT_EQ(Doc{}.reduce("torch.load", {call("_io.BytesIO", {raw("x")})}).status(), "suspicious");
}

// A path may be bytes or a number, and writing takes an object first.
TEST(Detect, LoadersAndWritersOfFilesAreUnsafeWithAnyArgument) {
  for (const auto* dotted : {"joblib.load", "numpy.load", "pandas.read_pickle", "torch.load", "torch.save",
                             "joblib.dump", "pandas.to_pickle", "dill.load_session", "yaml.load"}) {
    EXPECT_EQ(Doc{}.reduce(dotted, {raw("/path")}).status(), "unsafe") << dotted;
    EXPECT_EQ(Doc{}.reduce(dotted, {list({}), text("/path")}).status(), "unsafe") << dotted;
    EXPECT_EQ(Doc{}.reduce(dotted, {unknown()}).status(), "unsafe") << dotted;
    EXPECT_EQ(Doc{}.reduce(dotted).status(), "unsafe") << dotted;
  }
}

TEST(Detect, TextThatBecomesAnyFunctionIsNeverOnlyAnImport) {
  check({{"module and function", Doc{}.reduce("pkgutil.resolve_name", {text("evil:system")}), "suspicious"},
         {"a module", Doc{}.reduce("pkgutil.resolve_name", {text("evil")}), "suspicious"},
         {"pydoc", Doc{}.reduce("pydoc.locate", {text("x")}), "suspicious"},
         {"an attribute of what is imported anyway", Doc{}.reduce("builtins.getattr", {name("some.C"), text("x")}),
          "caution"},
         {"a sink", Doc{}.reduce("pydoc.locate", {text("os.system")}), "unsafe"}});
}

// The standard library imports modules under names of its own.
TEST(Detect, ModulesAreKnownByTheNamesThatOtherModulesGaveThem) {
  const auto namespace_of = [](const std::string& module) { return name(module, "__dict__"); };
  check({{"random's os", Doc{}.reduce(name("random", "_os.system"), {text("true")}), "unsafe"},
         {"in two steps",
          Doc{}.reduce(call("builtins.getattr", {name("random", "_os"), text("system")}), {text("true")}), "unsafe"},
         {"enum's builtins", Doc{}.reduce(name("enum", "bltns.eval"), {text("1")}), "unsafe"},
         {"the module, looked up", Doc{}.import("random", "_os"), "suspicious"},
         {"its function, looked up", Doc{}.import("random", "_os.system"), "suspicious"},
         {"collections' sys", Doc{}.import("collections", "_sys.modules"), "suspicious"},
         {"an item of a namespace",
          Doc{}.reduce(call("operator.getitem", {namespace_of("builtins"), text("eval")}), {text("1")}), "unsafe"},
         {"get of a namespace", Doc{}.reduce(call(name("builtins", "__dict__.get"), {text("eval")}), {text("1")}),
          "unsafe"},
         {"vars of a module",
          Doc{}.reduce(call("operator.getitem", {call("builtins.vars", {name("enum.bltns")}), text("eval")}),
                       {text("1")}),
          "unsafe"},
         {"a namespace of sinks, looked up", Doc{}.import("builtins", "__dict__"), "suspicious"},
         {"a class of some module's own", Doc{}.import("whatever", "_Outer._Inner"), "caution"}});
}

TEST(Detect, WhoForbidsSomethingIsNamedTruly) {
  const auto message = [](const Doc& doc, const Listed& listed) {
    return detect(doc.document, listed).findings.at(0).message;
  };
  Listed mine;
  mine.names = {{"collections.OrderedDict", Effect::executes}};
  EXPECT_NE(message(Doc{}.reduce("collections.OrderedDict"), mine).find("your policy"), std::string::npos);
  const Doc walk = Doc{}.reduce(name("builtins", "object.__subclasses__"));
  EXPECT_EQ(walk.status(), "unsafe");
  EXPECT_EQ(message(walk, {}).find("your policy"), std::string::npos) << message(walk, {});
  EXPECT_EQ(message(Doc{}.reduce(name("a", "f.__globals__.get")), {}).find("your policy"), std::string::npos);
}

TEST(Detect, WhatCloudpickleAndDillCarryIsCautionUntilItRuns) {
  const auto code = call("types.CodeType", {number(0)});
  const auto function = call("cloudpickle.cloudpickle._make_function", {code, dict({})});
  const auto meta = name("builtins.type");
  const auto cls = call("cloudpickle.cloudpickle._make_skeleton_class", {meta, text("Model"), tuple({})});
  const auto dilled = call("dill._dill._create_type", {meta, text("Model"), tuple({}), dict({})});
  const auto subimport = [](const std::string& module) {
    return Doc{}.reduce("cloudpickle.cloudpickle.subimport", {text(module)});
  };
  check({{"a module is imported", subimport("os"), "caution"},
         {"os.path", subimport("os.path"), "caution"},
         {"numpy", subimport("numpy"), "caution"},
         {"a module for harm", subimport("subprocess"), "suspicious"},
         {"a module that runs when imported", subimport("antigravity"), "suspicious"},
         {"nobody knows which", Doc{}.reduce("cloudpickle.cloudpickle.subimport", {unknown()}), "suspicious"},
         {"its function is called",
          Doc{}.reduce(
              call("builtins.getattr", {call("cloudpickle.cloudpickle.subimport", {text("os")}), text("system")}),
              {text("true")}),
          "unsafe"},
         {"its attributes are set",
          Doc{}.build(call("cloudpickle.cloudpickle.subimport", {text("re")}), dict({text("compile"), function})),
          "unsafe"},
         {"a property", Doc{}.reduce("builtins.property", {function}), "caution"},
         {"a partial", Doc{}.reduce("functools.partial", {function}), "caution"},
         {"a bound method", Doc{}.reduce("types.MethodType", {function, number(1)}), "caution"},
         {"a factory of defaults", Doc{}.reduce("collections.defaultdict", {function}), "caution"},
         {"an instance", Doc{}.call(Call::Kind::newobj, cls, {}), "caution"},
         {"an instance by dill", Doc{}.call(Call::Kind::newobj, dilled, {}), "caution"},
         {"an attribute of a dilled class", Doc{}.reduce("builtins.setattr", {dilled, text("__qualname__"), text("M")}),
          "caution"},
         {"a sink as its attribute", Doc{}.reduce("builtins.setattr", {dilled, text("run"), name("os.system")}),
          "unsafe"},
         {"a function is called", Doc{}.reduce(function, {number(1)}), "unsafe"},
         {"a partial of it is called", Doc{}.reduce(call("functools.partial", {function}), {number(1)}), "unsafe"},
         {"map calls it", Doc{}.reduce("builtins.map", {function, list({number(1)})}), "unsafe"},
         {"its method is called", Doc{}.reduce(call("builtins.getattr", {cls, text("run")})), "unsafe"},
         {"a method of a partial is replaced",
          Doc{}.build(call("functools.partial", {name("builtins.int")}), tuple({name("whatever.f"), tuple({})})),
          "suspicious"}});
}

TEST(Detect, CloudpickleAndDillHaveOtherFunctionsToo) {
  const auto function = call("cloudpickle.cloudpickle._make_function", {number(0)});
  check(
      {{"calls what it is handed", Doc{}.reduce("dill._dill._create_type", {name("os.system"), text("true")}),
        "unsafe"},
       {"calls who knows what", Doc{}.reduce("dill._dill._create_type", {name("whatever.f"), text("x")}), "suspicious"},
       {"a metaclass nobody knows",
        Doc{}.reduce("cloudpickle.cloudpickle._make_skeleton_class", {name("whatever.Meta"), text("C")}), "suspicious"},
       {"calls it through a partial",
        Doc{}.reduce(call("functools.partial", {name("dill._dill._create_type"), name("os.system")}), {text("true")}),
        "unsafe"},
       {"finds a function instead of a named tuple",
        Doc{}.reduce(call("dill._dill._create_namedtuple", {text("eval"), tuple({}), text("builtins")}), {text("1")}),
        "unsafe"},
       {"a named tuple of who knows which module",
        Doc{}.reduce(call("dill._dill._create_namedtuple", {text("P"), tuple({}), unknown()}), {text("1")}), "unsafe"},
       {"looks among the builtins", Doc{}.reduce(call("dill._dill._get_attr", {number(1), text("eval")}), {text("1")}),
        "unsafe"},
       {"imports a module in a module", Doc{}.reduce("dill._dill._import_module", {text("random._os")}), "suspicious"},
       {"evaluates", Doc{}.reduce("dill._dill._eval_repr", {text("1 + 1")}), "unsafe"},
       {"opens files", Doc{}.reduce("dill._dill._create_filehandle", {text("x"), text("w")}), "unsafe"},
       {"makes pointers", Doc{}.reduce("dill._dill._create_capsule", {number(1)}), "unsafe"},
       {"plants code in a module",
        Doc{}.reduce("cloudpickle.cloudpickle._class_setstate",
                     {name("re.Scanner"), tuple({dict({text("f"), function})})}),
        "unsafe"},
       {"plants code in a namespace",
        Doc{}.reduce("dill._dill._setitems", {name("re", "__dict__"), dict({text("f"), function})}), "unsafe"}});
}

TEST(Detect, EverydayValuesOfOtherLibraries) {
  check({{"stat_result", Doc{}.reduce("os.stat_result", {tuple({number(1)})}), "safe"},
         {"an empty ExitStack", Doc{}.reduce("contextlib.ExitStack"), "safe"},
         {"an ExitStack that is closed", Doc{}.reduce("contextlib.ExitStack.close", {unknown()}), "unsafe"},
         {"a mail", Doc{}.newobj("email.message.Message"), "safe"},
         {"a string type of pandas", Doc{}.reduce("pandas.StringDtype", {text("python"), number(0)}), "caution"},
         {"an initialiser of torch", Doc{}.reduce("functools.partial", {name("torch.nn.init.xavier_uniform_")}),
          "caution"},
         {"an attrgetter", Doc{}.reduce("operator.attrgetter", {text("x.y")}), "safe"},
         {"a methodcaller", Doc{}.reduce("operator.methodcaller", {text("upper")}), "safe"},
         {"one that leads to a sink", Doc{}.reduce("operator.methodcaller", {text("system"), text("true")}),
          "suspicious"},
         {"one into the interpreter", Doc{}.reduce("operator.attrgetter", {text("__class__")}), "suspicious"},
         {"one of who knows what", Doc{}.reduce("operator.attrgetter", {unknown()}), "suspicious"},
         {"one that is applied", Doc{}.reduce(call("operator.attrgetter", {text("x")}), {unknown()}), "suspicious"}});
}

TEST(Detect, TheOwnersListWorksAndHasItsLimits) {
  Listed mine;
  mine.names = {{"ours.*", Effect::value}, {"os.system", Effect::value}, {"collections.OrderedDict", Effect::executes}};
  EXPECT_EQ(Doc{}.reduce("ours.deep.f").status(mine), "safe");
  EXPECT_EQ(Doc{}.reduce("os.system").status(mine), "unsafe");
  EXPECT_EQ(Doc{}.reduce("collections.OrderedDict").status(mine), "unsafe");
}

TEST(Detect, OddNamesOfRulesAreNeverSilent) {
  Doc doc;
  doc.quirk("no.such-rule");
  EXPECT_EQ(doc.status(), "suspicious");
}

TEST(Detect, StopsAreErrorsByTheirKind) {
  const std::pair<Errc, std::string> cases[] = {
      {Errc::truncated, "read.stopped"},   {Errc::malformed, "read.stopped"},   {Errc::unsupported, "read.unsupported"},
      {Errc::encrypted, "read.encrypted"}, {Errc::limit_reached, "read.limit"}, {Errc::io, "read.unreadable"},
      {Errc::changed, "read.changed"},     {Errc::crashed, "read.crashed"}};
  for (const auto& [code, rule] : cases) {
    Doc doc;
    doc.document.stops.push_back({{0, 5}, 0, "pickle", code, "why"});
    EXPECT_EQ(doc.rules(), std::vector<std::string>{rule});
    EXPECT_NE(doc.status(), "safe");
  }
}

TEST(Detect, BytesThatNobodyReadAreUnscanned) {
  Doc doc;
  doc.document.members[0].coverage = {{0, 900, 0, 0, 100}, {{{900, 1000}, "machine code"}}};
  EXPECT_EQ(doc.status(), "unscanned");
  EXPECT_EQ(detect(doc.document).unscanned, std::vector<std::string>{"machine code"});
}

TEST(Detect, ProseThatLooksLikeAnImportIsProse) {
  Doc doc;
  doc.document.pickles[0].weak = true;
  doc.document.pickles[0].stopped = false;
  doc.import("onsider", "this");
  EXPECT_EQ(doc.status(), "safe");
  doc.import("os", "system");
  EXPECT_EQ(doc.status(), "suspicious");
}

TEST(Detect, TheWorstStandsFirstAndEachHasAFingerprint) {
  const auto j = detect(Doc{}.import("whatever.f").reduce("os.system", {text("true")}).newobj("__main__.C").document);
  ASSERT_EQ(j.findings.size(), 3u);
  EXPECT_EQ(j.findings[0].severity, finding::Severity::unsafe);
  for (const auto& f : j.findings) EXPECT_EQ(f.fingerprint, finding::fingerprint(f.rule, f.where.member, f.evidence));
  EXPECT_EQ(j.findings[0].evidence, "os.system('true')");
  EXPECT_FALSE(j.findings[0].message.empty());
}

TEST(Detect, ThousandsOfFindingsAreCutAndCounted) {
  Doc doc;
  for (int i = 0; i < 1000; ++i) doc.reduce("os.system", {number(i)});
  const auto j = detect(doc.document);
  EXPECT_LT(j.findings.size(), 500u);
  EXPECT_NE(std::find_if(j.findings.begin(), j.findings.end(),
                         [](const auto& f) { return f.message.find("800 more") != std::string::npos; }),
            j.findings.end());
}

TEST(Detect, ImportsAreLabelledInTheHubsWords) {
  const auto j =
      detect(Doc{}.import("os.system").import("collections.OrderedDict").import("a.b").import("os.system").document);
  ASSERT_EQ(j.imports.size(), 3u);
  EXPECT_EQ(j.imports[0].safety, finding::Safety::dangerous);
  EXPECT_EQ(j.imports[1].safety, finding::Safety::innocuous);
  EXPECT_EQ(j.imports[2].safety, finding::Safety::suspicious);
}

TEST(Detect, ReadersKeepTheArgumentsThatRulesLookAt) {
  EXPECT_EQ(care("os", "system"), format::Care::result);
  EXPECT_EQ(care("builtins", "getattr"), format::Care::result);
  EXPECT_EQ(care("functools", "partial"), format::Care::result);
  EXPECT_EQ(care("_codecs", "encode"), format::Care::arguments);
  EXPECT_EQ(care("who", "knows"), format::Care::result);
  EXPECT_EQ(care("torch._utils", "_rebuild_tensor_v2"), format::Care::none);
  EXPECT_EQ(care("collections", "OrderedDict"), format::Care::none);
}

// Evidence and messages end on terminals and web pages.
TEST(Detect, HostileNamesAreEscapedEverywhere) {
  const std::string evil = "a\x1b[2J\n\xff";
  Doc doc;
  doc.import(evil, evil).reduce("os.system", {text(evil)}).quirk("zip.duplicate-differs");
  doc.document.quirks[0].detail = evil;
  doc.document.stops.push_back({{0, 5}, 0, evil, Errc::malformed, evil});
  for (const auto& f : detect(doc.document).findings) {
    EXPECT_EQ(f.evidence.find_first_of("\x1b\n\xff"), std::string::npos) << f.rule;
    EXPECT_EQ(f.message.find_first_of("\x1b\n\xff"), std::string::npos) << f.rule;
  }
}

}  // namespace
}  // namespace assay::detect
