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
const std::string kObject = dict({{"w", small_tensor()}});

TEST(Read, WhatIsNoFormatIsNothing) {
  expect(Told{""}, Outcome::nothing, "an empty file");
  expect(Told{"hello, world"}, Outcome::nothing, "no format");
  expect(Told{std::string(5000, '\0')}, Outcome::nothing, "no format");
  expect(Told{zip({{"a.txt", "x"}})}, Outcome::nothing, "a zip archive that is no checkpoint");
}

TEST(Read, ABrokenPickleIsDamage) {
  expect(Told{proto(4) + kObject}, Outcome::damaged, "the pickle breaks off");
  expect(Told{zip({{"a/data.pkl", proto(2) + kObject}})}, Outcome::damaged, "its pickle breaks off");
}

TEST(Read, APickleWithoutItsStoragesIsDamage) {
  expect(Told{whole_pickle(kObject)}, Outcome::damaged, "the storage 0 is not in the file");
}

// INT 010 is 8 to the C unpickler and 10 to pickle.py.
TEST(Read, WhatPythonsLoadersReadDifferentlyIsRefused) {
  const auto shaped = [](const std::string& n) {
    auto x = array(dtype("u1"), {8}, raw("12345678"));
    x.replace(x.find("(K\10t"), 4, "(" + n + "t");
    return Told{whole_pickle(dict({{"x", x}}))};
  };
  EXPECT_EQ(shaped("I8\n").names(), Lines{"x"});
  expect(shaped("I010\n"), Outcome::refused, "Python's loaders read it differently");
}

// Loaders end with the first object.
TEST(Read, WhatFollowsTheFirstObjectIsTold) {
  const auto left = [](const std::string& file) {
    const Told told{file};
    EXPECT_EQ(told.set.outcome, Outcome::read) << told.set.why;
    return told.left();
  };
  const auto array = npy("'<f4'", "(2,)", "12345678");
  const auto pickle = whole_pickle(dict({{"x", sample::array(dtype("u1"), {8}, raw("12345678"))}}));
  const auto old = legacy(kObject, {"0"}, le(std::uint64_t{2}) + "12345678");
  for (const auto& one : {array, pickle, old}) {
    EXPECT_EQ(left(one), Lines{});
    EXPECT_EQ(left(one + one),
              Lines{": " + std::to_string(one.size()) + " bytes: they follow the first object, and were not read"});
    EXPECT_EQ(left(one + std::string(5000, '\0')), Lines{});
    EXPECT_EQ(left(one + std::string(5, '\0') + "x"),
              Lines{": 6 bytes: they follow the first object, and were not read"});
  }
}

// --- Zips ---------------------------------------------------------------------------------------------

TEST(Read, TheFolderMayHaveAnyNameOrNone) {
  for (const auto* root : {"archive/", "model/", ""})
    EXPECT_EQ(Told(zip({{root + "data.pkl"s, whole_pickle(kObject)}, {root + "data/0"s, "12345678"}})).names(),
              Lines{"w"})
        << root;
}

TEST(Read, DeflatedMembersGoToTheSpool) {
  const Told told{zip({deflated("archive/data.pkl", whole_pickle(kObject)), deflated("archive/data/0", "12345678")})};
  ASSERT_EQ(told.names(), Lines{"w"}) << told.set.why;
  EXPECT_EQ(told.set.tensors[0].where, Where::spool);
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Read, AMemberThatIsThereTwiceIsRefused) {
  for (const auto* name : {"archive/data.pkl", "archive/data/0", "archive/byteorder"}) {
    auto members = members_of(kObject);
    members.push_back({"archive/byteorder", "little"});
    members.push_back({name, "abcdefgh"});
    expect(Told{zip(members)}, Outcome::refused, "there are two members called "s + name);
  }
}

// PyTorch's reader looks names up without regard to case.
TEST(Read, NamesThatDifferInCaseAreTheSame) {
  for (const auto* name : {"archive/DATA.pkl", "Archive/data/0", "archive/BYTEORDER"}) {
    auto members = members_of(kObject);
    members.push_back({"archive/byteorder", "little"});
    members.push_back({name, "abcdefgh"});
    EXPECT_EQ(Told{zip(members)}.set.outcome, Outcome::refused) << name;
  }
  EXPECT_EQ(Told(zip({{"A/data.pkl", whole_pickle(kObject)}, {"A/Data/0", "12345678"}})).names(), Lines{"w"});
}

TEST(Read, SeveralObjectsAreRefused) {
  auto members = members_of(kObject);
  members.push_back({"other/data.pkl", whole_pickle(kObject)});
  expect(Told{zip(members)}, Outcome::refused, "several object pickles");
}

TEST(Read, AProgramIsRefused) {
  auto members = members_of(kObject);
  members.push_back({"archive/constants.pkl", whole_pickle(")")});
  expect(Told{zip(members)}, Outcome::refused, "TorchScript");
}

TEST(Read, DirectoriesThatDisagreeWithHeadersAreRefused) {
  auto file = checkpoint(kObject);
  file[file.find("archive/data/0")] = 'X';  // the local header's
  expect(Told{file}, Outcome::refused, "loaders disagree on what is in the archive (zip.name-differs)");
}

TEST(Read, AnArchiveBehindSomethingElseIsRefused) {
  for (const auto& front : {whole_pickle("}"), "hello"s, npy("'<f4'", "(2,)", "12345678")})
    expect(Told{front + checkpoint(kObject)}, Outcome::refused, "an archive and something else at once");
}

TEST(Read, EveryTruncatedCheckpointHasTheSameTensorsOrNone) {
  const auto whole =
      checkpoint(dict({{"a", tensor(storage("0", 2), 0, {2}, {1})}, {"b", tensor(storage("1", 2), 0, {2}, {1})}}),
                 {{"0", "12345678"}, {"1", "abcdefgh"}});
  const auto all = Told{whole}.set.tensors;
  ASSERT_EQ(all.size(), 2u);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto set = Told{whole.substr(0, n)}.set;
    if (set.outcome != Outcome::read) continue;
    for (const auto& t : set.tensors) {
      EXPECT_EQ(std::count(all.begin(), all.end(), t), 1) << n;
      EXPECT_LE(reach_of(t).value_or(UINT64_MAX), n);
    }
  }
}

// --- safetensors --------------------------------------------------------------------------------------

std::string safetensors(const std::string& header, const std::string& data) {
  return le(std::uint64_t{header.size()}) + header + data;
}

TEST(Read, SafetensorsAreTakenAsTheyAre) {
  const Told told{safetensors(
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "12345678")};
  ASSERT_EQ(told.names(), Lines{"w"}) << told.set.why;
  EXPECT_EQ(told.set.format, "safetensors");
  ASSERT_EQ(told.set.metadata.size(), 1u);
  EXPECT_EQ(told.set.metadata[0].text, "pt");
  EXPECT_EQ(told.bytes_of_first(), "12345678");
}

TEST(Read, SafetensorsOfManyDimensionsAreRefused) {
  std::string shape = "1";
  for (std::size_t i = 0; i < kMostDimensions; ++i) shape += ",1";
  expect(Told{safetensors(R"({"w":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[0,1]}})", "x")},
         Outcome::refused, "more dimensions");
}

TEST(Read, SafetensorsThatAreRefusedAreNoFormat) {
  expect(Told{safetensors(R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "12345678")}, Outcome::nothing,
         "no format");
}

}  // namespace
}  // namespace assay::tensors
