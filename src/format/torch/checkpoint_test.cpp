#include "format/torch/checkpoint.h"

#include <gtest/gtest.h>

#include "format/pickle/sample.h"

namespace assay::format::torch {
namespace {

using namespace std::string_literals;
using namespace pickle::sample;
using Lines = std::vector<std::string>;

std::string small(unsigned n) { return "J" + le(static_cast<std::int32_t>(n)); }
std::string tuple(const std::vector<unsigned>& items) {
  std::string out = "(";
  for (const auto n : items) out += small(n);
  return out + "t";
}
std::string storage(const std::string& key, unsigned elements, const std::string& type = "FloatStorage") {
  return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + small(elements) + "tQ";
}
std::string tensor(const std::string& storage, unsigned offset, const std::vector<unsigned>& shape,
                   const std::vector<unsigned>& strides, const std::string& how = "_rebuild_tensor_v2") {
  return global("torch._utils", how) + "(" + storage + small(offset) + tuple(shape) + tuple(strides) + "\x89" +
         global("collections", "OrderedDict") + ")RtR";
}

struct Told : Facts {
  explicit Told(const std::string& pickle)
      : Facts{pickle.size()}, source{pickle}, sink{facts, [this](const Tensor& t) { tensors.push_back(t); }} {
    read_one(source, 0, facts, sink, false);
  }
  FarSource source;
  std::vector<Tensor> tensors;
  TensorSink sink;
};

TEST(Checkpoint, TensorsAndStoragesAreCounted) {
  const Told t{proto(2) + "}(" + text("w") + tensor(storage("0", 6), 0, {2, 3}, {3, 1}) + text("b") +
               tensor(storage("1", 3), 0, {3}, {1}) + "u."};
  EXPECT_TRUE(t.quirks().empty());
  ASSERT_EQ(t.sink.storages().size(), 2u);
  EXPECT_EQ(t.sink.storages().at("0").bytes, 24u);
  EXPECT_EQ(t.sink.storages().at("0").dtype, "float32");
  EXPECT_EQ(t.sink.tensors(), 2u);
  ASSERT_EQ(t.tensors.size(), 2u);
  EXPECT_EQ(t.tensors[0].name, "w");
  EXPECT_EQ(t.tensors[0].shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(t.tensors[0].bytes, 24u);
  EXPECT_EQ(t.tensors[1].storage, "1");
}

TEST(Checkpoint, ParametersShowTheTensorTheyWrap) {
  const Told t{proto(2) + "}" + text("w") + global("torch._utils", "_rebuild_parameter") + "(" +
               tensor(storage("0", 6), 0, {6}, {1}) + "\x88" + global("collections", "OrderedDict") + ")RtRs."};
  ASSERT_EQ(t.tensors.size(), 1u);
  EXPECT_EQ(t.tensors[0].name, "w");
}

TEST(Checkpoint, ATensorMayNotLeaveItsStorage) {
  struct Case {
    unsigned elements, offset;
    std::vector<unsigned> shape, strides;
    bool inside;
  };
  for (const auto& c : std::initializer_list<Case>{
           {6, 0, {2, 3}, {3, 1}, true},
           {6, 0, {3, 2}, {1, 3}, true},
           {6, 1, {2, 3}, {3, 1}, false},
           {6, 5, {1}, {1}, true},
           {6, 6, {1}, {1}, false},
           {6, 0, {7}, {1}, false},
           {6, 0, {2}, {5}, true},
           {6, 0, {2}, {6}, false},
           {6, 0, {1000}, {0}, true},  // expanded: stride 0
           {6, 99, {0}, {1}, true},    // no elements at all
           {6, 0, {}, {}, true},       // a scalar
           {0, 0, {}, {}, false},
           {6, 0, {0x7fffffff, 0x7fffffff, 0x7fffffff}, {0x7fffffff, 0x7fffffff, 0x7fffffff}, false}}) {
    const Told t{proto(2) + tensor(storage("0", c.elements), c.offset, c.shape, c.strides) + "."};
    EXPECT_EQ(t.quirks(), c.inside ? Lines{} : Lines{"torch.tensor-outside-storage"})
        << c.offset << testing::PrintToString(c.shape);
  }
}

TEST(Checkpoint, LargeNumbersDoNotWrapAround) {
  const auto huge = "\x8a\x08" + le(std::uint64_t{0x7fffffffffffffff});
  const Told told{proto(2) + global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("0", 6) + huge + "(" + huge +
                  "t(" + huge + "t\x89NtR."};
  EXPECT_EQ(told.quirks(), Lines{"torch.tensor-outside-storage"});
}

TEST(Checkpoint, WhatIsNoConstantIsUnclear) {
  EXPECT_EQ(Told{proto(2) + global("torch._utils", "_rebuild_tensor_v2") + "(Nt" + "R."}.quirks(),
            Lines{"torch.tensor-unclear"});
  EXPECT_EQ(Told{proto(2) + tensor(storage("0", 6), 0, {2, 3}, {3}) + "."}.quirks(), Lines{"torch.tensor-unclear"});
  EXPECT_EQ(Told{proto(2) + tensor("N", 0, {2}, {1}) + "."}.quirks(), Lines{"torch.tensor-unclear"});
}

TEST(Checkpoint, VersionThreeCarriesItsDtype) {
  const auto v3 = [](const std::string& dtype) {
    return global("torch._utils", "_rebuild_tensor_v3") + "(" + storage("0", 6, "UntypedStorage") + small(0) +
           tuple({6}) + tuple({1}) + "\x89" + global("collections", "OrderedDict") + ")R" + global("torch", dtype) +
           "tR.";
  };
  EXPECT_EQ(Told{proto(2) + v3("float8_e4m3fn")}.quirks(), Lines{});
  EXPECT_EQ(Told{proto(2) + v3("float16")}.quirks(), Lines{"torch.tensor-outside-storage"});
  EXPECT_EQ(Told{proto(2) + v3("float99")}.quirks(), Lines{"torch.tensor-unclear"});
}

// Whoever else calls itself a size, a type or an untyped storage is code, and means what it likes.
TEST(Checkpoint, OnlyTorchsOwnSizesTypesAndStoragesAreConstants) {
  const auto sized = [](const std::string& module, const std::string& name) {
    return Told{proto(2) + global("torch._utils", "_rebuild_tensor_v2") + "(" + storage("0", 6) + small(0) +
                global(module, name) + tuple({6}) + "\x85R" + tuple({1}) + "\x89NtR."}
        .quirks();
  };
  EXPECT_EQ(sized("torch", "Size"), Lines{});
  EXPECT_EQ(sized("acme", "Size"), Lines{"torch.tensor-unclear"});
  const auto untyped = [](const std::string& module, const std::string& dtype_of) {
    return Told{proto(2) + global("torch._utils", "_rebuild_tensor_v3") + "((" + text("storage") +
                global(module, "UntypedStorage") + text("0") + text("cpu") + small(6) + "tQ" + small(0) + tuple({6}) +
                tuple({1}) + "\x89N" + global(dtype_of, "uint8") + "tR."}
        .quirks();
  };
  EXPECT_EQ(untyped("torch.storage", "torch"), Lines{});
  EXPECT_EQ(untyped("acme", "torch"), (Lines{"pickle.persistent-id-odd", "torch.tensor-unclear"}));
  EXPECT_EQ(untyped("torch", "acme"), Lines{"torch.tensor-unclear"});
}

TEST(Checkpoint, PersistentIdsOfAnotherShapeAreOdd) {
  for (const auto& id : {text("x") + "Q", "K\1Q"s, "(" + text("storage") + "NtQ", storage("0", 4, "Storage"),
                         "(" + text("storage") + text("FloatStorage") + text("0") + text("cpu") + "K\1tQ"})
    EXPECT_EQ(Told{proto(2) + id + "."}.quirks(), Lines{"pickle.persistent-id-odd"}) << id;
}

TEST(Checkpoint, KeysThatLeadOutOfTheArchiveAreTold) {
  for (const auto& key : {"../0"s, "a/b"s, "a\\b"s, ""s, "0\0x"s})
    EXPECT_EQ(Told{proto(2) + storage(key, 1) + "."}.quirks(), Lines{"torch.storage-key-escapes"}) << key;
}

// --- The legacy layout ------------------------------------------------------------------------------

const std::string kMagic = proto(2) + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

std::string legacy(const std::string& object, const std::string& keys, const std::string& data) {
  return kMagic + proto(2) + "M\xe9\x03." + proto(2) + "}." + proto(2) + object + "." + proto(2) + keys + "." + data;
}

struct Legacy : Facts {
  explicit Legacy(const std::string& file) : Facts{file.size()}, source{file} {
    read_legacy(source, facts);
    finish();
  }
  FarSource source;
  std::uint64_t unexamined() const { return document.members[0].coverage.of(bytes::Cover::unexamined); }
  std::uint64_t inert() const { return document.members[0].coverage.of(bytes::Cover::inert); }
};

TEST(Checkpoint, TheLegacyLayoutBeginsWithItsMagic) {
  EXPECT_TRUE(starts_legacy(bytes::view(kMagic)));
  EXPECT_TRUE(starts_legacy(bytes::view("L119547037146038801333356L\n.")));
  EXPECT_FALSE(starts_legacy(bytes::view("\x80\2N.")));
  EXPECT_FALSE(starts_legacy(bytes::view("")));
}

TEST(Checkpoint, ALegacyFileIsCoveredToItsLastByte) {
  const Legacy l{
      legacy(tensor(storage("a", 2), 0, {2}, {1}), "]" + text("a") + "a", le(std::uint64_t{2}) + "12345678")};
  EXPECT_TRUE(l.quirks().empty());
  EXPECT_EQ(l.unexamined(), 0u);
  EXPECT_EQ(l.inert(), 8u);
  EXPECT_EQ(l.document.pickles.size(), 5u);
  ASSERT_EQ(l.document.checkpoints.size(), 1u);
  EXPECT_EQ(l.document.checkpoints[0].tensor_bytes, 8u);
  EXPECT_TRUE(l.document.checkpoints[0].weights_only) << l.document.checkpoints[0].reason;
  EXPECT_TRUE(validate(l.document));
}

TEST(Checkpoint, StoragesThatDoNotFitStayUnexamined) {
  const auto object = tensor(storage("a", 2), 0, {2}, {1});
  const auto keys = "](" + text("a") + "e";
  EXPECT_EQ(Legacy{legacy(object, keys, le(std::uint64_t{2}) + "1234567")}.quirks(), Lines{"torch.storage-too-short"});
  EXPECT_EQ(Legacy{legacy(object, keys, le(std::uint64_t{3}) + "123456789012")}.quirks(),
            Lines{"torch.storage-too-short"});
  EXPECT_EQ(Legacy{legacy(object, "](" + text("b") + "e", le(std::uint64_t{2}) + "12345678")}.quirks(),
            Lines{"torch.storage-too-short"});
  EXPECT_EQ(Legacy{legacy(object, keys, "123")}.quirks(), Lines{"torch.storage-too-short"});
  EXPECT_GT(Legacy(legacy(object, keys, le(std::uint64_t{2}) + "1234567")).unexamined(), 0u);
}

TEST(Checkpoint, WhatFollowsTheStoragesIsUnclaimed) {
  const Legacy l{
      legacy(tensor(storage("a", 2), 0, {2}, {1}), "]" + text("a") + "a", le(std::uint64_t{2}) + "12345678" + "more")};
  EXPECT_EQ(l.unexamined(), 4u);
}

TEST(Checkpoint, ACallAnywhereInALegacyFileIsSeen) {
  const auto payload = call("os", "system", "true");
  const Legacy in_object{legacy(payload, "]", "")};
  const Legacy in_keys{legacy("}", payload, "")};
  EXPECT_EQ(in_object.calls(), Lines{"REDUCE os.system('true')"});
  EXPECT_EQ(in_keys.calls(), Lines{"REDUCE os.system('true')"});
  EXPECT_FALSE(in_object.document.checkpoints.at(0).weights_only);
}

TEST(Checkpoint, EveryTruncatedLegacyFileIsIncomplete) {
  const auto whole =
      legacy(tensor(storage("a", 2), 0, {2}, {1}), "]" + text("a") + "a", le(std::uint64_t{2}) + "12345678");
  for (std::size_t n = 1; n < whole.size(); ++n) {
    const Legacy l{whole.substr(0, n)};
    EXPECT_TRUE(l.unexamined() > 0 || !l.document.stops.empty() || !l.document.quirks.empty()) << n;
    EXPECT_TRUE(validate(l.document)) << n;
  }
}

// --- The tar layout ---------------------------------------------------------------------------------

TEST(Checkpoint, TarStoragesHaveRawNumbersBetweenPickles) {
  const auto one = "(" + text("0") + text("cpu") + global("torch", "FloatStorage") + "t.";
  const auto file = "K\1." + one + le(std::uint64_t{2}) + "12345678" + "].";
  Facts f{file.size()};
  const FarSource source{file};
  read_tar_storages(source, f.facts);
  EXPECT_TRUE(f.quirks().empty());
  EXPECT_TRUE(f.finish().members[0].coverage.complete());
}

TEST(Checkpoint, TarStoragesThatLieAreTold) {
  const auto one = "(" + text("0") + text("cpu") + global("torch", "FloatStorage") + "t.";
  for (const auto& rest : {le(std::uint64_t{3}) + "12345678", le(~std::uint64_t{0}) + "12345678", "123"s}) {
    const auto file = "K\1." + one + rest;
    Facts f{file.size()};
    const FarSource source{file};
    read_tar_storages(source, f.facts);
    EXPECT_EQ(f.quirks(), Lines{"torch.storage-too-short"});
    EXPECT_FALSE(f.finish().members[0].coverage.complete());
  }
}

TEST(Checkpoint, TarTensorsHaveRawShapesBetweenPickles) {
  const auto one = "(" + text("0") + text("0") + global("torch", "FloatTensor") + "t.";
  const auto shape =
      le(std::uint32_t{1}) + le(std::uint32_t{0}) + le(std::uint64_t{2}) + le(std::uint64_t{1}) + le(std::uint64_t{0});
  const auto file = "K\1." + one + shape;
  Facts f{file.size()};
  const FarSource source{file};
  read_tar_tensors(source, f.facts);
  EXPECT_TRUE(f.quirks().empty());
  EXPECT_TRUE(f.finish().members[0].coverage.complete());
}

TEST(Checkpoint, TarTensorsOfManyDimensionsAreUnclear) {
  const auto file = "K\1.N." + le(std::uint32_t{0xffffffff}) + std::string(100, '\0');
  Facts f{file.size()};
  const FarSource source{file};
  read_tar_tensors(source, f.facts);
  EXPECT_EQ(f.quirks(), Lines{"torch.tensor-unclear"});
}

// A count is no promise: the loop ends with the bytes.
TEST(Checkpoint, TarCountsCostNothing) {
  const auto file = "J\xff\xff\xff\x7f."s + "N.";
  Facts f{file.size()};
  const FarSource source{file};
  read_tar_tensors(source, f.facts);
  read_tar_storages(source, f.facts);
  EXPECT_TRUE(validate(f.finish()));
}

TEST(Checkpoint, ACallInATarPartIsSeen) {
  const auto file = "K\1." + call("os", "system", "true") + ".";
  Facts f{file.size()};
  const FarSource source{file};
  read_tar_storages(source, f.facts);
  EXPECT_EQ(f.calls(), Lines{"REDUCE os.system('true')"});
}

}  // namespace
}  // namespace assay::format::torch
