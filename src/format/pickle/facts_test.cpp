#include "format/pickle/facts.h"

#include <gtest/gtest.h>

#include "format/pickle/pickle.h"
#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using namespace std::string_literals;
using namespace sample;

using Lines = std::vector<std::string>;

/// "plain.*" is what rules know and whose arguments they do not look at.
Care matters(std::string_view module, std::string_view) { return (module != "plain") ? Care::result : Care::none; }

struct Told : Facts {
  explicit Told(const std::string& pickle, bytes::Limits limits = {}, std::uint64_t base = 0)
      : Facts{pickle.size() + base, limits, matters}, all{pickle}, source{bytes::view(all)}, sink{facts, base} {
    Machine machine{source, budget, sink};
    ends = machine.run(0);
  }
  std::string all;
  bytes::MemorySource source;
  FactSink sink;
  std::vector<End> ends;
};

TEST(Facts, ACallIsKeptWithItsArguments) {
  const Told t{call("os", "system", "true") + "."};
  EXPECT_EQ(t.calls(), Lines{"REDUCE os.system('true')"});
  EXPECT_EQ(t.imports(), Lines{"os.system"});
  EXPECT_EQ(t.document.calls[0].profiles, kAllProfiles);
}

TEST(Facts, OffsetsCountFromTheMembersStart) {
  const Told t{"N0" + call("os", "system", "true") + ".", {}, 1000};
  EXPECT_EQ(t.document.imports[0].place.offset, 1002u);
  EXPECT_GT(t.document.calls[0].place.offset, 1002u);
}

TEST(Facts, EqualCallsAreCounted) {
  const Told t{times(50, call("os", "system", "true") + "0") + "N."};
  ASSERT_EQ(t.document.calls.size(), 1u);
  EXPECT_EQ(t.document.calls[0].count, 50u);
  EXPECT_EQ(t.document.imports[0].count, 50u);
  EXPECT_FALSE(t.document.calls[0].sampled);
}

TEST(Facts, CallsThatMatterAreAllKept) {
  std::string pickle;
  for (int i = 0; i < 50; ++i) pickle += call("os", "system", "echo " + std::to_string(i)) + "0";
  EXPECT_EQ(Told{pickle + "N."}.document.calls.size(), 50u);
}

// A million tensors cost two facts.
TEST(Facts, CallsWhoseArgumentsDoNotMatterAreSampledAndSaySo) {
  std::string pickle;
  for (int i = 0; i < 100; ++i) pickle += call("plain", "f", std::to_string(i)) + "0";
  const Told t{pickle + "N."};
  ASSERT_EQ(t.document.calls.size(), 2u);
  EXPECT_EQ(t.document.calls[0].count + t.document.calls[1].count, 100u);
  EXPECT_TRUE(t.document.calls[1].sampled);
}

TEST(Facts, TheSameFactsTwiceAreCountedInOneMember) {
  Facts f{100, {}, matters};
  for (int i = 0; i < 2; ++i) {
    const auto pickle = call("os", "system", "true") + ".";
    const bytes::MemorySource source{bytes::view(pickle)};
    FactSink sink{f.facts};
    Machine{source, f.budget, sink}.run(0);
  }
  ASSERT_EQ(f.document.calls.size(), 1u);
  EXPECT_EQ(f.document.calls[0].count, 2u);
}

TEST(Facts, ArgumentsThatAreCutAreMarked) {
  const Told t{global("os", "f") + "(" + times(600, "K\1") + "tR."};
  ASSERT_EQ(t.document.calls.size(), 1u);
  EXPECT_EQ(t.document.calls[0].args.back().kind, Expr::Kind::unknown);
  EXPECT_LE(t.document.calls[0].args.size(), 601u);
}

TEST(Facts, BuildWithEverydayStateIsSampledAndWithSpecialKeysIsNot) {
  const auto object = global("plain", "C") + ")\x81";
  std::string everyday, special;
  for (int i = 0; i < 20; ++i) {
    everyday += object + "}" + text("x" + std::to_string(i)) + "Nsb0";
    special += object + "}" + text("__setstate__") + "K" + static_cast<char>(i) + "sb0";
  }
  const auto builds = [](const Told& t) {
    return std::count_if(t.document.calls.begin(), t.document.calls.end(),
                         [](const Call& c) { return c.kind == Call::Kind::build; });
  };
  EXPECT_EQ(builds(Told{everyday + "N."}), 2);
  EXPECT_EQ(builds(Told{special + "N."}), 20);
}

TEST(Facts, ChangingAnImportedNameIsNeverSampled) {
  std::string pickle;
  for (int i = 0; i < 20; ++i) pickle += global("plain", "C") + "}" + text("a" + std::to_string(i)) + "Nsb0";
  EXPECT_EQ(Told{pickle + "N."}.document.calls.size(), 20u);
}

TEST(Facts, StorageIdsOfTorchAreOneFact) {
  std::string pickle;
  for (int i = 0; i < 20; ++i)
    pickle +=
        "(" + text("storage") + global("torch", "FloatStorage") + text(std::to_string(i)) + text("cpu") + "K\4tQ0";
  const Told t{pickle + "N."};
  ASSERT_EQ(t.document.calls.size(), 1u);
  EXPECT_EQ(t.document.calls[0].count, 20u);
}

TEST(Facts, WhenFactsRunOutTheDocumentSaysSo) {
  bytes::Limits few;
  few.facts = 5;
  std::string pickle;
  for (int i = 0; i < 50; ++i) pickle += call("os", "f" + std::to_string(i), "x") + "0";
  const Told t{pickle + "N.", few};
  EXPECT_TRUE(t.facts.overflowed());
  ASSERT_EQ(t.document.stops.size(), 1u);
  EXPECT_EQ(t.document.stops[0].code, Errc::limit_reached);
  EXPECT_EQ(t.document.imports.size() + t.document.calls.size(), 5u);
}

// --- What stands inside constants -------------------------------------------------------------------

TEST(Facts, APickleInAByteStringIsNested) {
  const auto inner = proto(4) + call("os", "system", "true") + ".";
  for (const auto& outer : {bytes_of(inner), "\x96" + le(std::uint64_t{inner.size()}) + inner,
                            "T" + le(static_cast<std::uint32_t>(inner.size())) + inner}) {
    const Told t{outer + "."};
    ASSERT_EQ(t.facts.nested.size(), 1u) << outer[0];
    EXPECT_EQ(t.all.substr(t.facts.nested[0].offset, t.facts.nested[0].length), inner);
  }
}

TEST(Facts, ATextPickleInAByteStringIsNested) {
  EXPECT_EQ(Told{bytes_of("cos\nsystem\n(S'true'\ntR.") + "."}.facts.nested.size(), 1u);
}

TEST(Facts, AnEscapedStringIsDecodedFirst) {
  const Told t{"S'\\x80\\x04cos\\nsystem\\n.'\n."};
  ASSERT_EQ(t.facts.nested.size(), 1u);
  ASSERT_TRUE(t.facts.nested[0].decoded);
  EXPECT_EQ(bytes::text(t.facts.nested[0].decoded->in_memory()), "\x80\4cos\nsystem\n.");
}

TEST(Facts, APickleInBase64IsNested) {
  const Told t{text("gARjb3MKc3lzdGVtCowEdHJ1ZYVSLg==") + "."};  // \x80\x04 cos system 'true' R
  ASSERT_EQ(t.facts.nested.size(), 1u);
  EXPECT_EQ(t.facts.nested[0].role, "base64 text");
  EXPECT_EQ(bytes::text(t.facts.nested[0].decoded->in_memory()), "\x80\4cos\nsystem\n\x8c\4true\x85R.");
}

TEST(Facts, OrdinaryTextsAndBytesAreNot) {
  EXPECT_TRUE(Told{text("import os; os.system('true') # and so on, and so on") + "0" +
                   bytes_of("just some bytes, really") + "."}
                  .facts.nested.empty());
}

// --- joblib -----------------------------------------------------------------------------------------

/// NumpyArrayWrapper as joblib pickles it, for `count` doubles.
std::string wrapper(unsigned char count, const std::string& more = {}) {
  const auto dtype = global("numpy", "dtype") + text("f8") + "\x89\x88\x87R";
  const auto shape = text("shape") + "K" + static_cast<char>(count) + "\x85";
  return global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81}(" + text("dtype") + dtype + shape + more + "ub";
}

TEST(Facts, ArrayBytesOfJoblibAreNoOpcodes) {
  const auto data = "."s + std::string(15, 'N');
  const Told t{proto(3) + wrapper(2) + data + "0" + call("os", "system", "true") + "."};
  ASSERT_EQ(t.sink.inline_data().size(), 1u);
  EXPECT_EQ(t.sink.inline_data()[0].end - t.sink.inline_data()[0].begin, 16u);
  EXPECT_EQ(t.imports().back(), "os.system");
  EXPECT_EQ(sample::show(t.document.calls.back().profiles), "j");
}

TEST(Facts, ArrayBytesMayStandBehindPadding) {
  const auto aligned = text("numpy_array_alignment_bytes") + "K\x10";
  const Told t{proto(3) + wrapper(1, aligned) + "\3xxx12345678" + "."};
  ASSERT_EQ(t.sink.inline_data().size(), 1u);
  EXPECT_EQ(t.all.substr(t.sink.inline_data()[0].begin, 8), "12345678");
}

TEST(Facts, AnArrayThatIsLongerThanTheFileIsTold) {
  EXPECT_EQ(Told{proto(3) + wrapper(200) + "abc."}.quirks(), Lines{"joblib.array-too-short"});
}

TEST(Facts, AnArrayWhoseShapeIsUnknownIsTold) {
  const Told t{proto(3) + global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81}" + text("shape") + "Nsb."};
  EXPECT_EQ(t.quirks(), Lines{"joblib.array-unclear"});
}

TEST(Facts, ObjectArraysOfJoblibAreReadAsThePickleTheyAre) {
  const auto dtype = global("numpy", "dtype") + text("O8") + "\x89\x88\x87R";
  const auto state = "}(" + text("dtype") + dtype + text("shape") + "K\1\x85u";
  const auto outer = proto(3) + global("joblib.numpy_pickle", "NumpyArrayWrapper") + ")\x81" + state + "b";
  const Told t{outer + proto(3) + call("os", "system", "true") + "." + "N."};
  EXPECT_NE(std::find(t.document.calls.begin(), t.document.calls.end(), t.document.calls.back()),
            t.document.calls.end());
  EXPECT_EQ(t.imports().back(), "os.system");
}

TEST(Facts, OldWrappersNameASideFile) {
  const Told t{global("joblib.numpy_pickle_compat", "NDArrayWrapper") + ")\x81}" + text("filename") + text("x_01.npy") +
               "sb."};
  ASSERT_EQ(t.document.quirks.size(), 1u);
  EXPECT_EQ(t.document.quirks[0].id, "joblib.side-file");
  EXPECT_EQ(t.document.quirks[0].detail, "x_01.npy");
}

}  // namespace
}  // namespace assay::format::pickle
