#include "format/pickle/machine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "format/pickle/sample.h"

namespace assay::format::pickle {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using namespace sample;

/// Writes everything down that a machine tells.
class Recorder final : public Sink {
 public:
  void on_import(Machine& m, std::uint32_t symbol, std::uint64_t, Op) override {
    const auto& s = m.symbol(symbol);
    imports.push_back((s.resolved ? "" : "?") + s.module + "." + s.name);
    if (!s.written.empty()) imports.back() += " from " + s.written;
  }
  void on_call(Machine& m, const CallSite& site) override {
    auto line = std::string{to_string(site.kind)} + " " + sample::show(m.explain(site.callee)) + " " +
                sample::show(m.explain(site.args));
    if (site.extra.tag != Tag::unknown) line += " " + sample::show(m.explain(site.extra));
    calls.push_back(line);
    callers.push_back(sample::show(site.profiles));
  }
  void on_literal(Machine& m, const Value& v, std::string_view) override { literals.push_back(m.text_of(v)); }
  void on_quirk(Machine&, std::string_view id, std::uint64_t, Profiles profiles, std::string) override {
    quirks.push_back(std::string{id} + " " + sample::show(profiles));
  }
  void on_stop(Machine&, Profiles profiles, const Error& error) override {
    stops.push_back(sample::show(profiles) + ": " + std::string{error.what});
    codes.push_back(error.code);
  }
  std::vector<std::string> imports, calls, callers, literals, quirks, stops;
  std::vector<Errc> codes;
};

struct Read {
  Recorder told;
  std::vector<End> ends;
  std::string result;
  bool stopped() const { return ends.front().stopped; }
};

Read read_from(const bytes::Source& source, const bytes::Limits& limits, Profiles profiles) {
  Read out;
  bytes::Budget budget{limits, source.size()};
  Machine machine{source, budget, out.told};
  out.ends = machine.run(0, profiles);
  if (out.ends.front().stopped) out.result = sample::show(machine.explain(out.ends.front().result));
  return out;
}

/// Reads from memory and, to be sure, the way a file is read: nothing may differ.
Read read(const std::string& pickle, const bytes::Limits& limits = {}, Profiles profiles = kAllProfiles) {
  const bytes::MemorySource near{bytes::view(pickle)};
  auto out = read_from(near, limits, profiles);
  const FarSource far{pickle};
  const auto again = read_from(far, limits, profiles);
  EXPECT_EQ(out.result, again.result);
  EXPECT_EQ(out.told.imports, again.told.imports);
  EXPECT_EQ(out.told.calls, again.told.calls);
  EXPECT_EQ(out.told.quirks, again.told.quirks);
  EXPECT_EQ(out.told.stops, again.told.stops);
  EXPECT_EQ(out.told.literals, again.told.literals);
  return out;
}

using Lines = std::vector<std::string>;

// --- Every opcode once ------------------------------------------------------------------------------

TEST(Machine, EveryOpcodeOfPlainDataLeavesItsValue) {
  const std::pair<std::string, std::string> cases[] = {
      {"N.", "None"},
      {"\x88.", "True"},
      {"\x89.", "False"},
      {"I00\n.", "False"},
      {"I01\n.", "True"},
      {"I42\n.", "42"},
      {"L42L\n.", "42"},
      {"J\xff\xff\xff\xff.", "-1"},
      {"K\xff.", "255"},
      {"M\x01\x02.", "513"},
      {"\x8a\x01\xff.", "-1"},
      {"\x8a"s + '\0' + ".", "0"},
      {"\x8a\x02\x00\x80."s, "-32768"},
      {"\x8a\x09" + "123456789"s + ".", "<9 bytes>"},
      {"\x8b\x01\0\0\0\x05."s, "5"},
      {"G\x3f\xf8\0\0\0\0\0\0."s, "1.5"},
      {"S'a b'\n.", "'a b'"},
      {"S\"a\\x41\\n\\101\\q\"\n.", "'aA\nA\\q'"},
      {"T\x03\0\0\0abc."s, "'abc'"},
      {"U\x03"
       "abc.",
       "'abc'"},
      {"Va\\u00e9\n.", "'a\xc3\xa9'"},
      {"Va\\U0001F600\xe9\n.", "'a\xf0\x9f\x98\x80\xc3\xa9'"},
      {"X\x02\0\0\0hi."s, "'hi'"},
      {"\x8c\x02hi.", "'hi'"},
      {"\x8d\x02\0\0\0\0\0\0\0hi."s, "'hi'"},
      {"B\x02\0\0\0hi."s, "b'hi'"},
      {"C\x02hi.", "b'hi'"},
      {"\x8e\x02\0\0\0\0\0\0\0hi."s, "b'hi'"},
      {"\x96\x02\0\0\0\0\0\0\0hi."s, "b'hi'"},
      {"C\x02hi\x98.", "b'hi'"},
      {").", "()"},
      {"K\1\x85.", "(1)"},
      {"K\1K\2\x86.", "(1, 2)"},
      {"K\1K\2K\3\x87.", "(1, 2, 3)"},
      {"(K\1K\2t.", "(1, 2)"},
      {"].", "[]"},
      {"]K\1a.", "[1]"},
      {"](K\1K\2e.", "[1, 2]"},
      {"](e.", "[]"},
      {"(K\1K\2l.", "[1, 2]"},
      {"}.", "{}"},
      {"}K\1K\2s.", "{1, 2}"},
      {"}(K\1K\2u.", "{1, 2}"},
      {"}(u.", "{}"},
      {"(K\1K\2d.", "{1, 2}"},
      {"\x8f(K\1\x90.", "set(1)"},
      {"\x8f(\x90.", "set()"},
      {"(K\1\x91.", "set(1)"},
      {"K\1K\2"
       "0.",
       "1"},
      {"K\1(K\2K\3"
       "1.",
       "1"},
      {"K\1"
       "2\x86.",
       "(1, 1)"},
      {"K\1p0\n0g0\n.", "1"},
      {"K\1q\0"
       "0h\0."s,
       "1"},
      {"K\1r\0\0\0\0"
       "0j\0\0\0\0."s,
       "1"},
      {"\x80\4K\1\x94"
       "0h\0."s,
       "1"},
      {"\x80\4\x95\2\0\0\0\0\0\0\0N."s, "None"},
      {"\x82\x05.", "ext(5)"},
      {"\x83\x05\1.", "ext(261)"},
      {"\x84\x05\0\0\1."s, "ext(16777221)"},
      {"Pab\n.", "pid('ab')"},
      {"K\1Q.", "pid(1)"},
      {global("os", "getcwd") + ".", "os.getcwd"},
      {"\x80\4\x8c\2os\x8c\6getcwd\x93.", "os.getcwd"},
      {global("a", "f") + ")R.", "a.f()"},
      {global("a", "C") + "K\1\x85\x81.", "new a.C(1)"},
      {global("a", "C") + "K\1\x85}\x92.", "new a.C(1)"},
      {"(K\1ia\nf\n.", "a.f(1)"},
      {"(" + global("a", "f") + "K\1o.", "a.f(1)"},
  };
  for (const auto& [pickle, expected] : cases) {
    SCOPED_TRACE(testing::PrintToString(pickle));
    const auto r = read(pickle);
    EXPECT_TRUE(r.stopped()) << testing::PrintToString(r.told.stops);
    EXPECT_EQ(r.result, expected);
    EXPECT_EQ(r.ends.front().offset, pickle.size());
  }
}

TEST(Machine, BytesThatAreNoOpcodeStopEverybody) {
  for (int i = 0; i < 256; ++i) {
    const auto op = static_cast<Op>(i);
    if (!name_of(op).empty()) continue;
    const auto r = read("N"s + static_cast<char>(i) + ".");
    EXPECT_EQ(r.told.stops, Lines{"cfspjt: not an opcode"}) << i;
  }
}

TEST(Machine, EveryCutStopsAndNothingIsReadBehindTheEnd) {
  const auto whole = proto(4) + framed(text("abcdefghij") + "\x94" +
                                       "L12L\nG12345678\x8a\x02"
                                       "ab" +
                                       global("a", "b") + "(iq\nr\n\x86R00.");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto r = read(whole.substr(0, n));
    EXPECT_FALSE(r.stopped()) << n;
    EXPECT_LE(r.ends.front().offset, n);
    EXPECT_FALSE(r.told.stops.empty());
  }
}

// --- Stack, marks and fences ------------------------------------------------------------------------

TEST(Machine, PopOfAMarkRemovesTheMark) { EXPECT_EQ(read("K\1(0.").result, "1"); }

TEST(Machine, AMarkIsAFence) {
  for (const auto& pickle :
       {"K\1(.", "K\1(2.", "K\1(\x85.", "K\1K\2(\x86.", "]K\1(a.", "}K\1K\2(s.", "K\1(p0\n.", "K\1(Q."}) {
    const auto r = read(pickle);
    EXPECT_EQ(r.told.stops, Lines{"cfspjt: the stack is empty"}) << pickle;
  }
}

TEST(Machine, WhatNeedsAMarkStopsWithoutOne) {
  for (const auto& pickle : {"K\1t.", "K\1l.", "d.", "]e.", "}u.", "\x8f\x90.", "\x91.", "1.", "o."})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: there is no mark"}) << pickle;
}

TEST(Machine, AnEmptyStackStops) {
  for (const auto& pickle : {".",     "0.",    "2.",    "R.", "NR.",   "\x85.", "b.",  "Nb.", "a.",  "s.",
                             "\x81.", "\x92.", "\x93.", "Q.", "\x94.", "\x98.", "(o.", "(e.", "(u.", "(\x90."})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: the stack is empty"}) << pickle;
}

TEST(Machine, StopTakesTheTopWhateverIsLeft) {
  EXPECT_EQ(read("K\1(K\2K\3.").result, "3");
  EXPECT_EQ(read("((K\1.").result, "1");
}

TEST(Machine, WhatStandsBehindStopIsNotRead) {
  const auto r = read("N." + call("os", "system", "true") + ".");
  EXPECT_EQ(r.ends.front().offset, 2u);
  EXPECT_TRUE(r.told.calls.empty());
}

TEST(Machine, AThousandMarksAreFine) {
  EXPECT_EQ(read(times(100'000, "(") + times(100'000, "0") + "N.").result, "None");
}

// --- Memo ---------------------------------------------------------------------------------------------

TEST(Machine, ARedefinedSlotHoldsTheNewValueAndIsTold) {
  const auto r = read(
      "K\1q\5"
      "0K\2q\5"
      "0h\5.");
  EXPECT_EQ(r.result, "2");
  EXPECT_EQ(r.told.quirks, Lines{"pickle.memo-redefined cfspjt"});
}

TEST(Machine, MemoizeCountsSlotsAndNotTheHighestIndex) {
  EXPECT_EQ(read("\x80\4K\1q\7"
                 "0K\2\x94"
                 "0h\1.")
                .result,
            "2");
}

TEST(Machine, MemoizeMayOverwriteASlotThatPutMade) {
  const auto r = read(
      "\x80\4K\1q\1"
      "0K\2\x94"
      "0h\1.");  // one slot is used, so MEMOIZE writes slot 1
  EXPECT_EQ(r.result, "2");
  EXPECT_EQ(r.told.quirks, Lines{"pickle.memo-redefined cfspjt"});
}

TEST(Machine, ASparseSlotCostsOneSlot) {
  bytes::Limits few;
  few.memo_slots = 10;
  const auto r = read(
      "K\1r\0\0\0\x01"
      "0j\0\0\0\x01."s,
      few);
  EXPECT_EQ(r.result, "1");
  EXPECT_EQ(r.told.quirks, Lines{"pickle.memo-sparse cfspjt"});
  EXPECT_EQ(read("K\1r\xff\xff\xff\xff"
                 "0j\xff\xff\xff\xff.")
                .told.quirks,
            Lines{"pickle.memo-huge-index cfspjt"});
}

TEST(Machine, AFarSlotCanBeRedefinedToo) {
  const auto r = read(
      "K\1r\0\0\0\x01"
      "0K\2r\0\0\0\x01"
      "0j\0\0\0\x01."s);
  EXPECT_EQ(r.result, "2");
  EXPECT_EQ(r.told.quirks, (Lines{"pickle.memo-sparse cfspjt", "pickle.memo-redefined cfspjt"}));
}

TEST(Machine, ASlotNobodyWroteStops) {
  for (const auto& pickle : {"h\0."s,
                             "K\1q\5"
                             "0h\4."s,
                             "g7\n."s, "j\0\0\0\x01."s})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: a memo slot is read before it is written"});
}

TEST(Machine, TooManySlotsAreALimitThatNamesItself) {
  bytes::Limits few;
  few.memo_slots = 100;
  const auto r = read("\x80\4N" + times(200, "\x94") + ".", few);
  ASSERT_EQ(r.told.codes, std::vector{Errc::limit_reached});
  EXPECT_NE(r.told.stops[0].find("memo-slots"), std::string::npos);
}

TEST(Machine, AValueThatContainsItselfCanBeShown) {
  EXPECT_EQ(read("]q\0h\0a."s).result.substr(0, 8), "[[[[[[[[");
  EXPECT_EQ(read("}q\0K\1h\0s."s).result.substr(0, 8), "{1, {1, ");
}

// --- Names --------------------------------------------------------------------------------------------

TEST(Machine, Python2NamesAreMappedBelowProtocol3) {
  EXPECT_EQ(read(global("__builtin__", "eval") + ".").told.imports, Lines{"builtins.eval from __builtin__ eval"});
  EXPECT_EQ(read(proto(2) + global("commands", "getoutput") + ".").told.imports,
            Lines{"subprocess.getoutput from commands getoutput"});
  EXPECT_EQ(read(proto(3) + global("__builtin__", "eval") + ".").told.imports, Lines{"__builtin__.eval"});
  EXPECT_EQ(read("(i__builtin__\neval\n.").told.imports, Lines{"builtins.eval from __builtin__ eval"});
}

TEST(Machine, AProtocolInTheMiddleChangesTheMapping) {
  const auto r = read(global("__builtin__", "eval") + "0" + proto(4) + global("__builtin__", "eval") + ".");
  EXPECT_EQ(r.told.imports, (Lines{"builtins.eval from __builtin__ eval", "__builtin__.eval"}));
  EXPECT_EQ(r.told.quirks, Lines{"pickle.proto-late cfspjt"});
}

TEST(Machine, DottedNamesAreToldAsTheyStand) {
  EXPECT_EQ(read(proto(4) + global("torch", "serialization.os.system") + ".").told.imports,
            Lines{"torch.serialization.os.system"});
}

TEST(Machine, NamesThatAreNotAsciiStopOnlyTheDisassembler) {
  const auto r = read(global("os", "\xc3\xa9") + ")R.");
  EXPECT_TRUE(r.stopped());
  EXPECT_EQ(r.told.quirks, Lines{"pickle.name-not-ascii cfspjt"});
  EXPECT_EQ(r.told.stops, Lines{"t: a name is not ASCII"});
  EXPECT_EQ(r.told.calls.size(), 1u);
}

TEST(Machine, NamesThatAreNotUtf8StopEverybody) {
  EXPECT_EQ(read(global("os", "\xff") + ".").told.stops, Lines{"cfspjt: a name is not UTF-8"});
}

TEST(Machine, StackGlobalTakesTheNameFromTheStackWhereverItCameFrom) {
  EXPECT_EQ(read("\x80\4\x8c\2os\x94"
                 "0\x8c\6system\x94"
                 "0h\0h\1\x93."s)
                .told.imports,
            Lines{"os.system"});
  EXPECT_EQ(read("\x80\4Vo\\u0073\nS'sys\\x74em'\n\x93.").told.imports, Lines{"os.system"});
}

TEST(Machine, AComputedNameIsUnresolvedAndNeverDropped) {
  const auto r = read(proto(4) + call("builtins", "str", "os") + "\x8c\6system\x93)R.");
  EXPECT_EQ(r.told.imports, (Lines{"builtins.str", "?.system"}));
  EXPECT_EQ(r.told.calls.back(), "REDUCE ?.system ()");
}

TEST(Machine, StackGlobalOfNumbersStops) {
  for (const auto& pickle : {"K\1\x8c\1a\x93.", "\x8c\1aK\1\x93.", "NN\x93.", "C\1a\x8c\1b\x93."})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: STACK_GLOBAL without two texts"});
}

// --- Calls --------------------------------------------------------------------------------------------

TEST(Machine, EachCallOpcodeIsToldWithItsArguments) {
  EXPECT_EQ(read(call("os", "system", "true") + ".").told.calls, Lines{"REDUCE os.system ('true')"});
  EXPECT_EQ(read("(" + text("true") + "ios\nsystem\n.").told.calls, Lines{"INST os.system ('true')"});
  EXPECT_EQ(read("(" + global("os", "system") + text("true") + "o.").told.calls, Lines{"OBJ os.system ('true')"});
  EXPECT_EQ(read(proto(2) + global("a", "C") + ")\x81.").told.calls, Lines{"NEWOBJ a.C ()"});
  EXPECT_EQ(read(proto(4) + global("a", "C") + ")}\x92.").told.calls, Lines{"NEWOBJ_EX a.C () {}"});
  EXPECT_EQ(read(global("a", "C") + ")R}K\1K\2sb.").told.calls, (Lines{"REDUCE a.C ()", "BUILD a.C() {1, 2}"}));
  EXPECT_EQ(read("Px\n.").told.calls, Lines{"PERSID ? 'x'"});
  EXPECT_EQ(read("K\1Q.").told.calls, Lines{"PERSID ? 1"});
}

TEST(Machine, CallsAreToldWhenTheyHappenWhateverComesAfterwards) {
  for (const auto& end : {"", "\xff", "0", "0.", "X\xff\xff\xff\xff", "h\x77", "Ix\n.", "\x80\x09", "N"}) {
    const auto r = read(call("os", "system", "true") + end);
    EXPECT_EQ(r.told.calls, Lines{"REDUCE os.system ('true')"}) << testing::PrintToString(end);
    EXPECT_FALSE(r.stopped());
  }
}

TEST(Machine, AResultThatIsPoppedWasCalledAllTheSame) {
  EXPECT_EQ(read(call("os", "system", "true") + "0N.").told.calls.size(), 1u);
  EXPECT_EQ(read("(" + call("os", "system", "true") + "1N.").told.calls.size(), 1u);
}

TEST(Machine, AnImportThatIsDuplicatedCallsTheSameThing) {
  const auto r = read(global("os", "system") +
                      "2q\0"
                      "0h\0"s +
                      text("true") + "\x85R.");
  EXPECT_EQ(r.told.calls, Lines{"REDUCE os.system ('true')"});
}

TEST(Machine, CallsOfCallsKeepTheirHistory) {
  EXPECT_EQ(read(global("builtins", "getattr") + global("os", "path") + text("join") + "\x86R)R.").told.calls.back(),
            "REDUCE builtins.getattr(os.path, 'join') ()");
}

TEST(Machine, ReduceOnOtherIterablesIsForThePythonLoaderOnly) {
  const auto r = read(global("os", "system") + "](" + text("true") + "eR.");
  EXPECT_EQ(r.told.calls.size(), 1u);
  EXPECT_EQ(r.told.callers[0], "pjt");
  EXPECT_EQ(read(global("os", "system") + "K\1R.").told.stops, Lines{"cfspjt: the arguments are no tuple"});
  EXPECT_EQ(read(global("os", "system") + "NR.").told.stops, Lines{"cfspjt: the arguments are no tuple"});
}

TEST(Machine, PlainValuesAreNotCallable) {
  for (const auto& pickle : {"K\1)R.", "N)R.", "])R.", "K\1)\x81.", "(K\1o.", "\x8c\1a)R."})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: what is called is not callable"}) << pickle;
}

// pickle.py writes cls.__new__(cls, *args), and a list is as good as a tuple there.
TEST(Machine, NewobjOnOtherIterablesIsForThePythonLoaderOnly) {
  EXPECT_EQ(read(global("a", "C") + "]\x81.").told.stops, Lines{"cfs: the arguments are no tuple"});
  EXPECT_EQ(read(global("a", "C") + "K\1\x81.").told.stops, Lines{"cfspjt: the arguments are no tuple"});
}

TEST(Machine, BuildTellsItsStateAndRemembersIt) {
  const auto r =
      read(global("a", "C") + ")\x81}" + text("__setstate__") + global("os", "system") + "sb" + text("true") + "b.");
  EXPECT_EQ(r.told.calls,
            (Lines{"NEWOBJ a.C ()", "BUILD new a.C() {'__setstate__', os.system}", "BUILD new a.C() 'true'"}));
}

TEST(Machine, BuildOfAnImportedNameIsACall) {
  EXPECT_EQ(read(global("a", "f") + "}b.").told.calls, Lines{"BUILD a.f {}"});
}

TEST(Machine, BuildOfPlainDataStopsUnlessTheStateIsEmpty) {
  EXPECT_EQ(read("]K\1b.").told.stops, Lines{"cfspjt: BUILD of a value without attributes"});
  EXPECT_TRUE(read("]Nb.").stopped());
  EXPECT_EQ(read("]}b.").told.stops, Lines{"cfs: BUILD of a value without attributes"});
}

TEST(Machine, MethodsOfObjectsAreCallsToo) {
  const auto made = global("a", "C") + ")R";
  EXPECT_EQ(read(made + "K\1a.").told.calls.back(), "APPEND a.C() 1");
  EXPECT_EQ(read(made + "(K\1K\2e.").told.calls.back(), "APPEND a.C() 1 2");
  EXPECT_EQ(read(made + "K\1K\2s.").told.calls.back(), "SETITEM a.C() 1 2");
  EXPECT_EQ(read(made + "(K\1K\2K\3K\4u.").told.calls.back(), "SETITEM a.C() 1 2");
  EXPECT_EQ(read(proto(4) + made + "(K\1\x90.").told.calls.back(), "ADDITEMS a.C() 1");
  EXPECT_EQ(read("]K\0K\1s."s).told.calls, Lines{"SETITEM [] 0 1"});
}

TEST(Machine, PlainValuesHaveNoSuchMethods) {
  for (const auto& pickle : {"}K\1a.", "K\1K\2a.", "K\1K\2K\3s.", "](K\1\x90.", "\x8c\1aK\1a."})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: the object has no such method"}) << pickle;
}

TEST(Machine, AByteArrayMayGrow) { EXPECT_TRUE(read("\x96\1\0\0\0\0\0\0\0aK\1a."s).stopped()); }

TEST(Machine, KeysMustBeHashable) {
  for (const auto& pickle :
       {"}]K\1s."s, "(]K\1d."s, "}}K\1s."s, "\x8f(]\x90."s, "(]\x91."s, "}]\x85K\1s."s, "}\x96\0\0\0\0\0\0\0\0K\1s."s})
    EXPECT_FALSE(read(pickle).stopped()) << pickle;
  EXPECT_TRUE(read("}K\1\x85K\1s.").stopped());
}

TEST(Machine, OddNumbersOfKeysAndValuesStop) {
  EXPECT_EQ(read("(K\1d.").told.stops, Lines{"cfspjt: an odd number of keys and values"});
  EXPECT_EQ(read("}(K\1u.").told.stops, Lines{"cfspjt: an odd number of keys and values"});
}

// --- Lengths, texts and numbers -----------------------------------------------------------------------

TEST(Machine, LengthsThatLieStopWithoutMemoryForThem) {
  for (const auto& pickle : {"B\xff\xff\xff\xffx."s, "X\xff\xff\xff\xffx."s, "\x8e" + times(7, "\xff") + "\x7fx.",
                             "\x8b\xff\xff\xff\x7f."s, "\x96" + times(6, "\xff") + "\0\0x."s})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: the pickle ends in the middle"})
        << testing::PrintToString(pickle);
  EXPECT_EQ(read("\x8d" + times(8, "\xff") + "x.").told.stops, Lines{"cfspjt: a length exceeds any memory"});
  EXPECT_EQ(read("T\xff\xff\xff\xffx.").told.stops, Lines{"cfspjt: a length is negative"});
  EXPECT_EQ(read("\x8b\xff\xff\xff\xffx.").told.stops, Lines{"cfspjt: a length is negative"});
}

TEST(Machine, TextsMustBeUtf8AsPythonTakesIt) {
  EXPECT_TRUE(read(text("\xed\xa0\x80") + ".").stopped());  // a lone surrogate: Python pickles and reads it
  for (const auto& bad : {"\xff", "\xc3", "\xc0\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80", "a\x80"})
    EXPECT_EQ(read(text(bad) + ".").told.stops, Lines{"cfspjt: a text is not UTF-8"}) << testing::PrintToString(bad);
  EXPECT_TRUE(read("U\1\xff.").stopped());  // a Python 2 string has no encoding
}

TEST(Machine, CharactersMayStandAcrossTheBlocksOfALongText) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    const auto s = std::string(shift, 'a') + times(50'000, "\xf0\x9f\x98\x80");
    EXPECT_TRUE(read(text(s) + ".").stopped()) << shift;
    EXPECT_FALSE(read(text(s + "\xf0\x9f\x98") + ".").stopped()) << shift;
  }
}

TEST(Machine, StringWithoutQuotesStops) {
  for (const auto& pickle : {"Sabc\n.", "S'abc\n.", "S'abc\"\n.", "S'\n.", "S\n."})
    EXPECT_EQ(read(pickle).told.stops, Lines{"cfspjt: a STRING without quotes"});
}

TEST(Machine, ARadixStopsTheDisassemblerAndWhatFollowsIsStillSeen) {
  const auto r = read("I0x10\n0" + call("os", "system", "true") + ".");
  EXPECT_TRUE(r.stopped());
  EXPECT_EQ(r.told.calls.size(), 1u);
  EXPECT_EQ(r.told.callers[0], "cfpj");
  EXPECT_EQ(r.told.quirks, Lines{"pickle.radix st"});
}

TEST(Machine, ANulInANumberStopsAllButTheCLoader) {
  const auto r = read("I1\0\n0"s + call("os", "system", "true") + ".");
  EXPECT_EQ(r.told.calls.size(), 1u);
  EXPECT_EQ(r.told.callers[0], "cfs");
  EXPECT_EQ(r.told.quirks, Lines{"pickle.number-with-nul pjt"});
}

// A broken number alone is damage, not a trick: nobody gets any further.
TEST(Machine, ADifferenceThatLeadsNowhereIsNotTold) { EXPECT_EQ(read("I0x10\n").told.quirks, Lines{}); }

TEST(Machine, ReadOnlyBuffersNeedAValueAndOutOfBandDataIsNotHere) {
  const auto r = read("\x80\5\x97.");
  EXPECT_EQ(r.told.codes, std::vector{Errc::unsupported});
}

TEST(Machine, ProtocolsThatDoNotExistStop) {
  EXPECT_EQ(read(proto(6) + "N.").told.codes, std::vector{Errc::unsupported});
  EXPECT_EQ(read(proto(5) + "N.").ends.front().protocol, 5);
}

TEST(Machine, ExtensionCodesThatNoRegistryHoldsStop) {
  for (const auto& pickle : {"\x82\0."s, "\x83\0\0."s, "\x84\0\0\0\0."s, "\x84\xff\xff\xff\xff."s})
    EXPECT_FALSE(read(pickle).stopped());
  EXPECT_EQ(read("\x82\7.").told.quirks, Lines{"pickle.extension-code cfspjt"});
}

TEST(Machine, LiteralsOfSomeLengthAreToldAsTheyRead) {
  EXPECT_EQ(read("C\x08"
                 "12345678C\x07"
                 "1234567.")
                .told.literals,
            Lines{"12345678"});
  EXPECT_EQ(read("S'\\x41234567'\n.").told.literals, Lines{"A234567"});
}

// --- Frames -------------------------------------------------------------------------------------------

std::string short_frame(std::uint64_t n, const std::string& body) { return proto(4) + "\x95" + le(n) + body; }

TEST(Machine, AFrameThatEndsBetweenOpcodesIsNothing) {
  const auto r = read(short_frame(1, "N0K\1."));
  EXPECT_TRUE(r.stopped());
  EXPECT_EQ(r.told.quirks, Lines{});
  EXPECT_EQ(r.ends.size(), 1u);
}

TEST(Machine, AnArgumentAcrossAFramesEndStopsThoseForWhomFramesAreWalls) {
  const auto r = read(short_frame(3, text("abcd") + "."));  // the frame ends inside the length
  ASSERT_EQ(r.ends.size(), 2u);
  EXPECT_EQ(sample::show(r.ends[0].profiles), "ct");
  EXPECT_EQ(r.result, "'abcd'");
  EXPECT_EQ(sample::show(r.ends[1].profiles), "f");
  EXPECT_EQ(r.told.quirks[0], "pickle.frame-straddles cfspjt");
  EXPECT_EQ(r.told.stops[0], "spj: an argument crosses the end of its frame");
}

// CPython #154848: from a file, the C loader throws away what was left of the frame.
TEST(Machine, TheFileLoaderReadsAnotherProgramBehindTheFrame) {
  // Frame: SHORT_BINUNICODE with length 40 and one byte of it. From memory a harmless text of 40 bytes;
  // from a file the text begins behind the frame.
  const auto payload = call("os", "system", "true");
  const auto harmless = std::string(39, 'x');
  auto body = "\x8c\x28" + std::string{"x"} + harmless + "x" + payload + ".";
  const auto r = read(short_frame(3, body));
  ASSERT_EQ(r.ends.size(), 2u);
  for (std::size_t i = 0; i < r.told.calls.size(); ++i) EXPECT_EQ(r.told.calls[i], "REDUCE os.system ('true')");
  Lines callers = r.told.callers;
  std::sort(callers.begin(), callers.end());
  EXPECT_NE(std::find(callers.begin(), callers.end(), "f"), callers.end());
}

TEST(Machine, ByteStringsAcrossAFrameArriveWholeForTheFileLoaderToo) {
  const auto r = read(short_frame(3, "C\5hello."));
  EXPECT_EQ(sample::show(r.ends[0].profiles), "cft");
  EXPECT_EQ(r.result, "b'hello'");
}

TEST(Machine, AnOverlongFrameStopsTheCLoaders) {
  const auto r = read(short_frame(1000, call("os", "system", "true") + "."));
  EXPECT_TRUE(r.stopped());
  EXPECT_EQ(sample::show(r.ends[0].profiles), "pjt");
  EXPECT_EQ(r.told.stops, Lines{"cfs: a frame longer than the rest of the file"});
  EXPECT_EQ(r.told.quirks, Lines{"pickle.frame-overlong cfs"});
  EXPECT_EQ(r.told.callers, Lines{"pjt"});
}

TEST(Machine, AFrameLongerThanAnyFileStopsEverybody) { EXPECT_FALSE(read(short_frame(~0ull, "N.")).stopped()); }

TEST(Machine, AFrameInsideAFrameStopsThePythonLoader) {
  const auto r = read(short_frame(20, "\x95" + le(std::uint64_t{2}) + "N0" + times(20, "N") + "."));
  EXPECT_EQ(r.told.stops, Lines{"spj: a frame begins inside a frame"});
  EXPECT_TRUE(r.stopped());
}

TEST(Machine, ForksAreBounded) {
  std::string body;
  for (int i = 0; i < 200; ++i)
    body += short_frame(2,
                        "M\1\1"
                        "0")
                .substr(2);
  const auto r = read(proto(4) + body + "N.");
  EXPECT_LE(r.ends.size(), Machine::kMostForks + 1);
}

// --- Budgets and memory -------------------------------------------------------------------------------

TEST(Machine, OpcodesAreALimitThatNamesItself) {
  bytes::Limits few;
  few.opcodes = 100'000;
  const auto r = read(times(200'000, "N0") + "N.", few);
  ASSERT_EQ(r.told.codes, std::vector{Errc::limit_reached});
  EXPECT_NE(r.told.stops[0].find("opcodes"), std::string::npos);
}

std::uint64_t peak_kilobytes() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<std::uint64_t>(use.ru_maxrss);
}

// What a pickle builds must not be kept: five million items pass through sixteen kept ones.
TEST(Machine, BigContainersStaySmall) {
  const auto part = "(" + times(1000, "K\1") + "e";
  const auto before = peak_kilobytes();
  const FarSource source{"]" + times(5000, part) + "."};
  bytes::Budget budget{{}, source.size()};
  Recorder told;
  Machine machine{source, budget, told};
  const auto ends = machine.run(0);
  ASSERT_TRUE(ends.front().stopped);
  EXPECT_EQ(machine.length(ends.front().result), 5'000'000u);
  const auto e = machine.explain(ends.front().result);
  EXPECT_TRUE(e.cut);
  EXPECT_EQ(e.size, 5'000'000u);
  EXPECT_EQ(e.items.size(), 16u);
  EXPECT_LT(peak_kilobytes() - before, 150'000u);  // the input itself is 10 MB, twice; values would be 80 MB and more
}

TEST(Machine, ADictKeepsItsFirstPairsAndCountsTheRest) {
  std::string pairs;
  for (int i = 0; i < 100; ++i) pairs += "K"s + static_cast<char>(i) + "Ns";
  const auto r = read("}" + pairs + ".");
  EXPECT_TRUE(r.result.ends_with(", ...}"));
}

// What is no longer known must be judged as unknown, not as empty.
TEST(Machine, ForgottenValuesAreUnknownAndNotEmpty) {
  const auto forget = times(Heap::kCells / 3 + 10,
                            "N\x85"
                            "0N\x85"
                            "0N\x85"
                            "0");
  const auto r = read(global("a", "f") + text("x") + "\x85q\0"s + forget + "R.");
  ASSERT_EQ(r.told.calls.size(), 1u);
  EXPECT_EQ(r.told.calls[0], "REDUCE a.f (...)");
  const auto list = read("]K\1a" + forget + ".");
  EXPECT_EQ(list.result, "[...]");
}

TEST(Machine, ACallWhoseCellsAreGoneStillKnowsItsCallee) {
  const auto forget = times(Heap::kCells / 3 + 10,
                            "N\x85"
                            "0N\x85"
                            "0N\x85"
                            "0");
  const auto r = read(global("builtins", "getattr") + ")R" + forget + ")R.");
  EXPECT_EQ(r.told.calls.back(), "REDUCE builtins.getattr(...) ()");
}

TEST(Machine, SpecialKeysOfAForgottenDictAreAssumed) {
  Recorder told;
  const auto forget = times(Heap::kCells + 10,
                            "N\x85"
                            "0");
  const auto pickle = "}K\1K\2s" + forget + ".";
  const bytes::MemorySource source{bytes::view(pickle)};
  bytes::Budget budget{{}, source.size()};
  Machine machine{source, budget, told};
  const auto ends = machine.run(0);
  EXPECT_TRUE(machine.special_keys(ends.front().result));
}

// 32 references to a tuple of 32 references to ...: hashing it as Python does would take for ever.
TEST(Machine, NestedTuplesAsKeysCostLittle) {
  std::string pickle = "}K\1";
  for (int i = 0; i < 12; ++i) pickle += "q\0"s + "0(" + times(32, "h\0"s) + "t";
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(read(pickle + "Ns.").stopped());
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds{5});
}

TEST(Machine, NestedTuplesAreShownInBoundedSize) {
  std::string pickle = "K\1";
  for (int i = 0; i < 100; ++i) pickle += "\x85";
  EXPECT_LT(read(pickle + ".").result.size(), 100u);
  pickle = "K\1";
  for (int i = 0; i < 12; ++i) pickle += "2222\x87";
  EXPECT_LT(read(pickle + ".").result.size(), 20'000u);
}

TEST(Machine, OneProfileCanBeReadAlone) {
  const auto r = read("I0x10\n.", {}, bits(Profile::pickletools));
  EXPECT_FALSE(r.stopped());
  EXPECT_EQ(read("I0x10\n.", {}, bits(Profile::cpython_c)).result, "16");
}

}  // namespace
}  // namespace assay::format::pickle
