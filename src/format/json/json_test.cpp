#include "format/json/json.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::format::json {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Json parse(std::string_view text) {
  const bytes::MemorySource source{bytes::view(text)};
  bytes::Budget budget{{}, text.size()};
  return read(source, budget);
}

std::vector<std::string> paths(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& k : parse(text).code_keys) out.push_back(k.path);
  return out;
}
using Paths = std::vector<std::string>;

TEST(Json, AcceptsWhatPythonAccepts) {
  for (const auto text : {"{}",
                          "[]",
                          "0",
                          "-0",
                          "1.5e3",
                          "1E+2",
                          "-1.0e-10",
                          "\"\"",
                          "true",
                          "false",
                          "null",
                          " [ 1 , 2 ] \r\n\t",
                          "{\"a\":{\"a\":[{}]}}",
                          "\"\\u0041\\n\\/\\\\\\\"\"",
                          "\"\\ud800\"",
                          "\"\\ud83d\\ude00\"",
                          "\"\xc3\xa9\xf0\x9f\x98\x80\"",
                          "\"\x7f\"",
                          "[NaN,Infinity,-Infinity]",
                          "{\"\":0}"})
    EXPECT_TRUE(parse(text).valid) << text;
}

TEST(Json, RefusesWhatPythonRefuses) {
  for (const auto text : {"",
                          " ",
                          "{",
                          "}",
                          "[1,]",
                          "{\"a\":1,}",
                          "{a:1}",
                          "{'a':1}",
                          "[1 2]",
                          "{\"a\" 1}",
                          "{\"a\":}",
                          "01",
                          "-",
                          "+1",
                          "1.",
                          ".5",
                          "1e",
                          "1e+",
                          "0x1",
                          "tru",
                          "truee",
                          "True",
                          "nan",
                          "--1",
                          "-Inf",
                          "\"",
                          "\"\\x41\"",
                          "\"\\u12g4\"",
                          "\"\\u\"",
                          "\"a\nb\"",
                          "\"\t\"",
                          "[}",
                          "{]",
                          "[1]]",
                          "{} {}",
                          "{}[]",
                          "1 2",
                          "1\n2",
                          "{}\n1",
                          "// c\n{}",
                          "[1]//",
                          "\"\xff\"",
                          "\"\xc3\"",
                          "\"\xed\xa0\x80\"",
                          "\"\xc0\xaf\"",
                          "\xc3\xa9",
                          "[\"a\",]",
                          "[,1]",
                          "{,}",
                          "nul",
                          "\xef\xbb",
                          "\"a\" \"b\""})
    EXPECT_FALSE(parse(text).valid) << text;
  EXPECT_FALSE(parse("\"\0\""sv).valid);
  EXPECT_FALSE(parse("{}\0"sv).valid);
}

TEST(Json, EveryBeginningOfAnObjectIsTruncated) {
  const auto whole = "{\"a\": [1, -2.5e3, true, null, \"\\u00e9\xc3\xa9\"], \"b\": {\"c\": false}}"s;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto r = parse(whole.substr(0, n));
    EXPECT_FALSE(r.valid) << n;
    EXPECT_EQ(r.stopped->code, Errc::truncated) << n;
  }
}

TEST(Json, SaysWhereItStopped) {
  EXPECT_EQ(parse("[1, x]").stopped->offset, 4u);
  EXPECT_EQ(parse("\xef\xbb\xbf[x]").stopped->offset, 4u);
}

TEST(Json, TakesAByteOrderMarkAndSaysSo) {
  const auto r = parse("\xef\xbb\xbf{\"auto_map\": {\"a\": 1}}");
  EXPECT_TRUE(r.valid);
  EXPECT_TRUE(r.byte_order_mark);
  EXPECT_EQ(r.code_keys.at(0).offset, 4u);
}

TEST(Json, NotesNumbersThatOnlyPythonKnows) {
  EXPECT_TRUE(parse("[NaN]").non_finite);
  EXPECT_FALSE(parse("[1, null]").non_finite);
}

TEST(Json, ReadsLinesOfObjects) {
  EXPECT_TRUE(parse("{\"a\":1}\n{\"a\":2}\r\n[3]\n").lines);
  EXPECT_FALSE(parse("{\"a\":1}\n").lines);
  EXPECT_FALSE(parse("{\"a\":\n1} {\"a\":2}").valid);
}

TEST(Json, KnowsANotebook) {
  EXPECT_TRUE(parse("{\"cells\": [], \"nbformat\": 4}").notebook);
  EXPECT_FALSE(parse("{\"cells\": [{\"nbformat\": 4}]}").notebook);
}

TEST(Json, NamesKeysThatNameCode) {
  EXPECT_EQ(paths("{\"auto_map\": {\"AutoModel\": \"m.M\"}}"), Paths{"auto_map"});
  EXPECT_EQ(paths("{\"model\": {\"_target_\": \"acme.Net\"}}"), Paths{"model._target_"});
  EXPECT_EQ(paths("{\"a\": [0, {\"class_path\": \"x.Y\"}]}"), Paths{"a[1].class_path"});
  EXPECT_EQ(paths("{\"py/object\": \"a.B\", \"py/reduce\": [1]}"), (Paths{"py/object", "py/reduce"}));
  EXPECT_EQ(paths("{\"trust_remote_code\": true}"), Paths{"trust_remote_code"});
  EXPECT_EQ(paths("{\"custom_pipelines\": {\"x\": {\"impl\": \"a.B\"}}}"), Paths{"custom_pipelines"});
  EXPECT_EQ(paths("{\"a\": {\"target\": \"ldm.models.Diffusion\"}}"), Paths{"a.target"});
  EXPECT_EQ(paths("{\"target\": \"os.system\"}"), Paths{"target"});
  EXPECT_EQ(paths("{\"class_name\": \"Lambda\"}"), Paths{"class_name"});
  EXPECT_EQ(paths("[{\"idx\": 0, \"type\": \"custom_st.Transformer\"}]"), Paths{"[0].type"});
}

TEST(Json, KeysAreComparedAfterDecoding) {
  const auto r = parse("{\"x\": 1, \"a\\u0075to\\u005fmap\": {\"a\": \"b\"}}");
  ASSERT_EQ(r.code_keys.size(), 1u);
  EXPECT_EQ(r.code_keys[0].path, "auto_map");
  EXPECT_EQ(r.code_keys[0].offset, 9u);
}

TEST(Json, EmptyAndHarmlessValuesNameNoCode) {
  for (const auto text :
       {"{\"auto_map\": {}}", "{\"auto_map\": []}", "{\"auto_map\": null}", "{\"auto_map\": \"\"}", "{\"_target_\": 3}",
        "{\"trust_remote_code\": false}", "{\"a\": \"auto_map\"}", "{\"target\": \"model.pt\"}",
        "{\"target\": \"1.5\"}", "{\"target\": \"x\"}", "{\"class_name\": \"Dense\"}",
        "[{\"type\": \"sentence_transformers.models.Transformer\"}]", "{\"AUTO_MAP\": {\"a\": 1}}"})
    EXPECT_EQ(paths(text), Paths{}) << text;
}

TEST(Json, AListOfAlikesIsOneKey) {
  std::string text = "[";
  for (int i = 0; i < 5000; ++i) text += "{\"_target_\": \"a.B\"},";
  text += "{}]";
  EXPECT_EQ(paths(text), Paths{"[0]._target_"});
}

TEST(Json, MoreKeysThanAreKeptAreCut) {
  std::string text = "{";
  for (int i = 0; i < 1200; ++i) text += "\"k" + std::to_string(i) + "\": {\"_target_\": \"a.B\"},";
  const auto r = parse(text + "\"z\": 0}");
  EXPECT_TRUE(r.valid);
  EXPECT_EQ(r.code_keys.size(), kMostCodeKeys);
  EXPECT_TRUE(r.cut);
}

TEST(Json, AComponentOfAPipelineThatIsNoLibraryIsCode) {
  EXPECT_EQ(paths("{\"_class_name\": \"P\", \"unet\": [\"pipeline_acme\", \"U\"]}"), Paths{"unet"});
  EXPECT_EQ(paths("{\"unet\": [\"pipeline_acme\", \"U\"], \"_diffusers_version\": \"0.30\"}"), Paths{"unet"});
  EXPECT_EQ(paths("{\"_class_name\": [\"pipeline\", \"P\"]}"), Paths{"_class_name"});
  EXPECT_EQ(paths("{\"_class_name\": \"P\", \"unet\": [\"diffusers\", \"U\"], \"s\": [null, null], \"c\": "
                  "[\"stable_diffusion\", \"S\"]}"),
            Paths{});
  EXPECT_EQ(paths("{\"labels\": [\"cat\", \"dog\"]}"), Paths{});
}

TEST(Json, KnowsAChatTemplate) {
  EXPECT_TRUE(parse("{\"chat_template\": \"{{ x }}\"}").chat_template);
  EXPECT_TRUE(parse("{\"chat_template\": [{\"name\": \"a\"}]}").chat_template);
  EXPECT_FALSE(parse("{\"chat_template\": null}").chat_template);
}

TEST(Json, ListsTheFilesOfAWeightMap) {
  const auto r = parse(
      "{\"weight_map\": {\"a\": \"1.bin\", \"b\": \"2.bin\", \"c\": \"1.bin\", \"d\": {\"e\": \"3.bin\"}}, \"f\": "
      "{\"g\": \"4.bin\"}}");
  EXPECT_EQ(r.weight_map_files, (std::vector<std::string>{"1.bin", "2.bin"}));
  EXPECT_TRUE(parse("{\"a\": {\"weight_map\": {\"b\": \"1.bin\"}}}").weight_map_files.empty());
}

TEST(Json, NoticesDuplicateKeysAtTheTop) {
  EXPECT_TRUE(parse("{\"a\": 1, \"\\u0061\": 2}").duplicate_keys_at_top);
  EXPECT_FALSE(parse("{\"a\": {\"a\": 1}, \"b\": {\"a\": 1}}").duplicate_keys_at_top);
}

// Whoever nests deeply hides nothing, and needs no stack of ours.
TEST(Json, DeepNestingIsReadOrRefused) {
  const std::string open(50'000, '['), close(50'000, ']');
  const auto r = parse(open + "{\"auto_map\": \"a.B\"}" + close);
  EXPECT_TRUE(r.valid);
  ASSERT_EQ(r.code_keys.size(), 1u);
  EXPECT_LT(r.code_keys[0].path.size(), 2000u);
  const auto beyond = parse(std::string(kMostDepth + 1, '['));
  EXPECT_EQ(beyond.stopped->code, Errc::limit_reached);
}

TEST(Json, LongKeysAndTextsAcrossBlocksAreRead) {
  const std::string long_text(200'000, 'x');
  EXPECT_TRUE(parse("{\"" + long_text + "\": \"" + long_text + "\"}").valid);
  for (std::size_t pad = 65'500; pad < 65'560; ++pad)
    EXPECT_EQ(paths("{\"a\": \"" + std::string(pad, 'x') + "\", \"auto_map\": [1]}"), Paths{"auto_map"}) << pad;
}

TEST(Json, AKeyThatIsOnlyTheBeginningOfALongerOneIsNotIt) {
  EXPECT_EQ(paths("{\"auto_map" + std::string(300, 'x') + "\": [1]}"), Paths{});
}

TEST(Json, StopsWhenTheTimeIsOver) {
  const auto text = "[" + std::string(100, ' ') + "]";
  bytes::Limits limits;
  limits.seconds = 0;
  bytes::Budget budget{limits, text.size()};
  const bytes::MemorySource source{bytes::view(text)};
  const auto r = read(source, budget);
  EXPECT_FALSE(r.valid);
  EXPECT_EQ(r.stopped->code, Errc::limit_reached);
}

}  // namespace
}  // namespace assay::format::json
