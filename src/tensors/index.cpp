#include "tensors/index.h"

#include <algorithm>

#include "base/text.h"
#include "format/json/reader.h"
#include "tensors/tensors.h"

namespace assay::tensors {
namespace {

constexpr std::uint64_t kMostIndex = 256 << 20;  ///< bytes

class WeightMap final : public format::json::Listener {
 public:
  void key(std::string_view name, bool whole, std::uint64_t) override {
    if (depth_ == 1) inside_ = name == "weight_map";
    if (depth_ == 2 && inside_ && whole && is_utf8(name) && names.size() < kMostTensors) names.emplace_back(name);
  }
  void value(Kind kind, std::string_view, bool) override {
    if (kind == Kind::object || kind == Kind::array) ++depth_;
  }
  void closed(bool) override { --depth_; }
  std::vector<std::string> names;

 private:
  std::size_t depth_ = 0;
  bool inside_ = false;
};

}  // namespace

std::vector<std::string> names_in_index(const bytes::Source& index) {
  const auto text = bytes::read_up_to(index, 0, kMostIndex);
  WeightMap map;
  format::json::Reader reader{map};
  if (!text || !reader.feed(bytes::text(*text)) || !reader.finish()) return {};
  std::sort(map.names.begin(), map.names.end());
  map.names.erase(std::unique(map.names.begin(), map.names.end()), map.names.end());
  return std::move(map.names);
}

}  // namespace assay::tensors
