// JSON as serde_json reads it, which is what decides whether the reference opens a file: no NaN, no lone surrogates, no
// number that a double cannot hold, at most 127 objects and arrays inside each other. (format/json reads what Python's
// json reads, and cuts long texts.)
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/safetensors/safetensors.h"

namespace assay::format::safetensors {

/// A place in a text that is UTF-8, and outlives it. Errors are Errc::malformed.
class Cursor {
 public:
  /// `base`: the offset of the text's first byte.
  Cursor(std::string_view text, std::uint64_t base) noexcept : text_{text}, base_{base} {}

  std::uint64_t offset() const noexcept { return base_ + at_; }
  /// The next character that is not blank, NUL at the end.
  char peek() noexcept;
  /// Steps over `c` if it comes next.
  bool eat(char c) noexcept;
  Result<void> expect(char c);
  [[nodiscard]] tl::unexpected<Error> bad(std::string_view what) const { return fail(Errc::malformed, offset(), what); }

  /// The string that comes next, decoded.
  Result<std::string> text();
  /// The number that comes next, where it is a whole one of 64 bits without a sign.
  Result<std::uint64_t> integer();
  bool eat_null() noexcept;

  /// Steps over the value that comes next, all of it checked, and returns a cursor that sees nothing else. `depth`:
  /// of the objects and arrays around it. Recurses into nothing. `texts`: where its keys and texts go that have at
  /// least kLeastIgnored bytes; may be nullptr.
  Result<Cursor> value(unsigned depth, std::vector<std::string>* texts = nullptr);

 private:
  char at() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool eat_word(std::string_view word) noexcept;
  Result<void> scalar(std::vector<std::string>* texts);
  Result<void> text_or_key(std::vector<std::string>* texts);
  /// Appends to `out`, unless that is nullptr.
  Result<void> string(std::string* out);
  Result<void> escape(std::string* out);
  Result<std::uint32_t> hex();
  std::size_t digits() noexcept;
  Result<void> number();

  std::string_view text_;
  std::uint64_t base_;
  std::size_t at_ = 0;
};

}  // namespace assay::format::safetensors
