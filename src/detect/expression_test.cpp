#include "detect/expression.h"

#include <gtest/gtest.h>

#include "detect/sample.h"
#include "detect/written.h"

namespace assay::detect {
namespace {

using namespace sample;
using namespace std::string_literals;

std::string resolved(const Expr& e) {
  const auto r = resolve(e);
  return r ? written(*r) : "?";
}

TEST(Expression, ResolversAreFollowedToTheNameTheyReach) {
  EXPECT_EQ(resolved(name("os.system")), "os.system");
  EXPECT_EQ(resolved(call("builtins.getattr", {name("os"), text("system")})), "os.system");
  EXPECT_EQ(resolved(call("builtins.getattr", {call("builtins.__import__", {text("os")}), text("system")})),
            "os.system");
  EXPECT_EQ(resolved(call("importlib.import_module", {text("os.path")})), "os.path");
  EXPECT_EQ(resolved(call("pkgutil.resolve_name", {text("os:system")})), "os.system");
  EXPECT_EQ(resolved(call(call("operator.attrgetter", {text("system")}), {name("os")})), "os.system");
  EXPECT_EQ(resolved(call("functools.partial", {name("os.system"), text("true")})), "os.system");
  EXPECT_EQ(resolved(call("functools.partial", {call("functools.partial", {name("os.system")}), text("true")})),
            "os.system");
  EXPECT_EQ(resolved(call("operator.getitem", {name("builtins.__dict__"), text("eval")})), "builtins.__dict__.eval");
  EXPECT_EQ(resolved(persistent(tuple({text("module"), name("a.C"), text("f"), text("s")}))), "a.C");
}

TEST(Expression, WhatIsNotConstantIsNotResolved) {
  EXPECT_EQ(resolved(unknown()), "?");
  EXPECT_EQ(resolved(text("os.system")), "?");
  EXPECT_EQ(resolved(call("builtins.getattr", {name("a.b"), unknown()})), "?");
  EXPECT_EQ(resolved(call("a.f", {})), "?");
  auto cut = text("sys");
  cut.cut = true;
  EXPECT_EQ(resolved(call("builtins.getattr", {name("a"), cut})), "?");
}

TEST(Expression, AnyAttributeOfAModuleFullOfSinksIsOne) {
  EXPECT_EQ(judge_call(call("builtins.getattr", {name("os"), unknown()}), {}, {}).weight, Weight::sink);
  EXPECT_EQ(judge_call(call("builtins.getattr", {name("torch"), unknown()}), {}, {}).weight, Weight::unknown);
}

TEST(Expression, NamesWeighAsTheirRulesSay) {
  const std::pair<std::string, Weight> cases[] = {
      {"os.system", Weight::sink},
      {"posix.system", Weight::sink},
      {"builtins.eval", Weight::sink},
      {"a.__init__.__builtins__", Weight::sink},
      {"collections.OrderedDict", Weight::harmless},
      {"torch.FloatStorage", Weight::harmless},
      {"__main__.Model", Weight::own},
      {"somebody.else", Weight::unknown},
      {"builtins.getattr", Weight::unknown},
      {"collections.OrderedDict.fromkeys", Weight::unknown},
  };
  for (const auto& [dotted, weight] : cases) {
    const auto e = name(dotted);
    EXPECT_EQ(judge_name(e.text, e.name, {}).weight, weight) << dotted;
  }
}

// The split between module and name is the attacker's choice.
TEST(Expression, WhereTheModuleEndsDoesNotMatter) {
  EXPECT_EQ(judge_name("os", "path.os.system", {}).weight, Weight::sink);
  EXPECT_EQ(judge_name("torch", "serialization.os.system", {}).weight, Weight::sink);
  EXPECT_EQ(judge_name("sklearn", "utils.os.system", {}).weight, Weight::sink);
  EXPECT_EQ(judge_name("", "os.system", {}).weight, Weight::sink);
  EXPECT_EQ(judge_name("a", "b.__globals__.x", {}).weight, Weight::sink);
  EXPECT_NE(judge_name("torch.serialization.os", "system", {}).weight, Weight::harmless);  // no such module
}

TEST(Expression, TheOwnersListPermitsWhatNoRuleKnowsAndNeverASink) {
  Listed mine;
  mine.names = {{"ours.*", Effect::library},
                {"ours.f", Effect::value},
                {"os.system", Effect::value},
                {"theirs.bad", Effect::executes},
                {"torch.*", Effect::value}};
  EXPECT_EQ(judge_name("ours", "f", mine).weight, Weight::harmless);
  EXPECT_EQ(judge_name("ours.deep", "Class", mine).weight, Weight::library);
  EXPECT_EQ(judge_name("oursx", "f", mine).weight, Weight::unknown);
  EXPECT_EQ(judge_name("os", "system", mine).weight, Weight::sink);
  EXPECT_EQ(judge_name("theirs", "bad", mine).weight, Weight::sink);
  EXPECT_EQ(judge_name("torch.serialization", "os.system", mine).weight, Weight::sink);
  EXPECT_EQ(judge_name("ours", "f.__globals__", mine).weight, Weight::sink);
}

TEST(Expression, ConditionsLookAtArguments) {
  struct Case {
    std::string callee;
    std::vector<Expr> args;
    Weight weight;
  };
  const Case cases[] = {
      // codecs-encode
      {"_codecs.encode", {text("abc"), text("latin1")}, Weight::harmless},
      {"_codecs.encode", {text("abc")}, Weight::harmless},
      {"_codecs.encode", {text("abc"), text("rot13")}, Weight::unknown},
      {"_codecs.encode", {unknown(), text("latin1")}, Weight::unknown},
      {"_codecs.encode", {text("abc"), unknown()}, Weight::unknown},
      {"_codecs.encode", {}, Weight::unknown},
      // reconstructor
      {"copyreg._reconstructor", {name("collections.OrderedDict"), name("builtins.object"), none()}, Weight::harmless},
      {"copyreg._reconstructor", {name("os.system")}, Weight::sink},
      {"copyreg._reconstructor", {name("__main__.C")}, Weight::own},
      {"copyreg._reconstructor", {name("some.C")}, Weight::unknown},
      {"copyreg._reconstructor", {unknown()}, Weight::unknown},
      {"copyreg._reconstructor", {}, Weight::unknown},
      // partial
      {"functools.partial", {name("collections.OrderedDict")}, Weight::harmless},
      {"functools.partial", {name("os.system"), text("true")}, Weight::sink},
      {"functools.partial", {unknown()}, Weight::unknown},
      {"collections.defaultdict", {name("builtins.list")}, Weight::harmless},
      {"collections.defaultdict", {none()}, Weight::harmless},
      {"collections.defaultdict", {name("builtins.eval")}, Weight::sink},
      {"builtins.map", {name("os.system"), list({text("true")})}, Weight::sink},
      {"functools.reduce", {name("builtins.eval"), list({})}, Weight::sink},
      // getattr
      {"builtins.getattr", {name("os"), text("system")}, Weight::sink},
      {"builtins.getattr", {name("builtins.dict"), text("keys")}, Weight::harmless},
      {"builtins.getattr", {unknown(), text("x")}, Weight::unknown},
      {"builtins.getattr", {name("a.b"), unknown()}, Weight::unknown},
      {"builtins.getattr", {name("some.C"), text("field")}, Weight::own},  // looking up is not calling
      // type-of
      {"builtins.type", {none()}, Weight::harmless},
      {"builtins.type", {text("X"), tuple({}), dict({})}, Weight::unknown},
      // getitem
      {"operator.getitem", {list({number(1)}), number(0)}, Weight::harmless},
      {"operator.getitem", {name("os.environ"), text("x")}, Weight::sink},
      {"operator.getitem", {unknown(), number(0)}, Weight::unknown},
      {"operator.itemgetter", {number(0)}, Weight::harmless},
      // operands
      {"operator.or_", {number(1), number(2)}, Weight::harmless},
      {"operator.mul", {number(1), number(2)}, Weight::unknown},
      {"operator.or_", {name("a.b"), number(2)}, Weight::unknown},
      // rebuild-from-type
      {"torch._tensor._rebuild_from_type_v2",
       {name("torch._utils._rebuild_tensor_v2"), name("torch.Tensor"), tuple({}), none()},
       Weight::harmless},
      {"torch._tensor._rebuild_from_type_v2",
       {name("os.system"), name("torch.Tensor"), tuple({text("true")}), none()},
       Weight::sink},
      {"torch._tensor._rebuild_from_type_v2",
       {name("torch._utils._rebuild_tensor_v2"), name("os.system"), tuple({}), none()},
       Weight::sink},
      {"torch._tensor._rebuild_from_type_v2", {unknown()}, Weight::unknown},
      {"torch._tensor._rebuild_from_type_v2", {}, Weight::unknown},
      // nested-bytes
      {"torch.storage._load_from_bytes",
       {raw("\x80\x02"
            "]q\x01K\x01"
            "a.")},
       Weight::harmless},  // examined as a pickle
      {"torch.storage._load_from_bytes", {raw("x")}, Weight::unknown},
      {"torch.storage._load_from_bytes", {text("/tmp/x")}, Weight::unknown},
      {"torch.storage._load_from_bytes", {unknown()}, Weight::unknown},
      // load-type
      {"dill._dill._load_type", {text("CodeType")}, Weight::harmless},
      {"dill._dill._load_type", {text("int")}, Weight::harmless},
      // builds-code
      {"cloudpickle.cloudpickle._make_function", {text("harmless")}, Weight::library},
      {"cloudpickle.cloudpickle._make_function", {tuple({text("system")})}, Weight::unknown},
      {"types.CodeType", {number(0)}, Weight::unknown},
      // sets-cell
      {"builtins.setattr", {call("dill._dill._create_cell", {}), text("cell_contents"), none()}, Weight::harmless},
      {"builtins.setattr", {name("os"), text("system"), none()}, Weight::sink},
      {"builtins.setattr", {}, Weight::sink},
  };
  for (const auto& c : cases)
    EXPECT_EQ(judge_call(name(c.callee), c.args, {}).weight, c.weight) << written_call(name(c.callee), c.args);
}

TEST(Expression, CallingWhatASinkMadeIsCallingTheSink) {
  EXPECT_EQ(judge_call(call("builtins.eval", {text("f")}), {}, {}).weight, Weight::sink);
  EXPECT_EQ(judge_call(call("builtins.compile", {text("f")}), {}, {}).weight, Weight::sink);
}

TEST(Expression, MethodcallerCallsTheMethodItNames) {
  const auto v = judge_call(call("operator.methodcaller", {text("system"), text("true")}), std::vector{name("os")}, {});
  EXPECT_EQ(v.weight, Weight::sink);
  EXPECT_EQ(v.name, "os.system");
}

TEST(Expression, DeepChainsEndAndAreNotHarmless) {
  auto e = name("os.system");
  for (int i = 0; i < 100; ++i) e = call("functools.partial", {e});
  EXPECT_NE(judge_call(e, {}, {}).weight, Weight::harmless);
  auto chain = name("collections.OrderedDict");
  for (int i = 0; i < 100; ++i) chain = call(chain, {});
  EXPECT_NE(judge_call(chain, {}, {}).weight, Weight::harmless);
}

TEST(Expression, SinksAreFoundInsideValues) {
  EXPECT_TRUE(sink_inside(dict({text("a"), tuple({name("os.system")})}), {}));
  EXPECT_FALSE(sink_inside(dict({text("os.system"), name("collections.OrderedDict")}), {}));
  EXPECT_EQ(sink_named_in(tuple({text("abc"), tuple({text("subprocess")})})), "subprocess");
  EXPECT_FALSE(sink_named_in(tuple({text("os"), text("model.eval")})));
}

TEST(Expression, ValuesAreWrittenAsPythonWritesThem) {
  EXPECT_EQ(written_call(name("os.system"), std::vector{text("true")}), "os.system('true')");
  EXPECT_EQ(written(tuple({number(1)})), "(1,)");
  EXPECT_EQ(written(dict({text("a"), list({none()})})), "{'a': [None]}");
  EXPECT_EQ(written(raw("x")), "b'x'");
  EXPECT_EQ(written(unknown()), "?");
}

// Evidence is printed on terminals: hostile text must not draw on them, and must not be endless.
TEST(Expression, WhatIsWrittenIsPrintableAndShort) {
  const auto out = written(text("\x1b[2J\n\xff\xe2\x80\xae"));
  EXPECT_EQ(out.find_first_of("\x1b\n\xff"), std::string::npos);
  EXPECT_LT(written(text(std::string(100'000, 'a'))).size(), 400u);
  EXPECT_LT(written(list(std::vector<Expr>(5000, text(std::string(100, 'a'))))).size(), 1000u);
}

}  // namespace
}  // namespace assay::detect
