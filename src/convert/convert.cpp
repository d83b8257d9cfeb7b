#include "convert/convert.h"

#include <algorithm>

#include "base/text.h"
#include "convert/job.h"
#include "convert/path.h"
#include "convert/scanned.h"
#include "scan/judge.h"

namespace assay::convert {
namespace {

using scan::Refusal;

tl::unexpected<Refusal> refuse(std::string what) { return tl::unexpected<Refusal>{Refusal{std::move(what)}}; }

std::vector<Source> sources_of(const Unit& unit, const Scanned& scanned, const verdict::Policy& policy,
                               std::chrono::sys_days today) {
  std::vector<Source> out;
  for (std::size_t i = 0; i < unit.sources.size(); ++i) {
    bool fails = false;
    auto artifact = scan::judge(scanned.documents[unit.documents[i]], policy, today, fails);
    Source s;
    s.path = unit.sources[i];
    s.size = artifact.size;
    s.status = artifact.status;
    s.findings = std::move(artifact.findings);
    out.push_back(std::move(s));
  }
  return out;
}

struct Found {
  Scanned scanned;
  std::vector<Unit> units;
};

/// Several files need a folder.
tl::expected<void, Refusal> fits_output(const std::vector<Found>& found, const Options& options) {
  const auto& to = options.output;
  std::size_t files = 0;
  bool to_folder = true;
  for (const auto& f : found)
    for (const auto& unit : f.units) {
      files += options.shard_bytes > 0 ? 1 : unit.products.size();
      to_folder &= names_folder(to, unit);
    }
  if (to.empty() || files <= 1 || to_folder) return {};
  return refuse(printable(to) + " is no folder, and there are several files to write; end it with / to have it made");
}

}  // namespace

std::string_view to_string(Conversion::Status status) noexcept {
  switch (status) {
    case Conversion::Status::converted: return "converted";
    case Conversion::Status::planned: return "planned";
    case Conversion::Status::there: return "there";
    case Conversion::Status::skipped: return "skipped";
    case Conversion::Status::refused: return "refused";
    case Conversion::Status::failed: return "failed";
  }
  return "";
}

tl::expected<Outcome, Refusal> convert(const std::vector<std::string>& paths, const verdict::Policy& policy,
                                       std::chrono::sys_days today, const Options& options) {
  Ticker ticker{options};
  std::vector<Found> found;
  for (const auto& path : paths) {
    auto scanned = Scanned::of(path, options, ticker);
    if (!scanned) return tl::unexpected<Refusal>{scanned.error()};
    auto of_path = units(scanned->documents, scanned->base, !is_folder(path));
    for (auto& unit : of_path)
      for (const auto i : unit.documents) unit.scanned.push_back(scanned->identities[i]);
    found.push_back({std::move(*scanned), std::move(of_path)});
    if (!ticker(0)) break;
  }
  if (auto fits = fits_output(found, options); !fits) return tl::unexpected<Refusal>{fits.error()};
  auto reader = InputReader::open(options);
  if (!reader) return tl::unexpected<Refusal>{reader.error()};
  Outcome out;
  out.tier = reader->tier();
  Claims claims;
  std::size_t done = 0, all = 0;
  for (const auto& f : found) all += f.units.size();
  for (const auto& f : found)
    for (const auto& unit : f.units) {
      ticker.files(done++, all);
      if (!ticker(0)) break;
      Conversion conversion;
      conversion.sources = sources_of(unit, f.scanned, policy, today);
      Job{unit, options, *reader, ticker, claims, conversion}.run();
      out.conversions.push_back(std::move(conversion));
    }
  out.interrupted = ticker.stopped();
  out.seconds = ticker.seconds();
  return out;
}

int exit_code(const Outcome& outcome) {
  if (outcome.interrupted) return 130;
  const auto any = [&](Conversion::Status status) {
    return std::any_of(outcome.conversions.begin(), outcome.conversions.end(),
                       [&](const Conversion& c) { return c.status == status; });
  };
  return any(Conversion::Status::refused) ? 1 : any(Conversion::Status::failed) ? 2 : 0;
}

}  // namespace assay::convert
