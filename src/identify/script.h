// Programs in languages other than Python, templates and telling YAML, known by their lines.
//
// Each line may speak for a language or for prose. Shells and browsers take nearly everything, so the
// question is what the text as a whole is: commands inside a model card do not make it a script.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "identify/identify.h"

namespace assay::identify {

class Script {
 public:
  /// One line without its end, or a piece of one; `continued`: not from the line's beginning.
  void line(std::string_view piece, bool continued);
  /// is_text is false where the text is prose or data.
  Text finish();

  enum class Language : std::uint8_t {
    shell,
    batch,
    powershell,
    javascript,
    c,
    rust,
    go,
    java,
    csharp,
    lua,
    r,
    ruby,
    perl,
    php,
    dockerfile,
    makefile,
    cmake,
    windows,
    desktop,
    other,
  };
  static constexpr std::size_t kLanguages = 20;

 private:
  /// What lines have said so far. One of each for lines inside and outside of Markdown's fences.
  struct Tally {
    std::array<std::uint64_t, kLanguages> lines{};           ///< that speak for a language
    std::array<std::uint64_t, kLanguages> indented_lines{};  ///< the same, indented by four or more
    std::uint64_t prose = 0;
    bool template_ = false;  ///< Jinja
    bool yaml = false;       ///< names Python code
    bool html = false;       ///< an element that runs
    bool certain = false;    ///< a line that no prose has, and that its interpreter acts on
    Language certainly = Language::shell;
    void add(const Tally& other);
  };

  bool fence(std::string_view piece);
  void judge(std::string_view piece, Tally& tally);
  void search(std::string_view piece, Tally& tally);
  bool in_comment(std::string_view piece);
  bool has_template(std::string_view piece);
  Text verdict(const Tally& all) const;

  Tally outside_;
  Tally inside_;   ///< of the fence that is open
  Tally dropped_;  ///< of fences that were closed
  char fence_ = 0;
  std::size_t fence_length_ = 0;
  bool comments_ = false;  ///< has block comments: then three backticks are no fence
  bool in_comment_ = false;
  bool heading_ = false;
  bool rule_ = false;  ///< the line before could be a Makefile's rule
  bool open_expression_ = false;
  bool open_block_ = false;
};

}  // namespace assay::identify
