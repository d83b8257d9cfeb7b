// Texts of which a million values share a few: the name of an engine, the version of a reader.
#pragma once
#include <concepts>
#include <ostream>
#include <string>
#include <string_view>

namespace assay {

class Kept;
template <class Text>
concept TextButKept = std::convertible_to<const Text&, std::string_view> && !std::same_as<Text, Kept>;

/// A text that lives as long as the program; copying it copies no text. Thread-safe. Not for what differs from file to
/// file: nothing kept is ever given back.
class Kept {
 public:
  Kept() = default;
  template <TextButKept Text>
  Kept(const Text& text) : text_{the_one(text)} {}

  operator std::string_view() const noexcept { return text_; }
  std::string_view view() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

  friend bool operator==(const Kept& a, const Kept& b) noexcept {
    return a.text_.data() == b.text_.data() || a.text_ == b.text_;
  }
  template <TextButKept Text>
  friend bool operator==(const Kept& a, const Text& b) noexcept {
    return a.text_ == std::string_view{b};
  }
  friend std::ostream& operator<<(std::ostream& out, const Kept& kept) { return out << kept.text_; }

 private:
  static std::string_view the_one(std::string_view text);
  std::string_view text_;
};

}  // namespace assay
