#include "convert/same.h"

#include <thread>

#include "convert/sample.h"

namespace assay::convert {
namespace {

using tensors::Dtype;

const Options kNoOptions;

/// The same tensor as a safetensors file has it.
tensors::Tensor plain(const tensors::Tensor& t) {
  return tensor_over(tensors::bytes_of(t), t.dtype, t.shape, tensors::c_strides(t.shape));
}

Result<Sameness> compared(const tensors::Tensor& left, const Bytes& left_file, const tensors::Tensor& right,
                          const Bytes& right_file) {
  const auto a = file_of(left_file), b = file_of(right_file);
  Ticker ticker{kNoOptions};
  const std::vector<Pair> pairs{{{left, a.get()}, {right, b.get()}}};
  return TRY(compare_all(pairs, ticker)).front();
}

std::string sha256_of(const Bytes& bytes) {
  bytes::Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

TEST(Same, EveryLayoutIsTheSameAsItsElementsInOrder) {
  std::mt19937 random{2};
  for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) {
    const auto [tensor, file] = random_sample(random);
    const auto elements = laid_out(tensor, file);
    const auto answer = compared(tensor, file, plain(tensor), elements);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->same) << i;
    EXPECT_EQ(answer->sha256, sha256_of(elements)) << i;
  }
}

TEST(Same, FindsAnySingleBitAndItsElement) {
  std::mt19937 random{3};
  for (int i = 0; i < 2000 && !::testing::Test::HasFailure(); ++i) {
    const auto [tensor, file] = random_sample(random);
    auto elements = laid_out(tensor, file);
    if (elements.empty()) continue;
    const auto at = random() % elements.size();
    elements[at] ^= static_cast<std::byte>(1 << random() % 8);
    const auto answer = compared(tensor, file, plain(tensor), elements);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(answer->same) << i;
    EXPECT_EQ(answer->differs_at, at / (format::safetensors::bits_of(tensor.dtype) / 8)) << i;
    EXPECT_TRUE(answer->sha256.empty());
  }
}

TEST(Same, FindsABitInLargeTensors) {
  const auto file = noise(6'000'000, 5);
  for (const auto& t : {tensor_over(6'000'000, Dtype::u8, {6'000'000}, {1}),
                        tensor_over(6'000'000, Dtype::f32, {1000, 1500}, {1, 1000}),
                        tensor_over(6'000'000, Dtype::f32, {30, 200, 250}, {1, 30, 6000}),
                        tensor_over(6'000'000, Dtype::i16, {1500, 2000}, {0, 1})}) {
    const auto elements = laid_out(t, file);
    EXPECT_TRUE(compared(t, file, plain(t), elements)->same);
    for (const auto at : {std::size_t{0}, elements.size() / 3, elements.size() - 1}) {
      auto other = elements;
      other[at] ^= std::byte{16};
      const auto answer = compared(t, file, plain(t), other);
      EXPECT_FALSE(answer->same);
      EXPECT_EQ(answer->differs_at, at / (format::safetensors::bits_of(t.dtype) / 8));
    }
  }
}

TEST(Same, BothSidesMayLieInAnyWay) {
  const auto file = noise(600, 6);
  const auto left = tensor_over(600, Dtype::i16, {10, 20}, {1, 10});
  auto turned = Bytes(400);  // big-endian, in C order
  const auto elements = laid_out(left, file);
  for (std::size_t i = 0; i < 400; ++i) turned[i] = elements[i ^ 1];
  auto right = plain(left);
  right.swap = 2;
  const auto answer = compared(left, file, right, turned);
  EXPECT_TRUE(answer->same);
  EXPECT_TRUE(answer->sha256.empty());
}

TEST(Same, AnswersInTheOrderOfThePairs) {
  const auto a = file_of(noise(4096, 7)), b = file_of(noise(4096, 7)), c = file_of(noise(4096, 8));
  const auto t = tensor_over(4096, Dtype::u8, {4096}, {1});
  std::vector<Pair> pairs;
  for (int i = 0; i < 200; ++i) pairs.push_back({{t, a.get()}, {t, i % 3 == 0 ? c.get() : b.get()}});
  Ticker ticker{kNoOptions};
  const auto answers = compare_all(pairs, ticker);
  ASSERT_TRUE(answers);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ((*answers)[i].same, i % 3 != 0);
}

TEST(Same, SaysThatAFileBecameShorter) {
  const auto t = tensor_over(4096, Dtype::u8, {4096}, {1});
  const auto answer = compared(t, noise(4096, 1), t, noise(100, 1));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::changed);
}

TEST(Same, StopsWhereItIsTold) {
  Options options;
  options.stop = [] { return true; };
  Ticker ticker{options};
  const auto file = file_of(noise(4096, 1));
  const auto t = tensor_over(4096, Dtype::u8, {4096}, {1});
  const auto answers = compare_all({{{t, file.get()}, {t, file.get()}}}, ticker);
  ASSERT_FALSE(answers);
  EXPECT_EQ(answers.error().code, Errc::limit_reached);
}

TEST(Ticker, TellsFromSeveralThreadsOneAtATime) {
  std::atomic<int> inside = 0, told = 0;
  Options options;
  options.on_progress = [&](const Progress& p) {
    EXPECT_EQ(++inside, 1);
    EXPECT_EQ(p.current, "a file that is gone by now");
    ++told;
    --inside;
  };
  Ticker ticker{options};
  ticker.begin("writing", std::string{"a file that "} + "is gone by now", 1000);
  std::vector<std::thread> threads(4);
  for (auto& t : threads)
    t = std::thread{[&] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{250};
      while (std::chrono::steady_clock::now() < end) EXPECT_TRUE(ticker(1));
    }};
  for (int i = 0; i < 1000; ++i)
    ticker.begin("writing", "a file that is gone by now", 1000);  // beside the others' work
  for (auto& t : threads) t.join();
  EXPECT_GE(told, 2);
}

}  // namespace
}  // namespace assay::convert
