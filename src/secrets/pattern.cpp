#include "secrets/pattern.h"

#include <re2/re2.h>

#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "secrets/table.h"

namespace assay::secrets {
namespace {

/// A repeat of thousands of bytes has as many states; with too little room for them, RE2 would build them again and
/// again.
constexpr std::int64_t kMemory = 1 << 20, kMemoryPerByteOfWidth = 1 << 11;

RE2::Options options(const table::Rule& rule) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_max_mem(kMemory + kMemoryPerByteOfWidth * rule.width);
  options.set_log_errors(false);
  return options;
}

struct Lazy {
  std::once_flag once;
  std::unique_ptr<const RE2> regex;
};

const RE2& compiled(std::uint32_t rule) {
  static std::vector<Lazy> patterns(table::rules.size());
  auto& pattern = patterns[rule];
  std::call_once(pattern.once, [&] {
    const auto& known = table::rules[rule];
    pattern.regex =
        std::make_unique<const RE2>(re2::StringPiece{known.regex.data(), known.regex.size()}, options(known));
    ASSAY_ASSERT(pattern.regex->ok());
  });
  return *pattern.regex;
}

std::string_view view(re2::StringPiece piece) noexcept { return {piece.data(), piece.size()}; }

std::string_view last_run(std::string_view text, const table::ByteSet& set) noexcept {
  while (!text.empty() && !table::has(set, text.back())) text.remove_suffix(1);
  auto begin = text.size();
  while (begin > 0 && table::has(set, text[begin - 1])) --begin;
  return text.substr(begin);
}

/// Asking for the group costs RE2 a simulation of all ways to read the pattern, so it is asked only where the secret
/// cannot be told from the match alone.
std::string_view secret_in(std::string_view all, const table::Place& place, const RE2& regex) {
  switch (place.in) {
    case table::In::whole: return all;
    case table::In::fixed: return all.substr(all.size() - place.behind - place.number, place.number);
    case table::In::run: return last_run(all, table::byte_sets[place.number]);
    case table::In::group: break;
  }
  re2::StringPiece groups[2];
  ASSAY_ASSERT(regex.Match({all.data(), all.size()}, 0, all.size(), RE2::ANCHOR_START, groups, 2));
  return view(groups[1]);
}

}  // namespace

std::optional<Match> match(std::uint32_t rule, std::string_view text, std::size_t starts) {
  const RE2& regex = compiled(rule);
  const auto anchor = starts == 1 ? RE2::ANCHOR_START : RE2::UNANCHORED;
  re2::StringPiece found;
  if (!regex.Match({text.data(), text.size()}, 0, text.size(), anchor, &found, 1)) return std::nullopt;
  const auto all = view(found);
  if (static_cast<std::size_t>(all.data() - text.data()) >= starts) return std::nullopt;
  return Match{all, secret_in(all, table::rules[rule].place, regex)};
}

}  // namespace assay::secrets
