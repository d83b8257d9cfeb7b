#include "tensors/index.h"

#include <gtest/gtest.h>

namespace assay::tensors {
namespace {

std::vector<std::string> names(std::string_view text) { return names_in_index(bytes::MemorySource{bytes::view(text)}); }

TEST(Index, NamesAreTheKeysOfTheWeightMap) {
  EXPECT_EQ(names(R"({"metadata":{"weight_map":{"no":"x"}},"weight_map":{"b":"1","a":"2","a":"1"},"c":{"d":"1"}})"),
            (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(names(R"({"weight_map":["a"]})").empty());
  EXPECT_TRUE(names(R"([{"weight_map":{"a":"1"}}])").empty());
  EXPECT_TRUE(names(R"({"weight_map":{"a":"1"})").empty());
}

}  // namespace
}  // namespace assay::tensors
