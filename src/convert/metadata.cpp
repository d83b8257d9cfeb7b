#include "convert/metadata.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "base/version.h"
#include "convert/path.h"
#include "report/json_value.h"

namespace assay::convert {
namespace {

using report::Json;

constexpr std::string_view kVersionKey = "assay.version";
constexpr std::size_t kMostRules = 100;  ///< named for each source

Json rules_of(const Source& source) {
  auto out = Json::array();
  std::set<std::string_view> seen;
  for (const auto& f : source.findings)
    if (seen.insert(f.rule).second && seen.size() <= kMostRules) out.push_back(f.rule);
  return out;
}

std::string sources_of(const Output& output, const std::vector<Source>& sources) {
  std::set<std::size_t> used;
  for (const auto& item : output.items) used.insert(item.input);
  auto out = Json::array();
  for (const auto i : used)
    out.push_back({{"findings", rules_of(sources[i])},
                   {"name", to_utf8(name_in(sources[i].path))},
                   {"sha256", sources[i].sha256},
                   {"status", std::string{to_string(sources[i].status)}}});
  return report::dumped(out);
}

}  // namespace

format::safetensors::Metadata metadata_of(const Output& output, const std::vector<Input>& inputs,
                                          const std::vector<Source>& sources, const std::vector<Tied>& tied,
                                          const std::vector<tensors::Scalar>& kept) {
  format::safetensors::Metadata out;
  out.emplace_back(kFormatKey, inputs.front().set.framework);
  out.emplace_back(kVersionKey, kVersion);
  out.emplace_back(kSourcesKey, sources_of(output, sources));
  std::set<std::string_view> names;
  for (const auto& item : output.items) names.insert(item.name);
  for (const auto& t : tied)
    if (names.contains(t.kept)) out.emplace_back(t.name, t.kept);
  for (const auto& s : kept) out.emplace_back(s.name, s.text);
  std::sort(out.begin(), out.end());
  return out;
}

bool is_same_metadata(const std::vector<tensors::Scalar>& there, const format::safetensors::Metadata& wanted) {
  std::map<std::string_view, std::string_view> a, b;
  for (const auto& m : there) a.emplace(m.name, m.text);
  for (const auto& [name, text] : wanted) b.emplace(name, text);
  a.erase(kVersionKey);
  b.erase(kVersionKey);
  return a == b;
}

std::string index_of(const std::vector<Output>& outputs) {
  std::map<std::string, std::string> files;  // by tensor
  std::uint64_t total = 0;
  for (const auto& output : outputs) {
    total += output.bytes;
    for (const auto& item : output.items) files[item.name] = to_utf8(name_in(output.path));
  }
  const Json out{{"metadata", {{"total_size", total}}}, {"weight_map", files}};
  return report::dumped(out, 2) + "\n";
}

}  // namespace assay::convert
