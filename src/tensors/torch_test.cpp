#include "tensors/torch.h"

#include <gtest/gtest.h>

#include "tensors/sample.h"

namespace assay::tensors {
namespace {

using namespace sample;
using Outcome = Set::Outcome;

Told one(const std::string& tensor, const Pairs& storages = {{"0", "12345678"}}) {
  return Told{checkpoint(dict({{"w", tensor}}), storages)};
}
void expect_refused(const Told& told, std::string_view why) {
  EXPECT_EQ(told.set.outcome, Outcome::refused) << why;
  EXPECT_NE(told.set.why.find(why), std::string::npos) << told.set.why;
  EXPECT_TRUE(told.set.tensors.empty());
}
void expect_damaged(const Told& told, std::string_view why) {
  EXPECT_EQ(told.set.outcome, Outcome::damaged) << why;
  EXPECT_NE(told.set.why.find(why), std::string::npos) << told.set.why;
  EXPECT_TRUE(told.set.tensors.empty());
}

TEST(Torch, ATensorLiesOverItsStorage) {
  const auto told = one(tensor(storage("0", 6), 0, {2, 3}, {3, 1}), {{"0", std::string(24, 'x')}});
  ASSERT_EQ(told.set.outcome, Outcome::read) << told.set.why;
  EXPECT_EQ(told.set.format, "torch-zip");
  EXPECT_EQ(told.set.framework, "pt");
  ASSERT_EQ(told.names(), Lines{"w"});
  const auto& t = told.set.tensors[0];
  EXPECT_EQ(t.dtype, Dtype::f32);
  EXPECT_EQ(t.shape, (Sizes{2, 3}));
  EXPECT_EQ(t.strides, (Sizes{3, 1}));
  EXPECT_EQ(t.where, Where::file);
  EXPECT_EQ(t.swap, 1u);
  EXPECT_EQ(t.storage.end - t.storage.begin, 24u);
  EXPECT_EQ(told.bytes_of_first(), std::string(24, 'x'));
}

TEST(Torch, ViewsKeepTheirStridesAndOffsets) {
  struct Case {
    std::uint64_t offset;
    Sizes shape, strides;
    bool contiguous;
  };
  for (const auto& c : std::initializer_list<Case>{{0, {3, 2}, {1, 3}, false},   // transposed
                                                   {2, {2}, {1}, true},          // offset
                                                   {0, {1000}, {0}, false},      // expanded
                                                   {0, {3}, {2}, false},         // every other element
                                                   {5, {}, {}, true},            // no dimension
                                                   {0, {1, 6}, {77, 1}, true}})  // a stride that nobody steps
  {
    const auto told = one(tensor(storage("0", 6), c.offset, c.shape, c.strides), {{"0", std::string(24, 'x')}});
    ASSERT_EQ(told.set.outcome, Outcome::read) << told.set.why;
    const auto& t = told.set.tensors[0];
    EXPECT_EQ(t.shape, c.shape);
    EXPECT_EQ(t.strides, c.strides);
    EXPECT_EQ(t.begin - t.storage.begin, 4 * c.offset);
    EXPECT_EQ(is_contiguous(t), c.contiguous) << testing::PrintToString(c.shape);
  }
}

TEST(Torch, TensorsWithoutElementsLieNowhere) {
  const auto told = one(tensor(storage("0", 0), 99, {0, 7}, {7, 1}), {{"0", ""}});
  ASSERT_EQ(told.set.outcome, Outcome::read) << told.set.why;
  EXPECT_EQ(bytes_of(told.set.tensors[0]), 0u);
}

TEST(Torch, WhatLeavesItsStorageIsDamaged) {
  for (const auto& t :
       {tensor(storage("0", 2), 1, {2}, {1}), tensor(storage("0", 2), 0, {3}, {1}), tensor(storage("0", 2), 2, {}, {}),
        tensor(storage("0", 2), 0, {2, 1ull << 62}, {1ull << 62, 1}),
        tensor(storage("0", 2), 0, {1ull << 62, 1ull << 62}, {1ull << 62, 1ull << 62}),
        tensor(storage("0", 2), 1ull << 62, {2}, {1})})
    expect_damaged(one(t), "reaches outside its storage");
}

TEST(Torch, StoragesThatAreNotThereAreDamage) {
  expect_damaged(one(small_tensor(), {}), "archive/data/0 is missing");
  expect_damaged(one(small_tensor(), {{"0", "1234567"}}), "shorter than the pickle says");
  expect_damaged(one(tensor(storage("0", 1ull << 60), 0, {2}, {1})), "shorter than the pickle says");
}

TEST(Torch, AStorageLongerThanItsIdSaysEndsWhereTheIdSays) {
  const auto longer = Pairs{{"0", std::string(64, 'x')}};
  EXPECT_EQ(one(small_tensor(), longer).set.outcome, Outcome::read);
  expect_damaged(one(tensor(storage("0", 2), 1, {2}, {1}), longer), "reaches outside its storage");
}

TEST(Torch, EveryTypeHasItsWord) {
  const std::map<std::string, Dtype> known{
      {"DoubleStorage", Dtype::f64},    {"FloatStorage", Dtype::f32},       {"HalfStorage", Dtype::f16},
      {"BFloat16Storage", Dtype::bf16}, {"LongStorage", Dtype::i64},        {"IntStorage", Dtype::i32},
      {"ShortStorage", Dtype::i16},     {"CharStorage", Dtype::i8},         {"ByteStorage", Dtype::u8},
      {"BoolStorage", Dtype::boolean},  {"ComplexFloatStorage", Dtype::c64}};
  for (const auto& [type, dtype] : known) {
    const auto told = one(tensor(storage("0", 1, type), 0, {1}, {1}));
    ASSERT_EQ(told.set.outcome, Outcome::read) << type << told.set.why;
    EXPECT_EQ(told.set.tensors[0].dtype, dtype) << type;
  }
}

TEST(Torch, TypesThatSafetensorsLacksAreNotConverted) {
  const auto left = [](const std::string& tensor) {
    return Told{
        checkpoint(dict({{"w", tensor}, {"ok", small_tensor()}}), {{"0", "12345678"}, {"1", std::string(16, 'x')}})}
        .left();
  };
  const auto lacks = ": safetensors has no such data type"s;
  EXPECT_EQ(left(tensor(storage("1", 1, "ComplexDoubleStorage"), 0, {1}, {1})),
            Lines{"w: complex128 tensor [1]" + lacks});
  EXPECT_EQ(left(tensor(storage("1", 1, "QInt8Storage"), 0, {1}, {1})), Lines{"w: qint8 tensor [1]" + lacks});
  EXPECT_EQ(left(tensor_v3(storage("1", 4, "UntypedStorage"), 0, {1}, {1}, "complex32")),
            Lines{"w: complex32 tensor [1]" + lacks});
}

TEST(Torch, WhatIsNoPlainTensorIsNotConverted) {
  const auto left = [](const std::string& function, const std::string& from = "torch._utils") {
    return Told{checkpoint(dict({{"w", called(from, function, {storage("1", 1)})}, {"ok", small_tensor()}}))}.left();
  };
  EXPECT_EQ(left("_rebuild_qtensor"), Lines{"w: quantised tensor: safetensors has no quantised types"});
  EXPECT_EQ(left("_rebuild_sparse_tensor"), Lines{"w: sparse tensor: safetensors has no sparse layouts"});
  EXPECT_EQ(left("_rebuild_sparse_csr_tensor"), Lines{"w: sparse tensor: safetensors has no sparse layouts"});
  EXPECT_EQ(left("_rebuild_nested_tensor"), Lines{"w: nested tensor: safetensors has no nested tensors"});
  EXPECT_EQ(left("_rebuild_meta_tensor_no_storage"), Lines{"w: meta tensor: it has no data"});
  EXPECT_EQ(left("_rebuild_wrapper_subclass"), Lines{"w: tensor of a class of its own: it has no data of its own"});
}

TEST(Torch, StoragesOfMetaHaveNoData) {
  const Told told{
      checkpoint(dict({{"m", tensor(storage("m", 2, "FloatStorage", "meta"), 0, {2}, {1})}, {"ok", small_tensor()}}))};
  EXPECT_EQ(told.names(), Lines{"ok"});
  EXPECT_EQ(told.left(), Lines{"m: meta tensor: it has no data"});
}

TEST(Torch, VersionThreeCarriesItsType) {
  const auto v3 = [](const std::string& dtype, std::uint64_t n) {
    return one(tensor_v3(storage("0", 8, "UntypedStorage"), 0, {n}, {1}, dtype));
  };
  EXPECT_EQ(v3("float8_e4m3fn", 8).set.tensors.at(0).dtype, Dtype::f8_e4m3);
  EXPECT_EQ(v3("uint16", 4).set.tensors.at(0).dtype, Dtype::u16);
  EXPECT_EQ(v3("uint64", 1).set.tensors.at(0).dtype, Dtype::u64);
  expect_damaged(v3("uint64", 2), "reaches outside");
  expect_refused(v3("float99", 2), "no constant");
  expect_refused(one(tensor_v3(storage("0", 8, "UntypedStorage"), 0, {8}, {1}, "uint8", "acme")), "no constant");
}

TEST(Torch, HalvesOfBytesAreCountedAsSafetensorsCounts) {
  const auto f4 = [](const Sizes& shape, const Sizes& strides) {
    return Told{
        checkpoint(dict({{"w", tensor_v3(storage("0", 8, "UntypedStorage"), 0, shape, strides, "float4_e2m1fn_x2")},
                         {"ok", tensor(storage("1", 1), 0, {1}, {1})}}),
                   {{"0", "12345678"}, {"1", "1234"}})};
  };
  const auto told = f4({2, 4}, {4, 1});
  ASSERT_EQ(told.names(), (Lines{"w", "ok"})) << told.set.why;
  EXPECT_EQ(told.set.tensors[0].dtype, Dtype::f4);
  EXPECT_EQ(told.set.tensors[0].shape, (Sizes{2, 8}));
  EXPECT_EQ(told.set.tensors[0].strides, (Sizes{8, 1}));
  EXPECT_EQ(bytes_of(told.set.tensors[0]), 8u);
  EXPECT_EQ(f4({4, 2}, {1, 4}).left(), Lines{"w: float4 tensor: its bytes do not lie in order"});
  EXPECT_EQ(f4({}, {}).left(), Lines{"w: float4 tensor: its bytes do not lie in order"});
}

TEST(Torch, WhatIsStoredMayNotBeTheTensor) {
  EXPECT_EQ(one(tensor(storage("0", 2), 0, {2}, {1}, {kFalse, kOrdered, dict({{"conj", kFalse}, {"neg", kFalse}})}))
                .set.outcome,
            Outcome::read);
  for (const auto& [bit, word] : Pairs{{"conj", "conjugate"}, {"neg", "negative"}}) {
    const auto told =
        one(tensor(storage("0", 1, "ComplexFloatStorage"), 0, {1}, {1}, {kFalse, kOrdered, dict({{bit, kTrue}})}));
    EXPECT_EQ(told.set.outcome, Outcome::nothing);
    EXPECT_EQ(told.left(), Lines{"w: complex64 tensor [1]: it is the " + word + " of what is stored"});
  }
  expect_refused(one(tensor(storage("0", 2), 0, {2}, {1}, {kFalse, kOrdered, text("conj")})),
                 "metadata that is no dict");
}

// --- Wrappers -----------------------------------------------------------------------------------------

TEST(Torch, ParametersAreTheTensorsThatTheyWrap) {
  EXPECT_EQ(one(parameter(small_tensor())).names(), Lines{"w"});
  EXPECT_EQ(one(called("torch.nn.parameter", "Parameter", {small_tensor(), kTrue})).names(), Lines{"w"});
  EXPECT_EQ(one(global("torch.nn.parameter", "Buffer") + tuple({small_tensor()}) + "\x81").names(), Lines{"w"});
}

TEST(Torch, AttributesOfAParameterAreTold) {
  const auto with = [](const std::string& state) {
    return one(called("torch._utils", "_rebuild_parameter_with_state", {small_tensor(), kTrue, kOrdered, state}));
  };
  const auto told = with(dict({{"tensor_model_parallel", kTrue}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  const auto lost = ": an attribute of the tensor"s;
  EXPECT_EQ(told.left(), Lines{"w.tensor_model_parallel: bool" + lost});
  const auto more = with(tuple({dict({{"scale", small_tensor()}}), dict({{"n", number(1)}})}));
  EXPECT_EQ(more.names(), Lines{"w"});
  EXPECT_EQ(more.left(), (Lines{"w.scale: torch._utils._rebuild_tensor_v2(...)" + lost, "w.n: int" + lost}));
  for (const auto& name : {"data", "real", "imag", "__dict__"})
    expect_refused(with(dict({{name, small_tensor()}})), "set as an attribute");
  expect_refused(with(tuple({kNone, dict({{"data", small_tensor()}})})), "set as an attribute");
  expect_refused(with(text("data")), "set as an attribute");
}

TEST(Torch, SubclassesAreUnwrappedAndTold) {
  const auto of = [](const std::string& module, const std::string& name, const std::string& state) {
    return one(called("torch._tensor", "_rebuild_from_type_v2",
                      {global("torch._utils", "_rebuild_tensor_v2"), global(module, name),
                       tuple({storage("0", 2), number(0), sizes({2}), sizes({1}), kFalse, kOrdered}), state}));
  };
  EXPECT_EQ(of("torch.nn.parameter", "Parameter", "}").left(), Lines{});
  const auto told = of("acme", "Tensor", dict({{"scale", kNone}}));
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), (Lines{"w: acme.Tensor: its class is not kept", "w.scale: None: an attribute of the tensor"}));
  expect_refused(of("torch", "Tensor", dict({{"data", small_tensor()}})), "set as an attribute");
}

TEST(Torch, TensorsOfOtherDevicesAreConvertedWhereTheirTypeStays) {
  const auto kept_as = [](const std::string& function, const std::string& data, const std::string& dtype) {
    return one(called("torch._utils", function, {data, global("torch", dtype), text("xla:0"), kFalse}));
  };
  const auto floats = array(dtype("f4"), {2}, raw("12345678"));
  EXPECT_EQ(kept_as("_rebuild_device_tensor_from_numpy", floats, "float32").names(), Lines{"w"});
  EXPECT_EQ(kept_as("_rebuild_device_tensor_from_cpu_tensor", small_tensor(), "float32").names(), Lines{"w"});
  for (const auto& told : {kept_as("_rebuild_device_tensor_from_numpy", floats, "bfloat16").left(),
                           kept_as("_rebuild_device_tensor_from_cpu_tensor", small_tensor(), "float16").left()})
    EXPECT_EQ(told, Lines{"w: tensor of another device: it is kept as an array of another data type"});
}

TEST(Torch, VariablesOfOldAreParameters) {
  const auto variable = global("torch.nn.parameter", "Parameter");
  const auto flags = tuple({kTrue, kFalse, kOrdered}) + "b";
  EXPECT_EQ(one(variable + tuple({small_tensor(), kTrue}) + "R" + flags).names(), Lines{"w"});
  EXPECT_EQ(one(variable + ")\x81" + tuple({small_tensor(), kNone, kOrdered, kTrue, kFalse}) + "b").names(),
            Lines{"w"});
}

TEST(Torch, WrappersHaveAnEnd) {
  auto deep = small_tensor();
  for (int i = 0; i < 20; ++i) deep = parameter(deep);
  EXPECT_EQ(one(deep).left(), Lines{"w: tensor: it is wrapped too often"});
}

TEST(Torch, SizesMayBeATorchSizeAndNoOtherCall) {
  const auto sized = [](const std::string& module, const std::string& name, const std::string& how) {
    return one(called(
        "torch._utils", "_rebuild_tensor_v2",
        {storage("0", 2), number(0), global(module, name) + tuple({sizes({2})}) + how, sizes({1}), kFalse, kOrdered}));
  };
  EXPECT_EQ(sized("torch", "Size", "R").names(), Lines{"w"});
  EXPECT_EQ(sized("torch", "Size", "\x81").names(), Lines{"w"});
  expect_refused(sized("acme", "size", "R"), "no constant");
}

TEST(Torch, WhatIsNoConstantIsRefused) {
  expect_refused(one(tensor(storage("0", 2), 0, {2, 1}, {1})), "no constant");
  expect_refused(one(tensor(kNone, 0, {2}, {1})), "no constant");
  expect_refused(one(tensor(storage("0", 2), 0, Sizes(65, 1), Sizes(65, 1))), "no constant");
  expect_refused(one(called("torch._utils", "_rebuild_tensor_v2",
                            {storage("0", 2), number(0), sizes({2}), tuple({"J\xff\xff\xff\xff"}), kFalse, kOrdered})),
                 "no constant");  // a negative stride
  expect_refused(one(tensor(storage("0", 2, "AcmeStorage"), 0, {2}, {1})), "no constant");
}

// --- Storages in bytes --------------------------------------------------------------------------------

std::string pickled_storage(const std::string& bytes) { return called("torch.storage", "_load_from_bytes", {bytes}); }
const std::string kInner = legacy(storage("s", 2), {"s"}, le(std::uint64_t{2}) + "12345678");

TEST(Torch, StoragesArePickledAsCheckpointsOfTheirOwn) {
  const Told told{whole_pickle(dict({{"a", tensor(pickled_storage(raw(kInner)), 0, {2}, {1})}}))};
  ASSERT_EQ(told.names(), Lines{"a"}) << told.set.why;
  EXPECT_EQ(told.set.format, "pickle");
  EXPECT_EQ(told.set.framework, "pt");
  EXPECT_EQ(told.set.tensors[0].where, Where::file);
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Torch, ProtocolTwoWritesThoseBytesAsAText) {
  std::string utf8;
  for (const char c : kInner)
    if (static_cast<unsigned char>(c) < 0x80) utf8 += c;
    else utf8 += {static_cast<char>(0xc0 | (static_cast<unsigned char>(c) >> 6)), static_cast<char>(0x80 | (c & 0x3f))};
  const auto encoded = called("_codecs", "encode", {text(utf8), text("latin1")});
  const Told told{whole_pickle(dict({{"a", tensor(pickled_storage(encoded), 0, {2}, {1})}}))};
  ASSERT_EQ(told.names(), Lines{"a"}) << told.set.why;
  EXPECT_EQ(told.set.tensors[0].where, Where::spool);
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Torch, StoragesInBrokenBytesAreRefused) {
  for (std::size_t n = 0; n < kInner.size(); n += 7)
    expect_refused(Told{whole_pickle(dict({{"a", tensor(pickled_storage(raw(kInner.substr(0, n))), 0, {2}, {1})}}))},
                   "no constant");
}

// --- Byte order ---------------------------------------------------------------------------------------

Told big_endian(const std::string& tensor, const std::string& order = "big") {
  auto members =
      members_of(dict({{"w", tensor}, {"ok", tensor_v3(storage("1", 1, "UntypedStorage"), 0, {1}, {1}, "uint8")}}),
                 {{"0", "1234567812345678"}, {"1", "x"}});
  members.push_back({"archive/byteorder", order});
  return Told{zip(members)};
}

TEST(Torch, BigEndianStoragesAreTurnedAround) {
  for (const auto& [type, unit] : std::map<std::string, unsigned>{{"FloatStorage", 4},
                                                                  {"DoubleStorage", 8},
                                                                  {"HalfStorage", 2},
                                                                  {"ByteStorage", 1},
                                                                  {"ComplexFloatStorage", 4}}) {
    const auto told = big_endian(tensor(storage("0", 1, type), 0, {1}, {1}));
    ASSERT_EQ(told.names(), (Lines{"w", "ok"})) << told.set.why;
    EXPECT_EQ(told.set.tensors[0].swap, unit) << type;
    EXPECT_EQ(told.set.tensors[1].swap, 1u);
  }
  EXPECT_EQ(big_endian(small_tensor(), "little").set.tensors.at(0).swap, 1u);
}

TEST(Torch, UntypedBigEndianStoragesStayAsTheyAreInTorchToo) {
  const auto reason = ": torch turns its big-endian bytes around by another type, or not at all"s;
  EXPECT_EQ(big_endian(tensor_v3(storage("0", 16, "UntypedStorage"), 0, {4}, {1}, "float32")).left(),
            Lines{"w: float32 tensor [4]" + reason});
  EXPECT_EQ(big_endian(tensor_v3(storage("0", 4, "FloatStorage"), 0, {8}, {1}, "float16")).left(),
            Lines{"w: float16 tensor [8]" + reason});
}

TEST(Torch, AByteOrderThatNobodyKnowsIsDamage) { expect_damaged(big_endian(small_tensor(), "middle"), "byte order"); }

// --- Truth --------------------------------------------------------------------------------------------

// torch makes a storage by the first id that names it, and gives that one to whoever asks again.
TEST(Torch, TwoIdsOfOneStorageMustAgree) {
  const auto both = [](const std::string& other) {
    return Told{checkpoint(dict({{"a", small_tensor()}, {"b", tensor(other, 0, {1}, {1})}}))};
  };
  EXPECT_EQ(both(storage("0", 2)).names(), (Lines{"a", "b"}));
  for (const auto& other : {storage("0", 4, "HalfStorage"), storage("0", 1), storage("0", 2, "FloatStorage", "meta")})
    expect_refused(both(other), "asked for twice");
}

TEST(Torch, TensorsThatAreChangedAfterwardsAreRefused) {
  const auto four = tuple({storage("0", 2), number(1), sizes({1}), sizes({1})}) + "b";
  expect_refused(one(small_tensor() + four), "changed after it was made");
  expect_refused(one(small_tensor() + dict({{"data", kNone}}) + "b"), "changed after it was made");
  expect_refused(one(small_tensor() + number(0) + number(1) + "s"), "SETITEM changes");
  const auto flags = tuple({kTrue, kFalse, kOrdered}) + "b";
  EXPECT_EQ(one(small_tensor() + flags).names(), Lines{"w"});
  expect_refused(one(small_tensor() + four + flags), "BUILD changes");
}

// Two tensors may share a storage: what is done to one shows in the other.
TEST(Torch, ATensorThatNobodyKeepsMayChangeTheOthers) {
  expect_refused(one(small_tensor() + number(0) + number(1) + "s0" + small_tensor()), "SETITEM changes");
  expect_refused(one(storage("0", 2) + number(0) + number(1) + "s0" + small_tensor()), "SETITEM changes");
  expect_refused(one(tensor(storage("0", 2) + dict({{"dtype", kNone}}) + "b", 0, {2}, {1})),
                 "changed after it was made");
}

TEST(Torch, ClassesAndFunctionsThatAreChangedAreRefused) {
  expect_refused(
      one(global("torch._utils", "_rebuild_tensor_v2") + tuple({kNone, dict({{"x", kNone}})}) + "b0" + small_tensor()),
      "BUILD changes torch._utils._rebuild_tensor_v2");
  expect_refused(one(global("torch._utils", "table") + text("f") + kNone + "s0" + small_tensor()), "SETITEM changes");
}

TEST(Torch, SizesThatAreChangedAfterwardsAreRefused) {
  const auto list = "](K\2e"s;
  const auto build = [&](const std::string& after) {
    return one(list + "q\1" + after + "0" +
               called("torch._utils", "_rebuild_tensor_v2",
                      {storage("0", 2), number(0), "h\1", sizes({1}), kFalse, kOrdered}));
  };
  EXPECT_EQ(build("").names(), Lines{"w"});
  expect_refused(one(list + "q\1" + "0" +
                     called("torch._utils", "_rebuild_tensor_v2",
                            {storage("0", 2), number(0), "h\1", sizes({1, 1}), kFalse, kOrdered}) +
                     "h\1K\1a0"),
                 "changed later");
  expect_refused(build("K\0K\1s"s), "SETITEM changes");
}

}  // namespace
}  // namespace assay::tensors
