#include "format/safetensors/safetensors.h"

#include <gtest/gtest.h>

#include <chrono>

#include "format/safetensors/number.h"

namespace assay::format::safetensors {
namespace {

using namespace std::string_literals;

constexpr auto kOne = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";

std::string file_of(const std::string& json, const std::string& data = "") {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(json.size() >> (8 * i) & 0xff);
  return out + json + data;
}

Parsed<File> parse_file(std::string_view file, const bytes::Limits& limits = {}) {
  bytes::Budget budget{limits, file.size()};
  const bytes::MemorySource source{bytes::view(file)};
  return parse(source, budget);
}
Parsed<File> parse_header(const std::string& json, const std::string& data = "") {
  return parse_file(file_of(json, data));
}
/// {"a": ...} and one byte of data.
Parsed<File> parse_tensor(const std::string& entry) { return parse_header("{\"a\":" + entry + "}", "x"); }

bool accepts(const Parsed<File>& read) { return !read.stopped && !read.facts.refused; }

std::vector<std::string> ids(const Parsed<File>& read) {
  std::vector<std::string> out;
  for (const auto& o : read.facts.oddities) out.emplace_back(o.id);
  return out;
}

Tensor tensor(std::string name, Dtype dtype, std::vector<std::uint64_t> shape) {
  return {std::move(name), dtype, std::move(shape), 0, 0};
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const auto read = parse_header(
      R"({"__metadata__":{"b":"2","a":"\u00e9"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[1,9]},)"s + kOne +
          "}      ",
      std::string(9, '\0'));
  ASSERT_TRUE(accepts(read));
  ASSERT_EQ(read.facts.tensors.size(), 2u);
  EXPECT_EQ(read.facts.tensors[0], (Tensor{"a", Dtype::u8, {1}, 0, 1}));
  EXPECT_EQ(read.facts.tensors[1], (Tensor{"w", Dtype::f32, {2, 1}, 1, 9}));
  EXPECT_EQ(read.facts.metadata, (Metadata{{"a", "\xc3\xa9"}, {"b", "2"}}));
  EXPECT_EQ(read.facts.data_begin % 8, 0u);
  EXPECT_EQ(ids(read), std::vector<std::string>{});
}

TEST(Safetensors, EveryDtypeHasAWordAndASize) {
  for (unsigned i = 0; i <= static_cast<unsigned>(Dtype::u64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    EXPECT_EQ(dtype_from(to_string(dtype)), dtype);
    EXPECT_EQ(bytes_of(dtype, {8}), bits_of(dtype)) << to_string(dtype);
  }
  EXPECT_FALSE(dtype_from("C128"));
  EXPECT_EQ(bytes_of(Dtype::f6_e2m3, {4}), 3u);
  EXPECT_FALSE(bytes_of(Dtype::f4, {3}));
  EXPECT_FALSE(bytes_of(Dtype::u8, {UINT64_MAX, 2, 0}));
  EXPECT_EQ(bytes_of(Dtype::u8, {0, UINT64_MAX, UINT64_MAX}), 0u);
  EXPECT_FALSE(bytes_of(Dtype::f64, {1ull << 59}));
}

TEST(Safetensors, ScalarsAndEmptiesAreTensors) {
  EXPECT_TRUE(accepts(parse_header("{}")));
  EXPECT_TRUE(accepts(parse_header(R"({"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}})", "xx")));
  EXPECT_TRUE(accepts(parse_header(R"({"a":{"dtype":"F16","shape":[0],"data_offsets":[0,0]},)"
                                   R"("b":{"dtype":"F16","shape":[3,0],"data_offsets":[0,0]}})")));
}

TEST(Safetensors, WhatSerdeTakesIsTaken) {
  for (const auto* entry : {
           R"(["U8",[1],[0,1]])",
           R"({"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":"U\u0038","sh\u0061pe":[1],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1.5e40,"x":[{"y":null}]})",
           R"( { "dtype" : "U8" , "shape" : [ 1 ] , "data_offsets" : [ 0 , 1 ] } )",
       })
    EXPECT_TRUE(accepts(parse_tensor(entry))) << entry;
  EXPECT_TRUE(accepts(parse_header("{\"__metadata__\":null}")));
  EXPECT_TRUE(accepts(parse_header(" \n\t\r{}\n\t\r ")));
}

TEST(Safetensors, WhatSerdeRefusesIsRefused) {
  for (const auto* entry : {
           "null",
           "5",
           "[]",
           "{}",
           R"(["U8",[1]])",
           R"(["U8",[1],[0,1],3])",
           R"({"dtype":"U8","shape":[1]})",
           R"({"dtype":"XX","shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":4,"shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":{"U8":[]},"shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":{},"shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":{"U8":null,"U8":null},"shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":{},"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[-0],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[1.0],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[1e0],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":["1"],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,1]})",
           R"({"dtype":"U8","shape":[1],"data_offsets":[0]})",
           R"({"dtype":"U8","shape":[1],"data_offsets":[0,1,2]})",
       }) {
    const auto read = parse_tensor(entry);
    EXPECT_TRUE(read.facts.refused) << entry;
    EXPECT_FALSE(read.stopped) << entry;
  }
  for (const auto* meta : {R"({"a":1})", R"({"a":null})", "[]", "\"x\"", "{},\"__metadata__\":{}"})
    EXPECT_TRUE(parse_header("{\"__metadata__\":"s + meta + "}").facts.refused) << meta;
}

TEST(Safetensors, WhatIsNoJsonIsRefusedAndStops) {
  for (const auto& json : {""s,
                           " "s,
                           "[]"s,
                           "null"s,
                           "{"s,
                           "{}}"s,
                           "{}\0"s,
                           "{}\f"s,
                           "\xef\xbb\xbf{}"s,
                           "{,}"s,
                           R"({"a")"s,
                           R"({"a":)"s,
                           R"({"a":[)"s,
                           R"({"a":[1,]})"s,
                           R"({"a":{"x":1,}})"s,
                           R"({"a":01})"s,
                           R"({"a":1.})"s,
                           R"({"a":+1})"s,
                           R"({"a":NaN})"s,
                           R"({"a":1e999})"s,
                           R"({"a":tru})"s,
                           R"({"\ud800":1})"s,
                           R"({"\udc00":1})"s,
                           R"({"\ud800\ud800":1})"s,
                           R"({"\x":1})"s,
                           R"({"\u00g0":1})"s,
                           "{\"\xff\":1}"s,
                           "{\"\n\":1}"s,
                           R"({"a)"s}) {
    const auto read = parse_header(json);
    EXPECT_TRUE(read.facts.refused) << json;
    EXPECT_TRUE(read.stopped) << json;
  }
}

TEST(Safetensors, TensorsTileTheData) {
  const auto two = [](const std::string& a, const std::string& b, const std::string& data) {
    return parse_header(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a +
                            R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}",
                        data);
  };
  EXPECT_TRUE(accepts(two("[0,2]", "[2,4]", "xxxx")));
  EXPECT_TRUE(accepts(two("[2,4]", "[0,2]", "xxxx")));
  for (const auto& read : {two("[0,2]", "[3,5]", "xxxxx"), two("[0,2]", "[1,3]", "xxx"), two("[0,2]", "[0,2]", "xx"),
                           two("[1,3]", "[3,5]", "xxxxx"), two("[0,2]", "[2,4]", "xxxxx"), two("[0,2]", "[2,4]", "xxx"),
                           two("[0,2]", "[2,5]", "xxxxx"), two("[0,2]", "[2,0]", "xx")}) {
    EXPECT_TRUE(read.facts.refused);
    EXPECT_FALSE(read.stopped);
    EXPECT_EQ(read.facts.tensors.size(), 2u);
  }
}

TEST(Safetensors, OfSeveralTensorsOfANameTheLastCounts) {
  const auto read = parse_header(R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[7,3]},)"s + kOne + "}       ", "x");
  ASSERT_TRUE(accepts(read));
  EXPECT_EQ(read.facts.tensors, (std::vector<Tensor>{{"a", Dtype::u8, {1}, 0, 1}}));
  EXPECT_EQ(ids(read), (std::vector<std::string>{"safetensors.key-duplicate"}));
  EXPECT_GT(read.facts.oddities[0].offset, 40u);
  const auto metadata = parse_header(R"({"__metadata__":{"k":"1","j":"","k":"2"}}       )");
  EXPECT_EQ(metadata.facts.metadata, (Metadata{{"j", ""}, {"k", "2"}}));
  EXPECT_EQ(ids(metadata), (std::vector<std::string>{"safetensors.key-duplicate"}));
}

TEST(Safetensors, WhatOnlyTheReadmeForbidsIsOdd) {
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids(parse_header("{}      ")), Ids{});
  EXPECT_EQ(ids(parse_header("      {}")), Ids{"safetensors.header-leading-space"});
  EXPECT_EQ(ids(parse_header("{}     \n")), Ids{"safetensors.form-odd"});
  EXPECT_EQ(ids(parse_header("{}")), Ids{"safetensors.unaligned"});
  EXPECT_EQ(ids(parse_header("{\"__metadata__\":null}   ")), Ids{"safetensors.form-odd"});
  EXPECT_EQ(ids(parse_header(R"({"a":["U8",[1],[0,1]]}  )", "x")), Ids{"safetensors.form-odd"});
  EXPECT_EQ(ids(parse_header(R"({"a":{"dtype":"U8","shape":[0],"x":1,"data_offsets":[0,0]}}     )")),
            Ids{"safetensors.field-unknown"});
}

TEST(Safetensors, NestedBeyondSerdesLimitIsRefused) {
  const auto nested = [](std::size_t n) {
    return parse_tensor(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":)" + std::string(n, '[') +
                        std::string(n, ']') + "}");
  };
  EXPECT_TRUE(accepts(nested(125)));
  EXPECT_TRUE(nested(126).facts.refused);
}

TEST(Safetensors, NumbersOverflowWhereSerdesDo) {
  for (const auto* number :
       {"0", "-0", "1.5e40", "1e308", "1e-999", "0e999", "0e99999999999999999999", "1e-99999999999999999999",
        "0.00001e312", "17976931348623157e292", "-1e308", "179769313486231599e291"})
    EXPECT_TRUE(fits_double(number)) << number;
  for (const auto* number : {"1e309", "-1e309", "1e99999999999999999999", "10e308", "2e308", "17976931348623158e292"})
    EXPECT_FALSE(fits_double(number)) << number;
  EXPECT_TRUE(fits_double(std::string(300, '9')));
  EXPECT_FALSE(fits_double(std::string(400, '9')));
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const auto file = file_of("{"s + kOne + "}    ", "x");
  ASSERT_TRUE(accepts(parse_file(file)));
  for (std::size_t n = 0; n < file.size(); ++n) EXPECT_TRUE(parse_file(file.substr(0, n)).facts.refused) << n;
}

TEST(Safetensors, AHeaderBeyondTheLimitIsRefused) {
  EXPECT_TRUE(parse_file("\1\xe1\xf5\5\0\0\0\0{}"s).facts.refused);
  EXPECT_TRUE(parse_file(std::string(8, '\xff') + "{}").facts.refused);
}

/// The limits of the largest headers that there can be.
TEST(Safetensors, HostileHeadersCostLittle) {
  const auto began = std::chrono::steady_clock::now();
  const std::string much(50'000'000, '[');
  EXPECT_TRUE(parse_header("{\"a\":" + much).stopped);
  EXPECT_TRUE(parse_header("{\"" + much).stopped);
  std::string shape = "{\"a\":[\"U8\",[1";
  for (int i = 0; i < 20'000'000; ++i) shape += ",1";
  const auto read = parse_header(shape + "],[0,1]]}", "x");
  ASSERT_TRUE(read.stopped);
  EXPECT_EQ(read.stopped->code, Errc::limit_reached);
  EXPECT_FALSE(read.facts.refused);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{60});
}

TEST(Safetensors, AMillionTensorsAreReadWhereTheLimitAllows) {
  std::vector<Tensor> tensors;
  for (int i = 0; i < 1'000'000; ++i) tensors.push_back(tensor(std::to_string(i), Dtype::u8, {1}));
  const auto file = *header(tensors, {}) + std::string(tensors.size(), '\0');
  bytes::Limits limits;
  EXPECT_EQ(parse_file(file, limits).stopped->code, Errc::limit_reached);
  EXPECT_FALSE(parse_file(file, limits).facts.refused);
  limits.facts = 2'000'000;
  const auto read = parse_file(file, limits);
  EXPECT_TRUE(accepts(read));
  EXPECT_EQ(read.facts.tensors.size(), tensors.size());
}

TEST(Safetensors, WritesWhatTheReferenceWrites) {
  std::vector<Tensor> tensors{tensor("z", Dtype::f32, {1}), tensor("a", Dtype::u8, {3}), tensor("b", Dtype::f32, {1}),
                              tensor("bool", Dtype::boolean, {1})};
  sort_for_writing(tensors);
  const auto out = header(tensors, {{"c", "3"}, {"a", "1"}});
  ASSERT_TRUE(out);
  EXPECT_EQ(
      out->substr(8),
      R"({"__metadata__":{"a":"1","c":"3"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("z":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},)"
      R"("bool":{"dtype":"BOOL","shape":[1],"data_offsets":[11,12]}}    )");
  EXPECT_EQ(tensors[3].end, 12u);
  const auto read = parse_file(*out + std::string(12, 'x'));
  ASSERT_TRUE(accepts(read));
  EXPECT_EQ(read.facts.tensors, tensors);
}

TEST(Safetensors, WritesNamesAsSerdeWritesThem) {
  std::vector<Tensor> tensors{tensor("\0\x01\x1f\x7f\"\\/\b\f\n\r\t\xc2\x80"s, Dtype::u8, {0})};
  const auto out = header(tensors, {});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->substr(8).find("{\"\\u0000\\u0001\\u001f\x7f\\\"\\\\/\\b\\f\\n\\r\\t\xc2\x80\":{"), 0u);
}

TEST(Safetensors, WritesNothingThatItWouldRefuse) {
  const auto writes = [](std::vector<Tensor> tensors, const Metadata& metadata = {}) {
    return header(tensors, metadata).has_value();
  };
  EXPECT_TRUE(writes({}));
  EXPECT_TRUE(writes({tensor("", Dtype::u8, {0})}, {{"", ""}}));
  EXPECT_FALSE(writes({tensor("a", Dtype::u8, {}), tensor("a", Dtype::i8, {})}));
  EXPECT_FALSE(writes({tensor("__metadata__", Dtype::u8, {})}));
  EXPECT_FALSE(writes({tensor("\xff", Dtype::u8, {})}));
  EXPECT_FALSE(writes({tensor("a", Dtype::f4, {1})}));
  EXPECT_FALSE(writes({tensor("a", Dtype::u8, {UINT64_MAX}), tensor("b", Dtype::u8, {})}));
  EXPECT_FALSE(writes({}, {{"a", "1"}, {"a", "1"}}));
  EXPECT_FALSE(writes({}, {{"a", "\xff"}}));
  std::vector<Tensor> long_name{tensor(std::string(kMostHeader, 'x'), Dtype::u8, {})};
  EXPECT_EQ(header(long_name, {}).error().code, Errc::limit_reached);
}

}  // namespace
}  // namespace assay::format::safetensors
