// Just enough JSON to tell a token's parts from random bytes. src/format/json reads documents; this one reads a few
// hundred bytes and keeps no more of them than the members' names and texts.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace assay::secrets {

/// The members of an object: its texts, and nothing for values of other kinds. Of members of one name, the last counts.
/// Escapes beyond ASCII become "?": who asks for a member asks in ASCII.
using Members = std::map<std::string, std::optional<std::string>, std::less<>>;

/// Nothing where `text` is no object, not UTF-8, or nested deeper than the model's DEEPEST_JSON.
std::optional<Members> json_object(std::string_view text);

}  // namespace assay::secrets
