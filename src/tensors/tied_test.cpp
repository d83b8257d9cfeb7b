#include "tensors/tied.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tensors/tied_table.h"

namespace assay::tensors {
namespace {

TEST(Tied, KnowsTheNameThatMostModelsLeaveOut) {
  EXPECT_TRUE(is_tied_name("LlamaForCausalLM", "lm_head.weight"));
  EXPECT_TRUE(is_tied_name("GPT2LMHeadModel", "lm_head.weight"));
  EXPECT_FALSE(is_tied_name("LlamaForCausalLM", "model.embed_tokens.weight"));
}

TEST(Tied, KnowsNothingOfAnUnknownClass) {
  for (const auto* name : {"", "Unheard", "LlamaForCausalL", "LlamaForCausalLM2", "zzz"}) {
    EXPECT_TRUE(tied_names(name).empty()) << name;
    EXPECT_FALSE(is_tied_name(name, "lm_head.weight")) << name;
  }
}

TEST(Tied, ListsEveryNameOfAClass) {
  const auto names = tied_names("T5ForConditionalGeneration");
  for (const auto* name : {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
    EXPECT_TRUE(is_tied_name("T5ForConditionalGeneration", name)) << name;
  }
  EXPECT_FALSE(is_tied_name("T5ForConditionalGeneration", "shared.weight"));
}

TEST(Tied, TakesNamesExactly) {
  EXPECT_FALSE(is_tied_name("LlamaForCausalLM", "decoder.lm_head.weight"));
  EXPECT_FALSE(is_tied_name("LlamaForCausalLM", "lm_head.weight.0"));
  EXPECT_FALSE(is_tied_name("LlamaForCausalLM", "lm_head_weight"));
  EXPECT_FALSE(is_tied_name("NezhaForMaskedLM", "cls.predictions.decoder.weight"));  // lists the module only
  EXPECT_FALSE(is_tied_name("LlamaForCausalLM", ""));
}

TEST(Tied, FindsPatternsAnywhereInAName) {
  const auto deta = [](std::string_view name) { return is_tied_name("DetaForObjectDetection", name); };
  EXPECT_TRUE(deta("bbox_embed.0.layers.1.weight"));
  EXPECT_TRUE(deta("model.decoder.bbox_embed.12.layers.0.bias"));
  EXPECT_TRUE(deta("bbox_embed.7"));
  EXPECT_FALSE(deta("bbox_embed."));
  EXPECT_FALSE(deta("bbox_embed.x"));
  EXPECT_FALSE(deta("bbox_embe"));
  EXPECT_FALSE(deta(""));
}

TEST(Tied, KnowsANumberThatMustNotBeginWithZero) {
  const auto detr = [](std::string_view name) { return is_tied_name("DeformableDetrForObjectDetection", name); };
  EXPECT_TRUE(detr("class_embed.1.weight"));
  EXPECT_TRUE(detr("class_embed.10.weight"));
  EXPECT_FALSE(detr("class_embed.0.weight"));
  EXPECT_FALSE(detr("class_embed.01.weight"));
}

TEST(Tied, ReadsOnBehindANumber) {
  const auto transfo = [](std::string_view name) { return is_tied_name("TransfoXLLMHeadModel", name); };
  EXPECT_TRUE(transfo("crit.out_layers.3.weight"));
  EXPECT_FALSE(transfo("crit.out_layers.3.bias"));
  EXPECT_FALSE(transfo("crit.out_layers.3"));
  const auto dab = [](std::string_view name) { return is_tied_name("DabDetrForObjectDetection", name); };
  EXPECT_TRUE(dab("bbox_predictor.layers.2.weight"));
  EXPECT_TRUE(dab("bbox_predictor.layers.2.bias"));
  EXPECT_FALSE(dab("bbox_predictor.layers.2.scale"));
}

// The look-up halves the table, and the matcher gives a number all its digits.
TEST(Tied, HoldsATableThatCanBeSearched) {
  EXPECT_GT(table::architectures.size(), 400u);
  EXPECT_TRUE(std::ranges::is_sorted(table::architectures, {}, &table::Architecture::name));
  for (const auto& architecture : table::architectures) {
    EXPECT_FALSE(architecture.names.empty()) << architecture.name;
    for (const auto name : architecture.names) {
      const auto number = name.find_first_of("#+");
      EXPECT_TRUE(number == name.npos || number + 1 == name.size() || name[number + 1] == '.') << name;
    }
  }
}

}  // namespace
}  // namespace assay::tensors
