#include <cstdio>

#include "app/commands.h"
#include "base/clock.h"
#include "base/text.h"
#include "detect/detect.h"
#include "detect/written.h"
#include "scan/inspect.h"

namespace assay::app {
namespace {

constexpr std::uint64_t kFewOpcodes = 400;  ///< per pickle, unless all are asked for
constexpr std::size_t kFewTensors = 200;
constexpr std::size_t kFewMetadata = 50;

std::string place(const format::Document& d, const format::Place& p) {
  const auto path = member_path(d, p.member);
  std::array<char, 32> offset;
  std::snprintf(offset.data(), offset.size(), "0x%llx", static_cast<unsigned long long>(p.offset));
  return (path.empty() ? "" : printable(path, 200) + " ") + offset.data();
}

void print_tree(const format::Document& d) {
  std::printf("\nInside\n");
  std::vector<unsigned> depth(d.members.size(), 0);
  for (std::size_t i = 0; i < d.members.size(); ++i) {
    const auto& m = d.members[i];
    if (i > 0) depth[i] = depth[m.parent] + 1;
    std::string formats;
    for (const auto& f : m.formats) formats += (formats.empty() ? "" : ", ") + f;
    std::printf("  %*s%s  %s, %s%s%s\n", static_cast<int>(2 * std::min(depth[i], 20u)), "",
                i == 0 ? "." : printable(m.name, 120).c_str(), printable(m.role, 40).c_str(),
                human_bytes(m.size).c_str(), formats.empty() ? ", not recognised" : ": ",
                printable(formats, 200).c_str());
  }
}

/// A fact does not say which of PERSID and BINPERSID made a persistent load.
std::string made_by(const format::Call& c) {
  return c.kind == format::Call::Kind::persistent ? "persistent" : std::string{to_string(c.kind)};
}

std::string call_in_words(const format::Call& c) {
  using Kind = format::Call::Kind;
  const auto object = [&] { return detect::written(c.callee, 120); };
  const auto argument = [&](std::size_t i) { return i < c.args.size() ? detect::written(c.args[i], 200) : "?"; };
  switch (c.kind) {
    case Kind::build:
    case Kind::append:
    case Kind::add: return object() + " <- " + argument(0);
    case Kind::setitem: return object() + "[" + argument(0) + "] <- " + argument(1);
    case Kind::persistent: return "persistent_load(" + argument(0) + ")";
    case Kind::reduce:
    case Kind::inst:
    case Kind::obj:
    case Kind::newobj:
    case Kind::newobj_ex: break;
  }
  return detect::written_call(c.callee, c.args, 300);
}

void print_facts(const format::Document& d, const report::Artifact& a) {
  if (!a.imports.empty()) std::printf("\nImports\n");
  for (const auto& i : a.imports)
    std::printf("  %-11s %s.%s  (%s)\n", std::string{to_string(i.safety)}.c_str(), printable(i.module, 120).c_str(),
                printable(i.name, 120).c_str(), i.why.c_str());
  if (!d.calls.empty()) std::printf("\nCalls\n");
  for (const auto& c : d.calls)
    std::printf("  %-20s %-10s %s%s\n", place(d, c.place).c_str(), made_by(c).c_str(), call_in_words(c).c_str(),
                c.count > 1 ? ("  (" + std::to_string(c.count) + " times)").c_str() : "");
  for (const auto& c : d.checkpoints) {
    std::printf("\nPyTorch checkpoint, layout \"%s\": %llu tensors, %s\n", c.layout.c_str(),
                static_cast<unsigned long long>(c.tensors), human_bytes(c.tensor_bytes).c_str());
    if (c.weights_only) std::printf("  torch.load(weights_only=True) of torch 2.x accepts it.\n");
    else
      std::printf("  torch.load(weights_only=True) of torch 2.x refuses it: %s (%s).\n",
                  printable(c.reason, 200).c_str(), place(d, c.reason_place).c_str());
  }
}

void print_tensors(const std::vector<scan::TensorLine>& tensors, bool all) {
  if (tensors.empty()) return;
  std::printf("\nTensors\n");
  std::size_t shown = 0;
  for (const auto& t : tensors) {
    if (!all && ++shown > kFewTensors) {
      std::printf("  ... and %zu more (--all shows them)\n", tensors.size() - kFewTensors);
      return;
    }
    std::printf("  %-48s %-10s %-24s %s\n", printable(t.name, 120).c_str(), printable(t.dtype, 24).c_str(),
                printable(t.shape, 120).c_str(), human_bytes(t.bytes).c_str());
  }
}

void print_metadata(const std::vector<scan::MetadataLine>& metadata, bool all) {
  if (metadata.empty()) return;
  std::printf("\nMetadata\n");
  const auto shown = all ? metadata.size() : std::min(metadata.size(), kFewMetadata);
  for (std::size_t i = 0; i < shown; ++i)
    std::printf("  %-32s %s\n", printable(metadata[i].key, 120).c_str(),
                printable(metadata[i].value, all ? 2000 : 200).c_str());
  if (shown < metadata.size()) std::printf("  ... and %zu more (--all shows them)\n", metadata.size() - shown);
}

}  // namespace

int run_inspect(const Common& common, bool all) {
  const auto policy = load_policy(common);
  if (!policy) return kUsage;
  auto options = common.scan;
  options.limits = policy->limits;
  const auto& path = common.paths.front();
  const auto out = scan::inspect(path, options, all ? UINT64_MAX : kFewOpcodes);
  if (!out) {
    std::fprintf(stderr, "assay: %s: %s\n", printable(path).c_str(), out.error().what.c_str());
    return 2;
  }
  const auto& d = out->document;
  bool fails = false;
  const auto artifact = scan::judge(d, *policy, SystemClock{}.today(), fails);
  std::printf("%s  %s, %s\n", printable(path).c_str(), human_bytes(d.size).c_str(),
              std::string{to_string(artifact.status)}.c_str());
  for (const auto& f : artifact.findings)
    std::printf("  %-10s %s (%s)\n             %s\n", std::string{to_string(f.severity)}.c_str(), f.message.c_str(),
                f.rule.c_str(), f.evidence.c_str());
  print_tree(d);
  print_facts(d, artifact);
  print_tensors(out->tensors, all);
  print_metadata(out->metadata, all);
  for (const auto& p : out->programs) {
    std::printf("\nProgram at %s\n", place(d, p.place).c_str());
    for (const auto& line : p.lines) std::printf("  %s\n", printable(line, 2000).c_str());
    if (p.cut) std::printf("  ... (--all shows the rest)\n");
  }
  return 0;
}

}  // namespace assay::app
