#include "tensors/collect.h"

#include <gtest/gtest.h>

#include "tensors/sample.h"

namespace assay::tensors {
namespace {

using namespace sample;
using Outcome = Set::Outcome;

Told of(const std::string& object, std::optional<std::string> key = {}) {
  return Told{checkpoint(object, {{"0", "12345678"}, {"1", "abcdefgh"}}), std::move(key)};
}
const std::string kFirst = tensor(storage("0", 2), 0, {2}, {1});
const std::string kSecond = tensor(storage("1", 2), 0, {2}, {1});
const std::string kState = ordered({{"w", kFirst}, {"b", kSecond}});

void expect_refused(const Told& told, std::string_view why) {
  EXPECT_EQ(told.set.outcome, Outcome::refused) << why;
  EXPECT_NE(told.set.why.find(why), std::string::npos) << told.set.why;
  EXPECT_TRUE(told.set.tensors.empty());
}

// --- Choosing -----------------------------------------------------------------------------------------

TEST(Collect, AStateDictMayStandAtTheTop) {
  const auto told = of(kState);
  EXPECT_EQ(told.set.outcome, Outcome::read);
  EXPECT_EQ(told.names(), (Lines{"w", "b"}));
  EXPECT_EQ(told.set.key, "");
}

TEST(Collect, AStateDictMayStandUnderAUsualKey) {
  for (const auto* key :
       {"state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights", "params_ema",
        "params", "ema_state_dict", "model_ema", "state_dict_ema", "ema", "g_ema"}) {
    const auto told = of(dict({{"epoch", number(7)}, {key, kState}}));
    EXPECT_EQ(told.names(), (Lines{"w", "b"})) << key;
    EXPECT_EQ(told.set.key, key);
    EXPECT_EQ(told.left(), Lines{"epoch: int: not a tensor"});
  }
}

TEST(Collect, AUsualKeyWithoutTensorsIsPassedOver) {
  const auto told = of(dict({{"state_dict", dict({{"x", number(1)}})}, {"model", kState}}));
  EXPECT_EQ(told.set.key, "model");
}

TEST(Collect, WhatIsLeftBesideItIsTold) {
  const auto told = of(dict({{"model", kState}, {"ema", ordered({{"w", kFirst}})}}));
  EXPECT_EQ(told.set.key, "model");
  EXPECT_EQ(
      told.left(),
      Lines{"ema: collections.OrderedDict(...): it holds tensors too, and 'model' was taken; --key ema takes it"});
}

TEST(Collect, AKeyChooses) {
  const auto file = dict({{"model", kState}, {"ema", dict({{"deep", ordered({{"v", kFirst}})}})}});
  EXPECT_EQ(of(file, "ema").names(), Lines{"deep.v"});
  EXPECT_EQ(of(file, "ema.deep").names(), Lines{"v"});
  EXPECT_EQ(of(file, "model.w").names(), Lines{""});
  EXPECT_EQ(of(file, "").names(), (Lines{"model.w", "model.b", "ema.deep.v"}));
  expect_refused(of(file, "other"), "there is no 'other' in it; there are: model, ema");
  expect_refused(of(file, "ema.deeper"), "there is no 'ema.deeper'");
}

TEST(Collect, KeysMayHaveDotsThemselves) {
  const auto file = dict({{"a", dict({{"b", dict({{"c", kFirst}})}})}, {"a.b", dict({{"d", kSecond}})}});
  EXPECT_EQ(of(file, "a.b").names(), Lines{"d"});
  EXPECT_EQ(of(file, "a.b.c").names(), Lines{""});
  EXPECT_EQ(of(file, "a.b.d").names(), Lines{""});
}

TEST(Collect, NumbersAreNamesOfAPathToo) {
  EXPECT_EQ(of("}(K\0"s + kState + "K\1" + ordered({{"v", kFirst}}) + "u", "1").names(), Lines{"v"});
  const auto list = "](" + kState + tuple({kFirst, dict({{"x", kSecond}})}) + "e";
  EXPECT_EQ(of(list, "0").names(), (Lines{"w", "b"}));
  EXPECT_EQ(of(list, "1.1").names(), Lines{"x"});
  EXPECT_EQ(of(list, "1.1.x").names(), Lines{""});
  expect_refused(of(list, "2"), "there is no '2' in it; there are: 0, 1");
  expect_refused(of(list, "00"), "there is no '00'");
}

TEST(Collect, WhatStandsBesideAnyStepOfAPathIsTold) {
  const auto file = dict({{"a", dict({{"b", kState}, {"c", ordered({{"v", kFirst}})}, {"n", number(1)}})},
                          {"a.b.x", kFirst},
                          {"epoch", number(7)}});
  const auto others = ": it holds tensors too, and 'a.b' was taken; --key "s;
  const auto told = of(file, "a.b");
  EXPECT_EQ(told.names(), (Lines{"w", "b"}));
  EXPECT_EQ(
      told.left(),
      (Lines{"a.b.x: torch._utils._rebuild_tensor_v2(...)" + others + "a.b.x takes it", "epoch: int: not a tensor",
             "a.c: collections.OrderedDict(...)" + others + "a.c takes it", "a.n: int: not a tensor"}));
}

TEST(Collect, WhatHasNoNameBesideTheChosenDictIsTold) {
  const auto told = of("}(" + text("state_dict") + kState + tuple({number(1)}) + kFirst + "u");
  EXPECT_EQ(told.names(), (Lines{"w", "b"}));
  EXPECT_EQ(told.left(), Lines{": torch._utils._rebuild_tensor_v2(...): its key is tuple of 1, no text"});
}

TEST(Collect, KeysThatMayBeTheChosenOneAreRefused) {
  expect_refused(of("}(" + text("model") + kState + called("numpy", "str_", {text("model")}) + kState + "u"),
                 "a key of the dict is numpy.str_(...), and nobody knows which others it equals");
}

TEST(Collect, AnOptimizerHasNoPlace) {
  const auto told = of(dict({{"state", dict({{"0", kFirst}})}, {"param_groups", "]"}}));
  EXPECT_EQ(told.set.outcome, Outcome::nothing);
  EXPECT_NE(told.set.why.find("optimizer"), std::string::npos);
}

TEST(Collect, WithoutTensorsThereIsNothing) {
  for (const auto& object : {dict({{"a", number(1)}}), "]"s, kNone, text("x"), kOrdered}) {
    const auto told = of(object);
    EXPECT_EQ(told.set.outcome, Outcome::nothing);
    EXPECT_NE(told.set.why.find("no tensors"), std::string::npos);
  }
}

TEST(Collect, WhatAnUnknownCallMakesIsNamed) {
  const auto told = of(called("acme", "make_model", {text("x")}));
  EXPECT_EQ(told.set.outcome, Outcome::nothing);
  EXPECT_EQ(told.set.why, "it is what acme.make_model(...) makes, a call that Assay does not make and does not know");
}

// --- Names --------------------------------------------------------------------------------------------

TEST(Collect, NestedDictsListsAndTuplesAreFlattened) {
  const auto told =
      of(dict({{"a", dict({{"b", kFirst}})}, {"l", "](" + kSecond + kFirst + "e"}, {"t", tuple({kSecond})}}));
  EXPECT_EQ(told.names(), (Lines{"a.b", "l.0", "l.1", "t.0"}));
}

TEST(Collect, TheRootMayBeATensor) { EXPECT_EQ(of(kFirst).names(), Lines{""}); }

TEST(Collect, PrefixesOfDataParallelStay) { EXPECT_EQ(of(dict({{"module.w", kFirst}})).names(), Lines{"module.w"}); }

TEST(Collect, OfEqualKeysTheLastCounts) {
  const auto told = of(dict({{"w", kFirst}, {"x", kFirst}, {"w", kSecond}}));
  ASSERT_EQ(told.names(), (Lines{"w", "x"}));
  EXPECT_EQ(told.bytes_of_first(), "abcdefgh");
}

TEST(Collect, NumbersAreEqualAsPythonHasIt) {
  const auto one_as = [](const std::string& key) { return of("}(K\1" + kFirst + key + kSecond + "u"); };
  for (const auto& key : {"K\1"s, kTrue, "G?\xf0\0\0\0\0\0\0"s, "\x8a\1\1"s}) {
    const auto told = one_as(key);
    ASSERT_EQ(told.names(), Lines{"1"});
    EXPECT_EQ(told.bytes_of_first(), "abcdefgh");
  }
  EXPECT_EQ(one_as("K\2").names(), (Lines{"1", "2"}));
}

TEST(Collect, NamesThatBecomeOneAreTold) {
  const auto told = of(dict({{"a.b", kFirst}, {"a", dict({{"b", kSecond}})}}));
  EXPECT_EQ(told.names(), Lines{"a.b"});
  EXPECT_EQ(told.bytes_of_first(), "12345678");
  EXPECT_EQ(told.left(), Lines{"a.b: tensor: another one has this name already"});
  EXPECT_EQ(of("}(K\1" + kFirst + text("1") + kSecond + "u").left(),
            Lines{"1: tensor: another one has this name already"});
}

TEST(Collect, TheNameThatSafetensorsKeepsIsLeftOut) {
  const auto told = of(dict({{"__metadata__", kFirst}, {"w", kSecond}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), Lines{"__metadata__: tensor: safetensors keeps this name for itself"});
}

TEST(Collect, KeysThatMakeNoNameAreTold) {
  const auto odd = "no text that a name can be made of"s;
  const auto size = called("torch", "Size", {tuple({number(1)})});
  for (const auto& [key, kind] :
       Pairs{{text("\xed\xa0\x80"), odd},
             {text(std::string(5000, 'x')), odd},
             {"\x8a\x09" + std::string(9, '\1'), odd},
             {tuple({number(1)}), "tuple of 1, no text"},
             {kNone, "None, no text"},
             {kTrue, "bool, no text"},
             {"F1.5\n", "float, no text"},
             {raw("w"), "bytes, no text"},
             {global("torch", "float32"), "torch.float32, no text"},
             {global("torch.nn.modules.linear", "Linear"), "torch.nn.modules.linear.Linear, no text"},
             {size, "torch.Size(...), no text"}}) {
    const auto told = of(dict({{"a", "}(" + key + kFirst + text("w") + kSecond + "u"}}));
    EXPECT_EQ(told.names(), Lines{"a.w"}) << told.set.why;
    EXPECT_EQ(told.left(), Lines{"a: torch._utils._rebuild_tensor_v2(...): its key is " + kind});
  }
}

// numpy.str_('w') == 'w'
TEST(Collect, KeysThatCodeComparesAreRefused) {
  const auto strange = called("numpy", "str_", {text("w")});
  const auto beside = [](const std::string& name, const std::string& key) {
    return of(dict({{"a", "}(" + name + kFirst + key + kSecond + "u"}}));
  };
  expect_refused(beside(text("w"), strange),
                 "a key of the dict at 'a' is numpy.str_(...), and nobody knows which others it equals");
  expect_refused(beside("K\0"s, "F1.5\n"), "a key of the dict at 'a' is float");
  expect_refused(beside("K\1"s, "\x8a\x09\1" + std::string(8, '\0')), "a key of the dict at 'a' is int");
  for (const auto& [module, name] : Pairs{{"string", "digits"},
                                          {"torch", "__version__"},
                                          {"torch.nn", "Linear.__name__"},
                                          {"torch.nn", "NAME"},
                                          {"torch.nnx", "Linear"}})
    expect_refused(beside(text("w"), global(module, name)), "a key of the dict at 'a' is " + module);
  expect_refused(of(module({{"w", kFirst}}, {}, {}, {{"x", "}" + strange + kNone + "s"}}) + "0" +
                    object("acme", "Net",
                           dict({{"_parameters", "}(" + text("w") + kFirst + strange + kSecond + "u"},
                                 {"_buffers", "}"},
                                 {"_modules", "}"}}))),
                 "a key of the dict is numpy.str_(...)");
  EXPECT_EQ(of("}(" + strange + kSecond + "u").set.outcome, Outcome::nothing);
}

TEST(Collect, NestingHasAnEnd) {
  auto deep = kFirst;
  for (int i = 0; i < 150; ++i) deep = dict({{"a", deep}});
  EXPECT_EQ(of(deep).names().size(), 1u);
  for (int i = 0; i < 150; ++i) deep = dict({{"a", deep}});
  expect_refused(of(deep), "nested too deeply");
}

TEST(Collect, NamesHaveAnEnd) {
  auto deep = kFirst;
  for (int i = 0; i < 5; ++i) deep = dict({{std::string(1000, 'n'), deep}});
  expect_refused(of(deep), "named too long");
}

// --- What is no tensor --------------------------------------------------------------------------------

TEST(Collect, WhatIsNoTensorIsListedByName) {
  const auto told = of(dict({{"w", kFirst},
                             {"none", kNone},
                             {"yes", kTrue},
                             {"epoch", number(3)},
                             {"loss", "G?\xe0\0\0\0\0\0\0"s},
                             {"text", text("hi")},
                             {"raw", raw("x")},
                             {"list", "](K\1K\2e"},
                             {"tuple", tuple({kNone})},
                             {"dict", "}"},
                             {"set", called("builtins", "set", {"](K\1K\2e"})},
                             {"none of it", called("builtins", "frozenset", {})},
                             {"big", "\x8a\x09" + std::string(9, '\1')},
                             {"class", global("acme", "Schedule")},
                             {"object", object("acme", "Schedule", dict({{"step", number(1)}}))},
                             {"inner", dict({{"lr", number(1)}})}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  const auto reason = ": not a tensor"s;
  EXPECT_EQ(
      told.left(),
      (Lines{"none: None" + reason, "yes: bool" + reason, "epoch: int" + reason, "loss: float" + reason,
             "text: str" + reason, "raw: bytes" + reason, "list: list of 2" + reason, "tuple: tuple of 1" + reason,
             "dict: dict of 0" + reason, "set: set of 2" + reason, "none of it: set" + reason, "big: int" + reason,
             "class: acme.Schedule" + reason, "object: acme.Schedule(...)" + reason, "inner.lr: int" + reason}));
  Lines scalars;
  for (const auto& s : told.set.scalars) scalars.push_back(s.name + "=" + s.text);
  EXPECT_EQ(scalars, (Lines{"yes=true", "epoch=3", "loss=0.5", "text=hi", "inner.lr=1"}));
}

TEST(Collect, BareStoragesHaveNoShape) {
  const auto told = of(dict({{"w", kFirst}, {"s", storage("1", 2)}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), Lines{"s: storage: a bare storage, without a shape"});
}

TEST(Collect, LeftoversAreCountedBeyondTheirNumber) {
  std::string many = "}(" + text("w") + kFirst;
  for (std::uint64_t i = 0; i < kMostLeftovers + 5; ++i) many += number(1000 + i) + kNone;
  const auto told = of(many + "u");
  EXPECT_EQ(told.set.leftovers.size(), kMostLeftovers);
  EXPECT_EQ(told.set.more_leftovers, 5u);
}

// --- Calls --------------------------------------------------------------------------------------------

TEST(Collect, APayloadBesideTheTensorsIsNotInTheWay) {
  const auto told = of(call("os", "system", "true") + "0" + dict({{"w", kFirst}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  const auto kept = of(dict({{"w", kFirst}, {"x", call("os", "system", "true")}}));
  EXPECT_EQ(kept.names(), Lines{"w"});
  EXPECT_EQ(kept.left(), Lines{"x: os.system(...): not a tensor"});
}

TEST(Collect, TensorsThatDependOnAnUnknownCallAreRefused) {
  expect_refused(of(dict({{"w", called("acme", "decode", {kFirst})}})),
                 "its tensors depend on acme.decode(...) at 'w', a call that Assay does not make and does not know");
  expect_refused(of(called("acme", "decode", {dict({{"w", kFirst}})})), "its tensors depend on acme.decode(...)");
  expect_refused(of(dict({{"state_dict", object("acme", "Holder", dict({{"w", kFirst}}))}})), "acme.Holder(...)");
}

// operator.setitem(state_dict, 'w', ...): the call is not made, and what it would have changed is not known.
TEST(Collect, TensorsThatAreGivenToAnUnknownCallAreRefused) {
  const auto given = [](const std::string& args) {
    return of(kState + "q\1" + "0" + called("acme", "change", {args}) + "0h\1");
  };
  expect_refused(given("h\1"), "its tensors were given to acme.change");
  expect_refused(given("](h\1e"), "its tensors were given to acme.change");
  expect_refused(given(object("acme", "Box", dict({{"x", "h\1"}}))), "its tensors were given to acme.change");
  EXPECT_EQ(given(text("x")).names(), (Lines{"w", "b"}));
  EXPECT_EQ(given(ordered({{"v", kFirst}})).names(), (Lines{"w", "b"}));
  EXPECT_EQ(of(kState + "q\1" + "0" + called("builtins", "getattr", {"h\1", text("keys")}) + "0h\1").names(),
            (Lines{"w", "b"}));
}

TEST(Collect, ASubclassOfADictMayPutItsItemsElsewhere) {
  expect_refused(of(filled(global("acme", "Dict") + ")R", {{"w", kFirst}})), "its tensors depend on acme.Dict(...)");
}

TEST(Collect, DictsMayBeGivenTheirItems) {
  const auto list = "](" + tuple({text("a"), kFirst}) + "](" + text("b") + kSecond + "ee";
  EXPECT_EQ(of(called("collections", "OrderedDict", {list})).names(), (Lines{"a", "b"}));
  EXPECT_EQ(of(called("collections", "OrderedDict", {dict({{"a", kFirst}})})).names(), Lines{"a"});
  EXPECT_EQ(of(called("collections", "defaultdict", {global("builtins", "list"), dict({{"a", kFirst}})})).names(),
            Lines{"a"});
  const auto both =
      filled(called("collections", "OrderedDict", {dict({{"a", kFirst}})}), {{"a", kSecond}, {"c", kFirst}});
  EXPECT_EQ(of(both).names(), (Lines{"a", "c"}));
  EXPECT_EQ(of(both).bytes_of_first(), "abcdefgh");
}

// OrderedDict.__new__ looks at no arguments; Counter counts them.
TEST(Collect, DictsAreNotGivenWhatTheyIgnore) {
  const auto made =
      filled(global("collections", "OrderedDict") + tuple({dict({{"a", kFirst}})}) + "\x81", {{"b", kSecond}});
  EXPECT_EQ(of(made).names(), Lines{"b"});
  expect_refused(of(called("collections", "Counter", {"](" + tuple({text("a"), kFirst}) + "e"})),
                 "collections.Counter(...)");
}

TEST(Collect, WhatIsPutInAfterTheCallIsNotInTheDict) {
  const auto list = "](" + tuple({text("a"), kFirst}) + "eq\1";
  expect_refused(of(list + "0" + called("collections", "OrderedDict", {"h\1"}) + "q\2" + "0h\1" +
                    tuple({text("b"), kSecond}) + "a0h\2"),
                 "collections.OrderedDict(...)");
}

TEST(Collect, AttributesOfADictAreNotInIt) {
  const auto with = [](const std::string& state) { return of(kState + state + "b"); };
  EXPECT_EQ(with(dict({{"_metadata", kOrdered}})).names(), (Lines{"w", "b"}));
  EXPECT_EQ(with(dict({{"_metadata", kOrdered}})).left(), Lines{});
  const auto lost = ": an attribute of the dict"s;
  const auto tensor = ": torch._utils._rebuild_tensor_v2(...)"s;
  EXPECT_EQ(with(dict({{"extra", kFirst}, {"n", number(1)}})).left(),
            (Lines{"extra" + tensor + lost, "n: int" + lost}));
  EXPECT_EQ(with(tuple({kNone, dict({{"_metadata", kFirst}})})).left(), Lines{"_metadata" + tensor + lost});
}

// SETITEM replaces an item of a list, and no pickler writes that.
TEST(Collect, ListsThatAreOverwrittenAreRefused) {
  expect_refused(of("](" + kFirst + "eK\0"s + kSecond + "s"), "SETITEM changes list of 1");
}

TEST(Collect, AnObjectThatIsBuiltTwiceIsRefusedWhereItMatters) {
  const auto twice = [](const std::string& a, const std::string& b) {
    return module({{"w", a}}) + dict({{"_parameters", ordered({{"v", b}})}}) + "b";
  };
  expect_refused(of(twice(kFirst, kSecond)), "BUILD");
  const auto beside = object("acme", "Schedule", "}") + "}b";
  EXPECT_EQ(of(dict({{"state_dict", kState}, {"s", beside}})).names(), (Lines{"w", "b"}));
}

TEST(Collect, AMemoSlotHoldsWhatWasPutLast) {
  const auto told = of(kFirst + "q\1" + "0" + kSecond + "q\1" + "0" + dict({{"w", "h\1"}}));
  EXPECT_EQ(told.bytes_of_first(), "abcdefgh");
}

TEST(Collect, WhatIsPoppedIsGone) {
  EXPECT_EQ(of(dict({{"w", kFirst + "0" + kSecond}})).bytes_of_first(), "abcdefgh");
  EXPECT_EQ(of("}2" + text("w") + kFirst + "s0").names(), Lines{"w"});  // DUP is the same dict
}

// A container may be filled after it was put into another.
TEST(Collect, DictsThatAreFilledLaterAreFull) {
  EXPECT_EQ(of("}" + text("model") + "}q\1s0h\1" + text("w") + kFirst + "s0}" + text("model") + "h\1s").names(),
            Lines{"w"});
  const auto told = of("}q\2" + text("a") + "}q\1s0h\1" + text("w") + kFirst + "s0h\2");
  EXPECT_EQ(told.names(), Lines{"a.w"});
}

// --- Modules ------------------------------------------------------------------------------------------

const std::string kAsk = ": module class acme.Net: its class is not asked: it may have its own idea of its state";

TEST(Collect, AWholeModuleIsTakenAsStateDictGivesIt) {
  const auto layer = module({{"weight", parameter(kFirst)}, {"bias", kNone}}, {{"mean", kSecond}, {"gone", kNone}});
  const auto told = of(module({}, {}, {{"layer", layer}, {"none", kNone}}));
  EXPECT_EQ(told.names(), (Lines{"layer.weight", "layer.mean"}));
  ASSERT_EQ(told.set.notices.size(), 1u);
  EXPECT_NE(told.set.notices[0].find("a whole module of class acme.Net was"), std::string::npos);
  EXPECT_EQ(told.left(), Lines{kAsk});
}

TEST(Collect, BuffersThatAreNotSavedStayOut) {
  const auto told = of(module({{"w", kFirst}}, {{"mask", kSecond}}, {},
                              {{"_non_persistent_buffers_set", "\x8f(" + text("mask") + "\x90"}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), (Lines{kAsk, "mask: buffer: the module does not save it (persistent=False)"}));
}

TEST(Collect, OtherAttributesOfAModuleAreNoPartOfItsState) {
  const auto told = of(module({{"w", kFirst}}, {}, {}, {{"cache", kSecond}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(
      told.left(),
      (Lines{kAsk,
             "cache: torch._utils._rebuild_tensor_v2(...): an attribute of the module, and no part of its state"}));
}

TEST(Collect, AModuleMayStandUnderAKey) {
  const auto told = of(dict({{"epoch", number(1)}, {"model", module({{"w", kFirst}})}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), (Lines{"epoch: int: not a tensor", kAsk}));
  EXPECT_EQ(of("](" + module({{"w", kFirst}}) + "e").left(), Lines{"0" + kAsk});
  EXPECT_EQ(of(dict({{"x", module({}, {}, {{"l", module({{"w", kFirst}})}})}}), "x._modules.l").names(), Lines{"w"});
}

TEST(Collect, ModulesWithStrangePartsAreRefused) {
  const auto strange =
      object("acme", "Net", dict({{"_parameters", "](" + kFirst + "e"}, {"_buffers", "}"}, {"_modules", "}"}}));
  expect_refused(of(strange), "no dict");
}

TEST(Collect, AModuleWhoseStateGrowsAfterBuildIsRefused) {
  const auto state = dict({{"_parameters", dict({{"w", kFirst}})}, {"_buffers", "}"}, {"_modules", "}"}});
  const auto grown =
      global("acme", "Net") + ")\x81q\1" + state + "q\2b0h\2" + text("_parameters") + dict({{"w", kSecond}}) + "s0h\1";
  expect_refused(of(grown), "acme.Net(...)");
}

// --- References among objects -------------------------------------------------------------------------

TEST(Collect, WhatContainsItselfIsTakenOnce) {
  const auto told = of("}q\1(" + text("w") + kFirst + text("self") + "h\1u");
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), Lines{"self: dict of 2: it contains itself"});
}

// Which of two that contain each other is looked at first must not decide what holds a tensor.
TEST(Collect, RingsHoldWhatAnyOfThemHolds) {
  const auto told = of("}q\1" + text("b") + "}q\2" + text("a") + "h\1ss" + text("w") + kFirst + "s");
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), Lines{"b.a: dict of 2: it contains itself"});
}

TEST(Collect, RingsWithoutTensorsEnd) {
  std::string ring = "}(" + text("w") + kFirst;
  for (int i = 0; i < 40; ++i) ring += text("d" + std::to_string(i)) + "}q" + static_cast<char>(i);
  ring += "u";
  for (int i = 0; i < 40; ++i) {
    ring += "h"s + static_cast<char>(i) + "(";
    for (int j = 0; j < 40; ++j) ring += text(std::to_string(j)) + "h" + static_cast<char>(j);
    ring += "u0";
  }
  const auto told = of(ring);
  EXPECT_EQ(told.names(), Lines{"w"}) << told.set.why;
}

std::string doubling(const std::string& leaf, int levels) {
  std::string out = leaf + "q\1";
  for (int i = 0; i < levels; ++i) out += "0}q\2(" + text("a") + "h\1" + text("b") + "h\1u0h\2q\1";
  return out;
}

TEST(Collect, TwoToTheSixtiethPathsEndSoon) {
  expect_refused(of(doubling(kFirst, 60)), "no end of names");
  const auto plain = of("}q\3(" + text("w") + kFirst + text("x") + doubling("}", 60) + "u");
  EXPECT_EQ(plain.names(), Lines{"w"}) << plain.set.why;
}

TEST(Collect, ATensorMayHaveSeveralNames) {
  const auto told = of(kFirst + "q\1" + "0" + dict({{"a", "h\1"}, {"b", "h\1"}}));
  ASSERT_EQ(told.names(), (Lines{"a", "b"}));
  EXPECT_EQ(told.set.tensors[0].storage, told.set.tensors[1].storage);
}

TEST(Collect, AttributesThatManyTensorsShareHaveAnEnd) {
  const auto shared = [](std::size_t n) {
    Pairs attributes, tensors;
    for (std::size_t i = 0; i < n; ++i) attributes.emplace_back("a" + std::to_string(i), kNone);
    for (std::size_t i = 0; i < n; ++i)
      tensors.emplace_back(std::to_string(i),
                           called("torch._utils", "_rebuild_parameter_with_state", {kFirst, kTrue, kOrdered, "h\1"}));
    return of(dict(attributes) + "q\1" + "0" + dict(tensors));
  };
  EXPECT_EQ(shared(50).set.leftovers.size(), 2500u);
  expect_refused(shared(400), "no end of names");
}

}  // namespace
}  // namespace assay::tensors
