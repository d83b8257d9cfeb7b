#include "identify/python.h"

#include <algorithm>

namespace assay::identify {
namespace {

using namespace std::string_view_literals;

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& words, std::string_view word) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Names of built-in values (None, True) stand where names stand; `match`, `print` and the like are names too.
constexpr std::array kKeywords{"and"sv,      "as"sv,    "assert"sv,   "async"sv, "await"sv,  "break"sv,  "class"sv,
                               "continue"sv, "def"sv,   "del"sv,      "elif"sv,  "else"sv,   "except"sv, "finally"sv,
                               "for"sv,      "from"sv,  "global"sv,   "if"sv,    "import"sv, "in"sv,     "is"sv,
                               "lambda"sv,   "not"sv,   "nonlocal"sv, "or"sv,    "pass"sv,   "raise"sv,  "return"sv,
                               "try"sv,      "while"sv, "with"sv,     "yield"sv};
constexpr std::array kBlocks{"if"sv,     "while"sv,   "for"sv,  "with"sv, "try"sv,
                             "except"sv, "finally"sv, "elif"sv, "else"sv};
constexpr std::array kAlone{"pass"sv, "break"sv, "continue"sv};
constexpr std::array kThenColon{"else"sv, "try"sv, "finally"sv};
constexpr std::array kBetweenOperands{"and"sv, "or"sv, "in"sv, "is"sv, "if"sv, "else"sv};
constexpr std::array kInsideExpressions{"and"sv, "or"sv,     "in"sv,    "is"sv,    "if"sv,   "else"sv,
                                        "not"sv, "lambda"sv, "await"sv, "yield"sv, "async"sv};
constexpr std::array kMayEnd{"pass"sv, "break"sv, "continue"sv, "return"sv, "raise"sv, "yield"sv};
/// Words that may stand before an operand although they are names: statements of Python 2 and soft keywords.
constexpr std::array kSoft{"print"sv, "exec"sv, "match"sv, "case"sv, "type"sv};
constexpr std::array kDangerous{"eval"sv,       "exec"sv,     "compile"sv,      "getattr"sv, "setattr"sv,
                                "globals"sv,    "locals"sv,   "vars"sv,         "open"sv,    "input"sv,
                                "breakpoint"sv, "execfile"sv, "import_module"sv};

constexpr std::size_t kMostComment = 200;  // bytes in which a coding cookie is looked for

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(char c) noexcept { return is_word_start(c) || is_digit(c); }
bool is_op(char c) noexcept { return c != 0 && "+-*/%@&|^~<>=!"sv.find(c) != std::string_view::npos; }
/// Operators that cannot begin an operand.
bool is_binary_only(char c) noexcept { return "/%=<>|&^"sv.find(c) != std::string_view::npos; }

bool is_dunder(std::string_view word) noexcept {
  return word.size() > 4 && word.starts_with("__") && word.ends_with("__");
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_string_prefix(std::string_view word) noexcept {
  return word.size() <= 2 && std::all_of(word.begin(), word.end(),
                                         [](char c) { return "rbuft"sv.find(lower(c)) != std::string_view::npos; });
}

/// Codecs (PEP 263) under which the bytes of a comment may decode to statements.
bool hides_code(std::string codec) {
  for (auto& c : codec) c = c == '-' ? '_' : lower(c);
  constexpr std::array kPrefixes{
      "utf_7"sv,    "utf7"sv,  "u7"sv,     "unicode"sv, "raw_unicode"sv, "utf_16"sv, "utf16"sv,  "utf_32"sv, "utf32"sv,
      "punycode"sv, "idna"sv,  "hz"sv,     "iso2022"sv, "iso_2022"sv,    "cp037"sv,  "cp273"sv,  "cp424"sv,  "cp500"sv,
      "cp864"sv,    "cp875"sv, "cp1026"sv, "cp1140"sv,  "ebcdic"sv,      "ibm"sv,    "csutf7"sv, "mbcs"sv,   "oem"sv};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view p) { return codec.starts_with(p); });
}

}  // namespace

void Python::feed(std::string_view text) {
  for (std::size_t i = 0; i < text.size() && !refused_ && !settled_; ++i) {
    if (in_ == In::string && opening_ == 0 && !escaped_ && closing_ == 0) {
      const auto plain = [this](char c) {
        return c != quote_ && c != '\\' && c != '\n' && c != '\r' && c != '{' && c != '}';
      };
      while (i < text.size() && plain(text[i])) previous_ = text[i++];
      if (i == text.size()) return;
    }
    step(text[i]);
  }
}

void Python::step(char c) {
  const char before = previous_;
  previous_ = c;
  if (c == '\n' && before == '\r') return;
  if (c == '\r') c = '\n';
  switch (in_) {
    case In::code: break;
    case In::string: return in_string(c);
    case In::comment:
      if (c != '\n') {
        if (line_ < 2 && comment_.size() < kMostComment) comment_ += c;
        return;
      }
      read_coding_cookie();
      break;
    case In::word:
      if (is_word(c)) {
        if (word_.size() < kMostWord) word_ += c;
        else word_cut_ = true;
        return;
      }
      if ((c == '"' || c == '\'') && is_string_prefix(word_)) {
        formatted_ = word_.find_first_of("fFtT") != word_.npos;
        return open_string(c);
      }
      end_word();
      break;
    case In::number: {
      const bool based = word_.size() > 1 && word_[0] == '0' && "xXoObB"sv.find(word_[1]) != std::string_view::npos;
      const bool hex = based && (word_[1] | 0x20) == 'x';
      const char last = word_.back();
      const bool exponent = !based && (last == 'e' || last == 'E');
      const bool goes_on = is_digit(c) || c == '_' || (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) ||
                           (!based && c == '.' && word_.find_first_of(".eE") == word_.npos) ||
                           (!based && (c == 'e' || c == 'E') && word_.find_first_of("eE") == word_.npos) ||
                           (exponent && (c == '+' || c == '-')) ||
                           (word_ == "0" && "xXoObB"sv.find(c) != std::string_view::npos);
      if (goes_on) {
        // The first characters decide; a number of a million digits must not be kept.
        if (word_.size() >= kMostWord) word_.back() = c;
        else word_ += c;
        return;
      }
      end_number();
      if (exponent) {  // "1else": the letter began a word
        word_ = last;
        in_ = In::word;
        previous_ = before;
        return step(c);
      }
      if ("jJlL"sv.find(c) != std::string_view::npos) return;
      break;
    }
  }
  in_ = In::code;
  if (!refused_) code(c);
}

void Python::code(char c) {
  if (backslash_) {
    backslash_ = false;
    return c == '\n' ? void(++line_) : refuse();
  }
  if (bang_) {
    bang_ = false;
    return c == '=' ? void(last_ = Last::op) : refuse();
  }
  if (colon_pending_) {
    colon_pending_ = false;
    if (c == '=') {
      assigns_ = true;
      last_ = Last::op;
      return;
    }
    colon();
    if (refused_) return;
  }
  if (dots_ > 0 && c != '.') {
    end_dots(c);
    if (refused_ || in_ == In::number) return;
  }
  switch (c) {
    case ' ':
    case '\t':
    case '\f': return;
    case '\n': return newline();
    case '#':
      in_ = In::comment;
      comment_.clear();
      return;
    case '"':
    case '\'': formatted_ = false; return open_string(c);
    case '.': ++dots_; return;
    case '(':
    case '[':
    case '{': return bracket_opens(c);
    case ')':
    case ']':
    case '}': return bracket_closes(c);
    case ':': colon_pending_ = true; return;
    case ';': return inside_brackets() ? refuse() : end_statement();
    case '!':
      bang_ = true;
      now_.pure = now_.pure && inside_brackets();
      return;
    case '\\': backslash_ = true; return;
    case '`': return;
    case ',':
      if (last_ == Last::comma || last_ == Last::nothing || last_ == Last::attribute) return refuse();
      if (!inside_brackets()) now_.pure = false;
      last_ = Last::comma;
      return;
    default: break;
  }
  if (is_op(c)) return op(c);
  if (!is_word(c)) return refuse();
  in_ = is_digit(c) ? In::number : In::word;
  word_ = c;
  word_cut_ = false;
}

void Python::open_string(char c) {
  in_ = In::string;
  quote_ = c;
  opening_ = 1;
  closing_ = 0;
  triple_ = escaped_ = false;
  braces_ = 0;
}

void Python::in_string(char c) {
  if (opening_ == 1 && c == quote_) {
    opening_ = 2;
    return;
  }
  if (opening_ == 2) {
    opening_ = 0;
    triple_ = c == quote_;
    if (triple_) return;
    close_string();
    if (!refused_) code(c);
    return;
  }
  opening_ = 0;
  if (escaped_ || c == '\\') {
    escaped_ = !escaped_;
    closing_ = 0;
    return;
  }
  if (c == '{') ++braces_;
  if (c == '}' && braces_ > 0) --braces_;
  if (c == quote_) {
    if (!triple_ || ++closing_ == 3) close_string();
    return;
  }
  closing_ = 0;
  if (c != '\n' || triple_) return;
  // Since 3.12 the expression inside f"..." may hold line ends; without one the string is broken.
  if (formatted_ && braces_ > 0) settled_ = true;
  else refuse();
}

void Python::close_string() {
  // Since 3.12 f"{a["b"]}" is one string. We cannot tell where it ends, and nothing but Python looks like it.
  if (formatted_ && braces_ > 0) settled_ = true;
  in_ = In::code;
  operand(Last::string);
}

void Python::end_word() {
  in_ = In::code;
  if (!word_cut_ && is_one_of(kKeywords, word_)) keyword(word_);
  else name(word_);
}

void Python::end_number() {
  in_ = In::code;
  operand(Last::number);
}

void Python::end_dots(char next) {
  const auto dots = dots_;
  dots_ = 0;
  if (dots == 1 && is_digit(next) && !after_operand()) {
    in_ = In::number;
    word_ = {'.', next};
  } else if (now_.first == First::from && !now_.imports) {
    last_ = after_operand() ? Last::attribute : Last::opener;
  } else if (dots == 3) {
    operand(Last::number);  // Ellipsis
  } else if (dots == 1 && after_operand()) {
    last_ = Last::attribute;
  } else {
    refuse();
  }
}

void Python::newline() {
  ++line_;
  if (!inside_brackets()) end_statement();
}

bool Python::after_operand() const noexcept {
  return last_ == Last::name || last_ == Last::number || last_ == Last::string || last_ == Last::closer;
}

void Python::operand(Last kind) {
  const bool soft = now_.tokens == 1 && is_one_of(kSoft, now_.word);
  if (after_operand() && !soft && !(kind == Last::string && last_ == Last::string)) return refuse();
  if (last_ == Last::attribute && kind != Last::name) return refuse();
  const bool imports = now_.first == First::import || now_.first == First::from;
  const bool names = (now_.first == First::definition || now_.first == First::klass) && last_ == Last::keyword;
  if (kind != Last::name && (imports || names)) return refuse();
  if (now_.tokens == 1 && is_one_of(kThenColon, now_.word)) return refuse();
  if (kind == Last::string && (open_calls_ > 0 || (soft && now_.word == "exec"))) strong_ = true;
  if (now_.first == First::none) now_.first = First::other;
  ++now_.tokens;
  last_ = kind;
}

void Python::name(std::string_view word) {
  if (now_.tokens == 0) now_.word = word;
  operand(Last::name);
  last_word_ = word;
}

void Python::keyword(std::string_view word) {
  if (last_ == Last::attribute) return refuse();
  if (!inside_brackets()) now_.pure = false;
  if (now_.tokens == 0 || (now_.async && now_.tokens == 1)) {
    first_word(word);
  } else if (word == "import") {
    if (now_.first != First::from || now_.imports) return refuse();
    now_.imports = true;
  } else if (word == "from") {
    if (!now_.yields) return refuse();
  } else if (word == "as") {
    const bool fits =
        now_.first == First::import || now_.first == First::from || now_.first == First::block || now_.word == "case";
    if (!fits || !after_operand()) return refuse();
  } else if (word == "for") {
    if (!inside_brackets()) return refuse();
  } else if (!is_one_of(kInsideExpressions, word) || is_one_of(kThenColon, now_.word)) {
    return refuse();
  } else if (now_.first == First::import || now_.first == First::from ||
             (now_.tokens == 1 && now_.first == First::klass)) {
    return refuse();
  } else if (is_one_of(kBetweenOperands, word)) {
    if (last_ == Last::nothing || last_ == Last::op || last_ == Last::opener) return refuse();
  } else if (after_operand() && word != "not" && !(word == "async" && inside_brackets()) &&
             !is_one_of(kSoft, now_.word)) {
    return refuse();
  }
  if (word == "lambda" && inside_brackets()) now_.lambda = true;
  else if (word == "lambda") ++now_.lambdas_outside;
  if (word == "yield") now_.yields = true;
  ++now_.tokens;
  last_ = Last::keyword;
  last_word_ = word;
}

void Python::first_word(std::string_view word) {
  if (now_.tokens == 0) now_.word = word;
  if (now_.async && word != "def" && word != "for" && word != "with") return refuse();
  if (is_one_of(kBlocks, word)) now_.first = First::block;
  else if (word == "def") now_.first = First::definition;
  else if (word == "class") now_.first = First::klass;
  else if (word == "import") now_.first = First::import;
  else if (word == "from") now_.first = First::from;
  else if (word == "async") now_.async = true;
  else if (word == "and" || word == "or" || word == "in" || word == "is" || word == "as") refuse();
  else now_.first = First::simple;
  if (word == "raise") now_.yields = true;
}

void Python::bracket_opens(char c) {
  const bool header = (now_.first == First::definition || now_.first == First::klass) && !inside_brackets();
  if (header && last_ == Last::keyword) return refuse();
  if (now_.first == First::import || (now_.first == First::from && !now_.imports) || last_ == Last::attribute)
    return refuse();
  if (c == '{' && after_operand() && !(now_.tokens == 1 && is_one_of(kSoft, now_.word))) return refuse();
  if (depth_ == kMostDepth || (now_.tokens == 1 && is_one_of(kThenColon, now_.word))) return refuse();
  const bool call = c == '(' && after_operand() && !header;
  if (call) {
    ++now_.calls;
    ++open_calls_;
    weak_ = true;
    if (last_ == Last::name && (is_one_of(kDangerous, last_word_) || is_dunder(last_word_))) strong_ = true;
  }
  if (now_.first == First::none) now_.first = First::other;
  ++now_.tokens;
  brackets_[depth_] = c;
  is_call_[depth_++] = call;
  last_ = Last::opener;
}

void Python::bracket_closes(char c) {
  if (depth_ == 0 || last_ == Last::attribute) return refuse();
  const char open = brackets_[--depth_];
  if (c != (open == '(' ? ')' : open == '[' ? ']' : '}')) return refuse();
  if (is_call_[depth_]) {
    --open_calls_;
    if (last_ != Last::opener) now_.call_has_arguments = true;
  }
  last_ = Last::closer;
}

void Python::op(char c) {
  // "==", "->", "**=": the characters of one operator follow each other. A blank between them would not
  // be Python, and is forgiven.
  const bool positional_only = c == '/' && (now_.first == First::definition || now_.lambda || now_.lambdas_outside > 0);
  const bool unpacks = c == '=' && last_ == Last::comma;
  if (is_binary_only(c) && !after_operand() && last_ != Last::op && !positional_only && !unpacks) return refuse();
  if (last_ == Last::attribute || now_.first == First::import) return refuse();
  if (c == '=' && !inside_brackets()) assigns_ = true;
  if (!inside_brackets()) now_.pure = false;
  if (now_.first == First::none && !now_.async) now_.first = First::other;
  ++now_.tokens;
  last_ = Last::op;
}

void Python::colon() {
  if (last_ == Last::nothing || last_ == Last::attribute) return refuse();
  if (inside_brackets()) {
    const bool fits = brackets_[depth_ - 1] != '(' || now_.first == First::definition || now_.lambda;
    if (!fits) return refuse();
    last_ = Last::colon;
    return;
  }
  if (now_.lambdas_outside > 0) {
    --now_.lambdas_outside;
    last_ = Last::colon;
    return;
  }
  const bool soft_block = (now_.word == "match" || now_.word == "case") && now_.tokens > 1;
  const bool header =
      now_.first == First::block || now_.first == First::definition || now_.first == First::klass || soft_block;
  if (!header) {  // an annotation
    if (now_.colon || now_.first != First::other) return refuse();
    now_.colon = true;
    now_.pure = false;
    last_ = Last::colon;
    return;
  }
  now_.colon = true;
  judge_statement();
  now_ = {};
  last_ = Last::nothing;
}

bool Python::is_impossible_end() const {
  switch (last_) {
    case Last::attribute:
    case Last::colon:
    case Last::opener: return true;
    case Last::op: return now_.first != First::from;
    case Last::keyword: return !is_one_of(kMayEnd, last_word_);
    default: return false;
  }
}

void Python::end_statement() {
  if (now_.tokens > 0) {
    if (is_impossible_end()) return refuse();
    judge_statement();
  }
  now_ = {};
  last_ = Last::nothing;
}

void Python::judge_statement() {
  switch (now_.first) {
    case First::definition:
      if (!now_.colon || last_word_.empty() || now_.tokens < 3) return refuse();
      strong_ = true;
      return;
    case First::klass:
      if (!now_.colon || now_.tokens < 2) return refuse();
      strong_ = true;
      return;
    case First::block: return now_.colon ? void() : refuse();
    case First::import: return last_ == Last::name ? void(strong_ = true) : refuse();
    case First::from: return now_.imports && last_ != Last::keyword ? void(strong_ = true) : refuse();
    case First::simple: return is_one_of(kAlone, now_.word) && now_.tokens > 1 ? refuse() : void();
    case First::none: return now_.async ? refuse() : void();
    case First::other: break;
  }
  if (now_.tokens == 1 && last_ == Last::name) bare_ = true;
  if (!now_.pure || now_.calls == 0 || last_ != Last::closer) return;
  if (now_.call_has_arguments) pure_call_ = true;
  else strong_ = true;
}

void Python::read_coding_cookie() {
  const auto at = line_ < 2 ? comment_.find("coding") : comment_.npos;
  if (at == comment_.npos || at + 6 >= comment_.size() || (comment_[at + 6] != ':' && comment_[at + 6] != '=')) return;
  const auto from = comment_.find_first_not_of(" \t", at + 7);
  if (from == comment_.npos) return;
  std::size_t to = from;
  while (to < comment_.size() && (is_word(comment_[to]) || comment_[to] == '-' || comment_[to] == '.')) ++to;
  if (hides_code(comment_.substr(from, to - from))) settled_ = true;
}

bool Python::finish() {
  if (!refused_ && !settled_ && previous_ != '\n') step('\n');
  if (settled_) return !refused_;
  if (refused_ || in_ == In::string || inside_brackets() || backslash_) return false;
  return strong_ || (weak_ && assigns_) || (pure_call_ && !bare_);
}

}  // namespace assay::identify
