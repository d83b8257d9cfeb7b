// Words in text, compared as bytes.
#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::secrets {

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
inline bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
inline bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
inline bool is_word(char c) noexcept { return is_digit(c) || is_lower(c) || is_upper(c) || c == '_'; }
bool is_hex(char c) noexcept;

/// ASCII letters only, whatever the locale.
std::string lower(std::string_view text);

std::size_t distinct_bytes(std::string_view text) noexcept;

/// A list that is looked for in one pass, because secrets are looked through again and again in hostile bytes.
class Words {
 public:
  explicit Words(std::span<const std::string_view> words);
  bool any_in(std::string_view text) const noexcept;

 private:
  std::array<std::vector<std::string_view>, 256> by_first_;
};

}  // namespace assay::secrets
