#include "convert/convert.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/text.h"
#include "convert/job.h"
#include "convert/path.h"
#include "convert/same.h"
#include "scan/judge.h"

namespace assay::convert {
namespace {

using scan::Refusal;

tl::unexpected<Refusal> refuse(std::string what) { return tl::unexpected<Refusal>{Refusal{std::move(what)}}; }

/// What the scan says of the files that are to be converted.
class Scanned {
 public:
  static tl::expected<Scanned, Refusal> of(const std::string& path, const Options& options, Ticker& ticker) {
    struct stat s {};
    if (::stat(path.c_str(), &s) != 0) return refuse(printable(path) + ": " + std::strerror(errno));
    scan::Options how;
    how.allow_unconfined = options.allow_unconfined;
    how.limits = options.limits;
    how.spool_folder = options.spool_folder;
    how.stop = options.stop;
    how.on_progress = [&](const scan::Progress& p) {
      ticker.files(p.files_done, p.files);
      ticker.begin("scanning", std::string{p.current}, p.bytes);
      ticker(p.bytes_done);
    };
    auto extraction = scan::extract({path}, how);
    if (!extraction) return tl::unexpected<Refusal>{extraction.error()};
    Scanned out;
    out.documents = std::move(extraction->documents);
    out.base = is_folder(path) ? extraction->listing.base : folder_of(path);
    return out;
  }

  std::vector<format::Document> documents;
  std::string base;
};

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
  return refuse(printable(to) + " is no folder, and there are several files to write");
}

/// The tensors of one side of a comparison, by name.
class Compared {
 public:
  static tl::expected<Compared, Refusal> read(const std::string& path, const Options& options, InputReader& reader,
                                              Ticker& ticker) {
    Compared out;
    std::vector<std::string> files{path};
    if (is_folder(path)) {
      const auto scanned = Scanned::of(path, options, ticker);
      if (!scanned) return tl::unexpected<Refusal>{scanned.error()};
      files.clear();
      for (const auto& d : scanned->documents)
        if (d.path.find('/') == d.path.npos && may_hold_tensors(d)) files.push_back(scanned->base + d.path);
    }
    for (const auto& file : files) {
      auto input = reader.read(file);
      if (!input) return refuse(printable(file) + ": " + input.error());
      if (input->set.outcome == tensors::Set::Outcome::nothing && files.size() > 1) continue;
      if (input->set.outcome != tensors::Set::Outcome::read) return refuse(printable(file) + ": " + input->set.why);
      out.inputs_.push_back(std::move(*input));
    }
    if (out.inputs_.empty()) return refuse(printable(path) + ": there are no tensors in it");
    for (const auto& input : out.inputs_)
      for (const auto& t : input.set.tensors)
        if (!out.sides_.emplace(t.name, Side{t, input.descriptor(t.where)}).second)
          return refuse(printable(path) + ": the tensor '" + printable(t.name) + "' stands in it twice");
    for (const auto& input : out.inputs_)
      for (const auto& m : input.set.metadata)
        if (out.sides_.contains(m.text)) out.other_names_.emplace(m.name, m.text);
    return out;
  }

  const std::map<std::string, Side>& sides() const { return sides_; }
  /// The tensor, or the one that it was tied to when it was written.
  const Side* find(const std::string& name, bool& tied) const {
    const auto other = other_names_.find(name);
    const auto found = sides_.find(name);
    tied = found == sides_.end() && other != other_names_.end();
    if (tied) return &sides_.find(other->second)->second;
    return found == sides_.end() ? nullptr : &found->second;
  }
  /// A file that holds one tensor and no name for it.
  const Side* only() const { return sides_.size() == 1 ? &sides_.begin()->second : nullptr; }
  const std::vector<Input>& inputs() const { return inputs_; }

 private:
  std::vector<Input> inputs_;
  std::map<std::string, Side> sides_;
  std::map<std::string, std::string> other_names_;
};

std::string shape_of(const tensors::Tensor& t) {
  std::string out;
  for (const auto n : t.shape) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return std::string{to_string(t.dtype)} + " [" + out + "]";
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
  return out;
}

tl::expected<Comparison, Refusal> compare(const std::string& left, const std::string& right, const Options& options) {
  const auto began = std::chrono::steady_clock::now();
  Ticker ticker{options};
  auto reader = InputReader::open(options);
  if (!reader) return tl::unexpected<Refusal>{reader.error()};
  const auto a = Compared::read(left, options, *reader, ticker);
  if (!a) return tl::unexpected<Refusal>{a.error()};
  const auto b = Compared::read(right, options, *reader, ticker);
  if (!b) return tl::unexpected<Refusal>{b.error()};

  Comparison out;
  out.left = left;
  out.right = right;
  std::vector<Pair> pairs;
  std::vector<std::string> names;
  std::uint64_t bytes = 0;
  const auto consider = [&](const std::string& name, const Side* x, const Side* y) {
    if (x == nullptr || y == nullptr) {
      out.differences.push_back({name, "only in " + printable(x != nullptr ? left : right)});
    } else if (x->tensor.dtype != y->tensor.dtype || x->tensor.shape != y->tensor.shape) {
      out.differences.push_back({name, shape_of(x->tensor) + " and " + shape_of(y->tensor)});
    } else {
      pairs.push_back({*x, *y});
      names.push_back(name);
      bytes += tensors::bytes_of(x->tensor);
    }
  };
  for (const auto& [name, side] : a->sides()) {
    bool tied = false;
    const auto* other = name.empty() ? b->only() : b->find(name, tied);
    if (tied) out.tied.push_back({name, other->tensor.name});
    consider(name, &side, other);
  }
  for (const auto& [name, side] : b->sides()) {
    bool tied = false;
    if (a->sides().contains(name) || (a->only() != nullptr && (name.empty() || a->sides().contains("")))) continue;
    const auto* other = name.empty() ? a->only() : a->find(name, tied);
    if (tied) out.tied.push_back({name, other->tensor.name});
    consider(name, other, &side);
  }
  ticker.begin("comparing", right, bytes);
  const auto answers = compare_all(pairs, ticker);
  if (!answers) return refuse(std::string{answers.error().what});
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    out.bytes += tensors::bytes_of(pairs[i].left.tensor);
    if ((*answers)[i].same) ++out.equal;
    else out.differences.push_back({names[i], "element " + std::to_string((*answers)[i].differs_at) + " differs"});
  }
  for (const auto* side : {&*a, &*b})
    for (const auto& input : side->inputs())
      if (!input.is_unchanged()) return refuse(printable(input.path) + " changed while it was compared");
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
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
