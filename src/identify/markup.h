// HTML, SVG and XML: what a browser or an XML reader would do with the text.
#pragma once
#include <string>
#include <string_view>

#include "identify/identify.h"

namespace assay::identify {

class Markup {
 public:
  /// Pieces of one line each, in order; a long line comes in pieces that overlap.
  void line(std::string_view piece);
  /// is_text is false where the text is no markup: a word list may begin with "<s>".
  Text finish();

 private:
  enum class Root : std::uint8_t { not_markup, unknown, other, html, svg, stylesheet, pmml, openvino };
  Root root();
  void note(std::string_view lower);

  static constexpr std::size_t kMostProlog = 16 << 10;  // bytes kept until the first element
  bool begun_ = false;
  bool is_markup_ = false;  ///< begins with '<'
  std::string prolog_;
  std::string lower_;    ///< the piece in lower case
  bool script_ = false;  ///< a script, a handler or a link that runs
  bool entity_ = false;
  bool doctype_ = false;
  bool xml_ = false;          ///< has an XML declaration
  bool transformed_ = false;  ///< asks to be transformed by a style sheet
};

}  // namespace assay::identify
