#include <cstdio>

#include "app/commands.h"
#include "base/text.h"
#include "detect/rules.h"
#include "secrets/secrets.h"

namespace assay::app {
namespace {

void print_references(std::span<const std::string_view> references) {
  for (const auto& r : references) std::printf("  see       %s\n", std::string{r}.c_str());
}

std::string_view word(secrets::Severity severity) {
  switch (severity) {
    case secrets::Severity::low: return "low";
    case secrets::Severity::medium: return "medium";
    case secrets::Severity::high: return "high";
  }
  return "";
}

}  // namespace

int run_rules_list() {
  std::printf("rule set %s, of secrets %s\n\n", std::string{detect::rule_set_version()}.c_str(),
              std::string{secrets::rule_set_version()}.c_str());
  for (const auto& r : detect::all_rules())
    std::printf("%-40s %-10s %s\n", std::string{r.id}.c_str(), std::string{detect::to_string(r.effect)}.c_str(),
                std::string{r.says}.c_str());
  std::printf("\n");
  for (const auto& r : detect::all_structure_rules())
    std::printf("%-40s %-10s %s\n", std::string{r.id}.c_str(), std::string{finding::to_string(r.severity)}.c_str(),
                std::string{r.says}.c_str());
  std::printf("\n");
  for (const auto& d : secrets::detectors())
    std::printf("%-40s %-10s %s\n", std::string{d.id}.c_str(), std::string{word(d.severity)}.c_str(),
                std::string{d.name}.c_str());
  return 0;
}

int run_rules_explain(const std::string& id) {
  bool known = false;
  for (const auto& r : detect::all_rules()) {
    if (r.id != id) continue;
    known = true;
    std::printf("%s\n  effect    %s\n  means     loading such a file %s\n", id.c_str(),
                std::string{detect::to_string(r.effect)}.c_str(), std::string{r.says}.c_str());
    if (!r.condition.empty())
      std::printf("  unless    %s (docs/rules.md, Conditions)\n", std::string{r.condition}.c_str());
    if (!r.library.empty()) std::printf("  library   %s\n", std::string{r.library}.c_str());
    if (!r.remedy.empty()) std::printf("  do now    %s\n", std::string{r.remedy}.c_str());
    print_references(r.references);
    for (const auto& name : detect::names_of(r)) std::printf("  name      %s\n", name.c_str());
  }
  if (const auto* r = detect::find_structure(id)) {
    known = true;
    std::printf("%s\n  severity  %s\n  means     %s\n", id.c_str(),
                std::string{finding::to_string(r->severity)}.c_str(), std::string{r->says}.c_str());
    if (!r->remedy.empty()) std::printf("  do now    %s\n", std::string{r->remedy}.c_str());
    print_references(r->references);
  }
  for (const auto& d : secrets::detectors()) {
    if (d.id != id) continue;
    known = true;
    std::printf("%s\n  severity  %s\n  is        %s\n  can       %s\n  revoke    %s\n", id.c_str(),
                std::string{word(d.severity)}.c_str(), std::string{d.name}.c_str(), std::string{d.can}.c_str(),
                std::string{d.revoke}.c_str());
    if (!d.note.empty()) std::printf("  note      %s\n", std::string{d.note}.c_str());
  }
  if (known) return 0;
  return usage_error("no rule is called '" + id + "'; assay rules list shows all");
}

}  // namespace assay::app
