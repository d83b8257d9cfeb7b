// Secrets in bytes: tokens, keys and passwords that should not be where others can read them.
//
// Two stages. A search for literals (literals/) finds every place where a detector's keyword stands; around each, the
// detector's pattern (RE2), its borders, its neighbours and its validators decide. What is found does not depend on how
// the bytes are cut into blocks. tools/secrets_model.py is the reference; docs/secrets-rules.md says it in words.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/view.h"

namespace assay::secrets {

enum class Severity : std::uint8_t { low, medium, high };

/// One of rules/secrets. All texts live as long as the program.
struct Detector {
  std::string_view id;      ///< "secret.huggingface.token"
  std::string_view name;    ///< "Hugging Face user access token"
  std::string_view can;     ///< what its holder can do
  std::string_view revoke;  ///< where it is revoked
  std::string_view note;    ///< what is not certain about the format; may be empty
  Severity severity = Severity::medium;
};

std::span<const Detector> detectors() noexcept;  ///< by id
/// 16 hex digits over everything that can change an answer.
std::string_view rule_set_version() noexcept;

struct Hit {
  std::uint32_t detector = 0;  ///< index into detectors()
  std::uint64_t begin = 0;     ///< of the secret: bytes from where the first block began
  std::uint64_t end = 0;       ///< one past the last

  bool operator==(const Hit&) const = default;
};

/// Both stages, for who looks for nothing else. Consecutive bytes in blocks of any size. Memory: a few hundred KiB,
/// whatever comes. Not thread-safe; several may exist.
class Scanner {
 public:
  /// Errc::unsupported where this processor cannot run the database.
  static Result<Scanner> open();
  Scanner(Scanner&&) noexcept;
  Scanner& operator=(Scanner&&) noexcept;
  ~Scanner();

  void feed(bytes::View block);
  /// The end of the bytes: all hits, by place, none sharing a byte with another. The scanner starts anew.
  /// At most kMostHits, of at most twice as many before overlaps are resolved; `cut` is set where there were more, or
  /// where a stretch had too many keywords. Then something may have been missed.
  std::vector<Hit> finish();
  bool cut() const noexcept;  ///< of what finish() ended last

  static constexpr std::size_t kMostHits = 10'000;

 private:
  struct State;
  explicit Scanner(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace assay::secrets
