#include "tensors/architecture.h"

#include <gtest/gtest.h>

#include "tensors/sample.h"

namespace assay::tensors {
namespace {

std::string of(const std::string& config) { return architecture_of(sample::FarSource{config}); }

TEST(Architecture, IsTheFirstOfItsList) {
  EXPECT_EQ(of(R"({"model_type":"gpt2","architectures":["GPT2LMHeadModel","Other"]})"), "GPT2LMHeadModel");
}

TEST(Architecture, StandsAtTheTopAndNowhereElse) {
  EXPECT_EQ(of(R"({"inner":{"architectures":["A"]}})"), "");
  EXPECT_EQ(of(R"({"architectures":[["A"]]})"), "");
  EXPECT_EQ(of(R"({"architectures":"A"})"), "");
  EXPECT_EQ(of(R"({"architectures":[1,"A"]})"), "A");
  EXPECT_EQ(of(R"({"architectures":[],"other":["A"]})"), "");
}

TEST(Architecture, IsNothingWhereThereIsNoJson) {
  for (const auto* config : {"", "x", "[]", "{", R"({"architectures":["A"])", R"({"architectures":["A"]} x)"})
    EXPECT_EQ(of(config), "") << config;
}

}  // namespace
}  // namespace assay::tensors
