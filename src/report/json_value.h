// JSON as every report here writes it: keys in the order in which they are set, and text that is safe to show.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace assay::report {

using Json = nlohmann::ordered_json;

/// On one line where `indent` is -1. Bytes that are no UTF-8 are replaced, and whatever is not ASCII is escaped.
inline std::string dumped(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

}  // namespace assay::report
