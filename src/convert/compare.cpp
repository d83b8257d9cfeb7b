#include <map>

#include "base/text.h"
#include "convert/convert.h"
#include "convert/input.h"
#include "convert/path.h"
#include "convert/same.h"
#include "convert/scanned.h"
#include "convert/unit.h"

namespace assay::convert {
namespace {

using scan::Refusal;

tl::unexpected<Refusal> refuse(std::string what) { return tl::unexpected<Refusal>{Refusal{std::move(what)}}; }

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
      for (const auto& d : scanned->documents) {
        if (const auto* why = why_unread(d)) return refuse(printable(scanned->base + d.path) + ": " + *why);
        if (!may_hold_tensors(d)) continue;
        files.push_back(scanned->base + d.path);
        if (d.path.find('/') != d.path.npos)
          return refuse(printable(files.back()) +
                        " stands in a folder of its own; compare one model's folder at a time");
      }
    }
    for (const auto& file : files) {
      auto input = reader.read(file);
      if (!input) return refuse(printable(file) + ": " + input.error());
      if (input->set.outcome == tensors::Set::Outcome::nothing && is_folder(path)) {
        if (!input->set.format.empty()) out.without_tensors_.push_back({file, input->set.why});
        continue;
      }
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
  /// Files of a folder that are checkpoints, and hold nothing to compare: an optimizer's state.
  struct Passed {
    std::string path, why;
  };
  const std::vector<Passed>& without_tensors() const { return without_tensors_; }

 private:
  std::vector<Passed> without_tensors_;
  std::vector<Input> inputs_;
  std::map<std::string, Side> sides_;
  std::map<std::string, std::string> other_names_;
};

/// Pairs the tensors of two sides by name, and tells what has no partner.
class Pairing {
 public:
  Pairing(const Compared& left, const Compared& right, Comparison& out) : left_{left}, right_{right}, out_{out} {}

  void run() {
    const bool is_nameless = left_.sides().contains("") || right_.sides().contains("");
    if (is_nameless && left_.only() != nullptr && right_.only() != nullptr)
      return add(right_.sides().begin()->first, left_.only(), right_.only());
    for (const auto& [name, side] : left_.sides()) add(name, &side, partner(name, right_));
    for (const auto& [name, side] : right_.sides())
      if (!left_.sides().contains(name)) add(name, partner(name, left_), &side);
  }

  const std::vector<Pair>& pairs() const { return pairs_; }
  const std::string& name(std::size_t i) const { return names_[i]; }

 private:
  const Side* partner(const std::string& name, const Compared& other) {
    bool tied = false;
    const auto* found = other.find(name, tied);
    if (tied) out_.tied.push_back({name, found->tensor.name});
    return found;
  }

  void add(const std::string& name, const Side* left, const Side* right) {
    if (left == nullptr || right == nullptr) {
      out_.differences.push_back({name, "only in " + printable(left != nullptr ? out_.left : out_.right)});
    } else if (left->tensor.dtype != right->tensor.dtype || left->tensor.shape != right->tensor.shape) {
      out_.differences.push_back({name, in_words(left->tensor) + " and " + in_words(right->tensor)});
    } else {
      pairs_.push_back({*left, *right});
      names_.push_back(name);
      out_.bytes += tensors::bytes_of(left->tensor);
    }
  }

  const Compared& left_;
  const Compared& right_;
  Comparison& out_;
  std::vector<Pair> pairs_;
  std::vector<std::string> names_;
};

/// False where something that was asked for could not be compared; what stands beside the chosen dict was not.
bool tell_not_compared(const Compared& side, Comparison& out) {
  bool all_compared = true;
  for (const auto& input : side.inputs()) {
    for (const auto& l : input.set.leftovers) {
      if (l.reason == tensors::kNotATensor || l.reason.starts_with(tensors::kItsClass)) continue;
      out.not_compared.push_back({l.name, l.what + " in " + printable(input.path) + "; " + l.reason});
      all_compared &= l.reason.starts_with(tensors::kBesideTheChosen);
    }
    if (input.set.more_leftovers == 0) continue;
    out.not_compared.push_back(
        {"", std::to_string(input.set.more_leftovers) + " more in " + printable(input.path) + " that nobody listed"});
    all_compared = false;
  }
  for (const auto& file : side.without_tensors()) out.not_compared.push_back({printable(file.path), file.why});
  return all_compared;
}

}  // namespace

tl::expected<Comparison, Refusal> compare(const std::string& left, const std::string& right, const Options& options) {
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
  Pairing pairing{*a, *b, out};
  pairing.run();
  ticker.begin("comparing", right, out.bytes);
  const auto answers = compare_all(pairing.pairs(), ticker);
  if (!answers) return refuse(std::string{answers.error().what});
  bool all_compared = true;
  for (const auto* side : {&*a, &*b}) all_compared &= tell_not_compared(*side, out);
  for (std::size_t i = 0; i < answers->size(); ++i) {
    const auto& answer = (*answers)[i];
    if (answer.same) ++out.equal;
    else out.differences.push_back({pairing.name(i), "element " + std::to_string(answer.differs_at) + " differs"});
  }
  for (const auto* side : {&*a, &*b})
    for (const auto& input : side->inputs())
      if (!input.is_unchanged()) return refuse(printable(input.path) + " changed while it was compared");
  out.same = out.differences.empty() && all_compared;
  out.seconds = ticker.seconds();
  return out;
}

}  // namespace assay::convert
