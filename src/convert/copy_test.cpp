#include "convert/copy.h"

#include "convert/sample.h"

namespace assay::convert {
namespace {

using tensors::Dtype;
using tensors::Tensor;

const Options kNoOptions;

/// What the copier makes of `tensor`, `offset` bytes into an empty file.
Bytes copied(const Tensor& tensor, const Bytes& file, std::uint64_t offset = 0) {
  const auto from = file_of(file), to = file_of({});
  Ticker ticker{kNoOptions};
  EXPECT_TRUE(set_size(to.get(), offset + tensors::bytes_of(tensor)));
  const auto done = Copier{to.get(), ticker}.copy(tensor, from.get(), offset);
  EXPECT_TRUE(done) << done.error().what;
  return bytes_in(to.get());
}

void expect_laid_out(const Tensor& tensor, const Bytes& file) {
  EXPECT_TRUE(copied(tensor, file) == laid_out(tensor, file));  // no EXPECT_EQ: it would print megabytes
}

TEST(Copier, AgreesWithTheNaiveWayOnRandomLayouts) {
  std::mt19937 random{1};
  for (int i = 0; i < 3000 && !::testing::Test::HasFailure(); ++i) {
    const auto sample = random_sample(random);
    SCOPED_TRACE(i);
    expect_laid_out(sample.tensor, sample.file);
  }
}

TEST(Copier, WritesWhereItIsTold) {
  const auto file = noise(24, 1);
  const auto out = copied(tensor_over(24, Dtype::u8, {4, 3}, {1, 4}), file, 7);
  EXPECT_EQ(out.size(), 19u);
  EXPECT_EQ(Bytes(out.begin(), out.begin() + 7), Bytes(7));
  EXPECT_EQ(Bytes(out.begin() + 7, out.end()), laid_out(tensor_over(24, Dtype::u8, {4, 3}, {1, 4}), file));
}

TEST(Copier, WritesNothingForAnEmptyTensorAndOneElementForAScalar) {
  EXPECT_TRUE(copied(tensor_over(8, Dtype::f32, {3, 0}, {0, 1}), noise(8, 1)).empty());
  EXPECT_EQ(copied(tensor_over(8, Dtype::f32, {}, {}, 4), noise(8, 1)).size(), 4u);
  expect_laid_out(tensor_over(8, Dtype::f32, {1, 1}, {77, 99}, 4), noise(8, 1));
}

struct Layout {
  std::string_view name;
  std::vector<std::uint64_t> shape, strides;
  Dtype dtype = Dtype::f32;
  std::uint8_t swap = 1;
};

class LargeLayouts : public ::testing::TestWithParam<Layout> {};

TEST_P(LargeLayouts, AreCopiedInSeveralBlocks) {
  const auto& l = GetParam();
  auto tensor = tensor_over(0, l.dtype, l.shape, l.strides, 12, l.swap);
  tensor.storage.end = tensors::reach_of(tensor).value();
  expect_laid_out(tensor, noise(tensor.storage.end, 3));
}

INSTANTIATE_TEST_SUITE_P(
    Copier, LargeLayouts,
    ::testing::Values(Layout{"transposed", {1700, 1900}, {1, 1700}}, Layout{"transposed_tall", {3, 1'000'000}, {1, 3}},
                      Layout{"transposed_wide", {1'000'000, 3}, {1, 1'000'000}},
                      Layout{"rows_of_a_wider_one", {300, 20'000}, {20'100, 1}},
                      Layout{"narrow_column", {600'000, 1, 2}, {9, 0, 1}}, Layout{"every_tenth", {900'000}, {10}},
                      Layout{"every_two_thousandth", {3'000}, {2'000}}, Layout{"expanded_rows", {900, 3'000}, {0, 1}},
                      Layout{"expanded_columns", {3'000, 900}, {1, 0}}, Layout{"one_element", {3'000'000}, {0}},
                      Layout{"channels_last", {4, 64, 100, 101}, {646'400, 1, 6'464, 64}},
                      Layout{"swapped_in_one_piece", {1'300'000}, {1}, Dtype::f64, 8},
                      Layout{"swapped_and_transposed", {1'500, 1'000}, {1, 1'500}, Dtype::c64, 4},
                      Layout{"bytes_transposed", {4'000, 4'001}, {1, 4'000}, Dtype::u8}),
    [](const auto& layout) { return std::string{layout.param.name}; });

TEST(Copier, LeavesHolesAsHoles) {
  const std::uint64_t size = 64 << 20;
  const auto from = file_of({}), to = file_of({});
  const auto island = noise(5000, 4);
  ASSERT_TRUE(set_size(from.get(), size));
  ASSERT_TRUE(set_size(to.get(), size));
  ASSERT_TRUE(write_fully(from.get(), 33 << 20, island));
  Ticker ticker{kNoOptions};
  ASSERT_TRUE((Copier{to.get(), ticker}.copy(tensor_over(size, Dtype::u8, {size}, {1}), from.get(), 0)));
  Bytes there(island.size());
  ASSERT_TRUE(read_fully(to.get(), 33 << 20, there));
  EXPECT_EQ(there, island);
  struct stat s {};
  ASSERT_EQ(::fstat(to.get(), &s), 0);
  EXPECT_LT(s.st_blocks * 512, 1 << 20);
}

TEST(Copier, SaysThatASourceBecameShorter) {
  const auto from = file_of(noise(1000, 1)), to = file_of({});
  Ticker ticker{kNoOptions};
  for (const auto& t : {tensor_over(2000, Dtype::u8, {2000}, {1}), tensor_over(2000, Dtype::u8, {40, 50}, {1, 40}),
                        tensor_over(2000, Dtype::i16, {1000}, {1}, 0, 2), tensor_over(2000, Dtype::u8, {20}, {100})}) {
    const auto done = Copier{to.get(), ticker}.copy(t, from.get(), 0);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::changed);
  }
}

TEST(Copier, SaysWhyTheSystemRefuses) {
  const auto from = file_of(noise(100'000, 1));
  const scan::Descriptor full{::open("/dev/full", O_RDWR | O_CLOEXEC)};
  Ticker ticker{kNoOptions};
  for (const auto& t : {tensor_over(100'000, Dtype::u8, {100'000}, {1}), tensor_over(4, Dtype::u8, {2, 2}, {1, 2})}) {
    const auto done = Copier{full.get(), ticker}.copy(t, from.get(), 0);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::io);
    EXPECT_EQ(done.error().what, "No space left on device");
  }
}

TEST(Copier, StopsWhereItIsTold) {
  Options options;
  options.stop = [] { return true; };
  Ticker ticker{options};
  const auto from = file_of(noise(1000, 1)), to = file_of({});
  const auto done = Copier{to.get(), ticker}.copy(tensor_over(1000, Dtype::u8, {1000}, {1}), from.get(), 0);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::limit_reached);
  EXPECT_TRUE(ticker.stopped());
}

}  // namespace
}  // namespace assay::convert
