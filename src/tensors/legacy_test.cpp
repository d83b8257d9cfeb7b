#include "tensors/legacy.h"

#include <gtest/gtest.h>

#include "tensors/sample.h"

namespace assay::tensors {
namespace {

using namespace sample;
using Outcome = Set::Outcome;

void expect(const Told& told, Outcome outcome, std::string_view why) {
  EXPECT_EQ(told.set.outcome, outcome) << why;
  EXPECT_NE(told.set.why.find(why), std::string::npos) << told.set.why;
  EXPECT_TRUE(told.set.tensors.empty());
}

// --- Five pickles ---------------------------------------------------------------------------------------

const std::string kTwo = le(std::uint64_t{2}) + "12345678";
/// A storage, or the `elements` of it from `offset` on, under a name of their own.
std::string view_of(const std::string& key, std::uint64_t all, const std::string& name, std::uint64_t offset,
                    std::uint64_t elements) {
  return tuple({text("storage"), global("torch", "FloatStorage"), text(key), text("cpu"), number(all),
                tuple({text(name), number(offset), number(elements)})}) +
         "Q";
}

TEST(Legacy, StoragesFollowBehindTheirLengths) {
  const Told told{
      legacy(dict({{"a", tensor(storage("x", 2), 0, {2}, {1})}, {"b", tensor(storage("y", 1), 0, {1}, {1})}}),
             {"x", "y"}, kTwo + le(std::uint64_t{1}) + "abcd")};
  ASSERT_EQ(told.names(), (Lines{"a", "b"})) << told.set.why;
  EXPECT_EQ(told.set.format, "torch-legacy");
  EXPECT_EQ(told.bytes_at(told.set.tensors[0], 8), "12345678");
  EXPECT_EQ(told.bytes_at(told.set.tensors[1], 4), "abcd");
}

TEST(Legacy, ViewsOfAStorageLieInsideIt) {
  const auto over = [](std::uint64_t offset, std::uint64_t elements, std::uint64_t at, std::uint64_t n) {
    return Told{legacy(dict({{"a", tensor(view_of("x", 2, "v", offset, elements), at, {n}, {1})}}), {"x"}, kTwo)};
  };
  const auto told = over(1, 1, 0, 1);
  ASSERT_EQ(told.names(), Lines{"a"}) << told.set.why;
  EXPECT_EQ(told.bytes_of_first(), "5678");
  expect(over(1, 1, 0, 2), Outcome::damaged, "reaches outside");
  expect(over(1, 2, 0, 1), Outcome::damaged, "shorter than the pickle says");
  expect(over(3, 0, 0, 1), Outcome::damaged, "shorter than the pickle says");
  expect(over(1ull << 62, 1, 0, 1), Outcome::damaged, "shorter than the pickle says");
}

TEST(Legacy, AViewHasOneMeaning) {
  expect(Told{legacy(dict({{"a", tensor(view_of("x", 2, "v", 0, 1), 0, {1}, {1})},
                           {"b", tensor(view_of("x", 2, "v", 1, 1), 0, {1}, {1})}}),
                     {"x"}, kTwo)},
         Outcome::refused, "asked for twice");
  expect(Told{legacy(dict({{"a", tensor(storage("x", 2), 0, {1}, {1})},
                           {"b", tensor(view_of("x", 2, "x", 1, 1), 0, {1}, {1})}}),
                     {"x"}, kTwo)},
         Outcome::refused, "asked for twice");
}

TEST(Legacy, StoragesThatAreNotThereAreDamage) {
  const auto object = dict({{"a", tensor(storage("x", 2), 0, {2}, {1})}});
  expect(Told{legacy(object, {"x"}, kTwo.substr(0, 15))}, Outcome::damaged, "missing or cut short");
  expect(Told{legacy(object, {"x"}, le(std::uint64_t{3}) + "123456781234")}, Outcome::damaged, "missing or cut short");
  expect(Told{legacy(object, {"y"}, kTwo)}, Outcome::damaged, "missing or cut short");
  expect(Told{legacy(object, {}, "")}, Outcome::damaged, "the storage x is missing");
}

TEST(Legacy, AStorageThatIsListedTwiceIsReadTwice) {
  const Told told{legacy(dict({{"a", tensor(storage("x", 2), 0, {2}, {1})}}), {"x", "x"},
                         kTwo + le(std::uint64_t{2}) + "abcdefgh")};
  EXPECT_EQ(told.bytes_of_first(), "abcdefgh");
}

TEST(Legacy, AModuleOfItsOwnSourceIsAModule) {
  const auto cls = tuple({text("module"), global("acme", "Net"), text("net.py"), text("class Net: pass")}) + "Q";
  const auto state = dict(
      {{"_parameters", dict({{"w", tensor(storage("x", 2), 0, {2}, {1})}})}, {"_buffers", "}"}, {"_modules", "}"}});
  const Told told{legacy(cls + ")\x81" + state + "b", {"x"}, kTwo)};
  EXPECT_EQ(told.names(), Lines{"w"}) << told.set.why;
  EXPECT_EQ(told.left(),
            Lines{": module class acme.Net: its class is not asked: it may have its own idea of its state"});
}

TEST(Legacy, EveryTruncatedFileIsNotRead) {
  const auto whole = legacy(dict({{"a", tensor(storage("x", 2), 0, {2}, {1})}}), {"x"}, kTwo);
  ASSERT_EQ(Told{whole}.set.outcome, Outcome::read);
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_NE(Told{whole.substr(0, n)}.set.outcome, Outcome::read) << n;
}

TEST(Legacy, ATarThatBeginsLikeAPickleIsBoth) {
  const auto magic = proto(2) + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
  expect(Told{tar({{magic, "x"}})}, Outcome::refused, "an archive and something else at once");
}

// --- Tar ----------------------------------------------------------------------------------------------

struct Parts {
  std::string storages = "K\1." + tuple({number(7), text("cpu"), global("torch", "FloatStorage")}) + "." + kTwo + "].";
  std::string tensors = "K\1." + tuple({number(9), number(7), global("torch", "FloatTensor")}) + "." +
                        le(std::uint32_t{1}) + le(std::uint32_t{0}) + le(std::uint64_t{2}) + le(std::uint64_t{1}) +
                        le(std::uint64_t{0});
  std::string object = dict({{"w", text("9") + "Q"}});
  std::string file() const {
    return tar({{"storages", storages}, {"tensors", tensors}, {"pickle", whole_pickle(object)}});
  }
};

TEST(Legacy, TarsNumberTheirTensors) {
  const Told told{Parts{}.file()};
  ASSERT_EQ(told.names(), Lines{"w"}) << told.set.why;
  EXPECT_EQ(told.set.format, "torch-tar");
  EXPECT_EQ(told.set.tensors[0].shape, Sizes{2});
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Legacy, TarsWrapTensorsInParameters) {
  Parts parts;
  parts.object = dict({{"w", parameter(number(9) + "Q")}});
  EXPECT_EQ(Told{parts.file()}.names(), Lines{"w"});
}

TEST(Legacy, NumbersThatNoTensorHasAreStorages) {
  Parts parts;
  parts.object = dict({{"w", number(9) + "Q"}, {"s", number(7) + "Q"}});
  const Told told{parts.file()};
  EXPECT_EQ(told.names(), Lines{"w"});
  EXPECT_EQ(told.left(), Lines{"s: storage: a bare storage, without a shape"});
}

TEST(Legacy, TarsMayNameViews) {
  Parts parts;
  const auto views = [](const std::string& list) {
    Parts p;
    p.storages.replace(p.storages.size() - 2, 2, "](" + list + "e.");
    p.tensors.replace(p.tensors.find("K\7"), 2, "K\6");
    return p.file();
  };
  const auto whole = tuple({number(6), number(7), number(0), number(2)});
  EXPECT_EQ(Told{views(whole)}.bytes_of_first(), "12345678");
  expect(Told{views(tuple({number(6), number(7), number(1), number(1)}))}, Outcome::damaged, "reaches outside");
  expect(Told{views(tuple({number(6), number(5), number(0), number(2)}))}, Outcome::damaged,
         "a view of a storage that is missing");
  expect(Told{views(tuple({number(5), number(7), number(0), number(2)}) +
                    tuple({number(6), number(5), number(0), number(2)}))},
         Outcome::damaged, "a view of a view");
}

TEST(Legacy, TarsThatLieAreDamage) {
  const auto with = [](auto change) {
    Parts parts;
    change(parts);
    return Told{parts.file()};
  };
  expect(with([](Parts& p) { p.storages = "N."; }), Outcome::damaged, "the list of its storages");
  expect(with([](Parts& p) { p.storages = "K\2." + tuple({kNone}) + "."; }), Outcome::damaged, "without key or class");
  expect(with([](Parts& p) { p.storages.replace(p.storages.find(kTwo), 8, le(std::uint64_t{1} << 62)); }),
         Outcome::damaged, "cut short");
  expect(with([](Parts& p) { p.storages.resize(p.storages.size() - 2); }), Outcome::damaged, "the list of its views");
  expect(with([](Parts& p) { p.tensors = "N."; }), Outcome::damaged, "the list of its tensors");
  expect(with([](Parts& p) { p.tensors.resize(p.tensors.size() - 1); }), Outcome::damaged, "a tensor is cut short");
  expect(with([](Parts& p) { p.tensors.resize(p.tensors.size() - 24 - 8), p.tensors += le(std::uint32_t{65}); }),
         Outcome::damaged, "without storage or shape");
  expect(with([](Parts& p) { p.tensors.replace(p.tensors.find("K\7"), 2, "K\5"); }), Outcome::damaged,
         "without storage or shape");
}

// A count is no promise: the loop ends with the bytes.
TEST(Legacy, CountsOfATarCostNothing) {
  Parts parts;
  parts.tensors.replace(0, 3, number(1ull << 62) + ".");
  expect(Told{parts.file()}, Outcome::damaged, "a tensor without storage or shape");
  parts.storages.replace(0, 3, number(1ull << 62) + ".");
  expect(Told{parts.file()}, Outcome::damaged, "without key or class");
}

TEST(Legacy, ATarWithoutItsPartsIsNoCheckpoint) {
  expect(Told{tar({{"storages", "x"}, {"pickle", "x"}})}, Outcome::nothing, "no checkpoint");
  expect(Told{tar({{"./storages", Parts{}.storages}, {"tensors", Parts{}.tensors}, {"pickle", "x"}})}, Outcome::nothing,
         "no checkpoint");
}

TEST(Legacy, OfTwoMembersTarfileTakesTheLast) {
  const Parts parts;
  auto other = parts.storages;
  other.replace(other.find("12345678"), 8, "abcdefgh");
  const Told told{tar({{"storages", parts.storages},
                       {"tensors", parts.tensors},
                       {"pickle", whole_pickle(parts.object)},
                       {"storages", other}})};
  EXPECT_EQ(told.bytes_of_first(), "abcdefgh") << told.set.why;
}

// Python ends at the first end mark, and other readers go on.
TEST(Legacy, TarsThatGoOnBehindTheirEndAreRefused) {
  const Parts parts;
  auto other = parts.storages;
  other.replace(other.find("12345678"), 8, "abcdefgh");
  expect(Told{parts.file() + tar({{"storages", other}})}, Outcome::refused, "loaders disagree");
}

TEST(Legacy, EveryTruncatedTarIsNotRead) {
  const auto whole = Parts{}.file();
  const auto data_ends = whole.size() - 1024 - 512 + whole_pickle(Parts{}.object).size();
  for (std::size_t n = 0; n < data_ends; n += 13) EXPECT_NE(Told{whole.substr(0, n)}.set.outcome, Outcome::read) << n;
}

}  // namespace
}  // namespace assay::tensors
