#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "tensors/sample.h"

namespace assay::tensors {
namespace {

using namespace sample;

Set full() {
  Set s;
  s.outcome = Set::Outcome::read;
  s.format = "torch-zip";
  s.key = "model";
  s.tensors.push_back({"w", Dtype::f32, {2, 3}, {1, 2}, Where::file, 100, {96, 124}, 4});
  s.tensors.push_back({"x", Dtype::f4, {4}, {1}, Where::spool, 0, {0, 2}, 1});
  s.leftovers.push_back({"epoch", "int", "not a tensor"});
  s.more_leftovers = 3;
  s.scalars.push_back({"epoch", "7"});
  s.notices.push_back("something");
  s.metadata.push_back({"format", "pt"});
  return s;
}
bool survives(const Set& set, std::uint64_t file_bytes = 124, std::uint64_t spool_bytes = 2) {
  return decode(bytes::view(encode(set)), file_bytes, spool_bytes).has_value();
}
bool survives_with(const std::function<void(Tensor&)>& change) {
  auto set = full();
  change(set.tensors[0]);
  return survives(set);
}

TEST(Set, ComesBackAsItWas) {
  const auto raw = encode(full());
  const auto back = decode(bytes::view(raw), 124, 2);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->tensors, full().tensors);
  EXPECT_EQ(encode(*back), raw);
}

TEST(Set, EndsWhereTheFileEnds) {
  EXPECT_TRUE(survives(full(), 124, 2));
  EXPECT_FALSE(survives(full(), 123, 2));
  EXPECT_FALSE(survives(full(), 124, 1));
}

TEST(Set, RefusesWhatNoReaderSays) {
  EXPECT_TRUE(survives_with([](Tensor&) {}));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.begin = 95; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.begin = 101; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.begin = UINT64_MAX; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.strides = {1}; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.strides = {1, UINT64_MAX}; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.shape = {UINT64_MAX, UINT64_MAX}; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.storage = {124, 96}; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.storage.end = 125; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.storage.end = 123; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.swap = 0; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.swap = 2; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.swap = 8; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.dtype = static_cast<Dtype>(200); }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.where = static_cast<Where>(2); }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.name = "\xff"; }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.shape.assign(65, 1), t.strides.assign(65, 1); }));
  EXPECT_FALSE(survives_with([](Tensor& t) { t.dtype = Dtype::f4, t.swap = 1; }));  // halves of bytes in another order
  EXPECT_FALSE(survives_with([](Tensor& t) { t.dtype = Dtype::f4, t.swap = 1, t.shape = {3}, t.strides = {1}; }));
}

TEST(Set, RefusesTextsThatAreNoText) {
  const auto with = [](auto change) {
    auto set = full();
    change(set);
    return survives(set);
  };
  EXPECT_FALSE(with([](Set& s) { s.why = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.key = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.leftovers[0].name = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.leftovers[0].what = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.scalars[0].text = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.metadata[0].name = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.notices[0] = "\xff"; }));
  EXPECT_FALSE(with([](Set& s) { s.outcome = static_cast<Set::Outcome>(4); }));
  EXPECT_FALSE(with([](Set& s) { s.leftovers.resize(kMostLeftovers + 1); }));
}

// Whoever owns the cell writes the answer. Whatever it is, no byte outside the file is touched.
TEST(Set, NoMutationLeadsOutOfTheFile) {
  const auto raw = encode(full());
  std::mt19937 random{7};
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int i = 0; i < 200'000; ++i) {
    auto mutated = raw;
    for (auto n = 1 + below(3); n > 0; --n) mutated[below(mutated.size())] = static_cast<char>(random());
    if (below(4) == 0) mutated.resize(below(mutated.size()));
    const auto set = decode(bytes::view(mutated), 124, 2);
    if (!set) continue;
    for (const auto& t : set->tensors) {
      ASSERT_LE(reach_of(t).value_or(UINT64_MAX), t.where == Where::file ? 124u : 2u);
      ASSERT_TRUE(is_utf8(t.name));
    }
  }
}

TEST(Set, KnowsWhichTensorsLieInOrder) {
  const auto in_order = [](const Sizes& shape, const Sizes& strides) {
    return is_contiguous({"", Dtype::f32, shape, strides, Where::file, 0, {}, 1});
  };
  EXPECT_TRUE(in_order({}, {}));
  EXPECT_TRUE(in_order({2, 3}, {3, 1}));
  EXPECT_TRUE(in_order({1, 3}, {9, 1}));
  EXPECT_TRUE(in_order({0, 3}, {9, 9}));
  EXPECT_FALSE(in_order({3, 2}, {1, 3}));
  EXPECT_FALSE(in_order({3}, {0}));
  EXPECT_FALSE(in_order({3}, {2}));
  EXPECT_EQ(c_strides({2, 3, 4}), (Sizes{12, 4, 1}));
  EXPECT_EQ(c_strides({}), Sizes{});
  EXPECT_EQ(c_strides({2, 1ull << 63, 4})[0], UINT64_MAX);
}

}  // namespace
}  // namespace assay::tensors
