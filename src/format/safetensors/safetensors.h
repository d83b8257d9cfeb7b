// safetensors: u64 little-endian N | N bytes of JSON | the tensors' bytes, one behind the other, no gap.
// Source: github.com/huggingface/safetensors, README.md ("Format") and safetensors/src/tensor.rs of 0.8.0.
//
// Two sets of rules exist: what the reference implementation accepts, and what its README asks for. The reader
// follows both: a file that the reference refuses has `refused`, and what only the README forbids is an Oddity.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/source.h"

namespace assay::format::safetensors {

inline constexpr std::uint64_t kMostHeader = 100'000'000;  ///< bytes, as the reference has it
inline constexpr std::size_t kLeastIgnored = 20;           ///< bytes; shorter texts hide nothing and are not kept

/// In the order of the reference's enum, which is its order of writing backwards: "increasing alignment".
enum class Dtype : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64,
};

std::string_view to_string(Dtype dtype) noexcept;                 ///< "BOOL", "F8_E4M3", ...
std::optional<Dtype> dtype_from(std::string_view word) noexcept;  ///< the same backwards
unsigned bits_of(Dtype dtype) noexcept;                           ///< of one element
/// Bytes of a tensor; nothing where the product overflows or is no whole number of bytes.
std::optional<std::uint64_t> bytes_of(Dtype dtype, const std::vector<std::uint64_t>& shape) noexcept;

struct Tensor {
  std::string name;  ///< UTF-8, otherwise arbitrary
  Dtype dtype = Dtype::u8;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;  ///< bytes from the start of the data section
  std::uint64_t end = 0;    ///< one past the last

  bool operator==(const Tensor&) const = default;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

/// Something that the reference takes and that a strict reader does not, or that is worth telling.
struct Oddity {
  std::string_view id;       ///< a literal, a word of rules/structure.toml
  std::uint64_t offset = 0;  ///< bytes from the start of the file
  std::string detail{};      ///< raw
};

struct File {
  std::vector<Tensor> tensors;       ///< by begin, then end; those that could be read, where the file is refused
  Metadata metadata;                 ///< by key
  std::uint64_t data_begin = 0;      ///< 8 + N
  std::vector<std::string> ignored;  ///< texts that the reference drops, decoded: unknown fields, values overwritten
  std::vector<Oddity> oddities;
  std::optional<Error> refused;  ///< why the reference implementation does not open it; nothing where it does
};

/// Reads the header, never the tensors. Memory: the header's size, twice, and what is returned; Line::facts is charged
/// for each tensor, each pair of metadata, each ignored text and each 16 dimensions. The result's `stopped` is set
/// where the header could not be read or a limit was reached; a file that is merely refused was read to the end of its
/// header.
Parsed<File> parse(const bytes::Source& source, bytes::Budget& budget);

/// The first 8 + N bytes of a file that holds `tensors` one behind the other in the given order, and sets their begin
/// and end. Byte for byte what the reference writes for the same input: "__metadata__" first with its keys in order,
/// then the tensors, padded with spaces so that the data begins at a multiple of 8.
/// Errc::limit_reached where the header would be longer than kMostHeader; Errc::malformed where a name stands twice, is
/// "__metadata__" or is not UTF-8, or where bytes_of() gives nothing.
Result<std::string> header(std::vector<Tensor>& tensors, const Metadata& metadata);

/// The order in which the reference writes: by dtype, the last of the enum first, then by name.
void sort_for_writing(std::vector<Tensor>& tensors);

}  // namespace assay::format::safetensors
