// Compiles rules/yara into what the program carries, and holds each rule to what src/malware/yara relies on.
//
//     compile_yara OUTPUT.cpp RULES.yar...
//
// A rule begins its condition with `any of ($anchor*) and` and makes no exceptions, its anchors are plain text or
// bytes, it uses no module, and its meta say what it would do (description), how bad that is (severity) and where to
// read on (reference).
#include <yara.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "bytes/digest.h"
#include "malware/yara/compile.h"
#include "malware/yara/own_table.h"
#include "masked_array.h"

namespace {

namespace yara = assay::malware::yara;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "compile_yara: %s\n", what.c_str());
  std::exit(1);
}

std::string read(const char* path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty()) fail(std::string{"cannot read "} + path);
  return text.str();
}

std::vector<yara::RuleText> read_all(int count, char** paths) {
  std::vector<yara::RuleText> texts;
  for (int i = 0; i < count; ++i) {
    const std::string_view path = paths[i];
    texts.push_back({std::string{path.substr(path.rfind('/') + 1)}, read(paths[i])});
  }
  return texts;
}

std::string compiled(const std::vector<yara::RuleText>& texts) {
  const auto rules = yara::compile(texts);
  for (const auto& p : rules.problems)
    std::fprintf(stderr, "rules/yara/%s:%llu: %s\n", p.name.c_str(), static_cast<unsigned long long>(p.line),
                 p.message.c_str());
  if (!rules.problems.empty()) fail("the rules do not compile");
  return rules.compiled;
}

/// `and` binds closer than `or`: beside an `or` outside of brackets, the rule would match without an anchor.
bool has_outer_or(std::string_view condition) {
  int depth = 0;
  for (std::size_t i = 0; i < condition.size() && condition[i] != '}'; ++i) {
    depth += condition[i] == '(' ? 1 : condition[i] == ')' ? -1 : 0;
    const auto word = condition.substr(i, 4);
    if (depth == 0 && (word == " or " || word == "\nor " || word == " or\n")) return true;
  }
  return false;
}

/// The condition is not kept as text in what the library compiles, so it is looked for in the source.
void check_conditions(const yara::RuleText& file) {
  constexpr std::string_view kCondition = "condition:", kForm = "any of ($anchor*) and";
  const std::string_view text = file.text;
  for (auto at = text.find(kCondition); at != text.npos; at = text.find(kCondition, at + 1)) {
    auto condition = text.substr(at + kCondition.size());
    condition.remove_prefix(std::min(condition.find_first_not_of(" \n"), condition.size()));
    if (!condition.starts_with(kForm) || has_outer_or(condition.substr(kForm.size())))
      fail(file.name + ": a condition is not `any of ($anchor*) and (...)`: " + std::string{condition.substr(0, 60)});
    // Whoever wants to be an exception only has to bring it along.
    if (condition.substr(0, condition.find('}')).find("not ") != condition.npos)
      fail(file.name + ": a condition has an exception (`not`): " + std::string{condition.substr(0, 60)});
  }
  if (text.find("import \"") != text.npos) fail(file.name + ": uses a module");
}

void check_meta(const YR_RULE* rule) {
  std::set<std::string> missing{"description", "severity", "reference"};
  const YR_META* meta = nullptr;
  yr_rule_metas_foreach(rule, meta) {
    missing.erase(meta->identifier);
    const std::string_view severity = meta->string != nullptr ? meta->string : "";
    if (std::strcmp(meta->identifier, "severity") == 0 && severity != "unsafe" && severity != "suspicious" &&
        severity != "caution")
      fail(std::string{rule->identifier} + ": severity is unsafe, suspicious or caution");
  }
  if (!missing.empty()) fail(std::string{rule->identifier} + ": says no " + *missing.begin());
}

std::string with_zeros(const std::string& text) {
  std::string wide;
  for (const char c : text) (wide += c) += '\0';
  return wide;
}

/// The anchors of one rule as they stand in bytes.
void add_anchors(const YR_RULE* rule, std::set<std::string>& all) {
  bool has_one = false;
  const YR_STRING* string = nullptr;
  yr_rule_strings_foreach(rule, string) {
    if (!std::string_view{string->identifier}.starts_with("$anchor")) continue;
    const std::string text{reinterpret_cast<const char*>(string->string), static_cast<std::size_t>(string->length)};
    const auto told = std::string{rule->identifier} + " " + string->identifier;
    if (!STRING_IS_LITERAL(string) || STRING_IS_XOR(string) || STRING_IS_BASE64(string) || STRING_IS_CHAIN_PART(string))
      fail(told + ": is no plain text");
    if (text.size() < yara::own::kShortestAnchor) fail(told + ": is too short");
    if (STRING_IS_WIDE(string)) all.insert(with_zeros(text));
    if (!STRING_IS_WIDE(string) || STRING_IS_ASCII(string)) all.insert(text);
    has_one = true;
  }
  if (!has_one) fail(std::string{rule->identifier} + ": has no anchor");
}

struct Input {
  std::string_view rest;
  static std::size_t read(void* into, std::size_t size, std::size_t count, void* self) {
    auto& rest = static_cast<Input*>(self)->rest;
    const auto whole = size == 0 ? 0 : std::min(count, rest.size() / size);
    if (whole > 0) std::memcpy(into, rest.data(), whole * size);
    rest.remove_prefix(whole * size);
    return whole;
  }
};

std::set<std::string> checked_anchors(const std::string& blob) {
  Input input{blob};
  YR_STREAM stream{&input, Input::read, nullptr};
  YR_RULES* rules = nullptr;
  if (yr_rules_load_stream(&stream, &rules) != ERROR_SUCCESS) fail("the compiled rules cannot be read back");
  std::set<std::string> anchors, names;
  const YR_RULE* rule = nullptr;
  yr_rules_foreach(rules, rule) {
    if (!names.insert(rule->identifier).second) fail(std::string{"two rules are called "} + rule->identifier);
    check_meta(rule);
    add_anchors(rule, anchors);
  }
  yr_rules_destroy(rules);
  return anchors;
}

std::string version_of(const std::vector<yara::RuleText>& texts) {
  std::string all = YR_VERSION;
  for (const auto& t : texts) all += '\0' + t.name + '\0' + t.text;
  return assay::bytes::sha256(assay::bytes::view(all)).substr(0, 16);
}

/// Each with its length before it.
std::string in_one(const std::set<std::string>& anchors) {
  std::string all;
  for (const auto& anchor : anchors) {
    if (anchor.size() > 255) fail("an anchor is too long: " + anchor);
    all += static_cast<char>(anchor.size()) + anchor;
  }
  return all;
}

void write(std::string_view blob, std::string_view anchors, const std::string& version, const char* path) {
  std::ofstream out{path};
  out << "// Generated by tools/compile_yara.cpp from rules/yara/*.yar. Change those instead.\n"
         "#include \"malware/yara/own_table.h\"\n\n"
         "namespace assay::malware::yara::own {\n"
         "namespace {\n";
  write_masked(out, "kCompiled", blob);
  write_masked(out, "kAnchors", anchors);
  out << "}  // namespace\n"
         "const std::span<const unsigned char> compiled{kCompiled};\n"
         "const std::span<const unsigned char> anchors{kAnchors};\n"
         "const std::string_view version = \""
      << version
      << "\";\n"
         "}  // namespace assay::malware::yara::own\n";
  if (!out.flush()) fail("cannot write");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) fail("usage: compile_yara OUTPUT.cpp RULES.yar...");
  const auto texts = read_all(argc - 2, argv + 2);
  for (const auto& file : texts) check_conditions(file);
  const auto blob = compiled(texts);
  write(blob, in_one(checked_anchors(blob)), version_of(texts), argv[1]);
}
