// Facts to findings: what the rules think of what a file says. Pure; sees no bytes.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "detect/rules.h"
#include "finding/finding.h"
#include "format/care.h"
#include "format/document.h"

namespace assay::detect {

/// Names that the owner's policy lists on top of the built-in rules. They can permit what no rule knows;
/// they can never permit a sink.
struct Listed {
  std::map<std::string, Effect> names;  ///< "module.name" or "module.*" to value, library or a sink
};

struct Judgement {
  std::vector<finding::Finding> findings;  ///< worst first, then by place
  std::vector<finding::ImportLabel> imports;
  std::vector<std::string> unscanned;  ///< sentences: what no reader examines
};

Judgement detect(const format::Document& document, const Listed& listed = {});

/// Whether judgement looks at the arguments of a call of this name. Readers count calls of other names
/// and keep only examples of their arguments.
format::Care care(std::string_view module, std::string_view name);

}  // namespace assay::detect
