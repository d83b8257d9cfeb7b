#include "tensors/numpy.h"

#include <gtest/gtest.h>

#include "tensors/sample.h"

namespace assay::tensors {
namespace {

using namespace sample;
using Outcome = Set::Outcome;

const std::string kOk = array(dtype("u1"), {1}, raw("x"));
Told pickled(const std::string& array) { return Told{proto(4) + dict({{"x", array}, {"ok", kOk}}) + "."}; }
void expect(const Told& told, Outcome outcome, std::string_view why) {
  EXPECT_EQ(told.set.outcome, outcome) << why;
  EXPECT_NE(told.set.why.find(why), std::string::npos) << told.set.why;
  EXPECT_TRUE(told.set.tensors.empty());
}

// --- .npy ---------------------------------------------------------------------------------------------

TEST(Numpy, AnArrayHasNoName) {
  const Told told{npy("'<f4'", "(2,)", "12345678")};
  ASSERT_EQ(told.names(), Lines{""}) << told.set.why;
  EXPECT_EQ(told.set.format, "npy");
  EXPECT_EQ(told.set.framework, "np");
  EXPECT_EQ(told.set.tensors[0].dtype, Dtype::f32);
  EXPECT_EQ(told.set.tensors[0].shape, Sizes{2});
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Numpy, EveryTypeHasItsWord) {
  for (const auto& [descr, dtype] : std::map<std::string, Dtype>{{"<f8", Dtype::f64},
                                                                 {"<f2", Dtype::f16},
                                                                 {"<i8", Dtype::i64},
                                                                 {"<i4", Dtype::i32},
                                                                 {"<i2", Dtype::i16},
                                                                 {"|i1", Dtype::i8},
                                                                 {"<u8", Dtype::u64},
                                                                 {"<u4", Dtype::u32},
                                                                 {"<u2", Dtype::u16},
                                                                 {"|u1", Dtype::u8},
                                                                 {"|b1", Dtype::boolean},
                                                                 {"<c8", Dtype::c64}}) {
    const Told told{npy("'" + descr + "'", "(2,)", std::string(16, 'x'))};
    ASSERT_EQ(told.set.outcome, Outcome::read) << descr << told.set.why;
    EXPECT_EQ(told.set.tensors[0].dtype, dtype) << descr;
  }
}

TEST(Numpy, BigEndianArraysAreTurnedAround) {
  for (const auto& [descr, unit] :
       std::map<std::string, unsigned>{{">f4", 4}, {">i8", 8}, {">u2", 2}, {">c8", 4}, {">i1", 1}}) {
    const Told told{npy("'" + descr + "'", "(1,)", std::string(8, 'x'))};
    ASSERT_EQ(told.set.outcome, Outcome::read) << descr << told.set.why;
    EXPECT_EQ(told.set.tensors[0].swap, unit) << descr;
  }
}

TEST(Numpy, FortranOrderIsAMatterOfStrides) {
  const Told told{npy("'<f4'", "(2, 3)", std::string(24, 'x'), true)};
  ASSERT_EQ(told.set.outcome, Outcome::read);
  EXPECT_EQ(told.set.tensors[0].shape, (Sizes{2, 3}));
  EXPECT_EQ(told.set.tensors[0].strides, (Sizes{1, 2}));
}

TEST(Numpy, ArraysMayHaveNoDimensionOrNoElements) {
  const Told scalar{npy("'<f4'", "()", "1234")};
  EXPECT_EQ(scalar.set.tensors.at(0).shape, Sizes{});
  const Told empty{npy("'<f4'", "(0, 3)", "")};
  EXPECT_EQ(empty.set.tensors.at(0).shape, (Sizes{0, 3}));
}

TEST(Numpy, TypesThatSafetensorsLacksAreNotConverted) {
  for (const auto& [descr, what] : Pairs{{"'<c16'", "c16"},
                                         {"'<U5'", "U5"},
                                         {"'|S5'", "S5"},
                                         {"'<M8[ns]'", "M8[ns]"},
                                         {"'<f16'", "f16"},
                                         {"[('a', '<f4'), ('b', '<i4')]", "structured"}}) {
    const Told told{npy(descr, "(1,)", std::string(64, 'x'))};
    EXPECT_EQ(told.set.outcome, Outcome::nothing);
    EXPECT_EQ(told.left(), Lines{": " + what + " array [1]: safetensors has no such data type"});
  }
  EXPECT_EQ(Told(npy("'|O'", "(1,)", whole_pickle("]"))).left(), Lines{": O array [1]: its items are Python objects"});
}

TEST(Numpy, DamagedArraysAreDamage) {
  expect(Told{npy("'<f4'", "(3,)", "12345678")}, Outcome::damaged, "ends early");
  expect(Told{npy("'<f4'", "(4611686018427387904, 4611686018427387904)", "")}, Outcome::damaged, "overflows");
  expect(Told{npy("'f'", "(1,)", "1234")}, Outcome::damaged, "dtype that NumPy does not have");
  std::string deep = "(";
  for (int i = 0; i < 70; ++i) deep += "1,";
  auto header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + deep + ")}\n";
  expect(Told{"\x93NUMPY\1\0"s + le(static_cast<std::uint16_t>(header.size())) + header + "1234"}, Outcome::damaged,
         "more dimensions");
}

TEST(Numpy, EveryTruncatedArrayIsDamage) {
  const auto whole = npy("'<f4'", "(2,)", "12345678");
  for (std::size_t n = 6; n < whole.size(); ++n) EXPECT_EQ(Told{whole.substr(0, n)}.set.outcome, Outcome::damaged) << n;
}

TEST(Numpy, AKeyIsOfNoUseWithoutADict) {
  expect(Told(npy("'<f4'", "(2,)", "12345678"), "model"), Outcome::refused, "--key");
  EXPECT_EQ(Told(npy("'<f4'", "(2,)", "12345678"), "").set.outcome, Outcome::read);
}

// --- .npz ---------------------------------------------------------------------------------------------

const std::string kArray = npy("'<f4'", "(2,)", "12345678");

TEST(Numpy, AnArchiveNamesItsArrays) {
  const Told told{zip({{"a.npy", kArray}, {"deep/b.npy", kArray}, {"notes.txt", "x"}})};
  ASSERT_EQ(told.names(), (Lines{"a", "deep/b"})) << told.set.why;
  EXPECT_EQ(told.set.format, "npz");
  EXPECT_EQ(told.left(), Lines{"notes.txt: file: its name does not end in .npy"});
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Numpy, DeflatedArraysGoToTheSpool) {
  const Told told{zip({deflated("a.npy", kArray), {"b.npy", kArray}})};
  ASSERT_EQ(told.names(), (Lines{"a", "b"})) << told.set.why;
  EXPECT_EQ(told.set.tensors[0].where, Where::spool);
  EXPECT_EQ(told.set.tensors[1].where, Where::file);
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Numpy, TwoArraysOfOneNameAreRefused) {
  const auto other = npy("'<f4'", "(2,)", "abcdefgh");
  expect(Told{zip({{"a.npy", kArray}, {"a.npy", other}})}, Outcome::refused, "two members called a.npy");
  expect(Told{zip({{"a.npy", kArray}, {"a", other}})}, Outcome::refused, "two members by the name a");
  EXPECT_EQ(Told(zip({{"a.npy", kArray}, {"A.npy", other}})).names(), (Lines{"a", "A"}));
}

TEST(Numpy, NamesThatCannotBeWrittenAreTold) {
  const Told told{zip({{"__metadata__.npy", kArray}, {"\xff.npy", kArray}, {"a.npy", kArray}})};
  EXPECT_EQ(told.names(), Lines{"a"});
  EXPECT_EQ(told.left(), (Lines{"__metadata__: array: safetensors keeps this name for itself",
                                "\xef\xbf\xbd: array: its name is not UTF-8"}));
}

TEST(Numpy, ADamagedMemberIsDamage) {
  expect(Told{zip({{"a.npy", kArray.substr(0, 130)}})}, Outcome::damaged, "(a)");
  auto broken = deflated("a.npy", kArray);
  broken.data[1] = 'x';
  expect(Told{zip({broken})}, Outcome::damaged, "a.npy breaks off");
  expect(Told{zip({{"a.npy", kArray, 99}})}, Outcome::damaged, "encrypted, or compressed");
}

// NumPy reads through zipfile, which compares.
TEST(Numpy, ChecksumsOfMembersMustMatch) {
  const auto with_sum = [](Member member) {
    member.crc32 = 1;
    return Told{zip({{"ok.npy", kArray}, member})};
  };
  for (const auto& member : {Member{"a.npy", kArray}, deflated("a.npy", kArray)}) {
    EXPECT_EQ(Told{zip({member})}.names(), Lines{"a"});
    expect(with_sum(member), Outcome::damaged, "its checksum does not match (a)");
  }
  EXPECT_EQ(with_sum({"notes.txt", "x"}).names(), Lines{"ok"});
}

TEST(Numpy, LeftoversOfAnArchiveHaveAnEnd) {
  std::vector<Member> many{{"a.npy", kArray}};
  for (std::size_t i = 0; i < kMostLeftovers + 7; ++i) many.push_back({"f" + std::to_string(i), std::to_string(i)});
  const Told told{zip(many)};
  EXPECT_EQ(told.set.leftovers.size(), kMostLeftovers);
  EXPECT_EQ(told.set.more_leftovers, 7u);
}

// --- Pickles ------------------------------------------------------------------------------------------

TEST(Numpy, APickledArrayIsItsBytes) {
  const auto told = pickled(array(dtype("f4"), {2}, raw("12345678")));
  ASSERT_EQ(told.names(), (Lines{"x", "ok"})) << told.set.why;
  EXPECT_EQ(told.set.format, "pickle");
  EXPECT_EQ(told.set.framework, "np");
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Numpy, NumPyTwoMovedItsFunctions) {
  auto moved = array(dtype("f4"), {2}, raw("12345678"));
  moved.replace(moved.find("numpy.core"), 10, "numpy._core");
  EXPECT_EQ(pickled(moved).names(), (Lines{"x", "ok"}));
}

TEST(Numpy, PickledTypesSayTheirByteOrderAfterwards) {
  const auto swap = [](const std::string& dtype) {
    return pickled(array(dtype, {2}, raw("12345678"))).set.tensors.at(0).swap;
  };
  EXPECT_EQ(swap(dtype("f4", ">")), 4u);
  EXPECT_EQ(swap(dtype("f4", "<")), 1u);
  EXPECT_EQ(swap(dtype(">f4", "<")), 1u);
  EXPECT_EQ(swap(called("numpy", "dtype", {text(">f4"), kFalse, kTrue})), 4u);
}

TEST(Numpy, PickledArraysMayBeInFortranOrder) {
  EXPECT_EQ(pickled(array(dtype("f4"), {1, 2}, raw("12345678"), true)).set.tensors.at(0).strides, (Sizes{1, 1}));
  EXPECT_EQ(pickled(array(dtype("i1"), {2, 4}, raw("12345678"), true)).set.tensors.at(0).strides, (Sizes{1, 2}));
}

TEST(Numpy, ProtocolTwoWritesBytesAsLatinText) {
  const auto encoded = [](const std::string& utf8, const std::string& word) {
    return pickled(array(dtype("u1"), {2}, called("_codecs", "encode", {text(utf8), text(word)})));
  };
  const auto told = encoded(
      "\xc3\xbf"
      "a",
      "latin1");
  ASSERT_EQ(told.names(), (Lines{"x", "ok"})) << told.set.why;
  EXPECT_EQ(told.set.tensors[0].where, Where::spool);
  EXPECT_EQ(told.bytes_of_first(),
            "\xff"
            "a");
  expect(encoded("\xc3\xbf", "utf-8"), Outcome::damaged, "no byte string");
  expect(encoded("\xe2\x82\xac", "latin1"), Outcome::damaged, "no byte string");
}

TEST(Numpy, PythonTwoWroteTextsForBytes) {
  EXPECT_EQ(pickled(array(dtype("u1"), {2}, "U\2\xff\1"s)).bytes_of_first(), "\xff\1");
  const auto escaped = pickled(array(dtype("u1"), {2}, "S'\\xffa'\n"));
  ASSERT_EQ(escaped.names(), (Lines{"x", "ok"})) << escaped.set.why;
  EXPECT_EQ(escaped.bytes_of_first(),
            "\xff"
            "a");
  EXPECT_EQ(pickled(array(dtype("u1"), {2},
                          text("\xc3\xbf"
                               "a")))
                .bytes_of_first(),
            "\xff"
            "a");
}

TEST(Numpy, BuffersOfProtocolFiveAreByteStringsOrArrays) {
  const auto buffered = [](const std::string& buffer, const std::string& order = "C") {
    return pickled(called("numpy.core.numeric", "_frombuffer", {buffer, dtype("u1"), sizes({2, 4}), text(order)}));
  };
  EXPECT_EQ(buffered(raw("12345678")).bytes_of_first(), "12345678");
  EXPECT_EQ(buffered("\x96" + le(std::uint64_t{8}) + "12345678").bytes_of_first(), "12345678");
  EXPECT_EQ(buffered(raw("12345678"), "F").set.tensors.at(0).strides, (Sizes{1, 2}));
  EXPECT_EQ(buffered(called("builtins", "bytearray", {raw("12345678")})).bytes_of_first(), "12345678");
  EXPECT_EQ(buffered(called("builtins", "bytearray", {text("12345678"), text("latin-1")})).bytes_of_first(),
            "12345678");
  expect(buffered(called("builtins", "bytearray", {text("12345678")})), Outcome::damaged, "no byte string");
  expect(buffered(called("builtins", "bytes", {number(8)})), Outcome::damaged, "no byte string");
}

TEST(Numpy, TypesOfMlDtypesAreKnown) {
  const auto of = [](const std::string& name, int size, const std::string& from = "ml_dtypes") {
    return called("numpy", "dtype", {global(from, name), kFalse, kTrue}) +
           tuple(
               {number(3), text("<"), kNone, kNone, kNone, number(static_cast<unsigned>(size)), number(1), number(0)}) +
           "b";
  };
  EXPECT_EQ(pickled(array(of("bfloat16", 2), {2}, raw("1234"))).set.tensors.at(0).dtype, Dtype::bf16);
  EXPECT_EQ(pickled(array(of("float8_e4m3fn", 1), {4}, raw("1234"))).set.tensors.at(0).dtype, Dtype::f8_e4m3);
  EXPECT_EQ(pickled(array(of("bfloat16", 2, "acme"), {2}, raw("1234"))).left(),
            Lines{"x: acme.bfloat16 array [2]: safetensors has no such data type"});
  expect(pickled(array(of("bfloat16", 4), {1}, raw("1234"))), Outcome::refused, "contradicts itself");
}

TEST(Numpy, ArraysOfOtherClassesAndTypesAreNotConverted) {
  const auto made = [](const std::string& cls) {
    return pickled(called("numpy.core.multiarray", "_reconstruct", {cls, sizes({0}), raw("b")}) +
                   tuple({number(1), sizes({2}), dtype("f4"), kFalse, raw("12345678")}) + "b");
  };
  EXPECT_EQ(made(global("numpy", "matrix")).names(), (Lines{"x", "ok"}));
  EXPECT_EQ(made(global("acme", "Array")).left(),
            Lines{"x: array: a class of its own may mean something else by its bytes"});
  EXPECT_EQ(pickled(array(dtype("O", "|"), {1}, "]")).left(),
            Lines{"x: O array [1]: safetensors has no such data type"});
  EXPECT_EQ(pickled(array(dtype("U5"), {1}, raw("x"))).left(),
            Lines{"x: U5 array [1]: safetensors has no such data type"});
  EXPECT_EQ(pickled(called("numpy.ma.core", "_mareconstruct", {kNone})).left(),
            Lines{"x: masked array: safetensors has no masks"});
}

TEST(Numpy, ScalarsAreNoArrays) {
  EXPECT_EQ(pickled(called("numpy.core.multiarray", "scalar", {dtype("f4"), raw("1234")})).left(),
            Lines{"x: numpy.core.multiarray.scalar(...): not a tensor"});
}

TEST(Numpy, ArraysWhoseStateIsNoStateAreDamage) {
  const auto made = called("numpy.core.multiarray", "_reconstruct", {global("numpy", "ndarray"), sizes({0}), raw("b")});
  expect(pickled(made), Outcome::damaged, "without its data");
  expect(pickled(made + kNone + "b"), Outcome::damaged, "without its data");
  expect(pickled(made + tuple({number(1), kNone, dtype("f4"), kFalse, raw("1234")}) + "b"), Outcome::damaged,
         "without a shape");
  expect(pickled(array(dtype("f4"), {3}, raw("12345678"))), Outcome::damaged, "more or fewer bytes");
  expect(pickled(array(dtype("f4"), {1}, raw("12345678"))), Outcome::damaged, "more or fewer bytes");
  expect(pickled(array(dtype("f4"), {1ull << 62, 1ull << 62}, raw(""))), Outcome::damaged, "more or fewer bytes");
  expect(pickled(array(dtype("f4"), {1}, kNone)), Outcome::damaged, "no byte string");
}

// --- Truth --------------------------------------------------------------------------------------------

TEST(Numpy, TypesThatLieAreRefused) {
  const auto state = [](const std::string& word, const std::vector<std::string>& items) {
    return pickled(
        array(called("numpy", "dtype", {text(word), kFalse, kTrue}) + tuple(items) + "b", {2}, raw("12345678")));
  };
  const std::string minus = "J\xff\xff\xff\xff";
  const auto plain = [&](const std::string& order, const std::string& size, const std::string& flags) {
    return state("f4", {number(3), order, kNone, kNone, kNone, size, minus, flags});
  };
  EXPECT_EQ(plain(text("<"), minus, number(0)).names(), (Lines{"x", "ok"}));
  expect(plain(text("<"), number(8), number(0)), Outcome::refused, "contradicts itself");
  expect(plain(text("<"), minus, number(63)), Outcome::refused, "contradicts itself");
  expect(plain(number(1), minus, number(0)), Outcome::refused, "contradicts itself");
  expect(plain(text("big"), minus, number(0)), Outcome::refused, "contradicts itself");
  expect(state("f4", {number(3), text("<"), kNone, tuple({text("a")}), dict({{"a", tuple({dtype("f4"), number(0)})}}),
                      number(4), minus, number(0)}),
         Outcome::refused, "contradicts itself");
}

// A type that nobody copied is NumPy's own, and its __setstate__ looks at nothing.
TEST(Numpy, TypesThatAreNotCopiedHaveNoState) {
  const auto own = called("numpy", "dtype", {text("f4"), kFalse, kFalse});
  EXPECT_EQ(pickled(array(own, {2}, raw("12345678"))).names(), (Lines{"x", "ok"}));
  expect(pickled(array(own + dtype_state(">"), {2}, raw("12345678"))), Outcome::refused, "contradicts itself");
}

TEST(Numpy, WhatIsChangedAfterItWasTakenIsRefused) {
  const auto x = array(dtype("f4"), {2}, raw("12345678"));
  const auto again = tuple({number(1), sizes({1}), dtype("f8"), kFalse, raw("abcdefgh")}) + "b";
  expect(pickled(x + again), Outcome::refused, "BUILD changes");
  expect(pickled(x + number(0) + number(1) + "s"), Outcome::refused, "SETITEM changes");
  const auto type = dtype("f4") + "q\1" + "0";
  expect(pickled(type + array("h\1", {2}, raw("12345678")) + "h\1" + dtype_state(">") + "0"), Outcome::refused,
         "its data type is changed");
  const auto late = called("numpy", "dtype", {text(">f4"), kFalse, kTrue}) + "q\1" + "0";
  expect(pickled(late + array("h\1", {2}, raw("12345678")) + "h\1" + dtype_state("<") + "0"), Outcome::refused,
         "its data type is changed");
}

TEST(Numpy, ABufferThatIsOverwrittenIsRefused) {
  const auto buffer = "\x96" + le(std::uint64_t{2}) + "ab" + "q\1" + "0";
  expect(pickled(buffer + called("numpy.core.numeric", "_frombuffer", {"h\1", dtype("u1"), sizes({2}), text("C")}) +
                 "h\1K\0K\x41s0"s),
         Outcome::refused, "SETITEM changes bytes");
}

// The same text may stand for many arrays; each is decoded, and paid for.
TEST(Numpy, DecodedArraysAreCharged) {
  std::string file = text(std::string(1000, 'a')) + "q\1" + "0}(";
  for (int i = 0; i < 200; ++i)
    file += text(std::to_string(i)) + array(dtype("u1"), {1000}, called("_codecs", "encode", {"h\1", text("latin1")}));
  bytes::Limits limits;
  limits.inflated_floor = 100'000;
  limits.inflated_ratio = 0;
  const Told told{proto(4) + file + "u.", {}, limits};
  EXPECT_EQ(told.set.outcome, Outcome::damaged);
  EXPECT_NE(told.set.why.find("limit reached"), std::string::npos) << told.set.why;
  EXPECT_LE(told.spool_size(), 100'000u);
}

// --- joblib -------------------------------------------------------------------------------------------

TEST(Numpy, JoblibKeepsArraysBetweenOpcodes) {
  const auto told = pickled(inline_array(dtype("f4"), {2}, "12345678"));
  ASSERT_EQ(told.names(), (Lines{"x", "ok"})) << told.set.why;
  EXPECT_EQ(told.bytes_of_first(), "12345678");
  EXPECT_EQ(told.set.tensors[0].where, Where::file);
  EXPECT_EQ(pickled(inline_array(dtype("i1"), {2, 4}, "12345678", "F")).set.tensors.at(0).strides, (Sizes{1, 2}));
  EXPECT_EQ(pickled(inline_array(dtype("f4", ">"), {2}, "12345678")).set.tensors.at(0).swap, 4u);
}

TEST(Numpy, JoblibMayPickleObjectsInstead) {
  const auto told =
      pickled(inline_array(dtype("O", "|"), {1}, "").substr(0, inline_array(dtype("O", "|"), {1}, "").size() - 3) +
              whole_pickle("]"));
  EXPECT_EQ(told.names(), Lines{"ok"}) << told.set.why;
}

TEST(Numpy, JoblibArraysOfOtherClassesAreNotConverted) {
  auto other = inline_array(dtype("f4"), {2}, "12345678");
  other.replace(other.find("cnumpy\nndarray"), 14, "cacme\nArray");
  EXPECT_EQ(pickled(other).left(), Lines{"x: array: a class of its own may mean something else by its bytes"});
}

TEST(Numpy, JoblibMayCompressItAll) {
  const auto plain = proto(4) + dict({{"x", inline_array(dtype("f4"), {2}, "12345678")}}) + ".";
  std::string sum = "\0\0\0\0"s;
  std::uint32_t a = 1, b = 0;
  for (const char c : plain) a = (a + static_cast<unsigned char>(c)) % 65521, b = (b + a) % 65521;
  for (int i = 0; i < 4; ++i) sum[i] = static_cast<char>((b << 16 | a) >> (24 - 8 * i));
  const auto zlib = "\x78\x9c" + deflated("", plain).data + sum;
  const Told told{zlib};
  ASSERT_EQ(told.names(), Lines{"x"}) << told.set.why;
  EXPECT_EQ(told.set.tensors[0].where, Where::spool);
  EXPECT_EQ(told.bytes_of_first(), "12345678");
  EXPECT_EQ(Told(zlib.substr(0, zlib.size() - 8)).set.outcome, Outcome::damaged);
  EXPECT_EQ(Told(zlib.substr(0, zlib.size() - 4) + "xxxx").set.outcome, Outcome::damaged);
}

TEST(Numpy, AWrapperThatIsChangedAfterwardsIsRefused) {
  const auto wrapper = global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81" +
                       dict({{"subclass", global("numpy", "ndarray")},
                             {"shape", sizes({2, 1})},
                             {"order", text("C")},
                             {"dtype", dtype("f4")},
                             {"numpy_array_alignment_bytes", kNone}}) +
                       "q\1b" + "12345678";
  EXPECT_EQ(pickled(wrapper).names(), (Lines{"x", "ok"}));
  expect(pickled(wrapper + "h\1" + text("shape") + sizes({1, 2}) + "s0"), Outcome::refused, "wrapper is changed");
}

}  // namespace
}  // namespace assay::tensors
