#include "tensors/architecture.h"

#include "format/json/reader.h"

namespace assay::tensors {
namespace {

using format::json::Reader;

constexpr std::uint64_t kMostConfig = 16 << 20;  ///< bytes: a configuration is a few thousand

class Architectures final : public format::json::Listener {
 public:
  void key(std::string_view name, bool, std::uint64_t) override { here_ = depth_ == 1 && name == "architectures"; }
  void value(Kind kind, std::string_view text, bool whole) override {
    if (kind == Kind::text && whole && found.empty() && here_ && depth_ == 2) found = text;
    if (kind == Kind::object || kind == Kind::array) ++depth_;
  }
  void closed(bool) override { --depth_; }
  std::string found;

 private:
  std::size_t depth_ = 0;
  bool here_ = false;
};

}  // namespace

std::string architecture_of(const bytes::Source& config) {
  const auto text = bytes::read_up_to(config, 0, kMostConfig);
  Architectures architectures;
  Reader reader{architectures};
  const bool read = text && reader.feed(bytes::text(*text)) && reader.finish();
  return read ? std::move(architectures.found) : std::string{};
}

}  // namespace assay::tensors
