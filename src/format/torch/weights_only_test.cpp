#include "format/torch/weights_only.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"
#include "format/torch/checkpoint.h"

namespace assay::format::torch {
namespace {

using namespace std::string_literals;
using namespace pickle::sample;

/// Why torch.load(weights_only=True) refuses the pickle; "" where it takes it.
std::string refusal(const std::string& pickle) {
  const bytes::MemorySource source{bytes::view(pickle)};
  Facts f{pickle.size()};
  TensorSink sink{f.facts};
  read_one(source, 0, f.facts, sink, false);
  return sink.weights_only().reason();
}

TEST(WeightsOnly, TakesAStateDict) {
  EXPECT_EQ(refusal(proto(2) + global("collections", "OrderedDict") + ")R" + text("a") + "K\1s."), "");
  EXPECT_EQ(refusal(proto(2) + "}" + text("lr") + "G\0\0\0\0\0\0\0\0s."s), "");
  EXPECT_EQ(refusal(proto(2) + "](K\1K\2e."), "");
}

TEST(WeightsOnly, TakesTensors) {
  const auto storage = "(" + text("storage") + global("torch", "FloatStorage") + text("0") + text("cpu") + "K\4tQ";
  EXPECT_EQ(refusal(proto(2) + global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + "K\0"s +
                    "K\4\x85K\1\x85\x89" + global("collections", "OrderedDict") + ")RtR."),
            "");
}

TEST(WeightsOnly, OpcodesThatItsLoaderHasNot) {
  const std::pair<std::string, std::string> cases[] = {{"(ios\nsystem\n.", "INST"},
                                                       {"(" + global("collections", "OrderedDict") + "o.", "OBJ"},
                                                       {proto(4) + "\x95\2\0\0\0\0\0\0\0N."s, "FRAME"},
                                                       {proto(4) + "N\x94.", "MEMOIZE"},
                                                       {proto(4) + "\x8c\1a.", "SHORT_BINUNICODE"},
                                                       {"B\1\0\0\0a."s, "BINBYTES"},
                                                       {"C\1a.", "SHORT_BINBYTES"},
                                                       {"I1\n.", "INT"},
                                                       {"S'a'\n.", "STRING"},
                                                       {"Va\n.", "UNICODE"},
                                                       {"F1.0\n.", "FLOAT"},
                                                       {"Np0\n.", "PUT"},
                                                       {"N0N.", "POP"},
                                                       {"N2.", "DUP"},
                                                       {"(l.", "LIST"},
                                                       {"(d.", "DICT"},
                                                       {"Px\n.", "PERSID"},
                                                       {"\x82\1.", "EXT1"},
                                                       {proto(4) + "(\x91.", "FROZENSET"}};
  for (const auto& [pickle, op] : cases) EXPECT_EQ(refusal(pickle), "the weights-only loader has no opcode " + op);
}

TEST(WeightsOnly, NamesThatItsLoaderAllows) {
  for (const auto& [module, name] :
       std::initializer_list<std::pair<std::string, std::string>>{{"collections", "OrderedDict"},
                                                                  {"collections", "Counter"},
                                                                  {"torch", "FloatStorage"},
                                                                  {"torch.storage", "UntypedStorage"},
                                                                  {"torch.storage", "TypedStorage"},
                                                                  {"torch.cuda", "HalfStorage"},
                                                                  {"torch", "float16"},
                                                                  {"torch", "uint3"},
                                                                  {"torch", "Size"},
                                                                  {"torch", "device"},
                                                                  {"torch", "Tensor"},
                                                                  {"torch.cuda", "FloatTensor"},
                                                                  {"torch._utils", "_rebuild_parameter"},
                                                                  {"torch._tensor", "_rebuild_from_type_v2"},
                                                                  {"torch.nn.parameter", "Parameter"},
                                                                  {"torch.serialization", "_get_layout"},
                                                                  {"_codecs", "encode"},
                                                                  {"__builtin__", "bytearray"},
                                                                  {"__builtin__", "set"}})
    EXPECT_EQ(refusal(proto(2) + global(module, name) + "."), "") << module << " " << name;
}

TEST(WeightsOnly, NamesThatItsLoaderRefuses) {
  for (const auto& [module, name] :
       std::initializer_list<std::pair<std::string, std::string>>{{"os", "system"},
                                                                  {"builtins", "eval"},
                                                                  {"torch", "load"},
                                                                  {"torch.cuda", "Size"},
                                                                  {"torch.storage", "FloatTensor"},
                                                                  {"torch._utils", "_rebuild_anything"},
                                                                  {"numpy", "dtype"},
                                                                  {"torch", "uint8x"},
                                                                  {"torch", "int9"},
                                                                  {"torch", "Size.__class__"},
                                                                  {"__main__", "Model"},
                                                                  {"torch", "FancyTensor"}})
    EXPECT_EQ(refusal(proto(2) + global(module, name) + "."),
              "the weights-only loader does not allow " + module + "." + name);
}

TEST(WeightsOnly, BuildsAndItemsOfKnownClassesOnly) {
  EXPECT_EQ(refusal(proto(2) + global("collections", "OrderedDict") + ")R}b."), "");
  EXPECT_EQ(refusal(proto(2) + global("collections", "OrderedDict") + "}b."),
            "the weights-only loader does not BUILD collections.OrderedDict");
  EXPECT_EQ(refusal(proto(2) + global("torch", "Size") + ")RK\1K\2s."),
            "the weights-only loader sets items of dicts only");
  EXPECT_EQ(refusal(proto(2) + global("collections", "OrderedDict") + ")RK\1a."),
            "the weights-only loader appends to lists only");
  EXPECT_EQ(refusal(proto(2) + global("collections", "OrderedDict") + ")R)R."),
            "the weights-only loader does not call the result of another call");
}

TEST(WeightsOnly, PersistentIdsMustBeStorages) {
  EXPECT_EQ(refusal(proto(2) + text("x") + "Q."), "a persistent id that is no storage");
  EXPECT_EQ(refusal(proto(2) + "(" + text("module") + "tQ."), "a persistent id that is no storage");
}

TEST(WeightsOnly, WhatBreaksIsRefused) { EXPECT_TRUE(refusal(proto(2) + "K\1").starts_with("the pickle breaks: ")); }

TEST(WeightsOnly, TheFirstReasonIsKept) {
  EXPECT_EQ(refusal("I1\n0" + global("os", "system") + "."), "the weights-only loader has no opcode INT");
}

}  // namespace
}  // namespace assay::format::torch
