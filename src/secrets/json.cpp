#include "secrets/json.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "secrets/table.h"
#include "secrets/words.h"

namespace assay::secrets {
namespace {

/// Each function takes what it names from the front, or returns false.
class Json {
 public:
  explicit Json(std::string_view text) noexcept : rest_{text} {}

  bool object(Members& members) {
    return enter() && take('{') && sequence('}', [&] { return member(members); }) && leave();
  }
  bool ended() {
    spaces();
    return rest_.empty();
  }

 private:
  bool take(char c) {
    spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }

  bool enter() { return ++depth_ <= table::deepest_json; }
  bool leave() {
    --depth_;
    return true;
  }

  /// Items between commas, and `close`.
  template <class Item>
  bool sequence(char close, Item item) {
    if (take(close)) return true;
    do {
      if (!item()) return false;
    } while (take(','));
    return take(close);
  }

  bool member(Members& members) {
    std::string name;
    std::optional<std::string> value;
    if (!text(name) || !take(':') || !any(value)) return false;
    members.insert_or_assign(std::move(name), std::move(value));
    return true;
  }

  bool any(std::optional<std::string>& told) {
    spaces();
    if (rest_.starts_with('"')) return text(told.emplace());
    if (rest_.starts_with('{')) {
      Members inner;
      return object(inner);
    }
    if (rest_.starts_with('[')) return array();
    return constant() || number();
  }

  bool array() {
    std::optional<std::string> item;
    return enter() && take('[') && sequence(']', [&] { return any(item); }) && leave();
  }

  /// The three that JSON has not are Python's, whose reader is the reference.
  bool constant() {
    constexpr std::array<std::string_view, 6> kConstants{"null", "true", "false", "NaN", "Infinity", "-Infinity"};
    return std::ranges::any_of(kConstants, [this](std::string_view word) { return take(word); });
  }

  bool digits() {
    const auto count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(count);
    return count > 0;
  }

  bool number() {
    take("-");
    if (!take("0") && !digits()) return false;
    if (take(".") && !digits()) return false;
    if (!take("e") && !take("E")) return true;
    if (!take("+")) take("-");
    return digits();
  }

  bool text(std::string& told) {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        told += c;
      } else if (!escape(told)) {
        return false;
      }
    }
    return false;
  }

  bool escape(std::string& told) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == 'u') return code_unit(told);
    const auto at = kNames.find(c);
    if (at == kNames.npos) return false;
    told += kMeanings[at];
    return true;
  }

  bool code_unit(std::string& told) {
    const auto hex = rest_.substr(0, 4);
    if (hex.size() < 4 || !std::ranges::all_of(hex, is_hex)) return false;
    const auto unit = std::stoul(std::string{hex}, nullptr, 16);
    told += unit < 0x80 ? static_cast<char>(unit) : '?';
    rest_.remove_prefix(4);
    return true;
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
};

}  // namespace

std::optional<Members> json_object(std::string_view text) {
  if (!is_utf8(text)) return std::nullopt;
  Json json{text};
  Members members;
  if (!json.object(members) || !json.ended()) return std::nullopt;
  return members;
}

}  // namespace assay::secrets
