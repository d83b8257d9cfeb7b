// The commands. Each returns the program's exit code.
#pragma once
#include "app/options.h"

namespace assay::app {

int run_scan(Common common);
int run_facts(Common common);
int run_judge(Common common);
int run_convert(const Common& common, const convert::Options& options, bool is_check);
/// Standard input: lines of OLD NEW REFERENCE, as git writes them to the hook.
int run_pre_receive(const Common& common, bool lets_unread_in);
/// Staged files: those in `common.paths`, or all that differ from HEAD.
int run_pre_commit(const Common& common, bool lets_unread_in);
int run_inspect(const Common& common, bool all_opcodes);
int run_rules_list();
int run_rules_explain(const std::string& id);

}  // namespace assay::app
