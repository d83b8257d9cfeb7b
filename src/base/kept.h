// Texts of which a million values share a few: the name of an engine, the version of a reader.
#pragma once
#include <concepts>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace assay {

class Kept;
template <class Text>
concept TextButKept = std::convertible_to<const Text&, std::string_view> && !std::same_as<Text, Kept>;

/// A text that is cheap to make and to copy where it is one of the first few thousand that the process kept, and like
/// any other where it is not: a stranger who sends many different ones fills nothing. Never waits for another thread,
/// because a process may be forked while that one is at it.
class Kept {
 public:
  Kept() = default;
  template <TextButKept Text>
  Kept(const Text& text) {
    assign(text);
  }

  operator std::string_view() const noexcept { return text_; }
  std::string_view view() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }
  /// The same text, for as long as the program lives; what is not kept yet is kept whatever it takes.
  std::string_view for_ever() const;

  friend bool operator==(const Kept& a, const Kept& b) noexcept { return a.text_ == b.text_; }
  template <TextButKept Text>
  friend bool operator==(const Kept& a, const Text& b) noexcept {
    return a.text_ == std::string_view{b};
  }
  friend std::ostream& operator<<(std::ostream& out, const Kept& kept) { return out << kept.text_; }

 private:
  void assign(std::string_view text);

  std::string_view text_;
  std::shared_ptr<const std::string> own_;  ///< where the text is not one of the few
};

}  // namespace assay
