#include "identify/script.h"

#include <algorithm>
#include <cstring>

namespace assay::identify {
namespace {

using namespace std::string_view_literals;
using Language = Script::Language;

constexpr std::size_t kMostJudged = 512;  // bytes of a line that are read as words
// How far one find looks around itself. A line of nothing but "$(" must not be read once per bracket.
constexpr std::size_t kReach = 256;  // bytes

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; }
bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_name(char c) noexcept { return is_letter(c) || is_digit(c) || c == '_'; }
bool has(std::string_view text, std::string_view needle) noexcept { return text.find(needle) != text.npos; }

std::string_view trimmed(std::string_view s) noexcept {
  while (!s.empty() && is_blank(s.back())) s.remove_suffix(1);
  while (!s.empty() && is_blank(s.front())) s.remove_prefix(1);
  return s;
}

std::size_t name_length(std::string_view s) noexcept {
  std::size_t n = 0;
  while (n < s.size() && is_name(s[n])) ++n;
  return n > 0 && is_digit(s[0]) ? 0 : n;
}

bool same_letters(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}
bool starts_with_letters(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() && same_letters(text.substr(0, lower.size()), lower);
}

// --- What a line begins with --------------------------------------------------------------------

/// What must follow the beginning, because the beginning alone is also English.
enum class Then : std::uint8_t {
  anything,
  end,         ///< nothing
  argument,    ///< a word that is no English word: a path, an option, a variable
  assignment,  ///< name =
  call,        ///< name (
  member,      ///< a name, without a blank before it
  block,       ///< the line ends in { ( ; or )
};

struct Opening {
  std::string_view text;
  Language language;
  Then then = Then::anything;
};

using enum Script::Language;

// Sorted by first character.
constexpr std::array kOpenings{
    Opening{"!function(", javascript},
    Opening{"\"use strict\"", javascript},
    Opening{"# include ", c},
    Opening{"#![", rust},
    Opening{"#[derive", rust},
    Opening{"#define ", c, Then::argument},
    Opening{"#else", c, Then::end},
    Opening{"#endif", c},
    Opening{"#if ", c, Then::argument},
    Opening{"#if defined", c},
    Opening{"#ifdef ", c},
    Opening{"#ifndef ", c},
    Opening{"#include <", c},
    Opening{"#include \"", c},
    Opening{"#pragma ", c},
    Opening{"$ErrorActionPreference", powershell},
    Opening{"$PSScriptRoot", powershell},
    Opening{"%~dp0", batch},
    Opening{"'use strict'", javascript},
    Opening{"(() =>", javascript},
    Opening{"(function", javascript},
    Opening{". ./", shell},
    Opening{"./", shell, Then::argument},
    Opening{".PHONY:", makefile},
    Opening{"//go:build", go},
    Opening{"<?=", php},
    Opening{"<?php", php},
    Opening{"@call ", batch},
    Opening{"@if ", batch},
    Opening{"@python ", batch},
    Opening{"@rem ", batch},
    Opening{"@set ", batch},
    Opening{"@start ", batch},
    Opening{"ARG ", dockerfile, Then::argument},
    Opening{"Add-Type ", powershell},
    Opening{"CMD [", dockerfile},
    Opening{"COPY ", dockerfile, Then::argument},
    Opening{"Dim ", windows, Then::end},
    Opening{"ENTRYPOINT [", dockerfile},
    Opening{"ENV ", dockerfile, Then::argument},
    Opening{"EXPOSE ", dockerfile, Then::argument},
    Opening{"Exec=", desktop},
    Opening{"ExecStart=", desktop},
    Opening{"FROM ", dockerfile, Then::argument},
    Opening{"IEX ", powershell},
    Opening{"Import-Module ", powershell},
    Opening{"Invoke-", powershell},
    Opening{"New-Object ", powershell},
    Opening{"Param(", powershell},
    Opening{"RUN ", dockerfile},
    Opening{"Set-ExecutionPolicy", powershell},
    Opening{"Start-Process ", powershell},
    Opening{"WORKDIR /", dockerfile},
    Opening{"WScript.", windows},
    Opening{"Windows Registry Editor", windows},
    Opening{"Write-Host ", powershell},
    Opening{"[Desktop Entry]", desktop, Then::end},
    Opening{"[InternetShortcut]", windows, Then::end},
    Opening{"[[ ", shell},
    Opening{"__global__ ", c},
    Opening{"add_executable(", cmake},
    Opening{"add_library(", cmake},
    Opening{"apt install ", shell},
    Opening{"apt-get ", shell},
    Opening{"async function", javascript},
    Opening{"autorun", windows, Then::end},
    Opening{"bash ", shell, Then::argument},
    Opening{"brew install ", shell},
    Opening{"call ", batch, Then::argument},
    Opening{"cat <<", shell},
    Opening{"cd ", shell, Then::argument},
    Opening{"chmod ", shell, Then::argument},
    Opening{"class ", c, Then::block},
    Opening{"cmake_minimum_required(", cmake},
    Opening{"conda install ", shell},
    Opening{"console.log(", javascript},
    Opening{"const ", javascript, Then::assignment},
    Opening{"const (", go, Then::end},
    Opening{"cp -", shell},
    Opening{"crate::", rust},
    Opening{"curl ", shell, Then::argument},
    Opening{"document.", javascript, Then::member},
    Opening{"done", shell, Then::end},
    Opening{"echo ", shell, Then::argument},
    Opening{"endif(", cmake},
    Opening{"enum ", c, Then::block},
    Opening{"esac", shell, Then::end},
    Opening{"eval ", shell, Then::argument},
    Opening{"exec ", shell, Then::argument},
    Opening{"export ", shell, Then::assignment},
    Opening{"export * from", javascript},
    Opening{"export class ", javascript},
    Opening{"export const ", javascript},
    Opening{"export declare ", javascript},
    Opening{"export default ", javascript, Then::block},
    Opening{"export function ", javascript},
    Opening{"export interface ", javascript},
    Opening{"export type ", javascript},
    Opening{"export {", javascript},
    Opening{"exports.", javascript},
    Opening{"extern ", c, Then::block},
    Opening{"extern \"C\"", c},
    Opening{"extern crate ", rust},
    Opening{"fi", shell, Then::end},
    Opening{"find_package(", cmake},
    Opening{"fn ", rust, Then::call},
    Opening{"func ", go, Then::call},
    Opening{"function ", javascript, Then::call},
    Opening{"git clone ", shell},
    Opening{"globalThis.", javascript, Then::member},
    Opening{"goto ", batch, Then::end},
    Opening{"iex ", powershell},
    Opening{"if [", shell},
    Opening{"if(", cmake},
    Opening{"impl ", rust, Then::block},
    Opening{"import '", javascript},
    Opening{"import (", go, Then::end},
    Opening{"import * as ", javascript},
    Opening{"import \"", go},
    Opening{"import {", javascript},
    Opening{"include(", cmake},
    Opening{"inline ", c, Then::block},
    Opening{"int main(", c},
    Opening{"interface ", java, Then::block},
    Opening{"let ", javascript, Then::assignment},
    Opening{"library(", r},
    Opening{"local ", lua, Then::assignment},
    Opening{"local function ", lua, Then::call},
    Opening{"mkdir -p", shell},
    Opening{"module.exports", javascript},
    Opening{"my $", perl},
    Opening{"namespace ", c, Then::block},
    Opening{"nohup ", shell, Then::argument},
    Opening{"npm install", shell, Then::argument},
    Opening{"param(", powershell},
    Opening{"pip install ", shell},
    Opening{"pip3 install ", shell},
    Opening{"powershell ", batch, Then::argument},
    Opening{"private ", java, Then::block},
    Opening{"project(", cmake},
    Opening{"pub fn ", rust},
    Opening{"pub mod ", rust},
    Opening{"pub struct ", rust},
    Opening{"pub use ", rust},
    Opening{"public class ", java},
    Opening{"public final class ", java},
    Opening{"public static ", java},
    Opening{"puts '", ruby},
    Opening{"puts \"", ruby},
    Opening{"python ", shell, Then::argument},
    Opening{"python3 ", shell, Then::argument},
    Opening{"require '", ruby},
    Opening{"require \"", ruby},
    Opening{"require_relative ", ruby},
    Opening{"rm -", shell},
    Opening{"set ", batch, Then::assignment},
    Opening{"set +", shell},
    Opening{"set -", shell},
    Opening{"set(", cmake},
    Opening{"setlocal", batch},
    Opening{"sh ", shell, Then::argument},
    Opening{"source ", shell, Then::argument},
    Opening{"start ", batch, Then::argument},
    Opening{"static ", c, Then::block},
    Opening{"std::", c},
    Opening{"struct ", c, Then::block},
    Opening{"sudo ", shell},
    Opening{"suppressPackageStartupMessages(", r},
    Opening{"template <", c},
    Opening{"template<", c},
    Opening{"trap '", shell},
    Opening{"type ", go, Then::block},
    Opening{"type (", go, Then::end},
    Opening{"typedef ", c, Then::block},
    Opening{"union ", c, Then::block},
    Opening{"use strict;", perl},
    Opening{"use warnings;", perl},
    Opening{"using System", csharp},
    Opening{"using namespace ", c},
    Opening{"var ", javascript, Then::assignment},
    Opening{"var (", go, Then::end},
    Opening{"void ", c, Then::block},
    Opening{"wget ", shell, Then::argument},
    Opening{"while [", shell},
    Opening{"while read ", shell},
    Opening{"window.", javascript, Then::member},
};

constexpr bool is_sorted() {
  for (std::size_t i = 1; i < kOpenings.size(); ++i)
    if (kOpenings[i - 1].text[0] > kOpenings[i].text[0]) return false;
  return true;
}
static_assert(is_sorted());

/// A word that is no English word.
bool is_argument(std::string_view rest) noexcept {
  auto word = rest.substr(0, rest.find_first_of(" \t"));
  if (word.empty()) return false;
  const bool only = word.size() == rest.size();
  if ("-$/~\"'.<>%"sv.find(word[0]) != std::string_view::npos || is_digit(word[0])) return true;
  word.remove_suffix(1);
  return word.find_first_of("/=:.-_$@") != word.npos ||
         (only && word.size() > 1 && word.find_first_of("0123456789") != word.npos);
}

bool fits(Then then, std::string_view rest) noexcept {
  const auto name = name_length(rest);
  const auto behind = trimmed(rest.substr(name));
  switch (then) {
    case Then::anything: return true;
    case Then::end: return trimmed(rest).empty();
    case Then::argument: return is_argument(rest);
    case Then::assignment:
      // "export NAME=", "let x =", "const {a} =", "let x: T =". Not "let us say that".
      if (!rest.empty() && (rest[0] == '{' || rest[0] == '[')) return has(rest, "=");
      return name > 0 && !behind.empty() &&
             (behind[0] == '=' || behind[0] == ';' || (behind[0] == ':' && has(behind, "=")));
    case Then::member: return name > 0;
    case Then::call:
      return name > 0 && !behind.empty() && "(<:."sv.find(behind[0]) != std::string_view::npos && has(behind, "(");
    case Then::block: {
      const auto line = trimmed(rest);
      return !line.empty() && "{;("sv.find(line.back()) != std::string_view::npos;
    }
  }
  return false;
}

const Opening* opening_of(std::string_view line) noexcept {
  struct ByFirst {
    bool operator()(const Opening& o, char ch) const noexcept { return o.text[0] < ch; }
    bool operator()(char ch, const Opening& o) const noexcept { return ch < o.text[0]; }
  };
  const auto [from, to] = std::equal_range(kOpenings.begin(), kOpenings.end(), line[0], ByFirst{});
  for (auto o = from; o != to; ++o)
    if (line.starts_with(o->text) && fits(o->then, line.substr(o->text.size()))) return &*o;
  return nullptr;
}

/// Lines that no prose has, and that an interpreter acts on whatever else the file says.
const Language* certain_language(std::string_view line) noexcept {
  static constexpr Language kBatch = batch, kPhp = php, kShell = shell;
  if (line[0] == '@' && starts_with_letters(trimmed(line.substr(1)), "echo off")) return &kBatch;
  if (line.starts_with("<?php")) return &kPhp;
  if (line.starts_with("#!/") || line.starts_with("#! /")) return &kShell;
  return nullptr;
}

/// `import x; anything` is what site.py runs from a .pth file, whatever the other lines are.
bool is_path_hook(std::string_view line) noexcept {
  if (!line.starts_with("import ") && !line.starts_with("import\t")) return false;
  const auto end = line.find(';');
  if (end == line.npos || line.find_first_of("(=", end) == line.npos) return false;
  const auto names = line.substr(7, end - 7);
  return std::all_of(names.begin(), names.end(),
                     [](char c) { return is_name(c) || is_blank(c) || c == '.' || c == ','; });
}

// --- What a line contains ------------------------------------------------------------------------

/// "$(command", "${NAME}" and "| sh". Mathematics in dollars ("$(x, y)$", "${x}$") is none of it.
bool has_shell(std::string_view line) noexcept {
  if (has(line, "| sh") || has(line, "| bash") || has(line, "|sh") || has(line, "|bash")) return true;
  for (auto at = line.find('$'); at != line.npos && at + 1 < line.size(); at = line.find('$', at + 1)) {
    const char open = line[at + 1];
    if (open != '(' && open != '{') continue;
    const auto rest = line.substr(at + 2, kReach);
    const auto name = name_length(rest), close = rest.find(open == '(' ? ')' : '}');
    const bool formula = close != rest.npos && close + 1 < rest.size() && rest[close + 1] == '$';
    if (name < 2 || name == rest.size() || formula) continue;
    if ((open == '(' ? " )/"sv : "}:#%"sv).find(rest[name]) != std::string_view::npos) return true;
  }
  return false;
}

bool is_r_assignment(std::string_view line) noexcept {
  std::size_t n = 0;
  while (n < line.size() && (is_name(line[n]) || line[n] == '.')) ++n;
  return n > 0 && line.substr(n).starts_with(" <- ");
}

bool is_powershell_assignment(std::string_view line) noexcept {
  const auto name = line[0] == '$' ? name_length(line.substr(1)) : 0;
  return name > 0 && trimmed(line.substr(name + 1)).starts_with("=");
}

bool is_script_import(std::string_view line) noexcept {
  return line.starts_with("import ") && (has(line, " from '") || has(line, " from \""));
}

/// `import a.b.C;` and `package a.b;`
bool is_java_package(std::string_view line) noexcept {
  const bool begins = line.starts_with("import ") || line.starts_with("package ");
  const auto name = begins ? line.substr(line.find(' ') + 1) : std::string_view{};
  return name.size() > 1 && name.back() == ';' && has(name, ".") &&
         std::all_of(name.begin(), name.end() - 1, [](char ch) { return is_name(ch) || ch == '.' || ch == '*'; });
}

/// `name()` on its own or before its body.
bool is_shell_function(std::string_view line) noexcept {
  const auto name = name_length(line);
  const auto behind = line.substr(name);
  return name > 0 && (behind == "()" || behind == "() {" || behind == "(){");
}

/// What ends in ");" or opens a body behind its parameters is a statement of some language.
bool is_statement(std::string_view line) noexcept {
  return line.ends_with(");") || line.ends_with(") {") || line.ends_with("){");
}

bool is_go_package(std::string_view line) noexcept { return line == "package main"; }

/// Four words in a row, or a sentence of three; or a line in a script without blanks between words.
bool is_prose(std::string_view line) noexcept {
  line = line.substr(0, kMostJudged);
  if (line.starts_with("//") || line.back() == ';' || line.back() == '{') return false;
  unsigned words = 0, most = 0, foreign = 0;
  bool word = false, broken = false;
  for (const char ch : line) {
    foreign += static_cast<unsigned char>(ch) >= 0x80;
    if (is_letter(ch) || ch == '\'' || ch == '-' || ch == ',' || ch == '.' || ch == ':' || ch == '!' || ch == '?') {
      word = word || is_letter(ch);
    } else if (ch == ' ') {
      words = broken ? 0 : words + (word ? 1 : 0);
      most = std::max(most, words);
      word = broken = false;
    } else {
      broken = true;
    }
  }
  if (!broken && word) most = std::max(most, words + 1);
  return most >= 4 || (most == 3 && ".!?:"sv.find(line.back()) != std::string_view::npos) || foreign >= 15;
}

// --- Templates, YAML, HTML -----------------------------------------------------------------------

constexpr std::array kTags{"if"sv,   "for"sv,     "set"sv,    "macro"sv,      "block"sv, "include"sv,    "import"sv,
                           "from"sv, "extends"sv, "call"sv,   "filter"sv,     "raw"sv,   "with"sv,       "else"sv,
                           "elif"sv, "endif"sv,   "endfor"sv, "generation"sv, "do"sv,    "autoescape"sv, "endmacro"sv};

/// What stands inside cannot do anything: no call, no index, no filter, no underscore.
bool is_simple(std::string_view inside) noexcept { return inside.find_first_of("([|_\"") == inside.npos; }

/// Words and perhaps a remark in brackets: "GPT (a report)". A call that does something needs a quote, an
/// underscore or a filter.
bool is_title(std::string_view inside) noexcept {
  if (inside.find_first_of("[|_\"") != inside.npos) return false;
  for (auto at = inside.find('('); at != inside.npos; at = inside.find('(', at + 1))
    if (at == 0 || inside[at - 1] != ' ' || has(inside, "'")) return false;
  return true;
}

bool is_quoted(std::string_view line, std::size_t begin, std::size_t end) noexcept {
  return begin > 0 && line[begin - 1] == '`' && end < line.size() && line[end] == '`';
}

/// BibTeX (title={{A Title}}) and TeX (\frac{{a}}{b}) double their braces too.
bool is_tex(std::string_view line, std::size_t at) noexcept {
  const auto near = std::min(at, kReach);
  const auto before = trimmed(line.substr(at - near, near));
  if (before.empty()) return false;
  if (before.back() == '=' || before.back() == '^' || before.back() == '_' || before.back() == '}') return true;
  std::size_t n = before.size();
  while (n > 0 && is_letter(before[n - 1])) --n;
  return n > 0 && n < before.size() && before[n - 1] == '\\';
}

bool begins_expression(std::string_view inside) noexcept {
  if (!inside.empty() && (inside[0] == '-' || inside[0] == '+')) inside.remove_prefix(1);
  inside = trimmed(inside);
  return !inside.empty() && (is_letter(inside[0]) || inside[0] == '\'');
}

/// "{% if" needs no end on its line; "{% anything %}" does. TeX ends lines in "{%".
bool begins_block(std::string_view inside, bool closed) noexcept {
  if (!inside.empty() && (inside[0] == '-' || inside[0] == '+')) inside.remove_prefix(1);
  inside = trimmed(inside);
  const auto word = inside.substr(0, name_length(inside));
  return closed ? !word.empty() : std::find(kTags.begin(), kTags.end(), word) != kTags.end();
}

/// Where a YAML tag or key may stand: at the line's beginning, behind "- ", "key:", "[", "{" or ",".
bool is_yaml_place(std::string_view before) noexcept {
  if (before.size() > kReach) return "[{,"sv.find(before.back()) != std::string_view::npos;
  while (!before.empty() && (is_blank(before.front()) || before.front() == '-' || before.front() == '?'))
    before.remove_prefix(1);
  before = trimmed(before);
  if (const auto anchor = before.rfind('&'); anchor != before.npos && !has(before.substr(anchor), " "))
    before = trimmed(before.substr(0, anchor));
  if (before.empty() || "[{,"sv.find(before.back()) != std::string_view::npos) return true;
  return before.back() == ':' && !has(before, " ");
}

bool has_python_tag(std::string_view line) noexcept {
  if (line.starts_with("%TAG") && has(line, "tag:yaml.org,2002:")) return true;
  for (const auto tag : {"!!python/"sv, "!<tag:yaml.org,2002:python/"sv})
    for (auto at = line.find(tag); at != line.npos; at = line.find(tag, at + 1))
      if (is_yaml_place(line.substr(0, at))) return true;
  return false;
}

/// "a.b.C": a Python name, and no file, host or number.
bool is_dotted_path(std::string_view value) noexcept {
  constexpr std::array kEndings{"txt"sv,     "csv"sv,  "tsv"sv, "json"sv, "jsonl"sv, "yaml"sv,        "yml"sv,  "pt"sv,
                                "pth"sv,     "ckpt"sv, "bin"sv, "onnx"sv, "h5"sv,    "md"sv,          "zip"sv,  "gz"sv,
                                "tar"sv,     "com"sv,  "org"sv, "net"sv,  "io"sv,    "html"sv,        "png"sv,  "jpg"sv,
                                "jpeg"sv,    "wav"sv,  "mp3"sv, "mp4"sv,  "xml"sv,   "safetensors"sv, "gguf"sv, "pkl"sv,
                                "parquet"sv, "npy"sv,  "npz"sv, "log"sv};
  if (value.size() > 1 && (value[0] == '"' || value[0] == '\'')) value = value.substr(1, value.size() - 2);
  std::size_t parts = 0;
  std::string_view last;
  while (!value.empty()) {
    const auto end = std::min(value.find('.'), value.size());
    last = value.substr(0, end);
    if (last.empty() || name_length(last) != last.size() || end + 1 == value.size()) return false;
    ++parts;
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return parts > 1 && std::find(kEndings.begin(), kEndings.end(), last) == kEndings.end();
}

bool has_code_key(std::string_view line) noexcept {
  for (const auto key : {"_target_"sv, "class_path"sv, "loader_module"sv, "target"sv, "cls"sv}) {
    for (auto at = line.find(key); at != line.npos; at = line.find(key, at + 1)) {
      auto before = line.substr(0, at), behind = line.substr(at + key.size(), kReach);
      if (!behind.empty() && (behind[0] == '"' || behind[0] == '\'')) behind.remove_prefix(1);
      if (!before.empty() && (before.back() == '"' || before.back() == '\'')) before.remove_suffix(1);
      behind = trimmed(behind);
      if (behind.size() < 2 || behind[0] != ':' || !is_yaml_place(before)) continue;
      auto value = trimmed(behind.substr(1));
      value = value.substr(0, value.find_first_of(",} "));
      const bool names_code_by_itself = key == "_target_" || key == "loader_module";
      if (names_code_by_itself ? !value.empty() : is_dotted_path(value)) return true;
    }
  }
  return false;
}

/// <script>, or <script and <iframe with an attribute. "Run <script> first" in backticks or quotes is prose.
bool has_running_element(std::string_view line) noexcept {
  for (auto at = line.find('<'); at != line.npos; at = line.find('<', at + 1)) {
    if (at > 0 && "`'\""sv.find(line[at - 1]) != std::string_view::npos) continue;
    const auto name = line.substr(at + 1, kReach);
    if (starts_with_letters(name, "script>")) return true;
    const bool attributes = starts_with_letters(name, "script ") || starts_with_letters(name, "iframe ");
    if (attributes && name.substr(0, name.find('>')).find('=') != name.npos) return true;
  }
  return false;
}

struct Naming {
  std::string_view format, says;
};
constexpr std::array<Naming, Script::kLanguages> kNames{{
    {"shell-script", "a shell script"},
    {"batch-script", "a Windows batch file"},
    {"powershell-script", "a PowerShell script"},
    {"javascript-source", "JavaScript or TypeScript source code"},
    {"c-source", "C, C++ or CUDA source code"},
    {"rust-source", "Rust source code"},
    {"go-source", "Go source code"},
    {"java-source", "Java source code"},
    {"csharp-source", "C# source code"},
    {"lua-source", "Lua source code"},
    {"r-source", "R source code"},
    {"ruby-source", "Ruby source code"},
    {"perl-source", "Perl source code"},
    {"php-source", "PHP source code"},
    {"dockerfile", "a Dockerfile or Modelfile"},
    {"makefile", "a Makefile"},
    {"cmake-source", "a CMake build file"},
    {"windows-script", "a Windows script or shortcut"},
    {"desktop-entry", "a file that tells a desktop what to start"},
    {"source-code", "source code"},
}};

}  // namespace

void Script::Tally::add(const Tally& other) {
  for (std::size_t i = 0; i < kLanguages; ++i) {
    lines[i] += other.lines[i];
    indented_lines[i] += other.indented_lines[i];
  }
  prose += other.prose;
  template_ = template_ || other.template_;
  yaml = yaml || other.yaml;
  html = html || other.html;
  if (other.certain && !certain) certain = true, certainly = other.certainly;
}

/// CommonMark: at most three blanks, three or more backticks or tildes; closed by as many, alone.
bool Script::fence(std::string_view piece) {
  const auto indent = std::min(piece.find_first_not_of(' '), piece.size());
  if (indent > 3 || comments_) return false;
  const auto mark = piece.substr(indent);
  const char ch = mark.empty() ? '\0' : mark[0];
  if (ch != '`' && ch != '~') return false;
  const auto length = std::min(mark.find_first_not_of(ch), mark.size());
  const auto info = trimmed(mark.substr(length));
  if (fence_ == 0) {
    if (length < 3 || (ch == '`' && has(info, "`"))) return false;
    fence_ = ch;
    fence_length_ = length;
    inside_ = {};
    return true;
  }
  if (ch != fence_ || length < fence_length_ || !info.empty()) return false;
  fence_ = 0;
  dropped_.add(inside_);
  return true;
}

/// A block comment that begins a line hides prose from the count, not from the reader.
bool Script::in_comment(std::string_view piece) {
  if (!in_comment_) {
    if (!piece.starts_with("/*") && !piece.starts_with("<#")) return false;
    comments_ = true;
    in_comment_ = true;
    piece.remove_prefix(2);
  }
  if (has(piece, "*/") || has(piece, "#>")) in_comment_ = false;
  return true;
}

void Script::line(std::string_view piece, bool continued) {
  if (!continued) {
    if (fence(piece)) return;
    heading_ = heading_ || (fence_ == 0 && piece.starts_with("# "));
  }
  auto& tally = fence_ != 0 ? inside_ : outside_;
  search(piece, tally);
  if (!continued && !in_comment(piece)) judge(piece, tally);
}

void Script::judge(std::string_view piece, Tally& tally) {
  const auto line = trimmed(piece);
  const bool was_rule = std::exchange(rule_, false);
  if (line.empty()) return;
  const bool indented = piece[0] == '\t' || piece.starts_with("    ");
  const auto count = [&](Language language) {
    ++(indented ? tally.indented_lines : tally.lines)[static_cast<std::size_t>(language)];
  };
  if (const auto* language = certain_language(line); language != nullptr && !tally.certain && !indented) {
    tally.certain = true;
    tally.certainly = *language;
  }
  if (was_rule && piece[0] == '\t') return ++tally.lines[static_cast<std::size_t>(makefile)], void();
  if (const auto* opening = opening_of(line); opening != nullptr) return count(opening->language);
  if (line[0] == '#') return;  // a comment to some, a heading to others
  if (is_script_import(line)) return count(javascript);
  if (is_java_package(line)) return count(java);
  if (is_go_package(line)) return count(go);
  if (is_r_assignment(line)) return count(r);
  if (is_powershell_assignment(line)) return count(powershell);
  if (is_shell_function(line)) return count(shell);
  if (is_statement(line)) return count(other);
  if (is_prose(line)) return indented ? void() : void(++tally.prose);
  if (has_shell(line)) return count(shell);
  // Headers of mail fold with a tab too, but begin with a capital.
  rule_ = !indented && line[0] >= 'a' && line[0] <= 'z' && line.find(':') < line.find(' ') && !has(line, "://");
}

void Script::search(std::string_view piece, Tally& tally) {
  if (piece.find_first_of("{}") != piece.npos) tally.template_ = has_template(piece) || tally.template_;
  if (piece.find(':') != piece.npos || piece.find('!') != piece.npos)
    tally.yaml = tally.yaml || has_python_tag(piece) || has_code_key(piece);
  if (piece.find('<') != piece.npos) tally.html = tally.html || has_running_element(piece);
  if (piece.starts_with("import") && is_path_hook(piece)) {
    tally.certain = true;
    tally.certainly = shell;
  }
}

bool Script::has_template(std::string_view piece) {
  if ((open_expression_ && has(piece, "}}")) || (open_block_ && has(piece, "%}"))) return true;
  std::size_t ends[2] = {0, 0};  // of the next "}}" and "%}", so that a line of openings is searched once
  for (auto at = piece.find('{'); at != piece.npos && at + 1 < piece.size(); at = piece.find('{', at + 1)) {
    const bool expression = piece[at + 1] == '{';
    if (!expression && piece[at + 1] != '%') continue;
    auto& end = ends[expression ? 0 : 1];
    if (end < at + 2) end = std::min(piece.find(expression ? "}}" : "%}", at + 2), piece.size());
    const bool closed = end < piece.size();
    const auto inside = piece.substr(at + 2, end - at - 2);
    if (!expression) {
      if (closed && is_quoted(piece, at, end + 2) && is_simple(inside)) at = end;
      else if (begins_block(inside.substr(0, kReach), closed)) return true;
      else open_block_ = open_block_ || (!closed && trimmed(inside).size() <= 1);
      continue;
    }
    const bool tex = is_tex(piece, at);
    if (!closed) {
      open_expression_ = open_expression_ || !tex;
      continue;
    }
    const bool prose =
        tex ? is_title(inside) : is_simple(inside) && (is_quoted(piece, at, end + 2) || !begins_expression(inside));
    if (!prose) return true;
    at = end;  // what stands between has been judged
  }
  return false;
}

Text Script::finish() {
  auto all = outside_;
  if (fence_ != 0) all.add(inside_);
  // Three backticks around everything do not make a template or a script a quotation.
  if (outside_.prose == 0 && !heading_) all.add(dropped_);
  return verdict(all);
}

Text Script::verdict(const Tally& all) const {
  const auto named = [](Language l) {
    return Text{true, kNames[static_cast<std::size_t>(l)].format, Use::code, kNames[static_cast<std::size_t>(l)].says};
  };
  auto lines = all.lines;
  // In prose, four blanks quote; without prose they are mere style.
  if (all.prose == 0)
    for (std::size_t i = 0; i < kLanguages; ++i) lines[i] += all.indented_lines[i];
  const auto known = std::max_element(lines.begin(), lines.end() - 1);
  std::uint64_t sum = 0;
  for (const auto n : lines) sum += n;
  if (all.certain) return named(all.certainly);
  if (all.yaml) return {true, "yaml-code", Use::code, "YAML that names Python code"};
  if (all.html) return {true, "html", Use::code, "text with HTML that runs scripts"};
  if (sum > 0 && all.prose <= sum) return named(*known > 0 ? static_cast<Language>(known - lines.begin()) : other);
  if (all.template_) return {true, "jinja-template", Use::code, "a Jinja template"};
  return {};
}

}  // namespace assay::identify
