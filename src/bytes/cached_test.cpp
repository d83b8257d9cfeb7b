#include "bytes/cached.h"

#include <gtest/gtest.h>

#include <random>

namespace assay::bytes {
namespace {

/// Counts how often it is asked; never in memory, as far as anybody knows.
class Counting final : public Source {
 public:
  explicit Counting(std::uint64_t size) : bytes_(size) {
    for (std::uint64_t i = 0; i < size; ++i) bytes_[i] = static_cast<std::byte>(i * 31 >> 3);
  }
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++asked;
    return MemorySource{View{bytes_}}.read_at(offset, out);
  }
  mutable std::uint64_t asked = 0;

 private:
  std::vector<std::byte> bytes_;
};

TEST(CachedSource, GivesWhatItsSourceGivesWhereverItIsAsked) {
  const Counting whole{5 * CachedSource::kBlock * CachedSource::kBlocks / 4 + 77};
  const CachedSource cached{whole};
  std::mt19937_64 random{1};
  for (int i = 0; i < 3000; ++i) {
    const auto offset = random() % (whole.size() + 100);
    std::vector<std::byte> a(random() % (i % 10 == 0 ? 3 * CachedSource::kBlock : 300)), b(a.size());
    const auto n = whole.read_at(offset, a), m = cached.read_at(offset, b);
    ASSERT_EQ(n.value(), m.value());
    ASSERT_EQ(a, b);
  }
}

TEST(CachedSource, AsksOnceForPlacesNearEachOther) {
  const Counting whole{100'000};
  const CachedSource cached{whole};
  std::array<std::byte, 8> out;
  for (std::uint64_t at = 0; at + 8 < 90'000; at += 5) ASSERT_EQ(cached.read_at(at, out).value(), 8u);
  EXPECT_EQ(whole.asked, 90'000 / CachedSource::kBlock + 1);
}

}  // namespace
}  // namespace assay::bytes
