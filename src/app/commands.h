// The commands. Each returns the program's exit code.
#pragma once
#include "app/options.h"

namespace assay::app {

int run_scan(Common common);
int run_facts(Common common);
int run_judge(Common common);
int run_convert(const Common& common, const convert::Options& options, bool is_check);
int run_inspect(const Common& common, bool all_opcodes);
int run_rules_list();
int run_rules_explain(const std::string& id);

}  // namespace assay::app
