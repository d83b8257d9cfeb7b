#include "secrets/json.h"

#include <gtest/gtest.h>

namespace assay::secrets {
namespace {

std::string nested(std::size_t depth) {
  return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

TEST(Json, TellsTextsAndThatThereAreOtherMembers) {
  const auto members =
      json_object(R"( {"alg" : "HS256", "n":[1, -2.5e+3, {"x":null}], "k":true, "n\u0061me":"a\"\u00e9"} )");
  ASSERT_TRUE(members);
  EXPECT_EQ(members->at("alg"), "HS256");
  EXPECT_EQ(members->at("n"), std::nullopt);
  EXPECT_TRUE(members->contains("k"));
  EXPECT_EQ(members->at("name"), "a\"?");
  EXPECT_FALSE(members->contains("x"));
}

TEST(Json, OfTwoMembersOfOneNameTheLastCounts) {
  EXPECT_EQ(json_object(R"({"alg":"HS256","alg":"none"})")->at("alg"), "none");
}

TEST(Json, AnEmptyObjectIsOne) { EXPECT_TRUE(json_object("{ }")); }

TEST(Json, WhatIsNoObject) {
  for (const auto* text : {"",
                           "[]",
                           "1",
                           "{",
                           "{}x",
                           R"({"a"})",
                           R"({"a":})",
                           R"({"a":1,})",
                           R"({a:1})",
                           R"({"a":01})",
                           R"({"a":1.})",
                           R"({"a":-})",
                           R"({"a":1e})",
                           R"({"a":nul})",
                           R"({"a":[1,]})",
                           R"({"a":"\x"})",
                           R"({"a":"\u12g4"})",
                           "{\"a\":\"\n\"}",
                           R"({"a":"b)",
                           R"({"a":"\)",
                           "\xef\xbb\xbf{}",
                           "{\"\xff\":1}"}) {
    EXPECT_FALSE(json_object(text)) << text;
  }
}

// A token of a thousand brackets must not use up the stack.
TEST(Json, NestingIsBounded) {
  EXPECT_TRUE(json_object(nested(64)));
  EXPECT_FALSE(json_object(nested(65)));
  EXPECT_FALSE(json_object(std::string(100'000, '[')));
}

}  // namespace
}  // namespace assay::secrets
