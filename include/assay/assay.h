// Assay as a library: the three steps that the command line is made of.
//
//   extract   files -> documents    the dear part: bytes are read, in confined processes, once per content
//   judge     documents -> report   the cheap part: rules and policy over facts, no bytes
//   scan_repository  both in one
//
// report/ writes what they return: to_text(), to_json(), to_sarif(), and documents as the lines of `assay facts`.
//
// Fork is used to start the confined processes, so extract() and scan_repository() want to be called from a thread
// that outlives them, in a program that does not ignore SIGCHLD. Nothing here throws but std::bad_alloc.
// docs/document.md and docs/report.md describe the values; examples/api shows a whole program.
#pragma once
#include <string>
#include <vector>

#include "format/document.h"
#include "report/json.h"
#include "report/json_document.h"
#include "report/report.h"
#include "report/text.h"
#include "scan/judge.h"
#include "scan/scan.h"
#include "verdict/policy.h"

namespace assay {

using finding::Finding;
using finding::Status;
using format::Document;
using report::Artifact;
using report::Report;
using report::Repository;
using scan::exit_code;
using scan::extract;  ///< counts `options.limits`, not a policy's
using scan::Extraction;
using scan::GitSource;
using scan::judge;
using scan::Options;
using scan::Outcome;
using scan::Refusal;
using verdict::parse_policy;
using verdict::Policy;

/// extract() under the policy's limits, then judge(). With waivers in the policy every file's SHA-256 is computed.
tl::expected<Outcome, Refusal> scan_repository(const std::vector<std::string>& paths, const Policy& policy,
                                               std::chrono::sys_days today, Options options = {});

}  // namespace assay
