// assay: the command line. Wires and does nothing else.
#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "app/commands.h"
#include "app/revisions.h"
#include "base/version.h"
#include "issuer/issuer.h"
#include "malware/clamd/address.h"

using namespace assay::app;
namespace issuer = assay::issuer;

namespace {

constexpr const char* kExamples = R"(Examples:
  assay scan model.bin                      what would this file do to me?
  assay scan ./model --format sarif -o out.sarif --format text
  assay scan ~/.cache/huggingface/hub -v    everything that was ever downloaded
  assay scan --git . --since origin/main    every version of every file since then
  assay inspect pytorch_model.bin           the pickle as a program, the tensors, the tree
  assay convert pytorch_model.bin           model.safetensors beside it: the same tensors, and no code
  assay convert --check a.bin b.safetensors do these hold the same tensors?
  assay facts ./model > facts.jsonl         the dear part, once
  assay judge facts.jsonl --policy team.toml   the cheap part, every day
  assay rules explain pickle.call.os-system

Exit codes: 0 nothing at or above the failing level (default: suspicious), 1 something is,
2 something could not be read, 64 the command line makes no sense.

"safe" speaks of loading: loading runs no code. It says nothing about what the model does.)";

constexpr const char* kConvertExitCodes =
    R"(Exit codes: 0 converted, there already or skipped, 1 something was refused (with --check: something differs), else
2 something could not be read, written or verified, 64 the command line makes no sense, 130 interrupted.)";

void add_report_options(CLI::App& command, Common& common, std::string& unknown_format) {
  command.add_option("--format,-f", "text, json, jsonl, sarif or hub; may be repeated, each followed by its -o")
      ->trigger_on_parse()
      ->take_last()
      ->each([&](const std::string& word) {
        if (const auto format = format_from(word)) common.outputs.push_back({*format, ""});
        else unknown_format = word;
      })
      ->type_name("FORMAT");
  command.add_option("--output,-o", "file for the --format before it (default: standard output)")
      ->trigger_on_parse()
      ->take_last()
      ->each([&](const std::string& path) {
        if (common.outputs.empty()) common.outputs.push_back({});
        common.outputs.back().path = path;
      })
      ->type_name("FILE");
  command.add_flag("--verbose,-v", common.verbose, "show safe files, notes, imports and coverage too");
  command.add_flag("--no-colour,--no-color", common.no_colour, "plain text on a terminal, too");
}

void add_policy_option(CLI::App& command, Common& common) {
  command
      .add_option("--policy", common.policy_path,
                  "policy to judge by (default: your own configuration, if there is one)")
      ->type_name("FILE");
}

void add_judging_options(CLI::App& command, Common& common) {
  add_policy_option(command, common);
  command
      .add_option("--fail-on", common.fail_on,
                  "level from which the exit code is 1: caution, unscanned, error, suspicious, unsafe")
      ->type_name("STATUS");
}

/// What is scanned: paths, or with --git a part of a history. CLI11 wants to know before it reads which of them it is.
void add_subject(CLI::App& command, Common& common, GitOptions& git, bool is_git) {
  command.add_option("paths", common.paths, "files, folders, a Hugging Face cache, or - for standard input")
      ->required(!is_git)
      ->type_name("PATH");
  command
      .add_option("--git", git.repository,
                  "every blob in the history of this repository, once; then REV or REV..REV in place of paths")
      ->type_name("REPO");
  command.add_option("--since", git.since, "with --git: only what this revision does not have")->type_name("REV");
  command.add_flag("--all", git.all, "with --git: of every branch, tag and other reference");
}

bool asks_for_git(int argc, char** argv) {
  return std::any_of(argv, argv + argc, [](const char* word) {
    const std::string_view text = word;
    return text == "--git" || text.starts_with("--git=");
  });
}

void add_scan_options(CLI::App& command, Common& common) {
  command.add_option("--jobs,-j", common.scan.jobs, "files read at the same time (default: one per core)")
      ->check(CLI::Range(1u, 256u))
      ->type_name("N");
  command.add_option("--include", common.scan.selection.include, "only files that match this glob; may be repeated")
      ->allow_extra_args(false)
      ->type_name("GLOB");
  command.add_option("--exclude", common.scan.selection.exclude, "not files that match this glob; may be repeated")
      ->allow_extra_args(false)
      ->type_name("GLOB");
  command.add_flag("--digest", common.scan.digest, "SHA-256 of every file, also of those whose tensors are not read");
  command
      .add_option("--spool", common.scan.spool_folder,
                  "folder for decompressed bytes that do not fit in memory (default: /var/tmp)")
      ->type_name("FOLDER");
}

void add_yara_option(CLI::App& command, Common& common) {
  command
      .add_option("--yara", common.yara_path,
                  "YARA rules to scan with besides the built-in ones: a file, or a folder of *.yar and *.yara")
      ->type_name("PATH");
}

void add_key_option(CLI::App& command, Common& common) {
  command
      .add_option("--secrets-key", common.secrets_key_path,
                  "file with a key for the fingerprints of secrets, so that nobody can guess back from them")
      ->type_name("FILE");
}

void add_search_options(CLI::App& command, Common& common) {
  command.add_flag_callback(
      "--no-secrets", [&] { common.scan.secrets = false; }, "do not look for tokens, keys and passwords");
  auto* verify = command.add_flag("--verify-secrets", common.scan.verify_secrets,
                                  "ask issuers whether the secrets that were found still work; sends them there");
  command
      .add_option("--verify-at", common.scan.verify_at,
                  "server to ask instead of the issuers, as http://127.0.0.1:8080")
      ->needs(verify)
      ->check([](const std::string& url) {
        return issuer::is_gateway(url) ? "" : "needs a link such as https://host:port, not '" + url + "'";
      })
      ->type_name("URL");
}

void add_baseline_options(CLI::App& command, Common& common) {
  auto* baseline = command
                       .add_option("--baseline", common.baseline_path,
                                   "secrets that are known and no longer count; written where there is none yet")
                       ->type_name("FILE");
  command.add_flag("--update-baseline", common.update_baseline, "write the baseline anew, with all that is found now")
      ->needs(baseline);
  add_key_option(command, common);
}

void add_clamd_option(CLI::App& command, Common& common, std::string& bad_address) {
  command
      .add_option_function<std::string>(
          "--clamd",
          [&](const std::string& address) {
            common.scan.clamd = address;
            const auto parsed = assay::malware::clamd::parse_address(address);
            if (!parsed) bad_address = "--clamd " + address + ": " + std::string{parsed.error().what};
          },
          "where ClamAV's daemon listens: a socket's path or HOST:PORT (default: its usual places)")
      ->type_name("ADDRESS");
}

void add_malware_options(CLI::App& command, Common& common, std::string& bad_address) {
  using assay::scan::Malware;
  add_clamd_option(command, common, bad_address);
  command
      .add_option_function<std::string>(
          "--malware",
          [&](const std::string& word) {
            common.scan.malware = word == "off" ? Malware::off : word == "full" ? Malware::full : Malware::on;
          },
          "look for malware in every file: off, on (but for tensors) or full (default: on)")
      ->check(CLI::IsMember({"off", "on", "full"}).description(""))
      ->type_name("MODE");
  command
      .add_option("--clamd-limit", common.scan.clamd_limit,
                  "most bytes it is sent at once, less than its MaxFileSize and StreamMaxLength (default: 20MiB)")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true).description(""))
      ->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 30).description(""))
      ->type_name("SIZE");
}

void add_risk_option(CLI::App& command, Common& common) {
  command.add_flag("--allow-unconfined", common.scan.allow_unconfined,
                   "go on where the system cannot confine the processes that read files");
}

struct Converting {
  assay::convert::Options options;
  std::string report;
  bool check = false;
};

void add_convert_options(CLI::App& command, Common& common, Converting& c, std::string& unknown_format) {
  auto& o = c.options;
  command.add_option("paths", common.paths, "checkpoints, or folders of them; with --check two that are compared")
      ->required()
      ->type_name("PATH");
  command.add_flag("--check", c.check, "write nothing: do these two hold the same tensors?");
  command.add_option("--output,-o", o.output, "file to write, or folder (default: beside the source)")
      ->type_name("PATH");
  command
      .add_option_function<std::string>(
          "--key", [&](const std::string& key) { o.key = key; },
          "path of the dict to convert, with dots; \"\" is all of it (default: state_dict, model, ...)")
      ->type_name("KEY");
  command.add_option("--shard-size", o.shard_bytes, "most bytes of tensors in one file, as 5GB")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true).description(""))
      ->type_name("SIZE");
  command.add_flag("--strict", o.strict, "refuse where anything would be left out");
  command.add_flag("--keep-metadata", o.keep_metadata, "keep numbers and texts beside the tensors, as metadata");
  command.add_flag("--copy-tied", o.copy_tied, "write a tensor that has two names twice");
  command.add_flag("--force", o.force, "replace files that are there");
  command.add_flag("--remove-source", o.remove_source, "remove what was converted, where nothing was left out");
  command.add_flag("--dry-run,-n", o.dry_run, "say what would be done");
  command
      .add_option_function<std::string>(
          "--format,-f",
          [&](const std::string& word) {
            if (const auto format = format_from(word)) common.outputs.assign(1, {*format, ""});
            else unknown_format = word;
          },
          "text or json")
      ->type_name("FORMAT");
  command.add_option("--report", c.report, "file for the report (default: standard output)")->type_name("FILE");
  command.add_flag("--verbose,-v", common.verbose, "list every tensor, and all that is not converted");
  command.add_flag("--no-colour,--no-color", common.no_colour, "plain text on a terminal, too");
  command.add_option("--spool", o.spool_folder, "folder for decompressed bytes (default: /var/tmp)")
      ->type_name("FOLDER");
  add_policy_option(command, common);
  command.add_flag("--allow-unconfined", o.allow_unconfined,
                   "go on where the system cannot confine the processes that read files");
}

int run_converting(Common& common, Converting converting) {
  common.outputs.front().path = converting.report;
  return run_convert(common, converting.options, converting.check);
}

/// CLI11 asks for what is missing before it names the word that stands in its place.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto strange = app.remaining(/*recurse=*/true);
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (!missing || strange.empty()) return error.what();
  const auto& word = strange.front();
  return std::string{word.starts_with('-') ? "no option" : "no command"} + " is called '" + word + "' here";
}

/// What a short-lived process wants of its system.
void settle_in() {
  ::mallopt(M_TRIM_THRESHOLD,
            1 << 25);  // bytes: giving memory back to take it again a millisecond later costs a page fault each
  rlimit files{};
  constexpr rlim_t kEnough = 8192;  // the usual 1024 are a limit for select(), which nobody here calls
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= kEnough) return;
  files.rlim_cur = std::min(files.rlim_max, kEnough);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
  settle_in();
  CLI::App app{"assay: what would this file do to somebody who loads it?"};
  app.footer(kExamples);
  app.set_version_flag("--version", "assay " + std::string{assay::kVersion});
  app.require_subcommand(1);

  Common common;
  std::string unknown_format, bad_address, rule;
  bool all = false;

  GitOptions git;
  const bool is_git = asks_for_git(argc, argv);
  auto* scan = app.add_subcommand("scan", "examine files and say what loading them would do");
  add_subject(*scan, common, git, is_git);
  add_scan_options(*scan, common);
  add_search_options(*scan, common);
  add_baseline_options(*scan, common);
  scan->add_flag("--show-secrets", common.show_secrets, "show secrets whole; on a terminal only");
  add_yara_option(*scan, common);
  add_malware_options(*scan, common, bad_address);
  add_judging_options(*scan, common);
  add_report_options(*scan, common, unknown_format);
  add_risk_option(*scan, common);

  auto* inspect = app.add_subcommand("inspect", "show one file's pickles, calls, tensors and members");
  inspect->add_option("file", common.paths, "the file")->required()->expected(1)->type_name("FILE");
  inspect->add_flag("--all", all, "every opcode and every tensor");
  add_policy_option(*inspect, common);
  add_risk_option(*inspect, common);

  auto* convert =
      app.add_subcommand("convert", "write what is in checkpoints as safetensors, without running anything");
  Converting converting;
  add_convert_options(*convert, common, converting, unknown_format);
  convert->footer(kConvertExitCodes);

  auto* facts = app.add_subcommand("facts", "write what files say, without judging it, as JSON lines");
  add_subject(*facts, common, git, is_git);
  add_scan_options(*facts, common);
  add_search_options(*facts, common);
  add_key_option(*facts, common);
  add_yara_option(*facts, common);
  add_malware_options(*facts, common, bad_address);
  add_policy_option(*facts, common);
  facts->add_option("--output,-o", "file to write to (default: standard output)")
      ->each([&](const std::string& path) {
        common.outputs.assign(1, {Format::jsonl, path});
      })
      ->type_name("FILE");
  add_risk_option(*facts, common);

  auto* judge = app.add_subcommand("judge", "judge kept facts: same verdict, formats and exit code as scan");
  judge->add_option("facts", common.paths, "what assay facts wrote, or -")->required()->expected(1)->type_name("FILE");
  add_clamd_option(*judge, common, bad_address);
  add_judging_options(*judge, common);
  add_baseline_options(*judge, common);
  add_report_options(*judge, common, unknown_format);

  auto* rules = app.add_subcommand("rules", "the rules that files are judged by");
  rules->require_subcommand(1);
  auto* rules_list = rules->add_subcommand("list", "every rule in one line");
  auto* rules_explain = rules->add_subcommand("explain", "what one rule means, and the names it covers");
  rules_explain->add_option("rule", rule, "its id")->required()->type_name("RULE");

  auto* hook = app.add_subcommand("hook", "what git runs before a push or a commit gets in");
  hook->require_subcommand(1);
  bool lets_unread_in = false;
  const auto add_hook = [&](const char* name, const char* says) {
    auto* command = hook->add_subcommand(name, says);
    add_scan_options(*command, common);
    add_malware_options(*command, common, bad_address);
    add_search_options(*command, common);
    add_key_option(*command, common);
    add_judging_options(*command, common);
    command->add_option("--baseline", common.baseline_path, "known secrets, which do not count")->type_name("FILE");
    add_risk_option(*command, common);
    command->add_flag("--let-unread-in", lets_unread_in, "do not refuse what could not be read to the end");
    return command;
  };
  auto* pre_receive =
      add_hook("pre-receive", "refuse pushes that bring something in; reads git's lines on standard input");
  auto* pre_commit = add_hook("pre-commit", "refuse a commit; reads what is staged, not what is in the folder");
  pre_commit->add_option("files", common.paths, "staged files (default: all that differ from HEAD)")->type_name("FILE");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return usage_error(complaint(app, error));
  }
  if (!bad_address.empty()) return usage_error(bad_address);
  if (!unknown_format.empty())
    return usage_error((convert->parsed() ? "--format takes text or json, not '"
                                          : "--format takes text, json, jsonl, sarif or hub, not '") +
                       unknown_format + "'");
  if (const auto wrong = settle_revisions(git, common); !wrong.empty()) return usage_error(wrong);
  if (pre_receive->parsed()) return run_pre_receive(common, lets_unread_in);
  if (pre_commit->parsed()) return run_pre_commit(common, lets_unread_in);
  if (common.outputs.empty()) common.outputs.push_back({});
  int on_standard_output = 0;
  for (const auto& output : common.outputs) on_standard_output += output.path.empty() ? 1 : 0;
  if (on_standard_output > 1)
    return usage_error("only one --format can go to standard output; give the others -o FILE");

  if (scan->parsed()) return run_scan(common);
  if (inspect->parsed()) return run_inspect(common, all);
  if (convert->parsed()) return run_converting(common, std::move(converting));
  if (facts->parsed()) return run_facts(common);
  if (judge->parsed()) return run_judge(common);
  if (rules_list->parsed()) return run_rules_list();
  return run_rules_explain(rule);
}
