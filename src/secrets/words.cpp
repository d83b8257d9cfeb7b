#include "secrets/words.h"

#include <bitset>

namespace assay::secrets {

bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

std::size_t distinct_bytes(std::string_view text) noexcept {
  std::bitset<256> seen;
  for (const char c : text) seen.set(static_cast<unsigned char>(c));
  return seen.count();
}

Words::Words(std::span<const std::string_view> words) {
  for (const auto word : words) by_first_[static_cast<unsigned char>(word.front())].push_back(word);
}

bool Words::any_in(std::string_view text) const noexcept {
  for (; !text.empty(); text.remove_prefix(1)) {
    for (const auto word : by_first_[static_cast<unsigned char>(text.front())]) {
      if (text.starts_with(word)) return true;
    }
  }
  return false;
}

}  // namespace assay::secrets
