#include "convert/job.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/text.h"
#include "convert/copy.h"
#include "convert/metadata.h"
#include "convert/path.h"
#include "convert/same.h"
#include "format/safetensors/safetensors.h"

namespace assay::convert {
namespace {

using Clock = std::chrono::steady_clock;
using tensors::Set;

constexpr std::size_t kDigest = 64;        ///< characters
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

/// Of a small file of our own; "" where there is none.
std::string text_of(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return {};
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool is_same_file(const std::string& path, const scan::Identity& identity) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && s.st_dev == identity.device && s.st_ino == identity.inode;
}

bool is_link(const std::string& path) {
  struct stat s {};
  return ::lstat(path.c_str(), &s) == 0 && S_ISLNK(s.st_mode);
}

}  // namespace

void Job::run() {
  if (understand() && compare_with_existing()) {
    if (options_.dry_run) end(Status::planned, "");
    else if (check_room() && write() && verify() && commit()) out_.status = Status::converted;
  }
  const bool is_done = out_.status == Status::converted || out_.status == Status::there;
  if (is_done && options_.remove_source && !options_.dry_run) remove_sources();
  if (!is_done && out_.status != Status::planned && !ticker_(0)) end(Status::failed, "interrupted");
}

bool Job::understand() {
  const Stopwatch watch{out_.seconds.read};
  if (!read_sources() || !check_index() || !make_plan() || !claim_products() || !keep_metadata() || !is_within_limits())
    return false;
  describe_products();
  return true;
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

bool Job::failed(const std::string& where, const Error& error) {
  return end(Status::failed, where + ": " + std::string{error.what});
}

// --- Reading --------------------------------------------------------------------------------------

bool Job::read_sources() {
  if (!unit_.trouble.empty()) return end(unit_.is_unreadable ? Status::failed : Status::refused, unit_.trouble);
  for (std::size_t i = 0; i < unit_.sources.size(); ++i) {
    const auto& path = unit_.sources[i];
    ticker_.begin("reading", path, 0);
    auto input = reader_.read(path);
    const auto where = unit_.sources.size() > 1 ? name_in(path) + ": " : "";
    if (!input) return end(Status::failed, where + input.error());
    if (!(input->identity == unit_.scanned[i]))
      return end(Status::failed, where + "it is another file now than the one that was scanned");
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
      case Set::Outcome::nothing: return end_without_tensors(where, set);
      case Set::Outcome::refused: return end(Status::refused, where + set.why);
      case Set::Outcome::damaged: return end(Status::failed, where + set.why);
    }
    if (set.format == "safetensors") return end(Status::skipped, where + "it is a safetensors file already");
    inputs_.push_back(std::move(*input));
  }
  return true;
}

/// In a folder, files without tensors are the rule; one that the user named, or that --strict would see left out as a
/// whole, is not passed over.
bool Job::end_without_tensors(const std::string& where, const Set& set) {
  if (unit_.sources.front().ends_with(".index.json"))
    return end(Status::refused, "an index: name the folder that it stands in, to convert the model");
  const bool left_out = options_.strict && !set.format.empty();
  return end(unit_.is_named() || left_out ? Status::refused : Status::skipped, where + set.why);
}

/// What the index names must be in its shards, or the product would be another model than the index promised.
bool Job::check_index() {
  if (unit_.index.empty()) return true;
  std::set<std::string_view> converted, left_out;
  for (const auto& input : inputs_)
    for (const auto& t : input.set.tensors) converted.insert(t.name);
  for (const auto& l : out_.leftovers) left_out.insert(l.name);
  std::size_t both = 0;
  for (const auto& name : reader_.index(unit_.index)) {
    both += converted.count(name);
    if (!converted.contains(name) && !left_out.contains(name) && out_.more_leftovers == 0)
      return end(Status::refused, "its index names the tensor '" + name + "', and no shard has it");
  }
  if (both < converted.size())
    out_.notices.push_back("the old index does not name all tensors of its shards: " +
                           std::to_string(converted.size() - both) + " are missing in it");
  return true;
}

/// Beside the source; or in the folder that --output names, where it would stand below the one that was converted.
std::string Job::placed(const std::string& beside_source) const {
  const auto& to = options_.output;
  if (to.empty()) return beside_source;
  if (!names_folder(to, unit_)) return to;
  return to + (to.ends_with('/') ? "" : "/") +
         (unit_.is_named() ? name_in(beside_source) : beside_source.substr(unit_.base.size()));
}

std::vector<std::string> Job::product_names() const {
  if (options_.shard_bytes > 0) return {placed(unit_.whole)};
  std::vector<std::string> out;
  for (const auto& product : unit_.products) out.push_back(placed(product));
  return out;
}

std::vector<std::string> Job::product_paths() const {
  std::vector<std::string> out;
  for (const auto& output : plan_.outputs) out.push_back(output.path);
  if (!index_path_.empty()) out.push_back(index_path_);  // the last, so that nobody finds it without its files
  return out;
}

bool Job::make_plan() {
  const auto architecture = reader_.architecture(folder_of(unit_.sources.front()) + "config.json");
  plan_ = plan({inputs_, product_names(), architecture, options_.shard_bytes, options_.copy_tied});
  for (auto& n : plan_.notices) out_.notices.push_back(std::move(n));
  out_.tied = plan_.tied;
  if (!plan_.refusal.empty()) return end(Status::refused, plan_.refusal);
  const bool keeps_shards = !unit_.index.empty() && options_.shard_bytes == 0;
  if (keeps_shards || plan_.outputs.size() > 1) index_path_ = index_name(placed(unit_.whole));
  return true;
}

/// No product may take the place of its own source, or of what another source became.
bool Job::claim_products() {
  for (const auto& path : product_paths()) {
    for (const auto& input : inputs_)
      if (is_same_file(path, input.identity)) return end(Status::refused, path + " is the source itself");
    if (const auto owner = claims_.other_owner(path, unit_.sources.front()); !owner.empty())
      return end(Status::refused,
                 owner + " becomes " + path + " already; convert this one by itself, with an --output");
  }
  return true;
}

bool Job::keep_metadata() {
  if (options_.keep_metadata) {
    std::set<std::string_view> taken;
    for (const auto& t : plan_.tied) taken.insert(t.name);
    for (const auto& output : plan_.outputs)
      for (const auto& item : output.items) taken.insert(item.name);
    for (const auto& input : inputs_)
      for (const auto& s : input.set.scalars)
        if (s.text.size() <= kMostScalar && may_be_metadata(s.name) && taken.insert(s.name).second) keep(s);
  }
  if (!options_.strict || (out_.leftovers.empty() && out_.more_leftovers == 0)) return true;
  return end(Status::refused, "not everything in it can be converted, and --strict asks for that");
}

/// It is left out no longer; something else of the same name still is.
void Job::keep(const tensors::Scalar& scalar) {
  out_.kept_metadata.push_back(scalar);
  const auto left = std::find_if(out_.leftovers.begin(), out_.leftovers.end(), [&](const tensors::Leftover& l) {
    return l.name == scalar.name && l.reason == tensors::kNotATensor;
  });
  if (left != out_.leftovers.end()) out_.leftovers.erase(left);
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

/// Products that exist are left alone. They hold the same tensors, and those that name a source name this one; or that
/// is refused, and --force is asked for.
bool Job::compare_with_existing() {
  const auto paths = product_paths();
  const auto there = std::find_if(paths.begin(), paths.end(), exists);
  if (options_.force || there == paths.end()) return true;
  const auto missing = std::find_if_not(paths.begin(), paths.end(), exists);
  if (missing != paths.end())
    return end(Status::refused, *there + " exists, and " + *missing + " does not; --force writes both anew");
  std::vector<Input> products;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
    const auto& output = plan_.outputs[i];
    if (is_folder(output.path)) return end(Status::refused, output.path + " is a folder; --output names another place");
    auto product = reader_.read(output.path);
    if (!product || product->set.format != "safetensors") return stays(output.path, "something else");
    if (const auto other = name_difference(output, product->set); !other.empty()) return stays(output.path, other);
    out_.products[i].size = product->size();
    products.push_back(std::move(*product));
  }
  if (!index_path_.empty() && text_of(index_path_) != index_of(plan_.outputs))
    return stays(index_path_, "something else");
  const Stopwatch watch{out_.seconds.verify};
  const auto differs = difference(products);
  if (!differs) return failed("comparing with what is there", differs.error());
  if (!differs->empty()) return stays(products.front().path, *differs);
  return compare_metadata(products);
}

bool Job::stays(const std::string& path, const std::string& holds) {
  return end(Status::refused, path + " exists and holds something else (" + holds + "); --force replaces it");
}

/// The same tensors under a name that was written for another file would give that file's verdict to this one.
bool Job::compare_metadata(const std::vector<Input>& products) {
  const auto names_sources = [](const Input& product) {
    const auto& all = product.set.metadata;
    return std::any_of(all.begin(), all.end(), [](const tensors::Scalar& m) { return m.name == kSourcesKey; });
  };
  if (std::none_of(products.begin(), products.end(), names_sources)) {
    out_.notices.push_back("the product was not written by Assay, and does not say where its tensors come from");
    return end(Status::there, "");
  }
  Digests digests{inputs_, ticker_};
  if (!take_digests(digests)) return false;
  for (std::size_t i = 0; i < products.size(); ++i)
    if (!is_same_metadata(products[i].set.metadata, metadata_for(i)))
      return end(Status::refused, products[i].path +
                                      " exists and holds the same tensors, made from another file or with other "
                                      "options; --force writes it anew");
  is_recorded_ = true;
  return end(Status::there, "");
}

// --- Writing --------------------------------------------------------------------------------------

bool Job::check_room() {
  for (const auto& i : inputs_) {  // holes of the sources stay holes
    struct stat file {};
    if (::fstat(i.file.get(), &file) == 0 && file.st_blocks * 512 < file.st_size) return true;
  }
  for (const auto& path : product_paths()) folders_.make_for(path);
  struct statvfs s {};
  const auto folder = folder_of(plan_.outputs.front().path);
  if (::statvfs(folder.empty() ? "." : folder.c_str(), &s) != 0) return true;  // the writing will tell
  const auto free = std::uint64_t{s.f_bavail} * s.f_frsize;
  if (product_bytes() <= free) return true;
  return end(Status::failed, "there is no room for it: " + human_bytes(product_bytes()) + " are needed, and " +
                                 human_bytes(free) + " are free");
}

bool Job::write() {
  Digests digests{inputs_, ticker_};
  for (auto& source : out_.sources) source.sha256.assign(kDigest, '0');  // room for what comes later
  for (const auto& path : product_paths()) folders_.make_for(path);
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
    if (!write_output(i)) return false;
  if (!write_digests(digests)) return false;
  if (index_path_.empty()) return true;
  auto index = written_file(index_path_, index_of(plan_.outputs));
  if (!index) return end(Status::failed, index_path_ + ": " + index.error());
  files_.push_back(std::move(*index));
  return true;
}

bool Job::write_output(std::size_t number) {
  const Stopwatch watch{out_.seconds.write};
  const auto& output = plan_.outputs[number];
  ticker_.begin("writing", output.path, output.bytes);
  auto placed = output.placed;
  const auto header = format::safetensors::header(placed, metadata_for(number));
  if (!header) return end(Status::refused, std::string{header.error().what});
  auto file = NewFile::create(output.path);
  if (!file) return end(Status::failed, output.path + ": " + file.error());
  const auto size = header->size() + output.bytes;
  if (const auto done = set_size(file->descriptor(), size); !done) return failed(output.path, done.error());
  if (const auto done = write_fully(file->descriptor(), 0, bytes::view(*header)); !done)
    return failed(output.path, done.error());
  Copier copier{file->descriptor(), ticker_};
  for (std::size_t i = 0; i < output.items.size(); ++i) {
    const auto& t = tensor(output.items[i]);
    const auto from = inputs_[output.items[i].input].descriptor(t.where);
    if (const auto done = copier.copy(t, from, header->size() + placed[i].begin); !done)
      return failed("writing " + output.path, done.error());
  }
  if (const auto done = file->sync(); !done) return end(Status::failed, output.path + ": " + done.error());
  out_.products[files_.size()].size = size;
  files_.push_back(std::move(*file));
  return true;
}

/// Headers name their sources by digest, which is known only now; it takes the room that was kept for it.
bool Job::write_digests(Digests& digests) {
  const Stopwatch watch{out_.seconds.digest};
  if (!take_digests(digests)) return false;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
    const auto& output = plan_.outputs[i];
    auto placed = output.placed;
    const auto header = format::safetensors::header(placed, metadata_for(i));
    if (!header || header->size() + output.bytes != out_.products[i].size)
      return end(Status::failed, "a header changed its length");
    if (const auto written = write_fully(files_[i].descriptor(), 0, bytes::view(*header)); !written)
      return failed(output.path, written.error());
    if (const auto synced = files_[i].sync(); !synced) return end(Status::failed, output.path + ": " + synced.error());
  }
  return true;
}

bool Job::take_digests(Digests& digests) {
  ticker_.begin("hashing", unit_.sources.front(), source_bytes());
  auto done = digests.finish();
  if (!done) return failed("hashing the source", done.error());
  for (std::size_t i = 0; i < done->size(); ++i) out_.sources[i].sha256 = std::move((*done)[i]);
  return true;
}

/// Numbers and texts that are kept go with the first product.
format::safetensors::Metadata Job::metadata_for(std::size_t number) const {
  const auto kept = number == 0 ? out_.kept_metadata : std::vector<tensors::Scalar>{};
  return metadata_of(plan_.outputs[number], inputs_, out_.sources, plan_.tied, kept);
}

// --- Verifying ------------------------------------------------------------------------------------

bool Job::verify() {
  const Stopwatch watch{out_.seconds.verify};
  std::vector<Input> products;
  for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
    const auto& output = plan_.outputs[i];
    auto product = reader_.read(files_[i].descriptor(), output.path);
    if (!product) return end(Status::failed, "what was written cannot be read: " + product.error());
    if (product->set.outcome != Set::Outcome::read || !name_difference(output, product->set).empty())
      return end(Status::failed, "what was written is not what was meant");
    products.push_back(std::move(*product));
  }
  for (auto& input : inputs_) {
    auto again = reader_.read(input.file.get(), input.path);
    if (!again || again->set.tensors != input.set.tensors || !input.is_unchanged())
      return end(Status::failed, input.path + " changed while it was converted");
    input.spool = std::move(again->spool);
  }
  const auto differs = difference(products);
  if (!differs) return failed("verifying", differs.error());
  return differs->empty() || end(Status::failed, "what was written is not what was read: " + *differs);
}

/// Names, data types and shapes, those of the plan and no others: the first that is not so; "" where all are.
std::string Job::name_difference(const Output& output, const Set& result) const {
  std::map<std::string_view, const tensors::Tensor*> by_name;
  for (const auto& t : result.tensors) by_name.emplace(t.name, &t);
  for (const auto& item : output.items) {
    const auto found = by_name.find(item.name);
    if (found == by_name.end()) return "'" + item.name + "' is not in it";
    const auto& t = tensor(item);
    if (found->second->dtype != t.dtype || found->second->shape != t.shape)
      return "'" + item.name + "' is " + in_words(*found->second) + " in it, and " + in_words(t) + " in the source";
  }
  return result.tensors.size() == output.items.size() ? "" : "it has more tensors";
}

/// Every byte.
Result<std::string> Job::difference(const std::vector<Input>& products) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < products.size(); ++i) {
    std::map<std::string_view, const tensors::Tensor*> by_name;
    for (const auto& t : products[i].set.tensors) by_name.emplace(t.name, &t);
    for (const auto& item : plan_.outputs[i].items) {
      const auto& t = tensor(item);
      pairs.push_back({{t, inputs_[item.input].descriptor(t.where)}, {*by_name.at(item.name), products[i].file.get()}});
    }
  }
  ticker_.begin("verifying", products.front().path, product_bytes());
  const auto answers = TRY(compare_all(pairs, ticker_));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!answers[i].same)
      return "'" + out_.tensors[i].name + "' differs in element " + std::to_string(answers[i].differs_at);
    out_.tensors[i].sha256 = answers[i].sha256;
  }
  std::map<std::string_view, std::string_view> digests;
  for (const auto& t : out_.tensors) digests.emplace(t.name, t.sha256);
  for (auto& tied : out_.tied) tied.sha256 = digests[tied.kept];
  return std::string{};
}

// --- Moving into place ----------------------------------------------------------------------------

bool Job::commit() {
  for (const auto& input : inputs_)
    if (!input.is_unchanged()) return end(Status::failed, input.path + " changed while it was converted");
  if (!ticker_(0)) return end(Status::failed, "interrupted");
  const auto replaced = files_.size() > 1 ? Existing::can_come_back : Existing::goes;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const bool replaces = exists(files_[i].path());
    if (const auto done = files_[i].commit(options_.force ? replaced : Existing::stays); !done) {
      end(Status::failed, files_[i].path() + ": " + done.error());
      undo(i);
      return false;
    }
    if (i < out_.products.size()) out_.products[i].replaces = replaces;
  }
  folders_.keep();
  return true;
}

/// Takes the first `committed` files back, the last one first.
void Job::undo(std::size_t committed) {
  for (auto i = committed; i-- > 0;)
    if (const auto undone = files_[i].undo(); !undone)
      out_.notices.push_back(files_[i].path() + " could not be brought back: " + undone.error());
}

void Job::remove_sources() {
  const auto keep = [&](const std::string& because) {
    out_.notices.push_back("the source was kept, because " + because);
  };
  if (!out_.leftovers.empty() || out_.more_leftovers > 0) return keep("not everything in it was converted");
  if (out_.status == Status::there && !is_recorded_) return keep("the product does not name it");
  for (const auto& source : out_.sources)
    if (source.status == finding::Status::error) return keep("the scan could not read all of it");
  for (std::size_t i = 0; i < unit_.sources.size(); ++i) remove(unit_.sources[i], &inputs_[i].identity);
  if (!unit_.index.empty()) remove(unit_.index, nullptr);
}

/// The file that was read, and no other one that has its name by now.
void Job::remove(const std::string& path, const scan::Identity* identity) {
  if (identity != nullptr && !is_same_file(path, *identity)) {
    out_.notices.push_back(path + " was kept: it is another file by now");
    return;
  }
  if (is_link(path)) out_.notices.push_back(path + " was a link; what it leads to was kept");
  if (::unlink(path.c_str()) == 0) out_.removed.push_back(path);
  else out_.notices.push_back(path + " could not be removed: " + std::strerror(errno));
}

}  // namespace assay::convert
