#include "identify/markup.h"

#include <algorithm>
#include <array>

namespace assay::identify {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kLinkReach = 64;  // bytes behind "href" in which an escape is suspicious

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_letter(char c) noexcept { return c >= 'a' && c <= 'z'; }

bool has(std::string_view text, std::string_view needle) noexcept { return text.find(needle) != text.npos; }

/// An attribute such as onload=, wherever an attribute may begin.
bool has_handler(std::string_view lower) noexcept {
  for (auto at = lower.find("on"); at != lower.npos; at = lower.find("on", at + 1)) {
    const bool begins = at == 0 || is_blank(lower[at - 1]) || "/\"'"sv.find(lower[at - 1]) != std::string_view::npos;
    if (!begins) continue;
    auto end = at + 2;
    while (end < lower.size() && is_letter(lower[end])) ++end;
    if (end == at + 2) continue;
    while (end < lower.size() && is_blank(lower[end])) ++end;
    if (end < lower.size() && lower[end] == '=') return true;
  }
  return false;
}

/// "java&#115;cript:" is a script to a browser.
bool has_escaped_link(std::string_view lower) noexcept {
  for (auto at = lower.find("href"); at != lower.npos; at = lower.find("href", at + 1)) {
    const auto target = lower.substr(at, kLinkReach);
    if (has(target, "&#") || has(target, "&tab") || has(target, "&newline") || has(target, "&colon")) return true;
  }
  return false;
}

}  // namespace

void Markup::line(std::string_view piece) {
  if (!begun_) {
    const auto first = std::find_if_not(piece.begin(), piece.end(), is_blank);
    if (first == piece.end()) return;
    begun_ = true;
    is_markup_ = *first == '<';
  }
  if (!is_markup_) return;
  lower_.assign(piece);
  for (auto& c : lower_)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (prolog_.size() < kMostProlog) prolog_.append(lower_).append(1, '\n');
  note(lower_);
}

void Markup::note(std::string_view lower) {
  constexpr std::array kScripts{"<script"sv, ":script"sv, "script:"sv,  "<foreignobject"sv, "<iframe"sv,
                                "<embed"sv,  "<object"sv, "<handler"sv, "data:text/"sv};
  script_ = script_ ||
            std::any_of(kScripts.begin(), kScripts.end(), [&](std::string_view s) { return has(lower, s); }) ||
            has_handler(lower) || has_escaped_link(lower);
  entity_ = entity_ || has(lower, "<!entity");
  doctype_ = doctype_ || has(lower, "<!doctype");
  transformed_ = transformed_ || has(lower, "<?xml-stylesheet");
}

/// The first element, behind declarations and comments.
Markup::Root Markup::root() {
  std::string_view rest{prolog_};
  for (;;) {
    const auto open = rest.find('<');
    if (open == rest.npos) return Root::unknown;
    rest.remove_prefix(open);
    const auto ends = rest.starts_with("<!--") ? "-->"sv
                      : rest.starts_with("<?") ? "?>"sv
                      : rest.starts_with("<!") ? ">"sv
                                               : ""sv;
    if (ends.empty()) break;
    xml_ = xml_ || rest.starts_with("<?xml");
    if (rest.starts_with("<!doctype html")) return Root::html;
    const auto close = rest.find(ends);
    if (close == rest.npos) return Root::unknown;
    rest.remove_prefix(close + ends.size());
  }
  auto name = rest.substr(1, rest.find_first_of(" \t\n\r\f/>", 1) - 1);
  if (const auto prefix = name.find(':'); prefix != name.npos) name.remove_prefix(prefix + 1);
  constexpr std::array kHtml{"html"sv, "head"sv, "body"sv, "script"sv, "iframe"sv, "meta"sv, "title"sv};
  if (std::find(kHtml.begin(), kHtml.end(), name) != kHtml.end()) return Root::html;
  if (name == "svg") return Root::svg;
  if (name == "stylesheet" || name == "transform") return Root::stylesheet;
  if (name == "pmml") return Root::pmml;
  if (name == "net") return Root::openvino;
  return xml_ || doctype_ ? Root::other : Root::not_markup;
}

Text Markup::finish() {
  if (!is_markup_) return {};
  const auto element = root();
  switch (element) {
    case Root::html: return {true, "html", Use::code, "HTML, which runs scripts"};
    case Root::stylesheet: return {true, "xslt", Use::code, "an XSLT program"};
    case Root::pmml: return {true, "pmml", Use::model, "a PMML model"};
    case Root::openvino: return {true, "openvino", Use::model, "an OpenVINO model"};
    case Root::svg:
      if (script_ || entity_ || transformed_) return {true, "svg", Use::code, "an SVG picture that carries a script"};
      return {true, "svg", Use::plain, "an SVG picture"};
    case Root::other:
      if (entity_ || doctype_ || transformed_)
        return {true, "xml", Use::code, "XML with declarations that readers act on"};
      return {true, "xml", Use::plain, "XML"};
    case Root::unknown:
      // A comment so long that nobody sees what it hides.
      if (prolog_.size() >= kMostProlog || xml_ || doctype_)
        return {true, "xml", Use::code, "markup whose first element was not found"};
      return {};
    case Root::not_markup: return {};
  }
  return {};
}

}  // namespace assay::identify
