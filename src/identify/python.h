// Would Python accept this text as a program, and would the program do anything?
//
// Prose breaks Python's grammar within a line or two ("The model" is two names in a row), data do not
// call anything. So a text is Python where no line of it is impossible and some statement imports,
// defines or calls. Lenient on purpose: calling a program "text" would make it safe.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay::identify {

class Python {
 public:
  void feed(std::string_view text);
  /// No more text comes: true where it is a program.
  bool finish();
  /// Python would not compile it, whatever follows.
  bool refused() const noexcept { return refused_; }

 private:
  enum class In : std::uint8_t { code, word, number, string, comment };
  enum class Last : std::uint8_t {
    nothing,
    name,
    number,
    string,
    closer,
    keyword,
    op,
    attribute,
    comma,
    opener,
    colon
  };
  enum class First : std::uint8_t { none, other, block, definition, klass, import, from, simple };

  struct Statement {
    First first = First::none;
    std::string word;  ///< its first word, where it begins with one
    unsigned tokens = 0;
    bool colon = false;            ///< at depth 0
    bool imports = false;          ///< `from` ... `import`
    bool lambda = false;           ///< inside brackets, where its colon may follow anything
    unsigned lambdas_outside = 0;  ///< at depth 0: the next colons there are their own
    bool yields = false;           ///< `yield` and `raise` may be followed by `from`
    bool pure = true;              ///< nothing at depth 0 but names, dots and brackets
    bool async = false;
    unsigned calls = 0;
    bool call_has_arguments = false;
  };

  void step(char c);
  void code(char c);
  void in_string(char c);
  void open_string(char c);
  void close_string();
  void end_word();
  void end_number();
  void end_dots(char next);
  void newline();

  void operand(Last kind);
  void name(std::string_view word);
  void keyword(std::string_view word);
  void first_word(std::string_view word);
  void bracket_opens(char c);
  void bracket_closes(char c);
  void op(char c);
  void colon();
  void end_statement();
  void judge_statement();
  bool is_impossible_end() const;
  bool after_operand() const noexcept;
  void read_coding_cookie();

  void refuse() noexcept { refused_ = true; }
  bool inside_brackets() const noexcept { return depth_ > 0; }

  static constexpr std::size_t kMostDepth = 200;  // CPython's own
  static constexpr std::size_t kMostWord = 64;    // bytes kept; longer words are no keyword

  bool refused_ = false;
  bool settled_ = false;    ///< certainly a program
  bool strong_ = false;     ///< a statement does something
  bool weak_ = false;       ///< a call that would do something only if its name were assigned before
  bool pure_call_ = false;  ///< a statement is a call with arguments, and nothing else
  bool assigns_ = false;
  bool bare_ = false;  ///< a statement of one name, as in word lists and never in programs

  In in_ = In::code;
  char previous_ = '\n';  ///< the character before
  unsigned line_ = 0;
  std::string word_;
  bool word_cut_ = false;
  std::string comment_;

  unsigned dots_ = 0;           ///< a run of full stops that is not resolved yet
  bool colon_pending_ = false;  ///< may still become ":="
  bool bang_ = false;           ///< must become "!="
  bool backslash_ = false;      ///< a newline must follow

  // string
  char quote_ = 0;
  unsigned opening_ = 0;  ///< quotes seen at its start; 0: inside
  unsigned closing_ = 0;  ///< quotes in a row inside a triple-quoted one
  bool triple_ = false;
  bool formatted_ = false;  ///< f"" and t""
  bool escaped_ = false;
  int braces_ = 0;  ///< open in a formatted one

  std::array<char, kMostDepth> brackets_{};
  std::array<bool, kMostDepth> is_call_{};
  std::size_t depth_ = 0;
  unsigned open_calls_ = 0;

  Last last_ = Last::nothing;
  std::string last_word_;  ///< of the last name or keyword
  Statement now_;
};

}  // namespace assay::identify
