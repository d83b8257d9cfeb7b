#include "tensors/objects.h"

#include <gtest/gtest.h>

#include "tensors/sample.h"

namespace assay::tensors {
namespace {

using namespace sample;
using format::Profile;

struct Read {
  explicit Read(const std::string& pickle, format::Profiles profiles = bits(Profile::joblib, Profile::cpython_c_file))
      : budget{{}, pickle.size()},
        objects{{std::make_shared<FarSource>(pickle), Where::file, 0}, 0, profiles, budget} {}
  std::string shown(const std::optional<Objects::Value>& v) const {
    return v ? show(objects.machine().explain(*v)) : "-";
  }
  std::string pairs() const {
    std::string out;
    for (const auto& [key, value] : objects.pairs(objects.root())) out += shown(key) + "=" + shown(value) + " ";
    return out;
  }
  bytes::Budget budget;
  Objects objects;
};

TEST(Objects, KeepEverythingThatAPickleBuilds) {
  std::string list = "](";
  for (std::uint64_t i = 0; i < 100'000; ++i) list += number(1000 + i);
  const Read read{proto(4) + list + "e."};
  EXPECT_EQ(read.objects.items(read.objects.root()).size(), 100'000u);
  EXPECT_EQ(read.objects.end(), 2 + 2 + 100'000 * 10 + 2u);
}

TEST(Objects, SayWhyThereAreNone) {
  EXPECT_FALSE(Read{"N."}.objects.stopped());
  EXPECT_EQ(Read{"N"}.objects.stopped()->code, Errc::truncated);
  EXPECT_EQ(Read{""}.objects.stopped()->code, Errc::truncated);
  EXPECT_EQ(Read{"0."}.objects.stopped()->code, Errc::malformed);
}

TEST(Objects, OfEqualKeysTheLastValueCountsAtTheFirstOnesPlace) {
  EXPECT_EQ(Read("}(" + text("a") + "K\1" + text("b") + "K\2" + text("a") + "K\3u.").pairs(), "'a'=3 'b'=2 ");
  EXPECT_EQ(Read("}(K\1K\2" + kTrue + "K\3u.").pairs(), "1=3 ");
  EXPECT_EQ(Read("}(" + text("1") + "K\2K\1K\3u.").pairs(), "'1'=2 1=3 ");
  EXPECT_EQ(Read("}(NK\2NK\3u.").pairs(), "None=3 ");
}

TEST(Objects, LookUpTheLastValue) {
  const auto looked_up = [](const std::string& pickle) {
    const Read read{pickle};
    return read.shown(read.objects.lookup(read.objects.root(), "a"));
  };
  EXPECT_EQ(looked_up(dict({{"a", number(1)}, {"b", number(2)}, {"a", number(3)}}) + "."), "3");
  EXPECT_EQ(looked_up(ordered({{"a", number(1)}}) + "."), "1");
  EXPECT_EQ(
      looked_up(filled(called("collections", "OrderedDict", {dict({{"a", number(1)}})}), {{"b", number(2)}}) + "."),
      "1");
  EXPECT_EQ(
      looked_up(filled(called("collections", "OrderedDict", {dict({{"a", number(1)}})}), {{"a", number(2)}}) + "."),
      "2");
  EXPECT_EQ(looked_up(dict({{"b", number(1)}}) + "."), "-");
  EXPECT_EQ(looked_up("}(S'\\x61'\nK\1u."), "1");
}

TEST(Objects, NoteWhatWasDoneToThemAfterwards) {
  const auto change = [](const std::string& pickle) {
    const Read read{pickle};
    return std::string{read.objects.change(read.objects.root()).value_or("-")};
  };
  const auto made = object("acme", "Thing", "}");
  EXPECT_EQ(change(made + "."), "-");
  EXPECT_EQ(change(made + "}b."), "BUILD");
  EXPECT_EQ(change(made + "K\1K\2s."), "SETITEM");
  EXPECT_EQ(change(made + "K\1a."), "APPEND");
  EXPECT_EQ(change(proto(4) + made + "(K\1\x90."), "ADDITEMS");
  EXPECT_EQ(change("](K\1eK" + "\0K\2s."s), "SETITEM");
  EXPECT_EQ(change(ordered({{"a", number(1)}}) + "."), "-");
  EXPECT_EQ(change("]K\1a."), "-");
  EXPECT_EQ(change("}K\1K\1s."), "-");
}

TEST(Objects, KnowWhereTheirBytesAre) {
  const auto place = [](const std::string& pickle) {
    const Read read{pickle};
    const auto found = read.objects.bytes_of(read.objects.root());
    return found ? pickle.substr(found->begin, found->end - found->begin) : "-";
  };
  EXPECT_EQ(place(raw("abc") + "."), "abc");
  EXPECT_EQ(place("\x8e" + le(std::uint64_t{3}) + "abc."), "abc");
  EXPECT_EQ(place("\x96" + le(std::uint64_t{3}) + "abc."), "abc");
  EXPECT_EQ(place("U\3abc."), "abc");
  EXPECT_EQ(place("S'abc'\n."), "-");
  EXPECT_EQ(place(text("abc") + "."), "-");
  EXPECT_EQ(place("K\1."), "-");
}

}  // namespace
}  // namespace assay::tensors
