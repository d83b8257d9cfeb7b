// What travels between the parent and a cell, over a stream socket. Both ends are one program, so integers are in
// machine order and structs travel as they lie.
//
//   parent to cell   BatchHead, then `jobs` times { JobHead, request }; all descriptors with the first byte
//   cell to parent   FrameHead, then `length` bytes of result; the first frame, without result, says "locked down"
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay::sandbox {

inline constexpr std::size_t kBatchJobs = 120;  ///< two descriptors each stay below SCM_MAX_FD (253)
inline constexpr std::size_t kMostRequestBytes = 64 << 10;

struct BatchHead {
  std::uint32_t jobs;
  std::uint32_t bytes;  ///< of what follows
};

struct JobHead {
  std::uint64_t id;
  std::uint32_t request_bytes;
  std::uint16_t has_descriptor;
  std::uint16_t has_spool;
};

enum class FrameKind : std::uint32_t { ready = 1, result = 2 };

struct FrameHead {
  FrameKind kind;
  std::uint32_t length;
  std::uint64_t id;
};

/// The bytes of `head` as they travel. Only for the structs above, which have no padding.
template <class Head>
std::string_view raw(const Head& head) noexcept {
  return {reinterpret_cast<const char*>(&head), sizeof head};
}

struct Frame {
  FrameKind kind;
  std::uint64_t id;
  std::string_view result;  ///< borrowed: valid until the next call of the Inbox
};

/// Cuts frames out of what a hostile cell sent. Memory grows with the bytes that came, never with a length that was
/// merely declared, and holds at most one frame of `most_result_bytes` beside what one receive brought.
class Inbox {
 public:
  explicit Inbox(std::uint64_t most_result_bytes) noexcept : most_result_bytes_{most_result_bytes} {}

  void push(std::string_view received);

  /// The next whole frame; nothing while bytes are missing; Errc::malformed or limit_reached for what no honest cell
  /// sends, after which the stream means nothing.
  Result<std::optional<Frame>> next();

 private:
  std::uint64_t most_result_bytes_;
  std::string bytes_;
  std::size_t taken_ = 0;  // of bytes_, by frames already given out
};

}  // namespace assay::sandbox
