// The tensors that a file holds: their names, and where their bytes lie. And what else is in it, by name, with the
// reason why it is no tensor that safetensors could hold.
//
// Pickles are followed on abstract values, as everywhere: nothing is called, and a tensor whose making depends on a
// call that is not modelled is not guessed. Sources: torch/serialization.py, torch/_utils.py, numpy/core/multiarray,
// numpy/lib/format.py, joblib/numpy_pickle.py (docs/formats/*.md).
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bytes/budget.h"
#include "bytes/coverage.h"
#include "bytes/source.h"
#include "bytes/spool.h"
#include "format/safetensors/safetensors.h"

namespace assay::tensors {

using format::safetensors::Dtype;

/// Which bytes a tensor lies in.
enum class Where : std::uint8_t {
  file,   ///< those of the file
  spool,  ///< those that had to be decompressed or decoded first
};

struct Tensor {
  std::string name;  ///< UTF-8; "" where the file is one tensor and gives it none
  Dtype dtype = Dtype::u8;
  std::vector<std::uint64_t> shape;    ///< elements, as safetensors counts them: two to a byte where a dtype has 4 bits
  std::vector<std::uint64_t> strides;  ///< elements; C order where elements are no whole bytes
  Where where = Where::file;
  std::uint64_t begin = 0;  ///< offset of the first element, in bytes
  bytes::Extent storage;    ///< what the tensor is laid over; who shares one may share elements
  std::uint8_t swap = 1;    ///< bytes whose order is turned around together; 1 for little-endian files

  bool operator==(const Tensor&) const = default;
};

/// The reason of what is plainly something else: numbers, texts, None.
inline constexpr std::string_view kNotATensor = "not a tensor";
/// How the reason begins where a tensor or a module was taken, and its class was not.
inline constexpr std::string_view kItsClass = "its class";
/// How the reason begins of what stands beside the dict that was chosen.
inline constexpr std::string_view kBesideTheChosen = "it holds tensors too";

/// Something that is not converted.
struct Leftover {
  std::string name;    ///< its path; UTF-8
  std::string what;    ///< "int", "list of 3", "acme.Schedule(...)"
  std::string reason;  ///< for people; lower case, no full stop
};

/// A number or a text that can become metadata.
struct Scalar {
  std::string name;
  std::string text;
};

struct Set {
  enum class Outcome : std::uint8_t {
    read,     ///< `tensors` holds all that were asked for
    nothing,  ///< there are no tensors; `why` says what it is instead
    refused,  ///< `why` says which call the tensors depend on, or what is ambiguous
    damaged,  ///< `why` says what is missing
  };
  Outcome outcome = Outcome::nothing;
  std::string why;               ///< for people; lower case, no full stop; hostile text inside
  std::string format;            ///< "torch-zip", "torch-legacy", "torch-tar", "npz", "npy", "pickle", "safetensors"
  std::string framework = "pt";  ///< whose tensors they are: "pt", "np"
  std::string key;               ///< where in the file the tensors stand: "state_dict"; "" for its root
  std::vector<Tensor> tensors;   ///< in the file's own order
  std::vector<Leftover> leftovers;
  std::uint64_t more_leftovers = 0;  ///< that were not kept
  std::vector<Scalar> scalars;
  std::vector<std::string> notices;
  std::vector<Scalar> metadata;  ///< of a safetensors file
};

inline constexpr std::size_t kMostTensors = 1'000'000;
inline constexpr std::size_t kMostLeftovers = 10'000;
inline constexpr std::size_t kMostDimensions = 64;

struct How {
  bytes::Limits limits;
  std::optional<std::string> key;      ///< path of the dict that is wanted, with dots; nothing: the usual ones
  std::function<void()> sign_of_life;  ///< may be empty
};

/// Reads `file`. What must be decompressed goes to `spool`, so this wants a one-shot cell.
Set read(const bytes::Source& file, bytes::SpoolFile& spool, const How& how);

/// The set as bytes between a cell and its parent. decode() refuses whatever a cell must not say: ranges outside the
/// file of `file_bytes` or the spool of `spool_bytes`, products that overflow, names that are no UTF-8.
std::string encode(const Set& set);
Result<Set> decode(bytes::View raw, std::uint64_t file_bytes, std::uint64_t spool_bytes);

/// Bytes that the tensor has in a safetensors file. For tensors that decode() let through.
std::uint64_t bytes_of(const Tensor& tensor);
/// "F32 [2, 3]".
std::string in_words(const Tensor& tensor);
/// One past the last byte that it touches; nothing on overflow.
std::optional<std::uint64_t> reach_of(const Tensor& tensor);
/// Whether its elements lie one behind the other, as they would in a safetensors file.
bool is_contiguous(const Tensor& tensor);
/// Elements from one step of a dimension to the next, in C order.
std::vector<std::uint64_t> c_strides(const std::vector<std::uint64_t>& shape);

}  // namespace assay::tensors
