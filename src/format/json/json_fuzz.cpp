#include <cstdlib>
#include <string>

#include "base/text.h"
#include "format/json/json.h"
#include "format/json/reader.h"

// Oracle: nothing is accepted that a second, simpler check refuses; no beginning of an object is one;
// pieces do not matter; everything reported stays inside its bounds.
namespace {

using namespace assay;
using namespace assay::format;

class Silent final : public json::Listener {
  void key(std::string_view, bool, std::uint64_t) override {}
  void value(Kind, std::string_view, bool) override {}
  void closed(bool) override {}
};

json::Json read(std::string_view text) {
  const bytes::MemorySource source{bytes::view(text)};
  bytes::Budget budget{{}, text.size()};
  return json::read(source, budget);
}

/// Brackets match outside of texts, texts end, and the bytes are UTF-8.
bool is_balanced(std::string_view text) {
  std::string open;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inside) {
      if (c == '\\') ++i;
      else if (c == '"') inside = false;
      continue;
    }
    if (c == '"') inside = true;
    if (c == '{' || c == '[') open += c;
    if (c == '}' || c == ']') {
      if (open.empty() || open.back() != (c == '}' ? '{' : '[')) return false;
      open.pop_back();
    }
  }
  return open.empty() && !inside && is_utf8(text);
}

bool accepts_in_pieces(std::string_view text) {
  Silent nobody;
  json::Reader reader{nobody};
  for (const auto& c : text)
    if (!reader.feed({&c, 1})) return false;
  return reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = bytes::text(std::as_bytes(std::span{data, size}));
  const auto parsed = read(text);
  if (parsed.valid == parsed.stopped.has_value()) std::abort();
  if (parsed.stopped && parsed.stopped->offset > size) std::abort();
  if (parsed.code_keys.size() > json::kMostCodeKeys || parsed.weight_map_files.size() > json::kMostFiles) std::abort();
  for (const auto& k : parsed.code_keys)
    if (k.offset >= size || text[k.offset] != '"' || k.path.size() > 2048) std::abort();
  if (parsed.byte_order_mark) text.remove_prefix(3);
  if (accepts_in_pieces(text) != parsed.valid) std::abort();
  if (!parsed.valid) return 0;

  if (!is_balanced(text)) std::abort();
  const auto end = text.find_last_not_of(" \t\r\n");
  if (parsed.lines || text.find_first_of("{[") != text.find_first_not_of(" \t\r\n")) return 0;
  const auto cut = size * 7919 % (end + 1);  // any place before the last bracket
  if (read(text.substr(0, cut)).valid) std::abort();
  return 0;
}
