#include "convert/plan.h"

#include "convert/metadata.h"
#include "convert/sample.h"

namespace assay::convert {
namespace {

using tensors::Dtype;
using tensors::Tensor;
using Names = std::vector<std::string>;

Tensor named(std::string name, std::vector<std::uint64_t> shape, std::uint64_t begin = 0, std::uint64_t storage = 0) {
  auto strides = tensors::c_strides(shape);
  auto out = tensor_over(1 << 20, Dtype::f32, std::move(shape), std::move(strides), begin);
  out.name = std::move(name);
  out.storage.begin = storage;
  return out;
}

Input input_of(std::string path, std::vector<Tensor> tensors) {
  Input out;
  out.path = std::move(path);
  out.set.outcome = tensors::Set::Outcome::read;
  out.set.tensors = std::move(tensors);
  return out;
}

std::vector<Input> one(std::vector<Tensor> tensors) {
  std::vector<Input> out;
  out.push_back(input_of("a.bin", std::move(tensors)));
  return out;
}

Plan planned(std::vector<Input> inputs, Names names = {"a.safetensors"}, std::string architecture = "",
             std::uint64_t shard_bytes = 0, bool copy_tied = false) {
  return plan({inputs, std::move(names), std::move(architecture), shard_bytes, copy_tied});
}

Names names_in_order(const Output& output) {
  Names out;
  for (const auto& item : output.items) out.push_back(item.name);
  return out;
}

Names tied_names_of(const Plan& plan) {
  Names out;
  for (const auto& t : plan.tied) out.push_back(t.name + "=" + t.kept);
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Plan, WritesOneOfSeveralNames) {
  const auto p = planned(one({named("b", {4}), named("a", {4}), named("c", {4}), named("d", {4}, 64, 64)}));
  ASSERT_EQ(p.outputs.size(), 1u);
  EXPECT_EQ(names_in_order(p.outputs[0]), (Names{"a", "d"}));
  EXPECT_EQ(tied_names_of(p), (Names{"b=a", "c=a"}));
  EXPECT_TRUE(p.notices.empty());
  EXPECT_EQ(p.outputs[0].bytes, 32u);
}

TEST(Plan, LeavesOutTheNamesThatTransformersLeavesOut) {
  const std::vector<Tensor> both{named("lm_head.weight", {4}), named("transformer.wte.weight", {4})};
  EXPECT_EQ(tied_names_of(planned(one(both))), Names{"transformer.wte.weight=lm_head.weight"});
  EXPECT_EQ(tied_names_of(planned(one(both), {"a.safetensors"}, "GPT2LMHeadModel")),
            Names{"lm_head.weight=transformer.wte.weight"});
  EXPECT_EQ(tied_names_of(planned(one(both), {"a.safetensors"}, "NobodyKnowsThis")),
            Names{"transformer.wte.weight=lm_head.weight"});
}

TEST(Plan, WritesAllNamesWhereItIsAskedTo) {
  const auto p = planned(one({named("b", {4}), named("a", {4})}), {"a.safetensors"}, "", 0, true);
  EXPECT_EQ(names_in_order(p.outputs[0]), (Names{"a", "b"}));
  EXPECT_TRUE(p.tied.empty());
}

TEST(Plan, TiesOnlyWhatIsTheSame) {
  auto transposed = named("t", {2, 2});
  transposed.strides = {1, 2};
  auto other_type = named("u", {2, 2});
  other_type.dtype = Dtype::i32;
  auto spooled = named("s", {2, 2});
  spooled.where = tensors::Where::spool;
  const auto p = planned(one({named("a", {2, 2}), named("flat", {4}), transposed, other_type, spooled}));
  EXPECT_TRUE(p.tied.empty());
  EXPECT_EQ(p.outputs[0].items.size(), 5u);
}

TEST(Plan, StridesOfSingleIndicesSayNothing) {
  auto odd = named("b", {1, 4});
  odd.strides = {999, 1};
  EXPECT_EQ(tied_names_of(planned(one({named("a", {1, 4}), odd}))), Names{"b=a"});
}

TEST(Plan, EmptyTensorsAreNotTied) { EXPECT_TRUE(planned(one({named("a", {0}), named("b", {0})})).tied.empty()); }

TEST(Plan, TellsWhatShares) {
  const auto p = planned(one({named("whole", {100}), named("head", {10}), named("middle", {10}, 120),
                              named("tail", {10}, 360), named("beyond", {10}, 400), named("elsewhere", {10}, 20, 20)}));
  EXPECT_EQ(p.outputs[0].items.size(), 6u);
  ASSERT_EQ(p.notices.size(), 3u);
  for (const auto* name : {"'head'", "'middle'", "'tail'"})
    EXPECT_TRUE(std::any_of(p.notices.begin(), p.notices.end(), [&](const std::string& notice) {
      return notice.find(name) != notice.npos && notice.find("'whole'") != notice.npos;
    })) << name;
}

TEST(Plan, NamesThatMetadataCannotHoldAreWrittenAgain) {
  const auto p = planned(one({named("a", {4}), named("format", {4}), named("assay.sources", {4})}));
  EXPECT_TRUE(p.tied.empty());
  EXPECT_EQ(p.outputs[0].items.size(), 3u);
}

TEST(Plan, ATensorWithoutANameIsCalledAfterItsProduct) {
  EXPECT_EQ(planned(one({named("", {4})}), {"x/weights.safetensors"}).outputs[0].items[0].name, "weights");
  EXPECT_EQ(planned(one({named("", {4})}), {"weights"}).outputs[0].items[0].name, "weights");
}

TEST(Plan, RefusesTwoTensorsOfOneName) {
  std::vector<Input> inputs;
  inputs.push_back(input_of("1.bin", {named("a", {4})}));
  inputs.push_back(input_of("2.bin", {named("a", {4})}));
  EXPECT_EQ(planned(std::move(inputs), {"1", "2"}).refusal, "the tensor 'a' is in 1.bin and in 2.bin");
}

// Metadata would say that 'b' is 'a', and drop the other one without a word.
TEST(Plan, RefusesATiedNameThatIsATensorElsewhere) {
  std::vector<Input> inputs;
  inputs.push_back(input_of("1.bin", {named("a", {4}), named("b", {4})}));
  inputs.push_back(input_of("2.bin", {named("b", {8})}));
  EXPECT_EQ(planned(std::move(inputs), {"1", "2"}).refusal, "the tensor 'b' is in 1.bin and in 2.bin");
}

TEST(Plan, RefusesTwoProductsOfOneName) {
  std::vector<Input> inputs;
  inputs.push_back(input_of("a.bin", {named("a", {4})}));
  inputs.push_back(input_of("a.pt", {named("b", {4})}));
  EXPECT_EQ(planned(std::move(inputs), {"a.safetensors", "a.safetensors"}).refusal,
            "several of its files would become a.safetensors");
}

TEST(Plan, ShardsHoldAtMostWhatTheyMay) {
  std::vector<Tensor> tensors;
  for (int i = 0; i < 10; ++i)
    tensors.push_back(
        named("t" + std::to_string(i), {25}, static_cast<std::uint64_t>(i) * 100, static_cast<std::uint64_t>(i) * 100));
  tensors.push_back(named("u", {1000}, 4000, 4000));  // alone larger than a shard
  tensors.push_back(named("v", {1}, 9000, 9000));
  const auto p = planned(one(tensors), {"x/m.safetensors"}, "", 300);
  ASSERT_EQ(p.outputs.size(), 6u);
  std::vector<std::uint64_t> bytes;
  for (const auto& o : p.outputs) bytes.push_back(o.bytes);
  EXPECT_EQ(bytes, (std::vector<std::uint64_t>{300, 300, 300, 100, 4000, 4}));
  EXPECT_EQ(p.outputs[1].path, "x/m-00002-of-00006.safetensors");
}

TEST(Plan, OneShardNeedsNoNumber) {
  std::vector<Input> inputs;
  inputs.push_back(input_of("1.bin", {named("a", {4})}));
  inputs.push_back(input_of("2.bin", {named("b", {4})}));
  const auto p = planned(std::move(inputs), {"model.safetensors"}, "", 1000);
  ASSERT_EQ(p.outputs.size(), 1u);
  EXPECT_EQ(p.outputs[0].path, "model.safetensors");
  EXPECT_EQ(names_in_order(p.outputs[0]), (Names{"a", "b"}));
}

TEST(Plan, EachInputHasItsProductAndAnEmptyOneNone) {
  std::vector<Input> inputs;
  inputs.push_back(input_of("1.bin", {named("a", {4})}));
  inputs.push_back(input_of("2.bin", {}));
  inputs.push_back(input_of("3.bin", {named("c", {4})}));
  const auto p = planned(std::move(inputs), {"1", "2", "3"});
  ASSERT_EQ(p.outputs.size(), 2u);
  EXPECT_EQ(p.outputs[1].path, "3");
  EXPECT_EQ(p.outputs[1].items[0].input, 2u);
}

TEST(Plan, PartsAreNumberedAsTheHubDoes) {
  EXPECT_EQ(part_name("model.safetensors", 2, 5), "model-00002-of-00005.safetensors");
  EXPECT_EQ(part_name("odd", 100'000, 100'001), "odd-100000-of-100001.safetensors");
  EXPECT_EQ(index_name("x/model.safetensors"), "x/model.safetensors.index.json");
}

TEST(Metadata, SaysWhereTheTensorsComeFrom) {
  auto inputs = one({named("a", {4}), named("b", {4})});
  const auto p = planned(one({named("a", {4}), named("b", {4})}));
  Source source;
  source.path = "x/a.bin";
  source.sha256 = "abc";
  source.status = finding::Status::unsafe;
  finding::Finding f;
  f.rule = "pickle.call.os-system";
  source.findings = {f, f};
  const auto metadata = metadata_of(p.outputs[0], inputs, {source}, p.tied, {{"epoch", "3"}});
  const format::safetensors::Metadata expected{
      {"assay.sources", R"([{"findings":["pickle.call.os-system"],"name":"a.bin","sha256":"abc","status":"unsafe"}])"},
      {"assay.version", metadata[1].second},
      {"b", "a"},
      {"epoch", "3"},
      {"format", "pt"}};
  EXPECT_EQ(metadata, expected);
}

TEST(Metadata, NamesOnlyTheSourcesAndTiesOfItsOwnTensors) {
  std::vector<Input> inputs;
  inputs.push_back(input_of("1.bin", {named("a", {4}), named("b", {4})}));
  inputs.push_back(input_of("2.bin", {named("c", {4})}));
  const auto p = plan({inputs, {"1", "2"}, ""});
  std::vector<Source> sources(2);
  sources[0].path = "1.bin";
  sources[1].path = "\xff.bin";
  const auto metadata = metadata_of(p.outputs[1], inputs, sources, p.tied, {});
  ASSERT_EQ(metadata.size(), 3u);
  EXPECT_EQ(metadata[0].second.find("1.bin"), std::string::npos);
  EXPECT_NE(metadata[0].second.find("\\ufffd.bin"), std::string::npos);  // what is no UTF-8 is replaced
}

TEST(Metadata, TheIndexNamesEachTensorsFile) {
  const auto p = planned(one({named("a", {4}), named("b", {4}, 64, 64)}), {"x/m.safetensors"}, "", 16);
  EXPECT_EQ(index_of(p.outputs), R"({
  "metadata": {
    "total_size": 32
  },
  "weight_map": {
    "a": "m-00001-of-00002.safetensors",
    "b": "m-00002-of-00002.safetensors"
  }
}
)");
}

}  // namespace
}  // namespace assay::convert
