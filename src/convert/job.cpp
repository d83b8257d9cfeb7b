#include "convert/job.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "base/version.h"
#include "bytes/digest.h"
#include "convert/copy.h"
#include "convert/same.h"
#include "format/safetensors/safetensors.h"

namespace assay::convert {
namespace {

using Clock = std::chrono::steady_clock;
using tensors::Set;

constexpr std::size_t kDigest = 64;     ///< characters
constexpr std::size_t kMostRules = 100;  ///< named in the metadata
constexpr std::size_t kMostScalar = 4096;  ///< bytes of a text that becomes metadata

/// Adds what passes until it goes.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_{seconds}, began_{Clock::now()} {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(Clock::now() - began_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  Clock::time_point began_;
};

bool exists(const std::string& path) {
  struct stat s {};
  return ::lstat(path.c_str(), &s) == 0;
}

bool is_folder(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

/// Makes the folders that `path` stands in, below one that exists. What goes wrong is seen when the file is made.
void make_folders(const std::string& path) {
  for (auto slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1))
    ::mkdir(path.substr(0, slash).c_str(), 0777);
}

/// JSON of texts that need not be UTF-8.
std::string dumped(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void Job::run() {
  {
    const Stopwatch watch{out_.seconds.read};
    if (!read_sources() || !make_plan() || !keep_metadata() || !is_within_limits()) return;
  }
  describe_products();
  if (!compare_with_existing()) return;
  if (options_.dry_run) {
    end(Status::planned, "");
    return;
  }
  if (check_room() && write() && verify() && commit()) {
    out_.status = Status::converted;
    remove_sources();
  }
}

bool Job::end(Status status, std::string why) {
  out_.status = status;
  out_.why = std::move(why);
  if (status != Status::planned && status != Status::there) {
    out_.products.clear();
    out_.tensors.clear();
    out_.index.clear();
    for (auto& source : out_.sources) source.sha256.clear();
  }
  return false;
}

bool Job::failed(const Error& error) {
  if (ticker_.stopped()) return end(Status::failed, "interrupted");
  std::string why{error.what};
  if (error.code == Errc::io && errno != 0) why += ": " + std::string{std::strerror(errno)};
  return end(Status::failed, std::move(why));
}

// --- Reading --------------------------------------------------------------------------------------

bool Job::read_sources() {
  if (!unit_.trouble.empty()) return end(Status::refused, unit_.trouble);
  for (std::size_t i = 0; i < unit_.sources.size(); ++i) {
    const auto& path = unit_.sources[i];
    ticker_.begin("reading", path, 0);
    if (!ticker_(0)) return end(Status::failed, "interrupted");
    auto input = reader_.read(path);
    const auto where = unit_.sources.size() > 1 ? printable(name_in(path)) + ": " : "";
    if (!input) return end(Status::failed, where + input.error());
    auto& set = input->set;
    auto& source = out_.sources[i];
    source.size = input->size();
    source.format = set.format;
    source.key = set.key;
    for (auto& l : set.leftovers) out_.leftovers.push_back(std::move(l));
    out_.more_leftovers += set.more_leftovers;
    for (auto& n : set.notices) out_.notices.push_back(std::move(n));
    switch (set.outcome) {
      case Set::Outcome::read: break;
      case Set::Outcome::nothing: return end(Status::skipped, where + set.why);
      case Set::Outcome::refused: return end(Status::refused, where + set.why);
      case Set::Outcome::damaged: return end(Status::failed, where + set.why);
    }
    if (set.format == "safetensors") return end(Status::skipped, where + "it is a safetensors file already");
    inputs_.push_back(std::move(*input));
  }
  return true;
}

/// Beside the sources; in the folder that --output names, where they would stand below the one that was converted.
std::vector<std::string> Job::product_names() const {
  auto names = unit_.products;
  if (!unit_.index.empty() && options_.shard_bytes > 0)
    names = {folder_of(names.front()) + "model.safetensors"};
  const auto& to = options_.output;
  if (to.empty()) return names;
  if (!to.ends_with('/') && !is_folder(to) && names.size() == 1) return {to};
  for (auto& name : names)
    name = to + (to.ends_with('/') ? "" : "/") + (unit_.base.empty() ? name_in(name) : name.substr(unit_.base.size()));
  return names;
}

bool Job::make_plan() {
  auto names = product_names();
  const auto architecture = reader_.architecture(folder_of(unit_.sources.front()) + "config.json");
  const auto whole = names.front();
  plan_ = plan({inputs_, std::move(names), architecture, options_.shard_bytes, options_.copy_tied});
  for (auto& l : plan_.leftovers) out_.leftovers.push_back(std::move(l));
  for (auto& n : plan_.notices) out_.notices.push_back(std::move(n));
  out_.tied = plan_.tied;
  if (!plan_.refusal.empty()) return end(Status::refused, plan_.refusal);
  if (!unit_.index.empty()) index_path_ = index_name(folder_of(whole) + "model.safetensors");
  else if (plan_.outputs.size() > 1) index_path_ = index_name(whole);
  return true;
}

bool Job::keep_metadata() {
  if (options_.keep_metadata) {
    std::set<std::string_view> taken;
    for (const auto& t : plan_.tied) taken.insert(t.name);
    for (auto& input : inputs_)
      for (auto& s : input.set.scalars)
        if (s.text.size() <= kMostScalar && may_be_metadata(s.name) && taken.insert(s.name).second)
          out_.kept_metadata.push_back(s);
    std::set<std::string_view> kept;
    for (const auto& s : out_.kept_metadata) kept.insert(s.name);
    std::erase_if(out_.leftovers, [&](const tensors::Leftover& l) { return kept.contains(l.name); });
  }
  if (!options_.strict || (out_.leftovers.empty() && out_.more_leftovers == 0)) return true;
  return end(Status::refused, "not everything in it can be converted, and --strict asks for that");
}

std::uint64_t Job::source_bytes() const {
  std::uint64_t out = 0;
  for (const auto& i : inputs_) out += i.size();
  return out;
}

std::uint64_t Job::product_bytes() const {
  std::uint64_t out = 0;
  for (const auto& o : plan_.outputs)
    if (__builtin_add_overflow(out, o.bytes, &out)) return UINT64_MAX;
  return out;
}

bool Job::is_within_limits() {
  const auto most = kFreeBytes + kMostExpansion * source_bytes();
  if (product_bytes() <= most) return true;
  return end(Status::refused, "its tensors would fill " + human_bytes(product_bytes()) + ", from a source of " +
                                  human_bytes(source_bytes()) +
                                  ": they repeat the same bytes more often than any honest model does");
}

// --- What is there already ------------------------------------------------------------------------

void Job::describe_products() {
  for (std::size_t product = 0; product < plan_.outputs.size(); ++product) {
    const auto& output = plan_.outputs[product];
    out_.products.push_back({output.path, output.bytes, output.items.size()});
    for (const auto& item : output.items) {
      const auto& t = tensor(item);
      out_.tensors.push_back({item.name, std::string{to_string(t.dtype)}, t.shape, tensors::bytes_of(t), "", item.input,
                              product, !is_contiguous(t) || t.swap > 1});
    }
  }
  out_.index = index_path_;
}

/// A product that exists is left alone: it holds the same tensors, or nothing is written without --force.
bool Job::compare_with_existing() {
  const auto is_there = [](const Output& o) { return exists(o.path); };
  const bool index_there = !index_path_.empty() && exists(index_path_);
  if (options_.force || (std::none_of(plan_.outputs.begin(), plan_.outputs.end(), is_there) && !index_there)) return true;
  std::vector<Input> products;
  for (const auto& output : plan_.outputs) {
    auto product = is_there(output) ? reader_.read(output.path) : tl::unexpected<std::string>{"missing"};
    const bool equal = product && product->set.outcome == Set::Outcome::read && same_names(output, product->set);
    if (!equal)
      return end(Status::refused, printable(is_there(output) || !index_there ? output.path : index_path_) +
                                      " exists and holds something else; --force replaces it");
    products.push_back(std::move(*product));
  }
  if (!index_path_.empty() && !index_there)
    return end(Status::refused, "the products exist without their index; --force writes them anew");
  const Stopwatch watch{out_.seconds.verify};
  if (!same_elements(products)) {
    if (out_.status == Status::refused) out_.why = "it exists and holds other values: " + out_.why + "; --force replaces it";
    return false;
  }
  return end(Status::there, "");
}

// --- Writing --------------------------------------------------------------------------------------

bool Job::check_room() {
  struct statvfs s {};
  const auto folder = folder_of(plan_.outputs.front().path);
  std::uint64_t needed = 0;
  for (const auto& i : inputs_) {  // holes of the sources stay holes
    struct stat file {};
    if (::fstat(i.file.get(), &file) == 0 && file.st_blocks * 512 < file.st_size) return true;
  }
  needed = product_bytes();
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &s) != 0) return true;  // the writing will tell
  const auto free = std::uint64_t{s.f_bavail} * s.f_frsize;
  if (needed <= free) return true;
  return end(Status::failed, "there is no room: " + human_bytes(needed) + " are needed, " + human_bytes(free) + " are free");
}

std::string Job::sources_of(const Output& output) const {
  std::set<std::size_t> used;
  for (const auto& item : output.items) used.insert(item.input);
  auto json = nlohmann::json::array();
  for (const auto i : used) {
    const auto& s = out_.sources[i];
    auto rules = nlohmann::json::array();
    std::set<std::string> seen;
    for (const auto& f : s.findings)
      if (seen.insert(f.rule).second && seen.size() <= kMostRules) rules.push_back(f.rule);
    json.push_back({{"name", name_in(s.path)},
                    {"sha256", s.sha256},
                    {"status", std::string{to_string(s.status)}},
                    {"findings", std::move(rules)}});
  }
  return dumped(json, -1);
}

format::safetensors::Metadata Job::metadata_for(const Output& output, bool first) const {
  format::safetensors::Metadata out;
  out.emplace_back(kFormatKey, inputs_.front().set.framework);
  out.emplace_back("assay.version", kVersion);
  out.emplace_back("assay.sources", sources_of(output));
  std::set<std::string_view> names;
  for (const auto& item : output.items) names.insert(item.name);
  for (const auto& tied : plan_.tied)
    if (names.contains(tied.kept)) out.emplace_back(tied.name, tied.kept);
  if (first)
    for (const auto& s : out_.kept_metadata) out.emplace_back(s.name, s.text);
  std::sort(out.begin(), out.end());
  return out;
}

bool Job::write() {
  Digests digests{inputs_, ticker_};
  for (auto& source : out_.sources) source.sha256.assign(kDigest, '0');  // room for what comes later
  for (const auto& output : plan_.outputs) make_folders(output.path);
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
    if (!write_output(plan_.outputs[i], i == 0)) return false;
  if (!write_digests(digests)) return false;
  if (index_path_.empty()) return true;
  auto index = written_file(index_path_, index_json());
  if (!index) return end(Status::failed, printable(index_path_) + ": " + index.error());
  files_.push_back(std::move(*index));
  return true;
}

bool Job::write_output(Output& output, bool first) {
  const Stopwatch watch{out_.seconds.write};
  ticker_.begin("writing", output.path, output.bytes);
  const auto header = format::safetensors::header(output.placed, metadata_for(output, first));
  if (!header) return end(Status::refused, std::string{header.error().what});
  auto file = NewFile::create(output.path);
  if (!file) return end(Status::failed, printable(output.path) + ": " + file.error());
  const auto size = header->size() + output.bytes;
  errno = 0;
  if (::ftruncate(file->descriptor(), static_cast<off_t>(size)) != 0)
    return failed({Errc::io, 0, "the product cannot be written"});
  if (const auto done = write_fully(file->descriptor(), 0, bytes::view(*header)); !done) return failed(done.error());
  Copier copier{file->descriptor(), ticker_};
  for (std::size_t i = 0; i < output.items.size(); ++i) {
    const auto& item = output.items[i];
    const auto& input = inputs_[item.input];
    const auto& t = tensor(item);
    const auto done = copier.copy(t, input.descriptor(t.where), header->size() + output.placed[i].begin);
    if (!done) return failed(done.error());
  }
  if (const auto done = file->sync(); !done) return end(Status::failed, printable(output.path) + ": " + done.error());
  out_.products[files_.size()].size = size;
  files_.push_back(std::move(*file));
  return true;
}

/// Headers name their sources by digest, which is known only now; it takes the room that was kept for it.
bool Job::write_digests(Digests& digests) {
  const Stopwatch watch{out_.seconds.digest};
  auto done = digests.finish();
  if (!done) return failed(done.error());
  for (std::size_t i = 0; i < done->size(); ++i) out_.sources[i].sha256 = std::move((*done)[i]);
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
    auto& output = plan_.outputs[i];
    const auto header = format::safetensors::header(output.placed, metadata_for(output, i == 0));
    if (!header || header->size() + output.bytes != out_.products[i].size)
      return end(Status::failed, "the header changed its length");
    if (const auto written = write_fully(files_[i].descriptor(), 0, bytes::view(*header)); !written)
      return failed(written.error());
    if (const auto synced = files_[i].sync(); !synced)
      return end(Status::failed, printable(output.path) + ": " + synced.error());
  }
  return true;
}

std::string Job::index_json() const {
  auto map = nlohmann::json::object();
  std::uint64_t total = 0;
  for (const auto& output : plan_.outputs) {
    total += output.bytes;
    for (const auto& item : output.items) map[item.name] = to_utf8(name_in(output.path));
  }
  return dumped({{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}}, 2) + "\n";
}

// --- Verifying ------------------------------------------------------------------------------------

bool Job::verify() {
  const Stopwatch watch{out_.seconds.verify};
  std::vector<Input> products;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
    const auto& output = plan_.outputs[i];
    auto product = reader_.read(files_[i].descriptor(), output.path);
    if (!product) return end(Status::failed, "what was written cannot be read: " + product.error());
    if (product->set.outcome != Set::Outcome::read || !same_names(output, product->set))
      return end(Status::failed, "what was written is not what was meant");
    products.push_back(std::move(*product));
  }
  for (auto& input : inputs_) {
    auto again = reader_.read(input.file.get(), input.path);
    if (!again || again->set.tensors != input.set.tensors || !input.is_unchanged())
      return end(Status::failed, printable(input.path) + " changed while it was converted");
    input.spool = std::move(again->spool);
  }
  return same_elements(products) || (out_.status == Status::refused && end(Status::failed, out_.why));
}

/// Names, data types and shapes, those of the plan and no others.
bool Job::same_names(const Output& output, const Set& result) {
  if (result.tensors.size() != output.items.size()) return false;
  std::map<std::string_view, const tensors::Tensor*> by_name;
  for (const auto& t : result.tensors) by_name.emplace(t.name, &t);
  return std::all_of(output.items.begin(), output.items.end(), [&](const Item& item) {
    const auto found = by_name.find(item.name);
    return found != by_name.end() && found->second->dtype == tensor(item).dtype &&
           found->second->shape == tensor(item).shape;
  });
}

/// Every byte. Where one differs, that is a refusal.
bool Job::same_elements(const std::vector<Input>& products) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < products.size(); ++i) {
    std::map<std::string_view, const tensors::Tensor*> by_name;
    for (const auto& t : products[i].set.tensors) by_name.emplace(t.name, &t);
    for (const auto& item : plan_.outputs[i].items) {
      const auto& t = tensor(item);
      pairs.push_back({{t, inputs_[item.input].descriptor(t.where)},
                       {*by_name.at(item.name), products[i].file.get()}});
    }
  }
  ticker_.begin("verifying", products.front().path, product_bytes());
  errno = 0;
  const auto answers = compare_all(pairs, ticker_);
  if (!answers) return failed(answers.error());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!(*answers)[i].same)
      return end(Status::refused, "'" + out_.tensors[i].name + "' differs in element " +
                                      std::to_string((*answers)[i].differs_at));
    out_.tensors[i].sha256 = (*answers)[i].sha256;
  }
  return true;
}

// --- Moving into place ----------------------------------------------------------------------------

bool Job::commit() {
  for (const auto& input : inputs_)
    if (!input.is_unchanged()) return end(Status::failed, printable(input.path) + " changed while it was converted");
  if (!ticker_(0)) return end(Status::failed, "interrupted");
  for (auto& file : files_)  // the index is the last, so that nobody finds it without its files
    if (const auto done = file.commit(options_.force); !done)
      return end(Status::failed, printable(file.path()) + ": " + done.error());
  return true;
}

void Job::remove_sources() {
  if (!options_.remove_source) return;
  if (!out_.leftovers.empty() || out_.more_leftovers > 0) {
    out_.notices.push_back("the source was kept, because not everything in it was converted");
    return;
  }
  auto paths = unit_.sources;
  if (!unit_.index.empty()) paths.push_back(unit_.index);
  for (const auto& path : paths) {
    const bool is_product =
        std::any_of(files_.begin(), files_.end(), [&](const NewFile& file) { return file.path() == path; });
    if (is_product) continue;
    if (::unlink(path.c_str()) == 0) out_.removed.push_back(path);
    else out_.notices.push_back(printable(path) + " could not be removed: " + std::strerror(errno));
  }
}

}  // namespace assay::convert
