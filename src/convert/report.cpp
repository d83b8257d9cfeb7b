#include "convert/report.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "base/version.h"
#include "report/ink.h"
#include "report/json_value.h"
#include "report/words.h"
#include "tensors/found.h"

namespace assay::convert {
namespace {

using finding::Severity;
using report::counted;
using report::Ink;
using report::Json;
using Status = Conversion::Status;

constexpr std::size_t kMargin = 12;  // "converted" and spaces
constexpr unsigned kNarrowest = 40;
constexpr std::size_t kFew = 5;  ///< of a kind, without -v
constexpr std::size_t kMostWord = 160;

Ink ink_of(Status status) {
  switch (status) {
    case Status::converted:
    case Status::there: return Ink::green;
    case Status::planned: return Ink::cyan;
    case Status::skipped: return Ink::faint;
    case Status::refused: return Ink::yellow;
    case Status::failed: return Ink::red;
  }
  return Ink::plain;
}

std::string shown(const std::string& raw) { return printable(raw, kMostWord); }

class Page {
 public:
  explicit Page(const report::TextOptions& options) : options_{options}, width_{std::max(options.width, kNarrowest)} {}

  void label(std::string_view word, Ink ink, const std::string& text) {
    paint(ink, word);
    out_.append(kMargin - std::min(kMargin - 1, word.size()), ' ');
    lines(text);
  }
  void line(const std::string& text) {
    out_.append(kMargin, ' ');
    lines(text);
  }
  /// The first few of `all`, each a line of its own.
  template <class Items, class Write>
  void list(const std::string& title, const Items& all, std::uint64_t more, Write write) {
    if (all.empty() && more == 0) return;
    line(title);
    const auto most = options_.verbose ? all.size() : std::min(all.size(), kFew);
    for (std::size_t i = 0; i < most; ++i) line("  " + write(all[i]));
    const auto rest = all.size() - most + more;
    if (rest > 0) line("  and " + report::grouped(rest) + " more" + (options_.verbose ? "" : " (-v shows them)"));
  }
  void text(std::string_view raw) { out_ += raw; }
  void paint(Ink ink, std::string_view text) {
    const auto code = options_.colour ? report::code_of(ink) : std::string_view{};
    out_.append(code).append(text).append(code.empty() ? "" : "\x1b[0m");
  }
  bool is_empty() const { return out_.empty(); }
  bool verbose() const { return options_.verbose; }
  std::string take() { return std::move(out_); }

 private:
  /// What does not fit goes on below, as far in as it began.
  void lines(const std::string& text) {
    const auto indent = std::min(text.find_first_not_of(' '), text.size());
    auto before = indent;
    for (const auto& l : report::wrapped(text.substr(indent), width_ - kMargin - indent)) {
      out_.append(std::exchange(before, kMargin + indent), ' ');
      out_.append(l).append("\n");
    }
  }

  const report::TextOptions& options_;
  unsigned width_;
  std::string out_;
};

void write_source(Page& page, const Conversion& c) {
  const auto describe = [](const Source& s) {
    auto out = shown(s.path) + "  " + human_bytes(s.size);
    if (!s.format.empty()) out += ", " + shown(s.format);
    if (!s.key.empty()) out += ", its '" + shown(s.key) + "'";
    return out + ", scan: " + std::string{to_string(s.status)};
  };
  const auto word = c.status == Status::there ? std::string_view{"up to date"} : to_string(c.status);
  if (c.sources.size() == 1) return page.label(word, ink_of(c.status), describe(c.sources.front()));
  page.label(word, ink_of(c.status), "a model of " + counted(c.sources.size(), "file"));
  page.list("from", c.sources, 0, describe);
}

void write_findings(Page& page, const Conversion& c) {
  std::map<std::string, std::string> messages;  // by rule
  for (const auto& s : c.sources)
    for (const auto& f : s.findings)
      if (f.severity >= Severity::error) messages.emplace(f.rule, f.message);
  std::vector<std::pair<std::string, std::string>> all{messages.begin(), messages.end()};
  page.list("findings in the source:", all, 0, [](const auto& f) { return f.second + " (" + f.first + ")"; });
}

void write_tensors(Page& page, const Conversion& c) {
  if (!c.tensors.empty()) page.line("tensors, and the SHA-256 of their bytes:");
  for (const auto& t : c.tensors) {
    page.line("  " + shown(t.name) + "  " + t.dtype + " " + tensors::in_brackets(t.shape));
    if (!t.sha256.empty()) page.line("    " + t.sha256);
  }
}

std::string describe(const Product& p, Status status) {
  auto out = shown(p.path) + "  " + counted(p.tensors, "tensor") + ", " + human_bytes(p.size);
  if (status != Status::planned) out += ", every byte compared";
  if (p.replaces) out += ", replaces the old file";
  return out;
}

void write_conversion(Page& page, const Conversion& c) {
  write_source(page, c);
  if (!c.why.empty()) page.line(printable(c.why));
  const std::string sign = c.status == Status::there ? "= " : "-> ";
  for (const auto& p : c.products) page.line(sign + describe(p, c.status));
  if (!c.index.empty()) page.line(sign + shown(c.index));
  page.list("the same tensor under two names, written once:", c.tied, 0,
            [](const Tied& t) { return shown(t.name) + " is " + shown(t.kept); });
  if (c.status != Status::skipped)
    page.list("not converted:", c.leftovers, c.more_leftovers, [](const tensors::Leftover& l) {
      return (l.name.empty() ? "" : shown(l.name) + ": ") + shown(l.what) + "; " + printable(l.reason);
    });
  page.list("kept as metadata:", c.kept_metadata, 0,
            [](const tensors::Scalar& s) { return shown(s.name) + " = " + shown(s.text); });
  page.list("note:", c.notices, 0, [](const std::string& n) { return printable(n); });
  if (page.verbose()) write_tensors(page, c);
  if (c.status == Status::converted || c.status == Status::planned || c.status == Status::there)
    write_findings(page, c);
  page.list("removed:", c.removed, 0, shown);
}

std::string summary(const Outcome& outcome) {
  std::map<Status, std::uint64_t> counts;
  for (const auto& c : outcome.conversions) ++counts[c.status];
  if (outcome.conversions.empty()) return "there is no checkpoint here";
  std::string out;
  for (const auto& [status, n] : counts)
    out += (out.empty() ? "" : ", ") + report::grouped(n) + " " +
           std::string{status == Status::there ? "up to date" : to_string(status)};
  return out + " · " + report::duration(outcome.seconds) + (outcome.interrupted ? " · interrupted" : "");
}

/// Whole, also where it is no UTF-8.
Json with_path(const std::string& path, Json fields) {
  Json out{{"path", to_utf8(path)}};
  if (!is_utf8(path)) out["path_bytes"] = to_hex(path);
  out.update(fields);
  return out;
}

Json json_of(const Source& s) {
  auto findings = Json::array();
  for (const auto& f : s.findings)
    findings.push_back({{"rule", f.rule},
                        {"severity", std::string{to_string(f.severity)}},
                        {"fingerprint", f.fingerprint},
                        {"message", to_utf8(f.message)},
                        {"evidence", to_utf8(f.evidence)}});
  return with_path(s.path, {{"size", s.size},
                            {"sha256", s.sha256},
                            {"format", to_utf8(s.format)},
                            {"key", to_utf8(s.key)},
                            {"status", std::string{to_string(s.status)}},
                            {"findings", std::move(findings)}});
}

template <class Items, class Write>
Json list_of(const Items& items, Write write) {
  auto out = Json::array();
  for (const auto& item : items) out.push_back(write(item));
  return out;
}

Json pair_of(const Tied& t) {
  Json out{{"name", to_utf8(t.name)}, {"kept", to_utf8(t.kept)}};
  if (!t.sha256.empty()) out["sha256"] = t.sha256;
  return out;
}

Json json_of(const Conversion& c) {
  Json out{{"status", std::string{to_string(c.status)}}, {"why", to_utf8(c.why)}};
  out["sources"] = list_of(c.sources, [](const Source& s) { return json_of(s); });
  out["products"] = list_of(c.products, [](const Product& p) {
    return with_path(p.path, {{"size", p.size}, {"tensors", p.tensors}, {"replaces", p.replaces}});
  });
  out["index"] = to_utf8(c.index);
  out["tensors"] = list_of(c.tensors, [](const Converted& t) -> Json {
    return {{"name", to_utf8(t.name)}, {"dtype", t.dtype},   {"shape", t.shape},     {"bytes", t.bytes},
            {"sha256", t.sha256},      {"source", t.source}, {"product", t.product}, {"laid_out_anew", t.laid_out}};
  });
  out["tied"] = list_of(c.tied, pair_of);
  out["not_converted"] = list_of(c.leftovers, [](const tensors::Leftover& l) -> Json {
    return {{"name", to_utf8(l.name)}, {"what", to_utf8(l.what)}, {"reason", to_utf8(l.reason)}};
  });
  out["not_converted_and_not_listed"] = c.more_leftovers;
  out["kept_metadata"] = list_of(c.kept_metadata, [](const tensors::Scalar& s) -> Json {
    return {{"name", to_utf8(s.name)}, {"text", to_utf8(s.text)}};
  });
  out["notices"] = list_of(c.notices, to_utf8);
  out["removed"] = list_of(c.removed, to_utf8);
  out["seconds"] = {
      {"read", c.seconds.read}, {"digest", c.seconds.digest}, {"write", c.seconds.write}, {"verify", c.seconds.verify}};
  return out;
}

}  // namespace

std::string to_text(const Outcome& outcome, const report::TextOptions& options) {
  Page page{options};
  std::size_t quiet = 0;
  for (const auto& c : outcome.conversions) {
    // In a folder, files without tensors are the rule.
    const bool is_quiet = c.status == Status::skipped && outcome.conversions.size() > 1 && !options.verbose;
    if (is_quiet) {
      ++quiet;
      continue;
    }
    if (!page.is_empty()) page.text("\n");
    write_conversion(page, c);
  }
  if (quiet > 0 && !page.is_empty()) page.text("\n");
  if (quiet > 0)
    page.label("skipped", Ink::faint, counted(quiet, "file") + " without anything to convert (-v names them)");
  const bool any = std::any_of(outcome.conversions.begin(), outcome.conversions.end(), [](const Conversion& c) {
    return c.status == Status::converted || c.status == Status::planned;
  });
  if (!outcome.conversions.empty()) page.text("\n");
  page.paint(Ink::strong, summary(outcome));
  page.text("\n");
  if (any) page.text("Loading safetensors runs no code. That says nothing about what the weights do.\n");
  return page.take();
}

std::string to_json(const Outcome& outcome) {
  Json out{{"schema", std::string{kSchema}},
           {"version", std::string{kVersion}},
           {"confinement", outcome.tier},
           {"interrupted", outcome.interrupted},
           {"seconds", outcome.seconds}};
  out["conversions"] = list_of(outcome.conversions, [](const Conversion& c) { return json_of(c); });
  return report::dumped(out, 2) + "\n";
}

std::string to_text(const Comparison& c, const report::TextOptions& options) {
  Page page{options};
  const bool same = c.same;
  page.label(same ? "the same" : "different", same ? Ink::green : Ink::red,
             shown(c.left) + " and " + shown(c.right) + ": " + counted(c.equal, "equal tensor") + ", " +
                 human_bytes(c.bytes) + " compared");
  page.list("differences:", c.differences, 0,
            [](const Comparison::Difference& d) { return shown(d.name) + ": " + printable(d.what); });
  page.list("not compared:", c.not_compared, 0,
            [](const Comparison::Difference& d) { return shown(d.name) + ": " + printable(d.what); });
  page.list("the same tensor under two names, written once:", c.tied, 0,
            [](const Tied& t) { return shown(t.name) + " is " + shown(t.kept); });
  return page.take();
}

std::string to_json(const Comparison& c) {
  const auto told = [](const Comparison::Difference& d) -> Json {
    return {{"name", to_utf8(d.name)}, {"what", to_utf8(d.what)}};
  };
  const Json out{{"schema", "assay-comparison/1"},
                 {"version", std::string{kVersion}},
                 {"same", c.same},
                 {"left", to_utf8(c.left)},
                 {"right", to_utf8(c.right)},
                 {"equal", c.equal},
                 {"bytes", c.bytes},
                 {"differences", list_of(c.differences, told)},
                 {"not_compared", list_of(c.not_compared, told)},
                 {"tied", list_of(c.tied, pair_of)},
                 {"seconds", c.seconds}};
  return report::dumped(out, 2) + "\n";
}

}  // namespace assay::convert
