#include "tensors/holders.h"

#include <algorithm>

namespace assay::tensors {
namespace {

using format::pickle::Tag;
using Value = Objects::Value;

bool is_node(const Value& v) { return format::pickle::is_node(v.tag); }
bool has_parts(const Value& v) { return is_node(v) || (v.tag >= Tag::tuple && v.tag <= Tag::frozenset); }

}  // namespace

bool Holders::explore(const Value& root) {
  if (has_parts(root)) waiting_.push_back(root);
  while (!waiting_.empty()) {
    const auto v = waiting_.back();
    waiting_.pop_back();
    if (seen_.insert(v.at).second && !look_at(v)) return false;
  }
  follow_backwards();
  return true;
}

bool Holders::look_at(const Value& v) {
  auto found = is_node(v) ? find_(v) : Found{};
  const bool is_tensor = found.kind != Found::Kind::other;
  const bool is_cheap = found.kind == Found::Kind::tensor && found.tensor.where == Where::file;
  if (is_tensor) ++tensors_;
  if (is_tensor && !is_cheap) found_.emplace(v.at, std::move(found));
  if (is_tensor || v.tag == Tag::persistent) {  // a storage, or something else that the file keeps outside the pickle
    holders_.insert(v.at);
    return tensors_ <= kMostTensors;
  }
  for (const auto& part : parts_of(v)) {
    ++looked_at_;
    if (!has_parts(part)) continue;
    references_.emplace_back(part.at, v.at);
    waiting_.push_back(part);
  }
  return references_.size() <= kMostReferences;
}

std::vector<Value> Holders::parts_of(const Value& v) const {
  if (!is_node(v)) return objects_.items(v);
  std::vector<Value> out;
  for (std::size_t i = 0; i < 3; ++i)
    if (const auto part = objects_.machine().node(v, i)) out.push_back(*part);
  for (const auto like : {Tag::dict, Tag::list})
    if (const auto filled = objects_.machine().filled(v, like)) out.push_back(*filled);
  return out;
}

void Holders::follow_backwards() {
  std::sort(references_.begin(), references_.end());
  std::vector<std::uint64_t> next{holders_.begin(), holders_.end()};
  while (!next.empty()) {
    const auto place = next.back();
    next.pop_back();
    auto it = std::lower_bound(references_.begin(), references_.end(), std::pair{place, std::uint64_t{0}});
    for (; it != references_.end() && it->first == place; ++it)
      if (holders_.insert(it->second).second) next.push_back(it->second);
  }
  references_ = {};
}

Found Holders::found(const Value& v) const {
  if (!is_node(v) || !holds(v)) return {};
  const auto known = found_.find(v.at);
  return known == found_.end() ? find_(v) : known->second;
}

bool Holders::reaches(const Value& from, const std::unordered_set<std::uint64_t>& places) {
  waiting_.assign(1, from);
  while (!waiting_.empty()) {
    const auto v = waiting_.back();
    waiting_.pop_back();
    if (!has_parts(v)) continue;
    if (places.contains(v.at)) return true;
    if (!passed_.insert(v.at).second) continue;
    const auto parts = parts_of(v);
    waiting_.insert(waiting_.end(), parts.begin(), parts.end());
  }
  return false;
}

bool Holders::holds(const Value& v) const { return has_parts(v) && holders_.contains(v.at); }

}  // namespace assay::tensors
