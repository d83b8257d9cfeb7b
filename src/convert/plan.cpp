#include "convert/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "convert/path.h"
#include "tensors/tied.h"

namespace assay::convert {
namespace {

using tensors::Tensor;

constexpr std::string_view kSuffix = ".safetensors";

/// Strides of dimensions that have several indices: those of the others say nothing.
std::vector<std::uint64_t> meaningful_strides(const Tensor& t) {
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i < t.shape.size(); ++i)
    if (t.shape[i] > 1) out.push_back(t.strides[i]);
  return out;
}

/// Equal for tensors that are one and the same.
auto identity_of(const Tensor& t) {
  return std::tuple{t.where, t.begin, t.dtype, t.shape, meaningful_strides(t), t.swap};
}

class Planner {
 public:
  explicit Planner(const Request& request) : request_{request} {}

  Plan run() {
    look_for_collisions();
    if (!out_.refusal.empty()) return std::move(out_);
    for (std::size_t i = 0; i < request_.inputs.size(); ++i) tie(i);
    list_items();
    distribute();
    for (auto& output : out_.outputs) place(output);
    return std::move(out_);
  }

 private:
  const Tensor& tensor(std::size_t input, std::size_t i) const { return request_.inputs[input].set.tensors[i]; }
  const Tensor& tensor(const Item& item) const { return tensor(item.input, item.tensor); }

  /// Decides which of several names of one tensor is written.
  void tie(std::size_t input) {
    const auto& all = request_.inputs[input].set.tensors;
    std::map<decltype(identity_of(all[0])), std::vector<std::size_t>> same;
    std::map<std::pair<tensors::Where, std::uint64_t>, std::vector<std::size_t>> shared;  // by storage
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (tensors::bytes_of(all[i]) == 0) continue;
      same[identity_of(all[i])].push_back(i);
      shared[{all[i].where, all[i].storage.begin}].push_back(i);
    }
    for (const auto& [_, group] : same)
      if (group.size() > 1 && !request_.copy_tied) keep_one(input, group);
    for (const auto& [_, group] : shared)
      if (group.size() > 1) tell_overlap(input, group);
  }

  /// The first name in order that transformers does not leave out itself; as the reference tool chooses.
  void keep_one(std::size_t input, const std::vector<std::size_t>& group) {
    const auto better = [&](std::size_t a, std::size_t b) {
      const auto& x = tensor(input, a).name;
      const auto& y = tensor(input, b).name;
      const bool x_left_out = tensors::is_tied_name(request_.architecture, x);
      const bool y_left_out = tensors::is_tied_name(request_.architecture, y);
      return x_left_out != y_left_out ? y_left_out : x < y;
    };
    const auto kept = *std::min_element(group.begin(), group.end(), better);
    for (const auto i : group) {
      const auto& name = tensor(input, i).name;
      if (i == kept || !may_be_metadata(name)) continue;
      dropped_.insert({input, i});
      out_.tied.push_back({name, tensor(input, kept).name});
    }
  }

  /// Tensors that share some bytes and are not the same: each gets its own.
  void tell_overlap(std::size_t input, std::vector<std::size_t> group) {
    std::erase_if(group, [&](std::size_t i) { return dropped_.contains({input, i}); });
    std::sort(group.begin(), group.end(),
              [&](std::size_t a, std::size_t b) { return tensor(input, a).begin < tensor(input, b).begin; });
    const auto reach = [&](std::size_t i) { return reach_of(tensor(input, i)).value_or(0); };
    auto furthest = group.empty() ? 0 : group.front();
    for (std::size_t k = 1; k < group.size(); ++k) {
      const auto i = group[k];
      if (reach(furthest) > tensor(input, i).begin)
        out_.notices.push_back("'" + tensor(input, furthest).name + "' and '" + tensor(input, i).name +
                               "' share bytes in the source, or lie between each other; each has its own now");
      if (reach(i) > reach(furthest)) furthest = i;
    }
  }

  /// Also of names that will not be written: metadata must not say something else of a name than a tensor does.
  void look_for_collisions() {
    const auto& inputs = request_.inputs;
    std::set<std::string> products;
    for (const auto& name : request_.names)
      if (!products.insert(name).second) out_.refusal = "several of its files would become " + name;
    std::map<std::string, std::size_t> input_of;
    for (std::size_t input = 0; input < inputs.size(); ++input)
      for (const auto& t : inputs[input].set.tensors) {
        const auto [other, is_new] = input_of.try_emplace(name_of(input, t), input);
        if (is_new) continue;
        out_.refusal = "the tensor '" + name_of(input, t) + "' is in " + inputs[other->second].path + " and in " +
                       inputs[input].path;
        return;
      }
  }

  void list_items() {
    for (std::size_t input = 0; input < request_.inputs.size(); ++input) {
      const auto& all = request_.inputs[input].set.tensors;
      for (std::size_t i = 0; i < all.size(); ++i)
        if (!dropped_.contains({input, i})) items_.push_back({input, i, name_of(input, all[i])});
    }
  }

  /// A tensor without a name is called after its file, if it is the only one.
  std::string name_of(std::size_t input, const Tensor& t) const {
    if (!t.name.empty() || request_.inputs[input].set.tensors.size() > 1) return t.name;
    const auto name = name_in(request_.names.front());
    return to_utf8(name.substr(0, name.size() - (name.ends_with(kSuffix) ? kSuffix.size() : 0)));
  }

  void distribute() {
    const auto& names = request_.names;
    if (request_.shard_bytes == 0) {
      for (const auto& name : names) out_.outputs.push_back({name, {}});
      for (auto& item : items_) out_.outputs[names.size() == 1 ? 0 : item.input].items.push_back(std::move(item));
      std::erase_if(out_.outputs, [](const Output& o) { return o.items.empty(); });
      return;
    }
    std::vector<std::vector<Item>> parts(1);
    std::uint64_t bytes = 0;
    for (auto& item : items_) {
      const auto size = tensors::bytes_of(tensor(item));
      if (!parts.back().empty() && size > request_.shard_bytes - std::min(bytes, request_.shard_bytes)) {
        parts.emplace_back();
        bytes = 0;
      }
      bytes += size;
      parts.back().push_back(std::move(item));
    }
    for (std::size_t i = 0; i < parts.size(); ++i)
      out_.outputs.push_back(
          {parts.size() == 1 ? names.front() : part_name(names.front(), i + 1, parts.size()), std::move(parts[i])});
  }

  void place(Output& output) const {
    using Placed = format::safetensors::Tensor;
    std::map<std::string, Item> by_name;
    for (auto& item : output.items) {
      const auto& t = tensor(item);
      output.placed.push_back(Placed{item.name, t.dtype, t.shape, 0, 0});
      output.bytes += tensors::bytes_of(t);
      by_name.emplace(item.name, std::move(item));
    }
    format::safetensors::sort_for_writing(output.placed);
    output.items.clear();
    for (const auto& placed : output.placed) output.items.push_back(std::move(by_name.at(placed.name)));
  }

  const Request& request_;
  Plan out_;
  std::set<std::pair<std::size_t, std::size_t>> dropped_;  ///< input, tensor
  std::vector<Item> items_;
};

}  // namespace

Plan plan(const Request& request) { return Planner{request}.run(); }

std::string part_name(const std::string& path, std::size_t number, std::size_t of) {
  const auto five = [](std::size_t n) {
    const auto digits = std::to_string(n);
    return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
  };
  const auto stem = path.ends_with(kSuffix) ? path.substr(0, path.size() - kSuffix.size()) : path;
  return stem + "-" + five(number) + "-of-" + five(of) + std::string{kSuffix};
}

std::string index_name(const std::string& path) {
  return path + (path.ends_with(kSuffix) ? "" : std::string{kSuffix}) + ".index.json";
}

bool may_be_metadata(std::string_view name) { return name != kFormatKey && !name.starts_with(kSourceKeys); }

}  // namespace assay::convert
