// The grammar: bytes in, keys and values out, one byte after the other.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "format/json/json.h"

namespace assay::format::json {

/// Where in the document something stands.
struct Level {
  std::uint32_t key_begin = 0;  ///< of its key in the path's bytes
  std::uint32_t key_length = 0;
  std::uint32_t index = 0;  ///< of the current item, in arrays; wraps
  bool object = false;
  bool empty = true;
};

/// Told of everything that is not structure.
class Listener {
 public:
  enum class Kind : std::uint8_t { text, number, yes, no, null, object, array };
  virtual ~Listener() = default;
  /// A key, decoded. `whole`: not cut at kMostKeyBytes. `offset`: of its opening quote.
  virtual void key(std::string_view name, bool whole, std::uint64_t offset) = 0;
  /// A value begins (object, array) or is complete; `text` is decoded, of texts only.
  virtual void value(Kind kind, std::string_view text, bool whole) = 0;
  /// The innermost object or array ended. Called while it is still the innermost.
  virtual void closed(bool was_empty) = 0;
};

class Reader {
 public:
  explicit Reader(Listener& listener) : listener_{listener} {}

  /// False once the text cannot be JSON; see error().
  bool feed(std::string_view block);
  /// No more comes.
  bool finish();

  const std::optional<Error>& error() const noexcept { return error_; }
  std::size_t depth() const noexcept { return levels_.size(); }
  const Level& level(std::size_t depth) const noexcept { return levels_[depth]; }
  std::string_view key_of(const Level& l) const noexcept {
    return std::string_view{keys_}.substr(l.key_begin, l.key_length);
  }
  std::uint64_t values() const noexcept { return values_; }  ///< at the top
  bool non_finite() const noexcept { return non_finite_; }

 private:
  enum class At : std::uint8_t {
    value,
    first_item,
    first_key,
    key,
    colon,
    after,  // between tokens
    text,
    escape,
    hex,
    word,
    minus,
    zero,
    digits,
    point,
    fraction,
    exponent,
    exponent_sign,
    exponent_digits,
  };

  bool step(char c);
  bool between(char c);
  bool begin_value(char c);
  bool open(bool object);
  bool close(char c);
  bool after(char c);
  bool in_text(char c);
  bool end_text();
  bool in_escape(char c);
  bool in_hex(char c);
  bool in_word(char c);
  bool in_number(char c);
  bool end_number(char c);
  void ended(Listener::Kind kind);
  void keep(char c);
  void keep_code_point(std::uint32_t c);
  void flush_surrogate();
  std::size_t plain_run(std::string_view rest) const noexcept;
  bool refuse(std::string_view what, Errc code = Errc::malformed);

  Listener& listener_;
  std::vector<Level> levels_;
  std::string keys_;  // of the levels, one behind the other
  At at_ = At::value;
  std::uint64_t offset_ = 0;  // of the current byte
  std::uint64_t values_ = 0;
  bool top_is_container_ = true;  // of every value so far
  bool new_line_ = true;          // a line ended since the last value at the top
  bool non_finite_ = false;
  std::optional<Error> error_;

  // the current text
  bool is_key_ = false;
  std::uint64_t text_begin_ = 0;
  std::string text_;
  bool whole_ = true;
  std::uint32_t hex_ = 0;
  unsigned hex_digits_ = 0;
  std::uint32_t high_ = 0;  // a surrogate that waits for its partner
  Utf8 utf8_;

  // the current word: true, false, null, NaN, Infinity
  std::string_view word_;
  std::size_t word_at_ = 0;
};

}  // namespace assay::format::json
