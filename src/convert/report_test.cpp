#include "convert/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "convert/convert.h"
#include "report/sample.h"

namespace assay::convert {
namespace {

using Status = Conversion::Status;
using Json = nlohmann::json;
const std::string& kHostile = report::sample::kHostile;

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

Conversion converted() {
  Conversion out;
  out.status = Status::converted;
  Source source;
  source.path = "m/pytorch_model.bin";
  source.size = 1596;
  source.sha256 = "aa";
  source.format = "torch-zip";
  source.key = "state_dict";
  source.status = finding::Status::unsafe;
  source.findings = {report::sample::os_system(31, "true")};
  out.sources = {source};
  out.products = {{"m/model.safetensors", 480, 1, true}};
  out.tensors = {{"w", "F32", {2, 3}, 24, "bb", 0, 0, true}};
  out.tied = {{"lm_head", "w"}};
  out.leftovers = {{"epoch", "int", "not a tensor"}};
  out.kept_metadata = {{"name", "tiny"}};
  out.notices = {"'a' and 'b' share bytes"};
  out.removed = {"m/pytorch_model.bin"};
  return out;
}

Outcome one(const Conversion& c) { return {{c}, "one-shot", false}; }

/// A file that fights back wherever it can.
Conversion hostile() {
  auto out = converted();
  out.why = kHostile;
  out.sources[0].path = out.sources[0].format = out.sources[0].key = kHostile;
  out.sources[0].findings[0].evidence = kHostile;
  out.products[0].path = out.index = kHostile;
  out.tensors[0].name = out.tied[0].name = out.tied[0].kept = kHostile;
  out.leftovers[0] = {kHostile, kHostile, kHostile};
  out.kept_metadata[0] = {kHostile, kHostile};
  out.notices[0] = out.removed[0] = kHostile;
  return out;
}

void expect_harmless(const std::string& text) {
  EXPECT_TRUE(is_utf8(text));
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c & 0xe0) != 0) << static_cast<int>(c);
  for (const auto* part : {"\x1b", "\xe2\x80\xae", "\xc2\x9b", "\x7f"}) EXPECT_FALSE(has(text, part));
}

TEST(ConversionText, SaysWhatBecameOfAFile) {
  EXPECT_EQ(to_text(one(converted()), {.colour = false, .verbose = false, .width = 100}),
            "converted   m/pytorch_model.bin  1.5 kB, torch-zip, its 'state_dict', scan: unsafe\n"
            "            -> m/model.safetensors  1 tensor, 480 B, every byte compared, replaces the old file\n"
            "            the same tensor under two names, written once:\n"
            "              lm_head is w\n"
            "            not converted:\n"
            "              epoch: int; not a tensor\n"
            "            kept as metadata:\n"
            "              name = tiny\n"
            "            note:\n"
            "              'a' and 'b' share bytes\n"
            "            findings in the source:\n"
            "              Loading this file runs the shell command `true`. (pickle.call.os-system)\n"
            "            removed:\n"
            "              m/pytorch_model.bin\n"
            "\n"
            "1 converted · 0.00 s\n"
            "Loading safetensors runs no code. That says nothing about what the weights do.\n");
}

TEST(ConversionText, NamesTensorsWhereItIsAsked) {
  EXPECT_FALSE(has(to_text(one(converted()), {.width = 100}), "F32 [2, 3]"));
  EXPECT_TRUE(has(to_text(one(converted()), {.verbose = true, .width = 100}),
                  "              w  F32 [2, 3]\n                bb\n"));
}

TEST(ConversionText, HasAnEndWithoutVerbose) {
  auto c = converted();
  c.leftovers.assign(2000, {"x", "int", "not a tensor"});
  c.more_leftovers = 7;
  EXPECT_TRUE(has(to_text(one(c), {.width = 100}), "and 2,002 more (-v shows them)"));
  EXPECT_TRUE(has(to_text(one(c), {.verbose = true, .width = 100}), "and 7 more\n"));
}

TEST(ConversionText, NoWordOfAFileActsOnATerminal) {
  for (const bool verbose : {false, true})
    for (const auto status :
         {Status::converted, Status::planned, Status::there, Status::skipped, Status::refused, Status::failed}) {
      auto c = hostile();
      c.status = status;
      expect_harmless(to_text(one(c), {.verbose = verbose, .width = 60}));
    }
}

TEST(ConversionText, FilesWithoutTensorsAreCountedInAFolder) {
  Conversion skipped;
  skipped.sources = {Source{"m/tokenizer.pkl", 10, "", "", "", {}, {}}};
  skipped.why = "there are no tensors in it";
  EXPECT_TRUE(has(to_text({{skipped}, "", false}, {.width = 100}), "there are no tensors in it"));
  const auto text = to_text({{converted(), skipped, skipped}, "", false}, {.width = 100});
  EXPECT_FALSE(has(text, "tokenizer"));
  EXPECT_TRUE(has(text, "2 files without anything to convert (-v names them)"));
}

TEST(ConversionText, SaysThatThereIsNothing) { EXPECT_EQ(to_text(Outcome{}, {}), "there is no checkpoint here\n"); }

TEST(ConversionJson, SaysEverything) {
  const auto json = Json::parse(to_json(one(converted())));
  EXPECT_EQ(json["schema"], "assay-conversion/1");
  const auto& c = json["conversions"][0];
  EXPECT_EQ(c["status"], "converted");
  EXPECT_EQ(c["sources"][0]["sha256"], "aa");
  EXPECT_EQ(c["sources"][0]["findings"][0]["rule"], "pickle.call.os-system");
  EXPECT_EQ(c["products"][0],
            Json::parse(R"({"path": "m/model.safetensors", "size": 480, "tensors": 1, "replaces": true})"));
  EXPECT_EQ(c["tensors"][0]["sha256"], "bb");
  EXPECT_EQ(c["tensors"][0]["laid_out_anew"], true);
  EXPECT_EQ(c["tied"][0], Json::parse(R"({"name": "lm_head", "kept": "w"})"));
  EXPECT_EQ(c["not_converted"][0]["name"], "epoch");
  EXPECT_EQ(c["removed"][0], "m/pytorch_model.bin");
}

TEST(ConversionJson, IsAsciiWhateverAFileSays) {
  const auto text = to_json(one(hostile()));
  expect_harmless(text);
  for (const char c : text) EXPECT_GE(c, 0);
  const auto json = Json::parse(text);
  EXPECT_EQ(json["conversions"][0]["tensors"][0]["name"], to_utf8(kHostile));
  EXPECT_EQ(json["conversions"][0]["sources"][0]["path_bytes"], to_hex(kHostile));
  EXPECT_EQ(json["conversions"][0]["products"][0]["path_bytes"], to_hex(kHostile));
  EXPECT_FALSE(Json::parse(to_json(one(converted())))["conversions"][0]["sources"][0].contains("path_bytes"));
}

TEST(ComparisonReport, SaysSameOrWhatDiffers) {
  Comparison c{"a.bin", "b.safetensors", 2, 48, {}, {}, {{"lm_head", "w"}}, 0.1, true};
  EXPECT_TRUE(has(to_text(c, {.width = 100}), "the same    a.bin and b.safetensors: 2 equal tensors, 48 B compared\n"));
  EXPECT_EQ(Json::parse(to_json(c))["same"], true);
  c.differences = {{kHostile, kHostile}};
  c.not_compared = {{kHostile, kHostile}};
  c.same = false;
  expect_harmless(to_text(c, {.width = 100}));
  expect_harmless(to_json(c));
  EXPECT_TRUE(has(to_text(c, {.width = 100}), "different"));
  EXPECT_EQ(Json::parse(to_json(c))["same"], false);
}

TEST(ExitCode, SaysTheWorst) {
  const auto code = [](std::vector<Status> all, bool interrupted = false) {
    Outcome out;
    for (const auto status : all) out.conversions.emplace_back().status = status;
    out.interrupted = interrupted;
    return exit_code(out);
  };
  EXPECT_EQ(code({}), 0);
  EXPECT_EQ(code({Status::converted, Status::there, Status::planned, Status::skipped}), 0);
  EXPECT_EQ(code({Status::converted, Status::failed}), 2);
  EXPECT_EQ(code({Status::failed, Status::refused}), 1);
  EXPECT_EQ(code({Status::refused}, true), 130);
}

}  // namespace
}  // namespace assay::convert
