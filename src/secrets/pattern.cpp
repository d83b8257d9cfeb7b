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

}  // namespace

std::optional<Match> match(std::uint32_t rule, std::string_view text, std::size_t starts) {
  const RE2& regex = compiled(rule);
  const auto anchor = starts == 1 ? RE2::ANCHOR_START : RE2::UNANCHORED;
  re2::StringPiece groups[2];
  // Without groups first: that runs on an automaton, whereas groups cost a simulation, and most tries match nothing.
  if (!regex.Match({text.data(), text.size()}, 0, text.size(), anchor, groups, 1)) return std::nullopt;
  const re2::StringPiece all = groups[0];
  if (static_cast<std::size_t>(all.data() - text.data()) >= starts) return std::nullopt;
  if (!table::rules[rule].has_group) return Match{view(all), view(all)};
  ASSAY_ASSERT(regex.Match(all, 0, all.size(), RE2::ANCHOR_START, groups, 2));
  return Match{view(all), view(groups[1])};
}

}  // namespace assay::secrets
