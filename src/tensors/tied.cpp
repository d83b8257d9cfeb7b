#include "tensors/tied.h"

#include <algorithm>

#include "tensors/tied_table.h"

namespace assay::tensors {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kNumbers = "#+";

bool is_pattern(std::string_view listed) noexcept { return listed.find_first_of(kNumbers) != listed.npos; }

/// What follows the number that `text` begins with; `text` itself where there is none.
std::string_view after_number(std::string_view text, char kind) noexcept {
  if (kind == '+' && text.starts_with('0')) return text;
  return text.substr(std::min(text.find_first_not_of(kDigits), text.size()));
}

/// A number takes all its digits: the tables hold no pattern in which a digit could follow.
bool begins_with(std::string_view text, std::string_view pattern) noexcept {
  for (const char c : pattern) {
    const auto rest = kNumbers.find(c) != kNumbers.npos ? after_number(text, c) : text.substr(text.starts_with(c));
    if (rest.size() == text.size()) return false;
    text = rest;
  }
  return true;
}

bool contains(std::string_view text, std::string_view pattern) noexcept {
  for (; !text.empty(); text.remove_prefix(1)) {
    if (begins_with(text, pattern)) return true;
  }
  return false;
}

}  // namespace

std::span<const std::string_view> tied_names(std::string_view architecture) noexcept {
  const auto at = std::ranges::lower_bound(table::architectures, architecture, {}, &table::Architecture::name);
  if (at == table::architectures.end() || at->name != architecture) return {};
  return at->names;
}

bool is_tied_name(std::string_view architecture, std::string_view name) noexcept {
  return std::ranges::any_of(tied_names(architecture), [name](std::string_view listed) {
    return is_pattern(listed) ? contains(name, listed) : name == listed;
  });
}

}  // namespace assay::tensors
