// Files and tensors for the tests of this folder.
#pragma once
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "convert/path.h"
#include "convert/ticker.h"
#include "format/safetensors/safetensors.h"
#include "scan/descriptor.h"

namespace assay::convert {

using Bytes = std::vector<std::byte>;

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    auto name = ::testing::TempDir() + "assay-convert-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name + "/";
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string at(std::string_view name) const { return path_ + std::string{name}; }
  void write(std::string_view name, std::string_view text) const { std::ofstream{at(name), std::ios::binary} << text; }
  std::string read(std::string_view name) const {
    std::ifstream file{at(name), std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  /// Hidden ones too.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator{path_}) out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::string path_;
};

/// An open file without a name that holds `bytes`.
inline scan::Descriptor file_of(const Bytes& bytes) {
  scan::Descriptor out{::memfd_create("sample", MFD_CLOEXEC)};
  EXPECT_EQ(::pwrite(out.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return out;
}

inline Bytes bytes_in(int descriptor) {
  struct stat s {};
  EXPECT_EQ(::fstat(descriptor, &s), 0);
  Bytes out(static_cast<std::size_t>(s.st_size));
  EXPECT_EQ(::pread(descriptor, out.data(), out.size(), 0), s.st_size);
  return out;
}

inline Bytes noise(std::size_t size, unsigned seed) {
  std::mt19937 random{seed};
  Bytes out(size);
  for (auto& b : out) b = static_cast<std::byte>(random());
  return out;
}

/// A tensor over a whole file, from its element `offset` on.
inline tensors::Tensor tensor_over(std::uint64_t file_bytes, tensors::Dtype dtype, std::vector<std::uint64_t> shape,
                                   std::vector<std::uint64_t> strides, std::uint64_t begin = 0, std::uint8_t swap = 1) {
  tensors::Tensor out;
  out.name = "t";
  out.dtype = dtype;
  out.shape = std::move(shape);
  out.strides = std::move(strides);
  out.begin = begin;
  out.storage = {0, file_bytes};
  out.swap = swap;
  return out;
}

/// What the tensor's elements are, in C order and little-endian: one after the other, by index times stride.
inline Bytes laid_out(const tensors::Tensor& t, const Bytes& file) {
  Bytes out(tensors::bytes_of(t));
  const auto element = format::safetensors::bits_of(t.dtype) / 8;
  const auto count = out.size() / element;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto rest = i, at = std::uint64_t{0};
    for (auto d = t.shape.size(); d-- > 0; rest /= t.shape[d]) at += rest % t.shape[d] * t.strides[d];
    for (unsigned b = 0; b < element; ++b) {
      const auto turned = b / t.swap * t.swap + (t.swap - 1 - b % t.swap);
      out[i * element + b] = file[t.begin + at * element + turned];
    }
  }
  return out;
}

/// A tensor of a random layout, and the file that it lies in.
struct Sample {
  tensors::Tensor tensor;
  Bytes file;
};

inline Sample random_sample(std::mt19937& random) {
  using tensors::Dtype;
  struct Kind {
    Dtype dtype;
    std::uint8_t swap;
  };
  constexpr std::array<Kind, 8> kKinds = {{{Dtype::u8, 1},
                                           {Dtype::f16, 1},
                                           {Dtype::i16, 2},
                                           {Dtype::f32, 1},
                                           {Dtype::f32, 4},
                                           {Dtype::c64, 4},
                                           {Dtype::f64, 8},
                                           {Dtype::i64, 1}}};
  const auto kind = kKinds[random() % kKinds.size()];
  std::vector<std::uint64_t> shape(random() % 5);
  for (auto& n : shape) n = random() % 12 == 0 ? 0 : 1 + random() % 9;
  auto strides = tensors::c_strides(shape);
  std::vector<std::size_t> order(shape.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  std::uint64_t step = 1;
  for (const auto i : order) {  // a permuted view with gaps, some dimensions expanded
    strides[i] = random() % 6 == 0 ? 0 : step * (random() % 4 == 0 ? 1 + random() % 5 : 1);
    step = std::max<std::uint64_t>(step, strides[i] * std::max<std::uint64_t>(1, shape[i]));
  }
  if (random() % 3 == 0) strides = tensors::c_strides(shape);
  auto t = tensor_over(0, kind.dtype, std::move(shape), std::move(strides), random() % 50, kind.swap);
  const auto size = tensors::reach_of(t).value() + random() % 8;
  t.storage.end = size;
  return {std::move(t), noise(size, static_cast<unsigned>(random()))};
}

}  // namespace assay::convert
