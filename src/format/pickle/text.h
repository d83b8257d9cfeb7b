// Texts as pickles write them: escapes of Python 2 strings, raw-unicode-escape, UTF-8 with lone surrogates.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::format::pickle {

/// Bytes of `s` up to the last whole character; nothing where it is not UTF-8. Python decodes pickled text with
/// "surrogatepass", so lone surrogates are fine.
std::optional<std::size_t> utf8_prefix(std::string_view s) noexcept;

inline bool is_utf8_text(std::string_view s) noexcept { return utf8_prefix(s) == s.size(); }

bool is_ascii(std::string_view s) noexcept;

/// The shape of a special method's name.
inline bool is_dunder(std::string_view s) noexcept {
  return s.size() > 4 && s[0] == '_' && s[1] == '_' && s.ends_with("__");
}

/// Whether Python decodes the escapes of a string literal: no lone backslash at the end, two digits behind \x.
bool escapes_are_whole(std::string_view s) noexcept;

/// The escapes of a Python 2 string literal, as STRING writes them.
std::string unescaped(std::string_view s);

/// raw-unicode-escape: \uXXXX and \UXXXXXXXX, everything else is Latin-1.
std::string raw_unicode(std::string_view s);

}  // namespace assay::format::pickle
